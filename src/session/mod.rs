//! [`Session`]: AMQP on one side, the model on the other, for one connection. It owns no socket
//! and reads no clock: bytes, effects and the time are handed in.

mod ack;
mod blocked;
mod channel;
mod channel_map;
mod consume;
mod core;
mod diary;
pub mod egress;
mod exception;
mod exchange;
pub mod inquiry;
mod ledger;
mod login;
mod look;
mod method;
mod permission;
mod properties;
mod publish;
mod queue;
mod reply_to;
mod route_cache;
mod timeout;
mod tx;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use leveret_proto::code::ReplyCode;
use leveret_proto::connection::{Connection as Machine, Control, Event, Failure, Step, Timeout};
use leveret_proto::exception::{Exception, Scope};

use self::core::{Core, Open};
use self::diary::End;
use self::egress::Egress;
use self::permission::AllowedCache;
use crate::broker::Broker;
use crate::broker::connection::add;
use crate::broker::outlet::{Notice, Parked};
use crate::broker::tick::Tick;
use crate::broker::tls::TlsFacts;

/// Where a connection comes from and arrives.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints {
    /// The client's address.
    pub peer: SocketAddr,
    /// The broker's.
    pub local: SocketAddr,
}

/// The moment of a read, on the three clocks that matter.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For heartbeats and the like: never skewed.
    pub instant: Instant,
    /// For the model.
    pub tick: Tick,
    /// Wall clock, ms since 1970.
    pub wall_ms: u64,
}

/// What the socket's owner must do after bytes were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Open,
    /// Write what waits, then close the socket.
    Hangup,
}

/// One connection's AMQP state. See the module.
#[derive(Debug)]
pub struct Session {
    machine: Machine,
    core: Core,
}

impl Session {
    /// A session that has seen no byte yet.
    pub fn new(
        broker: Arc<Broker>,
        egress: Arc<Egress>,
        endpoints: Endpoints,
        config: leveret_proto::connection::Config,
        now: Now,
    ) -> Self {
        let machine = Machine::new(config, now.instant);
        let core = Core::new(broker, egress, endpoints, now);
        Self { machine, core }
    }

    /// The transport is encrypted, and may know who the client is.
    pub fn encrypted_by(&mut self, tls: Option<Arc<TlsFacts>>) {
        self.core.tls = tls;
    }

    /// Take bytes from the front of `input`, as many as make whole frames; how many were taken.
    pub fn recv(&mut self, input: &[u8], now: Now) -> (usize, Verdict) {
        if self.core.login.refused_at().is_some() {
            return (input.len(), Verdict::Open);
        }
        self.core.begin(now);
        self.core.log_accepted();
        let asks = self.core.asks();
        let mut taken = 0;
        let mut verdict = Verdict::Open;
        while verdict == Verdict::Open {
            let rest = input.get(taken..).unwrap_or_default();
            if self.core.throttle.alarmed && self.is_blocked_before(rest) {
                break;
            }
            if asks && self.must_ask_before(rest) {
                break;
            }
            let consumed;
            (consumed, verdict) = self.step(rest, now);
            if consumed == 0 {
                break;
            }
            taken += consumed;
        }
        self.core.finish();
        (taken, verdict)
    }

    fn step(&mut self, input: &[u8], now: Now) -> (usize, Verdict) {
        let (consumed, result) = match self.machine.next_event(input, now.instant) {
            Ok(Step {
                consumed,
                event: None,
            }) => return (consumed, Verdict::Open),
            // The hot path: what is published is borrowed from the input.
            Ok(Step {
                consumed,
                event: Some(Event::Publish(publish)),
            }) => {
                let result = self.core.basic_publish(&publish);
                (
                    consumed,
                    result.map_err(|exception| (publish.channel, exception)),
                )
            }
            Ok(Step {
                consumed,
                event: Some(Event::Control(control)),
            }) => match self.on_control(control) {
                // What was sent behind a login that is refused is not looked at.
                Ok(verdict) if self.core.login.refused_at().is_some() => {
                    return (input.len(), verdict);
                }
                Ok(verdict) => return (consumed, verdict),
                Err(refused) => (consumed, Err(refused)),
            },
            Err(Failure::Exception {
                exception,
                consumed,
            }) => (consumed, Err((0, exception))),
            Err(Failure::Hangup { answer }) => {
                self.core.log_not_amqp(input);
                self.core
                    .egress
                    .write(|out| answer.iter().for_each(|raw| out.put_raw(raw)));
                return (input.len(), Verdict::Hangup);
            }
        };
        if let Err((channel, exception)) = result {
            self.refuse(channel, &exception);
        }
        (consumed, Verdict::Open)
    }

    /// Act on what is not a publish. An error says on which channel it happened.
    fn on_control(&mut self, control: Control) -> Result<Verdict, (u16, Exception)> {
        let channel = control.channel();
        self.dispatch(control)
            .map_err(|exception| (channel, exception))
    }

