//! Why what waits is not consumed, and what would become of a message. Nothing changes by asking.

use std::sync::Arc;

use super::super::message::Message;
use super::super::outlet::Room;
use super::consumers::Consumer;
use super::settings::Overflow;
use super::state::State;
use super::stats::ConsumerView;
use super::{Queue, QueueKind};

/// Why a consumer gets nothing now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hindrance {
    /// It would.
    Nothing,
    /// Another one is the single active consumer.
    Inactive,
    /// It was too late with a delivery, and has settled none of those since.
    Late,
    /// It has as many unacknowledged deliveries as it may.
    Prefetch {
        /// How many it may have.
        limit: u16,
        /// How many it has.
        in_flight: u32,
    },
    /// Its channel or connection takes no more.
    Outlet(Room),
}

/// What would become of a message that came now.
#[derive(Clone, Debug, PartialEq)]
pub enum Foresight {
    /// This consumer would get it at once: its tag and its connection.
    Delivered(String, String),
    /// It would wait behind so many.
    Waits(u64),
    /// It would come in, and others be dropped.
    DropsOthers,
    /// The queue would refuse it for its length.
    Refused,
    /// It would expire before anybody could get it.
    Expires,
    /// Its like is in the queue.
    Duplicate,
    /// It would be appended to the stream.
    Appended,
    /// The queue is gone.
    Gone,
}

impl Queue {
    /// Its consumers, each with why it gets nothing now. Locks: queue, then the egress of each.
    pub fn hindrances(&self) -> Vec<(ConsumerView, Hindrance)> {
        let state = self.state.lock();
        let all = state.consumers.iter();
        all.map(|one| (state.view_of(one), state.hindrance(one)))
            .collect()
    }

    /// What would become of this message.
    pub fn foresee(&self, message: &Message) -> Foresight {
        let mut state = self.state.lock();
        if state.closed {
            return Foresight::Gone;
        }
        if self.kind == QueueKind::Stream {
            return Foresight::Appended;
        }
        if state.marks.as_ref().is_some_and(|it| it.has(message)) {
            return Foresight::Duplicate;
        }
        if state.refuses(message.bytes()) {
            return Foresight::Refused;
        }
        state.foresee(message)
    }
}

impl State {
    fn hindrance(&self, consumer: &Consumer) -> Hindrance {
        let (spec, in_flight) = (&consumer.spec, consumer.in_flight);
        if consumer.is_suspended() {
            return Hindrance::Late;
        }
        if !self.consumers.is_active(consumer) {
            return Hindrance::Inactive;
        }
        if spec.prefetch != 0 && in_flight >= u32::from(spec.prefetch) {
            let limit = spec.prefetch;
            return Hindrance::Prefetch { limit, in_flight };
        }
        match spec.outlet.room(spec.channel) {
            Room::Free => Hindrance::Nothing,
            room => Hindrance::Outlet(room),
        }
    }

    fn foresee(&self, message: &Message) -> Foresight {
        let ready = self.ready.tally();
        let is_free = |one: &&Consumer| self.hindrance(one) == Hindrance::Nothing;
        let next = self.consumers.next().map(|(key, _)| key);
        let next = self.consumers.iter().find(|one| Some(one.key) == next);
        if let Some(one) = next.filter(is_free).filter(|_| ready.messages == 0) {
            let origin: &Arc<_> = &one.spec.origin;
            let connection = origin.connection.to_string();
            return Foresight::Delivered(one.spec.tag.to_string(), connection);
        }
        let ttls = [self.settings.message_ttl_ms, message.facts.expiration_ms];
        if ttls.into_iter().flatten().min() == Some(0) {
            return Foresight::Expires;
        }
        let (messages, bytes) = (ready.messages + 1, ready.bytes + message.bytes());
        let drops = self.settings.overflow == Overflow::DropHead;
        match drops && self.settings.is_exceeded_by(messages, bytes) {
            true => Foresight::DropsOthers,
            false => Foresight::Waits(ready.messages),
        }
    }
}
