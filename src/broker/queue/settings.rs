//! [`Settings`]: arguments resolved to plain fields, so the hot path reads no table.

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::name::Name;

/// What happens to a publish that does not fit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest message goes.
    #[default]
    DropHead,
    /// The publish is refused (`basic.nack`).
    RejectPublish,
    /// The same, and the refused message is dead-lettered.
    RejectPublishDlx,
}

/// How one queue behaves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Longest life of a message (`x-message-ttl`).
    pub message_ttl_ms: Option<u64>,
    /// Longest time unused (`x-expires`).
    pub expires_ms: Option<u64>,
    /// Most messages (`x-max-length`).
    pub length_max: Option<u64>,
    /// Most body bytes (`x-max-length-bytes`).
    pub bytes_max: Option<u64>,
    /// What happens beyond (`x-overflow`).
    pub overflow: Overflow,
    /// Highest priority (`x-max-priority`); `None` is a plain FIFO.
    pub priority_max: Option<u8>,
    /// Where dead messages go (`x-dead-letter-exchange`).
    pub dead_letter_exchange: Option<Name>,
    /// With which key (`x-dead-letter-routing-key`), else their own.
    pub dead_letter_routing_key: Option<Name>,
    /// One consumer at a time (`x-single-active-consumer`).
    pub single_active: bool,
}

impl Settings {
    /// From the arguments of `queue.declare`, already checked.
    pub fn from_arguments(arguments: &FieldTable) -> Self {
        let number = |key| {
            arguments
                .get(key)
                .and_then(FieldValue::as_i64)
                .and_then(unsigned)
        };
        let name = |key| {
            arguments
                .get(key)
                .and_then(FieldValue::as_str)
                .map(Name::from)
        };
        Self {
            message_ttl_ms: number("x-message-ttl"),
            expires_ms: number("x-expires"),
            length_max: number("x-max-length"),
            bytes_max: number("x-max-length-bytes"),
            overflow: overflow(arguments),
            priority_max: number("x-max-priority")
                .and_then(|n| u8::try_from(n).ok())
                .filter(|n| *n > 0),
            dead_letter_exchange: name("x-dead-letter-exchange"),
            dead_letter_routing_key: name("x-dead-letter-routing-key"),
            single_active: matches!(
                arguments.get("x-single-active-consumer"),
                Some(FieldValue::Bool(true))
            ),
        }
    }

    /// Whether there is a length limit.
    pub const fn is_limited(&self) -> bool {
        self.length_max.is_some() || self.bytes_max.is_some()
    }
}

fn unsigned(number: i64) -> Option<u64> {
    u64::try_from(number).ok()
}

fn overflow(arguments: &FieldTable) -> Overflow {
    match arguments.get("x-overflow").and_then(FieldValue::as_str) {
        Some("reject-publish") => Overflow::RejectPublish,
        Some("reject-publish-dlx") => Overflow::RejectPublishDlx,
        _ => Overflow::DropHead,
    }
}
