//! Between field tables and JSON, and out of request bodies.

use axum::body::Bytes;
use leveret_proto::value::{FieldTable, FieldValue};
use serde_json::{Map, Value, json};

use super::error::ApiError;
use crate::broker::json::{self, to_value};
pub(super) use crate::broker::json::{table, to_table, value};

/// RabbitMQ's tables have no nulls that come over HTTP.
pub(super) fn without_nulls(object: &Map<String, Value>) -> Result<FieldTable, ApiError> {
    match object.values().any(has_null) {
        true => Err(ApiError::bad_request("null_not_allowed")),
        false => Ok(to_table(object)),
    }
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(all) => all.iter().any(has_null),
        Value::Object(object) => object.values().any(has_null),
        _ => false,
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
            Ok(Value::Null) => Ok(Self(Map::new())),
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

    /// Likewise; what is there and no text makes RabbitMQ fail.
    pub(super) fn word(&self, key: &str) -> Result<Option<&str>, ApiError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ApiError::WrongKind),
        }
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

    /// A table without nulls; an empty list is an empty one too.
    pub(super) fn table(&self, key: &str) -> Result<FieldTable, ApiError> {
        match self.get(key) {
            None => Ok(FieldTable::default()),
            Some(Value::Array(all)) if all.is_empty() => Ok(FieldTable::default()),
            Some(Value::Object(object)) => without_nulls(object),
            Some(_) => Err(ApiError::WrongKind),
        }
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
        self.texts(keys).map_err(|_| ApiError::WrongKind)
    }

    /// Tags: a list, or words with commas between them.
    pub(super) fn tags(&self, key: &str) -> Result<Option<Vec<String>>, ApiError> {
        let tags = |value| json::tags(value).ok_or(ApiError::WrongKind);
        self.get(key).map(tags).transpose()
    }
}
