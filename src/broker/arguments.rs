//! Arguments of `queue.declare`, `exchange.declare` and `basic.consume`: what is known, of which
//! type, within which bounds; and when two declarations are the same.

use leveret_proto::value::{FieldTable, FieldValue};

use super::compat::{Compat, denied};
use super::error::{BrokerError, Subject};

/// How the value of an argument is checked.
#[derive(Clone, Copy, Debug)]
enum Check {
    /// An integer of at least the first and at most the second number.
    Integer(i64, i64),
    /// A boolean.
    Bool,
    /// A string.
    Text,
    /// The name of an exchange: RabbitMQ words its type error differently.
    ExchangeName,
    /// One of these strings, else this Erlang atom.
    OneOf(&'static [&'static str], &'static str),
    /// Something of no meaning here: any value.
    Any,
}

const UNLIMITED: i64 = i64::MAX;

/// Arguments of classic queues, in the order in which RabbitMQ finds fault with them.
const CLASSIC: &[(&str, Check)] = &[
    ("x-expires", Check::Integer(1, UNLIMITED)),
    ("x-message-ttl", Check::Integer(0, UNLIMITED)),
    ("x-dead-letter-exchange", Check::ExchangeName),
    ("x-dead-letter-routing-key", Check::Text),
    ("x-max-length", Check::Integer(0, UNLIMITED)),
    ("x-max-length-bytes", Check::Integer(0, UNLIMITED)),
    ("x-max-priority", Check::Integer(0, 255)),
    (
        "x-overflow",
        Check::OneOf(
            &["drop-head", "reject-publish", "reject-publish-dlx"],
            "invalid_overflow",
        ),
    ),
    ("x-single-active-consumer", Check::Bool),
    ("x-queue-type", Check::Text),
    ("x-queue-version", Check::Integer(i64::MIN, UNLIMITED)),
    ("x-queue-mode", Check::Any),
    ("x-queue-master-locator", Check::Any),
    (
        "x-queue-leader-locator",
        Check::OneOf(&["balanced", "client-local"], "invalid_queue_locator_arg"),
    ),
];

/// Arguments that other queue types know, and that a classic queue refuses by name.
const NOT_CLASSIC: &[&str] = &[
    "x-consumer-timeout",
    "x-consumer-disconnected-timeout",
    "x-delayed-retry-type",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
    "x-max-age",
    "x-delivery-limit",
    "x-stream-max-segment-size-bytes",
    "x-stream-filter-size-bytes",
    "x-quorum-initial-group-size",
    "x-quorum-target-group-size",
    "x-initial-cluster-size",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
    "x-dead-letter-strategy",
];

