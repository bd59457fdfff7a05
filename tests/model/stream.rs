//! Streams: a log that many read and nobody takes from.

use std::sync::Arc;

use leveret::broker::queue::{CloseIf, Filter, Offset, Queue, Reading, Settlement};
use leveret::broker::tick::Tick;
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::World;

fn stream(world: &mut World, more: &[(&str, FieldValue)]) -> Arc<Queue> {
    let mut arguments = vec![("x-queue-type", "stream".into())];
    arguments.extend_from_slice(more);
    world.queue("s", &arguments)
}

fn from(offset: Offset) -> Reading {
    Reading {
        offset,
        filter: None,
    }
}

fn labelled(label: &str) -> Properties {
    let headers: FieldTable = [("x-stream-filter-value", label)].into_iter().collect();
    Properties {
        headers: Some(headers),
        ..Properties::default()
    }
}

/// Publish each body in a chunk of its own.
fn publish_apart(world: &mut World, bodies: &[&str]) {
    for body in bodies {
        world.pass_ms(1000);
        world.publish("", "s", body);
    }
}

#[test]
fn many_read_the_same_messages_from_where_they_like() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    publish_apart(&mut world, &["0", "1"]);
    world.pass_ms(1000);
    for body in ["2", "3"] {
        world.publish("", "s", body);
    }
    let reads = [
        (Offset::First, "0 1 2 3"),
        (Offset::Last, "2 3"),
        (Offset::Next, ""),
        (Offset::Number(3), "3"),
        (Offset::Number(9), ""),
        (Offset::Since(Tick(0)), "0 1 2 3"),
        (Offset::Since(Tick::from_ms(1001)), "1 2 3"),
        (Offset::Since(Tick::from_ms(9000)), ""),
    ];
    for (offset, expected) in reads {
        let reader = world.read(&queue, "r", 10, from(offset));
        let bodies: Vec<_> = world.delivered();
        let bodies: Vec<_> = bodies
            .iter()
            .map(|body| body.trim_start_matches("r:"))
            .collect();
        assert_eq!(bodies.join(" "), expected, "{offset:?}");
        world.cancel(&queue, reader);
    }
    assert_eq!(queue.view().ready, 4, "reading takes nothing");
}

#[test]
fn a_number_yet_to_come_is_waited_for() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    world.publish("", "s", "0");
    world.read(&queue, "r", 10, from(Offset::Number(2)));
    for body in ["1", "2", "3"] {
        world.publish("", "s", body);
    }
    assert_eq!(world.delivered(), ["r:2", "r:3"]);
}

#[test]
fn settling_in_any_way_only_returns_credit() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    world.read(&queue, "r", 1, from(Offset::First));
    for body in ["0", "1", "2", "3"] {
        world.publish("", "s", body);
    }
    assert_eq!(world.delivered(), ["r:0"]);
    let settlements = [Settlement::Ack, Settlement::Requeue, Settlement::Reject];
    for (how, next) in settlements.into_iter().zip(["r:1", "r:2", "r:3"]) {
        world.settle_first(how);
        assert_eq!(world.delivered(), [next]);
    }
    assert_eq!(queue.view().ready, 4);
}

#[test]
fn a_delivery_says_where_it_stands() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    let sent = Properties {
        headers: Some(
            [
                ("z", FieldValue::I32(1)),
                ("list", FieldValue::Array(vec![])),
                ("x-list", FieldValue::Array(vec![])),
                ("bytes", FieldValue::Bytes("b".into())),
                ("x-stream-offset", FieldValue::I32(7)),
            ]
            .into_iter()
            .collect(),
        ),
        cluster_id: Some("gone".into()),
        ..Properties::default()
    };
    world.publish_with("", "s", "0", &sent);
    world.read(&queue, "r", 1, from(Offset::First));
    let unacked = world.recorder.unacked.lock().unwrap();
    let properties = unacked[0].entry.message.decoded().unwrap();
    let expected: FieldTable = [
        ("bytes", FieldValue::from("b")),
        ("x-list", FieldValue::Array(vec![])),
        ("x-stream-offset", FieldValue::I64(0)),
        ("z", FieldValue::I32(1)),
    ]
    .into_iter()
    .collect();
    assert_eq!(properties.headers, Some(expected));
    assert_eq!(properties.delivery_mode, Some(1));
    assert_eq!(properties.cluster_id, None);
}

#[test]
fn large_bodies_are_shared() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    world.publish("", "s", &"x".repeat(100_000));
    for tag in ["a", "b"] {
        world.read(&queue, tag, 1, from(Offset::First));
    }
    let unacked = world.recorder.unacked.lock().unwrap();
    let bodies: Vec<_> = unacked
        .iter()
        .map(|unacked| unacked.entry.message.body().as_ptr())
        .collect();
    assert_eq!(bodies.len(), 2);
    assert_eq!(bodies[0], bodies[1]);
}

#[test]
fn filters_let_whole_chunks_through() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    for chunk in [&["a"][..], &["b"], &[""], &["a", "b"], &[""]] {
        world.pass_ms(1);
        for label in chunk {
            let body = format!("{label}{}", chunk.len());
            world.publish_with("", "s", &body, &labelled(label));
        }
    }
    let reads = [
        (&["a"][..], false, "r:a1 r:a2 r:b2"),
        (&["z"], false, ""),
        (&["z"], true, "r:1 r:1"),
        (&["b", "z"], true, "r:b1 r:1 r:a2 r:b2 r:1"),
    ];
    for (values, unfiltered, expected) in reads {
        let reading = Reading {
            offset: Offset::First,
            filter: Some(Filter::new(values.iter().copied(), unfiltered)),
        };
        let reader = world.read(&queue, "r", 10, reading);
        assert_eq!(world.delivered().join(" "), expected, "{values:?}");
        world.cancel(&queue, reader);
    }
}

