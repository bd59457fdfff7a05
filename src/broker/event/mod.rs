//! The one stream of events out of the model: for the journal, the page, waits and metrics.
//!
//! Events gather in [`Effects`](super::effects::Effects) and are handed to the listeners once per
//! read. Whether anybody listens is asked once per read, so silence costs one branch.

pub mod change;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use self::change::Change;
use super::exchange::Exchange;
use super::name::Name;
use super::publish::Outcome;
use super::queue::Queue;
use crate::sync::{LEAF, Ranked};

/// Something that happened in the model.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A message reached an exchange and these queues.
    Published {
        vhost: Name,
        exchange: Name,
        routing_key: Name,
        queues: Arc<[Name]>,
    },
    /// A message reached no queue.
    Unroutable {
        vhost: Name,
        exchange: Name,
        routing_key: Name,
        returned: bool,
    },
    /// A message came into a queue, from wherever.
    Arrived { vhost: Name, queue: Name },
    /// A message was written to a consumer.
    Delivered {
        vhost: Name,
        queue: Name,
        seq: u64,
        consumer_tag: Name,
        redelivered: bool,
    },
    /// A message was taken by `basic.get`.
    Got { vhost: Name, queue: Name, seq: u64 },
    /// A delivery was acknowledged.
    Acked { vhost: Name, queue: Name, seq: u64 },
    /// A delivery came back to its queue.
    Requeued { vhost: Name, queue: Name, seq: u64 },
    /// A delivery was rejected without requeue.
    Rejected { vhost: Name, queue: Name, seq: u64 },
    /// A message's TTL passed.
    Expired { vhost: Name, queue: Name, seq: u64 },
    /// A message came back once too often.
    Exhausted { vhost: Name, queue: Name, seq: u64 },
    /// A message was dropped for length.
    Dropped { vhost: Name, queue: Name, seq: u64 },
    /// A queue was emptied.
    Purged {
        vhost: Name,
        queue: Name,
        messages: u64,
    },
    /// Something was made, changed or deleted.
    Changed(Change),
}

/// The names of a route; all events of messages that take it share them.
#[derive(Clone, Debug)]
pub struct Routed {
    routing_key: Name,
    queues: Arc<[Name]>,
}

impl Routed {
    /// Of this key and these queues.
    pub fn new(routing_key: &str, queues: &[Arc<Queue>]) -> Self {
        Self {
            routing_key: routing_key.into(),
            queues: queues.iter().map(|queue| queue.name().clone()).collect(),
        }
    }
}

impl Event {
    /// A message was published, with this outcome.
    pub fn of_publish(
        exchange: &Exchange,
        routed: Routed,
        outcome: Outcome,
        mandatory: bool,
    ) -> Self {
        let (vhost, exchange) = (exchange.spec.vhost.clone(), exchange.name().clone());
        let Routed {
            routing_key,
            queues,
        } = routed;
        match outcome.routed {
            true => Self::Published {
                vhost,
                exchange,
                routing_key,
                queues,
            },
            false => Self::Unroutable {
                vhost,
                exchange,
                routing_key,
                returned: mandatory,
            },
        }
    }
}

/// Hears every event; called with no lock held, must not block.
pub type Listener = Arc<dyn Fn(&[Event]) + Send + Sync>;

/// Who listens.
#[derive(Default)]
pub struct EventBus {
    listening: AtomicBool,
    listeners: Ranked<Vec<(u64, Listener)>, LEAF>,
}

impl EventBus {
    /// Whether anybody listens.
    pub fn is_listening(&self) -> bool {
        self.listening.load(Ordering::Relaxed)
    }

    /// Listen from the next read on; the number ends it.
    pub fn listen(&self, listener: Listener) -> u64 {
        let mut all = self.listeners.lock();
        let id = all.last().map_or(0, |(last, _)| last + 1);
        all.push((id, listener));
        self.listening.store(true, Ordering::Relaxed);
        id
    }

    /// Listen no longer.
    pub fn unlisten(&self, id: u64) {
        let mut all = self.listeners.lock();
        all.retain(|(there, _)| *there != id);
        self.listening.store(!all.is_empty(), Ordering::Relaxed);
    }

    /// Hand `events` to all listeners and forget them.
    pub fn publish(&self, events: &mut Vec<Event>) {
        let listeners = self.listeners.lock().clone();
        for (_, listener) in listeners {
            listener(events);
        }
        events.clear();
    }
}

impl fmt::Debug for EventBus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventBus")
            .field("listening", &self.listening)
            .finish_non_exhaustive()
    }
}
