//! How an operator policy limits a user policy, key by key.

use leveret_proto::value::{FieldTable, FieldValue};

/// Both definitions in one.
pub(super) fn merge(user: &FieldTable, operator: &FieldTable) -> FieldTable {
    let mut merged = user.clone();
    for (key, limit) in operator.iter() {
        let value = match user.get(key.as_str()) {
            Some(value) => merge_value(key.as_str(), value, limit),
            None => limit,
        };
        merged.insert(key.as_str(), value.clone());
    }
    merged
}

fn merge_value<'a>(key: &str, user: &'a FieldValue, operator: &'a FieldValue) -> &'a FieldValue {
    let (Some(mine), Some(limit)) = (user.as_i64(), operator.as_i64()) else {
        return operator;
    };
    let takes_user = match key {
        "message-ttl"
        | "expires"
        | "max-length"
        | "max-length-bytes"
        | "max-in-memory-length"
        | "max-in-memory-bytes"
        | "delayed-retry-max" => mine < limit,
        // A negative one means no limit at all, and anything is a limit beside it.
        "delivery-limit" if mine < 0 || limit < 0 => mine > limit,
        "delivery-limit" => mine < limit,
        "target-group-size" | "delayed-retry-min" => mine > limit,
        _ => false,
    };
    if takes_user { user } else { operator }
}
