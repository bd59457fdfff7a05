//! What the release lines do differently, seen from the model.

use std::sync::Arc;

use leveret::broker::arguments::check_properties;
use leveret::broker::compat::Compat;
use leveret::broker::error::{BrokerError, Resource, Subject};
use leveret::broker::message::Message;
use leveret::broker::policy::{InvalidPolicy, Layer, Policy};
use leveret::broker::queue::{QueueKind, Settlement};
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::World;

/// A queue whose messages die into `dead` when they are over their TTL or not wanted.
fn dying(world: &mut World) {
    let arguments = [
        ("x-dead-letter-exchange", "".into()),
        ("x-dead-letter-routing-key", "dead".into()),
    ];
    world.queue("q", &arguments);
}

/// The history of a dead letter that a client sent with one: queue, reason and count of each row.
fn rows(message: &Message) -> Vec<(String, String, i64)> {
    let headers = message.headers();
    let Some(FieldValue::Array(rows)) = headers.get("x-death") else {
        return Vec::new();
    };
    let text = |row: &FieldTable, key| row.get(key).and_then(FieldValue::as_str).map(str::to_owned);
    rows.iter()
        .map(|row| match row {
            FieldValue::Table(row) => (
                text(row, "queue").unwrap(),
                text(row, "reason").unwrap(),
                row.get("count").and_then(FieldValue::as_i64).unwrap(),
            ),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn foreign_history() -> Properties {
    let row = [
        ("count", FieldValue::I32(5)),
        ("reason", "rejected".into()),
        ("queue", "foreign".into()),
    ];
    let row: FieldTable = row.into_iter().collect();
    let headers = [
        ("x-death", FieldValue::Array(vec![FieldValue::Table(row)])),
        ("x-first-death-queue", "foreign".into()),
        ("x-first-death-reason", "rejected".into()),
    ];
    Properties {
        headers: Some(headers.into_iter().collect()),
        expiration: Some("10".into()),
        ..Properties::default()
    }
}

fn died_with_foreign_history(line: &str) -> Arc<Message> {
    let mut world = World::of_line(line);
    dying(&mut world);
    let dead = world.queue("dead", &[]);
    world.publish_with("", "q", "a", &foreign_history());
    world.pass_ms(20);
    world.get(&dead).unwrap()
}

#[test]
fn the_oldest_line_continues_the_history_that_a_client_sent() {
    let message = died_with_foreign_history("3.10");
    let own = ("q".to_owned(), "expired".to_owned(), 1);
    let foreign = ("foreign".to_owned(), "rejected".to_owned(), 5);
    assert_eq!(rows(&message), [own, foreign]);
    let headers = message.headers();
    assert_eq!(headers.get("x-first-death-queue"), Some(&"foreign".into()));
    assert_eq!(headers.get("x-last-death-queue"), None);
}

#[test]
fn later_lines_know_only_what_they_saw_themselves() {
    for line in ["4.0", "4.3"] {
        let message = died_with_foreign_history(line);
        assert_eq!(rows(&message), [("q".to_owned(), "expired".to_owned(), 1)]);
        let headers = message.headers();
        assert_eq!(headers.get("x-first-death-queue"), Some(&"q".into()));
        assert_eq!(headers.get("x-last-death-queue"), Some(&"q".into()));
    }
}

#[test]
fn a_death_of_the_same_kind_is_counted_in_the_row_that_a_client_sent_back() {
    let mut world = World::of_line("3.10");
    dying(&mut world);
    let dead = world.queue("dead", &[]);
    world.publish_with("", "q", "a", &foreign_history());
    world.pass_ms(20);
    let again = Properties {
        expiration: Some("10".into()),
        ..world.get(&dead).unwrap().decoded().unwrap()
    };
    world.publish_with("", "q", "a", &again);
    world.pass_ms(20);
    let counts: Vec<_> = rows(&world.get(&dead).unwrap())
        .into_iter()
        .map(|row| row.2)
        .collect();
    assert_eq!(counts, [2, 5]);
}

/// Whether a message settled so is redelivered when it comes out of the dead-letter queue.
fn is_redelivered(line: &str, how: &[Settlement]) -> bool {
    let mut world = World::of_line(line);
    dying(&mut world);
    let queue = world.vhost.queue("q", None).unwrap();
    let dead = world.queue("dead", &[]);
    world.consume(&queue, "c", 0, 0);
    world.publish("", "q", "a");
    how.iter().for_each(|how| world.settle_first(*how));
    world.get_entry(&dead).unwrap().redelivered
}

#[test]
fn a_dead_letter_of_a_failed_delivery_is_redelivered_in_the_newest_line() {
    use Settlement::{Discard, Reject, Requeue, Return};
    assert!(is_redelivered("4.3", &[Reject]));
    assert!(is_redelivered("4.3", &[Requeue, Discard]));
    assert!(!is_redelivered("4.3", &[Discard]));
    assert!(!is_redelivered("4.3", &[Return, Discard]));
    assert!(!is_redelivered("4.0", &[Reject]));
    assert!(!is_redelivered("3.10", &[Reject]));
}

#[test]
fn the_type_of_a_classic_queue_may_be_left_out_when_it_is_declared_again() {
    for line in ["3.10", "4.0", "4.3"] {
        let mut world = World::of_line(line);
        let classic = [("x-queue-type", "classic".into())];
        world.queue("with", &classic);
        world.queue("with", &[]);
        world.queue("without", &[]);
        world.queue("without", &classic);
    }
}

#[test]
fn the_oldest_line_knows_no_leader_locator_of_classic_queues() {
    let locator = [("x-queue-leader-locator", "balanced".into())];
    let mut world = World::of_line("3.10");
    let refused = world.try_queue("new", &locator).unwrap_err();
    let text = "invalid arg 'x-queue-leader-locator' for queue 'new' in vhost '/' of queue type \
                rabbit_classic_queue";
    assert_eq!(refused, BrokerError::Precondition(text.to_owned()));
    world.queue("there", &[]);
    world.queue("there", &locator);
    let mut world = World::of_line("4.0");
    world.queue("there", &[]);
    assert!(world.try_queue("there", &locator).is_err());
}

#[test]
fn what_a_quorum_queue_cannot_be_is_found_in_this_order() {
    let subject = Subject {
        kind: Resource::Queue,
        name: "q".into(),
        vhost: "/".into(),
    };
    let fault = |durable, exclusive, auto_delete| {
        let checked =
            check_properties(&subject, QueueKind::Quorum, durable, exclusive, auto_delete);
        checked.err().map(|error| error.to_string())
    };
    let invalid = |property| {
        let text = format!("invalid property '{property}' for queue 'q' in vhost '/'");
        Some(text)
    };
    assert_eq!(fault(false, true, true), invalid("auto-delete"));
    assert_eq!(fault(false, true, false), invalid("exclusive-owner"));
    assert_eq!(fault(false, false, false), invalid("non-durable"));
    assert_eq!(fault(true, false, false), None);
}

#[test]
fn a_policy_for_queues_of_one_type_is_new_in_4_0() {
    let definition: FieldTable = [("max-length", FieldValue::I32(1))].into_iter().collect();
    let parts = [
        ("pattern", FieldValue::from("^q")),
        ("apply-to", "streams".into()),
        ("definition", FieldValue::Table(definition)),
    ];
    let parts: FieldTable = parts.into_iter().collect();
    let read = |line| {
        let compat = Compat::named(line, false).unwrap();
        Policy::read("p".into(), &parts, Layer::User, &compat)
    };
    let text = "apply-to 'streams' unrecognised; should be 'queues', 'exchanges' or 'all'";
    match read("3.10") {
        Err(InvalidPolicy::Faults(all)) => assert_eq!(all, [text]),
        other => panic!("{other:?}"),
    }
    assert!(read("4.0").is_ok());
}
