"""pika on streams: many readers, offsets, filters, retention."""
import pika
import pytest

from support import wait_until

STREAM = {"x-queue-type": "stream"}


@pytest.fixture
def channel(url):
    connection = pika.BlockingConnection(pika.URLParameters(url + "?heartbeat=10"))
    yield connection.channel()
    if connection.is_open:
        connection.close()


def declare(channel, **more):
    arguments = {**STREAM, **{key.replace("_", "-"): value for key, value in more.items()}}
    channel.queue_declare("s", durable=True, arguments=arguments)
    channel.confirm_delivery()


def publish(channel, bodies, **headers):
    """Each is confirmed before the next, so each is a chunk of its own."""
    properties = pika.BasicProperties(headers={key.replace("_", "-"): value for key, value in headers.items()})
    for body in bodies:
        channel.basic_publish("", "s", body, properties)


def read(channel, n, **arguments):
    """The first n messages that a reader gets, as offset and body; each acknowledged."""
    channel.basic_qos(prefetch_count=10)
    arguments = {"x-stream-" + key.replace("_", "-"): value for key, value in arguments.items()}
    got = []
    for method, properties, body in channel.consume("s", arguments=arguments, inactivity_timeout=10):
        assert method is not None, "nothing came"
        assert not method.redelivered
        got.append((properties.headers["x-stream-offset"], body))
        channel.basic_ack(method.delivery_tag)
        if len(got) == n:
            break
    channel.cancel()
    return got


def bodies(n, start=0):
    return [b"%d" % i for i in range(start, n)]


def test_three_readers_each_from_where_it_likes(channel):
    declare(channel)
    publish(channel, bodies(100))
    everything = list(enumerate(bodies(100)))
    assert read(channel, 100, offset="first") == everything
    assert read(channel, 60, offset=40) == everything[40:]
    assert read(channel, 1, offset="last") == everything[99:]
    assert read(channel, 100, offset="1h") == everything
    wait_until(lambda: channel.queue_declare("s", passive=True).method.message_count == 100, 20, "the count")


def test_next_sees_only_what_comes(channel, url):
    declare(channel)
    publish(channel, [b"old"])
    other = pika.BlockingConnection(pika.URLParameters(url))
    reader = other.channel()
    reader.basic_qos(prefetch_count=1)
    got = []
    reader.basic_consume("s", lambda _, method, properties, body: got.append(body))
    publish(channel, [b"new"])
    while not got:
        other.process_data_events(10)
    assert got == [b"new"]
    other.close()


def test_filters(channel):
    declare(channel)
    for label in ("invoice", "order", "invoice"):
        publish(channel, [label.encode()], x_stream_filter_value=label)
    publish(channel, [b"plain"])
    assert read(channel, 2, offset="first", filter="invoice") == [(0, b"invoice"), (2, b"invoice")]
    assert [offset for offset, _ in read(channel, 3, offset="first", filter=["order", "invoice"])] == [0, 1, 2]
    assert read(channel, 2, offset="first", filter="order", match_unfiltered=True) == [(1, b"order"), (3, b"plain")]


def test_large_bodies(channel):
    declare(channel)
    large = bytes(range(256)) * 1000
    publish(channel, [large] * 20)
    for _ in range(2):
        assert read(channel, 20, offset="first") == [(n, large) for n in range(20)]


def test_a_reader_that_does_not_read_holds_nobody_up(channel, url):
    declare(channel)
    large = b"x" * 250_000
    publish(channel, [large] * 100)
    idle = pika.BlockingConnection(pika.URLParameters(url))
    reader = idle.channel()
    reader.basic_qos(prefetch_count=1000)
    got = []
    reader.basic_consume("s", lambda _, method, properties, body: got.append(properties.headers["x-stream-offset"]),
                         arguments={"x-stream-offset": "first"})
    assert [offset for offset, _ in read(channel, 100, offset="first")] == list(range(100))
    assert len(got) < 100
    while len(got) < 100:
        idle.process_data_events(10)
    assert got == list(range(100))
    idle.close()


def test_what_streams_refuse(channel, url):
    declare(channel)
    for act, code in ((lambda c: c.basic_get("s"), 540), (lambda c: c.queue_purge("s"), 540)):
        connection = pika.BlockingConnection(pika.URLParameters(url))
        with pytest.raises(pika.exceptions.ConnectionClosedByBroker) as closed:
            act(connection.channel())
        assert closed.value.reply_code == code
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as closed:
        channel.basic_consume("s", lambda *_: None)
    assert closed.value.reply_code == 406
    assert "consumer prefetch count is not set" in closed.value.reply_text


def test_retention_by_age(channel, broker, vhost):
    if not broker.moves_clock:
        pytest.skip("needs a clock that can be moved")
    declare(channel, x_max_age="1D", x_stream_max_segment_size_bytes=1000)
    publish(channel, [b"x" * 100] * 10)
    broker.management.request("POST", "/dev/clock", {"vhost": vhost, "advance_ms": 3 * 86_400_000})
    publish(channel, [b"new"])
    left = read(channel, 3, offset="first")
    assert left[-1] == (10, b"new"), "the segment that was open stays, the others are gone"
    assert [offset for offset, _ in left] == [8, 9, 10]
