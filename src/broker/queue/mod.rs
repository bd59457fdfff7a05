//! [`Queue`]: the face of a queue. One lock, no task; every call does its work at once and
//! leaves the rest in [`Effects`].

mod consumers;
mod deduplication;
mod entry;
mod explain;
mod kind;
mod lift;
mod order;
mod peek;
mod quorum;
mod ready;
mod settings;
mod settle;
mod state;
mod stats;
mod stream;
mod tally;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use leveret_proto::value::FieldTable;

pub use self::consumers::{ConsumerKey, ConsumerSpec};
pub use self::entry::Entry;
pub use self::explain::{Foresight, Hindrance};
pub use self::kind::QueueKind;
pub use self::lift::{Lifted, Which};
pub use self::order::Order;
pub use self::peek::{Away, Page};
use self::quorum::Apart;
pub use self::quorum::{Counting, QuorumLine, QuorumRules, Retry};
pub use self::settings::{Overflow, Settings};
pub use self::settle::{Settlement, Unacked, settle};
use self::state::State;
pub use self::stats::{ConsumerView, QueueStats, QueueView, StreamView};
use self::stream::Stream;
pub use self::stream::{Filter, Offset, Reading};
use self::tally::Weight;
use super::alarm;
use super::compat::Compat;
use super::connection::ConnectionId;
use super::effects::{DeathReason, Effects, Receipt};
use super::error::{BrokerError, Resource, Subject};
use super::event::{Change, Event};
use super::message::Message;
use super::name::Name;
use super::outlet::Notice;
use super::policy::Applied;
use super::tick::{Tick, Ticked};
use crate::sync::{QUEUE, Ranked};

/// Names of the queues behind direct reply-to begin so.
pub const REPLY_ADDRESS_PREFIX: &str = "amq.rabbitmq.reply-to.";

/// What a queue is, apart from what is in it.
#[derive(Clone, Debug)]
pub struct QueueSpec {
    /// Its name.
    pub name: Name,
    /// Its virtual host's name.
    pub vhost: Name,
    /// Survives a restart on a broker that has a disk; here it is remembered and compared.
    pub durable: bool,
    /// Goes with its last consumer.
    pub auto_delete: bool,
    /// The connection it belongs to and ends with.
    pub owner: Option<ConnectionId>,
    /// As declared.
    pub arguments: FieldTable,
    /// The user that declared it.
    pub created_by: Name,
}

/// A queue.
pub struct Queue {
    /// What it is.
    pub spec: QueueSpec,
    /// Its type.
    pub kind: QueueKind,
    line: QuorumLine,
    state: Ranked<State, QUEUE>,
}

/// What became of a message offered to a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enqueued {
    /// It is in, or already delivered.
    Taken,
    /// The queue is full and refuses (`x-overflow`).
    Refused,
    /// A stream cannot hold what is in its headers; RabbitMQ crashes over that.
    Failed,
    /// The queue was deleted meanwhile.
    Gone,
}

/// A channel that publishes.
pub type PublisherId = (ConnectionId, u16);

/// A message taken by `basic.get`.
#[derive(Debug)]
pub struct Got {
    /// The message and its place.
    pub entry: Entry,
    /// Messages still waiting.
    pub remaining: u64,
}

/// Why a consumer was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsumeError {
    /// Another one is exclusive, or this one wants to be and is not alone.
    ExclusiveUse,
    /// The queue was deleted meanwhile.
    Gone,
}

