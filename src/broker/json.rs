//! Between what the model holds and JSON, as the management API and definitions have it.

use leveret_proto::value::{FieldTable, FieldValue};
use serde_json::{Map, Value, json};

use super::limit::Limits;
use super::policy::Policy;

/// A table as JSON.
pub fn table(table: &FieldTable) -> Value {
    Value::Object(
        table
            .iter()
            .map(|(key, value)| (key.to_string(), self::value(value)))
            .collect(),
    )
}

/// A value as JSON.
pub fn value(value: &FieldValue) -> Value {
    if let Some(number) = value.as_i64() {
        return json!(number);
    }
    match value {
        FieldValue::Bool(flag) => json!(flag),
        FieldValue::F32(number) => json!(number),
        FieldValue::F64(number) => json!(number),
        FieldValue::Decimal { scale, value } => {
            json!(f64::from(*value) / 10f64.powi(i32::from(*scale)))
        }
        FieldValue::LongString(raw) | FieldValue::Bytes(raw) => json!(String::from_utf8_lossy(raw)),
        FieldValue::Array(values) => values.iter().map(self::value).collect(),
        FieldValue::Timestamp(seconds) => json!(seconds),
        FieldValue::Table(table) => self::table(table),
        _ => Value::Null,
    }
}

/// JSON as a table; integers become 64-bit ones, as RabbitMQ's do.
pub fn to_table(object: &Map<String, Value>) -> FieldTable {
    object
        .iter()
        .map(|(key, value)| (key, to_value(value)))
        .collect()
}

/// JSON as a value.
pub fn to_value(value: &Value) -> FieldValue {
    match value {
        Value::Null => FieldValue::Void,
        Value::Bool(flag) => FieldValue::Bool(*flag),
        Value::Number(number) => number.as_i64().map_or_else(
            || FieldValue::F64(number.as_f64().unwrap_or(0.0)),
            FieldValue::I64,
        ),
        Value::String(text) => text.as_str().into(),
        Value::Array(values) => FieldValue::Array(values.iter().map(to_value).collect()),
        Value::Object(object) => FieldValue::Table(to_table(object)),
    }
}

/// Limits by name.
pub fn limits(limits: &Limits) -> Value {
    Value::Object(
        limits
            .iter()
            .map(|(name, value)| (name.to_owned(), json!(value)))
            .collect(),
    )
}

/// A policy as the runtime parameter that it is to RabbitMQ.
pub fn policy(policy: &Policy) -> Value {
    json!({
        "pattern": policy.pattern.as_str(),
        "apply-to": policy.apply_to.as_str(),
        "definition": table(&policy.definition),
        "priority": number(policy.priority),
    })
}

/// As it was written: a whole number without a point.
#[allow(
    clippy::cast_possible_truncation,
    reason = "whole numbers of this size are exact"
)]
fn number(number: f64) -> Value {
    match number.fract() == 0.0 && number.abs() < 9e15 {
        true => json!(number as i64),
        false => json!(number),
    }
}

/// Tags: a list, or words with commas between them.
pub fn tags(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Array(all) => Some(
            all.iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        ),
        Value::String(text) => {
            let words = text
                .split(',')
                .map(str::trim)
                .filter(|word| !word.is_empty());
            Some(words.map(str::to_owned).collect())
        }
        _ => None,
    }
}
