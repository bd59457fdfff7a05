//! `x-delayed-retry-*`: what comes back waits.

use std::sync::Arc;

use leveret::broker::queue::{Queue, Settlement};
use leveret_proto::value::FieldValue;

use super::{NACK, REJECT, publish_all, quorum, round};
use crate::support::World;

fn retrying(world: &mut World, kind: &str) -> Arc<Queue> {
    let retry = [
        ("x-delayed-retry-type", kind.into()),
        ("x-delayed-retry-min", FieldValue::I32(500)),
        ("x-delayed-retry-max", FieldValue::I32(1200)),
    ];
    quorum(world, "q", &retry)
}

/// Milliseconds until each of four redeliveries, in steps of 100.
fn waits(kind: &str, how: Settlement) -> Vec<u64> {
    let mut world = World::new();
    let queue = retrying(&mut world, kind);
    world.publish("", "q", "m");
    let mut waits = Vec::new();
    let mut taken = world.take(&queue);
    for _ in 0..4 {
        world.settle_taken(taken.into_iter().collect(), how);
        let mut waited = 0;
        taken = world.take(&queue);
        while taken.is_none() {
            world.pass_ms(100);
            waited += 100;
            taken = world.take(&queue);
        }
        waits.push(waited);
    }
    waits
}

#[test]
fn a_returned_message_waits_as_delayed_retry_says() {
    assert_eq!(waits("all", REJECT), [500, 1000, 1200, 1200]);
    assert_eq!(waits("all", NACK), [500; 4]);
    assert_eq!(waits("failed", REJECT), [500, 1000, 1200, 1200]);
    assert_eq!(waits("failed", NACK), [0; 4]);
    assert_eq!(waits("returned", NACK), [500; 4]);
    assert_eq!(waits("returned", REJECT), [0; 4]);
    assert_eq!(waits("disabled", REJECT), [0; 4]);
}

#[test]
fn what_waits_for_a_retry_is_counted_and_released_to_consumers_in_order() {
    let mut world = World::new();
    let queue = retrying(&mut world, "all");
    for body in ["a", "b", "c"] {
        world.publish("", "q", body);
    }
    let taken: Vec<_> = (0..2).map(|_| world.take(&queue).unwrap()).collect();
    let begun = world.now;
    for taken in taken.into_iter().rev() {
        world.settle_taken(vec![taken], REJECT);
        world.pass_ms(100);
    }
    let view = queue.view();
    assert_eq!((view.ready, view.delayed, view.unacked), (1, 2, 0));
    let until = [500, 600].map(|ms| begun.plus_ms(ms));
    assert_eq!(view.delayed_until, Some(until));
    world.consume(&queue, "t", 0, 0);
    assert_eq!(world.delivered(), ["t:c"]);
    world.pass_ms(500);
    assert_eq!(world.delivered(), ["t:b", "t:a"]);
    assert_eq!(queue.view().delayed_until, None);
}

#[test]
fn a_ttl_waits_for_the_retry_and_a_purge_does_not() {
    let mut world = World::new();
    let retry = [
        ("x-delayed-retry-type", FieldValue::from("all")),
        ("x-delayed-retry-min", FieldValue::I32(1500)),
        ("x-message-ttl", FieldValue::I32(500)),
    ];
    let queue = quorum(&mut world, "q", &retry);
    publish_all(&mut world, 1, "m");
    round(&mut world, &queue, REJECT);
    world.pass_ms(1400);
    assert_eq!(queue.view().delayed, 1);
    world.pass_ms(100);
    assert_eq!((queue.view().delayed, queue.view().ready), (0, 0));
    publish_all(&mut world, 1, "m");
    round(&mut world, &queue, REJECT);
    assert_eq!(world.purge(&queue), 1);
    assert_eq!(queue.view().delayed, 0);
}
