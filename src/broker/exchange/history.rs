//! `x-recent-history`: a fanout that remembers, and tells new bindings.

use std::collections::VecDeque;
use std::sync::Arc;

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::alarm;
use super::super::effects::Effects;
use super::super::message::Message;
use crate::sync::{LEAF, Ranked};

/// Messages remembered where `x-recent-history-length` does not say.
const LENGTH_DEFAULT: usize = 20;
/// Most messages remembered, whatever the argument says.
const LENGTH_MAX: usize = 100_000;

/// The latest messages of one exchange.
#[derive(Debug)]
pub(super) struct History {
    length: usize,
    latest: Ranked<VecDeque<Arc<Message>>, LEAF>,
}

impl History {
    pub(super) fn new(arguments: &FieldTable) -> Self {
        let length = arguments
            .get("x-recent-history-length")
            .and_then(FieldValue::as_i64);
        let length = length.and_then(|length| usize::try_from(length).ok());
        Self {
            length: length.unwrap_or(LENGTH_DEFAULT).min(LENGTH_MAX),
            latest: Ranked::new(VecDeque::new()),
        }
    }

    /// Remember a message, unless its sender does not want that.
    pub(super) fn note(&self, message: &Arc<Message>, headers: &FieldTable, fx: &mut Effects) {
        if headers.get("x-recent-history-no-store") == Some(&FieldValue::Bool(true)) {
            return;
        }
        fx.arrived_bytes += alarm::held(1, message.bytes());
        let mut latest = self.latest.lock();
        latest.push_back(Arc::clone(message));
        if latest.len() > self.length {
            latest.pop_front();
        }
    }

    /// Bytes of memory, for the alarm.
    pub(super) fn held_bytes(&self) -> u64 {
        let latest = self.latest.lock();
        let bodies = latest.iter().map(|message| message.bytes()).sum();
        alarm::held(latest.len() as u64, bodies)
    }

    /// The oldest first.
    pub(super) fn latest(&self) -> Vec<Arc<Message>> {
        self.latest.lock().iter().cloned().collect()
    }
}