    fn dispatch(&mut self, control: Control) -> Result<Verdict, Exception> {
        match control {
            Control::Header => self.send_start(),
            Control::StartOk(start_ok) => return self.on_start_ok(start_ok),
            Control::TuneOk { .. } => {}
            Control::Open { vhost } => self.on_open(vhost.as_str())?,
            Control::UpdateSecret(_) => self.core.update_secret()?,
            Control::ChannelOpen { channel } => self.on_channel_open(channel)?,
            Control::ChannelClose { channel } => {
                self.core.drop_channel(channel);
                let machine = &mut self.machine;
                self.core
                    .egress
                    .write(|out| machine.send_channel_close_ok(out, channel));
            }
            Control::ChannelCloseOk { .. } => {}
            Control::TooLarge { size, .. } => {
                let max = self.core.broker.message_bytes_max();
                let text = format!("message size {size} is larger than configured max size {max}");
                return Err(Exception::new(ReplyCode::PRECONDITION_FAILED, text).on(60, 40));
            }
            Control::Method { channel, method } => self.core.method(channel, method)?,
            Control::Close(_) => {
                self.core.diary.ends(End::Orderly);
                self.core.drop_all();
                let (machine, now) = (&mut self.machine, self.core.now.instant);
                self.core
                    .egress
                    .write(|out| machine.send_connection_close_ok(out, now));
            }
            Control::CloseOk => return Ok(Verdict::Hangup),
        }
        Ok(Verdict::Open)
    }

    /// Answer an exception: close the channel or the connection.
    fn refuse(&mut self, channel: u16, exception: &Exception) {
        self.core.log_exception(channel, exception);
        let core = &mut self.core;
        let machine = &mut self.machine;
        if exception.scope == Scope::Channel && channel != 0 {
            core.confirm(channel);
            core.drop_channel(channel);
            core.egress
                .write(|out| machine.send_channel_close(out, channel, exception));
        } else {
            core.diary.ends(End::Orderly);
            core.drop_all();
            let now = core.now.instant;
            core.egress
                .write(|out| machine.send_connection_close(out, exception, now));
        }
    }

    /// Act on what others told this connection.
    pub fn on_notices(&mut self, now: Now) -> Verdict {
        let notices = self.core.egress.take_notices();
        if notices.is_empty() {
            return Verdict::Open;
        }
        self.core.begin(now);
        for notice in notices {
            match notice {
                Notice::ConsumerCancelled {
                    channel,
                    consumer_tag,
                } => {
                    self.core.on_consumer_cancelled(channel, &consumer_tag);
                }
                Notice::Close { text } => self.close(&text),
                Notice::CheckTimeouts => self.on_check_timeouts(),
                Notice::AlarmEnded => self.on_alarm_ended(),
            }
        }
        self.core.finish();
        Verdict::Open
    }

    /// End the connection from this side: `CONNECTION_FORCED` (320). The socket goes when the
    /// client has answered.
    pub fn close(&mut self, text: &str) {
        if self.machine.is_open() {
            self.refuse(0, &Exception::new(ReplyCode::CONNECTION_FORCED, text));
        }
    }

    /// Where the client is.
    pub const fn peer(&self) -> SocketAddr {
        self.core.endpoints.peer
    }

    /// Whether there is anything to say goodbye to.
    pub fn is_open(&self) -> bool {
        self.machine.is_open()
    }

    /// When to call [`Session::on_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        let all = [
            self.machine.poll_timeout(),
            self.core.login.refused_at(),
            self.core.asking.expires(),
        ];
        all.into_iter().flatten().min()
    }

    /// A deadline has come: heartbeats, handshake, closing.
    pub fn on_timeout(&mut self, now: Instant) -> Verdict {
        if let Some(verdict) = self.on_refusal(now).or_else(|| self.on_expiry(now)) {
            return verdict;
        }
        let machine = &mut self.machine;
        let mut timeout = Timeout::None;
        self.core
            .egress
            .write(|out| timeout = machine.handle_timeout(now, out));
        match timeout {
            Timeout::None | Timeout::SentHeartbeat => Verdict::Open,
            Timeout::PeerSilent => {
                let seconds = self.machine.heartbeat();
                self.core.diary.ends(End::Silent(seconds));
                Verdict::Hangup
            }
            Timeout::HandshakeExpired => {
                self.core.diary.ends(End::HandshakeExpired);
                Verdict::Hangup
            }
            Timeout::CloseExpired => Verdict::Hangup,
        }
    }

    /// Bytes went out: no heartbeat is due for a while.
    pub fn on_bytes_sent(&mut self, now: Instant) {
        self.machine.on_bytes_sent(now);
    }

    /// How many bytes the next frame needs in all, as far as its head tells.
    pub fn wanted(&self, input: &[u8]) -> usize {
        self.machine.wanted(input)
    }

    /// Traffic of this connection, for listings.
    pub fn count_read(&self, bytes: usize) {
        if let Some(open) = &self.core.open {
            add(&open.info.traffic.received, bytes as u64);
            add(&open.info.traffic.reads, 1);
        }
    }

    /// Consumers that have room again after the owner flushed.
    pub fn resume(&mut self, parked: &mut Vec<Parked>, now: Now) {
        self.core.begin(now);
        self.core.fx.resume.append(parked);
        self.core.finish();
    }

    /// The socket is gone: everything it held goes back or ends.
    pub fn end(&mut self, now: Now) {
        self.core.begin(now);
        self.core.drop_all();
        self.core.finish();
        self.core.log_closed();
    }

    fn on_channel_open(&mut self, channel: u16) -> Result<(), Exception> {
        if let Some(open) = &self.core.open {
            self.core.broker.check_channels(&open.user)?;
        }
        self.core.add_channel(channel);
        let machine = &mut self.machine;
        self.core
            .egress
            .write(|out| machine.send_channel_open_ok(out, channel));
        Ok(())
    }
}
