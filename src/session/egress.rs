//! [`Egress`]: the outbound side of one connection. Queues of any task write deliveries into it;
//! whoever touched it flushes it, at the end of the read.

use std::fmt;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use leveret_proto::outbuf::{DeliverHead, Outbuf};

use super::channel_map::ChannelMap;
use super::ledger::Ledger;
use crate::broker::connection::ChannelInfo;
use crate::broker::outlet::{Delivered, Delivery, Notice, Out, Outlet, Parked, Place, Room};
use crate::broker::pairs::Way;
use crate::broker::queue::Entry;
use crate::sync::{EGRESS, Guard, Ranked};

/// Bytes waiting above which consumers are parked.
pub const FULL_BYTES: usize = 512 * 1024;
/// Bytes waiting below which they are resumed.
pub const ROOM_BYTES: usize = 128 * 1024;
/// Slices of one vectored write.
const SLICES: usize = 64;

/// The socket's writing end, as far as it can be used without waiting.
pub trait Sink: Send + Sync {
    /// Write some of it now, or `WouldBlock`.
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize>;
}

/// Wakes the task that owns the connection.
pub trait Doorbell: Send + Sync {
    /// Wake it; rings add up to one.
    fn ring(&self);
}

/// See the module.
pub struct Egress {
    inner: Ranked<Inner, EGRESS>,
    sink: Arc<dyn Sink>,
    doorbell: Arc<dyn Doorbell>,
    sent: AtomicU64,
    writes: AtomicU64,
}

/// What the egress's lock guards.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) out: Outbuf,
    pub(super) ledgers: ChannelMap<Ledger>,
    pub(super) frame_max: u32,
    notices: Vec<Notice>,
    parked: Vec<(u16, Parked)>,
    /// Somebody has it on a list to flush, or the owner waits for the socket.
    dirty: bool,
    /// The socket would block: the owner goes on when it is writable.
    stalled: bool,
    failed: Option<io::ErrorKind>,
}

/// How an egress stands after its owner looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pending {
    /// Nothing to write.
    Nothing,
    /// The socket must become writable first.
    Socket,
    /// The socket is broken.
    Failed(io::ErrorKind),
}

impl Egress {
    /// An egress with nothing in it.
    pub fn new(sink: Arc<dyn Sink>, doorbell: Arc<dyn Doorbell>) -> Self {
        let inner = Inner {
            out: Outbuf::new(),
            ledgers: ChannelMap::new(),
            frame_max: 0,
            notices: Vec::new(),
            parked: Vec::new(),
            dirty: false,
            stalled: false,
            failed: None,
        };
        let inner = Ranked::new(inner);
        Self {
            inner,
            sink,
            doorbell,
            sent: AtomicU64::new(0),
            writes: AtomicU64::new(0),
        }
    }

    pub(super) fn lock(&self) -> Guard<'_, Inner, EGRESS> {
        self.inner.lock()
    }

    /// Write frames.
    pub(super) fn write(&self, write: impl FnOnce(&mut Outbuf)) {
        write(&mut self.lock().out);
    }

    /// What the owner has to act on.
    pub fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut self.lock().notices)
    }

    /// Bytes that wait for the socket.
    pub fn waiting(&self) -> usize {
        self.lock().out.len()
    }

    /// Write all that the socket accepts; then how it stands.
    pub fn flush_now(&self, resume: &mut Vec<Parked>) -> Pending {
        let mut inner = self.lock();
        let written = self.write_out(&mut inner);
        inner.dirty = inner.stalled;
        if inner.out.len() < ROOM_BYTES {
            inner.unpark(resume);
        }
        match (inner.failed, written) {
            (Some(kind), _) => Pending::Failed(kind),
            (None, true) => Pending::Nothing,
            (None, false) => Pending::Socket,
        }
    }

    /// Whether everything was written.
    fn write_out(&self, inner: &mut Inner) -> bool {
        while !inner.out.is_empty() && inner.failed.is_none() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let used = inner.out.slices(&mut slices);
            let result = self
                .sink
                .try_write_vectored(slices.get(..used).unwrap_or_default());
            self.writes.fetch_add(1, Ordering::Relaxed);
            match result {
                Ok(0) => inner.failed = Some(io::ErrorKind::WriteZero),
                Ok(n) => {
                    inner.out.advance(n);
                    self.sent.fetch_add(n as u64, Ordering::Relaxed);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    inner.stalled = true;
                    return false;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => inner.failed = Some(error.kind()),
            }
        }
        inner.stalled = false;
        inner.out.is_empty()
    }

    /// The channel may take more again: its deliveries were settled, or its limit was raised.
    pub(super) fn unpark(&self, resume: &mut Vec<Parked>) {
        let mut inner = self.lock();
        if inner.out.len() < FULL_BYTES {
            inner.unpark(resume);
        }
    }
}

