//! Between field tables and JSON, and out of request bodies.

use axum::body::Bytes;
use leveret_proto::value::{FieldTable, FieldValue};
use serde_json::{Map, Value, json};

use super::error::ApiError;

/// A table as JSON.
pub(super) fn table(table: &FieldTable) -> Value {
    Value::Object(
        table
            .iter()
            .map(|(key, value)| (key.to_string(), self::value(value)))
            .collect(),
    )
}

/// A value as JSON.
pub(super) fn value(value: &FieldValue) -> Value {
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
pub(super) fn to_table(object: &Map<String, Value>) -> FieldTable {
    object
        .iter()
        .map(|(key, value)| (key, to_value(value)))
        .collect()
}

fn to_value(value: &Value) -> FieldValue {
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

/// A request's body, which must be an object; nothing at all is an empty one.
#[derive(Debug)]
pub(super) struct Request(Map<String, Value>);

impl Request {
    pub(super) fn parse(body: &Bytes) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(Self(object)),
            Ok(Value::String(_)) => Err(ApiError::bad_request(
                "invalid payload: the request body JSON-decoded to a string. Is the input \
                 doubly-JSON-encoded?",
            )),
            _ => Err(ApiError::bad_request("not_json")),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// A value as a field's; none is void.
    pub(super) fn field(&self, key: &str) -> FieldValue {
        self.get(key).map_or(FieldValue::Void, to_value)
    }

    /// All of it as a table.
    pub(super) fn fields(&self) -> FieldTable {
        to_table(&self.0)
    }

    /// Whether all these keys are there.
    pub(super) fn must_have(&self, keys: &[&str]) -> Result<(), ApiError> {
        let is_missing = |key: &&str| self.get(key).is_none();
        let missing: Vec<&str> = keys.iter().copied().filter(is_missing).collect();
        match missing.is_empty() {
            true => Ok(()),
            false => Err(ApiError::keys_missing(&missing)),
        }
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key).and_then(Value::as_str)
    }

    /// A flag, also as the words that old tools send.
    pub(super) fn flag(&self, key: &str) -> Result<bool, ApiError> {
        match self.get(key) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => Err(ApiError::BadRequest(json!(["not_boolean", other]))),
        }
    }

    pub(super) fn table(&self, key: &str) -> FieldTable {
        self.get(key)
            .and_then(Value::as_object)
            .map(to_table)
            .unwrap_or_default()
    }

    /// Several texts that must all be there.
    pub(super) fn texts<const N: usize>(&self, keys: [&str; N]) -> Result<[&str; N], ApiError> {
        let missing: Vec<&str> = keys
            .into_iter()
            .filter(|key| self.text(key).is_none())
            .collect();
        match missing.is_empty() {
            true => Ok(keys.map(|key| self.text(key).unwrap_or_default())),
            false => Err(ApiError::keys_missing(&missing)),
        }
    }

    /// Several texts that must all be there; what is no text makes RabbitMQ fail.
    pub(super) fn patterns<const N: usize>(&self, keys: [&str; N]) -> Result<[&str; N], ApiError> {
        self.must_have(&keys)?;
        self.texts(keys).map_err(|_| ApiError::Crash)
    }

    /// Tags: a list, or words with commas between them.
    pub(super) fn tags(&self, key: &str) -> Option<Vec<String>> {
        match self.get(key)? {
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
}