impl Queue {
    /// An empty queue.
    pub fn new(spec: QueueSpec, applied: Applied, compat: &Compat, now: Tick) -> Self {
        let kind = QueueKind::of(&spec.arguments);
        let line = compat.quorum;
        let settings = Settings::resolve(kind, &spec.arguments, applied, &line);
        let stream = (kind == QueueKind::Stream).then(|| Box::new(Stream::new(compat)));
        Self {
            kind,
            spec,
            line,
            state: Ranked::new(State::new(settings, stream, line.counting, now)),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.spec.name
    }

    /// A channel sends messages here: quorum queues tell how many do. Whether that is new.
    pub fn add_publisher(&self, publisher: PublisherId) -> bool {
        let mut state = self.state.lock();
        let apart = state.apart.as_mut();
        apart.is_some_and(|apart| apart.publishers.insert(publisher))
    }

    /// It is closed.
    pub fn remove_publisher(&self, publisher: PublisherId) {
        if let Some(apart) = &mut self.state.lock().apart {
            apart.publishers.remove(&publisher);
        }
    }

    /// A message arrives. Locks: queue, then the egress of who gets it.
    pub fn publish(
        self: &Arc<Self>,
        message: &Arc<Message>,
        now: Tick,
        fx: &mut Effects,
    ) -> Enqueued {
        if self.kind == QueueKind::Stream {
            return self.append(message, now, fx);
        }
        let mut state = self.state.lock();
        if state.closed {
            return Enqueued::Gone;
        }
        let own;
        let message = match &mut state.marks {
            None => message,
            Some(marks) => {
                let Some(copy) = marks.admit(message) else {
                    return Enqueued::Taken;
                };
                own = copy;
                &own
            }
        };
        if state.refuses(message.bytes()) {
            state.stats.dropped += 1;
            if state.settings.overflow == Overflow::RejectPublishDlx {
                let entry = state.entry(Arc::clone(message), now);
                state.bury(self, entry, DeathReason::MaxLength, false, fx);
            }
            return Enqueued::Refused;
        }
        state.stats.publish += 1;
        state.last_active = now;
        let entry = state.entry(Arc::clone(message), now);
        if state.ready.is_empty() {
            if let Err(back) = state.offer(self, entry, fx) {
                self.store(&mut state, back, now, fx);
            }
        } else {
            self.store(&mut state, entry, now, fx);
        }
        Enqueued::Taken
    }

    /// Nobody could take it at once. The caller holds the queue's lock.
    fn store(self: &Arc<Self>, state: &mut State, entry: Entry, now: Tick, fx: &mut Effects) {
        let expires = entry.expires;
        state.ready.push(entry);
        if expires <= now {
            state.expire(self, now, fx);
        }
        let is_limited = state.settings.is_limited();
        if is_limited {
            state.limit(self, fx);
        }
        // What was dropped may have stood before something that expires.
        if expires != Tick::NEVER || is_limited {
            state.arm(self, fx);
        }
    }

    /// Whether `basic.get` is for this queue: quorum queues with single active consumer have none.
    pub fn check_get(&self, compat: &Compat) -> Result<(), BrokerError> {
        if self.kind != QueueKind::Quorum || !self.settings().single_active {
            return Ok(());
        }
        let subject = Subject {
            kind: Resource::Queue,
            name: self.spec.name.clone(),
            vhost: self.spec.vhost.clone(),
        };
        let kind = match compat.quotes_queue_type {
            true => "<<\"quorum\">>",
            false => "quorum",
        };
        Err(BrokerError::NoGet(subject, kind))
    }

    /// Take the next message, for `basic.get` (or a look by the management API).
    pub fn get(self: &Arc<Self>, no_ack: bool, now: Tick, fx: &mut Effects) -> Option<Got> {
        let mut state = self.state.lock();
        state.last_used = now;
        state.last_active = now;
        state.expire(self, now, fx);
        let Some(entry) = state.ready.pop() else {
            state.stats.get_empty += 1;
            return None;
        };
        if no_ack {
            state.stats.get_no_ack += 1;
        } else {
            state.stats.get += 1;
            state.unacked.add(Weight::of(&entry));
        }
        state.stats.redeliver += u64::from(entry.redelivered);
        state.arm(self, fx);
        let seq = entry.seq;
        fx.record(|| self.event(|vhost, queue| Event::Got { vhost, queue, seq }));
        Some(Got {
            entry,
            remaining: state.ready.len(),
        })
    }

    /// Add a consumer. It is served from its first [`Queue::resume`] on, so that its client can
    /// be told of it before the first delivery.
    pub fn consume(self: &Arc<Self>, spec: ConsumerSpec) -> Result<ConsumerKey, ConsumeError> {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        if state.closed {
            return Err(ConsumeError::Gone);
        }
        if let Some(stream) = &mut state.stream {
            let reading = spec.reading.clone();
            let key = state.consumers.add(spec);
            stream.add_reader(key, reading);
            return Ok(key);
        }
        let is_alone = state.consumers.is_empty();
        let wants_alone = spec.exclusive;
        let is_refused = state.consumers.has_exclusive()
            || (wants_alone && (!is_alone || state.consumers.is_single_active()));
        // Quorum queues pay no heed to it.
        if is_refused && self.kind == QueueKind::Classic {
            return Err(ConsumeError::ExclusiveUse);
        }
        state.had_consumer = true;
        let key = state.consumers.add(spec);
        Ok(key)
    }

    /// End a consumer. What it has unacked stays with its channel.
    pub fn cancel(self: &Arc<Self>, consumer: ConsumerKey, now: Tick, fx: &mut Effects) {
        let mut state = self.state.lock();
        let Some(gone) = state.consumers.remove(consumer) else {
            return;
        };
        state.last_active = now;
        self.note_consumer_deleted(&gone.spec, fx);
        if let Some(stream) = &mut state.stream {
            stream.remove_reader(consumer);
        }
        if state.consumers.is_empty() {
            state.last_used = now;
            if self.spec.auto_delete && !state.closed {
                fx.gone.push(Arc::clone(self));
            }
        }
        // The next one may be active now, and an idle queue may be about to expire.
        state.run(self, now, fx);
    }

    /// A consumer was too late with a delivery: it gets nothing until [`Queue::revive`]. What it
    /// has out is for the caller to give back.
    pub fn suspend(&self, consumer: ConsumerKey) {
        self.state.lock().consumers.suspend(consumer, true);
    }

    /// It settled a late delivery after all.
    pub fn revive(self: &Arc<Self>, consumer: ConsumerKey, now: Tick, fx: &mut Effects) {
        let mut state = self.state.lock();
        state.consumers.suspend(consumer, false);
        state.run(self, now, fx);
    }

    /// A consumer's outlet has room again.
    pub fn resume(self: &Arc<Self>, consumer: ConsumerKey, now: Tick, fx: &mut Effects) {
        let mut state = self.state.lock();
        state.last_active = now;
        state.consumers.resume(consumer);
        state.run(self, now, fx);
    }

    /// Drop all that waits; how many that were.
    pub fn purge(self: &Arc<Self>, now: Tick, fx: &mut Effects) -> u64 {
        let mut state = self.state.lock();
        state.expire(self, now, fx);
        let apart = state.apart.as_mut().map_or(0, |apart| apart.clear());
        let messages = apart + state.ready.drain().len() as u64;
        drop(state);
        fx.record(|| {
            self.event(|vhost, queue| Event::Purged {
                vhost,
                queue,
                messages,
            })
        });
        messages
    }

    /// It is about to be used: declared again, so an idle queue lives on.
    pub fn touch(self: &Arc<Self>, now: Tick, fx: &mut Effects) {
        let mut state = self.state.lock();
        state.last_used = now;
        state.last_active = now;
        state.arm(self, fx);
    }

    /// Whether it should really go now, having been found unused.
    pub fn is_unused(&self, now: Tick) -> bool {
        let state = self.state.lock();
        let abandoned = self.spec.auto_delete && state.had_consumer && state.consumers.is_empty();
        abandoned || state.expiry() <= now
    }

    /// End it: consumers are told, messages are dropped; how many were ready. With a condition
    /// that does not hold nothing happens.
    pub fn close(&self, condition: CloseIf, fx: &mut Effects) -> Result<u64, CloseRefused> {
        let mut state = self.state.lock();
        // RabbitMQ deletes a stream whatever is asked, and says that nothing was in it.
        let condition = match state.stream.take() {
            Some(_) => CloseIf::default(),
            None => condition,
        };
        if condition.unused && !state.consumers.is_empty() {
            return Err(CloseRefused::InUse);
        }
        if condition.empty && !state.ready.is_empty() {
            return Err(CloseRefused::NotEmpty);
        }
        state.closed = true;
        if let Some(apart) = &mut state.apart {
            apart.clear();
        }
        let messages = state.ready.drain().len() as u64;
        let consumers = state.consumers.drain();
        drop(state);
        for consumer in consumers {
            self.note_consumer_deleted(&consumer.spec, fx);
            let (channel, consumer_tag) = (consumer.spec.channel, consumer.spec.tag);
            consumer.spec.outlet.notice(Notice::ConsumerCancelled {
                channel,
                consumer_tag,
            });
        }
        if self.is_shown() {
            fx.note(|by| Change::queue_deleted(self, by));
        }
        Ok(messages)
    }

    /// Messages waiting and consumers: what `queue.declare-ok` tells.
    pub fn counts(self: &Arc<Self>, now: Tick, fx: &mut Effects) -> (u64, u64) {
        let mut state = self.state.lock();
        if let Some(stream) = &state.stream {
            // RabbitMQ does not count the readers here.
            return (stream.len(), 0);
        }
        state.expire(self, now, fx);
        (state.ready.len(), state.consumers.len() as u64)
    }

    /// Bytes that its messages hold, delivered ones included: for the memory alarm.
    pub fn held_bytes(&self) -> u64 {
        let state = self.state.lock();
        if let Some(stream) = &state.stream {
            return alarm::held(stream.len(), stream.view().bytes);
        }
        let apart = state.apart.as_deref();
        let all = [
            state.ready.tally(),
            state.unacked,
            apart.map(Apart::delayed).unwrap_or_default(),
            apart.map(Apart::held).unwrap_or_default(),
        ];
        alarm::held(
            all.iter().map(|tally| tally.messages).sum(),
            all.iter().map(|tally| tally.bytes).sum(),
        )
    }

    /// All that listings show.
    pub fn view(&self) -> QueueView {
        let state = self.state.lock();
        let (ready, unacked) = (state.ready.tally(), state.unacked);
        let exclusive = state
            .consumers
            .iter()
            .find(|consumer| consumer.spec.exclusive);
        let active = state
            .consumers
            .iter()
            .find(|consumer| state.settings.single_active && state.consumers.is_active(consumer));
        let apart = state.apart.as_deref();
        let delayed = apart.map(Apart::delayed).unwrap_or_default();
        let held = apart.map(Apart::held).unwrap_or_default();
        QueueView {
            ready: ready.messages + state.stream.as_ref().map_or(0, |stream| stream.len()),
            unacked: unacked.messages,
            delayed: delayed.messages,
            delayed_until: apart.and_then(Apart::delayed_until),
            returned: state.ready.returned(),
            last_active: state.last_active,
            publishers: apart.map_or(0, |apart| apart.publishers.len()),
            lanes: state.ready.lane_lengths(),
            held: held.messages,
            held_bytes: held.bytes,
            ready_bytes: ready.bytes + delayed.bytes,
            unacked_bytes: unacked.bytes,
            stream: state.stream.as_ref().map(|stream| stream.view()),
            persistent: [ready, unacked, delayed, held]
                .iter()
                .map(|it| it.persistent)
                .sum(),
            persistent_bytes: [ready, unacked, delayed, held]
                .iter()
                .map(|it| it.persistent_bytes)
                .sum(),
            consumers: state.consumers.len(),
            single_active_tag: active.map(|consumer| consumer.spec.tag.to_string()),
            exclusive_consumer_tag: exclusive.map(|consumer| consumer.spec.tag.to_string()),
            stats: state.stats,
            consumer_capacity: f64::from(u8::from(state.consumers.next().is_some())),
        }
    }

    /// All messages, those ready, those delivered and not settled; and its counters. Takes less
    /// than [`Queue::view`].
    pub fn counters(&self) -> ([u64; 3], QueueStats) {
        let state = self.state.lock();
        let apart = state.apart.as_deref();
        let aside = apart.map_or(0, |apart| apart.delayed().messages + apart.held().messages);
        let in_stream = state.stream.as_ref().map_or(0, |stream| stream.len());
        let ready = state.ready.tally().messages + in_stream;
        let unacked = state.unacked.messages;
        ([ready + unacked + aside, ready, unacked], state.stats)
    }

    /// Its counters.
    pub fn stats(&self) -> QueueStats {
        self.state.lock().stats
    }

    /// Its consumers, for listings.
    pub fn consumers(&self) -> Vec<ConsumerView> {
        let state = self.state.lock();
        let all = state.consumers.iter();
        all.map(|consumer| state.view_of(consumer)).collect()
    }

    /// How it behaves now.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.state.lock().settings)
    }

