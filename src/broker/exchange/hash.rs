//! Choosing by a hash: `x-consistent-hash` and `x-modulus-hash`. Each key goes where RabbitMQ sends
//! it: what is hashed is Erlang's `phash2` of the term that a value is there.

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::message::Message;
use super::super::name::Name;
use super::super::term::hash;
use super::jump::jump;
use super::{Destination, DestinationId};

/// What an `x-consistent-hash` exchange hashes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum HashOn {
    /// The routing key.
    Key,
    /// The header of this name (`hash-header`); with its type on lines that do so.
    Header(Name, bool),
    /// The property of this name (`hash-property`).
    Property(Name),
}

impl HashOn {
    pub(super) fn from_arguments(arguments: &FieldTable, with_type: bool) -> Self {
        let name = |key| arguments.get(key).and_then(FieldValue::as_str);
        match (name("hash-header"), name("hash-property")) {
            (Some(header), _) => Self::Header(header.into(), with_type),
            (None, Some(property)) => Self::Property(property.into()),
            (None, None) => Self::Key,
        }
    }

    /// The hash of what a message has there; all messages without it are alike.
    pub(super) fn hash(&self, key: &str, message: Option<&Message>, headers: &FieldTable) -> u64 {
        let hash = match self {
            Self::Key => hash::binary(key.as_bytes()),
            Self::Header(name, true) => headers.get(name).map_or_else(hash::undefined, hash::typed),
            Self::Header(name, false) => return header(headers.get(name)),
            Self::Property(name) => message
                .and_then(|message| property(message, name))
                .map_or_else(hash::undefined, |text| hash::binary(text.as_bytes())),
        };
        hash.into()
    }
}

/// A number is its own hash, a time in milliseconds; of a list or table the first entry counts.
fn header(value: Option<&FieldValue>) -> u64 {
    let Some(value) = value else {
        return hash::undefined().into();
    };
    if let Some(number) = value.as_i64() {
        return number.cast_unsigned();
    }
    let hash = match value {
        FieldValue::Timestamp(seconds) => return seconds.wrapping_mul(1000),
        FieldValue::Array(values) => values.first().map(hash::typed),
        FieldValue::Table(table) => table
            .iter()
            .next()
            .map(|(key, value)| hash::field(key, value)),
        FieldValue::Void | FieldValue::Decimal { .. } => None,
        value => Some(hash::bare(value)),
    };
    hash.unwrap_or_else(hash::undefined).into()
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

/// The ring of buckets: each destination has as many in a row as its weight.
#[derive(Debug, Default)]
pub(super) struct Weighted {
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    weight: u32,
    to: Destination,
    /// The weights of all bindings to it; only the first counts.
    bindings: Vec<u32>,
}

impl Weighted {
    pub(super) fn insert(&mut self, weight: u32, to: Destination) {
        let id = to.id();
        match self.rows.iter_mut().find(|row| row.to.is(&id)) {
            Some(row) => row.bindings.push(weight),
            None => self.rows.push(Row {
                weight,
                to,
                bindings: vec![weight],
            }),
        }
    }

    /// The destination leaves the ring, even if other bindings to it stay, but for one with the
    /// same weight.
    pub(super) fn remove(&mut self, weight: u32, gone: &DestinationId) {
        let Some(at) = self.rows.iter().position(|row| row.to.is(gone)) else {
            return;
        };
        let bindings = &mut self.rows[at].bindings;
        if let Some(at) = bindings.iter().position(|one| *one == weight) {
            bindings.remove(at);
        }
        if !bindings.contains(&weight) {
            self.rows.remove(at);
        }
    }

    pub(super) fn pick(&self, hash: u64) -> Option<&Destination> {
        let buckets = self.rows.iter().map(|row| u64::from(row.weight)).sum();
        let mut bucket = jump(hash, buckets);
        let row = self.rows.iter().find(|row| {
            let is_here = bucket < u64::from(row.weight);
            bucket = bucket.saturating_sub(row.weight.into());
            is_here
        });
        row.map(|row| &row.to)
    }
}

/// The destination at the hash of all routing keys, among all bindings by destination.
pub(super) fn modulus<'a>(all: &'a [Destination], keys: &[&str]) -> Option<&'a Destination> {
    let count = u32::try_from(all.len()).ok().filter(|count| *count > 0)?;
    let at = usize::try_from(hash::binaries(keys) % count).ok()?;
    all.get(at)
}

/// Keep the order that [`modulus`] wants.
pub(super) fn insert_sorted(all: &mut Vec<Destination>, to: Destination) {
    let id = to.id();
    let place = (id.kind(), id.name());
    let at = all.partition_point(|there| {
        let there = there.id();
        (there.kind(), there.name()) <= place
    });
    all.insert(at, to);
}
