//! One entry of a list, and what can be asked of it.

use leveret_proto::value::{FieldTable, FieldValue};
use serde_json::{Map, Value};

use super::fault::{At, Fault};
use crate::broker::json::{to_table, to_value};

/// Most entries of one kind: what is more is no definition but a flood.
const ENTRIES_MAX: usize = 1_000_000;

/// An object in a list of definitions.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) at: At,
    pub(super) map: &'a Map<String, Value>,
}

/// The entries of one kind.
pub(super) fn section<'a>(all: &'a Map<String, Value>, key: &str) -> Result<Vec<Entry<'a>>, Fault> {
    let at = At::default().key(key);
    let list = match all.get(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= ENTRIES_MAX => list,
        Some(_) => return Err(Fault::crash(at, "must be a list")),
    };
    let entry = |(index, value): (usize, &'a Value)| match value {
        Value::Object(map) => Ok(Entry {
            at: at.index(index),
            map,
        }),
        _ => Err(Fault::new(at.index(index), "must be an object")),
    };
    list.iter().enumerate().map(entry).collect()
}

impl<'a> Entry<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Value::as_str)
    }

    /// Text that must be there; else RabbitMQ fails with this reason.
    pub(super) fn must(&self, key: &str, reason: &str) -> Result<&'a str, Fault> {
        let missing = || Fault::terse(self.at.key(key), reason, "must be there, and text");
        self.text(key).ok_or_else(missing)
    }

    /// Text that must be there; else RabbitMQ fails without a word.
    pub(super) fn must_or_crash(&self, key: &str) -> Result<&'a str, Fault> {
        let missing = || Fault::crash(self.at.key(key), "must be there, and text");
        self.text(key).ok_or_else(missing)
    }

    pub(super) fn flag(&self, key: &str, default: bool) -> Result<bool, Fault> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(Fault::terse(
                self.at.key(key),
                "badarg",
                "must be true or false",
            )),
        }
    }

    /// A table; RabbitMQ writes an empty one as an empty list, too.
    pub(super) fn table(&self, key: &str) -> Result<FieldTable, Fault> {
        match self.get(key) {
            None => Ok(FieldTable::new()),
            Some(Value::Array(list)) if list.is_empty() => Ok(FieldTable::new()),
            Some(Value::Object(map)) => Ok(to_table(map)),
            Some(_) => Err(Fault::crash(self.at.key(key), "must be an object")),
        }
    }

    pub(super) fn field(&self, key: &str) -> Option<FieldValue> {
        self.get(key).map(to_value)
    }
}
