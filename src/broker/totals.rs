//! [`Totals`]: the counters of what is gone, so that a sum over objects does not shrink when one of
//! them ends. Fed when a channel, a queue or a connection ends, and by requests over HTTP, which
//! have no channel; never per message.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::connection::{ChannelStats, Traffic, add};
use super::effects::DeathReason;
use super::queue::{QueueKind, QueueStats};
use crate::sync::{LEAF, Ranked};

/// Sums of a virtual host, or of the whole broker.
#[derive(Debug, Default)]
pub struct Totals {
    /// Closed channels, and requests over HTTP.
    pub channels: ChannelStats,
    /// Octets received by connections that are closed.
    pub received: AtomicU64,
    /// Octets sent by them.
    pub sent: AtomicU64,
    queues: Ranked<[QueueStats; QueueKind::ALL.len()], LEAF>,
    burials: Ranked<Burials, LEAF>,
    /// The broker's, where these are a virtual host's.
    broker: Option<Arc<Self>>,
}

impl Totals {
    /// Of a virtual host: what it counts counts for the broker too.
    pub(super) fn within(broker: &Arc<Self>) -> Self {
        Self {
            broker: Some(Arc::clone(broker)),
            ..Self::default()
        }
    }

    fn both(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(self.broker.as_deref())
    }

    /// A channel is closed.
    pub fn retire_channel(&self, stats: &ChannelStats) {
        let counts = stats.read();
        self.both().for_each(|one| one.channels.add(&counts));
    }

    /// A request over HTTP did what a channel does.
    pub fn count(&self, counter: impl Fn(&ChannelStats) -> &AtomicU64, by: u64) {
        self.both().for_each(|one| add(counter(&one.channels), by));
    }

    /// A connection is closed.
    pub(super) fn retire_connection(&self, traffic: &Traffic, sent: u64) {
        for one in self.both() {
            add(&one.received, traffic.received.load(Ordering::Relaxed));
            add(&one.sent, sent);
        }
    }

    /// A queue is deleted.
    pub(super) fn retire_queue(&self, kind: QueueKind, stats: &QueueStats) {
        for one in self.both() {
            if let Some(sum) = one.queues.lock().get_mut(kind as usize) {
                sum.add(stats);
            }
        }
    }

    /// What the deleted queues of a type counted.
    pub fn queues(&self, kind: QueueKind) -> QueueStats {
        let queues = self.queues.lock();
        queues.get(kind as usize).copied().unwrap_or_default()
    }

    /// Messages left queues unconsumed.
    pub(super) fn bury(&self, burials: &mut Burials) {
        self.burials.lock().take(burials);
    }

    /// How messages left queues unconsumed, since the start.
    pub fn burials(&self) -> Burials {
        *self.burials.lock()
    }
}

/// What a queue does with messages that leave it unconsumed, as the metrics call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterStrategy {
    /// They are dropped.
    Disabled,
    /// They are published once.
    AtMostOnce,
    /// They are kept until they have arrived.
    AtLeastOnce,
}

impl DeadLetterStrategy {
    /// As RabbitMQ's metrics name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::AtMostOnce => "at_most_once",
            Self::AtLeastOnce => "at_least_once",
        }
    }
}

/// How many messages left queues unconsumed: by type of queue, strategy and reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Burials {
    counts: [[[u64; 4]; 3]; QueueKind::ALL.len()],
    /// Of those that were kept until they had arrived, how many have.
    pub confirmed: u64,
    any: bool,
}

impl Burials {
    pub(super) fn note(&mut self, kind: QueueKind, how: DeadLetterStrategy, why: DeathReason) {
        if let Some(count) = self.slot(kind, how, why) {
            *count += 1;
            self.any = true;
        }
    }

    pub(super) fn note_confirmed(&mut self) {
        self.confirmed += 1;
        self.any = true;
    }

    /// Whether there is nothing in it.
    pub const fn is_empty(&self) -> bool {
        !self.any
    }

    /// How many of them.
    pub fn count(mut self, kind: QueueKind, how: DeadLetterStrategy, why: DeathReason) -> u64 {
        self.slot(kind, how, why).map_or(0, |count| *count)
    }

    fn slot(
        &mut self,
        kind: QueueKind,
        how: DeadLetterStrategy,
        why: DeathReason,
    ) -> Option<&mut u64> {
        let of_kind = self.counts.get_mut(kind as usize)?;
        of_kind.get_mut(how as usize)?.get_mut(why as usize)
    }

    /// Add what is in `from`, and empty it.
    fn take(&mut self, from: &mut Self) {
        let from = std::mem::take(from);
        let mine = self.counts.as_flattened_mut().as_flattened_mut();
        let theirs = from.counts.as_flattened().as_flattened();
        for (sum, count) in mine.iter_mut().zip(theirs) {
            *sum += count;
        }
        self.confirmed += from.confirmed;
        self.any |= from.any;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_host_counts_for_the_broker_too() {
        let broker = Arc::new(Totals::default());
        let vhost = Totals::within(&broker);
        let stats = ChannelStats::default();
        add(&stats.publish, 3);
        vhost.retire_channel(&stats);
        vhost.count(|stats| &stats.publish, 2);
        let queue = QueueStats {
            ack: 4,
            ..QueueStats::default()
        };
        vhost.retire_queue(QueueKind::Quorum, &queue);
        for one in [&vhost, &*broker] {
            assert_eq!(one.channels.publish.load(Ordering::Relaxed), 5);
            assert_eq!(one.queues(QueueKind::Quorum), queue);
            assert_eq!(one.queues(QueueKind::Classic), QueueStats::default());
        }
    }

    #[test]
    fn burials_are_counted_apart() {
        let (mut sum, mut fresh) = (Burials::default(), Burials::default());
        assert!(fresh.is_empty());
        let (kind, how) = (QueueKind::Classic, DeadLetterStrategy::Disabled);
        fresh.note(kind, how, DeathReason::Expired);
        fresh.note_confirmed();
        sum.take(&mut fresh);
        assert!(fresh.is_empty() && !sum.is_empty());
        assert_eq!(sum.count(kind, how, DeathReason::Expired), 1);
        assert_eq!(sum.count(kind, how, DeathReason::Rejected), 0);
        assert_eq!(sum.confirmed, 1);
    }
}
