//! `x-message-deduplication`: a fanout that lets each value of a header pass once.

use std::collections::{BTreeMap, HashMap};

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::tick::Tick;
use super::hash::encoded;
use crate::sync::{LEAF, Ranked};

/// The header whose value tells duplicates.
pub(in crate::broker) const DEDUPLICATION_HEADER: &str = "x-deduplication-header";
/// Values remembered at most, whatever `x-cache-size` says.
const CACHE_MAX: usize = 1_000_000;

/// Values seen by one exchange.
#[derive(Debug)]
pub(super) struct Seen {
    size: usize,
    ttl_ms: Option<u64>,
    cache: Ranked<Cache, LEAF>,
}

#[derive(Debug, Default)]
struct Cache {
    by_value: HashMap<Vec<u8>, Known>,
    by_age: BTreeMap<u64, Vec<u8>>,
    next: u64,
}

#[derive(Debug)]
struct Known {
    age: u64,
    until: Tick,
}

impl Seen {
    pub(super) fn new(arguments: &FieldTable) -> Self {
        let number = |key| arguments.get(key).and_then(positive);
        let size = number("x-cache-size").and_then(|size| usize::try_from(size).ok());
        Self {
            size: size.unwrap_or(CACHE_MAX).min(CACHE_MAX),
            ttl_ms: number("x-cache-ttl"),
            cache: Ranked::new(Cache::default()),
        }
    }

    /// Whether it would be found to have passed before.
    pub(super) fn knows(&self, headers: &FieldTable, now: Tick) -> bool {
        let mark = headers.get(DEDUPLICATION_HEADER).map(encoded);
        let cache = self.cache.lock();
        let known = mark.and_then(|mark| cache.by_value.get(&mark));
        known.is_some_and(|known| now < known.until)
    }

    /// Whether a message may pass: it is not marked, or its mark is new or forgotten.
    pub(super) fn is_new(&self, headers: &FieldTable, now: Tick) -> bool {
        let Some(mark) = headers.get(DEDUPLICATION_HEADER) else {
            return true;
        };
        let own_ttl = headers.get("x-cache-ttl").and_then(positive);
        let until = own_ttl
            .or(self.ttl_ms)
            .map_or(Tick::NEVER, |ms| now.plus_ms(ms));
        self.cache.lock().note(encoded(mark), until, now, self.size)
    }
}

impl Cache {
    fn note(&mut self, value: Vec<u8>, until: Tick, now: Tick, size: usize) -> bool {
        if self
            .by_value
            .get(&value)
            .is_some_and(|known| now < known.until)
        {
            return false;
        }
        let age = self.next;
        self.next += 1;
        if let Some(before) = self.by_value.insert(value.clone(), Known { age, until }) {
            self.by_age.remove(&before.age);
        }
        self.by_age.insert(age, value);
        if self.by_age.len() > size
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.by_value.remove(&oldest);
        }
        true
    }
}

/// A number above zero, which may be written as text.
pub(in crate::broker) fn positive(value: &FieldValue) -> Option<u64> {
    let number = value
        .as_i64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))?;
    u64::try_from(number).ok().filter(|number| *number > 0)
}
