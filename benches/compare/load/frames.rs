//! The frames that are sent, encoded by hand.

/// What a client would make up for each request: as long as a UUID.
const CORRELATION: &str = "1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed";

pub(super) const FRAME_METHOD: u8 = 1;
const FRAME_HEADER_KIND: u8 = 2;
pub(super) const FRAME_BODY: u8 = 3;
pub(super) const FRAME_END: u8 = 0xce;
/// Type, channel and size.
pub(super) const FRAME_HEADER: usize = 7;

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(channel.to_be_bytes());
    out.extend((payload.len() as u32).to_be_bytes());
    out.extend(payload);
    out.push(FRAME_END);
    out
}

pub(super) fn method(channel: u16, class: u16, id: u16, arguments: &[u8]) -> Vec<u8> {
    let head = [class.to_be_bytes(), id.to_be_bytes()].concat();
    frame(FRAME_METHOD, channel, &[&head, arguments].concat())
}

pub(super) fn short_string(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

fn long_string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

pub(super) fn start_ok(user: &str, password: &str) -> Vec<u8> {
    let plain = format!("\0{user}\0{password}");
    let parts = [
        long_string(b""),
        short_string("PLAIN"),
        long_string(plain.as_bytes()),
        short_string("en_US"),
    ];
    method(0, 10, 11, &parts.concat())
}

/// 2047 channels, frames of up to 128 KiB, no heartbeats.
pub(super) fn tune_ok() -> Vec<u8> {
    method(0, 10, 31, &[0x07, 0xff, 0, 2, 0, 0, 0, 0])
}

pub(super) fn connection_open(vhost: &str) -> Vec<u8> {
    method(
        0,
        10,
        40,
        &[short_string(vhost), short_string(""), vec![0]].concat(),
    )
}

/// Durable, because every release line accepts that.
pub(super) fn queue_declare(queue: &str) -> Vec<u8> {
    declare(queue, 0b10)
}

/// The queue of one connection.
pub(super) fn queue_declare_exclusive(queue: &str) -> Vec<u8> {
    declare(queue, 0b100)
}

fn declare(queue: &str, flags: u8) -> Vec<u8> {
    let parts = [
        vec![0, 0],
        short_string(queue),
        vec![flags],
        long_string(b""),
    ];
    method(1, 50, 10, &parts.concat())
}

pub(super) fn queue_purge(queue: &str) -> Vec<u8> {
    method(
        1,
        50,
        30,
        &[vec![0, 0], short_string(queue), vec![0]].concat(),
    )
}

pub(super) fn queue_delete(queue: &str) -> Vec<u8> {
    method(
        1,
        50,
        40,
        &[vec![0, 0], short_string(queue), vec![0]].concat(),
    )
}

pub(super) fn basic_qos(count: u16) -> Vec<u8> {
    method(
        1,
        60,
        10,
        &[&[0; 4][..], &count.to_be_bytes(), &[0]].concat(),
    )
}

pub(super) fn basic_consume(queue: &str, no_ack: bool) -> Vec<u8> {
    let flags = if no_ack { 0b10 } else { 0 };
    let parts = [
        vec![0, 0],
        short_string(queue),
        short_string("load"),
        vec![flags],
        long_string(b""),
    ];
    method(1, 60, 20, &parts.concat())
}

pub(super) fn confirm_select() -> Vec<u8> {
    method(1, 85, 10, &[0])
}

pub(super) fn basic_ack(tag: u64, multiple: bool) -> Vec<u8> {
    method(
        1,
        60,
        80,
        &[&tag.to_be_bytes()[..], &[u8::from(multiple)]].concat(),
    )
}

/// A whole message to the default exchange: method, content header, body.
pub(super) fn publish(queue: &str, properties: &[u8], size: usize) -> Vec<u8> {
    let arguments = [vec![0, 0], short_string(""), short_string(queue), vec![0]].concat();
    let mut header = vec![0, 60, 0, 0];
    header.extend((size as u64).to_be_bytes());
    header.extend(properties);
    let mut out = method(1, 60, 40, &arguments);
    out.extend(frame(FRAME_HEADER_KIND, 1, &header));
    for part in vec![b'x'; size].chunks(100_000) {
        out.extend(frame(FRAME_BODY, 1, part));
    }
    out
}

/// delivery-mode only.
pub(super) fn plain(persistent: bool) -> Vec<u8> {
    vec![0x10, 0x00, delivery_mode(persistent)]
}

/// delivery-mode, correlation-id, reply-to.
pub(super) fn request(persistent: bool, reply_to: &str) -> Vec<u8> {
    let head = vec![0x16, 0x00, delivery_mode(persistent)];
    [head, short_string(CORRELATION), short_string(reply_to)].concat()
}

/// delivery-mode, correlation-id.
pub(super) fn reply(persistent: bool) -> Vec<u8> {
    let head = vec![0x14, 0x00, delivery_mode(persistent)];
    [head, short_string(CORRELATION)].concat()
}

fn delivery_mode(persistent: bool) -> u8 {
    if persistent { 2 } else { 1 }
}
