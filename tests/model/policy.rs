//! Policies: which one applies, how they merge, and that a change reaches what is there already.

use leveret::broker::compat::Compat;
use leveret::broker::exchange::ExchangeKind;
use leveret::broker::policy::{ApplyTo, InvalidPolicy, Layer, Policy};
use leveret::broker::queue::{Overflow, QueueKind};
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::World;

fn number(number: i64) -> FieldValue {
    FieldValue::I64(number)
}

#[test]
fn the_highest_priority_applies_and_among_equals_the_last_name() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    let applied = || queue.settings().applied.policy.clone();
    for (name, priority) in [("b", 0.0), ("a", 0.0), ("z-low", -1.0)] {
        let definition = [("max-length", number(1))];
        world.policy_to(Layer::User, name, "^q", ApplyTo::All, priority, &definition);
    }
    assert_eq!(applied(), Some("b".into()));
    let definition = [("max-length", number(2))];
    world.policy_to(Layer::User, "high", "^q", ApplyTo::All, 0.5, &definition);
    assert_eq!(applied(), Some("high".into()));
    assert!(world.delete_policy(Layer::User, "high"));
    assert!(!world.delete_policy(Layer::User, "high"));
    assert_eq!(applied(), Some("b".into()));
}

#[test]
fn a_policy_applies_to_what_it_is_meant_for() {
    let mut world = World::new();
    let queue = world.queue("same", &[]);
    world.exchange("same", ExchangeKind::Fanout);
    let exchange = world.vhost.exchange("same").unwrap();
    for (apply_to, to_queue, to_exchange) in [
        (ApplyTo::All, true, true),
        (ApplyTo::Queues, true, false),
        (ApplyTo::QueuesOf(QueueKind::Classic), true, false),
        (ApplyTo::QueuesOf(QueueKind::Quorum), false, false),
        (ApplyTo::QueuesOf(QueueKind::Stream), false, false),
        (ApplyTo::Exchanges, false, true),
    ] {
        let definition = [("max-length", number(1))];
        world.policy_to(Layer::User, "p", "^same$", apply_to, 0.0, &definition);
        let found = (
            queue.settings().applied.policy.is_some(),
            exchange.applied().policy.is_some(),
        );
        assert_eq!(found, (to_queue, to_exchange), "{apply_to:?}");
    }
}

#[test]
fn a_policy_with_a_key_of_other_queue_types_does_not_apply_at_all() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    let definition = [("max-length", number(1)), ("max-age", "1D".into())];
    world.policy(Layer::User, "p", "^q", &definition);
    assert_eq!(queue.settings().applied.policy, None);
    assert_eq!(queue.settings().length_max, None);
}

#[test]
fn operators_limit_users_and_arguments_have_their_say() {
    let mut world = World::new();
    let arguments = [
        ("x-max-length", FieldValue::I32(10)),
        ("x-overflow", "drop-head".into()),
        ("x-dead-letter-exchange", "mine".into()),
    ];
    let queue = world.queue("q", &arguments);
    let user = [
        ("max-length", number(5)),
        ("message-ttl", number(100)),
        ("expires", number(9_000)),
        ("queue-version", number(1)),
        ("overflow", "reject-publish".into()),
        ("dead-letter-exchange", "policy".into()),
    ];
    let operator = [
        ("max-length", number(7)),
        ("max-length-bytes", number(1_000)),
        ("message-ttl", number(50)),
        ("expires", number(9_000)),
        ("queue-version", number(2)),
    ];
    world.policy(Layer::User, "p", "^q", &user);
    world.policy(Layer::Operator, "op", "^q", &operator);
    let settings = queue.settings();
    assert_eq!(settings.length_max, Some(5));
    assert_eq!(settings.bytes_max, Some(1_000));
    assert_eq!(settings.message_ttl_ms, Some(50));
    assert_eq!(settings.expires_ms, Some(9_000));
    assert_eq!(settings.overflow, Overflow::DropHead, "the argument's");
    assert_eq!(settings.dead_letter_exchange, Some("mine".into()));
    assert_eq!(settings.applied.operator_policy, Some("op".into()));
    let merged = &settings.applied.definition;
    assert_eq!(merged.get("queue-version"), Some(&number(2)));
    assert_eq!(merged.get("overflow"), Some(&"reject-publish".into()));
}

#[test]
fn limits_without_a_limit_and_sizes_that_must_suffice() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    // Of both, whichever key a queue type does not know is looked at in an exchange's rows.
    world.exchange("q", ExchangeKind::Fanout);
    let user = [
        ("delivery-limit", number(-1)),
        ("target-group-size", number(3)),
    ];
    let operator = [
        ("delivery-limit", number(5)),
        ("target-group-size", number(1)),
    ];
    world.policy(Layer::User, "p", "^q", &user);
    world.policy(Layer::Operator, "op", "^q", &operator);
    let merged = world.vhost.exchange("q").unwrap().applied().definition;
    assert_eq!(merged.get("delivery-limit"), Some(&number(5)));
    assert_eq!(merged.get("target-group-size"), Some(&number(3)));
    assert_eq!(queue.settings().applied.definition, FieldTable::new());
}

