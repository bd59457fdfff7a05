//! Whatever is written is read again as it was: methods, tables, properties, frames.

use bytes::{Bytes, BytesMut};
use leveret_proto::connection::Config;
use leveret_proto::content::{self, Properties};
use leveret_proto::method::Method;
use leveret_proto::outbuf::{BodyRef, ContentRef, DeliverHead, Outbuf};
use leveret_proto::value::{FieldTable, FieldValue, ShortString};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::fuzz_bodies::peer::{Peer, Seen, drain, split};
use crate::fuzz_bodies::source::Source;
use crate::fuzz_bodies::wire::{frame, header, method, short};

fn short_string() -> impl Strategy<Value = ShortString> {
    "\\PC{0,20}".prop_map(|text| text.as_str().into())
}

fn octets(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

fn scalar() -> impl Strategy<Value = FieldValue> {
    prop_oneof![
        any::<bool>().prop_map(FieldValue::Bool),
        any::<i8>().prop_map(FieldValue::I8),
        any::<u8>().prop_map(FieldValue::U8),
        any::<i16>().prop_map(FieldValue::I16),
        any::<u16>().prop_map(FieldValue::U16),
        any::<i32>().prop_map(FieldValue::I32),
        any::<u32>().prop_map(FieldValue::U32),
        any::<i64>().prop_map(FieldValue::I64),
        // Any finite one: others are refused.
        proptest::num::f32::NORMAL.prop_map(FieldValue::F32),
        proptest::num::f64::NORMAL.prop_map(FieldValue::F64),
        any::<(u8, u32)>().prop_map(|(scale, value)| FieldValue::Decimal { scale, value }),
        octets(40).prop_map(FieldValue::LongString),
        octets(40).prop_map(FieldValue::Bytes),
        any::<u64>().prop_map(FieldValue::Timestamp),
        Just(FieldValue::Void),
    ]
}

fn pairs_of(value: impl Strategy<Value = FieldValue>) -> impl Strategy<Value = FieldTable> {
    vec(("\\PC{0,20}", value), 0..6).prop_map(FieldTable::from_iter)
}

fn value() -> impl Strategy<Value = FieldValue> {
    scalar().prop_recursive(6, 60, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(FieldValue::Array),
            pairs_of(inner).prop_map(FieldValue::Table),
        ]
    })
}

fn table() -> impl Strategy<Value = FieldTable> {
    pairs_of(value())
}

/// Any subset of the properties.
fn properties() -> impl Strategy<Value = Properties> {
    let short = || option::of(short_string());
    let first = (short(), short(), option::of(table()), any::<Option<u8>>());
    let second = (any::<Option<u8>>(), short(), short(), short(), short());
    let third = (any::<Option<u64>>(), short(), short(), short(), short());
    (first, second, third).prop_map(|(first, second, third)| Properties {
        content_type: first.0,
        content_encoding: first.1,
        headers: first.2,
        delivery_mode: first.3,
        priority: second.0,
        correlation_id: second.1,
        reply_to: second.2,
        expiration: second.3,
        message_id: second.4,
        timestamp: third.0,
        kind: third.1,
        user_id: third.2,
        app_id: third.3,
        cluster_id: third.4,
    })
}

