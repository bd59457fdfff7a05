//! From a routed message to its queues.

use std::sync::Arc;

use super::alarm;
use super::effects::Effects;
use super::message::Message;
use super::queue::{Enqueued, Queue};
use super::tick::Tick;

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
    fx.arrived_bytes += alarm::held(queues.len() as u64, 0) + message.bytes() * queues.len() as u64;
    for queue in queues {
        match queue.publish(message, now, fx) {
            Enqueued::Taken => outcome.routed = true,
            Enqueued::Refused => outcome.overflowed = true,
            Enqueued::Gone => {}
        }
    }
    outcome
}
