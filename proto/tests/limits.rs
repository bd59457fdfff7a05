//! Limits: how deep, how large, how many; and lengths that lie.

use bytes::{Bytes, BytesMut};
use leveret_proto::DecodeError;
use leveret_proto::connection::Config;
use leveret_proto::content::Properties;
use leveret_proto::method::{Method, queue};
use leveret_proto::value::{DEPTH_MAX, FieldTable, FieldValue, ShortString, VALUES_MAX};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::fuzz_bodies::peer::{Peer, Seen, Stage};
use crate::fuzz_bodies::wire::{frame, header, long, short};
use crate::fuzz_bodies::{connection_ops, frame as frame_body, table as table_body};

/// A table in a table in a table.
fn nested_tables(depth: usize) -> Vec<u8> {
    let mut value = b"V".to_vec();
    for _ in 0..depth {
        value = [b"F".to_vec(), long(&[&short("k")[..], &value].concat())].concat();
    }
    [short("k"), value].concat()
}

fn nested_arrays(depth: usize) -> Vec<u8> {
    let mut value = b"V".to_vec();
    for _ in 0..depth {
        value = [b"A".to_vec(), long(&value)].concat();
    }
    [short("k"), value].concat()
}

#[test]
fn tables_nest_to_a_depth() {
    for nested in [nested_tables, nested_arrays] {
        assert!(FieldTable::decode(&nested(DEPTH_MAX)).is_ok());
        for depth in [DEPTH_MAX + 1, 10_000] {
            let decoded = FieldTable::decode(&nested(depth));
            assert_eq!(decoded, Err(DecodeError::TooDeep));
        }
    }
}

#[test]
fn depth_is_that_of_one_branch_not_of_all() {
    let branch = nested_tables(DEPTH_MAX);
    let wide: Vec<u8> = std::iter::repeat_n(branch, 5).flatten().collect();
    assert_eq!(FieldTable::decode(&wide).unwrap().len(), 5);
}

#[test]
fn tables_have_that_many_values() {
    let flat = |count: usize| b"\0V".repeat(count);
    assert_eq!(
        FieldTable::decode(&flat(VALUES_MAX)).unwrap().len(),
        VALUES_MAX
    );
    let more = FieldTable::decode(&flat(VALUES_MAX + 1));
    assert_eq!(more, Err(DecodeError::TooManyValues));
    // Nested ones count, and what holds them does too.
    let array = |count: usize| [&b"\x01kA"[..], &long(&vec![b'V'; count])].concat();
    assert!(FieldTable::decode(&array(VALUES_MAX - 1)).is_ok());
    let more = FieldTable::decode(&array(VALUES_MAX));
    assert_eq!(more, Err(DecodeError::TooManyValues));
}

#[test]
fn lengths_that_lie_are_an_error() {
    let lies: [&[u8]; 6] = [
        b"\x01kS\xff\xff\xff\xff",
        b"\x01kx\x7f\xff\xff\xff..",
        b"\x01kA\x80\0\0\0V",
        b"\x01kF\xff\xff\xff\xff",
        b"\xffk",
        b"\x01kA\0\0\0\x05S\0\0\0\x01",
    ];
    for lie in lies {
        let decoded = FieldTable::decode(lie);
        assert_eq!(decoded, Err(DecodeError::MalformedTable), "{lie:?}");
    }
}

