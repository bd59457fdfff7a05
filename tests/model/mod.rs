//! The model without sockets, runtime or clock.

mod alarm;
mod compat;
mod counts;
mod definitions;
mod event_exchange;
mod exchange_deduplication;
mod exchange_delayed;
mod exchange_hash;
mod exchange_history;
mod exchange_random;
mod explain;
mod limit;
mod peek;
mod policy;
mod quorum;
mod restart;
mod stream;
mod totals;
mod trace;
mod transfer;

use std::sync::Arc;

use leveret::broker::exchange::ExchangeKind;
use leveret::broker::outlet::Notice;
use leveret::broker::publish::Outcome;
use leveret::broker::queue::{CloseIf, Settlement};
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use crate::support::World;

fn prioritised(priority: u8) -> Properties {
    Properties {
        priority: Some(priority),
        ..Properties::default()
    }
}

fn expiring(ms: &str) -> Properties {
    Properties {
        expiration: Some(ms.into()),
        ..Properties::default()
    }
}

#[test]
fn requeued_messages_go_back_to_their_place() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.consume(&queue, "c", 2, 0);
    for body in ["a", "b", "c"] {
        world.publish("", "q", body);
    }
    assert_eq!(world.delivered(), ["c:a", "c:b"]);
    world.settle_first(Settlement::Return);
    assert_eq!(world.delivered(), ["c:a"], "before c, which is younger");
}

#[test]
fn prefetch_is_never_exceeded() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.consume(&queue, "c", 1, 0);
    for body in ["a", "b"] {
        world.publish("", "q", body);
    }
    assert_eq!(world.delivered(), ["c:a"]);
    world.settle_first(Settlement::Ack);
    assert_eq!(world.delivered(), ["c:b"]);
}

#[test]
fn consumers_take_turns_and_higher_ones_go_first() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.consume(&queue, "x", 0, 0);
    world.consume(&queue, "y", 0, 0);
    for body in ["1", "2", "3"] {
        world.publish("", "q", body);
    }
    assert_eq!(world.delivered(), ["x:1", "y:2", "x:3"]);
    world.consume(&queue, "high", 1, 10);
    for body in ["4", "5"] {
        world.publish("", "q", body);
    }
    assert_eq!(world.delivered(), ["high:4", "y:5"]);
}

#[test]
fn priorities_are_lanes() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-max-priority", FieldValue::I32(5))]);
    for (body, priority) in [("low", 0), ("high", 5), ("above", 9), ("mid", 3)] {
        world.publish_with("", "q", body, &prioritised(priority));
    }
    assert_eq!(world.drain(&queue), ["high", "above", "mid", "low"]);
}

#[test]
fn there_may_be_255_priorities() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-max-priority", FieldValue::I32(255))]);
    for priority in [254, 0, 255] {
        let body = priority.to_string();
        world.publish_with("", "q", &body, &prioritised(priority));
    }
    world.pass_ms(1);
    assert_eq!(world.drain(&queue), ["255", "254", "0"]);
}

#[test]
fn messages_expire_when_time_passes() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-message-ttl", FieldValue::I32(1000))]);
    world.publish("", "q", "a");
    world.publish_with("", "q", "b", &expiring("10"));
    world.pass_ms(500);
    assert_eq!(
        queue.view().ready,
        2,
        "b waits behind a, which is still fresh"
    );
    world.pass_ms(600);
    assert_eq!(queue.view().ready, 0);
}

#[test]
fn unused_queues_expire() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-expires", FieldValue::I32(1000))]);
    world.pass_ms(900);
    world.drain(&queue);
    world.pass_ms(900);
    assert!(world.vhost.queues.contains("q"), "a get is a use");
    world.pass_ms(200);
    assert!(!world.vhost.queues.contains("q"));
}

