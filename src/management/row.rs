//! [`Row`]: writes one JSON object straight into an answer, and of it only the columns that were
//! asked for. Lists of very many objects are written so, without a tree of values for each.

use serde::Serialize;
use serde_json::{Map, Value};

/// Objects that RabbitMQ shows whole, whichever of their fields is asked for.
const WHOLE: [&str; 3] = ["arguments", "client_properties", "object_totals"];

/// Columns that were asked for; `a.b` is one of an inner object.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Columns(Vec<(String, Self)>);

impl Columns {
    /// As they stand in a query, with commas between them.
    pub(super) fn parse(columns: &str) -> Self {
        let mut all = Self::default();
        columns.split(',').for_each(|column| all.add(column));
        all
    }

    fn add(&mut self, column: &str) {
        let (key, rest) = match column.split_once('.') {
            Some((key, rest)) => (key, Some(rest).filter(|_| !WHOLE.contains(&key))),
            None => (column, None),
        };
        let at = self.0.iter().position(|(there, _)| there == key);
        match (at.and_then(|at| self.0.get_mut(at)), rest) {
            // All of it is wanted, or is wanted now.
            (Some((_, inner)), _) if inner.0.is_empty() => {}
            (Some((_, inner)), Some(rest)) => inner.add(rest),
            (Some((_, inner)), None) => inner.0.clear(),
            (None, rest) => {
                let mut inner = Self::default();
                if let Some(rest) = rest {
                    inner.add(rest);
                }
                self.0.push((key.to_owned(), inner));
            }
        }
    }

    /// What of `key` is wanted, if anything; no columns are all of it.
    fn of(&self, key: &str) -> Option<&Self> {
        let found = self.0.iter().find(|(there, _)| there == key);
        found.map(|(_, inner)| inner)
    }

    /// Only these columns of `value`.
    pub(super) fn pick(&self, value: &Value) -> Value {
        if self.0.is_empty() {
            return value.clone();
        }
        match value {
            Value::Object(object) => {
                let picked = self.0.iter().filter_map(|(key, inner)| {
                    let value = object.get(key)?;
                    Some((key.clone(), inner.pick(value)))
                });
                let picked: Map<_, _> = picked.collect();
                match picked.is_empty() {
                    true => Value::Array(Vec::new()),
                    false => Value::Object(picked),
                }
            }
            Value::Array(all) => all.iter().map(|value| self.pick(value)).collect(),
            // It has no parts: all of it.
            value => value.clone(),
        }
    }
}

/// One object that is being written.
#[derive(Debug)]
pub(super) struct Row<'a> {
    out: &'a mut Vec<u8>,
    /// None: all.
    columns: Option<&'a Columns>,
    is_empty: bool,
}

impl Row<'_> {
    /// Write an object: what `fill` puts into it, as far as it is among the columns.
    pub(super) fn write(
        out: &mut Vec<u8>,
        columns: Option<&Columns>,
        fill: impl FnOnce(&mut Row<'_>),
    ) {
        out.push(b'{');
        let mut row = Row {
            out,
            columns: columns.filter(|columns| !columns.0.is_empty()),
            is_empty: true,
        };
        fill(&mut row);
        if row.is_empty && row.columns.is_some() {
            // An object without fields is a list in Erlang.
            row.out.pop();
            row.out.extend_from_slice(b"[]");
        } else {
            row.out.push(b'}');
        }
    }

    /// Whether anything of `key` is wanted.
    pub(super) fn wants(&self, key: &str) -> bool {
        self.columns.is_none_or(|columns| columns.of(key).is_some())
    }

    /// Whether anything of any of them is wanted.
    pub(super) fn wants_any<'k>(&self, keys: impl Iterator<Item = &'k str>) -> bool {
        self.columns.is_none() || keys.into_iter().any(|key| self.wants(key))
    }

    /// Whether all there is is wanted.
    pub(super) const fn is_whole(&self) -> bool {
        self.columns.is_none()
    }

    /// A field, whole. Keys need no escapes: they are our own.
    pub(super) fn set(&mut self, key: &str, value: impl Serialize) {
        if self.wants(key) {
            self.key(key);
            write_value(self.out, value);
        }
    }

    /// A field that is an object, of which columns may be picked.
    pub(super) fn object(&mut self, key: &str, fill: impl FnOnce(&mut Row<'_>)) {
        let inner = match self.columns {
            None => None,
            Some(columns) => match columns.of(key) {
                None => return,
                Some(inner) => Some(inner),
            },
        };
        self.key(key);
        Row::write(self.out, inner, fill);
    }

    /// Likewise, where it is there already.
    pub(super) fn value(&mut self, key: &str, value: &Value) {
        match self.columns {
            None => self.set(key, value),
            Some(columns) => {
                let picked = columns.of(key).map(|inner| inner.pick(value));
                if let Some(picked) = picked {
                    self.key(key);
                    write_value(self.out, picked);
                }
            }
        }
    }

    /// A field that is JSON already.
    pub(super) fn written(&mut self, key: &str, json: &[u8]) {
        self.key(key);
        self.out.extend_from_slice(json);
    }

    /// Fields that were written before: `"a":1,"b":2`. Only for whole rows.
    pub(super) fn fields(&mut self, fields: &str) {
        self.comma();
        self.out.extend_from_slice(fields.as_bytes());
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.out.push(b',');
        }
    }
}

/// Numbers, texts and the like cannot fail to become JSON.
pub(super) fn write_value(out: &mut Vec<u8>, value: impl Serialize) {
    if serde_json::to_writer(&mut *out, &value).is_err() {
        out.extend_from_slice(b"null");
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(columns: Option<&str>) -> Value {
        let columns = columns.map(Columns::parse);
        let mut out = Vec::new();
        Row::write(&mut out, columns.as_ref(), |row| {
            row.set("name", "a \"q\"");
            row.set("messages", 3);
            row.object("stats", |stats| {
                stats.set("publish", 1.0);
                stats.set("ack", 2);
            });
            row.value("arguments", &json!({ "x": { "y": 1 } }));
        });
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn a_row_has_the_columns_asked_for() {
        let whole = json!({
            "name": "a \"q\"", "messages": 3, "stats": { "publish": 1.0, "ack": 2 },
            "arguments": { "x": { "y": 1 } },
        });
        assert_eq!(row(None), whole);
        assert_eq!(row(Some("messages,nosuch")), json!({ "messages": 3 }));
        assert_eq!(row(Some("stats.ack")), json!({ "stats": { "ack": 2 } }));
        assert_eq!(row(Some("stats.ack,stats"))["stats"], whole["stats"]);
        assert_eq!(
            row(Some("arguments.x.y")),
            json!({ "arguments": { "x": { "y": 1 } } })
        );
        for columns in ["messages,nosuch", "stats.ack", "stats.ack,stats,name"] {
            assert_eq!(Columns::parse(columns).pick(&whole), row(Some(columns)));
        }
    }
}
