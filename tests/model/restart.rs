//! What stays when the application is stopped, and when it is reset.

use leveret::broker::exchange::ExchangeKind;
use leveret::broker::queue::QueueSpec;
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use crate::support::World;

fn persistent() -> Properties {
    Properties {
        delivery_mode: Some(2),
        ..Properties::default()
    }
}

#[test]
fn a_restart_keeps_what_is_durable_and_persistent() {
    let mut world = World::new();
    let quorum = ("x-queue-type", FieldValue::from("quorum"));
    let queues = [
        world.queue("classic", &[]),
        world.queue("quorum", &[quorum]),
    ];
    let transient = QueueSpec {
        name: "transient".into(),
        durable: false,
        ..queues[0].spec.clone()
    };
    world.declare(transient).unwrap();
    world.exchange("kept", ExchangeKind::Fanout);
    for queue in &queues {
        world.bind("kept", queue, "");
    }
    for (body, properties) in [("lost", Properties::default()), ("kept", persistent())] {
        world.publish_with("kept", "", body, &properties);
    }
    world.broker.forget_transient(world.now);
    let names: Vec<_> = world.vhost.queues.sorted();
    let names: Vec<_> = names.iter().map(|queue| queue.name().to_string()).collect();
    assert_eq!(names, ["classic", "quorum"]);
    assert!(world.vhost.exchange("kept").is_ok());
    assert_eq!(world.drain(&queues[0]), ["kept"]);
    assert_eq!(world.drain(&queues[1]), ["lost", "kept"]);
}

#[test]
fn a_reset_leaves_what_a_first_start_makes() {
    let mut world = World::new();
    world.queue("q", &[]);
    world.broker.add_vhost(
        "other".into(),
        leveret::broker::vhost::VhostMetadata::default(),
    );
    world.broker.reset(world.now);
    let vhosts = world.broker.vhosts.sorted();
    let names: Vec<_> = vhosts.iter().map(|vhost| vhost.name.to_string()).collect();
    assert_eq!(names, ["/"]);
    assert_eq!(vhosts[0].queues.len(), 0);
    assert_eq!(world.broker.users.len(), 1);
    assert!(world.broker.authenticate("guest", "guest").is_some());
}
