//! Headers matching: binding arguments against the message's headers.

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::error::BrokerError;
use super::super::term::term;
use super::destination::{Destination, DestinationId, remove_one};

/// A binding's `x-match` is not one of the four.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct InvalidMatch(FieldValue);

/// Bindings of a headers exchange, equal arguments together.
#[derive(Debug)]
pub(super) struct HeadersTable {
    rows: Vec<Row>,
    equal_floats: bool,
}

#[derive(Debug)]
struct Row {
    arguments: FieldTable,
    rule: Rule,
    to: Vec<Destination>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    /// One match suffices.
    any: bool,
    /// Headers that begin with `x-` count too.
    with_x: bool,
}

/// Whether a binding may have these arguments.
pub(super) fn check(arguments: &FieldTable) -> Result<(), BrokerError> {
    Rule::of(arguments)?;
    Ok(())
}

impl Rule {
    fn of(arguments: &FieldTable) -> Result<Self, InvalidMatch> {
        let Some(value) = arguments.get("x-match") else {
            return Ok(Self {
                any: false,
                with_x: false,
            });
        };
        match value.as_str() {
            Some("all") => Ok(Self {
                any: false,
                with_x: false,
            }),
            Some("any") => Ok(Self {
                any: true,
                with_x: false,
            }),
            Some("all-with-x") => Ok(Self {
                any: false,
                with_x: true,
            }),
            Some("any-with-x") => Ok(Self {
                any: true,
                with_x: true,
            }),
            _ => Err(InvalidMatch(value.clone())),
        }
    }

    fn matches(self, arguments: &FieldTable, headers: &FieldTable, equal_floats: bool) -> bool {
        let mut wanted = arguments
            .iter()
            .filter(|(key, _)| self.counts(key.as_str()));
        let is_there = |(key, value): (&leveret_proto::value::ShortString, &FieldValue)| {
            let there = headers.get(key.as_str());
            // A void argument asks only that the header is there.
            there.is_some_and(|there| {
                matches!(value, FieldValue::Void) || same(value, there, equal_floats)
            })
        };
        if self.any {
            wanted.any(is_there)
        } else {
            wanted.all(is_there)
        }
    }

    fn counts(self, key: &str) -> bool {
        key != "x-match" && (self.with_x || !key.starts_with("x-"))
    }
}

/// Integers of any width are equal by value; otherwise type and value must be. The older line
/// also takes an integer and a fraction of the same value for equal.
fn same(one: &FieldValue, other: &FieldValue, equal_floats: bool) -> bool {
    match (one.as_i64(), other.as_i64()) {
        (Some(one), Some(other)) => one == other,
        (None, None) => one == other,
        (Some(number), None) => equal_floats && as_f64(other) == Some(number as f64),
        (None, Some(number)) => equal_floats && as_f64(one) == Some(number as f64),
    }
}

fn as_f64(value: &FieldValue) -> Option<f64> {
    match value {
        FieldValue::F32(number) => Some(f64::from(*number)),
        FieldValue::F64(number) => Some(*number),
        _ => None,
    }
}

impl HeadersTable {
    pub(super) const fn new(equal_floats: bool) -> Self {
        Self {
            rows: Vec::new(),
            equal_floats,
        }
    }

    pub(super) fn clear(&mut self) {
        self.rows.clear();
    }

    pub(super) fn insert(
        &mut self,
        arguments: &FieldTable,
        to: Destination,
    ) -> Result<(), InvalidMatch> {
        let rule = Rule::of(arguments)?;
        match self.rows.iter_mut().find(|row| row.arguments == *arguments) {
            Some(row) => row.to.push(to),
            None => self.rows.push(Row {
                arguments: arguments.clone(),
                rule,
                to: vec![to],
            }),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, arguments: &FieldTable, gone: &DestinationId) {
        if let Some(row) = self.rows.iter_mut().find(|row| row.arguments == *arguments) {
            remove_one(&mut row.to, gone);
        }
        self.rows.retain(|row| !row.to.is_empty());
    }

    pub(super) fn matches(&self, headers: &FieldTable, found: &mut dyn FnMut(&Destination)) {
        let matching = self
            .rows
            .iter()
            .filter(|row| row.rule.matches(&row.arguments, headers, self.equal_floats));
        matching.flat_map(|row| &row.to).for_each(found);
    }
}

impl From<InvalidMatch> for BrokerError {
    /// As RabbitMQ words it.
    fn from(InvalidMatch(value): InvalidMatch) -> Self {
        let found = term(&value);
        let text = match value.as_str() {
            Some(_) => format!(
                "Invalid x-match field value {found}; expected all, any, all-with-x, or any-with-x"
            ),
            None => format!(
                "Invalid x-match field type {} (value {found}); expected longstr",
                value.type_name(),
            ),
        };
        Self::Precondition(text)
    }
}
