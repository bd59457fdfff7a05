//! [`Session`]: AMQP on one side, the model on the other, for one connection. It owns no socket
//! and reads no clock: bytes, effects and the time are handed in.

mod ack;
mod channel;
mod channel_map;
mod consume;
pub mod egress;
mod exception;
mod exchange;
mod ledger;
mod login;
mod publish;
mod queue;
mod reply_to;
mod route_cache;
mod tx;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use leveret_proto::code::ReplyCode;
use leveret_proto::connection::{Connection as Machine, Control, Event, Failure, Step, Timeout};
use leveret_proto::exception::{Exception, Scope};
use leveret_proto::method::{Method, connection};

use self::channel::{Channel, Mode};
use self::channel_map::ChannelMap;
use self::egress::Egress;
use self::ledger::Ledger;
use crate::broker::Broker;
use crate::broker::connection::{ChannelInfo, Connection, add};
use crate::broker::effects::Effects;
use crate::broker::error::{BrokerError, Resource};
use crate::broker::faults::{Decision, FaultRules, Site};
use crate::broker::name::Name;
use crate::broker::outlet::{Notice, Outlet, Parked};
use crate::broker::permission::{Access, refused};
use crate::broker::queue::{Settlement, Unacked, settle};
use crate::broker::tick::Tick;
use crate::broker::user::User;
use crate::broker::vhost::VirtualHost;

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

/// All but the state machine: split off so that an event borrowed from the machine can be acted on.
#[derive(Debug)]
struct Core {
    broker: Arc<Broker>,
    egress: Arc<Egress>,
    endpoints: Endpoints,
    login: login::Login,
    open: Option<Open>,
    channels: ChannelMap<Channel>,
    /// Channels with something to confirm or to report at the end of the read.
    touched: Vec<u16>,
    fx: Effects,
    /// Reused by acknowledgements.
    batch: Vec<Unacked>,
    faults: Option<Arc<dyn FaultRules>>,
    now: Now,
    /// `now` on the virtual host's clock.
    tick: Tick,
}

/// What an open connection has besides.
#[derive(Debug)]
struct Open {
    vhost: Arc<VirtualHost>,
    user: Arc<User>,
    info: Arc<Connection>,
    allowed: AllowedCache,
    cancel_notify: bool,
    named_blocked: bool,
}

/// Permissions already checked, valid while the user's revision is the same.
#[derive(Debug, Default)]
struct AllowedCache {
    revision: u64,
    allowed: HashMap<(Access, Resource, Name), bool>,
}

