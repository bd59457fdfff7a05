//! What both sides agree on before a connection runs: protocol header, limits, heartbeat.

use std::time::{Duration, Instant};

use super::Connection;
use super::event::{Control, Event, Failure, Fault, Step};
use super::heartbeat::Heartbeat;
use super::state::State;
use crate::method::connection;

/// The protocol header that is ours.
pub(super) const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";
/// AMQP 0-9 spelt as its first servers did; RabbitMQ takes it.
const OLD_HEADER: &[u8; 8] = b"AMQP\x01\x01\x00\x09";

/// Fewest channels a client may choose.
const CHANNEL_MAX_MIN: u32 = 1;

/// What is offered and demanded.
#[derive(Clone, Debug)]
pub struct Config {
    /// Most channels; 0 is no limit.
    pub channel_max: u16,
    /// Largest frame offered; 0 is no limit.
    pub frame_max: u32,
    /// Smallest a client may choose.
    pub frame_max_min: u32,
    /// Seconds offered.
    pub heartbeat: u16,
    /// Largest frame before tuning.
    pub handshake_frame_max: u32,
    /// Protocol id and version answered to any other header.
    pub header_answer: [u8; 4],
    /// Longest handshake.
    pub handshake_timeout: Duration,
    /// Largest message body.
    pub message_bytes_max: u64,
    /// A body longer than declared is 501 (else 505).
    pub long_body_is_frame_error: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            channel_max: 2047,
            frame_max: 131_072,
            frame_max_min: 8192,
            heartbeat: 60,
            handshake_frame_max: 8192,
            header_answer: [3, 1, 0, 0],
            handshake_timeout: Duration::from_secs(10),
            message_bytes_max: 16 * 1024 * 1024,
            long_body_is_frame_error: true,
        }
    }
}

impl Connection {
    pub(super) fn protocol_header<'a>(&mut self, input: &[u8]) -> Result<Step<'a>, Failure> {
        let Some(header) = input.first_chunk::<{ PROTOCOL_HEADER.len() }>() else {
            return Ok(Step {
                consumed: 0,
                event: None,
            });
        };
        if header != PROTOCOL_HEADER && header != OLD_HEADER {
            let [a, b, c, d] = match header {
                // Another revision of our own protocol.
                [b'A', b'M', b'Q', b'P', 0, 0, 9, _] => [0, 0, 9, 1],
                _ => self.config.header_answer,
            };
            return Err(Failure::Hangup {
                answer: Some([b'A', b'M', b'Q', b'P', a, b, c, d]),
            });
        }
        self.state = State::Start;
        Ok(Step {
            consumed: header.len(),
            event: Some(Event::Control(Control::Header)),
        })
    }

    pub(super) fn tune(
        &mut self,
        asked: &connection::TuneOk,
        now: Instant,
    ) -> Result<Control, Fault> {
        let Config {
            channel_max,
            frame_max,
            frame_max_min,
            ..
        } = self.config;
        if !agrees(
            asked.channel_max.into(),
            CHANNEL_MAX_MIN,
            channel_max.into(),
        ) || !agrees(asked.frame_max, frame_max_min, frame_max)
        {
            return Err(Fault::Hangup);
        }
        (self.channel_max, self.frame_max) = (asked.channel_max, asked.frame_max);
        self.heartbeat = Heartbeat::new(asked.heartbeat, now);
        self.state = State::Open;
        let &connection::TuneOk {
            channel_max,
            frame_max,
            heartbeat,
        } = asked;
        Ok(Control::TuneOk {
            channel_max,
            frame_max,
            heartbeat,
        })
    }
}

/// RabbitMQ's rule for both limits: no less than the least, no more than was offered. Zero is no
/// limit, which a client may choose only where none was offered.
const fn agrees(asked: u32, least: u32, offered: u32) -> bool {
    match (asked, offered) {
        (0, _) => offered == 0,
        (_, 0) => asked >= least,
        _ => asked >= least && asked <= offered,
    }
}
