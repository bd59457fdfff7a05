//! A routing on paper leads where the real one leads, and leaves no trace.

use std::sync::Arc;

use leveret::broker::exchange::{ExchangeKind, Step, dry_route};
use leveret::broker::message::{Facts, Message, Packer, Parts};
use leveret::broker::queue::{Foresight, Hindrance};
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::World;

fn message(exchange: &str, key: &str, headers: FieldTable) -> Arc<Message> {
    let properties = Properties {
        headers: Some(headers),
        ..Properties::default()
    };
    let mut raw = bytes::BytesMut::new();
    properties.encode(&mut raw);
    let parts = Parts {
        exchange,
        routing_key: key,
        properties: &raw,
    };
    let facts = Facts::read(&raw).unwrap();
    let now = leveret::broker::tick::Tick::default();
    Arc::new(Message::pack(
        &mut Packer::default(),
        parts,
        facts,
        b"m",
        now,
    ))
}

#[test]
fn paper_and_reality_agree() {
    for kind in [
        ExchangeKind::Direct,
        ExchangeKind::Fanout,
        ExchangeKind::Topic,
        ExchangeKind::ConsistentHash,
    ] {
        let mut world = World::new();
        world.exchange("x", kind);
        let queues: Vec<_> = ["a", "b", "c"].map(|name| world.queue(name, &[])).into();
        for (queue, key) in queues.iter().zip(["1", "2", "1"]) {
            world.bind("x", queue, key);
        }
        for key in ["1", "2", "3"] {
            let message = message("x", key, FieldTable::new());
            let exchange = world.vhost.exchange("x").unwrap();
            let found = dry_route(&world.vhost, &exchange, &message, &[], world.now);
            let mut planned: Vec<_> = found
                .route
                .queues
                .iter()
                .map(|it| it.name().clone())
                .collect();
            planned.sort();
            assert!(
                queues.iter().all(|queue| queue.view().ready == 0),
                "only planned"
            );
            world.publish("x", key, "m");
            let filled = queues.iter().filter(|queue| queue.view().ready > 0);
            let filled: Vec<_> = filled.map(|queue| queue.name().clone()).collect();
            assert_eq!(planned, filled, "{kind:?} {key}");
            let step = if filled.is_empty() {
                Step::Unmatched
            } else {
                Step::Matched
            };
            assert_eq!(found.visits[0].step, step);
            for queue in &queues {
                world.purge(queue);
            }
        }
    }
}

#[test]
fn nothing_is_held_back_or_remembered_on_paper() {
    let mut world = World::new();
    let size = [("x-cache-size", FieldValue::I32(10))];
    let fanout = [("x-delayed-type", FieldValue::from("fanout"))];
    world
        .exchange_with("later", ExchangeKind::Delayed, &fanout)
        .unwrap();
    world
        .exchange_with("once", ExchangeKind::Deduplication, &size)
        .unwrap();
    let delay: FieldTable = [("x-delay", FieldValue::I32(500))].into_iter().collect();
    let mark: FieldTable = [("x-deduplication-header", "m")].into_iter().collect();
    for (name, headers, step) in [
        ("later", delay, Step::Held(500)),
        ("once", mark, Step::Unmatched),
    ] {
        let exchange = world.vhost.exchange(name).unwrap();
        for _ in 0..2 {
            let message = message(name, "", headers.clone());
            let found = dry_route(&world.vhost, &exchange, &message, &[], world.now);
            assert_eq!(found.visits[0].step, step, "{name}");
        }
        assert_eq!(exchange.delayed_count().unwrap_or(0), 0);
    }
}

#[test]
fn a_queue_foresees_what_it_would_do() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-max-length", FieldValue::I32(1))]);
    let coming = message("", "q", FieldTable::new());
    assert_eq!(queue.foresee(&coming), Foresight::Waits(0));
    world.publish("", "q", "a");
    assert_eq!(queue.foresee(&coming), Foresight::DropsOthers);
    world.consume(&queue, "c", 2, 0);
    let at_once = Foresight::Delivered("c".to_owned(), "test".to_owned());
    assert_eq!(queue.foresee(&coming), at_once);
    world.publish("", "q", "b");
    let why = queue.hindrances()[0].1;
    let (limit, in_flight) = (2, 2);
    assert_eq!(why, Hindrance::Prefetch { limit, in_flight });
    assert_eq!(queue.foresee(&coming), Foresight::Waits(0));
    let alone = [("x-single-active-consumer", FieldValue::Bool(true))];
    let queue = world.queue("alone", &alone);
    world.consume(&queue, "first", 0, 0);
    world.consume(&queue, "second", 0, 0);
    let why: Vec<_> = queue.hindrances().iter().map(|(_, why)| *why).collect();
    assert_eq!(why, [Hindrance::Nothing, Hindrance::Inactive]);
}
