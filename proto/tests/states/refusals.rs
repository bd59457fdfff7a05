//! What is refused, in which state, with which words.

use leveret_proto::connection::Config;

use crate::fuzz_bodies::peer::{Peer, Seen, Stage, handshake};
use crate::fuzz_bodies::wire::{frame, header};

const HEADER: [u8; 14] = [0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0];
const PUBLISH: [u8; 9] = [0, 60, 0, 40, 0, 0, 0, 0, 0];
const UPDATE_SECRET: [u8; 9] = [0, 10, 0, 70, 0, 0, 0, 0, 0];
const CLOSE_OK: [u8; 4] = [0, 10, 0, 51];

/// Frames, and how RabbitMQ closes on them: code, text, class and method.
type Case = (&'static str, Vec<Vec<u8>>, (u16, &'static str, u16, u16));

fn check(peer: impl Fn() -> Peer, cases: Vec<Case>) {
    for (name, frames, (code, text, class_id, method_id)) in cases {
        let mut peer = peer();
        frames.iter().for_each(|it| peer.feed(it));
        let expected = format!(
            "Exception {{ scope: Connection, code: ReplyCode({code}), text: {text:?}, class_id: \
             {class_id}, method_id: {method_id} }}"
        );
        assert_eq!(peer.seen.last(), Some(&Seen::Refused(expected)), "{name}");
        assert_eq!(peer.stage, Stage::Closing);
        // It still hears the answer.
        peer.feed(&frame(1, 0, &CLOSE_OK));
        assert_eq!(peer.stage, Stage::Gone, "{name}");
    }
}

fn running() -> Peer {
    Peer::running(Config::default(), &[1])
}

fn tuned() -> Peer {
    after(3)
}

fn after(steps: usize) -> Peer {
    let mut peer = Peer::new(Config::default());
    let steps = &handshake(&peer.config)[..steps];
    steps.iter().for_each(|step| peer.feed(step));
    peer
}

#[test]
fn frames_that_are_none() {
    let one = |kind, channel, payload: &[u8]| vec![frame(kind, channel, payload)];
    let short_header = "type 2, all octets = <<\"abcd\">>: unknown_frame";
    let empty_method = "type 1, all octets = <<>>: unknown_frame";
    let strange = "type 9, all octets = <<\"abc\">>: unknown_frame";
    let behind_publish = vec![frame(1, 1, &PUBLISH), frame(2, 1, b"abcd")];
    check(
        running,
        vec![
            ("a type of its own", one(9, 0, b"abc"), (501, strange, 0, 0)),
            (
                "the same on a channel",
                one(9, 1, b"abc"),
                (501, strange, 0, 0),
            ),
            ("on a free channel", one(9, 9, b"abc"), (501, strange, 0, 0)),
            (
                "a method without id",
                one(1, 0, b""),
                (501, empty_method, 0, 0),
            ),
            (
                "the same on a channel",
                one(1, 1, b""),
                (501, empty_method, 0, 0),
            ),
            (
                "half an id",
                one(1, 1, &[0, 60, 0]),
                (501, "type 1, all octets = <<0,60,0>>: unknown_frame", 0, 0),
            ),
            (
                "a heartbeat that says something",
                one(8, 0, b"x"),
                (501, "type 8, all octets = <<\"x\">>: unknown_frame", 0, 0),
            ),
            (
                "half a header",
                one(2, 0, b"abcd"),
                (501, short_header, 0, 0),
            ),
            (
                "the same on a channel",
                one(2, 1, b"abcd"),
                (501, short_header, 0, 0),
            ),
            (
                "behind a publish",
                behind_publish,
                (501, short_header, 0, 0),
            ),
        ],
    );
}

#[test]
fn frames_where_they_may_not_be() {
    let one = |kind, channel, payload: &[u8]| vec![frame(kind, channel, payload)];
    let no_method = "expected method frame, got non method frame instead";
    let header_0 = "type 2, all octets = <<0,60,0,0,0,0,0,0,0,0,0,5,0,0>>";
    let heartbeat = "type 8, all octets = <<>>";
    let body_0 = "type 3, all octets = <<\"abcd\">>";
    check(
        running,
        vec![
            (
                "a heartbeat on a channel",
                one(8, 1, b""),
                (505, heartbeat, 0, 0),
            ),
            ("a header on 0", one(2, 0, &HEADER), (505, header_0, 0, 0)),
            ("a body on 0", one(3, 0, b"abcd"), (505, body_0, 0, 0)),
            (
                "a header without method",
                one(2, 1, &HEADER),
                (505, no_method, 0, 0),
            ),
            (
                "a body without method",
                one(3, 1, b"x"),
                (505, no_method, 0, 0),
            ),
            ("on a free channel", one(3, 9, b"x"), (505, no_method, 0, 0)),
        ],
    );
}