#[test]
fn values_that_rabbitmq_cannot_read() {
    let double = |number: f64| [&b"\x01kd"[..], &number.to_be_bytes()].concat();
    let float = |number: f32| [&b"\x01kf"[..], &number.to_be_bytes()].concat();
    for raw in [
        double(f64::NAN),
        double(f64::INFINITY),
        float(f32::NAN),
        float(f32::NEG_INFINITY),
    ] {
        assert_eq!(FieldTable::decode(&raw), Err(DecodeError::NotFinite));
    }
    for tag in (0..=255).filter(|tag| !b"tbBsuIilLfdDSxTVAF".contains(tag)) {
        let decoded = FieldTable::decode(&[1, b'k', tag, 0, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(decoded, Err(DecodeError::UnknownType(tag)));
    }
}

#[test]
fn values_that_rabbitmq_reads_in_its_own_way() {
    let minus_five = (-5_i64).to_be_bytes();
    let long_long = FieldTable::decode(&[&b"\x01kL"[..], &minus_five].concat()).unwrap();
    assert_eq!(long_long.get("k"), Some(&FieldValue::I64(-5)));
    let flag = FieldTable::decode(b"\x01kt\x07").unwrap();
    assert_eq!(flag.get("k"), Some(&FieldValue::Bool(true)));
    let key = FieldTable::decode(b"\x02\xff\xfeV").unwrap();
    assert_eq!(key.get("\u{fffd}\u{fffd}"), Some(&FieldValue::Void));
    let twice = FieldTable::decode(b"\x01kB\x01\x01kB\x02").unwrap();
    assert_eq!((twice.len(), twice.get("k")), (2, Some(&FieldValue::U8(1))));
}

#[test]
fn short_strings_are_cut_between_characters() {
    let fits = "x".repeat(255);
    assert_eq!(ShortString::from(&fits[..]).as_str(), fits);
    assert_eq!(ShortString::from(&"x".repeat(300)[..]).as_str(), fits);
    let wide = ShortString::from(&"é".repeat(200)[..]);
    assert_eq!(wide.as_str(), "é".repeat(127));
}

#[test]
fn the_longest_short_string_goes_both_ways() {
    let declare = Method::QueueDeclare(queue::Declare {
        queue: "q".repeat(255).as_str().into(),
        ..Default::default()
    });
    let mut out = BytesMut::new();
    declare.encode(&mut out);
    assert_eq!(Method::decode(&out), Ok(declare));
}

#[test]
fn large_long_strings_go_both_ways() {
    let mut table = FieldTable::new();
    table.insert(
        "k",
        FieldValue::LongString(Bytes::from(vec![7; 1024 * 1024])),
    );
    let mut out = BytesMut::new();
    table.encode(&mut out);
    assert_eq!(FieldTable::decode(&out[4..]), Ok(table));
}

#[test]
fn properties_end_where_they_say() {
    assert_eq!(Properties::decode(&[]), Err(DecodeError::Truncated));
    assert_eq!(Properties::decode(&[0x80, 0]), Err(DecodeError::Truncated));
    let lie = Properties::decode(&[0x20, 0, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(lie, Err(DecodeError::Truncated));
    // Flag words may go on, and one that is announced need not come: as in RabbitMQ.
    assert_eq!(Properties::decode(&[0, 1]), Ok(Properties::default()));
    assert_eq!(Properties::decode(&[0, 1, 0, 0]), Ok(Properties::default()));
}

fn refused(peer: &Peer) -> &str {
    match peer.seen.last() {
        Some(Seen::Refused(text)) => text,
        other => panic!("{other:?}"),
    }
}

/// RabbitMQ takes the agreed number of octets as payload, although it names eight less.
#[test]
fn frames_are_as_large_as_agreed() {
    let config = Config {
        frame_max: 9000,
        ..Config::default()
    };
    let mut peer = Peer::running(config.clone(), &[1]);
    peer.feed(&frame(1, 1, &[0, 60, 0, 40, 0, 0, 0, 0, 0]));
    peer.feed(&frame(2, 1, &header(9000, &[0, 0])));
    peer.feed(&frame(3, 1, &[7; 9000]));
    assert!(matches!(peer.seen.last(), Some(Seen::Publish { body, .. }) if body.len() == 9000));
    // The head is enough to refuse a larger one: nothing is kept until it has come.
    peer.feed(&[3, 0, 1, 0, 0, 0x23, 0x29]);
    let text = "type 3, all octets = <<>>: {frame_too_large,9001,8992}";
    assert!(refused(&peer).contains(text), "{}", refused(&peer));
}

#[test]
fn before_the_limits_are_agreed_on_frames_are_small() {
    let mut peer = Peer::new(Config::default());
    peer.feed(b"AMQP\0\0\x09\x01");
    let size = peer.config.handshake_frame_max + 1;
    peer.feed(&[&[1, 0, 0][..], &size.to_be_bytes()].concat());
    assert_eq!(peer.stage, Stage::Gone);
    assert_eq!(peer.seen.last(), Some(&Seen::HungUp));
}

#[test]
fn without_a_limit_there_still_is_one() {
    let config = Config {
        frame_max: 0,
        ..Config::default()
    };
    let mut peer = Peer::running(config, &[1]);
    peer.feed(&[3, 0, 1, 0xff, 0xff, 0xff, 0xff]);
    assert!(refused(&peer).contains("frame_too_large"));
}

#[test]
fn channels_are_as_many_as_agreed_whatever_their_numbers() {
    let config = Config {
        channel_max: 3,
        ..Config::default()
    };
    let open = |channel| frame(1, channel, &[0, 20, 0, 10, 0]);
    let mut peer = Peer::running(config, &[1, 300, 65_535]);
    peer.feed(&frame(1, 300, &[0, 20, 0, 40, 0, 200, 0, 0, 0, 0, 0]));
    peer.feed(&open(7));
    assert_eq!(peer.channels.len(), 3);
    peer.feed(&open(8));
    let text = "number of channels opened (3) has reached the negotiated channel_max (3)";
    assert!(refused(&peer).contains(text));
}

#[test]
fn without_a_limit_every_number_is_a_channel() {
    let config = Config {
        channel_max: 0,
        ..Config::default()
    };
    let mut peer = Peer::running(config, &[]);
    for channel in 1..=u16::MAX {
        peer.feed(&frame(1, channel, &[0, 20, 0, 10, 0]));
    }
    assert_eq!(peer.channels.len(), 65_535);
    assert!(peer.machine.is_open());
}

#[test]
fn a_body_beyond_the_limit_is_counted_not_kept() {
    let config = Config {
        message_bytes_max: 10,
        ..Config::default()
    };
    let mut peer = Peer::running(config, &[1]);
    let publish = frame(1, 1, &[0, 60, 0, 40, 0, 0, 0, 0, 0]);
    peer.feed(&publish);
    peer.feed(&frame(2, 1, &header(25, &[0, 0])));
    peer.feed(&frame(3, 1, &[7; 20]));
    assert!(peer.seen.is_empty());
    peer.feed(&frame(3, 1, &[7; 5]));
    let large = Seen::Control("TooLarge { channel: 1, size: 25 }".into());
    assert_eq!(peer.seen, [large]);
}

/// Everything that is promised but not sent takes no memory: else one frame would take it all.
#[test]
fn a_promised_body_is_not_reserved() {
    let config = Config {
        message_bytes_max: u64::MAX,
        ..Config::default()
    };
    let channels: Vec<u16> = (1..=200).collect();
    let mut peer = Peer::running(config, &channels);
    for channel in channels {
        peer.feed(&frame(1, channel, &[0, 60, 0, 40, 0, 0, 0, 0, 0]));
        peer.feed(&frame(2, channel, &header(u64::MAX, &[0, 0])));
    }
    peer.feed(&frame(3, 1, &[7; 100]));
    assert!(peer.seen.is_empty() && peer.machine.is_open());
}

proptest! {
    #[test]
    fn any_bytes_are_taken_without_a_panic(input in vec(any::<u8>(), 0..300)) {
        frame_body::run(&input);
        table_body::run(&input);
        connection_ops::run(&input);
    }
}
