//! Counters with their rates, as objects of the API show them.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::super::row::Row;
use super::details::Details;

/// Fields of one object: each counter, and its details.
pub(crate) fn put<const N: usize>(
    row: &mut Map<String, Value>,
    names: [&str; N],
    counts: [u64; N],
    details: &[Details; N],
) {
    for ((name, count), details) in names.iter().zip(counts).zip(details) {
        row.insert((*name).to_owned(), count.into());
        row.insert(format!("{name}_details"), details.to_value());
    }
}

/// Likewise, as an object of its own: `message_stats`.
pub(crate) fn stats<const N: usize>(
    names: [&str; N],
    counts: [u64; N],
    details: &[Details; N],
) -> Value {
    let mut row = Map::new();
    put(&mut row, names, counts, details);
    Value::Object(row)
}

/// Names of counters, and of their details.
#[derive(Debug)]
pub(crate) struct Shown<const N: usize> {
    names: [&'static str; N],
    details: LazyLock<[String; N], fn() -> [String; N]>,
    nothing: LazyLock<String, fn() -> String>,
}

impl<const N: usize> Shown<N> {
    const fn new(
        names: [&'static str; N],
        details: fn() -> [String; N],
        nothing: fn() -> String,
    ) -> Self {
        Self {
            names,
            details: LazyLock::new(details),
            nothing: LazyLock::new(nothing),
        }
    }

    /// All keys that are written.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        let details = self.details.iter().map(String::as_str);
        self.names.iter().copied().chain(details)
    }

    /// Write them; without details all of them are zero, and have been.
    pub(crate) fn write(
        &self,
        row: &mut Row<'_>,
        counts: [u64; N],
        details: Option<&[Details; N]>,
    ) {
        if details.is_none() && row.is_whole() {
            return row.fields(&self.nothing);
        }
        for (at, (name, key)) in self.names.iter().zip(self.details.iter()).enumerate() {
            row.set(name, counts.get(at));
            match details.and_then(|details| details.get(at)) {
                Some(one) => row.object(key, |row| write(row, one)),
                None => row.object(key, |row| row.set("rate", 0.0)),
            }
        }
    }
}

fn write(row: &mut Row<'_>, details: &Details) {
    row.set("rate", details.rate);
    let Some(history) = &details.history else {
        return;
    };
    row.set("avg_rate", history.avg_rate);
    row.set("avg", history.avg);
    row.value("samples", &details.samples());
}

/// How many messages there are.
pub(crate) static LENGTHS: Shown<3> = Shown::new(
    super::LENGTHS,
    || detail_names(super::LENGTHS),
    || nothing(super::LENGTHS),
);

/// What happens to messages in a queue.
pub(crate) static QUEUE_MESSAGES: Shown<9> = Shown::new(
    super::QUEUE_MESSAGES,
    || detail_names(super::QUEUE_MESSAGES),
    || nothing(super::QUEUE_MESSAGES),
);

fn detail_names<const N: usize>(names: [&str; N]) -> [String; N] {
    names.map(|name| format!("{name}_details"))
}

fn nothing<const N: usize>(names: [&str; N]) -> String {
    names
        .map(|name| format!("\"{name}\":0,\"{name}_details\":{{\"rate\":0.0}}"))
        .join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_is_written_as_zeros() {
        let write = |details: Option<&[Details; 3]>| {
            let mut out = Vec::new();
            Row::write(&mut out, None, |row| LENGTHS.write(row, [0; 3], details));
            serde_json::from_slice::<Value>(&out).unwrap()
        };
        let still = Details {
            rate: 0.0,
            history: None,
        };
        let still = [still.clone(), still.clone(), still];
        assert_eq!(write(None), write(Some(&still)));
        assert_eq!(write(None)["messages_details"], json!({ "rate": 0.0 }));
        assert_eq!(stats(super::super::LENGTHS, [0; 3], &still), write(None));
    }
}
