//! [`QuorumRules`]: what a quorum queue's arguments and policies come to.

use leveret_proto::value::FieldValue;

use super::super::entry::Entry;
use super::super::settings::{Overflow, Source};
use super::{Counting, QuorumLine, Retry};

/// The settings that only quorum queues have.
#[derive(Clone, Debug, PartialEq)]
pub struct QuorumRules {
    /// How often a message may come back (`x-delivery-limit`); `None` is for ever.
    pub delivery_limit: Option<u64>,
    /// A dead letter is kept until its target has it (`x-dead-letter-strategy`).
    pub at_least_once: bool,
    /// How long returned messages wait.
    pub retry: Option<Retry>,
    /// The single active consumer makes way for one of a higher priority.
    pub yields_to_priority: bool,
    /// What comes back goes behind all others.
    pub requeues_to_tail: bool,
    counting: Counting,
}

impl QuorumRules {
    pub(in super::super) fn resolve(
        from: &Source<'_>,
        overflow: Overflow,
        has_dead_letter_exchange: bool,
        line: &QuorumLine,
    ) -> Self {
        let text = |key| from.policy_first(key).and_then(FieldValue::as_str);
        let retry = || {
            Retry::new(
                text("delayed-retry-type"),
                from.higher("delayed-retry-min"),
                from.lower("delayed-retry-max"),
            )
        };
        // Otherwise RabbitMQ falls back to at-most-once, and says so in its log.
        let can_keep = overflow == Overflow::RejectPublish && has_dead_letter_exchange;
        Self {
            delivery_limit: delivery_limit(from, line),
            at_least_once: can_keep && text("dead-letter-strategy") == Some("at-least-once"),
            retry: line.has_delayed_retry.then(retry).flatten(),
            yields_to_priority: line.yields_to_priority,
            requeues_to_tail: line.requeues_to_tail,
            counting: line.counting,
        }
    }

    /// Whether `entry` has come back once too often.
    pub(in super::super) fn is_over_limit(&self, entry: &Entry) -> bool {
        let counted = u64::from(self.counting.counted(entry));
        self.delivery_limit.is_some_and(|limit| counted > limit)
    }
}

/// Of two limits the lower one, and any limit before none. The declaration may say what it
/// likes: the lines read odd values in different ways.
fn delivery_limit(from: &Source<'_>, line: &QuorumLine) -> Option<u64> {
    let (argument, policy) = (
        from.argument("delivery-limit")
            .map(|value| limit(value, line)),
        from.policy
            .get("delivery-limit")
            .map(|value| limit(value, line)),
    );
    match (argument.flatten(), policy.flatten()) {
        (None, None) => line.delivery_limit,
        (Some(one), None) | (None, Some(one)) => one,
        (Some(Some(one)), Some(Some(other))) => Some(one.min(other)),
        (Some(one), Some(other)) => one.or(other),
    }
}

/// What one value says: nothing, no limit, or a limit.
fn limit(value: &FieldValue, line: &QuorumLine) -> Option<Option<u64>> {
    match value {
        FieldValue::Void => None,
        FieldValue::F32(_) | FieldValue::F64(_) if line.odd_limit_is_none => {
            let number = match value {
                FieldValue::F32(number) => f64::from(*number),
                FieldValue::F64(number) => *number,
                _ => return None,
            };
            // A count is above 2.5 when it is above 2.
            Some(Some(number.max(0.0) as u64))
        }
        value => match value.as_i64() {
            Some(number) => match u64::try_from(number) {
                Ok(number) => Some(Some(number)),
                Err(_) if line.negative_limit_is_none => Some(None),
                Err(_) => Some(Some(0)),
            },
            None => line.odd_limit_is_none.then_some(None),
        },
    }
}
