//! `x-delayed-message`: as the plugin of that name documents it.

use std::collections::BTreeSet;
use std::sync::Arc;

use leveret::broker::exchange::{Destination, ExchangeKind};
use leveret::broker::queue::{Page, Settlement, Which};
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use crate::support::World;

fn world(kind: &str) -> World {
    let mut world = World::new();
    let arguments = [("x-delayed-type", FieldValue::from(kind))];
    world
        .exchange_with("x", ExchangeKind::Delayed, &arguments)
        .unwrap();
    world
}

fn after(delay: impl Into<FieldValue>) -> Properties {
    Properties {
        headers: Some([("x-delay", delay.into())].into_iter().collect()),
        ..Properties::default()
    }
}

fn waiting(world: &World) -> Option<usize> {
    world.vhost.exchange("x").unwrap().delayed_count()
}

#[test]
fn messages_come_in_the_order_in_which_they_are_due() {
    let mut world = world("direct");
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "k");
    for (body, delay) in [("late", 500), ("early", 100), ("also early", 100)] {
        let outcome = world.publish_with("x", "k", body, &after(FieldValue::I32(delay)));
        assert!(!outcome.routed && !outcome.overflowed, "it waits");
    }
    assert!(world.publish("x", "k", "at once").routed);
    assert_eq!(world.drain(&queue), ["at once"]);
    assert_eq!(waiting(&world), Some(3));
    let exchange = world.vhost.exchange("x").unwrap();
    let page = Page {
        offset: 0,
        limit: 9,
    };
    let listed = exchange.delayed(page);
    let due: Vec<u64> = listed.iter().map(|(_, one)| one.due.ms()).collect();
    assert_eq!(due, [100, 100, 500]);
    world.pass_ms(99);
    assert!(world.drain(&queue).is_empty());
    world.pass_ms(1);
    assert_eq!(world.drain(&queue), ["early", "also early"]);
    world.pass_ms(400);
    let late = world.get(&queue).unwrap();
    let delay = late.headers().get("x-delay").cloned();
    assert_eq!(delay, Some(FieldValue::I32(-500)), "it says that it waited");
    assert_eq!(waiting(&world), Some(0));
}

#[test]
fn routing_is_decided_when_a_message_is_due() {
    let mut world = world("topic");
    let before = world.queue("before", &[]);
    world.bind("x", &before, "a.*");
    world.publish_with("x", "a.b", "m", &after(FieldValue::I32(100)));
    world.unbind("x", &before, "a.*");
    let late = world.queue("late", &[]);
    world.bind("x", &late, "#");
    world.pass_ms(100);
    assert!(world.drain(&before).is_empty());
    assert_eq!(world.drain(&late), ["m"]);
}

#[test]
fn what_is_no_delay_is_routed_at_once() {
    let mut world = world("fanout");
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "");
    let none = [
        FieldValue::I32(-5),
        FieldValue::I32(0),
        FieldValue::I64(1 << 32),
        FieldValue::from("soon"),
        FieldValue::Bool(true),
    ];
    for delay in none {
        assert!(world.publish_with("x", "", "m", &after(delay)).routed);
    }
    let some = [
        FieldValue::I16(5),
        FieldValue::I64(5),
        FieldValue::from("5"),
        FieldValue::F64(5.9),
    ];
    for delay in some {
        assert!(!world.publish_with("x", "", "m", &after(delay)).routed);
    }
    world.drain(&queue);
    world.pass_ms(5);
    assert_eq!(world.drain(&queue).len(), 4);
}

#[test]
fn it_delays_what_other_exchanges_lead_to_it_and_leads_on() {
    let mut world = world("fanout");
    world.exchange("first", ExchangeKind::Fanout);
    world.exchange("last", ExchangeKind::Fanout);
    let delayed = world.vhost.exchange("x").unwrap();
    let last = world.vhost.exchange("last").unwrap();
    world
        .bind_to("first", Destination::Exchange(Arc::clone(&delayed)), "")
        .unwrap();
    world
        .bind_to("x", Destination::Exchange(Arc::clone(&last)), "")
        .unwrap();
    let queue = world.queue("q", &[]);
    world.bind("last", &queue, "");
    world.publish_with("first", "k", "m", &after(FieldValue::I32(10)));
    assert!(world.drain(&queue).is_empty());
    world.pass_ms(10);
    let message = world.get(&queue).unwrap();
    assert_eq!((message.exchange(), message.routing_key()), ("first", "k"));
}

