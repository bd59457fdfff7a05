//! What a client sends, built by hand: an independent judge of the codec. Also for the benches.

use bytes::BytesMut;
use leveret_proto::value::FieldTable;

/// The client's first eight bytes.
pub(crate) const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";

/// Properties that only say persistent.
pub(crate) const PERSISTENT: &[u8] = b"\x10\0\x02";

/// A frame of any kind.
pub(crate) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &size, payload, &[0xCE]].concat()
}

/// A method frame.
pub(crate) fn method(channel: u16, class: u8, method: u8, arguments: &[&[u8]]) -> Vec<u8> {
    frame(
        1,
        channel,
        &[&[0, class, 0, method], &arguments.concat()[..]].concat(),
    )
}

/// All that guest sends until its connection is open.
pub(crate) fn log_in(heartbeat: u16) -> [Vec<u8>; 4] {
    let start_ok = b"\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US";
    [
        PROTOCOL_HEADER.to_vec(),
        method(0, 10, 11, &[start_ok]),
        method(
            0,
            10,
            31,
            &[b"\x07\xff\0\x02\0\0", &heartbeat.to_be_bytes()],
        ),
        method(0, 10, 40, &[b"\x01/\0\0"]),
    ]
}

/// What a client of today says that it understands.
pub(crate) const CAPABILITIES: [&str; 6] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "authentication_failure_close",
];

/// `channel.open`.
pub(crate) fn open_channel(channel: u16) -> Vec<u8> {
    method(channel, 20, 10, &[b"\0"])
}

/// `queue.declare` of a durable queue, on channel 1 as all that follow.
pub(crate) fn declare(queue: &str, arguments: &FieldTable) -> Vec<u8> {
    let mut table = BytesMut::new();
    arguments.encode(&mut table);
    method(1, 50, 10, &[b"\0\0", &short(queue), b"\x02", &table])
}

/// `queue.bind`.
pub(crate) fn bind(queue: &str, exchange: &str, key: &str) -> Vec<u8> {
    let names = [short(queue), short(exchange), short(key)].concat();
    method(1, 50, 20, &[b"\0\0", &names, b"\0\0\0\0\0"])
}

/// `basic.qos`.
pub(crate) fn qos(prefetch: u16) -> Vec<u8> {
    method(1, 60, 10, &[b"\0\0\0\0", &prefetch.to_be_bytes(), b"\0"])
}

/// `basic.consume`.
pub(crate) fn consume(queue: &str, no_ack: bool) -> Vec<u8> {
    let bits = [u8::from(no_ack) << 1];
    method(
        1,
        60,
        20,
        &[b"\0\0", &short(queue), b"\x01c", &bits, b"\0\0\0\0"],
    )
}

/// `basic.publish` whole: method, header, and the body in one frame.
pub(crate) fn publish(exchange: &str, key: &str, properties: &[u8], body: &[u8]) -> Vec<u8> {
    let size = (body.len() as u64).to_be_bytes();
    let header = [b"\0\x3c\0\0", &size[..], properties].concat();
    [
        method(1, 60, 40, &[b"\0\0", &short(exchange), &short(key), b"\0"]),
        frame(2, 1, &header),
        frame(3, 1, body),
    ]
    .concat()
}

/// `basic.get` with acknowledgement.
pub(crate) fn get(queue: &str) -> Vec<u8> {
    method(1, 60, 70, &[b"\0\0", &short(queue), b"\0"])
}

/// `basic.ack`.
pub(crate) fn ack(delivery_tag: u64, multiple: bool) -> Vec<u8> {
    method(
        1,
        60,
        80,
        &[&delivery_tag.to_be_bytes(), &[u8::from(multiple)]],
    )
}

/// `confirm.select`.
pub(crate) fn confirm_select() -> Vec<u8> {
    method(1, 85, 10, &[b"\0"])
}

pub(crate) fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}
