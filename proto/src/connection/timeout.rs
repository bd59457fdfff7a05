//! What comes by itself with time: heartbeats, and the end of patience.

use std::time::Instant;

use super::Connection;
use super::event::Timeout;
use super::state::State;
use crate::outbuf::Outbuf;

impl Connection {
    /// When to call [`Connection::handle_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        let beat = self.heartbeat.deadline();
        self.deadline.into_iter().chain(beat).min()
    }

    /// A deadline may have come.
    pub fn handle_timeout(&mut self, now: Instant, out: &mut Outbuf) -> Timeout {
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            self.deadline = None;
            return match self.state {
                State::Closing => Timeout::CloseExpired,
                _ => Timeout::HandshakeExpired,
            };
        }
        if self.heartbeat.is_silent(now) {
            return Timeout::PeerSilent;
        }
        if self.heartbeat.is_due(now) {
            self.heartbeat.sent(now);
            out.put_heartbeat();
            return Timeout::SentHeartbeat;
        }
        Timeout::None
    }

    /// Bytes went out: the next heartbeat can wait.
    pub fn on_bytes_sent(&mut self, now: Instant) {
        self.heartbeat.sent(now);
    }

    /// Nothing will be read for a while: the client cannot be found silent until
    /// [`Connection::resume_reading`].
    pub fn pause_reading(&mut self) {
        self.heartbeat.pause();
    }

    /// Reading goes on: the client has its full time again.
    pub fn resume_reading(&mut self, now: Instant) {
        self.heartbeat.received(now);
    }
}
