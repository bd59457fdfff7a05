//! Target `connection_ops`: a sequence of operations, some in order, some not. [`Peer`] checks
//! what may never happen.

use std::time::Duration;

use leveret_proto::code::ReplyCode;
use leveret_proto::connection::Config;
use leveret_proto::exception::Exception;
use leveret_proto::method::Method;

use super::peer::{Peer, Stage, handshake};
use super::source::Source;
use super::wire::{frame, header, method};

/// More operations than this are not done.
const OPS_MAX: usize = 256;

/// The first byte picks the limits, the rest is operations.
pub(crate) fn run(input: &[u8]) {
    let mut source = Source(input);
    let limits = source.u8();
    let config = Config {
        channel_max: if limits & 1 == 0 { 3 } else { 0 },
        frame_max: if limits & 2 == 0 { 8192 } else { 0 },
        heartbeat: u16::from(limits >> 4),
        message_bytes_max: if limits & 4 == 0 { 200 } else { 20_000 },
        long_body_is_frame_error: limits & 8 == 0,
        ..Config::default()
    };
    let mut peer = Peer::new(config);
    for _ in 0..OPS_MAX {
        if source.is_empty() || peer.stage == Stage::Gone {
            break;
        }
        operate(&mut peer, &mut source);
        peer.take_out();
    }
}

fn operate(peer: &mut Peer, source: &mut Source<'_>) {
    match source.u8() % 16 {
        0..=2 => peer.feed(&any_method(source)),
        3 => handshake_on(peer),
        4 => {
            let channel = channel(source);
            peer.feed(&frame(1, channel, &[0, 20, 0, 10, 0]));
        }
        5 => publish(peer, source),
        6 => {
            let (channel, size) = (channel(source), source.u16());
            let properties = source.below(8);
            let payload = header(size.into(), source.bytes(properties));
            peer.feed(&frame(2, channel, &payload));
        }
        7 => {
            let (channel, len) = (channel(source), source.u8());
            peer.feed(&frame(3, channel, source.bytes(len.into())));
        }
        8 => peer.feed(&frame(8, 0, &[])),
        9 => {
            let len = source.below(32);
            peer.feed(source.bytes(len));
        }
        10 => {
            let time = Duration::from_millis(u64::from(source.u8()) * 100);
            peer.pass(time);
        }
        11 => {
            if let Some(due) = peer.machine.poll_timeout() {
                peer.pass(due.saturating_duration_since(peer.now));
            }
        }
        12 => peer.close_channel(channel(source)),
        13 => refuse(peer),
        14 => peer.machine.on_bytes_sent(peer.now),
        _ => torn(peer, source),
    }
}

/// Mostly a small number, so that operations meet.
fn channel(source: &mut Source<'_>) -> u16 {
    match source.u8() {
        255 => source.u16(),
        small => u16::from(small % 5),
    }
}

fn any_method(source: &mut Source<'_>) -> Vec<u8> {
    let spec = &Method::SPECS[source.below(Method::SPECS.len())];
    let channel = match spec.class_id {
        10 => 0,
        _ => channel(source),
    };
    frame(1, channel, &method(spec, source))
}

/// The next right step of the handshake, if there is one.
fn handshake_on(peer: &mut Peer) {
    let at = match peer.stage {
        Stage::Silent => 0,
        Stage::Started => 1,
        Stage::LoggedIn => 2,
        Stage::Tuned => 3,
        Stage::Running | Stage::Closing | Stage::Gone => return,
    };
    let step = &handshake(&peer.config)[at];
    peer.feed(step);
}

/// A whole publish, its body in one frame or in two.
fn publish(peer: &mut Peer, source: &mut Source<'_>) {
    let channel = channel(source);
    let len = usize::from(source.u8());
    let body = source.bytes(len);
    let cut = source.below(body.len() + 1);
    let mut bytes = frame(1, channel, &[0, 60, 0, 40, 0, 0, 0, 1, b'q', 0]);
    bytes.extend(frame(2, channel, &header(body.len() as u64, &[0, 0])));
    for part in [&body[..cut], &body[cut..]] {
        if !part.is_empty() {
            bytes.extend(frame(3, channel, part));
        }
    }
    peer.feed(&bytes);
}

/// The server closes, as it may once it can speak.
fn refuse(peer: &mut Peer) {
    if matches!(peer.stage, Stage::Tuned | Stage::Running) {
        peer.close(&Exception::new(ReplyCode::CONNECTION_FORCED, "for a test"));
    }
}

/// A method in two pieces, with something between them.
fn torn(peer: &mut Peer, source: &mut Source<'_>) {
    let bytes = any_method(source);
    let (first, second) = bytes.split_at(source.below(bytes.len()));
    peer.feed(first);
    peer.machine.on_bytes_sent(peer.now);
    peer.feed(second);
}
