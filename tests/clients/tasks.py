"""The Celery application that the tests run, in their own process and in the workers they start.

A worker process builds `app` from its environment: TASKS_BROKER, TASKS_BACKEND and TASKS_SETTINGS (JSON).
"""
import itertools
import json
import os

from celery import Celery
from celery.signals import before_task_publish

started = itertools.count(1)


@before_task_publish.connect
def forget_eta(headers, exchange, **_):
    """A test moves the clock of the broker, which delays the task; the worker's own would hold it back once more."""
    if "celery_delayed" in str(exchange):
        headers["eta"] = None


def make_app(broker, backend="rpc://", **settings):
    """A Celery application with the tasks below, talking to `broker`."""
    app = Celery("tasks", broker=broker, backend=backend, set_as_current=False)
    app.conf.update(
        broker_connection_retry_on_startup=True,
        broker_connection_timeout=5,
        broker_transport_options={"confirm_publish": True},
        enable_utc=True,
        worker_hijack_root_logger=True,
        # A chord looks for its parts this often; the default of 1 s only makes the tests slow.
        result_chord_retry_interval=0.1,
    )
    app.conf.update(settings)

    @app.task(shared=False, name="tasks.add")
    def add(x, y):
        return x + y

    @app.task(shared=False, name="tasks.total")
    def total(numbers):
        return sum(numbers)

    @app.task(shared=False, name="tasks.order")
    def order(label):
        """Which call of this task, counted in this process, this one was."""
        return [label, next(started)]

    @app.task(shared=False, name="tasks.where", bind=True)
    def where(self):
        """The worker that ran it, and whether the broker said that the message had been delivered before."""
        return {"worker": self.request.hostname, "redelivered": self.request.delivery_info["redelivered"],
                "pid": os.getpid()}

    @app.task(shared=False, name="tasks.flaky", bind=True, max_retries=5)
    def flaky(self, failures, countdown):
        """Fails `failures` times, each time asking for another try after `countdown` seconds."""
        if self.request.retries < failures:
            raise self.retry(countdown=countdown, exc=ValueError("try %d" % self.request.retries))
        return self.request.retries

    @app.task(shared=False, name="tasks.hold", bind=True, acks_late=True, reject_on_worker_lost=True)
    def hold(self, fifo, once=True):
        """Tells its process id through the named pipe `fifo`.out and waits until something comes through `fifo`.in.

        A redelivered message does not wait when `once`: it is the second try of a worker that was killed.
        """
        redelivered = self.request.delivery_info["redelivered"]
        if not (once and redelivered):
            with open(fifo + ".out", "w") as out:
                out.write(str(os.getpid()))
            with open(fifo + ".in") as wait:
                wait.read()
        return {"worker": self.request.hostname, "redelivered": redelivered, "pid": os.getpid()}

    return app


if "TASKS_BROKER" in os.environ:
    app = make_app(os.environ["TASKS_BROKER"], os.environ.get("TASKS_BACKEND", "rpc://"),
                   **json.loads(os.environ.get("TASKS_SETTINGS", "{}")))
