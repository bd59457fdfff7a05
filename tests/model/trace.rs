//! The firehose.

use std::sync::Arc;

use leveret::broker::message::Message;
use leveret::broker::queue::Queue;
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::World;

fn traced() -> (World, Arc<Queue>, Arc<Queue>) {
    let mut world = World::new();
    let (queue, traces) = (world.queue("q", &[]), world.queue("traces", &[]));
    world.bind("amq.rabbitmq.trace", &traces, "#");
    world.set_tracing(true);
    (world, queue, traces)
}

fn names(message: &Message) -> Vec<String> {
    let headers = message.headers();
    headers.iter().map(|(name, _)| name.to_string()).collect()
}

fn texts(texts: &[&str]) -> Option<FieldValue> {
    let texts = texts.iter().map(|text| FieldValue::from(*text));
    Some(FieldValue::Array(texts.collect()))
}

#[test]
fn a_publish_is_traced_with_all_that_is_known_of_it() {
    let (mut world, _queue, traces) = traced();
    let properties = Properties {
        content_type: Some("text/plain".into()),
        delivery_mode: Some(2),
        timestamp: Some(1_700_000_000),
        headers: Some([("a", 1)].into_iter().collect()),
        ..Properties::default()
    };
    world.publish_with("", "q", "body", &properties);
    let trace = world.get(&traces).unwrap();
    assert_eq!(trace.exchange(), "amq.rabbitmq.trace");
    assert_eq!(trace.routing_key(), "publish.");
    assert_eq!(trace.body(), b"body");
    let expected = [
        "channel",
        "connection",
        "exchange_name",
        "node",
        "properties",
        "routed_queues",
        "routing_keys",
        "user",
        "vhost",
    ];
    assert_eq!(names(&trace), expected);
    let headers = trace.headers();
    assert_eq!(headers.get("channel"), Some(&FieldValue::I32(1)));
    assert_eq!(headers.get("routed_queues").cloned(), texts(&["q"]));
    assert_eq!(headers.get("routing_keys").cloned(), texts(&["q"]));
    let inner: FieldTable = [
        ("timestamp", FieldValue::I32(1_700_000_000)),
        ("delivery_mode", FieldValue::I32(2)),
        (
            "headers",
            FieldValue::Table([("a", 1)].into_iter().collect()),
        ),
        ("content_type", "text/plain".into()),
    ]
    .into_iter()
    .collect();
    assert_eq!(headers.get("properties"), Some(&FieldValue::Table(inner)));
}

#[test]
fn deliveries_are_traced_but_not_those_of_traces() {
    let (mut world, queue, traces) = traced();
    world.consume(&queue, "c", 0, 0);
    world.consume(&traces, "t", 0, 0);
    world.publish("", "q", "body");
    let delivered = world.delivered();
    assert_eq!(delivered, ["c:body", "t:body", "t:body"]);
    let unacked = world.recorder.unacked.lock().unwrap();
    let delivery = &unacked.last().unwrap().entry.message;
    let publish = &unacked[unacked.len() - 2].entry.message;
    let keys = [publish.routing_key(), delivery.routing_key()];
    assert!(
        keys.contains(&"publish.") && keys.contains(&"deliver.q"),
        "{keys:?}"
    );
    let delivery = [publish, delivery]
        .into_iter()
        .find(|trace| trace.routing_key() == "deliver.q");
    let headers = delivery.unwrap().headers();
    assert_eq!(headers.get("redelivered"), Some(&FieldValue::I32(0)));
    assert_eq!(headers.get("routed_queues"), None);
}

#[test]
fn it_can_be_switched_off_and_is_off_at_first() {
    let (mut world, _queue, traces) = traced();
    world.set_tracing(false);
    world.publish("", "q", "body");
    assert_eq!(traces.view().ready, 0);
    assert!(!World::new().vhost.is_tracing());
}

#[test]
fn what_matched_nothing_is_traced_too() {
    let (mut world, _queue, traces) = traced();
    world.publish("amq.direct", "nowhere", "");
    let trace = world.get(&traces).unwrap();
    assert_eq!(trace.routing_key(), "publish.amq.direct");
    assert_eq!(trace.headers().get("routed_queues").cloned(), texts(&[]));
}
