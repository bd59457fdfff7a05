#!/usr/bin/env python3
"""Record frames between clients and a real server, as byte vectors for the codec's tests.

    capture_vectors.py --out FILE [--alarm-cmd CMD --clear-cmd CMD]

Stands between the clients (rawamqp, and pika and py-amqp where they are installed) and the server, and keeps the first
frame of every method in each direction, and content headers that differ in their properties. FILE has three lines for
each: who sent what; the whole frame in hexadecimal; what it says, as Rust's Debug shows it, decoded here in Python.
The commands raise and clear a memory alarm, for connection.blocked.
"""
import argparse
import re
import select
import socket
import struct
import subprocess
import threading
import time

import rawamqp
from rawamqp import BY_ID, PROPS, Conn, Dec, T

EVERY_TYPE = {
    "bool": True, "byte": T("b", -1), "octet": T("B", 255), "short": T("s", -300), "ushort": T("u", 65535),
    "int": T("I", -70000), "uint": T("i", 2**32 - 1), "long": T("l", -2**40), "float": T("f", 1.5), "double": T("d", -0.25),
    "decimal": T("D", (2, 314)), "text": "Grüße", "bytes": b"\x00\xff", "array": [1, "two", None, [False]],
    "time": T("T", 1700000000), "table": {"inner": {"deep": 1}}, "void": None}
EVERY_PROPERTY = {
    "content_type": "text/plain", "content_encoding": "utf-8", "headers": EVERY_TYPE, "delivery_mode": 2, "priority": 5,
    "correlation_id": "c-1", "reply_to": "answers", "expiration": "60000", "message_id": "m-1", "timestamp": 1700000000,
    "type": "kind", "user_id": "guest", "app_id": "app", "cluster_id": "old"}


# ---------------------------------------------------------------- as Rust shows it
def text(raw):
    return '"' + raw.decode().replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def octets(raw):
    known = {9: "\\t", 10: "\\n", 13: "\\r", 0: "\\0", 34: '\\"', 92: "\\\\"}
    return 'b"' + "".join(known.get(b) or (chr(b) if 32 <= b < 127 else "\\x%02x" % b) for b in raw) + '"'


def short(d):
    return d.take(d.u(">B"))


def long(d):
    return d.take(d.u(">I"))


def table(raw):
    d, pairs = Dec(raw), []
    while d.o < len(raw):
        key = text(short(d))
        pairs.append("(%s, %s)" % (key, value(d)))
    return "FieldTable([%s])" % ", ".join(pairs)


def value(d):
    tag = chr(d.u(">B"))
    numbers = {"b": ("I8", ">b"), "B": ("U8", ">B"), "s": ("I16", ">h"), "u": ("U16", ">H"), "I": ("I32", ">i"),
               "i": ("U32", ">I"), "l": ("I64", ">q"), "T": ("Timestamp", ">Q"), "f": ("F32", ">f"), "d": ("F64", ">d")}
    if tag in numbers:
        name, form = numbers[tag]
        return "%s(%s)" % (name, d.u(form))
    if tag == "t":
        return "Bool(%s)" % ("true" if d.u(">B") else "false")
    if tag == "D":
        return "Decimal { scale: %d, value: %d }" % (d.u(">B"), d.u(">I"))
    if tag in "Sx":
        return "%s(%s)" % ({"S": "LongString", "x": "Bytes"}[tag], octets(long(d)))
    if tag == "F":
        return "Table(%s)" % table(long(d))
    if tag == "A":
        inner, values = Dec(long(d)), []
        while inner.o < len(inner.d):
            values.append(value(inner))
        return "Array([%s])" % ", ".join(values)
    assert tag == "V", tag
    return "Void"


NAMES = {"code": "reply_code", "text": "reply_text", "vhost": "virtual_host", "ticket": "reserved_1", "type": "kind",
         "reserved1": "reserved_1", "reserved2": "reserved_2", "known_hosts": "reserved_1"}


def method(payload):
    d = Dec(payload)
    name, args = BY_ID[d.u(">H"), d.u(">H")]
    fields, bit, cur = [], 0, 0
    for arg, kind in args:
        if kind == "t":
            cur = d.u(">B") if bit % 8 == 0 else cur
            shown, bit = "true" if cur >> bit % 8 & 1 else "false", bit + 1
        else:
            bit = 0
            shown = {"o": lambda: d.u(">B"), "B": lambda: d.u(">H"), "I": lambda: d.u(">I"), "Q": lambda: d.u(">Q"),
                     "s": lambda: text(short(d)), "S": lambda: octets(long(d)), "F": lambda: table(long(d))}[kind]()
        arg = arg if (name, arg) == ("access.request-ok", "ticket") else NAMES.get(arg, arg)
        fields.append("%s: %s" % (arg, shown))
    assert d.o == len(payload), name
    cls, own = name.split(".")
    own = "".join(part.capitalize() for part in own.split("-"))
    return name, "%s%s(%s%s)" % (cls.capitalize(), own, own, " { %s }" % ", ".join(fields) if fields else "")