/// Check the arguments of a queue about to be made.
pub fn check_queue(
    subject: &Subject,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<(), BrokerError> {
    check_queue_type(subject, arguments, compat)?;
    for key in NOT_CLASSIC
        .iter()
        .filter(|key| !compat.ignored_arguments.contains(key))
    {
        if arguments.get(key).is_some() {
            return Err(BrokerError::Precondition(format!(
                "invalid arg '{key}' for {subject} of queue type rabbit_classic_queue"
            )));
        }
    }
    for (key, check) in CLASSIC {
        if let Some(value) = arguments.get(key) {
            check_value(*check, key, value, subject)?;
        }
    }
    check_version_specific(subject, arguments, compat)?;
    let has = |key| arguments.get(key).is_some();
    if has("x-dead-letter-routing-key") && !has("x-dead-letter-exchange") {
        return Err(invalid(
            "x-dead-letter-routing-key",
            subject,
            "routing_key_but_no_dlx_defined",
        ));
    }
    Ok(())
}

fn check_queue_type(
    subject: &Subject,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<(), BrokerError> {
    let Some(value) = arguments.get("x-queue-type") else {
        return Ok(());
    };
    let unacceptable = format!("{{unacceptable_type,{}}}", value.type_name());
    let kind = value
        .as_str()
        .ok_or_else(|| invalid("x-queue-type", subject, &unacceptable))?;
    match kind {
        "classic" => Ok(()),
        "" if !compat.refuses_empty_queue_type => Ok(()),
        "quorum" | "stream" => Err(BrokerError::NotImplemented(format!(
            "queue type '{kind}' of {subject} is not built yet"
        ))),
        other => {
            let reason = format!("\"unsupported queue type '{other}'\"");
            Err(invalid("x-queue-type", subject, &reason))
        }
    }
}

fn check_version_specific(
    subject: &Subject,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<(), BrokerError> {
    if let Some(version) = arguments
        .get("x-queue-version")
        .and_then(FieldValue::as_i64)
    {
        let exists = version == 2 || (version == 1 && compat.has_queue_version_1);
        if !exists {
            let reason = format!("\"unsupported queue version '{version}'\"");
            return Err(invalid("x-queue-version", subject, &reason));
        }
    }
    if let Some(mode) = arguments
        .get("x-queue-mode")
        .filter(|_| compat.checks_queue_mode)
    {
        let unacceptable = format!("{{unacceptable_type,{}}}", mode.type_name());
        let mode = mode
            .as_str()
            .ok_or_else(|| invalid("x-queue-mode", subject, &unacceptable))?;
        if !["default", "lazy"].contains(&mode) {
            let reason = format!("\"unsupported queue mode '{mode}'\"");
            return Err(invalid("x-queue-mode", subject, &reason));
        }
    }
    if let Some(locator) = arguments.get("x-queue-master-locator") {
        let known = ["min-masters", "client-local", "random"];
        if compat.checks_master_locator && !locator.as_str().is_some_and(|it| known.contains(&it)) {
            return Err(BrokerError::Denied(String::new()));
        }
        if !compat.queue_master_locator {
            return Err(BrokerError::Denied(denied("queue_master_locator")));
        }
    }
    if arguments.get("x-queue-leader-locator").is_some() && !compat.classic_leader_locator {
        return Err(BrokerError::Precondition(format!(
            "invalid arg 'x-queue-leader-locator' for {subject} of queue type rabbit_classic_queue"
        )));
    }
    Ok(())
}

/// Check the arguments of an exchange about to be made.
pub fn check_exchange(subject: &Subject, arguments: &FieldTable) -> Result<(), BrokerError> {
    match arguments.get("alternate-exchange") {
        Some(value) if value.as_str().is_none() => {
            Err(wrong_type("alternate-exchange", value, subject))
        }
        _ => Ok(()),
    }
}

/// Check the arguments of `basic.consume`; the priority they ask for.
pub fn check_consume(subject: &Subject, arguments: &FieldTable) -> Result<i64, BrokerError> {
    for key in [
        "x-stream-offset",
        "x-stream-filter",
        "x-stream-match-unfiltered",
        "x-consumer-timeout",
    ] {
        if arguments.get(key).is_some() {
            return Err(BrokerError::Precondition(format!(
                "invalid arg '{key}' for {subject} of queue type rabbit_classic_queue"
            )));
        }
    }
    let Some(value) = arguments.get("x-priority") else {
        return Ok(0);
    };
    check_value(
        Check::Integer(i64::MIN, UNLIMITED),
        "x-priority",
        value,
        subject,
    )?;
    Ok(value.as_i64().unwrap_or(0))
}

fn check_value(
    check: Check,
    key: &str,
    value: &FieldValue,
    subject: &Subject,
) -> Result<(), BrokerError> {
    let type_name = value.type_name();
    let unacceptable = || invalid(key, subject, &format!("{{unacceptable_type,{type_name}}}"));
    match check {
        Check::Any => Ok(()),
        Check::Integer(min, max) => {
            let wrong = || {
                invalid(
                    key,
                    subject,
                    &format!("\"expected integer, got {type_name}\""),
                )
            };
            check_bounds(value.as_i64().ok_or_else(wrong)?, min, max)
                .map_err(|reason| invalid(key, subject, &reason))
        }
        Check::Bool if matches!(value, FieldValue::Bool(_)) => Ok(()),
        Check::Bool => Err(unacceptable()),
        Check::Text => value.as_str().map(drop).ok_or_else(unacceptable),
        Check::ExchangeName => value
            .as_str()
            .map(drop)
            .ok_or_else(|| wrong_type(key, value, subject)),
        Check::OneOf(allowed, otherwise) => match value.as_str() {
            None => Err(unacceptable()),
            Some(text) if allowed.contains(&text) => Ok(()),
            Some(_) => Err(invalid(key, subject, otherwise)),
        },
    }
}

fn check_bounds(number: i64, min: i64, max: i64) -> Result<(), String> {
    match number {
        0 if min > 0 => Err("{value_zero,0}".to_owned()),
        number if number < min => Err(format!("{{value_negative,{number}}}")),
        number if number > max => Err(format!("{{max_value_exceeded,{number}}}")),
        _ => Ok(()),
    }
}

fn invalid(key: &str, subject: &Subject, reason: &str) -> BrokerError {
    BrokerError::Precondition(format!("invalid arg '{key}' for {subject}: {reason}"))
}

fn wrong_type(key: &str, value: &FieldValue, subject: &Subject) -> BrokerError {
    let type_name = value.type_name();
    BrokerError::Precondition(format!(
        "invalid type '{type_name}' for arg '{key}' in {subject}"
    ))
}

/// Whether a queue declared again has the same arguments, as far as RabbitMQ compares them.
pub fn same_queue(
    subject: &Subject,
    current: &FieldTable,
    received: &FieldTable,
) -> Result<(), BrokerError> {
    same_queue_type(subject, current, received)?;
    let keys = CLASSIC
        .iter()
        .map(|(key, _)| *key)
        .filter(|key| *key != "x-queue-type");
    keys.into_iter()
        .try_for_each(|key| same_argument(subject, key, current.get(key), received.get(key)))
}

fn same_queue_type(
    subject: &Subject,
    current: &FieldTable,
    received: &FieldTable,
) -> Result<(), BrokerError> {
    let kind = |arguments: &FieldTable| {
        let kind = arguments.get("x-queue-type").and_then(FieldValue::as_str);
        kind.filter(|kind| !kind.is_empty())
            .unwrap_or("classic")
            .to_owned()
    };
    same(subject, "x-queue-type", &kind(current), &kind(received))
}

/// Whether an exchange declared again has the same arguments.
pub fn same_exchange(
    subject: &Subject,
    current: &FieldTable,
    received: &FieldTable,
) -> Result<(), BrokerError> {
    let key = "alternate-exchange";
    same_argument(subject, key, current.get(key), received.get(key))
}

/// Whether a flag or value is what it was.
pub fn same(
    subject: &Subject,
    key: &str,
    current: &str,
    received: &str,
) -> Result<(), BrokerError> {
    if current == received {
        return Ok(());
    }
    let detail = format!("received '{received}' but current is '{current}'");
    Err(BrokerError::Inequivalent {
        subject: subject.clone(),
        key: key.to_owned(),
        detail,
    })
}

fn same_argument(
    subject: &Subject,
    key: &str,
    current: Option<&FieldValue>,
    received: Option<&FieldValue>,
) -> Result<(), BrokerError> {
    match (current, received) {
        (None, None) => Ok(()),
        (Some(current), Some(received)) => same(subject, key, &plain(current), &plain(received)),
        (current, received) => {
            let (received, current) = (described(received), described(current));
            let detail = format!("received {received} but current is {current}");
            Err(BrokerError::Inequivalent {
                subject: subject.clone(),
                key: key.to_owned(),
                detail,
            })
        }
    }
}

fn described(value: Option<&FieldValue>) -> String {
    value.map_or_else(
        || "none".to_owned(),
        |value| {
            format!(
                "the value '{}' of type '{}'",
                plain(value),
                value.type_name()
            )
        },
    )
}

fn plain(value: &FieldValue) -> String {
    match (value, value.as_i64(), value.as_str()) {
        (FieldValue::Bool(flag), ..) => flag.to_string(),
        (_, Some(number), _) => number.to_string(),
        (_, _, Some(text)) => text.to_owned(),
        _ => format!("{value:?}"),
    }
}
