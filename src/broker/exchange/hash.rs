//! Choosing by a hash: `x-consistent-hash` and `x-modulus-hash`.
//!
//! The weighted choice is the one of highest score (rendezvous hashing): a new binding takes keys
//! over, but moves none between the others. Which key goes where is not RabbitMQ's.

use std::hash::{Hash, Hasher};

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::message::Message;
use super::super::name::Name;
use super::{Destination, DestinationId};

/// What an `x-consistent-hash` exchange hashes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum HashOn {
    /// The routing key.
    Key,
    /// The header of this name (`hash-header`).
    Header(Name),
    /// The property of this name (`hash-property`).
    Property(Name),
}

impl HashOn {
    pub(super) fn from_arguments(arguments: &FieldTable) -> Self {
        let name = |key| arguments.get(key).and_then(FieldValue::as_str);
        match (name("hash-header"), name("hash-property")) {
            (Some(header), _) => Self::Header(header.into()),
            (None, Some(property)) => Self::Property(property.into()),
            (None, None) => Self::Key,
        }
    }

    /// The hash of what a message has there; all messages without it are alike.
    pub(super) fn hash(&self, key: &str, message: Option<&Message>, headers: &FieldTable) -> u64 {
        match self {
            Self::Key => hash_of(key),
            Self::Header(name) => hash_of(headers.get(name).map(encoded)),
            Self::Property(name) => hash_of(message.and_then(|message| property(message, name))),
        }
    }
}

/// Properties that `hash-property` may name.
pub(in crate::broker) const HASH_PROPERTIES: [&str; 3] =
    ["correlation_id", "message_id", "timestamp"];

fn property(message: &Message, name: &str) -> Option<String> {
    let properties = message.decoded().ok()?;
    match name {
        "correlation_id" => Some(properties.correlation_id?.as_str().to_owned()),
        "message_id" => Some(properties.message_id?.as_str().to_owned()),
        _ => Some(properties.timestamp?.to_string()),
    }
}

/// The bytes of a value: equal for equal values, and for integers of any width.
pub(in crate::broker) fn encoded(value: &FieldValue) -> Vec<u8> {
    let value = value
        .as_i64()
        .map_or_else(|| value.clone(), FieldValue::I64);
    let table: FieldTable = [("", value)].into_iter().collect();
    let mut out = bytes::BytesMut::new();
    table.encode(&mut out);
    out.to_vec()
}

/// Bindings with their weights.
#[derive(Debug, Default)]
pub(super) struct Weighted {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    weight: f64,
    seed: u64,
    to: Destination,
    /// Of several bindings to one destination only the oldest counts.
    counts: bool,
}

impl Weighted {
    pub(super) fn insert(&mut self, weight: u32, to: Destination) {
        let id = to.id();
        self.rows.push(Row {
            weight: f64::from(weight),
            seed: hash_of(&id),
            counts: !self.rows.iter().any(|row| row.to.is(&id)),
            to,
        });
    }

    pub(super) fn remove(&mut self, weight: u32, gone: &DestinationId) {
        let weight = f64::from(weight);
        let is_gone = |row: &Row| row.weight == weight && row.to.is(gone);
        if let Some(at) = self.rows.iter().position(is_gone) {
            self.rows.remove(at);
        }
        if let Some(row) = self.rows.iter_mut().find(|row| row.to.is(gone)) {
            row.counts = true;
        }
    }

    pub(super) fn pick(&self, hash: u64) -> Option<&Destination> {
        let rows = self.rows.iter().filter(|row| row.counts);
        let best = rows.max_by(|one, other| one.score(hash).total_cmp(&other.score(hash)));
        best.map(|row| &row.to)
    }
}

impl Row {
    fn score(&self, hash: u64) -> f64 {
        // 53 bits, so that the fraction is exact; never 0, whose logarithm is infinite.
        let bits = (mixed(hash ^ self.seed) >> 11) + 1;
        let fraction = bits as f64 / (1_u64 << 53) as f64;
        self.weight / -fraction.ln()
    }
}

/// The destination at the hash of all routing keys.
pub(super) fn modulus<'a>(all: &'a [Destination], keys: &[&str]) -> Option<&'a Destination> {
    let count = u64::try_from(all.len()).ok().filter(|count| *count > 0)?;
    let at = usize::try_from(hash_of(keys) % count).ok()?;
    all.get(at)
}

/// The same on every machine and in every run.
pub(super) fn hash_of(value: impl Hash) -> u64 {
    let mut hasher = Fnv(0xCBF2_9CE4_8422_2325);
    value.hash(&mut hasher);
    hasher.finish()
}

/// FNV-1a over 64 bits.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
        }
    }

    fn finish(&self) -> u64 {
        mixed(self.0)
    }
}

/// Spread every bit over all others.
const fn mixed(hash: u64) -> u64 {
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}
