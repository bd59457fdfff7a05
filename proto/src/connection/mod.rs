//! [`Connection`]: the server side of an AMQP connection. Bytes go in, events come out; time is
//! handed in, and what is to be sent is written into an [`Outbuf`] by the `send_*` functions.
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

mod channels;
mod dump;
mod heartbeat;
mod publish;

use std::time::{Duration, Instant};

use bytes::Bytes;

use self::channels::{Channels, Phase};
use self::heartbeat::Heartbeat;
pub use self::publish::{Body, Publish};
use crate::code::ReplyCode;
use crate::exception::Exception;
use crate::frame::{BODY, END, HEAD, HEADER, HEARTBEAT, METHOD, OVERHEAD};
use crate::method::{Method, channel, connection};
use crate::outbuf::Outbuf;
use crate::parse::DecodeError;
use crate::value::{FieldTable, ShortString};

/// The protocol header that is ours.
const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";
/// AMQP 0-9 spelt as its first servers did; RabbitMQ takes it.
const OLD_HEADER: &[u8; 8] = b"AMQP\x01\x01\x00\x09";
/// How long a client may take to answer our `connection.close`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// What is offered and demanded.
#[derive(Clone, Debug)]
pub struct Config {
    /// Most channels.
    pub channel_max: u16,
    /// Largest frame offered.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Start,
    Tune,
    Open,
    Running,
    Closing,
}

/// See the module.
#[derive(Debug)]
pub struct Connection {
    config: Config,
    state: State,
    channels: Channels,
    channel_max: u16,
    frame_max: u32,
    heartbeat: Heartbeat,
    /// End of the handshake or of our patience with a closing client.
    deadline: Option<Instant>,
}

/// One step of [`Connection::next_event`]. With no byte consumed, more are needed.
#[derive(Debug)]
pub struct Step<'a> {
    /// Bytes used off the front.
    pub consumed: usize,
    /// What they amount to, if anything.
    pub event: Option<Event<'a>>,
}

/// What a client did.
#[derive(Debug)]
pub enum Event<'a> {
    /// It published a message.
    Publish(Publish<'a>),
    /// Anything else.
    Control(Control),
}

/// What a client did, other than publish.
#[derive(Debug)]
#[allow(missing_docs, reason = "fields are named as in the specification")]
pub enum Control {
    /// The protocol header: answer with `send_start`.
    Header,
    /// It logs in: answer with `send_tune` or close.
    StartOk(connection::StartOk),
    /// It answers a challenge.
    SecureOk(Bytes),
    /// It agreed to limits, which hold from now on.
    TuneOk {
        channel_max: u16,
        frame_max: u32,
        heartbeat: u16,
    },
    /// It picks a virtual host: answer with `send_open_ok` or close.
    Open { vhost: ShortString },
    /// It renews its credentials.
    UpdateSecret(connection::UpdateSecret),
    /// It opened a channel: answer with `send_channel_open_ok`.
    ChannelOpen { channel: u16 },
    /// It closed a channel: answer with `send_channel_close_ok`.
    ChannelClose { channel: u16 },
    /// It answered our close: the number is free.
    ChannelCloseOk { channel: u16 },
    /// A method on an open channel.
    Method { channel: u16, method: Method },
    /// It published more than is allowed; the body was dropped.
    TooLarge { channel: u16, size: u64 },
    /// It closes: answer with `send_connection_close_ok`.
    Close(connection::Close),
    /// It answered our close: hang up.
    CloseOk,
}

impl Control {
    /// The channel it concerns, else 0.
    pub const fn channel(&self) -> u16 {
        match self {
            Self::ChannelOpen { channel }
            | Self::ChannelClose { channel }
            | Self::ChannelCloseOk { channel }
            | Self::Method { channel, .. }
            | Self::TooLarge { channel, .. } => *channel,
            _ => 0,
        }
    }
}

/// What ends a connection from the inside.
#[derive(Debug)]
pub enum Failure {
    /// Say why, then close.
    Exception(Exception),
    /// Close the socket, having sent the answer if there is one.
    Hangup {
        /// Our protocol header, for a client that speaks another protocol.
        answer: Option<[u8; 8]>,
    },
}

const HANGUP: Failure = Failure::Hangup { answer: None };

