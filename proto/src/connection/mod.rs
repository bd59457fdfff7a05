//! [`Connection`]: the server side of an AMQP connection. Bytes go in, events come out; time is
//! handed in, and what is to be sent is written into an [`Outbuf`](crate::outbuf::Outbuf) by the
//! `send_*` functions. `state` has a picture of it.

mod assemble;
mod channels;
mod dump;
mod event;
mod frame;
mod heartbeat;
mod negotiate;
mod publish;
mod send;
mod state;
mod timeout;

use std::time::Instant;

use self::channels::Channels;
pub use self::event::{Control, Event, Failure, Step, Timeout};
use self::heartbeat::Heartbeat;
pub use self::negotiate::Config;
pub use self::publish::{Body, Publish};
use self::state::State;
use crate::frame::OVERHEAD;

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
        // After a frame that is none, nobody knows where the next begins.
        let split = self.split(input).map_err(|fault| fault.after(input.len()));
        let Some(frame) = split? else {
            return Ok(Step {
                consumed: 0,
                event: None,
            });
        };
        let consumed = frame.payload.len() + OVERHEAD;
        let event = self.on_frame(frame, now);
        let event = event.map_err(|fault| fault.after(consumed))?;
        Ok(Step { consumed, event })
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