    /// How a try to deliver a dead letter ended that this queue holds.
    pub(super) fn dead_letter_tried(
        self: &Arc<Self>,
        receipt: Receipt,
        is_delivered: bool,
        now: Tick,
        fx: &mut Effects,
    ) {
        let mut state = self.state.lock();
        if !state.closed {
            state.dead_letter_tried(self, receipt, is_delivered, now, fx);
        }
    }

    /// The properties to deliver `entry` with, to a consumer or for `basic.get`, where they are
    /// not those that it came with.
    pub fn properties(&self, entry: &Entry, is_got: bool) -> Option<Bytes> {
        match self.kind {
            QueueKind::Quorum => self.line.counting.properties(entry, is_got),
            QueueKind::Classic | QueueKind::Stream => None,
        }
    }

    /// Other policies apply to it now: what is too much by them goes at once. Messages keep the
    /// TTL that they came in under.
    pub fn reconfigure(self: &Arc<Self>, applied: Applied, now: Tick, fx: &mut Effects) {
        let settings = Settings::resolve(self.kind, &self.spec.arguments, applied, &self.line);
        let mut state = self.state.lock();
        if state.closed || *state.settings == settings {
            return;
        }
        // A classic queue shortens itself before it looks at the new overflow.
        let drops = match self.kind {
            QueueKind::Classic => state.settings.overflow,
            QueueKind::Quorum | QueueKind::Stream => settings.overflow,
        } == Overflow::DropHead;
        state.settings = Arc::new(settings);
        // The time unused counts anew.
        state.last_used = now;
        state.expire(self, now, fx);
        if drops && state.settings.is_limited() {
            state.shorten(self, fx);
        }
        state.retain(now);
        state.arm(self, fx);
    }

