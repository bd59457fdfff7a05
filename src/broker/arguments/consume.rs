//! Arguments of `basic.consume`.

use leveret_proto::value::FieldTable;

use super::{Check, UNLIMITED, check_value};
use crate::broker::error::{BrokerError, Subject};

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
