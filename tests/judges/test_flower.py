"""Flower's page of queues, which it reads from the management API, beside a Celery worker."""
import base64
import json
import sys
import urllib.request

import pytest

from conftest import HERE
from support import Process, Worker, wait_until, worker_environment
from tasks import make_app


@pytest.fixture
def app(broker, vhost):
    app = make_app(broker.url(vhost), "rpc://")
    app.test_broker, app.test_backend, app.test_settings = broker.url(vhost), "rpc://", {}
    yield app
    app.close()


@pytest.fixture
def worker(app):
    worker = Worker(app, "-E")
    yield worker
    worker.kill()


@pytest.fixture
def flower(app, broker, worker):
    api = broker.management.base.replace("http://", "http://guest:guest@") + "/api/"
    process = Process([sys.executable, "-m", "celery", "-A", "tasks", "flower", "--address=127.0.0.1", "--port=0",
                       "--broker_api=" + api, "--basic_auth=judge:judge"],
                      cwd=HERE.parent / "clients", env=dict(worker_environment(app), FLOWER_UNAUTHENTICATED_API="true"))
    line = process.line(r"Visit me at ", 30)
    yield line.rsplit("://", 1)[1].strip()
    process.stop()


def page(address, path):
    request = urllib.request.Request("http://%s%s" % (address, path))
    request.add_header("Authorization", "Basic " + base64.b64encode(b"judge:judge").decode())
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read().decode()


def test_flower_shows_the_queues(app, flower):
    add = app.tasks["tasks.add"]
    # Nobody reads the second queue, so its messages can be counted.
    for n in range(3):
        add.apply_async((n, 1), queue="unread")
    assert add.apply_async((1, 2)).get(timeout=20) == 3
    # The result comes over another connection than the acknowledgement, and may be here first.
    def lengths():
        shown = json.loads(page(flower, "/api/queues/length"))["active_queues"]
        return [(q["name"], q["messages"]) for q in shown]

    wait_until(lambda: lengths() == [("celery", 0)], 20, "the length of the one active queue")
    listed = page(flower, "/broker")
    assert "celery" in listed