    /// Whether listings show it: not the queue behind a reply consumer.
    fn is_shown(&self) -> bool {
        !self.spec.name.starts_with(REPLY_ADDRESS_PREFIX)
    }

    fn note_consumer_deleted(&self, consumer: &ConsumerSpec, fx: &mut Effects) {
        if self.is_shown() {
            fx.note(|by| Change::consumer_deleted(self, consumer, by));
        }
    }

    /// An event about this queue.
    pub(super) fn event(&self, make: impl FnOnce(Name, Name) -> Event) -> Event {
        make(self.spec.vhost.clone(), self.spec.name.clone())
    }
}

impl Ticked for Queue {
    fn vhost(&self) -> &Name {
        &self.spec.vhost
    }

    fn tick(self: Arc<Self>, now: Tick, fx: &mut Effects) {
        let mut state = self.state.lock();
        state.disarm();
        state.expire(&self, now, fx);
        state.retain(now);
        if state.expiry() <= now && !state.closed {
            fx.gone.push(Arc::clone(&self));
            return;
        }
        if state.apart.is_some() {
            state.tick_apart(&self, now, fx);
        }
        state.arm(&self, fx);
    }
}

/// Conditions of `queue.delete`.
#[derive(Clone, Copy, Debug, Default)]
pub struct CloseIf {
    /// Only without consumers.
    pub unused: bool,
    /// Only without messages.
    pub empty: bool,
}

/// Why a queue was not deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseRefused {
    /// It has consumers.
    InUse,
    /// It has messages.
    NotEmpty,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
