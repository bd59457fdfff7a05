//! Quorum queues, as each release line has them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use leveret::broker::policy::Layer;
use leveret::broker::queue::{CloseIf, Queue, Settlement, Unacked};
use leveret_proto::content::Properties;
use leveret_proto::value::FieldValue;

use super::{expiring, prioritised};
use crate::support::World;

const REJECT: Settlement = Settlement::Requeue;
const NACK: Settlement = Settlement::Return;
const LINES: [&str; 3] = ["3.10", "4.0", "4.3"];

fn quorum(world: &mut World, name: &str, arguments: &[(&str, FieldValue)]) -> Arc<Queue> {
    let mut all = vec![("x-queue-type", FieldValue::from("quorum"))];
    all.extend_from_slice(arguments);
    world.queue(name, &all)
}

fn dying(target: &str) -> [(&'static str, FieldValue); 2] {
    [
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", target.into()),
    ]
}

/// The counts that a delivery tells: `(redelivered, x-acquired-count, x-delivery-count)`.
fn told(taken: &Unacked) -> (bool, Option<i64>, Option<i64>) {
    let raw = taken.queue.properties(&taken.entry, true);
    let properties = match &raw {
        Some(raw) => Properties::decode(raw).unwrap(),
        None => taken.entry.message.decoded().unwrap(),
    };
    let headers = properties.headers.unwrap_or_default();
    let count = |key| headers.get(key).and_then(FieldValue::as_i64);
    (
        taken.entry.redelivered,
        count("x-acquired-count"),
        count("x-delivery-count"),
    )
}

fn round(
    world: &mut World,
    queue: &Arc<Queue>,
    how: Settlement,
) -> Option<(bool, Option<i64>, Option<i64>)> {
    let taken = world.take(queue)?;
    let told = told(&taken);
    world.settle_taken(vec![taken], how);
    Some(told)
}

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
fn returned_messages_go_first_in_the_order_of_their_return() {
    for (line, expected) in [
        ("3.10", ["d", "e", "c", "a", "b"]),
        ("4.0", ["c", "a", "b", "d", "e"]),
        ("4.3", ["c", "a", "b", "d", "e"]),
    ] {
        let mut world = World::of_line(line);
        let queue = quorum(&mut world, "q", &[]);
        for body in ["a", "b", "c", "d"] {
            world.publish("", "q", body);
        }
        let mut taken: Vec<_> = (0..3).map(|_| world.take(&queue).unwrap()).collect();
        taken.rotate_right(1);
        world.publish_with("", "q", "e", &prioritised(3));
        world.settle_taken(taken, NACK);
        assert_eq!(world.drain(&queue), expected, "{line}");
    }
}

#[test]
fn priorities_are_of_the_release_line() {
    for (line, expected) in [
        ("3.10", "none 0 9 5 4 40 31"),
        ("4.0", "9 5 none 40 31 0 4"),
        ("4.3", "40 31 9 5 none 4 0"),
    ] {
        let mut world = World::of_line(line);
        let queue = quorum(&mut world, "q", &[]);
        world.publish("", "q", "none");
        for priority in [0, 9, 5, 4, 40, 31] {
            world.publish_with("", "q", &priority.to_string(), &prioritised(priority));
        }
        assert_eq!(world.drain(&queue).join(" "), expected, "{line}");
    }
}

#[test]
fn a_lane_below_expires_on_its_own_since_4_3() {
    for (line, expected) in [("3.10", 1), ("4.0", 2), ("4.3", 1)] {
        let mut world = World::of_line(line);
        let queue = quorum(&mut world, "q", &[]);
        let properties = Properties {
            priority: Some(1),
            ..expiring("50")
        };
        world.publish_with("", "q", "expires", &properties);
        world.publish_with("", "q", "stays", &prioritised(9));
        world.pass_ms(60);
        assert_eq!(queue.view().ready, expected, "{line}");
    }
}

fn limited(world: &mut World, key: &str, max: i64, overflow: &str) -> Arc<Queue> {
    let limit = [
        (key, FieldValue::from(max)),
        ("x-overflow", overflow.into()),
    ];
    quorum(world, "q", &limit)
}

/// Publish so often; how often that was refused.
fn publish_all(world: &mut World, times: u32, body: &str) -> u32 {
    let refused = (0..times).filter(|_| world.publish("", "q", body).overflowed);
    u32::try_from(refused.count()).unwrap()
}

#[test]
fn a_full_queue_refuses_from_the_second_too_many_until_a_fifth_is_free() {
    for line in LINES {
        let mut world = World::of_line(line);
        let queue = limited(&mut world, "x-max-length", 10, "reject-publish");
        assert_eq!(publish_all(&mut world, 14, "m"), 3, "{line}: eleven are in");
        for (left, refused) in [(10, 1), (9, 1), (8, 0)] {
            let taken = world.take(&queue).unwrap();
            world.settle_taken(vec![taken], Settlement::Ack);
            assert_eq!(queue.view().ready, left, "{line}");
            assert_eq!(publish_all(&mut world, 1, "m"), refused, "{line} at {left}");
        }
        assert_eq!(publish_all(&mut world, 3, "m"), 1, "{line}: from 9 to 11");
    }
}

#[test]
fn bytes_are_those_of_the_body_and_since_4_3_of_the_properties() {
    let ten = "0123456789";
    for (line, dropping, refusing) in [("3.10", 3, 4), ("4.0", 3, 4), ("4.3", 2, 3)] {
        let mut world = World::of_line(line);
        let queue = limited(&mut world, "x-max-length-bytes", 30, "drop-head");
        publish_all(&mut world, 6, ten);
        assert_eq!(queue.view().ready, dropping, "{line}");
        let mut world = World::of_line(line);
        let queue = limited(&mut world, "x-max-length-bytes", 30, "reject-publish");
        publish_all(&mut world, 6, ten);
        assert_eq!(queue.view().ready, refusing, "{line}");
    }
}

#[test]
fn what_is_dropped_for_length_is_what_would_be_delivered_next() {
    let mut world = World::new();
    let queue = limited(&mut world, "x-max-length", 2, "drop-head");
    for (body, priority) in [("a", 9), ("b", 1), ("c", 9), ("d", 1)] {
        world.publish_with("", "q", body, &prioritised(priority));
    }
    assert_eq!(world.drain(&queue), ["b", "d"]);
}

#[test]
fn a_returned_message_can_be_one_too_many() {
    for (kind, line) in [("classic", "4.3"), ("quorum", "4.0"), ("quorum", "4.3")] {
        let mut world = World::of_line(line);
        let limit = [
            ("x-max-length", FieldValue::I32(2)),
            ("x-queue-type", kind.into()),
        ];
        let queue = world.queue("q", &limit);
        world.publish("", "q", "a");
        let taken = world.take(&queue).unwrap();
        publish_all(&mut world, 2, "m");
        world.settle_taken(vec![taken], NACK);
        assert_eq!(world.drain(&queue), ["m", "m"], "{kind} on {line}");
    }
}

#[test]
fn reject_publish_dlx_is_drop_head() {
    let mut world = World::new();
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-max-length", FieldValue::I32(1)));
    arguments.push(("x-overflow", "reject-publish-dlx".into()));
    let queue = quorum(&mut world, "q", &arguments);
    let dead = world.queue("d", &[]);
    assert_eq!(publish_all(&mut world, 4, "m"), 0);
    assert_eq!((queue.view().ready, dead.view().ready), (1, 3));
}

fn at_least_once(world: &mut World, more: &[(&str, FieldValue)]) -> Arc<Queue> {
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-dead-letter-strategy", "at-least-once".into()));
    arguments.push(("x-overflow", "reject-publish".into()));
    arguments.extend_from_slice(more);
    quorum(world, "q", &arguments)
}

fn reject_all(world: &mut World, queue: &Arc<Queue>, how: Settlement) {
    while let Some(taken) = world.take(queue) {
        world.settle_taken(vec![taken], how);
    }
}

#[test]
fn a_dead_letter_waits_until_its_target_has_it() {
    let mut world = World::new();
    let queue = at_least_once(&mut world, &[]);
    world.publish("", "q", "m");
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!((queue.view().ready, queue.view().held), (0, 1));
    let dead = world.queue("d", &[]);
    world.pass_ms(179_000);
    assert_eq!(dead.view().ready, 0, "the next try is not yet");
    world.pass_ms(1_000);
    assert_eq!((dead.view().ready, queue.view().held), (1, 0));
}

#[test]
fn dead_letters_that_are_refused_count_to_the_length() {
    let mut world = World::new();
    let queue = at_least_once(&mut world, &[("x-max-length", FieldValue::I32(3))]);
    let full = [
        ("x-max-length", FieldValue::I32(1)),
        ("x-overflow", "reject-publish".into()),
    ];
    let dead = world.queue("d", &full);
    for body in ["a", "b", "c", "d"] {
        world.publish("", "q", body);
    }
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!((dead.view().ready, queue.view().held), (1, 3));
    assert_eq!(publish_all(&mut world, 3, "m"), 2, "one more is in");
    assert_eq!(world.drain(&dead), ["a"]);
    world.pass_ms(180_000);
    assert_eq!(
        (world.drain(&dead), queue.view().held),
        (vec!["b".to_owned()], 2)
    );
    assert_eq!(world.purge(&queue), 3, "one ready, two held");
    assert_eq!(queue.view().held, 0);
}

#[test]
fn without_reject_publish_a_dead_letter_is_tried_once() {
    let mut world = World::new();
    let mut arguments = dying("d").to_vec();
    arguments.push(("x-dead-letter-strategy", "at-least-once".into()));
    let queue = quorum(&mut world, "q", &arguments);
    world.publish("", "q", "m");
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!(queue.view().held, 0);
}

fn retrying(world: &mut World, kind: &str) -> Arc<Queue> {
    let retry = [
        ("x-delayed-retry-type", kind.into()),
        ("x-delayed-retry-min", FieldValue::I32(500)),
        ("x-delayed-retry-max", FieldValue::I32(1200)),
    ];
    quorum(world, "q", &retry)
}

/// Milliseconds until each of four redeliveries, in steps of 100.
fn waits(kind: &str, how: Settlement) -> Vec<u64> {
    let mut world = World::new();
    let queue = retrying(&mut world, kind);
    world.publish("", "q", "m");
    let mut waits = Vec::new();
    let mut taken = world.take(&queue);
    for _ in 0..4 {
        world.settle_taken(taken.into_iter().collect(), how);
        let mut waited = 0;
        taken = world.take(&queue);
        while taken.is_none() {
            world.pass_ms(100);
            waited += 100;
            taken = world.take(&queue);
        }
        waits.push(waited);
    }
    waits
}

#[test]
fn a_returned_message_waits_as_delayed_retry_says() {
    assert_eq!(waits("all", REJECT), [500, 1000, 1200, 1200]);
    assert_eq!(waits("all", NACK), [500; 4]);
    assert_eq!(waits("failed", REJECT), [500, 1000, 1200, 1200]);
    assert_eq!(waits("failed", NACK), [0; 4]);
    assert_eq!(waits("returned", NACK), [500; 4]);
    assert_eq!(waits("returned", REJECT), [0; 4]);
    assert_eq!(waits("disabled", REJECT), [0; 4]);
}

#[test]
fn what_waits_for_a_retry_is_counted_and_released_to_consumers_in_order() {
    let mut world = World::new();
    let queue = retrying(&mut world, "all");
    for body in ["a", "b", "c"] {
        world.publish("", "q", body);
    }
    let taken: Vec<_> = (0..2).map(|_| world.take(&queue).unwrap()).collect();
    let begun = world.now;
    for taken in taken.into_iter().rev() {
        world.settle_taken(vec![taken], REJECT);
        world.pass_ms(100);
    }
    let view = queue.view();
    assert_eq!((view.ready, view.delayed, view.unacked), (1, 2, 0));
    let until = [500, 600].map(|ms| begun.plus_ms(ms));
    assert_eq!(view.delayed_until, Some(until));
    world.consume(&queue, "t", 0, 0);
    assert_eq!(world.delivered(), ["t:c"]);
    world.pass_ms(500);
    assert_eq!(world.delivered(), ["t:b", "t:a"]);
    assert_eq!(queue.view().delayed_until, None);
}

#[test]
fn a_ttl_waits_for_the_retry_and_a_purge_does_not() {
    let mut world = World::new();
    let retry = [
        ("x-delayed-retry-type", FieldValue::from("all")),
        ("x-delayed-retry-min", FieldValue::I32(1500)),
        ("x-message-ttl", FieldValue::I32(500)),
    ];
    let queue = quorum(&mut world, "q", &retry);
    publish_all(&mut world, 1, "m");
    round(&mut world, &queue, REJECT);
    world.pass_ms(1400);
    assert_eq!(queue.view().delayed, 1);
    world.pass_ms(100);
    assert_eq!((queue.view().delayed, queue.view().ready), (0, 0));
    publish_all(&mut world, 1, "m");
    round(&mut world, &queue, REJECT);
    assert_eq!(world.purge(&queue), 1);
    assert_eq!(queue.view().delayed, 0);
}

#[test]
fn the_single_active_consumer_makes_way_once_it_has_nothing_out() {
    for (line, waiting, then) in [
        ("3.10", vec!["low:b"], vec!["low:c"]),
        ("4.0", vec![], vec!["high:b", "high:c"]),
        ("4.3", vec![], vec!["high:b", "high:c"]),
    ] {
        let mut world = World::of_line(line);
        let single = ("x-single-active-consumer", FieldValue::Bool(true));
        let queue = quorum(&mut world, "q", &[single]);
        world.consume(&queue, "low", 10, 0);
        world.publish("", "q", "a");
        assert_eq!(world.delivered(), ["low:a"]);
        let high = world.consume(&queue, "high", 10, 5);
        world.publish("", "q", "b");
        assert_eq!(world.delivered(), waiting, "{line}");
        world.settle_first(Settlement::Ack);
        world.publish("", "q", "c");
        assert_eq!(world.delivered(), then, "{line}");
        world.cancel(&queue, high);
        world.publish("", "q", "d");
        assert_eq!(
            world.delivered(),
            ["low:d"],
            "{line}: at once, whatever is out"
        );
    }
}

#[test]
fn exclusive_consumers_are_not_alone() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    world.consume_exclusively(&queue, "one").unwrap();
    world.consume_exclusively(&queue, "two").unwrap();
    let classic = world.queue("c", &[]);
    world.consume_exclusively(&classic, "one").unwrap();
    world.consume_exclusively(&classic, "two").unwrap_err();
}

