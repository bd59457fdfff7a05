//! `x-message-deduplication`, the exchange type and the queue argument, as their plugin
//! documents them.

use leveret::broker::exchange::ExchangeKind;
use leveret::broker::queue::Settlement;
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::World;

fn marked(mark: impl Into<FieldValue>) -> Properties {
    headers(
        [("x-deduplication-header", mark.into())]
            .into_iter()
            .collect(),
    )
}

fn headers(headers: FieldTable) -> Properties {
    Properties {
        headers: Some(headers),
        ..Properties::default()
    }
}

fn world(arguments: &[(&str, FieldValue)]) -> World {
    let mut world = World::new();
    let size = ("x-cache-size", FieldValue::I32(3));
    let arguments = [&[size], arguments].concat();
    world
        .exchange_with("x", ExchangeKind::Deduplication, &arguments)
        .unwrap();
    world
}

#[test]
fn a_mark_passes_once_and_what_has_none_always() {
    let mut world = world(&[]);
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "ignored");
    for mark in [
        FieldValue::from("a"),
        FieldValue::I32(1),
        FieldValue::F64(1.5),
    ] {
        assert!(
            world
                .publish_with("x", "k", "", &marked(mark.clone()))
                .routed
        );
        assert!(!world.publish_with("x", "k", "", &marked(mark)).routed);
    }
    assert!(
        !world
            .publish_with("x", "k", "", &marked(FieldValue::I64(1)))
            .routed
    );
    assert!(world.publish("x", "k", "").routed);
    assert!(world.publish("x", "k", "").routed);
    assert_eq!(world.drain(&queue).len(), 5);
}

#[test]
fn a_full_cache_forgets_the_oldest() {
    let mut world = world(&[]);
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "");
    for mark in ["a", "b", "c", "d"] {
        world.publish_with("x", "", mark, &marked(mark));
    }
    assert!(!world.publish_with("x", "", "", &marked("b")).routed);
    assert!(world.publish_with("x", "", "", &marked("a")).routed);
}

#[test]
fn marks_are_forgotten_in_time() {
    let mut world = world(&[("x-cache-ttl", FieldValue::I32(1000))]);
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "");
    let own = [
        ("x-deduplication-header", FieldValue::from("own")),
        ("x-cache-ttl", FieldValue::I32(100)),
    ];
    let own = headers(own.into_iter().collect());
    world.publish_with("x", "", "", &marked("a"));
    world.publish_with("x", "", "", &own);
    world.pass_ms(99);
    assert!(!world.publish_with("x", "", "", &own).routed);
    world.pass_ms(1);
    assert!(world.publish_with("x", "", "", &own).routed);
    assert!(!world.publish_with("x", "", "", &marked("a")).routed);
    world.pass_ms(900);
    assert!(world.publish_with("x", "", "", &marked("a")).routed);
}

#[test]
fn the_cache_is_checked() {
    for (arguments, text) in [
        (
            vec![],
            "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0",
        ),
        (
            vec![("x-cache-size", 0.into())],
            "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0",
        ),
        (
            vec![("x-cache-size", 1.into()), ("x-cache-ttl", 0.into())],
            "Invalid argument, 'x-cache-ttl' must be an integer greater than 0",
        ),
        (
            vec![
                ("x-cache-size", "1".into()),
                ("x-cache-persistence", "tape".into()),
            ],
            "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'",
        ),
    ] {
        let arguments: Vec<(&str, FieldValue)> = arguments;
        let error = World::new()
            .exchange_with("x", ExchangeKind::Deduplication, &arguments)
            .unwrap_err();
        assert_eq!(error.to_string(), text);
    }
}

#[test]
fn a_queue_takes_no_second_message_of_a_mark_until_the_first_is_gone() {
    let mut world = World::new();
    let arguments = [("x-message-deduplication", FieldValue::Bool(true))];
    let queue = world.queue("q", &arguments);
    for _ in 0..2 {
        assert!(world.publish_with("", "q", "a", &marked("m")).routed);
        world.publish("", "q", "unmarked");
    }
    assert_eq!(world.drain(&queue), ["a", "unmarked", "unmarked"]);
    world.consume(&queue, "c", 1, 0);
    world.publish_with("", "q", "b", &marked("m"));
    assert_eq!(world.delivered(), ["c:b"]);
    world.publish_with("", "q", "while it is out", &marked("m"));
    world.settle_first(Settlement::Return);
    assert_eq!(world.delivered(), ["c:b"]);
    world.settle_first(Settlement::Ack);
    assert!(world.delivered().is_empty());
    world.publish_with("", "q", "c", &marked("m"));
    assert_eq!(world.delivered(), ["c:c"]);
}

#[test]
fn expired_and_dropped_messages_are_gone_too() {
    let mut world = World::new();
    let arguments = [
        ("x-message-deduplication", FieldValue::Bool(true)),
        ("x-message-ttl", FieldValue::I32(100)),
        ("x-max-length", FieldValue::I32(1)),
    ];
    let queue = world.queue("q", &arguments);
    world.publish_with("", "q", "a", &marked("m"));
    world.pass_ms(100);
    world.publish_with("", "q", "b", &marked("m"));
    assert_eq!(queue.view().ready, 1);
    world.publish_with("", "q", "c", &marked("n"));
    world.publish_with("", "q", "d", &marked("m"));
    assert_eq!(world.drain(&queue), ["d"]);
}
