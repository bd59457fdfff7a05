//! Bytes to events and back.
#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on should say where"
)]

#[allow(dead_code, reason = "shared with the other benches")]
mod support;

use std::hint::black_box;
use std::time::Instant;

use bytes::BytesMut;
use criterion::{BenchmarkId, Criterion, Throughput};
use leveret_proto::connection::{Config, Connection, Control, Event};
use leveret_proto::content::{self, Properties};
use leveret_proto::outbuf::{DeliverHead, Outbuf};
use leveret_proto::value::{FieldTable, FieldValue};
use support::{BATCH, criterion, frames, message};

/// The server's side of a connection with channel 1 open.
fn machine(now: Instant) -> Connection {
    let mut machine = Connection::new(Config::default(), now);
    let mut out = Outbuf::new();
    for step in frames::log_in(0).iter().chain([&frames::open_channel(1)]) {
        let event = machine.next_event(step, now).unwrap().event;
        match event {
            Some(Event::Control(Control::Header)) => {
                machine.send_start(&mut out, FieldTable::new(), "PLAIN");
            }
            Some(Event::Control(Control::StartOk(_))) => machine.send_tune(&mut out),
            Some(Event::Control(Control::Open { .. })) => machine.send_open_ok(&mut out),
            Some(Event::Control(Control::ChannelOpen { channel })) => {
                machine.send_channel_open_ok(&mut out, channel);
            }
            _ => {}
        }
    }
    machine
}

fn publishes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec/publish");
    group.throughput(Throughput::Elements(BATCH));
    let now = Instant::now();
    for body_bytes in [16, 1024] {
        let mut machine = machine(now);
        let publish = frames::publish("", "q", frames::PERSISTENT, &vec![b'x'; body_bytes]);
        let read = publish.repeat(BATCH as usize);
        group.bench_function(BenchmarkId::from_parameter(body_bytes), |bencher| {
            bencher.iter(|| {
                let (mut at, mut publishes) = (0, 0);
                while at < read.len() {
                    let step = machine.next_event(&read[at..], now).unwrap();
                    at += step.consumed;
                    publishes += u64::from(matches!(step.event, Some(Event::Publish(_))));
                }
                assert_eq!(publishes, BATCH);
            });
        });
    }
    group.finish();
}

fn methods(criterion: &mut Criterion) {
    let now = Instant::now();
    let mut machine = machine(now);
    let arguments = FieldTable::from_iter([("x-message-ttl", FieldValue::I32(60_000))]);
    for (name, frame) in [
        ("ack", frames::ack(1, false)),
        ("queue.declare", frames::declare("q", &arguments)),
    ] {
        criterion.bench_function(&format!("codec/method/{name}"), |bencher| {
            bencher.iter(|| black_box(machine.next_event(&frame, now)).is_ok());
        });
    }
}

fn deliveries(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec/deliver");
    group.throughput(Throughput::Elements(BATCH));
    for body_bytes in [16, 1024, 16 * 1024] {
        let message = message("", "q", &vec![b'x'; body_bytes]);
        let mut out = Outbuf::new();
        group.bench_function(BenchmarkId::from_parameter(body_bytes), |bencher| {
            bencher.iter(|| {
                for delivery_tag in 1..=BATCH {
                    let head = DeliverHead {
                        consumer_tag: b"c",
                        delivery_tag,
                        redelivered: false,
                    };
                    out.put_deliver(1, head, &message.content(), 131_072);
                }
                out.advance(black_box(out.len()));
            });
        });
    }
    group.finish();
}

fn properties(criterion: &mut Criterion) {
    let headers = FieldTable::from_iter([
        ("lang", FieldValue::from("py")),
        ("task", FieldValue::from("orders.tasks.send_confirmation")),
        (
            "id",
            FieldValue::from("3f1b5f6e-1d5c-4a53-9a67-6f0d2d7a1c11"),
        ),
        ("retries", FieldValue::I32(0)),
    ]);
    let typical = Properties {
        headers: Some(headers),
        content_type: Some("application/json".into()),
        delivery_mode: Some(2),
        priority: Some(0),
        ..Properties::default()
    };
    let mut raw = BytesMut::new();
    typical.encode(&mut raw);
    criterion.bench_function("codec/properties/scan", |bencher| {
        bencher.iter(|| black_box(content::scan(&raw)).is_ok());
    });
    criterion.bench_function("codec/properties/decode", |bencher| {
        bencher.iter(|| black_box(Properties::decode(&raw)).is_ok());
    });
    criterion.bench_function("codec/properties/encode", |bencher| {
        let mut out = BytesMut::new();
        bencher.iter(|| {
            out.clear();
            typical.encode(&mut out);
        });
    });
}

fn main() {
    let mut criterion = criterion();
    publishes(&mut criterion);
    methods(&mut criterion);
    deliveries(&mut criterion);
    properties(&mut criterion);
    criterion.final_summary();
}
