//! Settling deliveries: ack, requeue, reject. What is out stands in its channel's ledger.

use std::sync::Arc;

use super::super::effects::{DeathReason, Effects};
use super::super::event::Event;
use super::super::tick::Tick;
use super::consumers::ConsumerKey;
use super::entry::Entry;
use super::state::State;
use super::{Queue, QueueKind};

/// A delivery that is not settled.
#[derive(Debug)]
pub struct Unacked {
    /// Its delivery tag on its channel.
    pub tag: u64,
    /// The queue it came from.
    pub queue: Arc<Queue>,
    /// Who got it; [`ConsumerKey::NONE`] for `basic.get`.
    pub consumer: ConsumerKey,
    /// The message and its place.
    pub entry: Entry,
}

/// What a client says of its deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Done with it.
    Ack,
    /// Handed back (`basic.nack`): to be delivered again.
    Return,
    /// Failed (`basic.reject`, or its channel is gone): likewise to be delivered again.
    Requeue,
    /// Not wanted (`basic.nack`): dropped or dead-lettered.
    Discard,
    /// Failed (`basic.reject`), and not again: likewise dropped or dead-lettered.
    Reject,
}

impl Settlement {
    /// Whether the delivery failed, where RabbitMQ tells that from one that was handed back.
    const fn is_failure(self) -> bool {
        matches!(self, Self::Requeue | Self::Reject)
    }
}

/// Settle all of `batch`, taking each queue's lock once per run of its entries, and serve the
/// consumers that have room by it. No lock is held on entry.
pub fn settle(batch: &mut Vec<Unacked>, how: Settlement, now: Tick, fx: &mut Effects) {
    let mut batch = batch.drain(..).peekable();
    while let Some(first) = batch.next() {
        let queue = Arc::clone(&first.queue);
        let mut state = queue.state.lock();
        state.last_active = now;
        settle_one(&mut state, &queue, first, how, now, fx);
        while let Some(next) = batch.next_if(|next| Arc::ptr_eq(&next.queue, &queue)) {
            settle_one(&mut state, &queue, next, how, now, fx);
        }
        if !state.closed {
            if matches!(how, Settlement::Return | Settlement::Requeue) {
                state.limit(&queue, fx);
            }
            state.run(&queue, now, fx);
        }
    }
}

/// The caller holds the queue's lock.
fn settle_one(
    state: &mut State,
    queue: &Arc<Queue>,
    unacked: Unacked,
    how: Settlement,
    now: Tick,
    fx: &mut Effects,
) {
    if queue.kind == QueueKind::Stream {
        return state.settle_reader(unacked.consumer, how);
    }
    let entry = unacked.entry;
    state.settled(unacked.consumer, &entry);
    if state.closed {
        return;
    }
    let seq = entry.seq;
    let failed = how.is_failure();
    match how {
        Settlement::Ack => {
            state.stats.ack += 1;
            fx.record(|| queue.event(|vhost, queue| Event::Acked { vhost, queue, seq }));
        }
        Settlement::Return | Settlement::Requeue => {
            fx.record(|| queue.event(|vhost, queue| Event::Requeued { vhost, queue, seq }));
            state.requeue(queue, entry, failed, now, fx);
        }
        Settlement::Discard | Settlement::Reject => {
            fx.record(|| queue.event(|vhost, queue| Event::Rejected { vhost, queue, seq }));
            state.bury(queue, entry, DeathReason::Rejected, failed, fx);
        }
    }
}
