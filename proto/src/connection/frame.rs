//! Frames off the front of the input (AMQP 0-9-1, 4.2.3).

use super::event::Fault;
use super::negotiate::PROTOCOL_HEADER;
use super::state::State;
use super::{Connection, dump};
use crate::code::ReplyCode;
use crate::exception::Exception;
use crate::frame::{END, HEAD, METHOD, OVERHEAD};
use crate::method::Method;

/// Largest payload where no limit was agreed on: one has to be.
const UNLIMITED_BYTES: usize = 128 * 1024 * 1024;

/// A frame in the input.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame<'a> {
    pub(super) kind: u8,
    pub(super) channel: u16,
    pub(super) payload: &'a [u8],
}

impl Connection {
    /// Largest payload taken; RabbitMQ forgives the eight octets around it.
    pub(super) fn payload_max(&self) -> usize {
        match self.state {
            State::Header | State::Start | State::Tune => self.config.handshake_frame_max as usize,
            State::Open | State::Running | State::Closing if self.frame_max == 0 => UNLIMITED_BYTES,
            State::Open | State::Running | State::Closing => self.frame_max as usize,
        }
    }

    /// How many bytes the next frame has in all, as far as its head tells.
    pub fn wanted(&self, input: &[u8]) -> usize {
        if self.state == State::Header {
            return PROTOCOL_HEADER.len();
        }
        let size = input.first_chunk::<HEAD>().map(|head| {
            let &[_, _, _, a, b, c, d] = head;
            u32::from_be_bytes([a, b, c, d]) as usize
        });
        size.map_or(HEAD, |size| size.min(self.payload_max()) + OVERHEAD)
    }

    /// Whether a `basic.publish` comes next in `input`.
    pub fn is_publish_next(&self, input: &[u8]) -> bool {
        self.state == State::Running
            && input.first() == Some(&METHOD)
            && input.get(HEAD..HEAD + 4) == Some(&[0, 60, 0, 40])
    }

    /// The method at the front of `input`, if it is there whole. Nothing is taken: this is for a
    /// look ahead.
    pub fn peek_method(&self, input: &[u8]) -> Option<(u16, Method)> {
        let &[kind, high, low, a, b, c, d] = input.first_chunk::<HEAD>()?;
        if self.state == State::Header || kind != METHOD {
            return None;
        }
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        let payload = input.get(HEAD..)?.get(..size)?;
        let method = Method::decode(payload).ok()?;
        Some((u16::from_be_bytes([high, low]), method))
    }

    pub(super) fn split<'a>(&self, input: &'a [u8]) -> Result<Option<Frame<'a>>, Fault> {
        let Some([kind, high, low, a, b, c, d]) = input.first_chunk::<HEAD>().copied() else {
            return Ok(None);
        };
        let size = u32::from_be_bytes([a, b, c, d]) as usize;
        if size > self.payload_max() {
            let max = self.payload_max().saturating_sub(OVERHEAD);
            return Err(self.broken(dump::error(
                kind,
                &[],
                &format!("{{frame_too_large,{size},{max}}}"),
            )));
        }
        let (Some(payload), Some(end)) = (input.get(HEAD..HEAD + size), input.get(HEAD + size))
        else {
            return Ok(None);
        };
        if *end != END {
            return Err(self.broken(dump::bad_end(kind, payload, *end)));
        }
        Ok(Some(Frame {
            kind,
            channel: u16::from_be_bytes([high, low]),
            payload,
        }))
    }

    /// A frame that cannot be: before the connection runs there is no answer to it.
    pub(super) fn broken(&self, text: String) -> Fault {
        match self.state {
            State::Running | State::Open => {
                Fault::Exception(Exception::new(ReplyCode::FRAME_ERROR, text))
            }
            _ => Fault::Hangup,
        }
    }
}

/// A frame that may not come here.
pub(super) fn unexpected(frame: Frame<'_>) -> Fault {
    let text = format!("type {}, {}", frame.kind, dump::which_octets(frame.payload));
    Fault::Exception(Exception::new(ReplyCode::UNEXPECTED_FRAME, text))
}
