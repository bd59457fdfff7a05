//! When a flag or an argument of a second declaration is the same as that of the first.

use leveret_proto::value::FieldValue;

use crate::broker::error::{BrokerError, Subject};

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

pub(super) fn same_argument(
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
