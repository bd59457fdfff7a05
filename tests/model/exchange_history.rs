//! `x-recent-history`.

use std::sync::Arc;

use leveret::broker::exchange::{Destination, ExchangeKind};
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use crate::support::World;

fn world(length: i32) -> World {
    let mut world = World::new();
    let length = [("x-recent-history-length", FieldValue::I32(length))];
    world
        .exchange_with("x", ExchangeKind::RecentHistory, &length)
        .unwrap();
    world
}

#[test]
fn a_new_binding_gets_the_latest_messages_with_their_keys() {
    let mut world = world(2);
    for body in ["a", "b", "c"] {
        world.publish("x", body, body);
    }
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "any");
    let first = world.get(&queue).unwrap();
    assert_eq!((first.exchange(), first.routing_key()), ("x", "b"));
    assert_eq!(world.drain(&queue), ["c"]);
    world.bind("x", &queue, "any");
    assert!(world.drain(&queue).is_empty(), "it was there already");
    world.publish("x", "k", "d");
    assert_eq!(world.drain(&queue), ["d"]);
}

#[test]
fn history_goes_to_the_new_binding_only_also_over_an_exchange() {
    let mut world = world(5);
    let old = world.queue("old", &[]);
    world.bind("x", &old, "");
    world.publish("x", "k", "a");
    assert_eq!(world.drain(&old), ["a"]);
    world.exchange("next", ExchangeKind::Fanout);
    let new = world.queue("new", &[]);
    world.bind("next", &new, "");
    let next = world.vhost.exchange("next").unwrap();
    world
        .bind_to("x", Destination::Exchange(Arc::clone(&next)), "")
        .unwrap();
    assert_eq!(world.drain(&new), ["a"]);
    assert!(world.drain(&old).is_empty());
}

#[test]
fn a_message_may_ask_not_to_be_remembered() {
    let mut world = world(5);
    let marks = [
        (FieldValue::Bool(true), 0),
        (FieldValue::Bool(false), 1),
        (FieldValue::from("true"), 2),
    ];
    for (number, (mark, remembered)) in marks.into_iter().enumerate() {
        let headers = [("x-recent-history-no-store", mark)].into_iter().collect();
        let properties = Properties {
            headers: Some(headers),
            ..Properties::default()
        };
        world.publish_with("x", "", "a", &properties);
        let queue = world.queue(&format!("q{number}"), &[]);
        world.bind("x", &queue, "");
        assert_eq!(world.drain(&queue).len(), remembered);
    }
}

#[test]
fn what_is_remembered_counts_for_the_memory_alarm_as_long_as_it_is() {
    let mut world = world(1);
    world.publish("x", "", "a");
    let one = world.broker.held_bytes();
    assert!(one > 0);
    world.publish("x", "", "b");
    assert_eq!(world.broker.held_bytes(), one);
}

#[test]
fn the_length_is_a_positive_integer() {
    for (length, shown) in [
        (FieldValue::I32(-1), "-1"),
        (FieldValue::I32(0), "0"),
        (FieldValue::from("5"), "<<\"5\">>"),
        (FieldValue::Bool(true), "true"),
        (FieldValue::F64(1.5), "1.5"),
        (FieldValue::Void, "undefined"),
    ] {
        let arguments = [("x-recent-history-length", length)];
        let error = World::new()
            .exchange_with("x", ExchangeKind::RecentHistory, &arguments)
            .unwrap_err();
        let text = "'x-recent-history-length' must be a positive integer";
        assert_eq!(
            error.to_string(),
            format!("Invalid argument {shown}, {text}")
        );
    }
}