/// Answers remembered per session; beyond that it starts over.
const ALLOWED_MAX: usize = 4096;

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
        let core = Core {
            broker,
            egress,
            endpoints,
            login: login::Login::default(),
            open: None,
            channels: ChannelMap::new(),
            touched: Vec::new(),
            fx: Effects::default(),
            batch: Vec::new(),
            faults: None,
            now,
            tick: now.tick,
        };
        Self { machine, core }
    }

    /// Take bytes from the front of `input`, as many as make whole frames; how many were taken.
    pub fn recv(&mut self, input: &[u8], now: Now) -> (usize, Verdict) {
        self.core.begin(now);
        let mut taken = 0;
        let mut verdict = Verdict::Open;
        while verdict == Verdict::Open {
            let rest = input.get(taken..).unwrap_or_default();
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
                Ok(verdict) => return (consumed, verdict),
                Err(refused) => (consumed, Err(refused)),
            },
            Err(Failure::Exception(exception)) => (input.len(), Err((0, exception))),
            Err(Failure::Hangup { answer }) => {
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
            Control::SecureOk(_) | Control::TuneOk { .. } => {}
            Control::Open { vhost } => self.on_open(vhost.as_str())?,
            Control::UpdateSecret(_) => self.core.send(
                0,
                &Method::ConnectionUpdateSecretOk(connection::UpdateSecretOk {}),
            ),
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
                let max = self.core.broker.compat.message_bytes_max;
                let text = format!("message size {size} is larger than configured max size {max}");
                return Err(Exception::new(ReplyCode::PRECONDITION_FAILED, text).on(60, 40));
            }
            Control::Method { channel, method } => self.core.method(channel, method)?,
            Control::Close(_) => {
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
        tracing::warn!(channel, text = exception.text, "{}", exception.code.name());
        let core = &mut self.core;
        let machine = &mut self.machine;
        if exception.scope == Scope::Channel && channel != 0 {
            core.confirm(channel);
            core.drop_channel(channel);
            core.egress
                .write(|out| machine.send_channel_close(out, channel, exception));
        } else {
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
                Notice::Blocked(reason) => self.core.on_blocked(reason),
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

    /// Whether there is anything to say goodbye to.
    pub fn is_open(&self) -> bool {
        self.machine.is_open()
    }

    /// When to call [`Session::on_timeout`].
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.machine.poll_timeout()
    }

    /// A deadline has come: heartbeats, handshake, closing.
    pub fn on_timeout(&mut self, now: Instant) -> Verdict {
        let machine = &mut self.machine;
        let mut timeout = Timeout::None;
        self.core
            .egress
            .write(|out| timeout = machine.handle_timeout(now, out));
        match timeout {
            Timeout::None | Timeout::SentHeartbeat => Verdict::Open,
            Timeout::PeerSilent => {
                tracing::warn!("missed heartbeats from client");
                Verdict::Hangup
            }
            Timeout::HandshakeExpired | Timeout::CloseExpired => Verdict::Hangup,
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
    }

    fn on_channel_open(&mut self, channel: u16) -> Result<(), Exception> {
        self.core.add_channel(channel);
        let machine = &mut self.machine;
        self.core
            .egress
            .write(|out| machine.send_channel_open_ok(out, channel));
        Ok(())
    }
}

impl Core {
    fn begin(&mut self, now: Now) {
        self.now = now;
        self.tick = self
            .open
            .as_ref()
            .map_or(now.tick, |open| open.vhost.now(now.tick));
        self.broker.begin(&mut self.fx);
        self.faults = self.broker.faults.rules();
    }

    /// The end of a read: confirms, counters, then all that the model left to do.
    fn finish(&mut self) {
        while let Some(channel) = self.touched.pop() {
            self.confirm(channel);
            if let Some(channel) = self.channels.get_mut(channel) {
                channel.report();
            }
        }
        if let Some(open) = &self.open {
            self.broker.settle(&open.vhost, self.tick, &mut self.fx);
        }
        self.egress.flush(&mut self.fx.resume);
        if let Some(open) = self.open.as_ref().filter(|_| !self.fx.resume.is_empty()) {
            self.broker.settle(&open.vhost, self.tick, &mut self.fx);
        }
    }

    /// Write one method frame.
    fn send(&self, channel: u16, method: &Method) {
        self.egress.write(|out| out.put_method(channel, method));
    }

    fn opened(&self) -> Result<&Open, Exception> {
        self.open
            .as_ref()
            .ok_or_else(|| Exception::new(ReplyCode::CHANNEL_ERROR, "connection is not open"))
    }

    fn channel(&mut self, channel: u16) -> Result<&mut Channel, Exception> {
        let missing = || Exception::new(ReplyCode::CHANNEL_ERROR, "expected 'channel.open'");
        self.channels.get_mut(channel).ok_or_else(missing)
    }

    fn touch(&mut self, channel: u16) {
        if self.touched.last() != Some(&channel) && !self.touched.contains(&channel) {
            self.touched.push(channel);
        }
    }

    fn add_channel(&mut self, number: u16) {
        let info = Arc::new(ChannelInfo {
            number,
            ..ChannelInfo::default()
        });
        self.egress
            .lock()
            .ledgers
            .insert(number, Ledger::new(Arc::clone(&info)));
        if let Some(open) = &self.open {
            open.info.channels.lock().insert(number, Arc::clone(&info));
        }
        add(&self.broker.churn.channel_created, 1);
        self.channels.insert(number, Channel::new(info));
    }

    /// A channel is over: its consumers end, what it has unacked goes back.
    fn drop_channel(&mut self, number: u16) {
        self.abandon_transaction(number);
        let Some(channel) = self.channels.remove(number) else {
            return;
        };
        add(&self.broker.churn.channel_closed, 1);
        if let Some(open) = &self.open {
            open.info.channels.lock().remove(&number);
        }
        // Without a ledger nothing more is delivered; what is out is ours to return.
        let ledger = self.egress.lock().ledgers.remove(number);
        // Consumers first: what goes back must not come here again.
        for handle in channel.consumers.values() {
            handle.queue.cancel(handle.key, self.tick, &mut self.fx);
        }
        if let Some((_, queue)) = &channel.replies {
            self.drop_replies(queue);
        }
        if let Some(mut ledger) = ledger {
            ledger.take(0, true, &mut self.batch);
            settle(
                &mut self.batch,
                Settlement::Requeue,
                self.tick,
                &mut self.fx,
            );
        }
    }

    fn drop_all(&mut self) {
        for number in self.channels.numbers() {
            self.confirm(number);
            self.drop_channel(number);
        }
        let Some(open) = self.open.take() else { return };
        self.broker.remove_connection(&open.info, &mut self.fx);
        self.broker.settle(&open.vhost, self.tick, &mut self.fx);
    }

    /// Confirm all that was published and not confirmed: one frame.
    fn confirm(&mut self, channel: u16) {
        let Some(Channel {
            mode: Mode::Confirm(confirms),
            fresh,
            ..
        }) = self.channels.get_mut(channel)
        else {
            return;
        };
        let count = confirms.published - confirms.confirmed;
        if count > 0 {
            confirms.confirmed = confirms.published;
            fresh.confirm += count;
            let tag = confirms.published;
            self.egress
                .write(|out| out.put_ack(channel, tag, count > 1));
        }
    }

    /// Check a permission; the answer is remembered until the user changes.
    fn allow(&mut self, access: Access, kind: Resource, name: &str) -> Result<(), BrokerError> {
        let names_permission = self.broker.compat.names_permission;
        let Some(open) = &mut self.open else {
            return Ok(());
        };
        let revision = open.user.revision();
        let cache = &mut open.allowed;
        if cache.revision != revision || cache.allowed.len() >= ALLOWED_MAX {
            cache.allowed.clear();
            cache.revision = revision;
        }
        let key = (access, kind, Name::from(name));
        let is_allowed = *cache.allowed.entry(key).or_insert_with(|| {
            let permission = open.user.permission(&open.vhost.name);
            permission.is_some_and(|permission| permission.allows(access, name))
        });
        if is_allowed {
            return Ok(());
        }
        let subject = open.vhost.subject(kind, name);
        Err(refused(
            names_permission.then_some(access),
            &subject,
            &open.user.name,
        ))
    }

    #[allow(
        clippy::too_many_lines,
        reason = "the dispatch of all methods, one line each"
    )]
    fn method(&mut self, channel: u16, method: Method) -> Result<(), Exception> {
        let (class_id, method_id) = method.ids();
        if let Some(rules) = self.faults.clone() {
            match self.decide(rules.as_ref(), channel, &method) {
                Decision::Proceed => {}
                Decision::Drop => return Ok(()),
                Decision::Cut => return Err(Exception::new(ReplyCode::CONNECTION_FORCED, "")),
                Decision::Close(text) => {
                    return Err(Exception::new(ReplyCode::CONNECTION_FORCED, text));
                }
            }
        }
        let result = match method {
            Method::ExchangeDeclare(it) => self.exchange_declare(channel, it),
            Method::ExchangeDelete(it) => self.exchange_delete(channel, &it),
            Method::ExchangeBind(it) => self.exchange_bind(channel, &it),
            Method::ExchangeUnbind(it) => self.exchange_unbind(channel, &it),
            Method::QueueDeclare(it) => self.queue_declare(channel, it),
            Method::QueueBind(it) => self.queue_bind(channel, &it),
            Method::QueueUnbind(it) => self.queue_unbind(channel, &it),
            Method::QueuePurge(it) => self.queue_purge(channel, &it),
            Method::QueueDelete(it) => self.queue_delete(channel, &it),
            Method::BasicQos(it) => self.basic_qos(channel, &it),
            Method::BasicConsume(it) => self.basic_consume(channel, it),
            Method::BasicCancel(it) => self.basic_cancel(channel, &it),
            Method::BasicCancelOk(_) => Ok(()),
            Method::BasicGet(it) => self.basic_get(channel, &it),
            Method::BasicAck(it) => {
                self.settle(channel, it.delivery_tag, it.multiple, Settlement::Ack)
            }
            Method::BasicReject(it) => {
                self.settle(channel, it.delivery_tag, false, not_done(it.requeue))
            }
            Method::BasicNack(it) => {
                self.settle(channel, it.delivery_tag, it.multiple, not_done(it.requeue))
            }
            Method::BasicRecover(it) => self.basic_recover(channel, it.requeue, true),
            Method::BasicRecoverAsync(it) => self.basic_recover(channel, it.requeue, false),
            Method::ConfirmSelect(it) => self.confirm_select(channel, it.nowait),
            Method::TxSelect(_) => self.tx_select(channel),
            Method::TxCommit(_) => self.tx_commit(channel),
            Method::TxRollback(_) => self.tx_rollback(channel),
            Method::ChannelFlow(it) => self.channel_flow(channel, it.active),
            Method::AccessRequest(_) => {
                self.send(
                    channel,
                    &Method::AccessRequestOk(leveret_proto::method::access::RequestOk {
                        ticket: 1,
                    }),
                );
                Ok(())
            }
            _ => Err(Exception::new(
                ReplyCode::COMMAND_INVALID,
                "unimplemented method",
            )),
        };
        result.map_err(|exception| match exception.class_id {
            0 => exception.on(class_id, method_id),
            _ => exception,
        })
    }

    fn decide(&self, rules: &dyn FaultRules, channel: u16, method: &Method) -> Decision {
        let Some(open) = &self.open else {
            return Decision::Proceed;
        };
        let (vhost, user) = (&open.vhost.name, &open.user.name);
        rules.arrived(&Site {
            vhost,
            user,
            channel,
            method: method.name(),
        })
    }

    fn channel_flow(&mut self, channel: u16, active: bool) -> Result<(), Exception> {
        if !active {
            return Err(Exception::new(ReplyCode::NOT_IMPLEMENTED, "active=false"));
        }
        let flow_ok = leveret_proto::method::channel::FlowOk { active };
        self.send(channel, &Method::ChannelFlowOk(flow_ok));
        Ok(())
    }

    fn on_blocked(&mut self, reason: Option<String>) {
        if !self.open.as_ref().is_some_and(|open| open.named_blocked) {
            return;
        }
        match reason {
            Some(reason) => {
                self.send(
                    0,
                    &Method::ConnectionBlocked(connection::Blocked {
                        reason: reason.as_str().into(),
                    }),
                );
            }
            None => self.send(0, &Method::ConnectionUnblocked(connection::Unblocked {})),
        }
    }
}

const fn not_done(requeue: bool) -> Settlement {
    if requeue {
        Settlement::Requeue
    } else {
        Settlement::Reject
    }
}
