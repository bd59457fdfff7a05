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

use super::event::{Control, Event, Fault};
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
    ) -> Result<Option<Event<'a>>, Fault> {
        let channel = frame.channel;
        match self.state {
            State::Header | State::Start | State::Tune => self.on_early_frame(frame, now),
            State::Open if channel != 0 => Err(unexpected(frame)),
            State::Closing => Ok(closing(frame)),
            State::Open | State::Running if !is_known(frame) => {
                Err(self.broken(dump::error(frame.kind, frame.payload, "unknown_frame")))
            }
            State::Open | State::Running => match (frame.kind, channel) {
                (HEARTBEAT, 0) => Ok(None),
                (METHOD, 0) => self.on_connection_frame(frame, now),
                (HEARTBEAT, _) | (_, 0) => Err(unexpected(frame)),
                (METHOD, _) => self.on_channel_method(frame),
                _ => self.on_content(frame),
            },
        }
    }

    /// Before the limits are agreed on, nothing but the next step is answered.
    fn on_early_frame<'a>(
        &mut self,
        frame: Frame<'a>,
        now: Instant,
    ) -> Result<Option<Event<'a>>, Fault> {
        match (frame.kind, frame.channel) {
            _ if !is_known(frame) => Err(Fault::Hangup),
            (HEARTBEAT, 0) => Ok(None),
            (METHOD, 0) => self.on_connection_frame(frame, now),
            _ => Err(Fault::Hangup),
        }
    }

    fn on_connection_frame<'a>(
        &mut self,
        frame: Frame<'_>,
        now: Instant,
    ) -> Result<Option<Event<'a>>, Fault> {
        let method = self.decode(frame)?;
        let control = self.on_connection_method(method, now)?;
        Ok(Some(Event::Control(control)))
    }

    fn on_connection_method(&mut self, method: Method, now: Instant) -> Result<Control, Fault> {
        let ids = method.ids();
        Ok(match (self.state, method) {
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
            (State::Open, _) => return Err(unexpected_method("opening", ids)),
            (State::Running, _) => return Err(unexpected_method("running", ids)),
            _ => return Err(Fault::Hangup),
        })
    }

    /// Decode a method; what cannot be has different consequences for different faults.
    pub(super) fn decode(&self, frame: Frame<'_>) -> Result<Method, Fault> {
        let payload = frame.payload;
        let is_running = self.state == State::Running;
        Method::decode(payload).map_err(|error| match error {
            DecodeError::UnknownMethod(..)
            | DecodeError::UnknownType(_)
            | DecodeError::MalformedTable
            | DecodeError::NotFinite => Fault::Hangup,
            DecodeError::MalformedUtf8 if is_running || self.state == State::Open => {
                let exception = Exception::new(ReplyCode::FRAME_ERROR, error.to_string());
                let (class_id, method_id) = ids(payload);
                Fault::Exception(match frame.channel {
                    0 => exception.on(class_id, method_id),
                    _ => exception,
                })
            }
            _ if !is_running => Fault::Hangup,
            _ if frame.channel == 0 => {
                Fault::Exception(Exception::new(ReplyCode::INTERNAL_ERROR, ""))
            }
            _ => cannot_decode(payload),
        })
    }
}

/// Whether it is of a type that is known, and of its form.
fn is_known(frame: Frame<'_>) -> bool {
    let len = frame.payload.len();
    match frame.kind {
        METHOD => len >= 4,
        HEADER => len >= 12,
        BODY => true,
        HEARTBEAT => len == 0,
        _ => false,
    }
}

fn unexpected_method(state: &str, (class_id, method_id): (u16, u16)) -> Fault {
    let text = format!("unexpected method in connection state {state}");
    Fault::Exception(Exception::new(ReplyCode::CHANNEL_ERROR, text).on(class_id, method_id))
}

/// Class and method id.
fn ids(payload: &[u8]) -> (u16, u16) {
    match *payload {
        [a, b, c, d, ..] => (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])),
        _ => (0, 0),
    }
}

fn cannot_decode(payload: &[u8]) -> Fault {
    let (class_id, method_id) = ids(payload);
    let arguments = payload.get(4..).unwrap_or_default();
    let text = format!("cannot decode {}", dump::octets(arguments));
    Fault::Exception(Exception::new(ReplyCode::FRAME_ERROR, text).on(class_id, method_id))
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
