//! Arguments of `queue.declare`, by queue type.

use leveret_proto::value::{FieldTable, FieldValue};

use super::same::{same, same_argument};
use super::{Check, UNLIMITED, check_value, fails_on, invalid, unknown};
use crate::broker::compat::{Compat, denied};
use crate::broker::error::{BrokerError, Subject};
use crate::broker::queue::QueueKind;

/// An argument, how its value is checked, and which queue types know it.
type Known = (&'static str, Check, &'static [QueueKind]);

const CLASSIC: &[QueueKind] = &[QueueKind::Classic];
const QUORUM: &[QueueKind] = &[QueueKind::Quorum];
const STREAM: &[QueueKind] = &[QueueKind::Stream];
const NOT_STREAM: &[QueueKind] = &[QueueKind::Classic, QueueKind::Quorum];
const ALL: &[QueueKind] = &QueueKind::ALL;

/// Every argument, in the order in which RabbitMQ finds fault with them.
const KNOWN: &[Known] = &[
    ("x-expires", Check::Integer(1, UNLIMITED), NOT_STREAM),
    ("x-message-ttl", Check::Integer(0, UNLIMITED), NOT_STREAM),
    ("x-dead-letter-exchange", Check::ExchangeName, NOT_STREAM),
    ("x-dead-letter-routing-key", Check::Text, NOT_STREAM),
    (
        "x-dead-letter-strategy",
        Check::OneOf(&["at-most-once", "at-least-once"], "invalid_dlx_strategy"),
        QUORUM,
    ),
    ("x-max-length", Check::Integer(0, UNLIMITED), NOT_STREAM),
    ("x-max-length-bytes", Check::Integer(0, UNLIMITED), ALL),
    (
        "x-max-in-memory-length",
        Check::Integer(0, UNLIMITED),
        QUORUM,
    ),
    (
        "x-max-in-memory-bytes",
        Check::Integer(0, UNLIMITED),
        QUORUM,
    ),
    ("x-max-priority", Check::Integer(0, 255), CLASSIC),
    (
        "x-overflow",
        Check::OneOf(
            &["drop-head", "reject-publish", "reject-publish-dlx"],
            "invalid_overflow",
        ),
        NOT_STREAM,
    ),
    ("x-single-active-consumer", Check::Bool, NOT_STREAM),
    ("x-queue-type", Check::Text, ALL),
    (
        "x-queue-version",
        Check::Integer(i64::MIN, UNLIMITED),
        CLASSIC,
    ),
    ("x-queue-mode", Check::Any, CLASSIC),
    ("x-queue-master-locator", Check::Any, CLASSIC),
    (
        "x-queue-leader-locator",
        Check::OneOf(&["balanced", "client-local"], "invalid_queue_locator_arg"),
        ALL,
    ),
    ("x-delivery-limit", Check::Any, QUORUM),
    (
        "x-quorum-initial-group-size",
        Check::Integer(1, UNLIMITED),
        QUORUM,
    ),
    ("x-consumer-timeout", Check::Integer(0, UNLIMITED), QUORUM),
    (
        "x-consumer-disconnected-timeout",
        Check::Integer(0, UNLIMITED),
        QUORUM,
    ),
    // RabbitMQ checks the values of these in policies only.
    ("x-delayed-retry-type", Check::Any, QUORUM),
    ("x-delayed-retry-min", Check::Any, QUORUM),
    ("x-delayed-retry-max", Check::Any, QUORUM),
    ("x-max-age", Check::MaxAge, STREAM),
    (
        "x-stream-max-segment-size-bytes",
        Check::Integer(0, UNLIMITED),
        STREAM,
    ),
    (
        "x-stream-filter-size-bytes",
        Check::Integer(0, UNLIMITED),
        STREAM,
    ),
    (
        "x-initial-cluster-size",
        Check::Integer(1, UNLIMITED),
        STREAM,
    ),
];

/// Largest segment of a stream.
const SEGMENT_BYTES_MAX: i64 = 3_000_000_000;

