//! The memory alarm as one connection feels it: at its next publish it is no longer read from, until
//! the alarm is over. A connection that only consumes goes on.

use std::sync::atomic::Ordering;

use leveret_proto::method::{Method, connection};

use super::Session;

/// The reason told to clients, as RabbitMQ words it.
const REASON: &str = "low on memory";

/// How a connection stands to the alarm.
#[derive(Debug, Default)]
pub(super) struct Throttle {
    /// The alarm was on at the beginning of this read.
    pub(super) alarmed: bool,
    /// It is not read from.
    blocked: bool,
}

impl Session {
    /// Whether no more may be read from the socket: what the client sends waits there.
    pub fn is_blocked(&self) -> bool {
        self.core.throttle.blocked && self.machine.is_open()
    }

    /// Whether to stop before the frame at the front of `input`. The message waits, too.
    pub(super) fn is_blocked_before(&mut self, input: &[u8]) -> bool {
        let throttle = &self.core.throttle;
        if throttle.alarmed && !throttle.blocked && self.machine.is_publish_next(input) {
            self.block();
        }
        self.is_blocked()
    }

    /// Another alarm may have begun meanwhile; then it is still blocked.
    pub(super) fn on_alarm_ended(&mut self) {
        let throttle = &self.core.throttle;
        if throttle.blocked && !throttle.alarmed {
            self.unblock();
        }
    }

    fn block(&mut self) {
        self.machine.pause_reading();
        self.set_blocked(true);
        let reason = REASON.into();
        self.tell(&Method::ConnectionBlocked(connection::Blocked { reason }));
    }

    fn unblock(&mut self) {
        self.machine.resume_reading(self.core.now.instant);
        self.set_blocked(false);
        self.tell(&Method::ConnectionUnblocked(connection::Unblocked {}));
    }

    fn set_blocked(&mut self, blocked: bool) {
        self.core.throttle.blocked = blocked;
        if let Some(open) = &self.core.open {
            open.info.blocked.store(blocked, Ordering::Relaxed);
        }
    }

    /// Only a client that says it understands is told.
    fn tell(&self, method: &Method) {
        if self
            .core
            .open
            .as_ref()
            .is_some_and(|open| open.named_blocked)
        {
            self.core.send(0, method);
        }
    }
}
