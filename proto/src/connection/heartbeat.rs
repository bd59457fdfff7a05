//! Heartbeats: two deadlines (AMQP 0-9-1, 4.2.7).

use std::time::{Duration, Instant};

/// Off until tuned to some seconds.
#[derive(Debug, Default)]
pub(super) struct Heartbeat {
    seconds: u16,
    last_sent: Option<Instant>,
    last_received: Option<Instant>,
}

impl Heartbeat {
    pub(super) fn new(seconds: u16, now: Instant) -> Self {
        let last = (seconds > 0).then_some(now);
        Self {
            seconds,
            last_sent: last,
            last_received: last,
        }
    }

    pub(super) const fn seconds(&self) -> u16 {
        self.seconds
    }

    pub(super) fn received(&mut self, now: Instant) {
        if self.seconds > 0 {
            self.last_received = Some(now);
        }
    }

    /// Nothing is read for a while, so silence means nothing until the next byte.
    pub(super) fn pause(&mut self) {
        self.last_received = None;
    }

    pub(super) fn sent(&mut self, now: Instant) {
        if self.seconds > 0 {
            self.last_sent = Some(now);
        }
    }

    /// Half the time without a byte sent: one must go out.
    fn send_at(&self) -> Option<Instant> {
        self.last_sent
            .map(|last| last + Duration::from_secs(self.seconds.into()) / 2)
    }

    /// Twice the time without a byte received: the client is gone.
    fn silent_at(&self) -> Option<Instant> {
        self.last_received
            .map(|last| last + Duration::from_secs(self.seconds.into()) * 2)
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        self.send_at().into_iter().chain(self.silent_at()).min()
    }

    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.send_at().is_some_and(|at| at <= now)
    }

    pub(super) fn is_silent(&self, now: Instant) -> bool {
        self.silent_at().is_some_and(|at| at <= now)
    }
}
