//! Frames that real clients and real servers sent (`tests/reference/capture_vectors.py`). The
//! recorder decoded them too, in Python: both must read the same, and we must write the same bytes.

use bytes::BytesMut;
use leveret_proto::content::{self, Properties};
use leveret_proto::method::Method;
use leveret_proto::outbuf::Outbuf;

use crate::fuzz_bodies::peer::{drain, split};

const RECORDINGS: [&str; 2] = [
    include_str!("vectors/rabbitmq-4.0.txt"),
    include_str!("vectors/rabbitmq-4.3.txt"),
];

/// What nobody says: RabbitMQ has no mechanism with a challenge.
const NEVER_SAID: [&str; 2] = ["connection.secure", "connection.secure-ok"];

struct Vector {
    side: &'static str,
    name: &'static str,
    frame: Vec<u8>,
    shown: &'static str,
}

fn vectors() -> Vec<Vector> {
    let mut all = Vec::new();
    for recording in RECORDINGS {
        let lines: Vec<_> = recording
            .lines()
            .filter(|it| !it.starts_with('#'))
            .collect();
        for entry in lines.chunks(3) {
            let [title, octets, shown] = entry else {
                panic!("an entry ends early")
            };
            let (side, name) = title.rsplit_once(' ').unwrap();
            let frame = unhex(octets);
            all.push(Vector {
                side,
                name,
                frame,
                shown,
            });
        }
    }
    all
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

#[test]
fn every_method_reads_as_recorded_and_is_written_alike() {
    let mut count = 0;
    for vector in vectors().iter().filter(|it| it.frame[0] == 1) {
        let (_, channel, payload, behind) = split(&vector.frame);
        assert!(behind.is_empty());
        let method = Method::decode(payload).unwrap();
        assert_eq!(method.name(), vector.name);
        assert_eq!(format!("{method:?}"), vector.shown, "{}", vector.side);
        let mut out = Outbuf::new();
        out.put_method(channel, &method);
        assert_eq!(drain(&mut out), vector.frame, "{}", vector.shown);
        count += 1;
    }
    assert!(count > 200, "only {count}");
}

#[test]
fn every_header_reads_as_recorded_and_is_written_alike() {
    let mut count = 0;
    for vector in vectors().iter().filter(|it| it.frame[0] == 2) {
        let (_, _, payload, _) = split(&vector.frame);
        let (head, raw) = payload.split_at(12);
        let size = u64::from_be_bytes(head[4..].try_into().unwrap());
        let properties = Properties::decode(raw).unwrap();
        assert_eq!(format!("{size} {properties:?}"), vector.shown);
        let mut out = BytesMut::new();
        properties.encode(&mut out);
        assert_eq!(out, raw, "{}", vector.shown);
        let facts = content::scan(raw).unwrap();
        assert_eq!(facts.timestamp, properties.timestamp);
        assert_eq!(facts.headers.is_some(), properties.headers.is_some());
        count += 1;
    }
    assert!(count > 40, "only {count}");
}

#[test]
fn heartbeats_are_written_alike() {
    let both: Vec<_> = vectors()
        .into_iter()
        .filter(|it| it.frame[0] == 8)
        .collect();
    assert!(both.len() >= 2);
    for vector in both {
        let mut out = Outbuf::new();
        out.put_heartbeat();
        assert_eq!(drain(&mut out), vector.frame);
    }
}

#[test]
fn every_method_that_is_said_is_recorded() {
    let recorded = vectors();
    for spec in Method::SPECS {
        let is_recorded = recorded.iter().any(|it| it.name == spec.name);
        let is_said = !NEVER_SAID.contains(&spec.name);
        assert_eq!(is_recorded, is_said, "{}", spec.name);
    }
}

#[test]
fn every_type_of_value_is_recorded() {
    let recorded = vectors();
    let types = [
        "Bool(",
        "I8(",
        "U8(",
        "I16(",
        "U16(",
        "I32(",
        "U32(",
        "I64(",
        "F32(",
        "F64(",
        "Decimal {",
        "LongString(",
        "Bytes(",
        "Array(",
        "Timestamp(",
        "Table(",
        "Void",
    ];
    for side in ["client", "server"] {
        for kind in types {
            let is_there = |it: &Vector| it.side.starts_with(side) && it.shown.contains(kind);
            assert!(recorded.iter().any(is_there), "{side} {kind}");
        }
    }
}
