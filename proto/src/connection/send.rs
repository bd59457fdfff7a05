//! What the server says of its own accord: the handshake, opening and closing.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::Connection;
use super::channels::{Channels, Phase};
use super::heartbeat::Heartbeat;
use super::negotiate::Config;
use super::state::State;
use crate::exception::Exception;
use crate::method::{Method, channel, connection};
use crate::outbuf::Outbuf;
use crate::value::FieldTable;

/// How long a client may take to answer our `connection.close`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

impl Connection {
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

    /// Whether the client has yet to answer `channel.close`.
    pub fn is_channel_closing(&self, channel: u16) -> bool {
        self.channels.phase(channel) == Phase::Closing
    }

    /// Write `channel.close-ok`.
    pub fn send_channel_close_ok(&self, out: &mut Outbuf, channel: u16) {
        out.put_method(channel, &Method::ChannelCloseOk(channel::CloseOk {}));
    }
}
