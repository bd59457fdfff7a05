//! Arguments of `exchange.declare`, and of bindings whose source asks something of them.

use leveret_proto::value::{FieldTable, FieldValue};

use super::same::same_argument;
use super::wrong_type;
use crate::broker::compat::Compat;
use crate::broker::error::{BrokerError, Subject};
use crate::broker::exchange::{DestinationId, ExchangeKind, HASH_PROPERTIES, positive};
use crate::broker::term::{binary, term};

/// Largest weight of a binding of an `x-consistent-hash` exchange.
const WEIGHT_MAX: i64 = 10_000;

/// Check the arguments of an exchange about to be made.
pub fn check_exchange(
    subject: &Subject,
    kind: ExchangeKind,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<(), BrokerError> {
    if let Some(value) = arguments.get("alternate-exchange")
        && value.as_str().is_none()
    {
        return Err(wrong_type("alternate-exchange", value, subject));
    }
    check_kind(kind, arguments, compat)
}

fn check_kind(
    kind: ExchangeKind,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<(), BrokerError> {
    match kind {
        ExchangeKind::ConsistentHash => check_hash(arguments),
        ExchangeKind::RecentHistory => check_history(arguments),
        ExchangeKind::Deduplication => check_deduplication(arguments),
        ExchangeKind::Delayed => check_kind(delayed_kind(arguments, compat)?, arguments, compat),
        ExchangeKind::Direct
        | ExchangeKind::Fanout
        | ExchangeKind::Topic
        | ExchangeKind::Headers
        | ExchangeKind::ModulusHash
        | ExchangeKind::Random
        | ExchangeKind::LocalRandom => Ok(()),
    }
}

fn check_hash(arguments: &FieldTable) -> Result<(), BrokerError> {
    let (header, property) = (arguments.get("hash-header"), arguments.get("hash-property"));
    let is_text = |value: &FieldValue| value.as_str().is_some();
    match (header, property) {
        (Some(_), Some(_)) => precondition("hash-header and hash-property are mutually exclusive"),
        // RabbitMQ fails over names that are no text.
        (Some(value), None) | (None, Some(value)) if !is_text(value) => {
            Err(BrokerError::Denied(String::new()))
        }
        (None, Some(value)) => match value.as_str().unwrap_or_default() {
            name if HASH_PROPERTIES.contains(&name) => Ok(()),
            name => precondition(format!("Unsupported property: {name}")),
        },
        (_, None) => Ok(()),
    }
}

fn check_history(arguments: &FieldTable) -> Result<(), BrokerError> {
    match arguments.get("x-recent-history-length") {
        Some(length) if length.as_i64().is_none_or(|length| length <= 0) => precondition(format!(
            "Invalid argument {}, 'x-recent-history-length' must be a positive integer",
            term(length)
        )),
        _ => Ok(()),
    }
}

fn check_deduplication(arguments: &FieldTable) -> Result<(), BrokerError> {
    if arguments.get("x-cache-size").and_then(positive).is_none() {
        return precondition(
            "Missing or invalid argument, 'x-cache-size' must be an integer greater than 0",
        );
    }
    if arguments
        .get("x-cache-ttl")
        .is_some_and(|ttl| positive(ttl).is_none())
    {
        return precondition("Invalid argument, 'x-cache-ttl' must be an integer greater than 0");
    }
    let persistence = arguments.get("x-cache-persistence");
    match persistence.map(FieldValue::as_str) {
        None | Some(Some("disk" | "memory")) => Ok(()),
        Some(_) => precondition(
            "Invalid argument, 'x-cache-persistence' must be either 'disk' or 'memory'",
        ),
    }
}

/// The type that a delayed exchange routes as.
pub fn delayed_kind(arguments: &FieldTable, compat: &Compat) -> Result<ExchangeKind, BrokerError> {
    let name = arguments.get("x-delayed-type").and_then(FieldValue::as_str);
    match name.map(|name| ExchangeKind::named(name, compat)) {
        Some(Ok(ExchangeKind::Delayed)) => {
            precondition("Invalid argument, 'x-delayed-message' can't be used for 'x-delayed-type'")
        }
        Some(kind) => kind,
        None => {
            precondition("Invalid argument, 'x-delayed-type' must be an existing exchange type")
        }
    }
}

/// Check a binding from an exchange that routes as `kind`.
pub fn check_binding(
    kind: ExchangeKind,
    key: &str,
    destination: &DestinationId,
) -> Result<(), BrokerError> {
    match (kind, destination) {
        (ExchangeKind::ConsistentHash, _) => check_weight(key),
        (ExchangeKind::LocalRandom, _) if !key.is_empty() => {
            precondition(format!("Non empty binding '{key}' key not permitted"))
        }
        (ExchangeKind::LocalRandom, DestinationId::Exchange(_)) => {
            precondition("Destination not found")
        }
        _ => Ok(()),
    }
}

fn check_weight(key: &str) -> Result<(), BrokerError> {
    match key.parse::<i64>() {
        Err(_) => precondition(format!(
            "The binding key must be an integer: {}",
            binary(key.as_bytes())
        )),
        Ok(..=0) => precondition("The binding key must be greater than 0"),
        Ok(weight) if weight > WEIGHT_MAX => {
            precondition(format!("The binding key must not exceed {WEIGHT_MAX}"))
        }
        Ok(_) => Ok(()),
    }
}

fn precondition<T>(text: impl Into<String>) -> Result<T, BrokerError> {
    Err(BrokerError::Precondition(text.into()))
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
