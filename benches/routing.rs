//! From an exchange and a key to queues, as on a miss of a channel's route cache.
#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on should say where"
)]

#[allow(dead_code, reason = "shared with the other benches")]
mod support;

use std::hint::black_box;
use std::sync::Arc;

use criterion::Criterion;
use leveret::broker::effects::Effects;
use leveret::broker::exchange::{Destination, route};
use leveret::broker::message::{Facts, Message, Parts};
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};
use support::{World, criterion};

/// An exchange with its bindings, and a message for one of them.
struct Case {
    name: &'static str,
    exchange: &'static str,
    /// Binding key and header value of each.
    bindings: Vec<(String, i32)>,
    routing_key: &'static str,
    /// How many queues the message reaches.
    reached: usize,
}

fn cases() -> [Case; 5] {
    let many = |count, key: fn(i32) -> String| (0..count).map(|n| (key(n), n)).collect();
    [
        Case {
            name: "direct/1000 bindings",
            exchange: "amq.direct",
            bindings: many(1000, |n| format!("key.{n}")),
            routing_key: "key.500",
            reached: 1,
        },
        Case {
            name: "fanout/10 bindings",
            exchange: "amq.fanout",
            bindings: many(10, |_| String::new()),
            routing_key: "key",
            reached: 10,
        },
        Case {
            name: "topic/1000 words",
            exchange: "amq.topic",
            bindings: many(1000, |n| format!("orders.{n}.created")),
            routing_key: "orders.500.created",
            reached: 1,
        },
        Case {
            name: "topic/1000 patterns",
            exchange: "amq.topic",
            bindings: many(1000, |n| format!("orders.*.#.{n}")),
            routing_key: "orders.eu.berlin.created.500",
            reached: 1,
        },
        Case {
            name: "headers/100 bindings",
            exchange: "amq.headers",
            bindings: many(100, |_| String::new()),
            routing_key: "",
            reached: 1,
        },
    ]
}

fn headers(number: i32) -> FieldTable {
    FieldTable::from_iter([("number", FieldValue::I32(number))])
}

fn bind(world: &mut World, case: &Case, fx: &mut Effects) {
    let source = world.vhost.exchange(case.exchange).unwrap();
    for (at, (key, number)) in case.bindings.iter().enumerate() {
        let to = Destination::Queue(world.queue(&format!("q{at}"), &[]));
        let arguments = headers(*number);
        world
            .vhost
            .bind(&source, to, &key.as_str().into(), &arguments, fx)
            .unwrap();
    }
}

fn message(case: &Case, fx: &mut Effects, world: &World) -> Arc<Message> {
    let mut properties = bytes::BytesMut::new();
    let with_headers = Properties {
        headers: Some(headers(50)),
        ..Properties::default()
    };
    with_headers.encode(&mut properties);
    let parts = Parts {
        exchange: case.exchange,
        routing_key: case.routing_key,
        properties: &properties,
    };
    let facts = Facts::read(&properties).unwrap();
    let message = Message::pack(&mut fx.packer, parts, facts, b"x", world.now);
    Arc::new(message)
}

fn bench(criterion: &mut Criterion, case: &Case) {
    let (mut world, mut fx) = (World::new(), Effects::default());
    bind(&mut world, case, &mut fx);
    let message = message(case, &mut fx, &world);
    let exchange = world.vhost.exchange(case.exchange).unwrap();
    let mut find = || route(&world.vhost, &exchange, &message, &[], world.now, &mut fx);
    assert_eq!(find().queues.len(), case.reached, "{}", case.name);
    criterion.bench_function(&format!("routing/{}", case.name), |bencher| {
        bencher.iter(|| black_box(find()));
    });
}

fn main() {
    let mut criterion = criterion();
    for case in cases() {
        bench(&mut criterion, &case);
    }
    criterion.final_summary();
}