def header(payload):
    d = Dec(payload)
    d.o = 4
    size, flags, shown = d.u(">Q"), d.u(">H"), []
    for at, (name, kind) in enumerate(PROPS):
        it = "None"
        if flags >> 15 - at & 1:
            it = "Some(%s)" % {"s": lambda: text(short(d)), "o": lambda: d.u(">B"), "Q": lambda: d.u(">Q"),
                               "F": lambda: table(long(d))}[kind]()
        shown.append("%s: %s" % (NAMES.get(name, name), it))
    return "%d Properties { %s }" % (size, ", ".join(shown))


# ---------------------------------------------------------------- between client and server
class Between:
    """A listener whose connections are handed on, and what both sides said on them."""

    def __init__(self, port):
        self.to, self.said, self.who = port, [], "raw"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.to))
            threading.Thread(target=self.hand_on, args=(client, server, self.who), daemon=True).start()

    def hand_on(self, client, server, who):
        streams = {client: (server, "client " + who, bytearray()), server: (client, "server", bytearray())}
        self.said.extend((side, stream) for _, side, stream in streams.values())
        try:
            while True:
                for ready in select.select([client, server], [], [])[0]:
                    other, _, stream = streams[ready]
                    data = ready.recv(65536)
                    if not data:
                        return
                    stream.extend(data)
                    other.sendall(data)
        except OSError:
            return
        finally:
            client.close()
            server.close()

    def frames(self):
        for side, stream in self.said:
            at = 8 if stream[:4] == b"AMQP" else 0
            while at + 7 <= len(stream):
                kind, channel, size = struct.unpack_from(">BHI", stream, at)
                yield side, kind, bytes(stream[at:at + size + 8])
                at += size + 8


