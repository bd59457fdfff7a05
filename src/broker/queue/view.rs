//! What listings and others are told about a queue.

use std::sync::Arc;

use super::Queue;
use super::quorum::Apart;
use super::stats::{ConsumerView, QueueStats, QueueView};
use crate::broker::alarm;
use crate::broker::effects::Effects;
use crate::broker::tick::Tick;

impl Queue {
    /// Messages waiting and consumers: what `queue.declare-ok` tells.
    pub fn counts(self: &Arc<Self>, now: Tick, fx: &mut Effects) -> (u64, u64) {
        let mut state = self.state.lock();
        if let Some(stream) = &state.stream {
            // RabbitMQ does not count the readers here.
            return (stream.len(), 0);
        }
        state.expire(self, now, fx);
        (state.ready.len(), state.consumers.len() as u64)
    }

    /// Bytes that its messages hold, delivered ones included: for the memory alarm.
    pub fn held_bytes(&self) -> u64 {
        let state = self.state.lock();
        if let Some(stream) = &state.stream {
            return alarm::held(stream.len(), stream.view().bytes);
        }
        let apart = state.apart.as_deref();
        let all = [
            state.ready.tally(),
            state.unacked,
            apart.map(Apart::delayed).unwrap_or_default(),
            apart.map(Apart::held).unwrap_or_default(),
        ];
        alarm::held(
            all.iter().map(|tally| tally.messages).sum(),
            all.iter().map(|tally| tally.bytes).sum(),
        )
    }

    /// All that listings show.
    pub fn view(&self) -> QueueView {
        let state = self.state.lock();
        let (ready, unacked) = (state.ready.tally(), state.unacked);
        let exclusive = state
            .consumers
            .iter()
            .find(|consumer| consumer.spec.exclusive);
        let active = state
            .consumers
            .iter()
            .find(|consumer| state.settings.single_active && state.consumers.is_active(consumer));
        let apart = state.apart.as_deref();
        let delayed = apart.map(Apart::delayed).unwrap_or_default();
        let held = apart.map(Apart::held).unwrap_or_default();
        QueueView {
            ready: ready.messages + state.stream.as_ref().map_or(0, |stream| stream.len()),
            unacked: unacked.messages,
            delayed: delayed.messages,
            delayed_until: apart.and_then(Apart::delayed_until),
            returned: state.ready.returned(),
            last_active: state.last_active,
            publishers: apart.map_or(0, |apart| apart.publishers.len()),
            lanes: state.ready.lane_lengths(),
            held: held.messages,
            held_bytes: held.bytes,
            ready_bytes: ready.bytes + delayed.bytes,
            unacked_bytes: unacked.bytes,
            stream: state.stream.as_ref().map(|stream| stream.view()),
            persistent: [ready, unacked, delayed, held]
                .iter()
                .map(|it| it.persistent)
                .sum(),
            persistent_bytes: [ready, unacked, delayed, held]
                .iter()
                .map(|it| it.persistent_bytes)
                .sum(),
            consumers: state.consumers.len(),
            single_active_tag: active.map(|consumer| consumer.spec.tag.to_string()),
            exclusive_consumer_tag: exclusive.map(|consumer| consumer.spec.tag.to_string()),
            stats: state.stats,
            consumer_capacity: f64::from(u8::from(state.consumers.next().is_some())),
        }
    }

    /// All messages, those ready, those delivered and not settled; and its counters. Takes less
    /// than [`Queue::view`].
    pub fn counters(&self) -> ([u64; 3], QueueStats) {
        let state = self.state.lock();
        let apart = state.apart.as_deref();
        let aside = apart.map_or(0, |apart| apart.delayed().messages + apart.held().messages);
        let in_stream = state.stream.as_ref().map_or(0, |stream| stream.len());
        let ready = state.ready.tally().messages + in_stream;
        let unacked = state.unacked.messages;
        ([ready + unacked + aside, ready, unacked], state.stats)
    }

    /// Its counters.
    pub fn stats(&self) -> QueueStats {
        self.state.lock().stats
    }

    /// Its consumers, for listings.
    pub fn consumers(&self) -> Vec<ConsumerView> {
        let state = self.state.lock();
        let all = state.consumers.iter();
        all.map(|consumer| state.view_of(consumer)).collect()
    }
}
