//! [`Channel`]: one open channel of a session.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::route_cache::RouteCache;
use super::tx::Transaction;
use crate::broker::connection::{ChannelInfo, add};
use crate::broker::name::Name;
use crate::broker::queue::{ConsumerKey, Queue};

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
            fresh: Fresh::default(),
        }
    }

    /// Put the counters of this read where listings see them.
    pub(super) fn report(&mut self) {
        let fresh = std::mem::take(&mut self.fresh);
        let stats = &self.info.stats;
        add(&stats.publish, fresh.publish);
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