fn encoded(properties: &Properties) -> BytesMut {
    let mut out = BytesMut::new();
    properties.encode(&mut out);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn every_method(choices in vec(any::<u8>(), 0..400)) {
        for spec in Method::SPECS {
            // An encoder that knows only the table of methods writes it.
            let payload = method(spec, &mut Source(&choices));
            let decoded = Method::decode(&payload).unwrap();
            prop_assert_eq!(decoded.ids(), (spec.class_id, spec.method_id));
            prop_assert_eq!(decoded.name(), spec.name);
            let mut again = BytesMut::new();
            decoded.encode(&mut again);
            prop_assert_eq!(&again, &payload, "{:?}", decoded);
            for len in 4..payload.len() {
                prop_assert!(Method::decode(&payload[..len]).is_err());
            }
        }
    }

    #[test]
    fn every_table(table in table()) {
        let mut out = BytesMut::new();
        table.encode(&mut out);
        let (len, contents) = out.split_first_chunk::<4>().unwrap();
        prop_assert_eq!(u32::from_be_bytes(*len) as usize, contents.len());
        prop_assert_eq!(FieldTable::decode(contents).unwrap(), table);
    }

    #[test]
    fn any_properties(properties in properties()) {
        let raw = encoded(&properties);
        let facts = content::scan(&raw).unwrap();
        let text = |place: Option<std::ops::Range<usize>>| {
            place.map(|it| ShortString::from(std::str::from_utf8(&raw[it]).unwrap()))
        };
        prop_assert_eq!(facts.delivery_mode, properties.delivery_mode.unwrap_or(0));
        prop_assert_eq!(facts.priority, properties.priority);
        prop_assert_eq!(facts.timestamp, properties.timestamp);
        prop_assert_eq!(&text(facts.reply_to), &properties.reply_to);
        prop_assert_eq!(&text(facts.expiration), &properties.expiration);
        prop_assert_eq!(&text(facts.message_id), &properties.message_id);
        prop_assert_eq!(&text(facts.user_id), &properties.user_id);
        let headers = facts.headers.map(|it| FieldTable::decode(&raw[it]).unwrap());
        prop_assert_eq!(&headers, &properties.headers);
        prop_assert_eq!(Properties::decode(&raw).unwrap(), properties);
        for len in 0..raw.len() {
            prop_assert!(Properties::decode(&raw[..len]).is_err());
            prop_assert!(content::scan(&raw[..len]).is_err());
        }
    }

    #[test]
    fn frames_cut_anywhere(
        bodies in vec((octets(700), 1..4_usize), 1..4),
        choices in vec(any::<u8>(), 60),
        cuts in vec(1..300_usize, 1..20),
    ) {
        let bytes = conversation(&bodies, &choices);
        let whole = seen(&[&bytes]);
        let published = whole.iter().filter(|it| matches!(it, Seen::Publish { .. }));
        prop_assert_eq!(published.count(), bodies.len());
        prop_assert_eq!(&whole, &seen(&bytes.chunks(1).collect::<Vec<_>>()));
        let mut pieces = Vec::new();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            let (piece, behind) = rest.split_at(rest.len().min(*cut));
            pieces.push(piece);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(&whole, &seen(&pieces));
    }

    #[test]
    fn what_the_buffer_writes(
        bodies in vec((octets(5000), any::<bool>()), 1..5),
        properties in properties(),
        frame_max in prop_oneof![Just(0_u32), 9..6000_u32],
        steps in vec(1..4000_usize, 1..6),
    ) {
        let raw = encoded(&properties);
        let mut out = Outbuf::new();
        for (body, is_chained) in &bodies {
            put_all(&mut out, &raw, body, *is_chained, frame_max);
        }
        let written = in_steps(out, &steps);
        let mut rest = &written[..];
        for (body, _) in &bodies {
            rest = read_all(rest, &properties, body, frame_max)?;
        }
        prop_assert!(rest.is_empty());
    }
}

/// Publishes with their bodies in that many frames, methods between them.
fn conversation(bodies: &[(Bytes, usize)], choices: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let qos = Method::SPECS.iter().find(|it| it.name == "basic.qos");
    for (body, parts) in bodies {
        let publish = [&[0, 60, 0, 40, 0, 0][..], &short("ex"), &short("key"), &[1]].concat();
        bytes.extend(frame(1, 1, &publish));
        bytes.extend(frame(2, 1, &header(body.len() as u64, &[0x10, 0, 2])));
        // Another channel may speak between the frames of a content.
        bytes.extend(frame(1, 2, &method(qos.unwrap(), &mut Source(choices))));
        for part in body.chunks(body.len() / parts + 1) {
            bytes.extend(frame(3, 1, part));
            bytes.extend(frame(8, 0, &[]));
        }
    }
    bytes
}

fn seen(pieces: &[&[u8]]) -> Vec<Seen> {
    let mut peer = Peer::running(Config::default(), &[1, 2]);
    pieces.iter().for_each(|piece| peer.feed(piece));
    assert!(peer.input.is_empty());
    peer.seen
}

