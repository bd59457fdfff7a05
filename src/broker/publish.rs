//! From a routed message to its queues.

use std::sync::Arc;

use super::alarm;
use super::effects::Effects;
use super::event::Event;
use super::exchange::{Destination, route};
use super::message::Message;
use super::name::Name;
use super::queue::{Enqueued, Queue};
use super::tick::Tick;
use super::vhost::VirtualHost;

/// What became of a publish.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// At least one queue took it.
    pub routed: bool,
    /// At least one queue refused it for its length: the publisher gets `basic.nack`.
    pub overflowed: bool,
    /// A stream could not hold it: the connection fails.
    pub failed: bool,
}

/// A message to be published once no lock is held: it was delayed, or is history to a new
/// binding, or the broker's own.
#[derive(Debug)]
pub struct Post {
    /// The queue, or where routing begins.
    pub to: Destination,
    /// The message.
    pub message: Arc<Message>,
    /// Further routing keys.
    pub extra_keys: Vec<Name>,
}

/// Publish what was put off. No lock is held on entry.
pub(super) fn publish_post(vhost: &VirtualHost, post: &Post, now: Tick, fx: &mut Effects) {
    let queues = match &post.to {
        Destination::Queue(queue) => vec![Arc::clone(queue)],
        Destination::Exchange(exchange) => {
            route(vhost, exchange, &post.message, &post.extra_keys, now, fx).queues
        }
    };
    publish(&queues, &post.message, now, fx);
}

/// Offer `message` to each queue.
pub fn publish(
    queues: &[Arc<Queue>],
    message: &Arc<Message>,
    now: Tick,
    fx: &mut Effects,
) -> Outcome {
    let mut outcome = Outcome::default();
    fx.arrived_bytes += alarm::held(queues.len() as u64, 0) + message.bytes() * queues.len() as u64;
    for queue in queues {
        match queue.publish(message, now, fx) {
            Enqueued::Taken => {
                outcome.routed = true;
                fx.record(|| queue.event(|vhost, queue| Event::Arrived { vhost, queue }));
            }
            Enqueued::Refused => outcome.overflowed = true,
            Enqueued::Failed => outcome.failed = true,
            Enqueued::Gone => {}
        }
    }
    outcome
}