#[test]
fn frames_behind_a_publish() {
    let behind = |kind, payload: &[u8]| vec![frame(1, 1, &PUBLISH), frame(kind, 1, payload)];
    let then = |header: &[u8], kind, payload: &[u8]| {
        [behind(2, header), vec![frame(kind, 1, payload)]].concat()
    };
    let no_header = "expected content header for class 60, got non content header frame instead";
    let no_body = "expected content body, got non content body frame instead";
    let other = "expected content header for class 60, got one for class 10 instead";
    let too_long = "content body frame exceeds remaining content size";
    let (mut heavy, mut other_class) = (HEADER, HEADER);
    (heavy[3], other_class[1]) = (1, 10);
    let two = header(2, &[0, 0]);
    check(
        running,
        vec![
            (
                "a header with weight",
                behind(2, &heavy),
                (505, no_header, 60, 40),
            ),
            (
                "of another class",
                behind(2, &other_class),
                (505, other, 60, 40),
            ),
            (
                "a method for a header",
                behind(1, &PUBLISH),
                (505, no_header, 60, 40),
            ),
            (
                "a body for a header",
                behind(3, b"x"),
                (505, no_header, 60, 40),
            ),
            (
                "a method for a body",
                then(&HEADER, 1, &PUBLISH),
                (505, no_body, 60, 40),
            ),
            (
                "a header for a body",
                then(&HEADER, 2, &HEADER),
                (505, no_body, 60, 40),
            ),
            (
                "more than was promised",
                then(&two, 3, b"abc"),
                (501, too_long, 60, 40),
            ),
        ],
    );
}

#[test]
fn methods_that_cannot_be_decoded() {
    let one = |channel, payload: &[u8]| vec![frame(1, channel, payload)];
    let not_text = "Malformed UTF-8 in shortstr";
    let declare = [0, 50, 0, 10, 0, 0, 1, 0xff, 0, 0, 0, 0, 0];
    check(
        running,
        vec![
            (
                "too short",
                one(1, &[0, 50, 0, 10, 0, 0, 5, b'a']),
                (501, "cannot decode <<0,0,5,97>>", 50, 10),
            ),
            (
                "too long",
                one(1, &[0, 60, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0]),
                (501, "cannot decode <<0,0,0,0,0,0,0,0>>", 60, 10),
            ),
            ("not text", one(1, &declare), (501, not_text, 0, 0)),
            (
                "not text on 0",
                one(0, &[0, 10, 0, 40, 1, 0xff, 0, 0]),
                (501, not_text, 10, 40),
            ),
            (
                "too short on 0",
                one(0, &UPDATE_SECRET[..7]),
                (541, "", 0, 0),
            ),
            (
                "too long on 0",
                one(0, &[&UPDATE_SECRET[..], &[0]].concat()),
                (541, "", 0, 0),
            ),
        ],
    );
}

#[test]
fn methods_that_may_not_be() {
    let one = |channel, payload: &[u8]| vec![frame(1, channel, payload)];
    let unexpected = "unexpected method in connection state running";
    check(
        running,
        vec![
            (
                "tune-ok again",
                one(0, &[0, 10, 0, 31, 0, 0, 0, 0, 0, 0, 0, 0]),
                (504, unexpected, 10, 31),
            ),
            (
                "open again",
                one(0, &[0, 10, 0, 40, 0, 0, 0]),
                (504, unexpected, 10, 40),
            ),
            ("close-ok", one(0, &CLOSE_OK), (504, unexpected, 10, 51)),
            (
                "secure-ok",
                one(0, &[0, 10, 0, 21, 0, 0, 0, 0]),
                (504, unexpected, 10, 21),
            ),
            (
                "channel.open on 0",
                one(0, &[0, 20, 0, 10, 0]),
                (504, unexpected, 20, 10),
            ),
            (
                "connection.close on a channel",
                one(1, &[0, 10, 0, 50, 0, 200, 0, 0, 0, 0, 0]),
                (503, "unimplemented method", 10, 50),
            ),
            (
                "a server's method",
                one(1, &[0, 50, 0, 21]),
                (503, "unimplemented method", 50, 21),
            ),
            (
                "on a free channel",
                one(9, &[0, 60, 0, 10, 0, 0, 0, 0, 0, 0, 0]),
                (504, "expected 'channel.open'", 60, 10),
            ),
            (
                "open twice",
                one(1, &[0, 20, 0, 10, 0]),
                (504, "second 'channel.open' seen", 20, 10),
            ),
        ],
    );
}

