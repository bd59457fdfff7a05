//! When two answers are the same.

use serde_json::{Value, json};

/// Values that differ from run to run.
const VARYING: &[&str] = &["password_hash", "ok"];

/// Statistics: what there is of them depends on the traffic that there was.
const STATISTICS: &[&str] = &[
    "message_stats",
    "messages",
    "messages_ready",
    "messages_unacknowledged",
    "recv_oct",
    "send_oct",
];

fn is_statistic(key: &str) -> bool {
    STATISTICS.contains(&key) || key.ends_with("_details")
}

/// Without what varies; lists have no order.
pub(crate) fn masked(answer: &Value) -> Value {
    match answer {
        Value::Object(object) => {
            let kept = object.iter().filter(|(key, _)| !is_statistic(key));
            kept.map(|(key, value)| (key.clone(), masked_field(key, value)))
                .collect()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(masked).collect();
            items.sort_by_key(Value::to_string);
            Value::Array(items)
        }
        other => other.clone(),
    }
}

fn masked_field(key: &str, value: &Value) -> Value {
    let is_id = value
        .as_str()
        .is_some_and(|text| text.starts_with("rabbitmq-cluster-id-"));
    match value {
        Value::String(text) if is_id || (VARYING.contains(&key) && !text.is_empty()) => json!("…"),
        value => masked(value),
    }
}
