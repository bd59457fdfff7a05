//! Open connections and their channels, as listings, limits and administrators see them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering};

use leveret_proto::value::FieldTable;

use super::name::Name;
use super::outlet::{Notice, Outlet};
use super::pairs::ChannelPairs;
use super::tick::Tick;
use super::tls::TlsFacts;
use super::user::User;
use crate::sync::{LEAF, Ranked};

/// Names one connection, for as long as the broker runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// One open connection.
#[derive(Debug)]
pub struct Connection {
    /// Its number.
    pub id: ConnectionId,
    /// `peer -> local`.
    pub name: Name,
    /// Who logged in.
    pub user: Arc<User>,
    /// Where.
    pub vhost: Name,
    /// The client's address.
    pub peer: SocketAddr,
    /// The broker's address.
    pub local: SocketAddr,
    /// How it is encrypted, if it is.
    pub tls: Option<Arc<TlsFacts>>,
    /// Wall clock at opening, ms since 1970.
    pub connected_at_ms: u64,
    /// As the client told them.
    pub client_properties: FieldTable,
    /// `PLAIN`, `AMQPLAIN`, …
    pub auth_mechanism: String,
    /// As negotiated.
    pub frame_max: u32,
    /// As negotiated.
    pub channel_max: u16,
    /// As negotiated, seconds.
    pub heartbeat: u16,
    /// The way to it.
    pub outlet: Arc<dyn Outlet>,
    /// Not read from because of the memory alarm.
    pub blocked: AtomicBool,
    /// Traffic.
    pub traffic: Traffic,
    /// Open channels by number.
    pub channels: Ranked<BTreeMap<u16, Arc<ChannelInfo>>, LEAF>,
}

/// Octets and reads of one connection; what is sent its outlet counts.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Octets received.
    pub received: AtomicU64,
    /// Reads.
    pub reads: AtomicU64,
}

impl Connection {
    /// End it: the client gets `CONNECTION_FORCED` (320) with this text.
    pub fn close(&self, text: &str) {
        self.outlet.notice(Notice::Close {
            text: text.to_owned(),
        });
    }

    /// Its channels as they are now.
    pub fn channel_infos(&self) -> Vec<Arc<ChannelInfo>> {
        self.channels.lock().values().cloned().collect()
    }
}

/// One open channel. Numbers are brought up to date once per read.
#[derive(Debug, Default)]
pub struct ChannelInfo {
    /// Its number.
    pub number: u16,
    /// In confirm mode.
    pub confirm: AtomicBool,
    /// In tx mode.
    pub transactional: AtomicBool,
    /// Limit for new consumers.
    pub prefetch_count: AtomicU16,
    /// Limit of the whole channel.
    pub global_prefetch_count: AtomicU16,
    /// Consumers on it.
    pub consumers: AtomicU64,
    /// Deliveries not settled.
    pub unacked: AtomicU64,
    /// Publishes not confirmed: always settled within a read, so zero when looked at.
    pub unconfirmed: AtomicU64,
    /// Publishes that wait for `tx.commit`.
    pub uncommitted: AtomicU64,
    /// Settlements that wait for it.
    pub acks_uncommitted: AtomicU64,
    /// When it did something last: microseconds on its virtual host's clock.
    pub last_active: AtomicU64,
    /// Counters since it was opened.
    pub stats: ChannelStats,
    /// The same by exchange and queue, if that is wanted.
    pub pairs: Option<Box<ChannelPairs>>,
}

impl ChannelInfo {
    /// It does something.
    pub fn touch(&self, now: Tick) {
        self.last_active.store(now.0, Ordering::Relaxed);
    }
}

/// Counters of a channel.
#[derive(Debug, Default)]
pub struct ChannelStats {
    /// Messages published.
    pub publish: AtomicU64,
    /// Publishes confirmed.
    pub confirm: AtomicU64,
    /// Messages returned.
    pub return_unroutable: AtomicU64,
    /// Messages dropped for want of a queue.
    pub drop_unroutable: AtomicU64,
    /// Deliveries with acknowledgement.
    pub deliver: AtomicU64,
    /// Deliveries without.
    pub deliver_no_ack: AtomicU64,
    /// Gets with acknowledgement.
    pub get: AtomicU64,
    /// Gets without.
    pub get_no_ack: AtomicU64,
    /// Gets that found nothing.
    pub get_empty: AtomicU64,
    /// Acknowledgements.
    pub ack: AtomicU64,
    /// Deliveries of what had been delivered before.
    pub redeliver: AtomicU64,
}

impl ChannelStats {
    /// Names of the counters, as the management API calls them.
    pub const NAMES: [&'static str; 11] = [
        "publish",
        "confirm",
        "return_unroutable",
        "drop_unroutable",
        "deliver",
        "deliver_no_ack",
        "get",
        "get_no_ack",
        "get_empty",
        "ack",
        "redeliver",
    ];

    fn counters(&self) -> [&AtomicU64; Self::NAMES.len()] {
        [
            &self.publish,
            &self.confirm,
            &self.return_unroutable,
            &self.drop_unroutable,
            &self.deliver,
            &self.deliver_no_ack,
            &self.get,
            &self.get_no_ack,
            &self.get_empty,
            &self.ack,
            &self.redeliver,
        ]
    }

    /// What they say now, in the order of their names.
    pub fn read(&self) -> [u64; Self::NAMES.len()] {
        self.counters()
            .map(|counter| counter.load(Ordering::Relaxed))
    }

    /// Add what others say.
    pub fn add(&self, counts: &[u64; Self::NAMES.len()]) {
        for (counter, by) in self.counters().into_iter().zip(counts) {
            add(counter, *by);
        }
    }
}

/// Add to a counter, unless there is nothing to add.
pub fn add(counter: &AtomicU64, by: u64) {
    if by > 0 {
        counter.fetch_add(by, Ordering::Relaxed);
    }
}