fn put_all(out: &mut Outbuf, properties: &[u8], body: &Bytes, is_chained: bool, frame_max: u32) {
    let route = [short("ex"), short("key")].concat();
    let content = ContentRef {
        route: &route,
        properties,
        body: match is_chained {
            true => BodyRef::Chain(body),
            false => BodyRef::Copy(body),
        },
    };
    let head = DeliverHead {
        consumer_tag: b"tag",
        delivery_tag: 7,
        redelivered: true,
    };
    out.put_deliver(3, head, &content, frame_max);
    out.put_get_ok(4, 8, false, 9, &content, frame_max);
    out.put_return(5, 312, "NO_ROUTE", &content, frame_max);
    out.put_ack(6, 10, true);
    out.put_nack(6, 11);
    out.put_heartbeat();
}

/// Written out a piece at a time, as a socket takes it.
fn in_steps(mut out: Outbuf, steps: &[usize]) -> Vec<u8> {
    let mut written = Vec::new();
    for step in steps {
        let mut slices = [std::io::IoSlice::new(&[]); 3];
        let used = out.slices(&mut slices);
        let shown: Vec<u8> = slices[..used].iter().flat_map(|it| it.to_vec()).collect();
        let len = shown.len().min(*step);
        written.extend_from_slice(&shown[..len]);
        out.advance(len);
    }
    written.extend(drain(&mut out));
    written
}

/// What [`put_all`] wrote; what stands behind it.
fn read_all<'a>(
    bytes: &'a [u8],
    properties: &Properties,
    body: &Bytes,
    frame_max: u32,
) -> Result<&'a [u8], TestCaseError> {
    let titles = [
        (
            3,
            "BasicDeliver(Deliver { consumer_tag: \"tag\", delivery_tag: 7, redelivered: true, \
             exchange: \"ex\", routing_key: \"key\" })",
        ),
        (
            4,
            "BasicGetOk(GetOk { delivery_tag: 8, redelivered: false, exchange: \"ex\", \
             routing_key: \"key\", message_count: 9 })",
        ),
        (
            5,
            "BasicReturn(Return { reply_code: 312, reply_text: \"NO_ROUTE\", exchange: \"ex\", \
             routing_key: \"key\" })",
        ),
    ];
    let mut rest = bytes;
    for (channel, shown) in titles {
        rest = read_method(rest, channel, shown)?;
        rest = read_content(rest, channel, properties, body, frame_max)?;
    }
    let ack = "BasicAck(Ack { delivery_tag: 10, multiple: true })";
    let nack = "BasicNack(Nack { delivery_tag: 11, multiple: true, requeue: true })";
    rest = read_method(rest, 6, ack)?;
    rest = read_method(rest, 6, nack)?;
    let (kind, channel, payload, rest) = split(rest);
    prop_assert_eq!((kind, channel, payload.len()), (8, 0, 0));
    Ok(rest)
}

fn read_method<'a>(bytes: &'a [u8], on: u16, shown: &str) -> Result<&'a [u8], TestCaseError> {
    let (kind, channel, payload, rest) = split(bytes);
    prop_assert_eq!((kind, channel), (1, on));
    prop_assert_eq!(format!("{:?}", Method::decode(payload).unwrap()), shown);
    Ok(rest)
}

fn read_content<'a>(
    bytes: &'a [u8],
    on: u16,
    properties: &Properties,
    body: &Bytes,
    frame_max: u32,
) -> Result<&'a [u8], TestCaseError> {
    let (kind, channel, payload, mut rest) = split(bytes);
    prop_assert_eq!((kind, channel), (2, on));
    let raw = encoded(properties);
    prop_assert_eq!(payload, header(body.len() as u64, &raw));
    let mut left = &body[..];
    while !left.is_empty() {
        let (kind, channel, payload, behind) = split(rest);
        prop_assert_eq!((kind, channel), (3, on));
        prop_assert!(frame_max == 0 || payload.len() + 8 <= frame_max as usize);
        let part = left.split_off(..payload.len());
        prop_assert_eq!(part, Some(payload));
        rest = behind;
    }
    Ok(rest)
}
