//! The states of a connection, and what a frame does in each.
//!
//! ```text
//!           8 bytes ok          start-ok           tune-ok            open
//! [Header] ───────────▶ [Start] ────────▶ [Tune] ────────▶ [Open] ────────▶ [Running]
//!     │ other               │ wrong frame    │ limits refused  │ refused        │ exception
//!     ▼ send ours           ▼                ▼                 ▼                ▼ or close
//!  hang up               hang up          hang up          [Closing] ◀─────────┘
//!                                                              │ close-ok or timeout
//!                                                              ▼ hang up
//! channel n:  free ─ open ─▶ open ─ exception: send close ─▶ closing (drops all but close,
//!             close-ok) ─▶ free
//! content:    idle ─ basic.publish ─▶ header? ─ header ─▶ body? (n left) ─ n = 0 ─▶ idle
//! ```

use std::time::Instant;

use super::event::{Control, Event, Failure, HANGUP};
use super::frame::{Frame, unexpected};
use super::{Connection, dump};
use crate::code::ReplyCode;
use crate::exception::Exception;
use crate::frame::{BODY, HEADER, HEARTBEAT, METHOD};
use crate::method::Method;
use crate::parse::DecodeError;

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Header,
    Start,
    Tune,
    Open,
    Running,
    Closing,
}

impl Connection {
    pub(super) fn on_frame<'a>(
        &'a mut self,
        frame: Frame<'a>,
        now: Instant,
    ) -> Result<Option<Event<'a>>, Failure> {
        if self.state == State::Closing {
            return Ok(closing(frame));
        }
        match (frame.kind, frame.channel) {
            (HEARTBEAT, 0) if frame.payload.is_empty() => Ok(None),
            (HEARTBEAT, _) if frame.payload.is_empty() => Err(unexpected(frame)),
            (METHOD, _) if frame.payload.len() >= 4 => self.on_method(frame, now),
            (HEADER | BODY, 0) => Err(unexpected(frame)),
            (HEADER | BODY, _) if self.state == State::Running => self.on_content(frame),
            (HEADER | BODY, _) => Err(HANGUP),
            (kind, _) => Err(self.broken(dump::error(kind, frame.payload, "unknown_frame"))),
        }
    }

    fn on_method<'a>(
        &'a mut self,
        frame: Frame<'a>,
        now: Instant,
    ) -> Result<Option<Event<'a>>, Failure> {
        let channel = frame.channel;
        if channel != 0 && self.state == State::Running {
            return self.on_channel_method(frame);
        }
        if channel != 0 {
            return Err(if self.state == State::Open {
                unexpected(frame)
            } else {
                HANGUP
            });
        }
        let method = self.decode(frame.payload)?;
        self.on_connection_method(method, now)
            .map(|control| control.map(Event::Control))
    }

    fn on_connection_method(
        &mut self,
        method: Method,
        now: Instant,
    ) -> Result<Option<Control>, Failure> {
        let (class_id, method_id) = method.ids();
        Ok(Some(match (self.state, method) {
            (State::Start, Method::ConnectionStartOk(it)) => {
                self.state = State::Tune;
                Control::StartOk(it)
            }
            (State::Tune, Method::ConnectionTuneOk(it)) => self.tune(&it, now)?,
            (State::Open, Method::ConnectionOpen(it)) => Control::Open {
                vhost: it.virtual_host,
            },
            (State::Open | State::Running, Method::ConnectionClose(it)) => Control::Close(it),
            (State::Running, Method::ConnectionUpdateSecret(it)) => Control::UpdateSecret(it),
            (State::Running, _) => {
                let text = "unexpected method in connection state running";
                let exception = Exception::new(ReplyCode::CHANNEL_ERROR, text);
                return Err(Failure::Exception(exception.on(class_id, method_id)));
            }
            _ => return Err(HANGUP),
        }))
    }

    /// Decode a method; what cannot be has different consequences for different faults.
    pub(super) fn decode(&self, payload: &[u8]) -> Result<Method, Failure> {
        let is_running = matches!(self.state, State::Open | State::Running);
        Method::decode(payload).map_err(|error| match error {
            _ if !is_running => HANGUP,
            DecodeError::UnknownMethod(..)
            | DecodeError::UnknownType(_)
            | DecodeError::MalformedTable
            | DecodeError::NotFinite => HANGUP,
            DecodeError::MalformedUtf8 => {
                Failure::Exception(Exception::new(ReplyCode::FRAME_ERROR, error.to_string()))
            }
            DecodeError::Truncated
            | DecodeError::Trailing
            | DecodeError::TooDeep
            | DecodeError::TooManyValues => cannot_decode(payload),
        })
    }
}

fn cannot_decode(payload: &[u8]) -> Failure {
    let (class_id, method_id, arguments) = match payload {
        [a, b, c, d, arguments @ ..] => {
            let ids = [[*a, *b], [*c, *d]].map(u16::from_be_bytes);
            (ids[0], ids[1], arguments)
        }
        _ => (0, 0, payload),
    };
    let text = format!("cannot decode {}", dump::octets(arguments));
    Failure::Exception(Exception::new(ReplyCode::FRAME_ERROR, text).on(class_id, method_id))
}

fn closing<'a>(frame: Frame<'_>) -> Option<Event<'a>> {
    if frame.kind != METHOD || frame.channel != 0 {
        return None;
    }
    match Method::decode(frame.payload) {
        Ok(Method::ConnectionClose(it)) => Some(Event::Control(Control::Close(it))),
        Ok(Method::ConnectionCloseOk(_)) => Some(Event::Control(Control::CloseOk)),
        _ => None,
    }
}
