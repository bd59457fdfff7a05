//! What listings count, followed through a message's life.

use leveret::broker::queue::Settlement;
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use crate::support::World;

fn mode(delivery_mode: u8, priority: u8) -> Properties {
    Properties {
        delivery_mode: Some(delivery_mode),
        priority: Some(priority),
        ..Properties::default()
    }
}

/// Messages and bytes of the persistent ones; RabbitMQ counts those that are out, too.
#[test]
fn persistent_messages_count_until_they_are_settled() {
    for arguments in [&[][..], &[("x-max-priority", FieldValue::I32(3))]] {
        let mut world = World::new();
        let queue = world.queue("q", arguments);
        for (delivery_mode, body) in [(2, "four"), (1, "three"), (2, "two")] {
            world.publish_with("", "q", body, &mode(delivery_mode, delivery_mode));
        }
        let persistent = |queue: &leveret::broker::queue::Queue| {
            let view = queue.view();
            (view.persistent, view.persistent_bytes, view.ready_bytes)
        };
        assert_eq!(persistent(&queue), (2, 7, 12));
        world.consume(&queue, "c", 1, 0);
        assert_eq!(persistent(&queue), (2, 7, 8), "one is out");
        world.settle_first(Settlement::Return);
        assert_eq!(persistent(&queue), (2, 7, 8), "and again");
        world.settle_first(Settlement::Ack);
        let rest = queue.view();
        assert_eq!((rest.persistent, rest.persistent_bytes), (1, 3));
        assert_eq!(rest.ready + rest.unacked, 2);
        queue.purge(world.now, &mut leveret::broker::effects::Effects::default());
        let rest = queue.view();
        assert_eq!((rest.ready, rest.ready_bytes, rest.unacked), (0, 0, 1));
    }
}
