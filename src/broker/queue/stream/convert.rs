//! From a message as published to the one that readers of a stream get.
//!
//! A stream keeps messages as AMQP 1.0, and what that cannot say is lost on the way. The offset is
//! known when a message is appended, so all this is done once, and every reader shares the result.

use std::sync::Arc;

use bytes::BytesMut;
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

use super::super::super::message::{Message, Packer, Parts};
use super::super::super::tick::Tick;
use super::log::Record;

/// The header that says where in its stream a message stands.
const OFFSET: &str = "x-stream-offset";
/// The header that filters look at.
const LABEL: &str = "x-stream-filter-value";

/// `message` with its `offset`; with `full` as RabbitMQ 4 converts it. `None` if it cannot.
pub(super) fn record(
    message: &Message,
    offset: u64,
    full: bool,
    packer: &mut Packer,
    now: Tick,
) -> Option<Record> {
    let mut properties = message.decoded().unwrap_or_default();
    let headers = properties.headers.take().unwrap_or_default();
    let is_decimal = |value: &FieldValue| matches!(value, FieldValue::Decimal { .. });
    if headers.iter().any(|(_, value)| is_decimal(value)) {
        return None;
    }
    let label = match headers.get(LABEL).filter(|_| full) {
        Some(value) => Some(value.as_str()?.into()),
        None => None,
    };
    properties.headers = Some(converted(&headers, offset, full, message.deaths.is_some()));
    properties.cluster_id = None;
    if full {
        properties.delivery_mode = Some(if message.facts.is_persistent() { 2 } else { 1 });
    }
    let content = message.content();
    let bytes = (content.route.len() + content.properties.len()) as u64 + message.bytes();
    Some(Record {
        message: Arc::new(rewritten(message, &properties, packer, now)),
        label,
        bytes,
    })
}

fn rewritten(
    message: &Message,
    properties: &Properties,
    packer: &mut Packer,
    now: Tick,
) -> Message {
    let mut raw = BytesMut::new();
    properties.encode(&mut raw);
    let parts = Parts {
        exchange: message.exchange(),
        routing_key: message.routing_key(),
        properties: &raw,
    };
    message.rewritten(packer, parts, now)
}

/// The headers in the order of their keys. Lists and tables stay only under an `x-` key and only
/// with `full`; `x-death` where it is the broker's own, of a message that `died`.
fn converted(headers: &FieldTable, offset: u64, full: bool, died: bool) -> FieldTable {
    let offset = FieldValue::I64(i64::try_from(offset).unwrap_or(i64::MAX));
    let mut all: Vec<(&str, FieldValue)> = headers
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .filter(|(key, value)| *key != OFFSET && survives(key, value, full, died))
        .map(|(key, value)| (key, plain(value, full)))
        .collect();
    all.push((OFFSET, offset));
    all.sort_by_key(|(key, _)| *key);
    all.into_iter().collect()
}

fn survives(key: &str, value: &FieldValue, full: bool, died: bool) -> bool {
    match value {
        FieldValue::Array(_) | FieldValue::Table(_) => {
            let is_extra = key.starts_with("x-") || key == "CC";
            full && is_extra && (key != "x-death" || died)
        }
        _ => true,
    }
}

/// Bytes come back as a string since RabbitMQ 4.
fn plain(value: &FieldValue, full: bool) -> FieldValue {
    match value {
        FieldValue::Bytes(raw) if full => FieldValue::LongString(raw.clone()),
        other => other.clone(),
    }
}
