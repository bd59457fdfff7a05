//! Counters that outlive what they were counted on.

use leveret::broker::effects::DeathReason;
use leveret::broker::queue::{CloseIf, QueueKind, Settlement};
use leveret::broker::totals::DeadLetterStrategy::{AtMostOnce, Disabled};
use leveret_proto::value::FieldValue;

use crate::support::World;

#[test]
fn a_deleted_queue_still_counts() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.publish("", "q", "a");
    world.consume(&queue, "c", 1, 0);
    world.settle_first(Settlement::Ack);
    let before = queue.stats();
    assert_eq!((before.publish, before.deliver, before.ack), (1, 1, 1));
    let mut fx = leveret::broker::effects::Effects::default();
    world
        .vhost
        .delete_queue(&queue, CloseIf::default(), &mut fx)
        .unwrap();
    assert_eq!(world.vhost.totals.queues(QueueKind::Classic), before);
    assert_eq!(world.broker.totals.queues(QueueKind::Classic), before);
}

#[test]
fn messages_that_leave_unconsumed_are_counted_by_reason() {
    let mut world = World::new();
    let limit = ("x-max-length", FieldValue::I32(1));
    let letters = ("x-dead-letter-exchange", FieldValue::from(""));
    world.queue("plain", std::slice::from_ref(&limit));
    world.queue("with", &[limit, letters]);
    for queue in ["plain", "plain", "plain", "with", "with"] {
        world.publish("", queue, "a");
    }
    let burials = world.broker.totals.burials();
    let count = |how| burials.count(QueueKind::Classic, how, DeathReason::MaxLength);
    assert_eq!((count(Disabled), count(AtMostOnce)), (2, 1));
}
