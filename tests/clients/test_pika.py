"""pika: publish, consume, confirm, return, get, nack, dead letters, transactions, errors."""
import pika
import pytest


@pytest.fixture
def channel(url):
    connection = pika.BlockingConnection(pika.URLParameters(url + "?heartbeat=10"))
    yield connection.channel()
    if connection.is_open:
        connection.close()


def take(channel, queue, n, **kw):
    """n messages by basic.consume, then cancelled."""
    got = []
    for method, properties, body in channel.consume(queue, inactivity_timeout=10, **kw):
        assert method is not None, "nothing came"
        got.append((method, properties, body))
        if len(got) == n:
            break
    return got


def count(channel, queue):
    return channel.queue_declare(queue, passive=True).method.message_count


def test_publish_and_consume(channel):
    channel.queue_declare("q")
    properties = pika.BasicProperties(
        content_type="text/plain", content_encoding="utf-8", delivery_mode=2, priority=3, correlation_id="c1",
        reply_to="back", expiration="60000", message_id="m1", timestamp=1700000000, type="t", app_id="a",
        headers={"text": "é", "number": -5, "big": 2 ** 40, "truth": True, "list": [1, "two"], "map": {"k": None}})
    for n in range(5):
        channel.basic_publish("", "q", b"%d" % n, properties)
    got = take(channel, "q", 5)
    assert [body for _, _, body in got] == [b"0", b"1", b"2", b"3", b"4"]
    assert got[0][1].__dict__ == properties.__dict__
    assert [m.delivery_tag for m, _, _ in got] == [1, 2, 3, 4, 5]
    channel.basic_ack(5, multiple=True)
    channel.cancel()
    assert count(channel, "q") == 0


def test_exchanges(channel):
    for kind, key, binding in (("direct", "a", "a"), ("fanout", "x", ""), ("topic", "a.b.c", "a.#")):
        channel.exchange_declare(kind, kind)
        channel.queue_declare("to-" + kind)
        channel.queue_bind("to-" + kind, kind, binding)
        channel.basic_publish(kind, key, kind.encode())
        assert take(channel, "to-" + kind, 1, auto_ack=True)[0][2] == kind.encode()
        channel.cancel()


def test_confirms_and_returns(channel):
    channel.confirm_delivery()
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"kept", mandatory=True)
    with pytest.raises(pika.exceptions.UnroutableError) as returned:
        channel.basic_publish("", "nowhere", b"lost", mandatory=True)
    assert returned.value.messages[0].method.reply_code == 312
    channel.queue_declare("full", arguments={"x-max-length": 0, "x-overflow": "reject-publish"})
    with pytest.raises(pika.exceptions.NackError):
        channel.basic_publish("", "full", b"refused")
    assert count(channel, "q") == 1


def test_get_nack_and_redelivery(channel):
    channel.queue_declare("q")
    channel.basic_publish("", "q", b"x")
    method, _, _ = channel.basic_get("q")
    assert not method.redelivered
    channel.basic_nack(method.delivery_tag, requeue=True)
    method, _, _ = channel.basic_get("q")
    assert method.redelivered
    channel.basic_nack(method.delivery_tag, requeue=False)
    assert channel.basic_get("q") == (None, None, None)


def test_dead_letters(channel):
    channel.queue_declare("dead")
    channel.queue_declare("q", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "dead"})
    channel.basic_publish("", "q", b"x")
    method, _, _ = channel.basic_get("q")
    channel.basic_reject(method.delivery_tag, requeue=False)
    _, properties, body = take(channel, "dead", 1)[0]
    death = properties.headers["x-death"][0]
    assert (body, death["reason"], death["queue"], death["count"]) == (b"x", "rejected", "q", 1)


def test_message_ttl(channel):
    channel.queue_declare("dead")
    channel.queue_declare("q", arguments={"x-message-ttl": 50, "x-dead-letter-exchange": "",
                                          "x-dead-letter-routing-key": "dead"})
    channel.basic_publish("", "q", b"x")
    _, properties, _ = take(channel, "dead", 1)[0]
    assert properties.headers["x-death"][0]["reason"] == "expired"


def test_transactions(channel):
    channel.queue_declare("q")
    channel.tx_select()
    channel.basic_publish("", "q", b"rolled back")
    channel.tx_rollback()
    channel.basic_publish("", "q", b"committed")
    channel.tx_commit()
    method, _, body = channel.basic_get("q")
    assert body == b"committed"
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    assert channel.basic_get("q") == (None, None, None)


def test_direct_reply_to(channel):
    channel.queue_declare("server")
    answers = []
    channel.basic_consume("amq.rabbitmq.reply-to", lambda *a: answers.append(a[3]), auto_ack=True)
    channel.basic_publish("", "server", b"4", pika.BasicProperties(reply_to="amq.rabbitmq.reply-to"))
    _, properties, body = channel.basic_get("server", auto_ack=True)
    channel.basic_publish("", properties.reply_to, body * 2)
    while not answers:
        channel.connection.process_data_events(time_limit=10)
    assert answers == [b"44"]


def test_errors_close_the_channel_only(channel):
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as missing:
        channel.queue_declare("missing", passive=True)
    assert missing.value.reply_code == 404
    other = channel.connection.channel()
    other.queue_declare("q")
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as unequal:
        other.queue_declare("q", durable=True)
    assert unequal.value.reply_code == 406
    assert channel.connection.is_open


def test_an_exclusive_queue_belongs_to_its_connection(channel, url):
    name = channel.queue_declare("", exclusive=True).method.queue
    assert name.startswith("amq.gen-")
    other = pika.BlockingConnection(pika.URLParameters(url))
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as locked:
        other.channel().queue_declare(name, passive=True)
    assert locked.value.reply_code == 405
    channel.connection.close()
    with pytest.raises(pika.exceptions.ChannelClosedByBroker) as gone:
        other.channel().queue_declare(name, passive=True)
    assert gone.value.reply_code == 404
    other.close()


def test_a_deleted_queue_cancels_its_consumer(channel, url):
    channel.queue_declare("q")
    cancelled = []
    channel.add_on_cancel_callback(cancelled.append)
    channel.basic_consume("q", lambda *a: None, consumer_tag="me")
    other = pika.BlockingConnection(pika.URLParameters(url))
    other.channel().queue_delete("q")
    other.close()
    while not cancelled:
        channel.connection.process_data_events(time_limit=10)
    assert cancelled[0].method.consumer_tag == "me"
