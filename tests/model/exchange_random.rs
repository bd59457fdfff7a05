//! `x-random` and `x-local-random`.

use std::sync::Arc;

use leveret::broker::exchange::{Destination, ExchangeKind};

use crate::support::World;

#[test]
fn each_message_goes_to_one_queue_and_all_get_some() {
    for kind in [ExchangeKind::Random, ExchangeKind::LocalRandom] {
        let mut world = World::new();
        world.exchange("x", kind);
        let queues: Vec<_> = (0..3)
            .map(|number| world.queue(&format!("q{number}"), &[]))
            .collect();
        assert!(!world.publish("x", "k", "nobody is bound").routed);
        for queue in &queues {
            world.bind("x", queue, "");
        }
        for _ in 0..300 {
            world.publish("x", "k", "");
        }
        let counts: Vec<usize> = queues
            .iter()
            .map(|queue| world.drain(queue).len())
            .collect();
        assert_eq!(counts.iter().sum::<usize>(), 300);
        assert!(
            counts.iter().all(|count| (50..150).contains(count)),
            "{counts:?}"
        );
    }
}

#[test]
fn local_random_takes_queues_without_a_key() {
    let mut world = World::new();
    world.exchange("x", ExchangeKind::LocalRandom);
    world.exchange("other", ExchangeKind::Fanout);
    let queue = Destination::Queue(world.queue("q", &[]));
    let error = world.bind_to("x", queue, "abc").unwrap_err();
    assert_eq!(
        error.to_string(),
        "Non empty binding 'abc' key not permitted"
    );
    let exchange = Destination::Exchange(Arc::clone(&world.vhost.exchange("other").unwrap()));
    let error = world.bind_to("x", exchange, "").unwrap_err();
    assert_eq!(error.to_string(), "Destination not found");
}
