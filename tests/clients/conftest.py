"""Fixtures: the broker, a virtual host for each test, Celery applications and workers."""
import importlib.util
import os
import sys

import pytest

sys.dont_write_bytecode = True
# The environment of an old Celery has no other clients: their tests are those of the newest one.
NEEDS = {"test_pika.py": "pika", "test_streams.py": "pika", "test_tls.py": "pika", "test_aio_pika.py": "aio_pika"}
collect_ignore = [test for test, client in NEEDS.items() if importlib.util.find_spec(client) is None]

from fixtures import broker, pytest_terminal_summary, vhost     # noqa: E402, F401
from support import Worker     # noqa: E402
from tasks import make_app      # noqa: E402


@pytest.fixture
def url(broker, vhost):
    return broker.url(vhost)


def new_app(broker_url, backend="rpc://", **settings):
    app = make_app(broker_url, backend, **settings)
    app.test_broker, app.test_backend, app.test_settings = broker_url, backend, settings
    return app


def close_app(app):
    app.backend.cleanup() if app.test_backend.startswith("file:") else None
    app.close()


@pytest.fixture
def make(url):
    """make(backend, **settings): a Celery application in the test's own virtual host."""
    apps = []

    def factory(backend="rpc://", **settings):
        apps.append(new_app(url, backend, **settings))
        return apps[-1]

    yield factory
    for app in apps:
        close_app(app)


@pytest.fixture
def start():
    """start(app, *arguments, pool=…): a worker that is stopped after the test."""
    workers = []

    def factory(app, *args, **kw):
        workers.append(Worker(app, *args, **kw))
        return workers[-1]

    yield factory
    for w in workers:       # not asked to leave: that takes seconds, and is tested where it matters
        w.kill()


@pytest.fixture(scope="session", params=["solo", "prefork"])
def crew(request, broker):
    """A worker that serves many tests, with all that a worker does by default, events and heartbeats."""
    name = broker.vhost("clients-crew-%s-%d" % (request.param, os.getpid()))
    app = new_app(broker.url(name), broker_heartbeat=4)
    app.pool_kind = request.param
    worker = Worker(app, "-E", pool=request.param, concurrency=2 if request.param == "prefork" else 1, quick=False)
    app.worker = worker
    yield app
    close_app(app)
    worker.stop()
    broker.drop_vhost(name)
    # Told here, because nothing else would notice a connection that was lost and made again.
    assert broker.restarts or not [line for line in worker.lines if "Connection to broker lost" in line]


@pytest.fixture
def fifo(tmp_path):
    """The two named pipes by which tasks.hold and a test meet."""
    base = tmp_path / "gate"
    for end in (".in", ".out"):
        os.mkfifo(str(base) + end)
    return Gate(str(base))


class Gate:
    def __init__(self, path):
        self.path = path

    def entered(self):
        """Wait until the task runs; its process id."""
        with open(self.path + ".out") as out:
            return int(out.read())

    def open(self):
        """Let the task go on."""
        with open(self.path + ".in", "w") as gate:
            gate.write("go")
