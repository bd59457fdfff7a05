//! What messages hold, against the limit.

use leveret::broker::queue::Settlement;
use leveret_proto::value::FieldValue;

use crate::support::World;

/// Bodies of 1000 bytes: with what comes on top, ten of them are over 10 000 and under 13 000.
fn publish(world: &mut World, count: usize) {
    let body = "x".repeat(1000);
    for _ in 0..count {
        world.publish("", "q", &body);
    }
}

fn is_raised(world: &World) -> bool {
    world.broker.look_at_alarm();
    world.broker.alarm.is_raised()
}

#[test]
fn publishes_over_the_limit_raise_it_at_once() {
    let mut world = World::new();
    world.queue("q", &[]);
    world.broker.set_memory_limit(10_000);
    publish(&mut world, 5);
    assert!(!world.broker.alarm.is_raised());
    publish(&mut world, 5);
    assert!(world.broker.alarm.is_raised(), "without being looked at");
}

#[test]
fn delivered_messages_count_until_they_are_settled() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.consume(&queue, "c", 0, 0);
    world.broker.set_memory_limit(10_000);
    publish(&mut world, 10);
    assert!(is_raised(&world));
    (0..10).for_each(|_| world.settle_first(Settlement::Ack));
    assert!(!is_raised(&world));
    assert_eq!(world.broker.held_bytes(), 0);
}

#[test]
fn what_expires_or_is_dropped_is_held_no_more() {
    let mut world = World::new();
    world.queue("q", &[("x-message-ttl", FieldValue::I32(1000))]);
    world.broker.set_memory_limit(10_000);
    publish(&mut world, 10);
    assert!(is_raised(&world));
    world.pass_ms(1000);
    assert!(!is_raised(&world));

    let mut world = World::new();
    world.queue("q", &[("x-max-length", FieldValue::I32(5))]);
    world.broker.set_memory_limit(10_000);
    publish(&mut world, 100);
    assert!(!is_raised(&world), "five are never over the limit");
}

#[test]
fn consumed_messages_make_room_without_an_alarm() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.broker.set_memory_limit(10_000);
    for _ in 0..20 {
        publish(&mut world, 5);
        assert_eq!(world.drain(&queue).len(), 5);
        assert!(!world.broker.alarm.is_raised());
    }
}

#[test]
fn a_limit_can_be_moved_both_ways() {
    let mut world = World::new();
    world.queue("q", &[]);
    publish(&mut world, 10);
    assert!(!is_raised(&world));
    world.broker.set_memory_limit(1000);
    assert!(world.broker.alarm.is_raised());
    world.broker.set_memory_limit(1_000_000);
    assert!(!world.broker.alarm.is_raised());
}