/// What a deadline meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Nothing yet.
    None,
    /// A heartbeat was written.
    SentHeartbeat,
    /// The client never finished its handshake.
    HandshakeExpired,
    /// The client fell silent.
    PeerSilent,
    /// The client never answered our close.
    CloseExpired,
}

/// A frame in the input.
#[derive(Clone, Copy, Debug)]
struct Frame<'a> {
    kind: u8,
    channel: u16,
    payload: &'a [u8],
}

impl Connection {
    /// A connection that has seen no byte.
    pub fn new(config: Config, now: Instant) -> Self {
        Self {
            state: State::Header,
            channels: Channels::default(),
            channel_max: config.channel_max,
            frame_max: config.frame_max,
            heartbeat: Heartbeat::default(),
            deadline: Some(now + config.handshake_timeout),
            config,
        }
    }

    /// Take one event off the front of `input`.
    pub fn next_event<'a>(
        &'a mut self,
        input: &'a [u8],
        now: Instant,
    ) -> Result<Step<'a>, Failure> {
        self.heartbeat.received(now);
        if self.state == State::Running
            && let Some(whole) =
                publish::whole(input, self.payload_max(), self.config.message_bytes_max)
            && self.channels.is_idle(whole.publish.channel)
        {
            let event = Some(Event::Publish(whole.publish));
            return Ok(Step {
                consumed: whole.consumed,
                event,
            });
        }
        if self.state == State::Header {
            return self.protocol_header(input);
        }
        let Some(frame) = self.split(input)? else {
            return Ok(Step {
                consumed: 0,
                event: None,
            });
        };
        let consumed = frame.payload.len() + OVERHEAD;
        let event = self.on_frame(frame, now)?;
        Ok(Step { consumed, event })
    }

    fn protocol_header<'a>(&mut self, input: &[u8]) -> Result<Step<'a>, Failure> {
        let Some(header) = input.first_chunk::<8>() else {
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
            consumed: 8,
            event: Some(Event::Control(Control::Header)),
        })
    }

    /// Largest payload taken; RabbitMQ forgives the eight octets around it.
    fn payload_max(&self) -> usize {
        match self.state {
            State::Header | State::Start | State::Tune => self.config.handshake_frame_max as usize,
            State::Open | State::Running | State::Closing => self.frame_max as usize,
        }
    }

    /// How many bytes the next frame has in all, as far as its head tells.
    pub fn wanted(&self, input: &[u8]) -> usize {
        let size = input
            .get(3..HEAD)
            .and_then(|raw| raw.try_into().ok())
            .map(u32::from_be_bytes);
        size.map_or(HEAD, |size| {
            (size as usize).min(self.payload_max()) + OVERHEAD
        })
    }

    fn split<'a>(&self, input: &'a [u8]) -> Result<Option<Frame<'a>>, Failure> {
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
    fn broken(&self, text: String) -> Failure {
        match self.state {
            State::Running | State::Open => {
                Failure::Exception(Exception::new(ReplyCode::FRAME_ERROR, text))
            }
            _ => HANGUP,
        }
    }

    fn on_frame<'a>(
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
            (State::Tune, Method::ConnectionSecureOk(it)) => Control::SecureOk(it.response),
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

    fn tune(&mut self, asked: &connection::TuneOk, now: Instant) -> Result<Control, Failure> {
        let is_channel_max_ok = (1..=self.config.channel_max).contains(&asked.channel_max);
        let is_frame_max_ok =
            (self.config.frame_max_min..=self.config.frame_max).contains(&asked.frame_max);
        if !is_channel_max_ok || !is_frame_max_ok {
            return Err(HANGUP);
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

    /// Decode a method; what cannot be has different consequences for different faults.
    fn decode(&self, payload: &[u8]) -> Result<Method, Failure> {
        Method::decode(payload).map_err(|error| {
            let handshaking = !matches!(self.state, State::Open | State::Running);
            match error {
                _ if handshaking => HANGUP,
                DecodeError::UnknownMethod(..) | DecodeError::UnknownType(_) => HANGUP,
                DecodeError::MalformedUtf8 => {
                    Failure::Exception(Exception::new(ReplyCode::FRAME_ERROR, error.to_string()))
                }
                DecodeError::Truncated | DecodeError::Trailing | DecodeError::TooDeep => {
                    let (ids, arguments) = payload.split_at(payload.len().min(4));
                    let id = |at| {
                        ids.get(at).copied().map_or(0, u16::from) << 8
                            | ids.get(at + 1).copied().map_or(0, u16::from)
                    };
                    let text = format!("cannot decode {}", dump::octets(arguments));
                    Failure::Exception(
                        Exception::new(ReplyCode::FRAME_ERROR, text).on(id(0), id(2)),
                    )
                }
            }
        })
    }

    /// Write `connection.start`.
    pub fn send_start(&self, out: &mut Outbuf, server_properties: FieldTable, mechanisms: &str) {
        let start = connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties,
            mechanisms: Bytes::copy_from_slice(mechanisms.as_bytes()),
            locales: Bytes::from_static(b"en_US"),
        };
        out.put_method(0, &Method::ConnectionStart(start));
    }

    /// Write `connection.tune`.
    pub fn send_tune(&self, out: &mut Outbuf) {
        let Config {
            channel_max,
            frame_max,
            heartbeat,
            ..
        } = self.config;
        out.put_method(
            0,
            &Method::ConnectionTune(connection::Tune {
                channel_max,
                frame_max,
                heartbeat,
            }),
        );
    }

    /// Write `connection.open-ok`: the connection runs.
    pub fn send_open_ok(&mut self, out: &mut Outbuf) {
        self.state = State::Running;
        self.deadline = None;
        out.put_method(0, &Method::ConnectionOpenOk(connection::OpenOk::default()));
    }

    /// Write `connection.close`. From now on all but its answer is dropped.
    pub fn send_connection_close(&mut self, out: &mut Outbuf, exception: &Exception, now: Instant) {
        self.state = State::Closing;
        self.channels = Channels::default();
        self.deadline = Some(now + CLOSE_TIMEOUT);
        out.put_method(0, &Method::ConnectionClose(exception.connection_close()));
    }

    /// Write `connection.close-ok`. The client closes the socket; one that does not is cut off.
    pub fn send_connection_close_ok(&mut self, out: &mut Outbuf, now: Instant) {
        self.state = State::Closing;
        self.heartbeat = Heartbeat::default();
        self.deadline = Some(now + CLOSE_TIMEOUT);
        out.put_method(0, &Method::ConnectionCloseOk(connection::CloseOk {}));
    }

    /// Write `channel.open-ok`.
    pub fn send_channel_open_ok(&self, out: &mut Outbuf, channel: u16) {
        out.put_method(channel, &Method::ChannelOpenOk(channel::OpenOk::default()));
    }

    /// Write `channel.close`. Until its answer the channel takes nothing else.
    pub fn send_channel_close(&mut self, out: &mut Outbuf, channel: u16, exception: &Exception) {
        self.channels.set(channel, Phase::Closing);
        out.put_method(channel, &Method::ChannelClose(exception.channel_close()));
    }

    /// Write `channel.close-ok`.
    pub fn send_channel_close_ok(&self, out: &mut Outbuf, channel: u16) {
        out.put_method(channel, &Method::ChannelCloseOk(channel::CloseOk {}));
    }

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

    /// Whether a `basic.publish` comes next in `input`.
    pub fn is_publish_next(&self, input: &[u8]) -> bool {
        self.state == State::Running
            && input.first() == Some(&METHOD)
            && input.get(HEAD..HEAD + 4) == Some(&[0, 60, 0, 40])
    }

    /// Largest frame agreed on.
    pub fn frame_max(&self) -> u32 {
        self.frame_max
    }

    /// Most channels agreed on.
    pub fn channel_max(&self) -> u16 {
        self.channel_max
    }

    /// Seconds agreed on.
    pub fn heartbeat(&self) -> u16 {
        self.heartbeat.seconds()
    }

    /// Whether it runs.
    pub fn is_open(&self) -> bool {
        self.state == State::Running
    }
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

fn unexpected(frame: Frame<'_>) -> Failure {
    let text = format!("type {}, {}", frame.kind, dump::which_octets(frame.payload));
    Failure::Exception(Exception::new(ReplyCode::UNEXPECTED_FRAME, text))
}
