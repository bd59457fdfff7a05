//! [`Channel`]: one open channel of a session.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};

use super::route_cache::RouteCache;
use super::tx::Transaction;
use crate::broker::connection::{ChannelInfo, ConnectionId, add};
use crate::broker::message_size::{SizeTotals, Sizes};
use crate::broker::name::Name;
use crate::broker::queue::{ConsumerKey, Queue, QueueKind};

/// What publishes and acknowledgements mean on a channel.
#[derive(Debug, Default)]
pub(super) enum Mode {
    /// They act at once, and nobody hears of it.
    #[default]
    Plain,
    /// Every publish is confirmed.
    Confirm(Confirms),
    /// They act on `tx.commit`.
    Tx(Transaction),
}

/// Publisher confirms: all that was published in one read is confirmed by one frame.
#[derive(Debug, Default)]
pub(super) struct Confirms {
    /// Sequence number of the newest publish.
    pub(super) published: u64,
    /// Up to here everything is confirmed.
    pub(super) confirmed: u64,
}

/// A consumer as its channel knows it.
#[derive(Clone, Debug)]
pub(super) struct ConsumerHandle {
    pub(super) queue: Arc<Queue>,
    pub(super) key: ConsumerKey,
    /// What it asked for itself (`x-consumer-timeout`).
    pub(super) timeout_ms: Option<u64>,
}

/// One open channel; owned by its session, so it needs no lock.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) mode: Mode,
    /// Prefetch of consumers yet to come; 0 is no limit.
    pub(super) prefetch: u16,
    pub(super) consumers: HashMap<Name, ConsumerHandle>,
    /// The consumer of direct replies: its tag, and the hidden queue behind it.
    pub(super) replies: Option<(Name, Arc<Queue>)>,
    /// What an empty queue name stands for.
    pub(super) last_queue: Option<Name>,
    pub(super) routes: RouteCache,
    pub(super) info: Arc<ChannelInfo>,
    /// Quorum queues that count it among their publishers, until one of both is gone.
    quorum_queues: Vec<Weak<Queue>>,
    /// Counted since the last [`Channel::report`].
    pub(super) fresh: Fresh,
}

/// Counters of one read.
#[derive(Debug, Default)]
pub(super) struct Fresh {
    pub(super) publish: u64,
    pub(super) confirm: u64,
    pub(super) returned: u64,
    pub(super) dropped: u64,
    pub(super) ack: u64,
    pub(super) sizes: Sizes,
}

impl Channel {
    pub(super) fn new(info: Arc<ChannelInfo>) -> Self {
        Self {
            mode: Mode::default(),
            prefetch: 0,
            consumers: HashMap::new(),
            replies: None,
            last_queue: None,
            routes: RouteCache::default(),
            info,
            quorum_queues: Vec::new(),
            fresh: Fresh::default(),
        }
    }

    /// It sends messages there. Asked when a route is found, not for every message.
    pub(super) fn publishes_to<'a>(
        &mut self,
        queues: impl Iterator<Item = &'a Arc<Queue>>,
        connection: ConnectionId,
    ) {
        for queue in queues.filter(|queue| queue.kind == QueueKind::Quorum) {
            if queue.add_publisher((connection, self.info.number)) {
                self.quorum_queues.retain(|queue| queue.strong_count() > 0);
                self.quorum_queues.push(Arc::downgrade(queue));
            }
        }
    }

    /// It is closed.
    pub(super) fn forget_quorum_queues(&mut self, connection: Option<ConnectionId>) {
        let Some(connection) = connection else { return };
        for queue in self.quorum_queues.drain(..).filter_map(|it| it.upgrade()) {
            queue.remove_publisher((connection, self.info.number));
        }
    }

    /// Put the counters of this read where listings see them.
    pub(super) fn report(&mut self, sizes: &SizeTotals) {
        let fresh = std::mem::take(&mut self.fresh);
        let stats = &self.info.stats;
        if fresh.publish > 0 {
            add(&stats.publish, fresh.publish);
            sizes.add(&fresh.sizes);
        }
        add(&stats.confirm, fresh.confirm);
        add(&stats.return_unroutable, fresh.returned);
        add(&stats.drop_unroutable, fresh.dropped);
        add(&stats.ack, fresh.ack);
        self.info
            .consumers
            .store(self.consumers.len() as u64, Ordering::Relaxed);
        if let Mode::Tx(transaction) = &self.mode {
            let (publishes, acks) = transaction.lengths();
            self.info.uncommitted.store(publishes, Ordering::Relaxed);
            self.info.acks_uncommitted.store(acks, Ordering::Relaxed);
        }
    }
}