#[test]
fn before_open_channels_are_not_known() {
    let one = |kind, channel, payload: &[u8]| vec![frame(kind, channel, payload)];
    let unexpected = "unexpected method in connection state opening";
    check(
        tuned,
        vec![
            (
                "any frame on a channel",
                one(9, 9, b"abc"),
                (505, "type 9, all octets = <<\"abc\">>", 0, 0),
            ),
            (
                "half a header on a channel",
                one(2, 1, b"abcd"),
                (505, "type 2, all octets = <<\"abcd\">>", 0, 0),
            ),
            (
                "channel.open",
                one(1, 1, &[0, 20, 0, 10, 0]),
                (505, "type 1, all octets = <<0,20,0,10,0>>", 0, 0),
            ),
            (
                "half a header on 0",
                one(2, 0, b"abcd"),
                (
                    501,
                    "type 2, all octets = <<\"abcd\">>: unknown_frame",
                    0,
                    0,
                ),
            ),
            (
                "update-secret",
                one(1, 0, &UPDATE_SECRET),
                (504, unexpected, 10, 70),
            ),
            (
                "channel.open on 0",
                one(1, 0, &[0, 20, 0, 10, 0]),
                (504, unexpected, 20, 10),
            ),
            (
                "not text",
                one(1, 0, &[0, 10, 0, 40, 1, 0xff, 0, 0]),
                (501, "Malformed UTF-8 in shortstr", 10, 40),
            ),
        ],
    );
}

#[test]
fn what_rabbitmq_does_not_answer() {
    let unknown_method = frame(1, 1, &[0, 60, 0, 99]);
    let bad_table = frame(
        1,
        1,
        &[&[0, 50, 0, 10, 0, 0, 0, 0][..], b"\0\0\0\x03\x01kI"].concat(),
    );
    let unknown_type = frame(
        1,
        1,
        &[&[0, 50, 0, 10, 0, 0, 0, 0][..], b"\0\0\0\x03\x01kZ"].concat(),
    );
    for (steps, silent) in [
        (1, frame(8, 1, &[])),
        (1, frame(3, 0, b"abcd")),
        (1, frame(9, 0, b"abcd")),
        (2, frame(2, 0, &HEADER)),
        (2, frame(1, 1, &[0, 20, 0, 10, 0])),
        (2, frame(1, 0, &[0, 10, 0, 21, 0, 0, 0, 0])),
        (3, frame(1, 0, &[0, 10, 0, 40, 5, b'a'])),
        (3, frame(1, 0, &[0, 10, 0, 99])),
        (4, unknown_method),
        (4, bad_table),
        (4, unknown_type),
    ] {
        let mut peer = after(steps.min(3));
        if steps == 4 {
            peer = running();
        }
        peer.feed(&silent);
        assert_eq!(peer.seen.last(), Some(&Seen::HungUp), "{silent:?}");
    }
}

/// A refusal takes its own frame and no byte more, or the answer to it would be misread.
#[test]
fn frames_behind_a_refused_one_stay_whole() {
    let bytes = [
        frame(1, 9, &[0, 90, 0, 10]),
        frame(3, 1, &[b'x'; 500]),
        frame(1, 0, &CLOSE_OK),
    ]
    .concat();
    for cut in [40, 200, 500] {
        let mut peer = running();
        let (first, second) = bytes.split_at(cut);
        peer.feed(first);
        assert_eq!(peer.stage, Stage::Closing);
        peer.feed(second);
        assert_eq!(peer.stage, Stage::Gone);
    }
}

#[test]
fn a_closing_channel_drops_all_but_the_end_of_it() {
    let mut peer = Peer::running(Config::default(), &[1, 2]);
    peer.close_channel(1);
    peer.feed(&frame(1, 1, &PUBLISH));
    peer.feed(&frame(2, 1, &HEADER));
    peer.feed(&frame(3, 1, b"hello"));
    peer.feed(&frame(1, 1, &[0, 90, 0, 10]));
    assert!(peer.seen.is_empty());
    peer.feed(&frame(1, 1, &[0, 20, 0, 41]));
    assert_eq!(
        peer.seen,
        [Seen::Control("ChannelCloseOk { channel: 1 }".into())]
    );
    // The number can be used again, the other channel never noticed.
    peer.feed(&frame(1, 1, &[0, 20, 0, 10, 0]));
    peer.feed(&frame(1, 2, &[0, 90, 0, 10]));
    assert_eq!(peer.channels.len(), 2);
    assert!(peer.machine.is_open());
}

#[test]
fn both_sides_may_close_a_channel_at_once() {
    let mut peer = running();
    peer.close_channel(1);
    peer.take_out();
    peer.feed(&frame(1, 1, &[0, 20, 0, 40, 0, 200, 0, 0, 0, 0, 0]));
    assert_eq!(peer.take_out(), frame(1, 1, &[0, 20, 0, 41]));
    assert!(peer.channels.is_empty());
}

#[test]
fn access_request_reaches_the_owner() {
    let mut peer = running();
    peer.feed(&frame(1, 1, &[0, 30, 0, 10, 1, b'r', 0b1_1111]));
    let Some(Seen::Control(text)) = peer.seen.last() else {
        panic!("{:?}", peer.seen);
    };
    assert!(text.contains("AccessRequest(Request { realm: \"r\", exclusive: true"));
}
