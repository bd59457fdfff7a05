//! Counters of one queue: plain integers under its lock.

use super::super::tick::Tick;

/// How often each thing happened to a queue; the names are the management API's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QueueStats {
    /// Messages that arrived.
    pub publish: u64,
    /// Deliveries that want an acknowledgement.
    pub deliver: u64,
    /// Deliveries that do not.
    pub deliver_no_ack: u64,
    /// `basic.get` with acknowledgement.
    pub get: u64,
    /// `basic.get` without.
    pub get_no_ack: u64,
    /// `basic.get` that found nothing.
    pub get_empty: u64,
    /// Acknowledgements.
    pub ack: u64,
    /// Deliveries of what had been delivered before.
    pub redeliver: u64,
    /// Messages dropped or dead-lettered by expiry.
    pub expired: u64,
    /// Messages dropped or dead-lettered for length.
    pub dropped: u64,
}

impl QueueStats {
    /// Names of the counters that the management API shows, as it calls them.
    pub const NAMES: [&'static str; 8] = [
        "publish",
        "deliver",
        "deliver_no_ack",
        "get",
        "get_no_ack",
        "get_empty",
        "ack",
        "redeliver",
    ];

    /// Those counters, in the order of their names.
    pub const fn shown(&self) -> [u64; Self::NAMES.len()] {
        [
            self.publish,
            self.deliver,
            self.deliver_no_ack,
            self.get,
            self.get_no_ack,
            self.get_empty,
            self.ack,
            self.redeliver,
        ]
    }

    /// Add those of another queue.
    pub const fn add(&mut self, other: &Self) {
        self.publish += other.publish;
        self.deliver += other.deliver;
        self.deliver_no_ack += other.deliver_no_ack;
        self.get += other.get;
        self.get_no_ack += other.get_no_ack;
        self.get_empty += other.get_empty;
        self.ack += other.ack;
        self.redeliver += other.redeliver;
        self.expired += other.expired;
        self.dropped += other.dropped;
    }

    /// All ways to hand a message out: `deliver_get` of the management API.
    pub const fn deliver_get(&self) -> u64 {
        self.deliver + self.deliver_no_ack + self.get + self.get_no_ack
    }
}

/// A queue as listings show it, taken under its lock at once.
#[derive(Clone, Debug, Default)]
pub struct QueueView {
    /// Messages waiting.
    pub ready: u64,
    /// Messages delivered and not settled.
    pub unacked: u64,
    /// Messages that wait for a delayed retry.
    pub delayed: u64,
    /// Until when the first and the last of them wait.
    pub delayed_until: Option<[Tick; 2]>,
    /// Of those that wait, what came back: quorum queues deliver it first.
    pub returned: u64,
    /// When anything happened to it last.
    pub last_active: Tick,
    /// Open channels that have sent messages: quorum queues.
    pub publishers: usize,
    /// How many wait in which lane, but for the empty ones and what came back: quorum queues.
    pub lanes: Vec<(u8, u64)>,
    /// Dead letters kept until their target has them.
    pub held: u64,
    /// Their bytes.
    pub held_bytes: u64,
    /// Bytes of what waits, delayed or not.
    pub ready_bytes: u64,
    /// Likewise.
    pub unacked_bytes: u64,
    /// Persistent messages, waiting or delivered and not settled.
    pub persistent: u64,
    /// Bytes of the persistent ones.
    pub persistent_bytes: u64,
    /// What only streams have.
    pub stream: Option<StreamView>,
    /// Consumers.
    pub consumers: usize,
    /// Tag of the active one, with single active consumer.
    pub single_active_tag: Option<String>,
    /// Whether one is exclusive.
    pub exclusive_consumer_tag: Option<String>,
    /// Counters.
    pub stats: QueueStats,
    /// Share of consumers that could take a message now, 0 to 1.
    pub consumer_capacity: f64,
}

/// A stream as listings show it, besides what every queue has.
#[derive(Clone, Copy, Debug)]
pub struct StreamView {
    /// Bytes it holds.
    pub bytes: u64,
    /// Segments it is made of.
    pub segments: usize,
    /// When the oldest message arrived.
    pub first_arrival: Option<Tick>,
}

impl QueueView {
    /// All that it holds.
    pub const fn messages(&self) -> u64 {
        self.ready + self.unacked + self.delayed + self.held
    }
}

/// One consumer as listings show it.
#[derive(Clone, Debug)]
pub struct ConsumerView {
    /// Its key in its queue.
    pub key: super::ConsumerKey,
    /// Its tag.
    pub tag: String,
    /// Its channel's number.
    pub channel: u16,
    /// Deliveries need an acknowledgement.
    pub ack_required: bool,
    /// Nobody else may consume.
    pub exclusive: bool,
    /// Its limit, 0 for none.
    pub prefetch: u16,
    /// Unacked deliveries.
    pub in_flight: u32,
    /// Whether it is served.
    pub active: bool,
    /// Connection, user, arguments.
    pub origin: std::sync::Arc<super::super::outlet::ConsumerOrigin>,
}