#[test]
fn the_time_to_live_begins_when_it_is_due() {
    let mut world = world("fanout");
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "");
    let properties = Properties {
        expiration: Some("50".into()),
        ..after(FieldValue::I32(100))
    };
    world.publish_with("x", "", "m", &properties);
    world.pass_ms(100);
    world.pass_ms(40);
    assert_eq!(queue.view().ready, 1);
    world.pass_ms(20);
    assert_eq!(queue.view().ready, 0);
}

#[test]
fn what_waits_goes_with_the_exchange() {
    let mut world = world("fanout");
    let exchange = world.vhost.exchange("x").unwrap();
    world.publish_with("x", "", "m", &after(FieldValue::I32(100)));
    assert_eq!(exchange.delayed_count(), Some(1));
    let mut fx = leveret::broker::effects::Effects::default();
    world.vhost.delete_exchange("x", false, &mut fx).unwrap();
    assert_eq!(exchange.delayed_count(), Some(0));
    let weak = Arc::downgrade(&exchange);
    drop(exchange);
    world.pass_ms(100);
    assert!(weak.upgrade().is_none());
}

#[test]
fn what_waits_counts_for_the_memory_alarm() {
    let mut world = world("fanout");
    world.publish_with("x", "", "m", &after(FieldValue::I32(100)));
    assert!(world.broker.held_bytes() > 0);
    world.pass_ms(100);
    assert_eq!(world.broker.held_bytes(), 0, "nothing was bound");
}

#[test]
fn any_type_that_exists_may_be_delayed_but_itself() {
    for kind in ["x-consistent-hash", "headers", "x-recent-history"] {
        world(kind);
    }
    for (kind, text) in [
        (
            FieldValue::I32(1),
            "Invalid argument, 'x-delayed-type' must be an existing exchange type",
        ),
        (
            "x-delayed-message".into(),
            "Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'",
        ),
        ("nosuch".into(), "unknown exchange type 'nosuch'"),
    ] {
        let arguments = [("x-delayed-type", kind)];
        let error = World::new()
            .exchange_with("x", ExchangeKind::Delayed, &arguments)
            .unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let arguments = [
        ("x-delayed-type", FieldValue::from("x-recent-history")),
        ("x-recent-history-length", FieldValue::I32(0)),
    ];
    let refused = World::new().exchange_with("x", ExchangeKind::Delayed, &arguments);
    assert!(
        refused.is_err(),
        "the other type's arguments are checked too"
    );
}

#[test]
fn chosen_ones_come_before_their_time_or_not_at_all() {
    let mut world = world("direct");
    let queue = world.queue("q", &[]);
    world.bind("x", &queue, "k");
    for (body, delay) in [("late", 500), ("early", 100), ("never", 300)] {
        world.publish_with("x", "k", body, &after(FieldValue::I32(delay)));
    }
    let exchange = world.vhost.exchange("x").unwrap();
    let these = |seq: u64| Which::These(BTreeSet::from([seq]));
    assert_eq!(world.hurry_delayed(&exchange, &these(1), 9), 1);
    assert_eq!(world.drain(&queue), ["late"]);
    let dropped = exchange.take_delayed(&these(3), 9);
    assert_eq!(dropped.len(), 1);
    let which = Which::UpTo(exchange.last_delayed());
    world.publish_with("x", "k", "after", &after(FieldValue::I32(50)));
    assert_eq!(world.hurry_delayed(&exchange, &which, 9), 1);
    assert_eq!(world.drain(&queue), ["early"]);
    world.pass_ms(50);
    assert_eq!(world.drain(&queue), ["after"], "the timer goes on");
    assert_eq!((waiting(&world), world.broker.held_bytes()), (Some(0), 0));
}

#[test]
fn a_dead_letter_that_waits_keeps_its_history() {
    let mut world = world("direct");
    let queue = world.queue("q", &[("x-dead-letter-exchange", "x".into())]);
    world.bind("x", &queue, "q");
    world.publish_with("", "q", "m", &after(FieldValue::I32(100)));
    for _ in 0..2 {
        let taken = world.take(&queue).unwrap();
        world.settle_taken(vec![taken], Settlement::Reject);
        world.pass_ms(100);
    }
    let headers = world.get(&queue).unwrap().headers();
    let Some(FieldValue::Array(deaths)) = headers.get("x-death") else {
        panic!("{headers:?}");
    };
    let FieldValue::Table(death) = &deaths[0] else {
        panic!("{deaths:?}");
    };
    assert_eq!(death.get("count"), Some(&FieldValue::I64(2)));
}