#[test]
fn dead_letters_carry_their_history_and_do_not_go_round() {
    let mut world = World::new();
    let arguments = [
        ("x-message-ttl", FieldValue::I32(10)),
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", "dead".into()),
    ];
    world.queue("q", &arguments);
    let dead = world.queue("dead", &[]);
    world.publish("", "q", "a");
    world.pass_ms(20);
    let message = world.get(&dead).unwrap();
    let headers = message.headers();
    assert_eq!(headers.get("x-first-death-reason"), Some(&"expired".into()));
    let cycle = [
        ("x-message-ttl", FieldValue::I32(10)),
        ("x-dead-letter-exchange", "".into()),
    ];
    let round = world.queue("round", &cycle);
    world.publish("", "round", "b");
    world.pass_ms(20);
    assert_eq!(
        round.view().ready,
        0,
        "an expired message that comes round is dropped"
    );
}

#[test]
fn a_full_queue_drops_its_head_or_refuses() {
    let mut world = World::new();
    let length = ("x-max-length", FieldValue::I32(2));
    let queue = world.queue("drop", std::slice::from_ref(&length));
    for body in ["a", "b", "c"] {
        world.publish("", "drop", body);
    }
    assert_eq!(world.drain(&queue), ["b", "c"]);
    world.queue("refuse", &[length, ("x-overflow", "reject-publish".into())]);
    for body in ["a", "b"] {
        world.publish("", "refuse", body);
    }
    let outcome = world.publish("", "refuse", "c");
    assert_eq!(
        outcome,
        Outcome {
            routed: false,
            overflowed: true,
            failed: false,
        }
    );
}

#[test]
fn a_message_reaches_each_queue_once() {
    let mut world = World::new();
    world.exchange("t", ExchangeKind::Topic);
    let queue = world.queue("q", &[]);
    for key in ["a.*", "#", "a.b"] {
        world.bind("t", &queue, key);
    }
    world.publish("t", "a.b", "x");
    assert_eq!(world.drain(&queue), ["x"]);
}

#[test]
fn a_deleted_queue_leaves_nothing_behind() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.bind("amq.direct", &queue, "k");
    world.consume(&queue, "c", 0, 0);
    world.publish("", "q", "a");
    let mut fx = leveret::broker::effects::Effects::default();
    world
        .vhost
        .delete_queue(&queue, CloseIf::default(), &mut fx)
        .unwrap();
    assert!(
        world
            .vhost
            .exchange("amq.direct")
            .unwrap()
            .bindings()
            .is_empty()
    );
    let notices = world.recorder.notices.lock().unwrap().clone();
    assert_eq!(
        notices,
        [Notice::ConsumerCancelled {
            channel: 1,
            consumer_tag: "c".into()
        }]
    );
    world.settle_first(Settlement::Return);
    let weak = Arc::downgrade(&queue);
    drop(queue);
    assert!(weak.upgrade().is_none(), "no cycle keeps the queue alive");
}

#[test]
fn what_came_back_to_a_lane_is_its_head_and_expires_first() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-max-priority", FieldValue::I32(2))]);
    world.consume(&queue, "c", 1, 0);
    world.publish_with("", "q", "old", &prioritised(1));
    assert_eq!(world.delivered(), ["c:old"]);
    let brief = Properties {
        expiration: Some("10".into()),
        ..prioritised(1)
    };
    world.publish_with("", "q", "brief", &brief);
    world.publish_with("", "q", "high", &prioritised(2));
    world.settle_first(Settlement::Return);
    assert_eq!(world.delivered(), ["c:high"]);
    world.pass_ms(20);
    assert_eq!(
        queue.view().ready,
        2,
        "only a head expires, and old is the head"
    );
    assert_eq!(world.drain(&queue), ["old"]);
}

#[test]
fn a_head_uncovered_by_a_drop_expires_in_time() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-max-length", FieldValue::I32(2))]);
    world.publish("", "q", "stays");
    world.publish_with("", "q", "brief", &expiring("10"));
    world.pass_ms(5);
    world.publish("", "q", "drops the first");
    world.pass_ms(10);
    assert_eq!(queue.view().ready, 1, "brief is over its time");
}
