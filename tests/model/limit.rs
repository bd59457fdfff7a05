//! Limits of virtual hosts, and what type a queue is that does not say.

use leveret::broker::connection::ConnectionId;
use leveret::broker::limit::MAX_QUEUES;
use leveret::broker::queue::{QueueKind, QueueSpec};
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::World;

fn spec(name: &str) -> QueueSpec {
    QueueSpec {
        name: name.into(),
        vhost: "/".into(),
        durable: true,
        auto_delete: false,
        owner: None,
        arguments: FieldTable::new(),
        created_by: "guest".into(),
    }
}

#[test]
fn a_full_virtual_host_takes_no_more_queues() {
    let mut world = World::new();
    world.vhost.limits.lock().set(MAX_QUEUES, 1);
    world.queue("a", &[]);
    world.queue("a", &[]);
    let refused = world.declare(spec("b")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "cannot declare queue 'b': queue limit in vhost '/' (1) is reached"
    );
    world.vhost.limits.lock().set(MAX_QUEUES, -1);
    world.queue("b", &[]);
}

#[test]
fn a_queue_is_of_the_default_type_where_it_can_be() {
    let mut world = World::new();
    world.vhost.metadata.lock().default_queue_type = Some(QueueKind::Stream);
    let queue = world.queue("plain", &[]);
    assert_eq!(queue.kind, QueueKind::Stream);
    let named = queue.spec.arguments.get("x-queue-type");
    assert_eq!(named, Some(&"stream".into()));
    assert_eq!(world.queue("plain", &[]).kind, QueueKind::Stream);
    let classic: (&str, FieldValue) = ("x-queue-type", "classic".into());
    let named = world.queue("named", std::slice::from_ref(&classic));
    assert_eq!(named.kind, QueueKind::Classic);
    let cannot = [
        QueueSpec {
            durable: false,
            ..spec("transient")
        },
        QueueSpec {
            auto_delete: true,
            ..spec("auto-delete")
        },
        QueueSpec {
            owner: Some(ConnectionId(1)),
            ..spec("exclusive")
        },
    ];
    for spec in cannot {
        let name = spec.name.clone();
        let queue = world.declare(spec).unwrap();
        assert_eq!(queue.kind, QueueKind::Classic, "{name}");
    }
}
