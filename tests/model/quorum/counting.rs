//! Deliveries are counted, told and limited.

use leveret::broker::policy::Layer;
use leveret::broker::queue::Settlement;
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use super::{LINES, NACK, REJECT, dying, publish_all, quorum, round};
use crate::support::World;

/// How often a message is delivered that is always rejected with requeue; 30 is for ever.
fn deliveries(line: &str, limit: Option<FieldValue>, how: Settlement) -> u32 {
    let mut world = World::of_line(line);
    let arguments: Vec<_> = limit
        .map(|limit| ("x-delivery-limit", limit))
        .into_iter()
        .collect();
    let queue = quorum(&mut world, "q", &arguments);
    world.publish("", "q", "m");
    let tried = (0..30).map_while(|_| round(&mut world, &queue, how));
    u32::try_from(tried.count()).unwrap()
}

#[test]
fn a_message_comes_back_as_often_as_the_delivery_limit_allows() {
    let number = |number: i64| Some(FieldValue::from(number));
    for (line, limit, expected) in [
        ("3.10", None, 30),
        ("4.0", None, 21),
        ("4.3", None, 21),
        ("3.10", number(3), 4),
        ("4.0", number(3), 4),
        ("4.3", number(3), 4),
        ("4.3", number(0), 1),
        ("3.10", number(-1), 1),
        ("4.0", number(-1), 30),
        ("4.3", number(-1), 30),
        ("3.10", Some("3".into()), 30),
        ("4.0", Some("3".into()), 30),
        ("4.3", Some("3".into()), 21),
        ("4.0", Some(FieldValue::F64(2.5)), 3),
        ("4.3", Some(FieldValue::F64(2.5)), 21),
        ("4.0", Some(FieldValue::Void), 21),
        ("4.0", Some(FieldValue::Bool(true)), 30),
    ] {
        let text = format!("{line} {limit:?}");
        assert_eq!(deliveries(line, limit, REJECT), expected, "{text}");
    }
}

#[test]
fn a_nack_counts_to_the_limit_up_to_4_0() {
    let limit = || Some(FieldValue::from(3_i64));
    assert_eq!(
        LINES.map(|line| deliveries(line, limit(), NACK)),
        [4, 4, 30]
    );
}

#[test]
fn deliveries_tell_how_often_there_were_others() {
    for (line, expected) in [
        (
            "3.10",
            [
                (false, None, Some(0)),
                (true, None, Some(1)),
                (true, None, Some(2)),
            ],
        ),
        (
            "4.0",
            [
                (false, None, None),
                (true, None, Some(1)),
                (true, None, Some(2)),
            ],
        ),
        (
            "4.3",
            [
                (false, None, None),
                (true, Some(1), None),
                (true, Some(2), Some(1)),
            ],
        ),
    ] {
        let mut world = World::of_line(line);
        let queue = quorum(&mut world, "q", &[]);
        world.publish("", "q", "m");
        let rounds = [NACK, REJECT, NACK].map(|how| round(&mut world, &queue, how).unwrap());
        assert_eq!(rounds, expected, "{line}");
    }
}

#[test]
fn headers_of_the_publisher_stay_and_are_sorted() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    let headers = [("z", 1_i64), ("x-delivery-count", 7), ("a", 2)];
    let properties = Properties {
        headers: Some(headers.into_iter().collect()),
        ..Properties::default()
    };
    world.publish_with("", "q", "m", &properties);
    let first = world.take(&queue).unwrap();
    assert_eq!(queue.properties(&first.entry, true), None, "as it came");
    world.settle_taken(vec![first], REJECT);
    let again = world.take(&queue).unwrap();
    let raw = queue.properties(&again.entry, true).unwrap();
    let headers = Properties::decode(&raw).unwrap().headers.unwrap();
    let all: Vec<_> = headers
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_i64().unwrap()))
        .collect();
    let expected = [
        ("a", 2),
        ("x-acquired-count", 1),
        ("x-delivery-count", 1),
        ("z", 1),
    ];
    assert_eq!(all, expected);
}

