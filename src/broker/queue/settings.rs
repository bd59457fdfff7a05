//! [`Settings`]: arguments and policies resolved to plain fields, so the hot path reads no table.

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::arguments::max_age_ms;
use super::super::name::Name;
use super::super::policy::Applied;
use super::super::totals::DeadLetterStrategy;
use super::kind::QueueKind;
use super::order::Order;
use super::quorum::{QuorumLine, QuorumRules};

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
    /// Longest time in a stream (`x-max-age`).
    pub max_age_ms: Option<u64>,
    /// Size of a stream's segments (`x-stream-max-segment-size-bytes`).
    pub segment_bytes_max: Option<u64>,
    /// What happens beyond (`x-overflow`).
    pub overflow: Overflow,
    /// What is delivered next (`x-max-priority`).
    pub order: Order,
    /// Where dead messages go (`x-dead-letter-exchange`).
    pub dead_letter_exchange: Option<Name>,
    /// With which key (`x-dead-letter-routing-key`), else their own.
    pub dead_letter_routing_key: Option<Name>,
    /// Longest time that a delivery may be out (`x-consumer-timeout`).
    pub consumer_timeout_ms: Option<u64>,
    /// One consumer at a time (`x-single-active-consumer`).
    pub single_active: bool,
    /// No second message of the same mark (`x-message-deduplication`).
    pub deduplicates: bool,
    /// A message brings the failed deliveries of its earlier queues with it.
    pub carries_failures: bool,
    /// Properties weigh too, not only bodies.
    pub weighs_properties: bool,
    /// What only quorum queues have.
    pub quorum: Option<QuorumRules>,
    /// The policies that are in it, for listings.
    pub applied: Applied,
}

impl Settings {
    /// What becomes of messages that leave unconsumed.
    pub fn dead_letter_strategy(&self) -> DeadLetterStrategy {
        let rules = self.quorum.as_ref();
        match (&self.dead_letter_exchange, rules) {
            (None, _) => DeadLetterStrategy::Disabled,
            (Some(_), Some(rules)) if rules.at_least_once => DeadLetterStrategy::AtLeastOnce,
            (Some(_), _) => DeadLetterStrategy::AtMostOnce,
        }
    }

    /// Of a queue of this kind, from the arguments of its declaration, already checked, and from
    /// what policies say.
    pub fn resolve(
        kind: QueueKind,
        arguments: &FieldTable,
        applied: Applied,
        line: &QuorumLine,
    ) -> Self {
        let from = Source {
            arguments,
            policy: &applied.definition,
        };
        let argument = |key| arguments.get(key);
        let overflow = overflow(kind, &from);
        let dead_letter_exchange = from.argument_first("dead-letter-exchange").and_then(name);
        let has_exchange = dead_letter_exchange.is_some();
        let is_quorum = kind == QueueKind::Quorum;
        Self {
            message_ttl_ms: from.lower("message-ttl"),
            expires_ms: from.lower("expires"),
            length_max: from.lower("max-length"),
            bytes_max: match kind {
                QueueKind::Classic | QueueKind::Quorum => from.lower("max-length-bytes"),
                QueueKind::Stream => from.policy_first("max-length-bytes").and_then(unsigned),
            },
            max_age_ms: from.policy_first("max-age").and_then(age_ms),
            segment_bytes_max: from
                .policy_first("stream-max-segment-size-bytes")
                .and_then(unsigned),
            overflow,
            order: match kind {
                QueueKind::Classic => argument("x-max-priority")
                    .and_then(FieldValue::as_i64)
                    .and_then(|n| u8::try_from(n).ok())
                    .filter(|n| *n > 0)
                    .map_or(Order::Arrival, Order::UpTo),
                QueueKind::Quorum => line.order,
                QueueKind::Stream => Order::Arrival,
            },
            dead_letter_exchange,
            dead_letter_routing_key: from
                .argument_first("dead-letter-routing-key")
                .and_then(name),
            consumer_timeout_ms: from.lower("consumer-timeout"),
            single_active: argument("x-single-active-consumer") == Some(&FieldValue::Bool(true)),
            deduplicates: argument("x-message-deduplication") == Some(&FieldValue::Bool(true)),
            carries_failures: line.counting.carries_failures(kind),
            weighs_properties: is_quorum && line.weighs_properties,
            quorum: is_quorum.then(|| QuorumRules::resolve(&from, overflow, has_exchange, line)),
            applied,
        }
    }

    /// Whether so much is more than the length limits allow.
    pub(super) fn is_exceeded_by(&self, messages: u64, bytes: u64) -> bool {
        self.length_max.is_some_and(|max| messages > max)
            || self.bytes_max.is_some_and(|max| bytes > max)
    }

    /// Whether there is a length limit.
    pub const fn is_limited(&self) -> bool {
        self.length_max.is_some() || self.bytes_max.is_some()
    }
}

/// Where a setting may come from; each has a rule for when both speak.
pub(super) struct Source<'a> {
    /// Keys with `x-`.
    arguments: &'a FieldTable,
    /// Keys without.
    pub(super) policy: &'a FieldTable,
}

impl<'a> Source<'a> {
    pub(super) fn argument(&self, key: &str) -> Option<&'a FieldValue> {
        self.arguments.get(&format!("x-{key}"))
    }

    /// The lower of two limits.
    pub(super) fn lower(&self, key: &str) -> Option<u64> {
        self.numbers(key).into_iter().flatten().min()
    }

    /// The higher of two numbers.
    pub(super) fn higher(&self, key: &str) -> Option<u64> {
        self.numbers(key).into_iter().flatten().max()
    }

    fn numbers(&self, key: &str) -> [Option<u64>; 2] {
        [self.argument(key), self.policy.get(key)].map(|value| value.and_then(unsigned))
    }

    /// What the declaration says, else the policy.
    fn argument_first(&self, key: &str) -> Option<&'a FieldValue> {
        self.argument(key).or_else(|| self.policy.get(key))
    }

    /// What the policy says, else the declaration.
    pub(super) fn policy_first(&self, key: &str) -> Option<&'a FieldValue> {
        self.policy.get(key).or_else(|| self.argument(key))
    }
}

fn unsigned(value: &FieldValue) -> Option<u64> {
    value.as_i64().and_then(|number| u64::try_from(number).ok())
}

fn age_ms(value: &FieldValue) -> Option<u64> {
    value.as_str().and_then(max_age_ms)
}

fn name(value: &FieldValue) -> Option<Name> {
    value.as_str().map(Name::from)
}

fn overflow(kind: QueueKind, from: &Source<'_>) -> Overflow {
    let value = match kind {
        QueueKind::Classic | QueueKind::Stream => from.argument_first("overflow"),
        QueueKind::Quorum => from.policy_first("overflow"),
    };
    match value.and_then(FieldValue::as_str) {
        Some("reject-publish") => Overflow::RejectPublish,
        // Quorum queues take the word and do not know it.
        Some("reject-publish-dlx") if kind != QueueKind::Quorum => Overflow::RejectPublishDlx,
        _ => Overflow::DropHead,
    }
}
