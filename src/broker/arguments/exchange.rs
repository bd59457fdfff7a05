//! Arguments of `exchange.declare`.

use leveret_proto::value::FieldTable;

use super::same::same_argument;
use super::wrong_type;
use crate::broker::error::{BrokerError, Subject};

/// Check the arguments of an exchange about to be made.
pub fn check_exchange(subject: &Subject, arguments: &FieldTable) -> Result<(), BrokerError> {
    match arguments.get("alternate-exchange") {
        Some(value) if value.as_str().is_none() => {
            Err(wrong_type("alternate-exchange", value, subject))
        }
        _ => Ok(()),
    }
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
