//! Arguments of `queue.declare`, `exchange.declare` and `basic.consume`: what is known, of which
//! type, within which bounds; and when two declarations are the same.

mod consume;
mod exchange;
mod max_age;
mod queue;
mod same;

use leveret_proto::value::FieldValue;

pub use self::consume::{ReaderTerms, check_consume, check_reader};
pub use self::exchange::{check_binding, check_exchange, delayed_kind, same_exchange};
use self::max_age::fails_on;
pub use self::max_age::max_age_ms;
pub use self::queue::{check_properties, check_queue, same_queue};
pub use self::same::same;
use super::error::{BrokerError, Subject};
use super::queue::QueueKind;

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
    /// A number and a unit of time: `7D`.
    MaxAge,
    /// Any value: it is checked elsewhere, or nowhere.
    Any,
}

const UNLIMITED: i64 = i64::MAX;

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
        Check::MaxAge => {
            let age = value.as_str().ok_or_else(unacceptable)?;
            let wrong = || invalid(key, subject, "invalid_max_age");
            max_age_ms(age).map(drop).ok_or_else(wrong)
        }
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

/// An argument that queues of this type do not know.
fn unknown(key: &str, subject: &Subject, kind: QueueKind) -> BrokerError {
    BrokerError::Precondition(format!(
        "invalid arg '{key}' for {subject} of queue type {}",
        kind.module()
    ))
}

fn wrong_type(key: &str, value: &FieldValue, subject: &Subject) -> BrokerError {
    let type_name = value.type_name();
    BrokerError::Precondition(format!(
        "invalid type '{type_name}' for arg '{key}' in {subject}"
    ))
}
