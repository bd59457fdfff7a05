//! `x-consistent-hash` and `x-modulus-hash`.

use std::sync::Arc;

use leveret::broker::exchange::{Destination, ExchangeKind};
use leveret::broker::queue::Queue;
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use crate::support::World;

const KEYS: usize = 1000;

fn hashed(weights: &[&str]) -> (World, Vec<Arc<Queue>>) {
    let mut world = World::new();
    world.exchange("x", ExchangeKind::ConsistentHash);
    let mut queues = Vec::new();
    for (number, weight) in weights.iter().enumerate() {
        let queue = world.queue(&format!("q{number}"), &[]);
        world.bind("x", &queue, weight);
        queues.push(queue);
    }
    (world, queues)
}

/// Publish all keys; the bodies, which are the keys, that each queue got.
fn spread(world: &mut World, queues: &[Arc<Queue>]) -> Vec<Vec<String>> {
    for number in 0..KEYS {
        let key = format!("key-{number}");
        assert!(world.publish("x", &key, &key).routed);
    }
    queues.iter().map(|queue| world.drain(queue)).collect()
}

#[track_caller]
fn refused(kind: ExchangeKind, arguments: &[(&str, FieldValue)], text: &str) {
    let error = World::new()
        .exchange_with("x", kind, arguments)
        .unwrap_err();
    assert_eq!(error.to_string(), text);
}

#[test]
fn messages_spread_by_weight() {
    let (mut world, queues) = hashed(&["1", "1", "2"]);
    let got = spread(&mut world, &queues);
    let counts: Vec<usize> = got.iter().map(Vec::len).collect();
    assert_eq!(counts.iter().sum::<usize>(), KEYS, "each message once");
    for (count, expected) in counts.iter().zip([250, 250, 500]) {
        assert!(count.abs_diff(expected) < 75, "{counts:?}");
    }
}

#[test]
fn a_key_always_goes_to_the_same_queue() {
    let (mut world, queues) = hashed(&["1", "1", "1"]);
    let first = spread(&mut world, &queues);
    assert_eq!(spread(&mut world, &queues), first);
}

#[test]
fn a_new_binding_takes_keys_but_moves_none_between_the_others() {
    let (mut world, mut queues) = hashed(&["1", "1", "1"]);
    let before = spread(&mut world, &queues);
    let late = world.queue("late", &[]);
    world.bind("x", &late, "1");
    queues.push(late);
    let after = spread(&mut world, &queues);
    assert!(!after[3].is_empty());
    for (before, after) in before.iter().zip(&after) {
        assert!(after.iter().all(|key| before.contains(key)));
    }
    assert!(world.unbind("x", &queues[3], "1"));
    assert_eq!(spread(&mut world, &queues[..3]), before);
}

/// Where sixty keys go: a letter for each, by the number of its queue.
fn places(world: &mut World, queues: &[Arc<Queue>]) -> String {
    for number in 0..60 {
        world.publish("x", &format!("k{number}"), &number.to_string());
    }
    let mut places = vec!['-'; 60];
    for (queue, letter) in queues.iter().zip('a'..) {
        for body in world.drain(queue) {
            places[body.parse::<usize>().unwrap()] = letter;
        }
    }
    places.into_iter().collect()
}

/// As RabbitMQ 3.10.8, 4.0.5 and 4.3.6 do it.
#[test]
fn each_key_goes_where_rabbitmq_sends_it() {
    let (mut world, mut queues) = hashed(&["1", "1", "2"]);
    assert_eq!(
        places(&mut world, &queues),
        "bcbbcbbcccbbccbaaaabbccbcaccbcccccccaabacbbabbbbbbbcccaccccc"
    );
    queues.push(world.queue("q3", &[]));
    world.bind("x", &queues[3], "3");
    assert_eq!(
        places(&mut world, &queues),
        "bddbcdbcdcddccbaadabdcdbcadcdccccddcddbadbbadbdddbbcddacdcdc"
    );
    assert!(world.unbind("x", &queues[1], "1"));
    assert_eq!(
        places(&mut world, &queues),
        "cddccdcddcddcccaadacdddcdadddccdcddcadcadccaccdddcccddacdcdc"
    );
    world.bind("x", &queues[1], "2");
    assert_eq!(
        places(&mut world, &queues),
        "bbdccdcdbcbdcccaadacdddcdabddccbcbbcbbcbdccabbddbbccbdacdcdc"
    );
}

#[test]
fn of_two_bindings_of_a_queue_the_first_counts_and_either_ends_it() {
    for unbound in ["1", "50"] {
        let (mut world, queues) = hashed(&["1", "1"]);
        let before = spread(&mut world, &queues);
        world.bind("x", &queues[0], "50");
        assert_eq!(spread(&mut world, &queues), before);
        assert!(world.unbind("x", &queues[0], unbound));
        let after = spread(&mut world, &queues);
        assert_eq!((after[0].len(), after[1].len()), (0, KEYS));
    }
}

