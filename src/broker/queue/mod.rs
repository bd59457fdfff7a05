//! [`Queue`]: the face of a queue. One lock, no task; every call does its work at once and
//! leaves the rest in [`Effects`].

mod close;
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
mod view;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use leveret_proto::value::FieldTable;

pub use self::close::{CloseIf, CloseRefused};
pub use self::consumers::{ConsumerKey, ConsumerSpec};
pub use self::entry::Entry;
pub use self::explain::{Foresight, Hindrance};
pub use self::kind::QueueKind;
pub use self::lift::{Lifted, Which};
pub use self::order::Order;
pub use self::peek::{Away, Page};
pub use self::quorum::{Counting, QuorumLine, QuorumRules, Retry};
pub use self::settings::{Overflow, Settings};
pub use self::settle::{Settlement, Unacked, settle};
use self::state::State;
pub use self::stats::{ConsumerView, QueueStats, QueueView, StreamView};
use self::stream::Stream;
pub use self::stream::{Filter, Offset, Reading};
use self::tally::Weight;
use super::compat::Compat;
use super::connection::ConnectionId;
use super::effects::{DeathReason, Effects, Receipt};
use super::error::{BrokerError, Resource, Subject};
use super::event::{Change, Event};
use super::message::Message;
use super::name::Name;
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

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
