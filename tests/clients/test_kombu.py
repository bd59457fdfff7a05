"""kombu and py-amqp by themselves: prefetch, confirms, heartbeats, and result queues as Celery 4 had them."""
import time
import uuid

import amqp
import pytest
from kombu import Connection, Consumer, Exchange, Producer, Queue

from support import wait_until


@pytest.fixture
def connection(url):
    with Connection(url, transport_options={"confirm_publish": True}) as c:
        yield c


def filled(connection, name, n):
    """A queue with n messages in it, every one confirmed."""
    queue = Queue(name, durable=True, channel=connection.channel())
    queue.declare()
    producer = Producer(connection.channel())
    for i in range(n):
        producer.publish({"n": i}, routing_key=name)
    return queue


def settle(channel, queue):
    """Two questions and answers on a channel: whatever was to be delivered on it has been sent before the second."""
    for _ in range(2):
        ready = channel.queue_declare(queue, passive=True).message_count
    return ready


@pytest.mark.parametrize("shared, delivered", [(False, 6), (True, 3)], ids=["per-consumer", "per-channel"])
def test_prefetch_of_two_consumers(connection, shared, delivered):
    filled(connection, "prefetch", 10)
    channel = connection.channel()
    channel.basic_qos(0, 3, shared)
    got = []
    for tag in "ab":
        channel.basic_consume("prefetch", tag, callback=got.append)
    assert settle(channel, "prefetch") == 10 - delivered
    while len(got) < delivered:
        connection.drain_events(timeout=5)
    got[0].channel.basic_ack(got[0].delivery_tag)
    while len(got) < delivered + 1:
        connection.drain_events(timeout=5)
    assert settle(channel, "prefetch") == 10 - delivered - 1


@pytest.mark.parametrize("shared", [False, True], ids=["per-consumer", "per-channel"])
def test_prefetch_changed_under_a_consumer(connection, shared):
    """With global=true the new value holds for consumers that exist; otherwise only for later ones."""
    filled(connection, "changing", 10)
    channel = connection.channel()
    got = []
    channel.basic_qos(0, 1, shared)
    channel.basic_consume("changing", "a", callback=got.append)
    assert settle(channel, "changing") == 9
    channel.basic_qos(0, 4, shared)
    assert settle(channel, "changing") == (6 if shared else 9)
    channel.basic_consume("changing", "b", callback=got.append)
    assert settle(channel, "changing") == (6 if shared else 5)


def test_a_confirm_is_waited_for_and_a_refusal_is_told(connection):
    channel = connection.channel()
    Queue("full", channel=channel, queue_arguments={"x-max-length": 1, "x-overflow": "reject-publish"}).declare()
    producer = Producer(channel)
    producer.publish("first", routing_key="full")
    with pytest.raises(amqp.exceptions.MessageNacked):
        producer.publish("second", routing_key="full")
    assert channel.queue_declare("full", passive=True).message_count == 1


def test_an_unroutable_message_comes_back(connection):
    returned = []
    producer = Producer(connection.channel(), on_return=lambda *a: returned.append((a[0].reply_code, a[2])))
    producer.publish("x", routing_key="nowhere", mandatory=True)
    assert returned == [(312, "nowhere")]


def test_heartbeats_keep_a_connection(url):
    with Connection(url, heartbeat=1) as c:
        c.connect()
        assert c.get_heartbeat_interval() == 1
        transport = c.connection
        received = transport.bytes_recv
        deadline = time.monotonic() + 3.5
        while time.monotonic() < deadline:
            c.heartbeat_check(rate=2)
            try:
                c.drain_events(timeout=0.4)
            except TimeoutError:
                pass
        assert transport.bytes_recv > received, "the broker sent no heartbeat"
        assert Queue("alive", exclusive=True, channel=c.default_channel).queue_declare()


def test_a_silent_client_is_dropped(url):
    with Connection(url, heartbeat=1) as c:
        c.connect()
        started = time.monotonic()
        with pytest.raises(c.connection_errors):
            while time.monotonic() < started + 10:
                try:
                    c.drain_events(timeout=10)      # nothing is sent from here
                except TimeoutError:
                    pass
        assert 1 < time.monotonic() - started < 6


class ResultQueues:
    """Results as the amqp:// backend of Celery 4 kept them: a queue for each task, named by it, that expires."""

    def __init__(self, connection, expires):
        self.connection = connection
        self.exchange = Exchange("celeryresults", "direct", durable=True, delivery_mode=2)
        self.expires = expires

    def queue(self, task):
        name = task.replace("-", "")
        return Queue(name, self.exchange, routing_key=name, durable=True, auto_delete=True, expires=self.expires)

    def store(self, task, state, result=None):
        with self.connection.channel() as channel:
            queue = self.queue(task)
            Producer(channel).publish({"task_id": task, "status": state, "result": result}, exchange=self.exchange,
                                      routing_key=queue.name, declare=[queue], retry=False, delivery_mode=2)

    def peek(self, task):
        """The last state that was stored; it stays in the queue."""
        with self.connection.channel() as channel:
            queue = self.queue(task)(channel)
            queue.declare()
            last = None
            while True:
                message = queue.get(accept=["json"], no_ack=False)
                if message is None:
                    break
                if last is not None:
                    last.ack()
                last = message
            if last is None:
                return None
            last.requeue()
            return last.payload


def test_result_queues_of_celery_4(connection):
    results = ResultQueues(connection, expires=60)
    task = str(uuid.uuid4())
    assert results.peek(task) is None
    results.store(task, "STARTED")
    results.store(task, "SUCCESS", 8)
    for _ in range(3):
        assert results.peek(task)["status"] == "SUCCESS"
    assert results.peek(task)["result"] == 8
    # Only the last state is left, seen again and again.
    assert connection.default_channel.queue_declare(task.replace("-", ""), passive=True).message_count == 1


def test_result_queues_expire(connection, broker, vhost):
    results = ResultQueues(connection, expires=0.5)
    task = str(uuid.uuid4())
    results.store(task, "SUCCESS", 8)

    def gone():
        # Asked by HTTP, because a declaration, even a passive one, is a use that puts the expiry off.
        return task.replace("-", "") not in [q["name"] for q in broker.management.get("/api/queues/" + vhost)]

    wait_until(gone, 5, "the result queue to expire")
    assert results.peek(task) is None


def test_a_result_queue_with_a_waiting_consumer(connection):
    results = ResultQueues(connection, expires=60)
    task = str(uuid.uuid4())
    got = []
    with Consumer(connection.channel(), [results.queue(task)], accept=["json"], no_ack=True,
                  callbacks=[lambda body, _: got.append(body)]):
        results.store(task, "SUCCESS", "done")
        while not got:
            connection.drain_events(timeout=5)
    assert got[0]["result"] == "done"
    # Its last consumer is gone, and with it the queue.
    with connection.channel() as channel, pytest.raises(amqp.exceptions.NotFound):
        channel.queue_declare(task.replace("-", ""), passive=True)


def test_a_requeued_message_is_marked(connection):
    queue = filled(connection, "again", 1)
    first = queue.get(no_ack=False)
    assert first.delivery_info["redelivered"] is False
    first.requeue()
    second = queue.get(no_ack=False)
    assert second.delivery_info["redelivered"] is True
    second.ack()
    assert queue.get() is None
