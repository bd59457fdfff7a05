"""Remote control and events: what Celery does over fan-out exchanges and queues that expire."""
import subprocess
import sys

import pytest
from celery.exceptions import TaskRevokedError

from support import HERE, Process, wait_until, worker_environment


def mine(replies, app):
    """The one worker's answer; other workers share neither its virtual host nor its queue."""
    assert list(replies) == [app.worker.name]
    return replies[app.worker.name]


def test_ping(crew):
    assert crew.control.ping(timeout=5, limit=1) == [{crew.worker.name: {"ok": "pong"}}]
    assert mine(crew.control.inspect(timeout=5, limit=1).ping(), crew) == {"ok": "pong"}


def test_ping_by_name(crew):
    chosen = crew.control.inspect([crew.worker.name], timeout=5, limit=1)
    assert mine(chosen.ping(), crew) == {"ok": "pong"}
    nobody = crew.control.inspect(["nobody@leveret"], timeout=0.3)
    assert not nobody.ping()


def test_inspect_active(make, start, fifo):
    app = make()
    app.worker = start(app, pool="prefork")     # a solo worker answers nothing while it runs a task
    held = app.tasks["tasks.hold"].delay(fifo.path)
    fifo.entered()
    active = mine(app.control.inspect(timeout=5, limit=1).active(), app)
    assert [(t["id"], t["name"]) for t in active] == [(held.id, "tasks.hold")]
    fifo.open()
    assert held.get(timeout=10)["redelivered"] is False


def test_inspect_stats_and_lists(crew):
    ask = crew.control.inspect(timeout=5, limit=1)
    stats = mine(ask.stats(), crew)
    assert stats["broker"]["transport"] == "amqp"
    assert stats["prefetch_count"] == 4 * (2 if crew.pool_kind == "prefork" else 1)
    assert "tasks.add" in mine(ask.registered(), crew)
    assert [q["name"] for q in mine(ask.active_queues(), crew)] == ["celery"]
    assert mine(ask.scheduled(), crew) == []
    assert mine(ask.reserved(), crew) == []


def test_the_command_line_inspects(crew):
    done = subprocess.run([sys.executable, "-m", "celery", "-A", "tasks", "inspect", "-t", "5", "ping",
                           "-d", crew.worker.name], cwd=HERE, env=worker_environment(crew), text=True,
                          capture_output=True, timeout=30)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pong" in done.stdout


def test_revoke_before_it_runs(crew):
    late = crew.tasks["tasks.add"].apply_async((1, 1), countdown=60)
    ask = crew.control.inspect(timeout=5, limit=1)
    wait_until(lambda: [t for t in mine(ask.scheduled(), crew) if t["request"]["id"] == late.id], 10, "scheduled")
    late.revoke()
    wait_until(lambda: late.id in mine(ask.revoked(), crew), 10, "revoked")
    # Revoked before its time: the same id sent again is refused at once.
    again = crew.tasks["tasks.add"].apply_async((1, 1), task_id=late.id)
    with pytest.raises(TaskRevokedError):
        again.get(timeout=10)


def test_revoke_and_terminate(make, start, fifo):
    app = make()
    start(app, pool="prefork")
    held = app.tasks["tasks.hold"].delay(fifo.path)
    fifo.entered()
    held.revoke(terminate=True, signal="SIGKILL")
    with pytest.raises(TaskRevokedError):
        held.get(timeout=10)


def test_shutdown(make, start):
    app = make()
    leaving, staying = start(app), start(app)
    app.control.shutdown(destination=[leaving.name])
    assert leaving.wait() == 0
    assert list(app.control.inspect(timeout=5, limit=1).ping()) == [staying.name]
    app.control.broadcast("shutdown")
    assert staying.wait() == 0


def test_events_are_received(crew):
    """`worker -E` tells of tasks; a receiver in this process listens."""
    seen = []

    def on_event(event):
        seen.append((event.get("uuid"), event["type"]))

    with crew.connection() as connection:
        receiver = crew.events.Receiver(connection, handlers={"*": on_event})
        with receiver.consumer_context() as (listening, _, _):
            result = crew.tasks["tasks.add"].delay(2, 2)
            while (result.id, "task-succeeded") not in seen:
                listening.drain_events(timeout=10)
        assert result.get(timeout=10) == 4
    mine = [kind for task, kind in seen if task == result.id]
    assert mine == ["task-received", "task-started", "task-succeeded"]


def test_events_dump(crew):
    """`celery events --dump` prints what the workers tell."""
    dump = Process([sys.executable, "-m", "celery", "-A", "tasks", "events", "--dump"], cwd=HERE,
                   env=worker_environment(crew))
    try:
        dump.line("evdump: starting")
        # Heartbeats of the worker come every two seconds: the first shows that the dump listens.
        dump.line("heartbeat|worker-online")
        crew.tasks["tasks.add"].delay(3, 4).get(timeout=10)
        assert "tasks.add" in dump.line("task received")
        dump.line("task succeeded")
    finally:
        dump.stop()


def test_consumers_and_the_pool_change_at_run_time(make, start):
    app = make(worker_prefetch_multiplier=1)
    worker = start(app, pool="prefork")
    ask = app.control.inspect([worker.name], timeout=5, limit=1)

    def prefetch():
        return ask.stats()[worker.name]["prefetch_count"]

    assert prefetch() == 1
    assert app.control.pool_grow(2, reply=True, timeout=5, limit=1)
    wait_until(lambda: prefetch() == 3, 10, "a prefetch of 3")
    assert app.control.pool_shrink(1, reply=True, timeout=5, limit=1)
    wait_until(lambda: prefetch() == 2, 10, "a prefetch of 2")

    assert app.control.add_consumer("extra", reply=True, timeout=5, limit=1)
    assert app.tasks["tasks.add"].apply_async((1, 2), queue="extra").get(timeout=10) == 3
    assert sorted(q["name"] for q in ask.active_queues()[worker.name]) == ["celery", "extra"]
    assert app.control.cancel_consumer("extra", reply=True, timeout=5, limit=1)
    wait_until(lambda: [q["name"] for q in ask.active_queues()[worker.name]] == ["celery"], 10, "one queue")
    assert app.tasks["tasks.add"].delay(2, 3).get(timeout=10) == 5


def test_rate_limit_at_run_time(crew):
    reply = crew.control.rate_limit("tasks.total", "100/s", reply=True, timeout=5, limit=1)
    assert reply == [{crew.worker.name: {"ok": "new rate limit set successfully"}}]