/// What a dead letter tells in the next queue, at its first delivery and after one return.
fn carried(line: &str, from: &str, how: Settlement) -> [(bool, Option<i64>, Option<i64>); 2] {
    let mut world = World::of_line(line);
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-queue-type", from.into()));
    let source = world.queue("q", &arguments);
    let target = quorum(&mut world, "d", &[]);
    world.publish("", "q", "m");
    let taken = world.take(&source).unwrap();
    world.settle_taken(vec![taken], how);
    [NACK, NACK].map(|how| round(&mut world, &target, how).unwrap())
}

#[test]
fn dead_letters_take_their_failed_deliveries_along() {
    let rejected = Settlement::Reject;
    let nacked = Settlement::Discard;
    for (line, from, how, expected) in [
        (
            "4.3",
            "classic",
            rejected,
            [(true, Some(1), Some(1)), (true, Some(1), Some(1))],
        ),
        (
            "4.3",
            "quorum",
            rejected,
            [(true, Some(1), Some(1)), (true, Some(1), Some(1))],
        ),
        (
            "4.3",
            "classic",
            nacked,
            [(false, None, None), (true, Some(1), None)],
        ),
        (
            "4.3",
            "quorum",
            nacked,
            [(false, None, None), (true, Some(1), None)],
        ),
        (
            "4.0",
            "classic",
            rejected,
            [(false, None, None), (true, None, Some(1))],
        ),
        (
            "4.0",
            "quorum",
            rejected,
            [(true, None, Some(1)), (true, None, Some(1))],
        ),
        (
            "4.0",
            "quorum",
            nacked,
            [(true, None, Some(1)), (true, None, Some(1))],
        ),
        (
            "3.10",
            "quorum",
            rejected,
            [(false, None, Some(0)), (true, None, Some(1))],
        ),
    ] {
        assert_eq!(carried(line, from, how), expected, "{line} {from} {how:?}");
    }
}

#[test]
fn the_delivery_limit_counts_failures_of_earlier_queues() {
    let mut world = World::new();
    let source = quorum(&mut world, "q", &dying("d"));
    let target = quorum(&mut world, "d", &[("x-delivery-limit", FieldValue::I32(3))]);
    world.publish("", "q", "m");
    let taken = world.take(&source).unwrap();
    world.settle_taken(vec![taken], Settlement::Reject);
    let rounds: Vec<_> = (0..9)
        .map_while(|_| round(&mut world, &target, REJECT))
        .collect();
    let expected = [
        (true, Some(1), Some(1)),
        (true, Some(1), Some(2)),
        (true, Some(2), Some(3)),
    ];
    assert_eq!(rounds, expected);
}

#[test]
fn a_message_over_its_limit_is_dead_lettered() {
    let mut world = World::new();
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-delivery-limit", FieldValue::I32(1)));
    let queue = quorum(&mut world, "q", &arguments);
    let dead = world.queue("d", &[]);
    world.publish("", "q", "m");
    round(&mut world, &queue, REJECT);
    round(&mut world, &queue, REJECT);
    let taken = world.take(&dead).unwrap();
    assert!(taken.entry.redelivered);
    let headers = taken.entry.message.headers();
    assert_eq!(
        headers.get("x-first-death-reason"),
        Some(&"delivery_limit".into())
    );
}

#[test]
fn a_policy_limits_deliveries_of_messages_that_are_there() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    publish_all(&mut world, 1, "m");
    let limit = [("delivery-limit", FieldValue::I32(1))];
    world.policy(Layer::User, "p", "q", &limit);
    let rounds = (0..9).map_while(|_| round(&mut world, &queue, REJECT));
    assert_eq!(rounds.count(), 2);
}

#[test]
fn consumers_on_3_10_are_told_no_count_of_zero() {
    let mut world = World::of_line("3.10");
    let queue = quorum(&mut world, "q", &[]);
    world.publish("", "q", "m");
    let taken = world.take(&queue).unwrap();
    assert_eq!(queue.properties(&taken.entry, false), None);
    assert!(queue.properties(&taken.entry, true).is_some());
}
