//! A length that is reached.

use std::sync::Arc;

use leveret::broker::queue::{Queue, Settlement};
use leveret_proto::value::FieldValue;

use super::{LINES, NACK, dying, publish_all, quorum};
use crate::model::prioritised;
use crate::support::World;

fn limited(world: &mut World, key: &str, max: i64, overflow: &str) -> Arc<Queue> {
    let limit = [
        (key, FieldValue::from(max)),
        ("x-overflow", overflow.into()),
    ];
    quorum(world, "q", &limit)
}

#[test]
fn a_full_queue_refuses_from_the_second_too_many_until_a_fifth_is_free() {
    for line in LINES {
        let mut world = World::of_line(line);
        let queue = limited(&mut world, "x-max-length", 10, "reject-publish");
        assert_eq!(publish_all(&mut world, 14, "m"), 3, "{line}: eleven are in");
        for (left, refused) in [(10, 1), (9, 1), (8, 0)] {
            let taken = world.take(&queue).unwrap();
            world.settle_taken(vec![taken], Settlement::Ack);
            assert_eq!(queue.view().ready, left, "{line}");
            assert_eq!(publish_all(&mut world, 1, "m"), refused, "{line} at {left}");
        }
        assert_eq!(publish_all(&mut world, 3, "m"), 1, "{line}: from 9 to 11");
    }
}

#[test]
fn bytes_are_those_of_the_body_and_since_4_3_of_the_properties() {
    let ten = "0123456789";
    for (line, dropping, refusing) in [("3.10", 3, 4), ("4.0", 3, 4), ("4.3", 2, 3)] {
        let mut world = World::of_line(line);
        let queue = limited(&mut world, "x-max-length-bytes", 30, "drop-head");
        publish_all(&mut world, 6, ten);
        assert_eq!(queue.view().ready, dropping, "{line}");
        let mut world = World::of_line(line);
        let queue = limited(&mut world, "x-max-length-bytes", 30, "reject-publish");
        publish_all(&mut world, 6, ten);
        assert_eq!(queue.view().ready, refusing, "{line}");
    }
}

#[test]
fn what_is_dropped_for_length_is_what_would_be_delivered_next() {
    let mut world = World::new();
    let queue = limited(&mut world, "x-max-length", 2, "drop-head");
    for (body, priority) in [("a", 9), ("b", 1), ("c", 9), ("d", 1)] {
        world.publish_with("", "q", body, &prioritised(priority));
    }
    assert_eq!(world.drain(&queue), ["b", "d"]);
}

#[test]
fn a_returned_message_can_be_one_too_many() {
    for (kind, line) in [("classic", "4.3"), ("quorum", "4.0"), ("quorum", "4.3")] {
        let mut world = World::of_line(line);
        let limit = [
            ("x-max-length", FieldValue::I32(2)),
            ("x-queue-type", kind.into()),
        ];
        let queue = world.queue("q", &limit);
        world.publish("", "q", "a");
        let taken = world.take(&queue).unwrap();
        publish_all(&mut world, 2, "m");
        world.settle_taken(vec![taken], NACK);
        assert_eq!(world.drain(&queue), ["m", "m"], "{kind} on {line}");
    }
}

#[test]
fn reject_publish_dlx_is_drop_head() {
    let mut world = World::new();
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-max-length", FieldValue::I32(1)));
    arguments.push(("x-overflow", "reject-publish-dlx".into()));
    let queue = quorum(&mut world, "q", &arguments);
    let dead = world.queue("d", &[]);
    assert_eq!(publish_all(&mut world, 4, "m"), 0);
    assert_eq!((queue.view().ready, dead.view().ready), (1, 3));
}
