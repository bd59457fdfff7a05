//! From a routed message to its queues, and from dead messages back to an exchange.

use std::sync::Arc;

use super::effects::{Dead, Effects};
use super::exchange::route;
use super::message::{Message, Parts};
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
}

/// Offer `message` to each queue.
pub fn publish(
    queues: &[Arc<Queue>],
    message: &Arc<Message>,
    now: Tick,
    fx: &mut Effects,
) -> Outcome {
    let mut outcome = Outcome::default();
    for queue in queues {
        match queue.publish(message, now, fx) {
            Enqueued::Taken => outcome.routed = true,
            Enqueued::Refused => outcome.overflowed = true,
            Enqueued::Gone => {}
        }
    }
    outcome
}

/// Publish a dead message to its queue's dead-letter exchange. One that does not exist swallows
/// it, as RabbitMQ's does.
pub(super) fn dead_letter(vhost: &VirtualHost, dead: &Dead, now: Tick, fx: &mut Effects) {
    let settings = dead.queue.settings();
    let Some(exchange) = settings.dead_letter_exchange.as_deref() else {
        return;
    };
    let Some(exchange) = vhost.exchanges.get(exchange) else {
        return;
    };
    let message = &dead.message;
    let routing_key = settings
        .dead_letter_routing_key
        .as_deref()
        .unwrap_or(message.routing_key());
    let parts = Parts {
        exchange: exchange.name(),
        routing_key,
        properties: message.properties(),
    };
    let message = message.rewritten(&mut fx.packer, parts, now);
    let headers = message.headers();
    let route = route(vhost, &exchange, routing_key, Some(&headers));
    publish(&route.queues, &Arc::new(message), now, fx);
}
