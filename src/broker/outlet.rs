//! [`Outlet`]: where a queue puts a delivery. The model does not know what is behind it.

use std::fmt::Debug;
use std::sync::Arc;

use leveret_proto::value::FieldTable;

use super::name::Name;
use super::queue::{ConsumerKey, Entry, Queue};
use super::tick::Tick;

/// One connection's way out. Called with the queue's lock held, so it may take only locks of a
/// higher rank and must not call back into the model.
pub trait Outlet: Debug + Send + Sync {
    /// Write one delivery, or refuse and give the entry back.
    fn deliver(&self, delivery: Delivery<'_>, entry: Entry) -> Delivered;

    /// Tell the connection's owner something that it has to act on.
    fn notice(&self, notice: Notice);

    /// Whether a delivery on this channel would be taken now, for explanations.
    fn room(&self, channel: u16) -> Room;

    /// Look at a bounded number of the deliveries that are out, from `place` on, for listings.
    /// Where to go on, if that were not all.
    fn unacked(&self, place: Place, look: &mut dyn FnMut(Out<'_>)) -> Option<Place>;

    /// Octets written and writes so far, for listings.
    fn traffic(&self) -> (u64, u64);

    /// Write what has gathered: at once if the socket accepts it, else by the owner. What has
    /// room again afterwards is appended to `resume`.
    fn flush(&self, resume: &mut Vec<Parked>);
}

/// What a delivery needs besides the entry.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The queue it comes from.
    pub queue: &'a Arc<Queue>,
    /// The consumer it goes to.
    pub consumer: ConsumerKey,
    /// The consumer's channel.
    pub channel: u16,
    /// The consumer's tag.
    pub consumer_tag: &'a Name,
    /// Whether it counts as settled once written.
    pub no_ack: bool,
    /// When it is made.
    pub now: Tick,
}

/// What became of a delivery.
#[derive(Debug)]
pub enum Delivered {
    /// Written; there is room for more. `first` when these are the first bytes since the last
    /// flush, so that somebody must flush.
    Sent {
        /// See above.
        first: bool,
    },
    /// Written, but nothing more may come until the outlet resumes the consumer.
    Filled {
        /// As for `Sent`.
        first: bool,
    },
    /// Not written: the outlet has no room, or the channel is at its limit or gone. It will
    /// resume the consumer if there is still one.
    Refused(Entry),
}

/// Whether an outlet takes deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// It does.
    Free,
    /// The channel is at its global prefetch.
    ChannelFull {
        /// How many may be out.
        limit: u16,
        /// How many are.
        in_flight: u32,
    },
    /// The client does not read what was written already.
    Full {
        /// Bytes that wait for it.
        bytes: usize,
    },
    /// The channel is gone.
    Gone,
}

/// Where a look at deliveries that are out goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The channel.
    pub channel: u16,
    /// The first delivery tag to look at.
    pub tag: u64,
}

/// A delivery that is not settled.
#[derive(Clone, Copy, Debug)]
pub struct Out<'a> {
    /// Its channel and its delivery tag.
    pub place: Place,
    /// When it was made.
    pub since: Tick,
    /// The queue it comes from.
    pub queue: &'a Arc<Queue>,
    /// The consumer it went to; none for `basic.get`.
    pub consumer: ConsumerKey,
    /// The message.
    pub entry: &'a Entry,
}

/// A consumer that was refused and has room again.
#[derive(Clone, Debug)]
pub struct Parked {
    /// The consumer's queue.
    pub queue: Arc<Queue>,
    /// The consumer.
    pub consumer: ConsumerKey,
}

/// What a connection's owner must act on.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// A consumer ended without its client's doing: its queue was deleted.
    ConsumerCancelled {
        /// The consumer's channel.
        channel: u16,
        /// Its tag.
        consumer_tag: Name,
    },
    /// The connection has to end: `CONNECTION_FORCED` (320) with this text.
    Close {
        /// The reply text, without the code's name.
        text: String,
    },
    /// Deliveries may have been out for too long: look at them.
    CheckTimeouts,
    /// The memory alarm is over.
    AlarmEnded,
}

/// Where consumers come from, for listings.
#[derive(Clone, Debug)]
pub struct ConsumerOrigin {
    /// Name of the connection.
    pub connection: Name,
    /// Its channel.
    pub channel: u16,
    /// The user that consumes.
    pub user: Name,
    /// Arguments of `basic.consume`.
    pub arguments: FieldTable,
}
