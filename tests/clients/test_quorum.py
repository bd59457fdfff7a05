"""Celery on quorum queues: prefetch without `global`, redelivery, and native delayed delivery over its 28 levels."""
import celery
import pytest

from support import Leveret, wait_until

pytestmark = pytest.mark.skipif(celery.VERSION < (5, 5), reason="this Celery knows nothing of quorum queues")

HOUR = 3600
LEVELS = 28
QUORUM = dict(task_default_queue="work", task_default_queue_type="quorum", task_default_exchange="work",
              task_default_exchange_type="topic", task_default_routing_key="work", worker_detect_quorum_queues=True,
              broker_native_delayed_delivery_queue_type="quorum")


def queues(broker, vhost):
    return {q["name"]: q for q in broker.management.get("/api/queues/" + vhost)}


def waiting(broker, vhost):
    """How many messages wait in the levels."""
    return sum(q["messages_ready"] for name, q in queues(broker, vhost).items() if name.startswith("celery_delayed_"))


@pytest.fixture
def later(broker, vhost):
    """later(seconds): let that much time pass in the test's virtual host."""
    if not isinstance(broker, Leveret):
        pytest.skip("only Leveret's clock can be moved")
    return lambda seconds: broker.management.request("POST", "/dev/clock", {"vhost": vhost, "advance_ms": seconds * 1000})


def test_tasks_go_through_a_quorum_queue(make, start, broker, vhost):
    app = make(**QUORUM)
    worker = start(app)
    add = app.tasks["tasks.add"]
    results = [add.delay(i, i) for i in range(20)]
    assert [r.get(timeout=10) for r in results] == [i + i for i in range(20)]
    there = queues(broker, vhost)
    assert there["work"]["type"] == "quorum"
    levels = [there["celery_delayed_%d" % level] for level in range(LEVELS)]
    assert {q["type"] for q in levels} == {"quorum"}
    assert [q["arguments"]["x-message-ttl"] for q in levels] == [2 ** level * 1000 for level in range(LEVELS)]
    assert worker.popen.poll() is None


def test_a_killed_worker_gives_its_task_back(make, start, fifo):
    app = make(**QUORUM)
    first = start(app)
    result = app.tasks["tasks.hold"].delay(fifo.path)
    fifo.entered()
    first.kill()
    second = start(app)
    done = result.get(timeout=15)
    assert (done["worker"], done["redelivered"]) == (second.name, True)


def test_a_task_of_the_next_hour(make, start, broker, vhost, later):
    app = make(**QUORUM)
    start(app)
    add = app.tasks["tasks.add"]
    soon, late = (add.apply_async((1, seconds), countdown=seconds) for seconds in (HOUR, HOUR + HOUR // 2))
    wait_until(lambda: waiting(broker, vhost) == 2, what="both wait in the broker")
    later(HOUR - 10)
    wait_until(lambda: queues(broker, vhost)["celery_delayed_11"]["messages_ready"] == 0, what="both have moved on")
    assert waiting(broker, vhost) == 2
    later(15)
    assert soon.get(timeout=10) == 1 + HOUR
    assert waiting(broker, vhost) == 1
    assert not late.ready()
    later(HOUR // 2)
    assert late.get(timeout=10) == 1 + HOUR + HOUR // 2
    assert waiting(broker, vhost) == 0


def test_a_retry_waits_in_the_broker(make, start, broker, vhost, later):
    app = make(**QUORUM)
    start(app)
    result = app.tasks["tasks.flaky"].delay(2, HOUR)
    for _ in range(2):
        wait_until(lambda: waiting(broker, vhost) == 1, what="the retry waits in the broker")
        later(HOUR + 5)
    assert result.get(timeout=10) == 2


def test_what_is_delayed_outlives_its_worker(make, start, broker, vhost, later):
    app = make(**QUORUM)
    first = start(app)
    result = app.tasks["tasks.add"].apply_async((2, 3), countdown=12 * HOUR)
    wait_until(lambda: waiting(broker, vhost) == 1, what="it waits in the broker")
    first.kill()
    later(12 * HOUR + 5)
    wait_until(lambda: queues(broker, vhost)["work"]["messages_ready"] == 1, what="it is due and nobody is there")
    start(app)
    assert result.get(timeout=10) == 5
