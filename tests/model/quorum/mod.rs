//! Quorum queues, as each release line has them.

mod counting;
mod dead_letters;
mod length;
mod retry;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use leveret::broker::queue::{CloseIf, Queue, Settlement, Unacked};
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use super::{expiring, prioritised};
use crate::support::World;

const REJECT: Settlement = Settlement::Requeue;
const NACK: Settlement = Settlement::Return;
const LINES: [&str; 3] = ["3.10", "4.0", "4.3"];

fn quorum(world: &mut World, name: &str, arguments: &[(&str, FieldValue)]) -> Arc<Queue> {
    let mut all = vec![("x-queue-type", FieldValue::from("quorum"))];
    all.extend_from_slice(arguments);
    world.queue(name, &all)
}

fn dying(target: &str) -> [(&'static str, FieldValue); 2] {
    [
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", target.into()),
    ]
}

/// The counts that a delivery tells: `(redelivered, x-acquired-count, x-delivery-count)`.
fn told(taken: &Unacked) -> (bool, Option<i64>, Option<i64>) {
    let raw = taken.queue.properties(&taken.entry, true);
    let properties = match &raw {
        Some(raw) => Properties::decode(raw).unwrap(),
        None => taken.entry.message.decoded().unwrap(),
    };
    let headers = properties.headers.unwrap_or_default();
    let count = |key| headers.get(key).and_then(FieldValue::as_i64);
    (
        taken.entry.redelivered,
        count("x-acquired-count"),
        count("x-delivery-count"),
    )
}

fn round(
    world: &mut World,
    queue: &Arc<Queue>,
    how: Settlement,
) -> Option<(bool, Option<i64>, Option<i64>)> {
    let taken = world.take(queue)?;
    let told = told(&taken);
    world.settle_taken(vec![taken], how);
    Some(told)
}

/// Publish so often; how often that was refused.
fn publish_all(world: &mut World, times: u32, body: &str) -> u32 {
    let refused = (0..times).filter(|_| world.publish("", "q", body).overflowed);
    u32::try_from(refused.count()).unwrap()
}

#[test]
fn returned_messages_go_first_in_the_order_of_their_return() {
    for (line, expected) in [
        ("3.10", ["d", "e", "c", "a", "b"]),
        ("4.0", ["c", "a", "b", "d", "e"]),
        ("4.3", ["c", "a", "b", "d", "e"]),
    ] {
        let mut world = World::of_line(line);
        let queue = quorum(&mut world, "q", &[]);
        for body in ["a", "b", "c", "d"] {
            world.publish("", "q", body);
        }
        let mut taken: Vec<_> = (0..3).map(|_| world.take(&queue).unwrap()).collect();
        taken.rotate_right(1);
        world.publish_with("", "q", "e", &prioritised(3));
        world.settle_taken(taken, NACK);
        assert_eq!(world.drain(&queue), expected, "{line}");
    }
}

#[test]
fn priorities_are_of_the_release_line() {
    for (line, expected) in [
        ("3.10", "none 0 9 5 4 40 31"),
        ("4.0", "9 5 none 40 31 0 4"),
        ("4.3", "40 31 9 5 none 4 0"),
    ] {
        let mut world = World::of_line(line);
        let queue = quorum(&mut world, "q", &[]);
        world.publish("", "q", "none");
        for priority in [0, 9, 5, 4, 40, 31] {
            world.publish_with("", "q", &priority.to_string(), &prioritised(priority));
        }
        assert_eq!(world.drain(&queue).join(" "), expected, "{line}");
    }
}

#[test]
fn a_lane_below_expires_on_its_own_since_4_3() {
    for (line, expected) in [("3.10", 1), ("4.0", 2), ("4.3", 1)] {
        let mut world = World::of_line(line);
        let queue = quorum(&mut world, "q", &[]);
        let properties = Properties {
            priority: Some(1),
            ..expiring("50")
        };
        world.publish_with("", "q", "expires", &properties);
        world.publish_with("", "q", "stays", &prioritised(9));
        world.pass_ms(60);
        assert_eq!(queue.view().ready, expected, "{line}");
    }
}

#[test]
fn the_single_active_consumer_makes_way_once_it_has_nothing_out() {
    for (line, waiting, then) in [
        ("3.10", vec!["low:b"], vec!["low:c"]),
        ("4.0", vec![], vec!["high:b", "high:c"]),
        ("4.3", vec![], vec!["high:b", "high:c"]),
    ] {
        let mut world = World::of_line(line);
        let single = ("x-single-active-consumer", FieldValue::Bool(true));
        let queue = quorum(&mut world, "q", &[single]);
        world.consume(&queue, "low", 10, 0);
        world.publish("", "q", "a");
        assert_eq!(world.delivered(), ["low:a"]);
        let high = world.consume(&queue, "high", 10, 5);
        world.publish("", "q", "b");
        assert_eq!(world.delivered(), waiting, "{line}");
        world.settle_first(Settlement::Ack);
        world.publish("", "q", "c");
        assert_eq!(world.delivered(), then, "{line}");
        world.cancel(&queue, high);
        world.publish("", "q", "d");
        assert_eq!(
            world.delivered(),
            ["low:d"],
            "{line}: at once, whatever is out"
        );
    }
}

#[test]
fn exclusive_consumers_are_not_alone() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    world.consume_exclusively(&queue, "one").unwrap();
    world.consume_exclusively(&queue, "two").unwrap();
    let classic = world.queue("c", &[]);
    world.consume_exclusively(&classic, "one").unwrap();
    world.consume_exclusively(&classic, "two").unwrap_err();
}

#[test]
fn it_is_not_deleted_on_a_condition() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    let (unused, empty) = (true, false);
    for (condition, flag) in [
        (CloseIf { unused, empty }, "if-unused"),
        (
            CloseIf {
                unused: false,
                empty: true,
            },
            "if-empty",
        ),
    ] {
        let error = world.delete(&queue, condition).unwrap_err().to_string();
        let expected = format!(
            "cannot delete queue 'q' in vhost '/'. queue.delete operations with {flag} flag set \
             are not supported by quorum queues"
        );
        assert_eq!(error, expected);
    }
    assert_eq!(world.delete(&queue, CloseIf::default()).unwrap(), 0);
}

#[test]
fn a_message_that_nobody_had_room_for_stays_in_its_place() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    let consumer = world.consume(&queue, "c", 0, 0);
    world.recorder.is_full.store(true, Ordering::Relaxed);
    world.publish_with("", "q", "low", &prioritised(1));
    world.resume(&queue, consumer);
    world.publish_with("", "q", "high", &prioritised(3));
    world.recorder.is_full.store(false, Ordering::Relaxed);
    world.resume(&queue, consumer);
    assert_eq!(world.delivered(), ["c:high", "c:low"]);
}
