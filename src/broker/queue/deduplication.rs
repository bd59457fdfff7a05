//! Queues declared with `x-message-deduplication`: a message is dropped while another with the
//! same `x-deduplication-header` is in the queue.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::super::exchange::{DEDUPLICATION_HEADER, encoded_value};
use super::super::message::Message;

/// Marks looked through for stale ones when there are this many more than after the last look.
const STALE_MAX: usize = 64;

/// The marks of what is in one queue.
///
/// A marked message is stored as the queue's own copy (the bytes are shared), which lives as long
/// as the message is in the queue: ready, unacknowledged, or about to be dead-lettered. So no way
/// out of the queue has to tell.
#[derive(Debug, Default)]
pub(super) struct Marks {
    by_value: HashMap<Vec<u8>, Weak<Message>>,
    sweep_at: usize,
}

impl Marks {
    /// Whether its like is in the queue.
    pub(super) fn has(&self, message: &Message) -> bool {
        let headers = message.headers();
        let mark = headers.get(DEDUPLICATION_HEADER).map(encoded_value);
        let there = mark.and_then(|mark| self.by_value.get(&mark));
        there.is_some_and(|one| one.strong_count() > 0)
    }

    /// The message to store; `None` when its like is in the queue.
    pub(super) fn admit(&mut self, message: &Arc<Message>) -> Option<Arc<Message>> {
        let headers = message.headers();
        let Some(mark) = headers.get(DEDUPLICATION_HEADER).map(encoded_value) else {
            return Some(Arc::clone(message));
        };
        let is_there = |one: &Weak<Message>| one.strong_count() > 0;
        if self.by_value.get(&mark).is_some_and(is_there) {
            return None;
        }
        let own = Arc::new(Message::clone(message));
        self.by_value.insert(mark, Arc::downgrade(&own));
        if self.by_value.len() > self.sweep_at {
            self.by_value.retain(|_, one| is_there(one));
            self.sweep_at = self.by_value.len() * 2 + STALE_MAX;
        }
        Some(own)
    }
}