#[test]
fn whole_segments_go_when_a_new_one_begins() {
    let mut world = World::new();
    let limits = [
        ("x-stream-max-segment-size-bytes", FieldValue::I32(1000)),
        ("x-max-length-bytes", FieldValue::I32(2500)),
    ];
    let queue = stream(&mut world, &limits);
    let body = "x".repeat(100);
    let mut most = 0;
    for _ in 0..100 {
        publish_apart(&mut world, &[&body]);
        most = most.max(queue.view().ready);
    }
    assert!(
        (8..=12).contains(&most),
        "four fill a segment, two segments fit: {most}"
    );
    let view = queue.view().stream.unwrap();
    assert!(view.bytes <= 2500 + 1000, "{view:?}");
    world.read(&queue, "r", 1, from(Offset::Number(0)));
    assert_eq!(world.delivered().len(), 1, "the oldest that is left");
}

#[test]
fn old_segments_go_within_the_hour_and_the_newest_stays() {
    let mut world = World::new();
    let limits = [
        ("x-stream-max-segment-size-bytes", FieldValue::I32(1000)),
        ("x-max-age", "2h".into()),
    ];
    let queue = stream(&mut world, &limits);
    let body = "x".repeat(100);
    for _ in 0..10 {
        publish_apart(&mut world, &[&body]);
    }
    world.pass_ms(3_600_000);
    assert_eq!(queue.view().ready, 10);
    world.pass_ms(2 * 3_600_000);
    assert_eq!(queue.view().ready, 2, "the newest segment is still open");
    assert_eq!(queue.view().stream.unwrap().segments, 1);
}

#[test]
fn a_reader_that_was_left_behind_goes_on_with_the_oldest() {
    let mut world = World::new();
    let limits = [
        ("x-stream-max-segment-size-bytes", FieldValue::I32(0)),
        ("x-max-length-bytes", FieldValue::I32(0)),
    ];
    let queue = stream(&mut world, &limits);
    world.read(&queue, "r", 1, from(Offset::First));
    publish_apart(&mut world, &["0", "1", "2"]);
    assert_eq!(world.delivered(), ["r:0"]);
    world.settle_first(Settlement::Ack);
    assert_eq!(
        world.delivered(),
        ["r:2"],
        "each chunk is a segment, one stays"
    );
}

#[test]
fn counts_and_deletion_are_a_streams() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    world.publish("", "s", "0");
    world.read(&queue, "r", 1, from(Offset::First));
    let mut fx = leveret::broker::effects::Effects::default();
    assert_eq!(queue.counts(world.now, &mut fx), (1, 0));
    let careful = CloseIf {
        unused: true,
        empty: true,
    };
    let deleted = world.vhost.delete_queue(&queue, careful, &mut fx);
    assert_eq!(
        deleted,
        Ok(0),
        "in use, not empty, and deleted all the same"
    );
    assert_eq!(world.recorder.notices.lock().unwrap().len(), 1);
    assert_eq!(queue.view().ready, 0);
}

#[test]
fn what_a_stream_cannot_hold_fails() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    let bad = [
        ("x-stream-filter-value", FieldValue::I32(5)),
        ("any", FieldValue::Decimal { scale: 1, value: 5 }),
    ];
    for header in bad {
        let sent = Properties {
            headers: Some([header].into_iter().collect()),
            ..Properties::default()
        };
        assert!(world.publish_with("", "s", "0", &sent).failed);
    }
    assert_eq!(queue.view().ready, 0);
}

#[test]
fn rabbitmq_3_10_delivers_whole_chunks_and_leaves_properties_alone() {
    let mut world = World::of_line("3.10");
    let queue = stream(&mut world, &[]);
    publish_apart(&mut world, &["0"]);
    world.pass_ms(1000);
    for body in ["1", "2"] {
        world.publish("", "s", body);
    }
    world.read(&queue, "r", 1, from(Offset::First));
    assert_eq!(world.delivered(), ["r:0"]);
    world.settle_first(Settlement::Ack);
    assert_eq!(world.delivered(), ["r:1", "r:2"], "beyond the prefetch");
    world.settle_first(Settlement::Ack);
    world.publish("", "s", "3");
    assert_eq!(world.delivered(), [""; 0], "one of two is still out");
    let unacked = world.recorder.unacked.lock().unwrap();
    let properties = unacked[0].entry.message.decoded().unwrap();
    assert_eq!(properties.delivery_mode, None);
}

#[test]
fn dead_letters_go_into_a_stream_with_their_history() {
    let mut world = World::new();
    let queue = stream(&mut world, &[]);
    let arguments = [
        ("x-message-ttl", FieldValue::I32(10)),
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", "s".into()),
    ];
    world.queue("q", &arguments);
    world.publish("", "q", "a");
    world.pass_ms(20);
    world.read(&queue, "r", 1, from(Offset::First));
    let unacked = world.recorder.unacked.lock().unwrap();
    let headers = unacked[0].entry.message.headers();
    assert!(matches!(headers.get("x-death"), Some(FieldValue::Array(deaths)) if deaths.len() == 1));
    assert_eq!(headers.get("x-first-death-queue"), Some(&"q".into()));
}
