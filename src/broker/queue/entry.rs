//! [`Entry`]: a message in a queue.

use std::sync::Arc;

use super::super::message::Message;
use super::super::tick::Tick;

/// One message's place in one queue. It is in exactly one of three places: ready, in a channel's
/// ledger (unacked), or on its way out.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Position of arrival: orders the queue for good, also after a requeue.
    pub seq: u64,
    /// The message itself.
    pub message: Arc<Message>,
    /// When it may no longer be delivered; [`Tick::NEVER`] without a TTL.
    pub expires: Tick,
    /// How often it was delivered and came back to this queue.
    pub returns: u32,
    /// How often its deliveries failed, counting those that it brought with it as a dead letter.
    pub failures: u32,
    /// What it weighs in listings and for `x-max-length-bytes`.
    pub bytes: u32,
    /// Whether a delivery carries the `redelivered` flag.
    pub redelivered: bool,
    /// The lane it waits in; 0 without priorities.
    pub priority: u8,
}

impl Entry {
    /// Whether it is past its TTL.
    pub fn is_expired(&self, now: Tick) -> bool {
        self.expires <= now
    }
}
