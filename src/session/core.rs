//! [`Core`]: what a session knows and does besides the state machine: the bounds of a read, its
//! channels, what others tell it.

use std::sync::Arc;

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;
use leveret_proto::method::Method;

use super::blocked::Throttle;
use super::channel::{Channel, Mode};
use super::channel_map::ChannelMap;
use super::diary::Diary;
use super::egress::Egress;
use super::inquiry::Asking;
use super::ledger::Ledger;
use super::login::Login;
use super::permission::AllowedCache;
use super::timeout::Watch;
use super::{Endpoints, Now};
use crate::broker::Broker;
use crate::broker::connection::{ChannelInfo, Connection, add};
use crate::broker::deprecation::Feature;
use crate::broker::effects::Effects;
use crate::broker::event::Change;
use crate::broker::faults::FaultRules;
use crate::broker::outlet::Outlet as _;
use crate::broker::queue::{Settlement, Unacked, settle};
use crate::broker::settings::RatesMode;
use crate::broker::tick::Tick;
use crate::broker::tls::TlsFacts;
use crate::broker::trace::Party;
use crate::broker::user::User;
use crate::broker::vhost::VirtualHost;

/// All but the state machine: split off so that an event borrowed from the machine can be acted on.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) broker: Arc<Broker>,
    pub(super) egress: Arc<Egress>,
    pub(super) endpoints: Endpoints,
    pub(super) tls: Option<Arc<TlsFacts>>,
    pub(super) login: Login,
    pub(super) diary: Diary,
    pub(super) asking: Asking,
    pub(super) open: Option<Open>,
    pub(super) channels: ChannelMap<Channel>,
    /// Channels with something to confirm or to report at the end of the read.
    pub(super) touched: Vec<u16>,
    pub(super) fx: Effects,
    /// Reused by acknowledgements.
    pub(super) batch: Vec<Unacked>,
    pub(super) faults: Option<Arc<dyn FaultRules>>,
    pub(super) throttle: Throttle,
    pub(super) watch: Watch,
    pub(super) now: Now,
    /// `now` on the virtual host's clock.
    pub(super) tick: Tick,
}

/// What an open connection has besides.
#[derive(Debug)]
pub(super) struct Open {
    pub(super) vhost: Arc<VirtualHost>,
    pub(super) user: Arc<User>,
    pub(super) info: Arc<Connection>,
    pub(super) allowed: AllowedCache,
    pub(super) cancel_notify: bool,
    pub(super) named_blocked: bool,
}

impl Open {
    /// A channel of this connection, as traces name it.
    pub(super) fn party(&self, channel: u16) -> Party<'_> {
        Party {
            connection: &self.info.name,
            channel,
            user: &self.user.name,
        }
    }
}

impl Core {
    pub(super) fn new(
        broker: Arc<Broker>,
        egress: Arc<Egress>,
        endpoints: Endpoints,
        now: Now,
    ) -> Self {
        Self {
            broker,
            egress,
            endpoints,
            tls: None,
            login: Login::default(),
            diary: Diary::begin(now.wall_ms),
            asking: Asking::default(),
            open: None,
            channels: ChannelMap::new(),
            touched: Vec::new(),
            fx: Effects::default(),
            batch: Vec::new(),
            faults: None,
            throttle: Throttle::default(),
            watch: Watch::default(),
            now,
            tick: now.tick,
        }
    }

    pub(super) fn begin(&mut self, now: Now) {
        self.now = now;
        self.tick = self
            .open
            .as_ref()
            .map_or(now.tick, |open| open.vhost.now(now.tick));
        let vhost = self.open.as_ref().map(|open| open.vhost.as_ref());
        self.broker.begin(vhost, &mut self.fx);
        self.fx.now = self.tick;
        self.faults = self.broker.faults.rules();
        self.throttle.alarmed = self.broker.alarm.is_raised();
    }

    /// The end of a read: confirms, counters, then all that the model left to do.
    pub(super) fn finish(&mut self) {
        while let Some(channel) = self.touched.pop() {
            self.confirm(channel);
            if let Some(channel) = self.channels.get_mut(channel) {
                channel.report(&self.broker.message_sizes);
                channel.info.touch(self.tick);
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
    pub(super) fn send(&self, channel: u16, method: &Method) {
        self.egress.write(|out| out.put_method(channel, method));
    }

    pub(super) fn opened(&self) -> Result<&Open, Exception> {
        self.open
            .as_ref()
            .ok_or_else(|| Exception::new(ReplyCode::CHANNEL_ERROR, "connection is not open"))
    }

    /// The client used what RabbitMQ gives up.
    pub(super) fn note_deprecated(&self, feature: Feature, what: &str) {
        if let Some(open) = &self.open
            && self.broker.compat.deprecated_features.is_some()
        {
            open.vhost.deprecated.note(feature, &open.info.name, what);
        }
    }

    pub(super) fn channel(&mut self, channel: u16) -> Result<&mut Channel, Exception> {
        let missing = || Exception::new(ReplyCode::CHANNEL_ERROR, "expected 'channel.open'");
        self.channels.get_mut(channel).ok_or_else(missing)
    }

    pub(super) fn touch(&mut self, channel: u16) {
        if self.touched.last() != Some(&channel) && !self.touched.contains(&channel) {
            self.touched.push(channel);
        }
    }

    pub(super) fn add_channel(&mut self, number: u16) {
        let info = Arc::new(ChannelInfo {
            number,
            pairs: (self.broker.settings.rates_mode == RatesMode::Detailed).then(Box::default),
            ..ChannelInfo::default()
        });
        info.touch(self.tick);
        self.egress
            .lock()
            .ledgers
            .insert(number, Ledger::new(Arc::clone(&info)));
        if let Some(open) = &self.open {
            open.info.channels.lock().insert(number, Arc::clone(&info));
        }
        add(&self.broker.churn.channel_created, 1);
        if let Some(open) = &self.open {
            self.fx
                .note(|_| Change::channel_created(&open.info, number));
        }
        self.channels.insert(number, Channel::new(info));
    }

    /// A channel is over: its consumers end, what it has unacked goes back.
    pub(super) fn drop_channel(&mut self, number: u16) {
        self.abandon_transaction(number);
        let Some(mut channel) = self.channels.remove(number) else {
            return;
        };
        add(&self.broker.churn.channel_closed, 1);
        if let Some(open) = &self.open {
            let consumers = channel.consumers.len();
            self.fx
                .note(|_| Change::channel_closed(&open.info, number, consumers));
            open.info.channels.lock().remove(&number);
        }
        channel.forget_quorum_queues(self.open.as_ref().map(|open| open.info.id));
        // Without a ledger nothing more is delivered; what is out is ours to return.
        let ledger = self.egress.lock().ledgers.remove(number);
        channel.report(&self.broker.message_sizes);
        if let Some(open) = &self.open {
            open.vhost.totals.retire_channel(&channel.info.stats);
        }
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

    pub(super) fn drop_all(&mut self) {
        // What goes with the connection nobody asked for.
        self.fx.actor = None;
        for number in self.channels.numbers() {
            self.confirm(number);
            self.drop_channel(number);
        }
        let Some(open) = self.open.take() else { return };
        self.broker.remove_connection(&open.info, &mut self.fx);
        self.broker.settle(&open.vhost, self.tick, &mut self.fx);
    }

    /// Confirm all that was published and not confirmed: one frame.
    pub(super) fn confirm(&mut self, channel: u16) {
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
}