/// Check the arguments of a queue about to be made; what kind of queue they ask for.
pub fn check_queue(
    subject: &Subject,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<QueueKind, BrokerError> {
    let kind = queue_kind(subject, arguments, compat)?;
    if let Some(name) = arguments.get("x-dead-letter-exchange") {
        check_value(Check::ExchangeName, "x-dead-letter-exchange", name, subject)?;
    }
    for (key, _, kinds) in KNOWN {
        let is_known = (kinds.contains(&kind) || compat.ignored_arguments.contains(key))
            && !(*key == "x-queue-leader-locator" && lacks_leader_locator(kind, compat));
        if arguments.get(key).is_some() && !is_known {
            return Err(unknown(key, subject, kind));
        }
    }
    let age = arguments.get("x-max-age").and_then(FieldValue::as_str);
    if age.is_some_and(|age| fails_on(age, compat)) {
        return Err(BrokerError::Denied(String::new()));
    }
    for (key, check, kinds) in KNOWN.iter().filter(|known| known.2.contains(&kind)) {
        let is_checked = !compat.ignored_arguments.contains(key) || *kinds == STREAM;
        if let Some(value) = arguments.get(key).filter(|_| is_checked) {
            check_value(*check, key, value, subject)?;
        }
    }
    match kind {
        QueueKind::Classic => check_classic(subject, arguments, compat)?,
        QueueKind::Quorum => {}
        QueueKind::Stream => check_stream(arguments, compat)?,
    }
    let has = |key| arguments.get(key).is_some();
    if has("x-dead-letter-routing-key") && !has("x-dead-letter-exchange") {
        return Err(invalid(
            "x-dead-letter-routing-key",
            subject,
            "routing_key_but_no_dlx_defined",
        ));
    }
    Ok(kind)
}

/// Properties that a queue of this kind cannot have.
pub fn check_properties(
    subject: &Subject,
    kind: QueueKind,
    durable: bool,
    exclusive: bool,
    auto_delete: bool,
) -> Result<(), BrokerError> {
    if kind == QueueKind::Classic {
        return Ok(());
    }
    let wrong = [
        (auto_delete, "auto-delete"),
        (exclusive, "exclusive-owner"),
        (!durable, "non-durable"),
    ];
    match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, property)) => Err(BrokerError::Precondition(format!(
            "invalid property '{property}' for {subject}"
        ))),
        None => Ok(()),
    }
}

/// What kind of queue `x-queue-type` asks for.
fn queue_kind(
    subject: &Subject,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<QueueKind, BrokerError> {
    let Some(value) = arguments.get("x-queue-type") else {
        return Ok(QueueKind::Classic);
    };
    let unacceptable = format!("{{unacceptable_type,{}}}", value.type_name());
    let name = value
        .as_str()
        .ok_or_else(|| invalid("x-queue-type", subject, &unacceptable))?;
    match QueueKind::from_name(name) {
        Some(kind) => Ok(kind),
        None if name.is_empty() && !compat.refuses_empty_queue_type => Ok(QueueKind::Classic),
        None => {
            let reason = format!("\"unsupported queue type '{name}'\"");
            Err(invalid("x-queue-type", subject, &reason))
        }
    }
}

fn check_stream(arguments: &FieldTable, compat: &Compat) -> Result<(), BrokerError> {
    let number = |key| arguments.get(key).and_then(FieldValue::as_i64);
    if number("x-stream-max-segment-size-bytes").is_some_and(|n| n > SEGMENT_BYTES_MAX) {
        return Err(BrokerError::Precondition(
            "Exceeded max value for x-stream-max-segment-size-bytes".to_owned(),
        ));
    }
    let wrong_filter =
        number("x-stream-filter-size-bytes").is_some_and(|n| !(16..=255).contains(&n));
    match compat.filter_size_refusal.filter(|_| wrong_filter) {
        Some(text) => Err(BrokerError::Precondition(text.to_owned())),
        None => Ok(()),
    }
}

fn check_classic(
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
    Ok(())
}

fn lacks_leader_locator(kind: QueueKind, compat: &Compat) -> bool {
    kind == QueueKind::Classic && !compat.classic_leader_locator
}

/// Whether a queue declared again has the same arguments, as far as RabbitMQ compares them.
pub fn same_queue(
    subject: &Subject,
    current: &FieldTable,
    received: &FieldTable,
    compat: &Compat,
) -> Result<(), BrokerError> {
    let kind = QueueKind::of(current);
    if compat.fills_queue_type {
        let received = QueueKind::of(received);
        same(subject, "x-queue-type", kind.as_str(), received.as_str())?;
    }
    // Where the type is not filled in, it may be left out for a classic queue all the same.
    let has_same_type = kind == QueueKind::of(received);
    let is_compared = |known: &&Known| {
        let (key, _, kinds) = known;
        let is_ignored = match *key {
            "x-queue-type" => has_same_type,
            "x-queue-leader-locator" => lacks_leader_locator(kind, compat),
            key => compat.ignored_arguments.contains(&key),
        };
        kinds.contains(&kind) && !is_ignored
    };
    KNOWN
        .iter()
        .filter(is_compared)
        .try_for_each(|(key, ..)| same_argument(subject, key, current.get(key), received.get(key)))
}
