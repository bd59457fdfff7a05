"""What a broker owes to workers that die, compete, prefer some messages, or lose their connection."""
import os
import signal

import pytest
from kombu import Queue

from conftest import close_app, new_app
from support import Leveret, next_number, wait_until


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_a_killed_worker_gives_its_task_back(make, start, fifo, pool):
    app = make()
    victim = start(app, pool=pool)
    held = app.tasks["tasks.hold"].delay(fifo.path)
    fifo.entered()
    victim.kill()
    heir = start(app, pool=pool)
    got = held.get(timeout=20)
    assert (got["worker"], got["redelivered"]) == (heir.name, True)


def test_a_killed_pool_process_gives_its_task_back(make, start, fifo):
    app = make()
    start(app, pool="prefork")
    held = app.tasks["tasks.hold"].delay(fifo.path)
    child = fifo.entered()
    os.kill(child, signal.SIGKILL)
    got = held.get(timeout=20)
    assert got["redelivered"] is True and got["pid"] != child


def test_a_task_acknowledged_early_is_lost_with_its_worker(make, start, fifo, broker, vhost):
    app = make(task_annotations={"tasks.hold": {"acks_late": False}})
    victim = start(app, pool="prefork")     # a solo worker sends its acknowledgement after the task all the same
    app.tasks["tasks.hold"].delay(fifo.path)
    fifo.entered()
    # The pool process is in the task before the worker has sent the acknowledgement.
    row = "/api/queues/%s/celery" % vhost
    wait_until(lambda: broker.management.get(row).get("messages_unacknowledged") == 0, 20, "the acknowledgement")
    victim.kill()
    with app.connection() as connection:
        queue = Queue("celery", channel=connection.default_channel)
        wait_until(lambda: queue.queue_declare(passive=True).consumer_count == 0, 10, "no consumers")
        assert queue.queue_declare(passive=True).message_count == 0


def test_two_workers_share_a_queue(make, start, fifo):
    """One worker is busy, so the other one takes what comes; then both have worked."""
    app = make(worker_prefetch_multiplier=1, task_acks_late=True)
    workers = [start(app), start(app)]
    held = app.tasks["tasks.hold"].delay(fifo.path)
    fifo.entered()
    results = [app.tasks["tasks.where"].delay() for _ in range(10)]
    free = {r.get(timeout=10)["worker"] for r in results}
    fifo.open()
    busy = held.get(timeout=10)["worker"]
    assert free | {busy} == {w.name for w in workers} and len(free) == 1


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_priorities(make, start, pool):
    queue = Queue("urgent", queue_arguments={"x-max-priority": 9})
    app = make(worker_prefetch_multiplier=1, task_acks_late=True, task_default_queue="urgent")
    app.conf.task_queues = [queue]
    order = app.tasks["tasks.order"]
    results = [order.apply_async(("%d%s" % (p, twin),), priority=p, queue="urgent")
               for p in (1, 9, 5, 0) for twin in "ab"]
    start(settings_with_queue(app), "-Q", "urgent", pool=pool)
    got = sorted((r.get(timeout=20) for r in results), key=lambda labelled: labelled[1])
    assert [label for label, _ in got] == ["9a", "9b", "5a", "5b", "1a", "1b", "0a", "0b"]


def settings_with_queue(app):
    """The worker declares the queue by itself: it is told by the one setting that JSON can carry."""
    app.test_settings["task_queue_max_priority"] = 9
    return app


@pytest.fixture
def mortal(broker):
    """A broker that may be restarted: one for this test alone, where we start brokers ourselves."""
    if not broker.can_restart:
        pytest.skip("BROKER_RESTART does not say how to restart this broker")
    own = type(broker)() if isinstance(broker, Leveret) else broker
    yield own
    if own is not broker:
        own.stop()


def test_the_worker_outlives_the_broker(mortal, start):
    # In the virtual host that a broker without memory has by itself.
    queue = "outlives-%d" % next_number()
    app = new_app(mortal.url(), task_default_queue=queue, broker_connection_max_retries=None)
    worker = start(app, "-Q", queue)
    assert app.tasks["tasks.add"].delay(1, 1).get(timeout=10) == 2
    close_app(app)
    before = len(worker.lines)
    mortal.restart()
    worker.line("Connected to amqp", 30, after=before)
    again = new_app(mortal.url(), task_default_queue=queue)
    assert again.tasks["tasks.add"].delay(2, 2).get(timeout=20) == 4
    assert worker.popen.poll() is None
    with again.connection() as connection:
        connection.default_channel.queue_delete(queue)
    close_app(again)
