//! [`FieldTable`]: keys and values in order.

use super::{FieldValue, ShortString};

/// A table, in the order received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldTable(pub(super) Vec<(ShortString, FieldValue)>);

impl FieldTable {
    /// An empty table.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of `key`; of several the first.
    pub fn get(&self, key: &str) -> Option<&FieldValue> {
        self.0
            .iter()
            .find(|(there, _)| there.as_str() == key)
            .map(|(_, value)| value)
    }

    /// Set `key`, in its old place if it has one.
    pub fn insert(&mut self, key: &str, value: impl Into<FieldValue>) {
        match self.0.iter_mut().find(|(there, _)| there.as_str() == key) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((key.into(), value.into())),
        }
    }

    /// Take `key` out.
    pub fn remove(&mut self, key: &str) -> Option<FieldValue> {
        let at = self.0.iter().position(|(there, _)| there.as_str() == key)?;
        Some(self.0.remove(at).1)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&ShortString, &FieldValue)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: AsRef<str>, V: Into<FieldValue>> FromIterator<(K, V)> for FieldTable {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.as_ref().into(), value.into()))
                .collect(),
        )
    }
}
