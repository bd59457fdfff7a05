//! What a connection tells its owner: events, failures, timeouts.

use super::Publish;
use crate::exception::Exception;
use crate::method::{Method, connection};
use crate::value::ShortString;

/// One step of [`Connection::next_event`](super::Connection::next_event). With no byte consumed, more are needed.
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
    Exception {
        /// What to say.
        exception: Exception,
        /// Bytes used off the front. What comes behind them still matters: the client's `close-ok`.
        consumed: usize,
    },
    /// Close the socket, having sent the answer if there is one.
    Hangup {
        /// Our protocol header, for a client that speaks another protocol.
        answer: Option<[u8; 8]>,
    },
}

/// A failure while it is not known yet how many bytes it took.
#[derive(Debug)]
pub(super) enum Fault {
    Exception(Exception),
    Hangup,
}

impl Fault {
    pub(super) fn after(self, consumed: usize) -> Failure {
        match self {
            Self::Exception(exception) => Failure::Exception {
                exception,
                consumed,
            },
            Self::Hangup => Failure::Hangup { answer: None },
        }
    }
}

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
