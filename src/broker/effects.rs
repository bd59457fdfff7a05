//! [`Effects`]: what a call into the model leaves to do once no lock is held.

use std::collections::VecDeque;
use std::sync::Arc;

use super::dead_letter;
use super::event::{Change, Event};
use super::message::{Message, Packer};
use super::name::Name;
use super::outlet::{Outlet, Parked};
use super::publish::{Post, publish_post};
use super::queue::{CloseIf, Queue};
use super::tick::{Tick, Ticked};
use super::totals::Burials;
use super::trace::Tracer;
use super::vhost::VirtualHost;

/// Who does what nobody asked for.
pub const INTERNAL_USER: &str = "rmq-internal";

/// Why a message became a dead letter; the text stands in its `x-death` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeathReason {
    /// A consumer rejected it without requeue.
    Rejected,
    /// Its TTL passed.
    Expired,
    /// The queue was too long.
    MaxLength,
    /// It came back too often (quorum queues).
    DeliveryLimit,
}

impl DeathReason {
    /// As RabbitMQ writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLength => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }
}

/// Who has a dead letter already that its queue keeps until all have it.
#[derive(Clone, Debug, Default)]
pub struct Receipt {
    /// Its number in its queue.
    pub id: u64,
    /// The queues that have it.
    pub taken_by: Vec<Name>,
}

/// A message that left its queue unconsumed, where that queue has a dead-letter exchange.
#[derive(Debug)]
pub struct Dead {
    /// The queue it left.
    pub queue: Arc<Queue>,
    /// The message.
    pub message: Arc<Message>,
    /// Why.
    pub reason: DeathReason,
    /// Failed deliveries that it takes along.
    pub failures: u32,
    /// Where its queue keeps it until it is delivered.
    pub kept: Option<Receipt>,
}

/// Work found under a lock, to be done after it. Owned and reused by whoever calls the model: a
/// session, the timekeeper, a management request; `Broker::settle_effects` empties it.
#[derive(Debug, Default)]
pub struct Effects {
    /// Outlets with fresh bytes, each once.
    pub flush: Vec<Arc<dyn Outlet>>,
    /// Consumers that have room again.
    pub resume: Vec<Parked>,
    /// Messages to dead-letter.
    pub dead: VecDeque<Dead>,
    /// Messages to publish.
    pub posts: VecDeque<Post>,
    /// What wants a tick at a time.
    pub deadlines: Vec<(Tick, Arc<dyn Ticked>)>,
    /// Queues whose last consumer left (auto-delete) or that expired.
    pub gone: Vec<Arc<Queue>>,
    /// What happened, when [`Effects::recording`].
    pub events: Vec<Event>,
    /// Whether anybody listens to events: asked once per read.
    pub recording: bool,
    /// Whether anybody, or the event exchange, wants to know of changes: likewise.
    pub noting: bool,
    /// The user that acts; none is the broker itself.
    pub actor: Option<Name>,
    /// The virtual host's, while tracing is on: asked once per read.
    pub tracer: Option<Arc<Tracer>>,
    /// Wall clock at the broker's start, ms since 1970: for what tells the time of day.
    pub wall_start_ms: u64,
    /// The time of the read, tick or request, on the virtual host's clock.
    pub now: Tick,
    /// Bytes of messages that came into queues: for the memory alarm.
    pub arrived_bytes: u64,
    /// Messages that left their queues unconsumed: for the metrics.
    pub burials: Burials,
    /// Makes new messages.
    pub packer: Packer,
}

impl Effects {
    /// Note an event, if anybody listens; the closure is not run otherwise.
    pub fn record(&mut self, event: impl FnOnce() -> Event) {
        if self.recording {
            self.events.push(event());
        }
    }

    /// Note a change and who made it, if anybody wants to know.
    pub fn note(&mut self, change: impl FnOnce(&str) -> Change) {
        if self.noting {
            let by = self.actor.as_deref().unwrap_or(INTERNAL_USER);
            self.events.push(Event::Changed(change(by)));
        }
    }
}

impl Effects {
    /// Do what was left to do within `vhost`; deadlines and events stay for the broker.
    pub(super) fn settle(&mut self, vhost: &VirtualHost, now: Tick) {
        loop {
            if let Some(dead) = self.dead.pop_front() {
                dead_letter::publish_dead(vhost, dead, now, self);
            } else if let Some(post) = self.posts.pop_front() {
                publish_post(vhost, &post, now, self);
            } else if let Some(queue) = self.gone.pop() {
                self.drop_queue(vhost, &queue, now);
            } else if let Some(parked) = self.resume.pop() {
                parked.queue.resume(parked.consumer, now, self);
            } else if let Some(outlet) = self.flush.pop() {
                outlet.flush(&mut self.resume);
            } else {
                return;
            }
        }
    }

    /// It was unused when it was noted; a new consumer may have come since.
    fn drop_queue(&mut self, vhost: &VirtualHost, queue: &Arc<Queue>, now: Tick) {
        if queue.is_unused(now) {
            // Without a condition it cannot be refused.
            let _ = vhost.delete_queue(queue, CloseIf::default(), self);
        }
    }
}
