"""Results, retries, chains, groups, chords: with a worker of the pool "solo" and one of the pool "prefork"."""
import time

import pytest
from celery import chain, chord, group


def test_result_by_rpc(crew):
    result = crew.tasks["tasks.add"].delay(4, 4)
    assert result.get(timeout=10) == 8
    assert result.ready()


def test_many_results(crew):
    add = crew.tasks["tasks.add"]
    results = [add.delay(n, n) for n in range(100)]
    assert [r.get(timeout=20) for r in results] == [2 * n for n in range(100)]


def test_a_large_argument_and_result(crew):
    text = "x" * 3_000_000      # several body frames each way
    assert crew.tasks["tasks.add"].delay(text, "y").get(timeout=20) == text + "y"


def test_a_failure_comes_back_as_the_exception(crew):
    with pytest.raises(TypeError):
        crew.tasks["tasks.add"].delay(1, "one").get(timeout=10)


def test_retry_with_countdown(crew):
    started = time.monotonic()
    assert crew.tasks["tasks.flaky"].delay(2, 0.2).get(timeout=20) == 2
    assert time.monotonic() - started >= 0.4


def test_retries_that_run_out(crew):
    with pytest.raises(ValueError, match="try 5"):
        crew.tasks["tasks.flaky"].delay(9, 0.01).get(timeout=20)


def test_countdown(crew):
    started = time.monotonic()
    assert crew.tasks["tasks.add"].apply_async((1, 2), countdown=0.5).get(timeout=10) == 3
    assert time.monotonic() - started >= 0.5


def test_an_expired_task_is_not_run(crew):
    from celery.exceptions import TaskRevokedError
    with pytest.raises(TaskRevokedError):
        crew.tasks["tasks.add"].apply_async((1, 2), expires=-1).get(timeout=10)


def test_chain(crew):
    add = crew.tasks["tasks.add"]
    assert chain(add.s(1, 2), add.s(3), add.s(4)).apply_async().get(timeout=10) == 10


def test_group(crew):
    add = crew.tasks["tasks.add"]
    assert group([add.s(n, 1) for n in range(10)]).apply_async().get(timeout=10) == list(range(1, 11))


@pytest.mark.parametrize("pool", ["solo", "prefork"])
def test_chord(make, start, tmp_path, pool):
    app = make("file://%s" % tmp_path)
    add = app.tasks["tasks.add"]
    start(app, pool=pool, concurrency=1 if pool == "solo" else 2)
    result = chord([add.s(n, n) for n in range(5)])(app.tasks["tasks.total"].s())
    assert result.get(timeout=20, interval=0.05) == 20