/// Headers of every type, and one that is missing.
#[test]
fn header_values_go_where_rabbitmq_sends_them() {
    let int = FieldValue::I32;
    let text = |text: &str| FieldValue::from(text);
    let table = [("a", int(1))].into_iter().collect();
    let values = [
        text("x"),
        text("y"),
        text("z"),
        int(1),
        int(2),
        int(3),
        int(-1),
        int(-7),
        FieldValue::F64(1.5),
        FieldValue::Bool(true),
        FieldValue::Bool(false),
        FieldValue::Bytes(b"\x01\x02"[..].into()),
        FieldValue::Timestamp(1_700_000_000),
        FieldValue::I8(5),
        FieldValue::I64(-1 << 40),
        FieldValue::Table(table),
        FieldValue::Array(vec![int(1), text("b")]),
        FieldValue::Void,
        text(""),
    ];
    for (line, places) in [
        ("4.3", "ccacabcbaaaccccaaba"),
        ("3.10", "acaabbccbaccccbccab"),
    ] {
        let mut world = World::of_line(line);
        let by_header = [("hash-header", FieldValue::from("h"))];
        world
            .exchange_with("x", ExchangeKind::ConsistentHash, &by_header)
            .unwrap();
        let queues = [("q0", "1"), ("q1", "1"), ("q2", "2")].map(|(name, weight)| {
            let queue = world.queue(name, &[]);
            world.bind("x", &queue, weight);
            queue
        });
        let mut got = String::new();
        for value in &values {
            let properties = Properties {
                headers: Some([("h", value.clone())].into_iter().collect()),
                ..Properties::default()
            };
            world.publish_with("x", "k", "", &properties);
            let mut places = queues.iter().zip('a'..);
            let (_, letter) = places
                .find(|(queue, _)| !world.drain(queue).is_empty())
                .unwrap();
            got.push(letter);
        }
        assert_eq!(got, places, "{line}");
    }
}

#[test]
fn a_header_or_a_property_decides() {
    let mut world = World::new();
    let by_header = [("hash-header", FieldValue::from("h"))];
    world
        .exchange_with("x", ExchangeKind::ConsistentHash, &by_header)
        .unwrap();
    let by_property = [("hash-property", FieldValue::from("message_id"))];
    world
        .exchange_with("y", ExchangeKind::ConsistentHash, &by_property)
        .unwrap();
    let queues: Vec<_> = (0..3)
        .map(|number| world.queue(&format!("q{number}"), &[]))
        .collect();
    for queue in &queues {
        world.bind("x", queue, "1");
        world.bind("y", queue, "1");
    }
    for exchange in ["x", "y"] {
        let used = |world: &mut World, value: &dyn Fn(usize) -> String| {
            for number in 0..100 {
                let value = value(number);
                let properties = Properties {
                    headers: Some([("h", value.as_str())].into_iter().collect()),
                    message_id: Some(value.as_str().into()),
                    ..Properties::default()
                };
                world.publish_with(exchange, &format!("k{number}"), "", &properties);
            }
            let got = queues.iter().map(|queue| world.drain(queue).len());
            got.filter(|count| *count > 0).count()
        };
        assert_eq!(used(&mut world, &|_| "same".to_owned()), 1);
        assert_eq!(used(&mut world, &|number| number.to_string()), 3);
    }
    for number in 0..10 {
        world.publish("x", &format!("k{number}"), "without the header");
    }
    let counts: Vec<usize> = queues
        .iter()
        .map(|queue| world.drain(queue).len())
        .collect();
    assert!(counts.contains(&10), "{counts:?}");
}

#[test]
fn weights_and_arguments_are_checked() {
    let mut world = World::new();
    world.exchange("x", ExchangeKind::ConsistentHash);
    let queue = world.queue("q", &[]);
    for (key, text) in [
        ("abc", "The binding key must be an integer: <<\"abc\">>"),
        ("", "The binding key must be an integer: <<>>"),
        ("0", "The binding key must be greater than 0"),
        ("-1", "The binding key must be greater than 0"),
        ("100000", "The binding key must not exceed 10000"),
    ] {
        let to = Destination::Queue(Arc::clone(&queue));
        let error = world.bind_to("x", to, key).unwrap_err();
        assert_eq!(error.to_string(), text);
    }
    let both = [
        ("hash-header", FieldValue::from("h")),
        ("hash-property", FieldValue::from("message_id")),
    ];
    let text = "hash-header and hash-property are mutually exclusive";
    refused(ExchangeKind::ConsistentHash, &both, text);
    let unknown = [("hash-property", FieldValue::from("app_id"))];
    let text = "Unsupported property: app_id";
    refused(ExchangeKind::ConsistentHash, &unknown, text);
}

#[test]
fn modulus_hash_takes_one_queue_for_a_key() {
    let mut world = World::new();
    world.exchange("x", ExchangeKind::ModulusHash);
    let queues: Vec<_> = (0..4)
        .map(|number| world.queue(&format!("q{number}"), &[]))
        .collect();
    for queue in &queues {
        world.bind("x", queue, "ignored");
    }
    let first = spread(&mut world, &queues);
    let counts: Vec<usize> = first.iter().map(Vec::len).collect();
    assert!(
        counts.iter().all(|count| count.abs_diff(250) < 75),
        "{counts:?}"
    );
    assert_eq!(spread(&mut world, &queues), first);
}

/// As RabbitMQ 4.3.6 does it.
#[test]
fn modulus_hash_counts_every_binding_in_the_order_of_destinations() {
    let mut world = World::new();
    world.exchange("x", ExchangeKind::ModulusHash);
    let [c, a, b] = ["c", "a", "b"].map(|name| {
        let queue = world.queue(name, &[]);
        world.bind("x", &queue, name);
        queue
    });
    let d = world.queue("d", &[]);
    let queues = [a, b, c, d];
    assert_eq!(
        places(&mut world, &queues),
        "caaabacccaabcbbccbcccabbccabacababbacababbcbacaaccbbcbaaacca"
    );
    world.bind("x", &queues[3], "d");
    assert_eq!(
        places(&mut world, &queues),
        "ccbdadabbacdbcaccbcbabaaadcbbccbbbdbbccbbdacdcaccdacbabcbcbd"
    );
    world.bind("x", &queues[2], "again");
    assert_eq!(
        places(&mut world, &queues),
        "cdabbddaccabbacdcaccccdcccbdcbccacdbcaccccccbcbccacbbacddcac"
    );
}
