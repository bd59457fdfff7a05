//! `amq.rabbitmq.event` and `amq.rabbitmq.log`.

use std::sync::Arc;

use leveret::broker::event::Change;
use leveret::broker::exchange::ExchangeKind;
use leveret::broker::message::Message;
use leveret::broker::queue::Queue;
use leveret::broker::tick::Tick;
use leveret_proto::value::FieldValue;

use crate::support::World;

fn told(exchange: &str) -> (World, Arc<Queue>) {
    let mut world = World::telling();
    let told = world.queue("told", &[]);
    world.bind(exchange, &told, "#");
    world.drain(&told);
    (world, told)
}

fn events(world: &mut World, told: &Arc<Queue>) -> Vec<Arc<Message>> {
    std::iter::from_fn(|| world.get(told)).collect()
}

fn keys(events: &[Arc<Message>]) -> Vec<&str> {
    events.iter().map(|event| event.routing_key()).collect()
}

#[test]
fn changes_of_the_topology_are_told_with_all_facts() {
    let (mut world, told) = told("amq.rabbitmq.event");
    world.exchange("x", ExchangeKind::Fanout);
    let queue = world.queue("q", &[("x-max-length", FieldValue::I32(5))]);
    world.bind("x", &queue, "k");
    let consumer = world.consume(&queue, "c", 0, 0);
    let mut fx = leveret::broker::effects::Effects::default();
    world.broker.begin(Some(&world.vhost), &mut fx);
    queue.cancel(consumer, world.now, &mut fx);
    world.vhost.delete_exchange("x", false, &mut fx).unwrap();
    world.broker.settle(&world.vhost, world.now, &mut fx);
    let events = events(&mut world, &told);
    let expected = [
        "exchange.created",
        "queue.created",
        "binding.created",
        "consumer.deleted",
        "binding.deleted",
        "exchange.deleted",
    ];
    assert_eq!(keys(&events), expected);
    let headers = events[1].headers();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let expected = [
        "arguments",
        "auto_delete",
        "durable",
        "exclusive",
        "leader",
        "members",
        "name",
        "owner_pid",
        "timestamp_in_ms",
        "type",
        "user_who_performed_action",
        "vhost",
    ];
    assert_eq!(names, expected);
    let arguments = [
        "{<<\"x-max-length\">>,signedint,5}",
        "{<<\"x-queue-type\">>,longstr,<<\"classic\">>}",
    ];
    let arguments = FieldValue::Array(arguments.map(FieldValue::from).to_vec());
    assert_eq!(headers.get("arguments"), Some(&arguments));
    let by = headers.get("user_who_performed_action");
    assert_eq!(by, Some(&"guest".into()));
    let by = events[5]
        .headers()
        .get("user_who_performed_action")
        .cloned();
    assert_eq!(by, Some("rmq-internal".into()), "nobody was named");
    assert!(events[0].body().is_empty());
}

#[test]
fn messages_are_no_changes() {
    let (mut world, told) = told("amq.rabbitmq.event");
    world.publish("", "nowhere", "m");
    world.publish("amq.fanout", "", "m");
    assert!(events(&mut world, &told).is_empty());
}

#[test]
fn what_happens_in_other_virtual_hosts_is_told_in_the_default_one() {
    let (mut world, told) = told("amq.rabbitmq.event");
    let change = || Change::user("user.created", "alice", "guest");
    world.broker.announce(Tick::from_ms(1500), change);
    let events = events(&mut world, &told);
    assert_eq!(keys(&events), ["user.created"]);
    let time = events[0].headers().get("timestamp_in_ms").cloned();
    assert_eq!(time, Some(FieldValue::I64(1500)));
    assert_eq!(events[0].decoded().unwrap().timestamp, Some(1));
}

#[test]
fn limits_are_told_as_they_are_now() {
    let (mut world, told) = told("amq.rabbitmq.event");
    let mut limits = leveret::broker::limit::Limits::default();
    limits.set("max-queues", 5);
    let change = || Change::vhost_limits(&limits, "v", "guest");
    world.broker.announce(world.now, change);
    let cleared = || Change::user_limits_cleared("alice", "guest");
    world.broker.announce(world.now, cleared);
    let events = events(&mut world, &told);
    assert_eq!(keys(&events), ["vhost.limits.set", "user.limits.cleared"]);
    let headers = events[0].headers();
    assert_eq!(headers.get("max-queues"), Some(&FieldValue::I64(5)));
    assert_eq!(headers.get("vhost"), Some(&"v".into()));
    let user = events[1].headers().get("username").cloned();
    assert_eq!(user, Some("alice".into()));
}

#[test]
fn lines_of_the_log_have_their_level_as_key() {
    let (mut world, told) = told("amq.rabbitmq.log");
    world.broker.publish_log("warning", "a line\n", world.now);
    let line = world.get(&told).unwrap();
    assert_eq!(
        (line.routing_key(), line.body()),
        ("warning", &b"a line\n"[..])
    );
    let properties = line.decoded().unwrap();
    assert_eq!(properties.content_type, Some("text/plain".into()));
}

#[test]
fn there_are_no_such_exchanges_at_first() {
    let world = World::new();
    for name in ["amq.rabbitmq.event", "amq.rabbitmq.log"] {
        assert!(!world.vhost.exchanges.contains(name));
    }
}
