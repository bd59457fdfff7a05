//! The end of a queue.

use super::Queue;
use crate::broker::effects::Effects;
use crate::broker::event::Change;
use crate::broker::outlet::Notice;
use crate::broker::tick::Tick;

/// Conditions of `queue.delete`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloseIf {
    /// Only without consumers.
    pub unused: bool,
    /// Only without messages.
    pub empty: bool,
}

/// Why a queue was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseRefused {
    /// It has consumers.
    InUse,
    /// It has messages.
    NotEmpty,
}

impl Queue {
    /// Whether it should really go now, having been found unused.
    pub fn is_unused(&self, now: Tick) -> bool {
        let state = self.state.lock();
        let abandoned = self.spec.auto_delete && state.had_consumer && state.consumers.is_empty();
        abandoned || state.expiry() <= now
    }

    /// End it: consumers are told, messages are dropped; how many were ready. With a condition
    /// that does not hold nothing happens.
    pub fn close(&self, condition: CloseIf, fx: &mut Effects) -> Result<u64, CloseRefused> {
        let mut state = self.state.lock();
        // RabbitMQ deletes a stream whatever is asked, and says that nothing was in it.
        let condition = match state.stream.take() {
            Some(_) => CloseIf::default(),
            None => condition,
        };
        if condition.unused && !state.consumers.is_empty() {
            return Err(CloseRefused::InUse);
        }
        if condition.empty && !state.ready.is_empty() {
            return Err(CloseRefused::NotEmpty);
        }
        state.closed = true;
        if let Some(apart) = &mut state.apart {
            apart.clear();
        }
        let messages = state.ready.drain().len() as u64;
        let consumers = state.consumers.drain();
        drop(state);
        for consumer in consumers {
            self.note_consumer_deleted(&consumer.spec, fx);
            let (channel, consumer_tag) = (consumer.spec.channel, consumer.spec.tag);
            consumer.spec.outlet.notice(Notice::ConsumerCancelled {
                channel,
                consumer_tag,
            });
        }
        if self.is_shown() {
            fx.note(|by| Change::queue_deleted(self, by));
        }
        Ok(messages)
    }
}
