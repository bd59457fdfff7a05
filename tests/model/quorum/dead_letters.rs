//! Dead letters at least once.

use std::sync::Arc;

use leveret::broker::queue::{Queue, Settlement};
use leveret_proto::value::FieldValue;

use super::{dying, publish_all, quorum};
use crate::support::World;

fn at_least_once(world: &mut World, more: &[(&str, FieldValue)]) -> Arc<Queue> {
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-dead-letter-strategy", "at-least-once".into()));
    arguments.push(("x-overflow", "reject-publish".into()));
    arguments.extend_from_slice(more);
    quorum(world, "q", &arguments)
}

fn reject_all(world: &mut World, queue: &Arc<Queue>, how: Settlement) {
    while let Some(taken) = world.take(queue) {
        world.settle_taken(vec![taken], how);
    }
}

#[test]
fn a_dead_letter_waits_until_its_target_has_it() {
    let mut world = World::new();
    let queue = at_least_once(&mut world, &[]);
    world.publish("", "q", "m");
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!((queue.view().ready, queue.view().held), (0, 1));
    let dead = world.queue("d", &[]);
    world.pass_ms(179_000);
    assert_eq!(dead.view().ready, 0, "the next try is not yet");
    world.pass_ms(1_000);
    assert_eq!((dead.view().ready, queue.view().held), (1, 0));
}

#[test]
fn dead_letters_that_are_refused_count_to_the_length() {
    let mut world = World::new();
    let queue = at_least_once(&mut world, &[("x-max-length", FieldValue::I32(3))]);
    let full = [
        ("x-max-length", FieldValue::I32(1)),
        ("x-overflow", "reject-publish".into()),
    ];
    let dead = world.queue("d", &full);
    for body in ["a", "b", "c", "d"] {
        world.publish("", "q", body);
    }
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!((dead.view().ready, queue.view().held), (1, 3));
    assert_eq!(publish_all(&mut world, 3, "m"), 2, "one more is in");
    assert_eq!(world.drain(&dead), ["a"]);
    world.pass_ms(180_000);
    assert_eq!(
        (world.drain(&dead), queue.view().held),
        (vec!["b".to_owned()], 2)
    );
    assert_eq!(world.purge(&queue), 3, "one ready, two held");
    assert_eq!(queue.view().held, 0);
}

#[test]
fn without_reject_publish_a_dead_letter_is_tried_once() {
    let mut world = World::new();
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-dead-letter-strategy", "at-least-once".into()));
    let queue = quorum(&mut world, "q", &arguments);
    world.publish("", "q", "m");
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!(queue.view().held, 0);
}

#[test]
fn a_dead_letter_is_tried_again_only_where_it_is_missing() {
    let mut world = World::new();
    let arguments = [
        ("x-dead-letter-exchange", "amq.fanout".into()),
        ("x-dead-letter-strategy", "at-least-once".into()),
        ("x-overflow", "reject-publish".into()),
    ];
    let queue = quorum(&mut world, "q", &arguments);
    let takes = world.queue("takes", &[]);
    let full = [
        ("x-max-length", FieldValue::I32(0)),
        ("x-overflow", "reject-publish".into()),
    ];
    let refuses = world.queue("refuses", &full);
    world.bind("amq.fanout", &takes, "");
    world.bind("amq.fanout", &refuses, "");
    world.publish("", "q", "m");
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!((takes.view().ready, queue.view().held), (1, 1));
    world.pass_ms(180_000);
    assert_eq!((takes.view().ready, queue.view().held), (1, 1));
}