# ---------------------------------------------------------------- what is said
def raw(port, alarm):
    c = Conn(port=port).open(heartbeat=4)
    c.chan(1)
    c.send(1, "channel.flow", active=True)
    c.send(1, "access.request", realm="/data", active=True, write=True, read=True)
    c.wait("access.request-ok")
    c.call(1, "exchange.declare", exchange="vx", type="topic", auto_delete=True, arguments=EVERY_TYPE)
    c.call(1, "exchange.declare", exchange="vy", type="fanout", durable=True, internal=True)
    c.call(1, "exchange.bind", destination="vy", source="vx", routing_key="a.#", arguments={"x": 1})
    c.call(1, "exchange.unbind", destination="vy", source="vx", routing_key="a.#", arguments={"x": 1})
    c.call(1, "queue.declare", queue="vq", durable=True, arguments=EVERY_TYPE)
    c.call(1, "queue.declare", queue="vr", durable=True, arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    c.call(1, "queue.bind", queue="vq", exchange="vy", routing_key="k")
    c.call(1, "basic.get", queue="vq")
    c.publish(1, routing_key="vq", body="hello", props=EVERY_PROPERTY)
    for name, _ in PROPS:
        c.publish(1, routing_key="vq", body="one property", props={name: EVERY_PROPERTY[name]})
    c.publish(1, routing_key="vq", body="")
    c.publish(1, routing_key="vq", body=b"\x00" * 140000, props={"headers": {}})
    c.publish(1, routing_key="nowhere", body="returned", mandatory=True, props=EVERY_PROPERTY)
    c.message()
    time.sleep(0.3)
    c.send(1, "basic.get", queue="vq")
    c.message(), c.send(1, "basic.nack", delivery_tag=1, requeue=True)
    c.call(1, "basic.qos", prefetch_count=3)
    c.call(1, "basic.consume", queue="vq", consumer_tag="ct", keep=True, arguments={"x-priority": 2})
    c.message(), c.message(), c.message()
    c.send(1, "basic.ack", delivery_tag=2, multiple=False)
    c.send(1, "basic.reject", delivery_tag=3, requeue=True)
    c.send(1, "basic.recover", requeue=True)
    c.wait("basic.recover-ok")
    c.send(1, "basic.recover-async", requeue=True)
    time.sleep(0.3)
    c.call(1, "basic.cancel", consumer_tag="ct")
    c.call(1, "queue.purge", queue="vq")
    c.send(0, "connection.update-secret", new_secret="guest", reason="renewed")
    c.wait("connection.update-secret-ok")
    c.chan(2)
    c.call(2, "confirm.select")
    for _ in range(3):
        c.publish(2, routing_key="vr", body="x")
        c.wait("basic.ack", "basic.nack")
    c.chan(3)
    c.call(3, "tx.select"), c.call(3, "tx.commit"), c.call(3, "tx.rollback")
    c.call(3, "basic.consume", queue="vr", consumer_tag="gone", keep=True)
    c.call(3, "queue.unbind", queue="vq", exchange="vy", routing_key="k")
    c.call(1, "queue.delete", queue="vr", keep=True), c.call(1, "queue.delete", queue="vq", keep=True)
    c.wait("basic.cancel", timeout=2)
    c.call(1, "exchange.delete", exchange="vx"), c.call(1, "exchange.delete", exchange="vy")
    c.call(1, "channel.close", code=200, text="done")
    c.chan(1)
    c.send(1, "queue.declare", queue="vnone", passive=True)
    try:
        c.wait("queue.declare-ok")
    except rawamqp.Unexpected:
        c.send(1, "channel.close-ok")
    if alarm:
        c.chan(1)
        subprocess.run(alarm[0], shell=True, check=True, stdout=subprocess.DEVNULL)
        c.publish(1, routing_key="vnone", body="blocked")
        c.wait("connection.blocked", timeout=15)
        subprocess.run(alarm[1], shell=True, check=True, stdout=subprocess.DEVNULL)
        c.wait("connection.unblocked", timeout=15)
    time.sleep(2.5)
    c.frame(8, 0, b"")
    c.close()
    c = Conn(port=port).open()
    c.send(7, "basic.qos")
    try:
        c.wait("basic.qos-ok")
    except rawamqp.Unexpected:
        c.send(0, "connection.close-ok")
    c.kill()


def with_pika(port):
    import pika
    c = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", port, heartbeat=60))
    ch = c.channel()
    ch.exchange_declare("vp", "topic", durable=True)
    ch.exchange_declare("vp2", "fanout")
    ch.exchange_bind("vp2", "vp", "#"), ch.exchange_unbind("vp2", "vp", "#")
    ch.queue_declare("vp", durable=True, arguments={"x-max-length": 10, "x-message-ttl": 60000})
    ch.queue_bind("vp", "vp", "a.*", {"k": "v"})
    ch.confirm_delivery()
    ch.basic_publish("vp", "a.b", b"hello", pika.BasicProperties(
        content_type="text/plain", delivery_mode=2, headers={"n": 1, "big": 2**40, "t": True, "l": [1, "a"], "d": {"x": None}},
        timestamp=1700000000, message_id="m", type="t", app_id="a"))
    ch.basic_qos(prefetch_count=5)
    ch.basic_ack(ch.basic_get("vp")[0].delivery_tag)
    tag = ch.basic_consume("vp", lambda *_: None)
    ch.basic_cancel(tag)
    ch.queue_unbind("vp", "vp", "a.*", {"k": "v"})
    ch.queue_purge("vp"), ch.queue_delete("vp"), ch.exchange_delete("vp"), ch.exchange_delete("vp2")
    ch.close()
    ch = c.channel()
    ch.tx_select(), ch.tx_commit(), ch.tx_rollback(), ch.flow(True)
    ch.basic_recover(requeue=True)
    c.update_secret("guest", "renewed")
    c.close()


def with_py_amqp(port):
    import amqp
    with amqp.Connection("127.0.0.1:%d" % port, login_method="AMQPLAIN", userid="guest", password="guest", heartbeat=60,
                         confirm_publish=True) as c:
        ch = c.channel()
        ch.queue_declare("va", durable=True, auto_delete=False, arguments={"x-expires": 60000})
        ch.basic_publish(amqp.Message("hello", content_type="text/plain", content_encoding="utf-8", priority=0, delivery_mode=2,
                                      correlation_id="c", reply_to="r", application_headers={
                                          "lang": "py", "retries": 0, "eta": None, "timelimit": [None, None], "f": 1.5}),
                         routing_key="va")
        ch.basic_get("va"), ch.basic_reject(1, requeue=True)
        ch.queue_delete("va")


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--port", type=int, default=5672)
    p.add_argument("--out", required=True)
    p.add_argument("--alarm-cmd")
    p.add_argument("--clear-cmd")
    a = p.parse_args()
    between = Between(a.port)
    raw(between.port, a.alarm_cmd and (a.alarm_cmd, a.clear_cmd))
    for between.who, client in [("pika", with_pika), ("py-amqp", with_py_amqp)]:
        try:
            client(between.port)
        except ImportError as e:
            print("left out:", e)
    time.sleep(0.5)
    write(between, a.out)


def write(between, path):
    seen, out = set(), []
    for side, kind, frame in between.frames():
        payload = frame[7:-1]
        if kind == 1:
            name, shown = method(payload)
        elif kind == 2:
            name, shown = "header", header(payload)
        elif kind == 8:
            name, shown = "heartbeat", "-"
        else:
            continue
        key = (side, name, shown if kind == 2 else "")
        if key not in seen:
            seen.add(key)
            out.append("%s %s\n%s\n%s\n" % (side, name, frame.hex(), shown))
    version = re.search(r'\("version", LongString\(b"([^"]+)"\)\)', "".join(out)).group(1)
    with open(path, "w") as f:
        f.write("# Frames between clients and RabbitMQ %s, recorded by tests/reference/capture_vectors.py.\n" % version)
        f.write("".join(out))
    print("%d frames of RabbitMQ %s" % (len(out), version))


if __name__ == "__main__":
    main()