impl Inner {
    fn unpark(&mut self, resume: &mut Vec<Parked>) {
        let ledgers = &mut self.ledgers;
        self.parked
            .retain(|(channel, parked)| match ledgers.get_mut(*channel) {
                None => false,
                Some(ledger) if ledger.is_full() => true,
                Some(_) => {
                    resume.push(parked.clone());
                    false
                }
            });
    }

    fn park(&mut self, delivery: &Delivery<'_>) {
        let parked = Parked {
            queue: Arc::clone(delivery.queue),
            consumer: delivery.consumer,
        };
        self.parked.push((delivery.channel, parked));
    }
}

impl Outlet for Egress {
    fn deliver(&self, delivery: Delivery<'_>, entry: Entry) -> Delivered {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let is_full = inner.out.len() >= FULL_BYTES || inner.failed.is_some();
        let Some(ledger) = inner.ledgers.get_mut(delivery.channel) else {
            return Delivered::Refused(entry);
        };
        // A channel at its global prefetch gets nothing, not even what needs no acknowledgement.
        if is_full || ledger.is_full() {
            inner.park(&delivery);
            return Delivered::Refused(entry);
        }
        let delivery_tag = ledger.next_tag();
        let head = DeliverHead {
            consumer_tag: delivery.consumer_tag.as_bytes(),
            delivery_tag,
            redelivered: entry.redelivered,
        };
        let counted = delivery.queue.properties(&entry, false);
        let mut content = entry.message.content();
        if let Some(properties) = &counted {
            content.properties = properties;
        }
        inner
            .out
            .put_deliver(delivery.channel, head, &content, inner.frame_max);
        count(&ledger.info, &delivery, entry.redelivered);
        if !delivery.no_ack {
            ledger.push(delivery_tag, &delivery, entry);
            ledger.info.unacked.store(ledger.len(), Ordering::Relaxed);
        }
        let is_full = ledger.is_full() || inner.out.len() >= FULL_BYTES;
        let first = !std::mem::replace(&mut inner.dirty, true);
        if is_full {
            inner.park(&delivery);
            return Delivered::Filled { first };
        }
        Delivered::Sent { first }
    }

    fn notice(&self, notice: Notice) {
        self.lock().notices.push(notice);
        self.doorbell.ring();
    }

    fn room(&self, channel: u16) -> Room {
        self.lock().room(channel)
    }

    fn unacked(&self, place: Place, look: &mut dyn FnMut(Out<'_>)) -> Option<Place> {
        self.lock().look(place, look)
    }

    fn traffic(&self) -> (u64, u64) {
        (
            self.sent.load(Ordering::Relaxed),
            self.writes.load(Ordering::Relaxed),
        )
    }

    fn flush(&self, resume: &mut Vec<Parked>) {
        if self.flush_now(resume) != Pending::Nothing {
            self.doorbell.ring();
        }
    }
}

/// The egress's lock makes this the only writer, so no read-modify-write is needed.
fn count(info: &ChannelInfo, delivery: &Delivery<'_>, redelivered: bool) {
    let (stats, no_ack) = (&info.stats, delivery.no_ack);
    let bump = |counter: &AtomicU64| {
        counter.store(counter.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    };
    bump(if no_ack {
        &stats.deliver_no_ack
    } else {
        &stats.deliver
    });
    if redelivered {
        bump(&stats.redeliver);
    }
    info.touch(delivery.now);
    if let Some(pairs) = &info.pairs {
        pairs.took(delivery.queue.name(), Way::Delivered, no_ack, redelivered);
    }
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