#[test]
fn it_is_not_deleted_on_a_condition() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    let (unused, empty) = (true, false);
    for (condition, flag) in [
        (CloseIf { unused, empty }, "if-unused"),
        (
            CloseIf {
                unused: false,
                empty: true,
            },
            "if-empty",
        ),
    ] {
        let error = world.delete(&queue, condition).unwrap_err().to_string();
        let expected = format!(
            "cannot delete queue 'q' in vhost '/'. queue.delete operations with {flag} flag set \
             are not supported by quorum queues"
        );
        assert_eq!(error, expected);
    }
    assert_eq!(world.delete(&queue, CloseIf::default()).unwrap(), 0);
}

#[test]
fn a_dead_letter_is_tried_again_only_where_it_is_missing() {
    let mut world = World::new();
    let arguments = [
        ("x-dead-letter-exchange", "amq.fanout".into()),
        ("x-dead-letter-strategy", "at-least-once".into()),
        ("x-overflow", "reject-publish".into()),
    ];
    let queue = quorum(&mut world, "q", &arguments);
    let takes = world.queue("takes", &[]);
    let full = [
        ("x-max-length", FieldValue::I32(0)),
        ("x-overflow", "reject-publish".into()),
    ];
    let refuses = world.queue("refuses", &full);
    world.bind("amq.fanout", &takes, "");
    world.bind("amq.fanout", &refuses, "");
    world.publish("", "q", "m");
    reject_all(&mut world, &queue, Settlement::Reject);
    assert_eq!((takes.view().ready, queue.view().held), (1, 1));
    world.pass_ms(180_000);
    assert_eq!((takes.view().ready, queue.view().held), (1, 1));
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

#[test]
fn a_message_that_nobody_had_room_for_stays_in_its_place() {
    let mut world = World::new();
    let queue = quorum(&mut world, "q", &[]);
    let consumer = world.consume(&queue, "c", 0, 0);
    world.recorder.is_full.store(true, Ordering::Relaxed);
    world.publish_with("", "q", "low", &prioritised(1));
    world.resume(&queue, consumer);
    world.publish_with("", "q", "high", &prioritised(3));
    world.recorder.is_full.store(false, Ordering::Relaxed);
    world.resume(&queue, consumer);
    assert_eq!(world.delivered(), ["c:high", "c:low"]);
}