#[test]
fn a_shorter_limit_shortens_at_once_and_dead_letters() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    let dead = world.queue("dead", &[]);
    for body in ["a", "b", "c"] {
        world.publish("", "q", body);
    }
    let definition = [
        ("max-length", number(1)),
        ("dead-letter-exchange", "".into()),
        ("dead-letter-routing-key", "dead".into()),
    ];
    world.policy(Layer::User, "p", "^q", &definition);
    assert_eq!(world.drain(&queue), ["c"]);
    assert_eq!(world.drain(&dead), ["a", "b"]);
    world.delete_policy(Layer::User, "p");
    for body in ["d", "e"] {
        world.publish("", "q", body);
    }
    assert_eq!(
        queue.view().ready,
        2,
        "without the policy there is no limit"
    );
}

#[test]
fn a_queue_that_refuses_keeps_what_it_has() {
    let mut world = World::new();
    let queue = world.queue("q", &[("x-overflow", "reject-publish".into())]);
    for body in ["a", "b", "c"] {
        world.publish("", "q", body);
    }
    world.policy(Layer::User, "p", "^q", &[("max-length", number(2))]);
    assert!(world.publish("", "q", "d").overflowed);
    assert_eq!(world.drain(&queue), ["a", "b", "c"]);
}

#[test]
fn a_ttl_is_that_of_the_time_of_publishing() {
    let mut world = World::new();
    let queue = world.queue("q", &[]);
    world.publish("", "q", "before");
    world.policy(Layer::User, "p", "^q", &[("message-ttl", number(100))]);
    world.pass_ms(200);
    assert_eq!(world.drain(&queue), ["before"]);
    world.publish("", "q", "under");
    world.delete_policy(Layer::User, "p");
    world.pass_ms(200);
    assert_eq!(queue.view().ready, 0, "it came in with a TTL");
}

#[test]
fn an_idle_queue_expires_counting_from_the_policy_on() {
    let mut world = World::new();
    world.queue("q", &[]);
    world.pass_ms(5_000);
    world.policy(Layer::User, "p", "^q", &[("expires", number(1_000))]);
    world.pass_ms(900);
    assert!(world.vhost.queues.contains("q"));
    world.pass_ms(200);
    assert!(!world.vhost.queues.contains("q"));
}

#[test]
fn what_is_declared_later_comes_under_the_policy() {
    let mut world = World::new();
    world.policy(Layer::User, "p", "^q", &[("max-length", number(1))]);
    let queue = world.queue("q", &[]);
    assert_eq!(queue.settings().length_max, Some(1));
}

#[test]
fn an_exchange_takes_its_alternate_from_a_policy() {
    let mut world = World::new();
    world.exchange("source", ExchangeKind::Direct);
    world.exchange("alternate", ExchangeKind::Fanout);
    let queue = world.queue("unrouted", &[]);
    world.bind("alternate", &queue, "");
    assert!(!world.publish("source", "nowhere", "a").routed);
    let before = world.vhost.epoch();
    let definition = [("alternate-exchange", "alternate".into())];
    world.policy(Layer::User, "p", "^source$", &definition);
    assert_ne!(world.vhost.epoch(), before, "routes must be found anew");
    assert!(world.publish("source", "nowhere", "b").routed);
    assert_eq!(world.drain(&queue), ["b"]);
}

/// What real brokers said to a policy of one key: layer, key, value, fault. A fault of `!` is an
/// internal error, none is none.
const FAULTS: [(&str, &str); 3] = [
    ("3.10", include_str!("faults/3.10.tsv")),
    ("4.0", include_str!("faults/4.0.tsv")),
    ("4.3", include_str!("faults/4.3.tsv")),
];

#[test]
fn definitions_are_checked_as_each_line_checks_them() {
    let mut wrong = String::new();
    for (line, rows) in FAULTS {
        let compat = Compat::named(line, false).unwrap();
        for row in rows.lines() {
            let fields: Vec<&str> = row.split('\t').collect();
            let [layer, key, value, want] = fields[..] else {
                panic!("{row}");
            };
            let got = fault(layer, key, value, &compat);
            if got != want {
                wrong += &format!("{line}: {row}\n got {got}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn fault(layer: &str, key: &str, value: &str, compat: &Compat) -> String {
    let layer = match layer {
        "operator" => Layer::Operator,
        _ => Layer::User,
    };
    let value = match serde_json::from_str(value).unwrap() {
        serde_json::Value::String(text) => text.as_str().into(),
        serde_json::Value::Bool(flag) => flag.into(),
        other => other
            .as_i64()
            .map_or_else(|| FieldValue::F64(other.as_f64().unwrap()), FieldValue::I64),
    };
    let definition: FieldTable = [(key, value)].into_iter().collect();
    let parts: FieldTable = [
        ("pattern", "^q".into()),
        ("definition", FieldValue::Table(definition)),
    ]
    .into_iter()
    .collect();
    match Policy::read("p".into(), &parts, layer, compat) {
        Ok(_) => String::new(),
        Err(InvalidPolicy::Crash) => "!".to_owned(),
        Err(InvalidPolicy::Faults(all)) => all.join("\\n"),
    }
}
