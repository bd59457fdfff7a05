//! Limits on what a virtual host holds and on what a user opens.

use std::collections::BTreeMap;

use leveret_proto::value::{FieldTable, FieldValue};

use super::term::binary;
use super::term::json::term;

/// Most connections, of a virtual host or a user.
pub const MAX_CONNECTIONS: &str = "max-connections";
/// Most queues of a virtual host.
pub const MAX_QUEUES: &str = "max-queues";
/// Most channels of a user.
pub const MAX_CHANNELS: &str = "max-channels";

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// A virtual host.
    Vhost,
    /// A user.
    User,
}

impl Scope {
    const fn names(self) -> [&'static str; 2] {
        match self {
            Self::Vhost => [MAX_CONNECTIONS, MAX_QUEUES],
            Self::User => [MAX_CHANNELS, MAX_CONNECTIONS],
        }
    }

    /// One limit, if its name and value are right; else RabbitMQ's complaint.
    pub fn check(self, name: &str, value: &FieldValue) -> Result<(&'static str, i64), String> {
        let what = match self {
            Self::Vhost => "limits",
            Self::User => "user-limits",
        };
        let known = self.names().into_iter().find(|known| *known == name);
        let value_term = term(value);
        let unknown = || {
            format!(
                "Unrecognised terms [{{{},{value_term}}}] in {what}",
                binary(name.as_bytes())
            )
        };
        let name = known.ok_or_else(unknown)?;
        let no_number = || format!("{name} should be a number, actually was {value_term}");
        Ok((name, value.as_i64().ok_or_else(no_number)?))
    }
}

/// Limits by name. A negative one is shown, and limits nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits(BTreeMap<&'static str, i64>);

impl Limits {
    /// All at once, from a table; else RabbitMQ's complaints.
    pub fn read(scope: Scope, value: &FieldValue) -> Result<Self, Vec<String>> {
        let nothing = FieldTable::new();
        let table = match value {
            FieldValue::Table(table) => table,
            // RabbitMQ writes an empty table as an empty list.
            FieldValue::Array(all) if all.is_empty() => &nothing,
            value => return Err(vec![format!("limits not a list {}", term(value))]),
        };
        let (mut limits, mut faults) = (Self::default(), Vec::new());
        for (name, value) in table.iter() {
            match scope.check(name.as_str(), value) {
                Ok((name, value)) => limits.set(name, value),
                Err(fault) => faults.push(fault),
            }
        }
        match faults.is_empty() {
            true => Ok(limits),
            false => Err(faults),
        }
    }

    /// Set one.
    pub fn set(&mut self, name: &'static str, value: i64) {
        self.0.insert(name, value);
    }

    /// Lift one.
    pub fn clear(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As they were set, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, i64)> {
        self.0.iter().map(|(name, value)| (*name, *value))
    }

    /// The limit that has been reached with so many there, if any; counting is left undone
    /// where nothing limits.
    pub fn reached(&self, name: &str, count: impl FnOnce() -> usize) -> Option<u64> {
        let limit = u64::try_from(*self.0.get(name)?).ok()?;
        (count() as u64 >= limit).then_some(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, MAX_QUEUES, Scope};

    #[test]
    fn a_negative_limit_is_none() {
        let mut limits = Limits::default();
        assert_eq!(limits.reached(MAX_QUEUES, || 5), None);
        limits.set(MAX_QUEUES, 5);
        assert_eq!(limits.reached(MAX_QUEUES, || 4), None);
        assert_eq!(limits.reached(MAX_QUEUES, || 5), Some(5));
        limits.set(MAX_QUEUES, -1);
        assert_eq!(limits.reached(MAX_QUEUES, || 5), None);
    }

    #[test]
    fn complaints_are_those_of_rabbitmq() {
        let number = "max-queues should be a number, actually was <<\"x\">>";
        assert_eq!(
            Scope::Vhost.check(MAX_QUEUES, &"x".into()).unwrap_err(),
            number
        );
        let unknown = "Unrecognised terms [{<<\"nosuch\">>,1}] in user-limits";
        assert_eq!(Scope::User.check("nosuch", &1.into()).unwrap_err(), unknown);
    }
}
