"""Celery's tutorial with RabbitMQ, step by step: user, virtual host, tags, permissions, a worker, 4 + 4."""
import re

import pytest

from conftest import close_app, new_app
from support import wait_until

USER, VHOST = "hello", "hellohost"


@pytest.fixture
def hello(broker):
    """The user and the virtual host of the tutorial, made as it says."""
    if not broker.can_ctl:
        pytest.skip("RABBITMQCTL does not say how to run rabbitmqctl for this broker")

    def forget():
        broker.management.delete("/api/users/" + USER)
        broker.management.delete("/api/vhosts/" + VHOST)

    forget()
    broker.ctl("add_user", USER, "secret")
    broker.ctl("add_vhost", VHOST)
    broker.ctl("set_user_tags", USER, "mytag")
    broker.ctl("set_permissions", "-p", VHOST, USER, ".*", ".*", ".*")
    app = new_app(broker.url(VHOST, USER, "secret"))
    yield app
    close_app(app)
    forget()


def queues(broker):
    """{name: (messages, consumers)} as list_queues prints them."""
    rows = [line.split("\t") for line in broker.ctl(
        "list_queues", "-p", VHOST, "name", "messages", "consumers").splitlines()]
    return {r[0]: (int(r[1]), int(r[2])) for r in rows if len(r) == 3 and r[1].isdigit()}


def test_tutorial(broker, hello, start):
    assert re.search(r"RabbitMQ version|Leveret", broker.ctl("status"))
    assert re.search(r"^hello\t\[mytag\]$", broker.ctl("list_users"), re.M)
    assert re.search(r"^hello\t\.\*\t\.\*\t\.\*$", broker.ctl("list_permissions", "-p", VHOST), re.M)

    waiting = hello.tasks["tasks.add"].delay(4, 4)
    assert not waiting.ready()
    assert queues(broker)["celery"] == (1, 0)

    start(hello, quick=False)
    assert waiting.get(timeout=10) == 8
    assert waiting.ready() and waiting.successful() and waiting.state == "SUCCESS"
    result = hello.tasks["tasks.add"].delay(4, 4)
    assert result.get(timeout=10) == 8
    assert result.ready()
    wait_until(lambda: queues(broker)["celery"] == (0, 1), 10, "the last acknowledgement")


def test_a_wrong_password_is_refused(broker, hello):
    with new_app(broker.url(VHOST, USER, "wrong")).connection() as connection:
        with pytest.raises(Exception, match="ACCESS_REFUSED"):
            connection.connect()


def test_a_user_without_permission_is_refused(broker, hello):
    broker.ctl("clear_permissions", "-p", VHOST, USER)
    with hello.connection() as connection:
        with pytest.raises(Exception, match="access to vhost 'hellohost' refused|not allowed|ACCESS_REFUSED"):
            connection.connect()
