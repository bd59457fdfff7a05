//! [`State`]: what a queue's lock guards, and the moves that keep its counters true.

use std::sync::Arc;

use super::super::effects::{Dead, DeathReason, Effects};
use super::super::event::Event;
use super::super::message::Message;
use super::super::outlet::{Delivered, Delivery};
use super::super::tick::Tick;
use super::super::trace;
use super::Queue;
use super::consumers::{ConsumerKey, Consumers};
use super::deduplication::Marks;
use super::entry::Entry;
use super::ready::Ready;
use super::settings::{Overflow, Settings};
use super::stats::QueueStats;
use super::stream::Stream;
use super::tally::{Tally, Weight};

/// The inside of a queue.
#[derive(Debug)]
pub(super) struct State {
    pub(super) ready: Ready,
    /// What a stream has instead of `ready`, which stays empty then.
    pub(super) stream: Option<Box<Stream>>,
    pub(super) consumers: Consumers,
    pub(super) settings: Arc<Settings>,
    /// What is out and not settled.
    pub(super) unacked: Tally,
    /// Of what is in it, if it deduplicates.
    pub(super) marks: Option<Box<Marks>>,
    pub(super) stats: QueueStats,
    pub(super) last_used: Tick,
    pub(super) had_consumer: bool,
    pub(super) closed: bool,
    armed_at: Tick,
    next_seq: u64,
}

impl State {
    pub(super) fn new(settings: Settings, stream: Option<Box<Stream>>, now: Tick) -> Self {
        Self {
            ready: Ready::new(settings.priority_max),
            stream,
            consumers: Consumers::new(settings.single_active),
            marks: settings.deduplicates.then(Box::default),
            settings: Arc::new(settings),
            unacked: Tally::default(),
            stats: QueueStats::default(),
            last_used: now,
            had_consumer: false,
            closed: false,
            armed_at: Tick::NEVER,
            next_seq: 0,
        }
    }

    /// A new entry for `message`, behind all others.
    pub(super) fn entry(&mut self, message: Arc<Message>, now: Tick) -> Entry {
        self.next_seq += 1;
        let facts = &message.facts;
        let ttl = match (self.settings.message_ttl_ms, facts.expiration_ms) {
            (None, None) => None,
            (Some(ttl), None) | (None, Some(ttl)) => Some(ttl),
            (Some(queue), Some(own)) => Some(queue.min(own)),
        };
        let expires = ttl.map_or(Tick::NEVER, |ms| now.plus_ms(ms));
        let failed = message.failed;
        let highest = self.settings.priority_max.unwrap_or(0);
        let priority = facts.priority.unwrap_or(0).min(highest);
        let seq = self.next_seq;
        Entry {
            seq,
            message,
            expires,
            returns: 0,
            redelivered: failed,
            failed,
            priority,
        }
    }

    /// Whether one more message of `bytes` is refused.
    pub(super) fn refuses(&self, bytes: u64) -> bool {
        let settings = &self.settings;
        settings.overflow != Overflow::DropHead
            && (settings
                .length_max
                .is_some_and(|max| self.ready.len() + 1 > max)
                || settings
                    .bytes_max
                    .is_some_and(|max| self.ready.tally().bytes + bytes > max))
    }

    /// Write `entry` to a consumer whose turn it is; back it comes when none has room.
    pub(super) fn offer(
        &mut self,
        queue: &Arc<Queue>,
        mut entry: Entry,
        fx: &mut Effects,
    ) -> Result<(), Entry> {
        while let Some((key, spec)) = self.consumers.next() {
            let weight = Weight::of(&entry.message);
            let (redelivered, seq) = (entry.redelivered, entry.seq);
            let no_ack = spec.no_ack;
            let traced = fx.tracer.is_some().then(|| Arc::clone(&entry.message));
            let delivery = Delivery {
                queue,
                consumer: key,
                channel: spec.channel,
                consumer_tag: &spec.tag,
                no_ack,
            };
            let (first, full) = match spec.outlet.deliver(delivery, entry) {
                Delivered::Sent { first } => (first, false),
                Delivered::Filled { first } => (first, true),
                Delivered::Refused(back) => {
                    entry = back;
                    self.consumers.refused(key);
                    continue;
                }
            };
            if first {
                fx.flush.push(Arc::clone(&spec.outlet));
            }
            fx.record(|| {
                queue.event(|vhost, queue| Event::Delivered {
                    vhost,
                    queue,
                    seq,
                    consumer_tag: spec.tag.clone(),
                    redelivered,
                })
            });
            if let Some(message) = traced {
                trace::delivered(
                    spec.origin.as_ref().into(),
                    queue,
                    &message,
                    redelivered,
                    fx,
                );
            }
            self.consumers.delivered(key, full);
            self.count_delivery(weight, no_ack, redelivered);
            return Ok(());
        }
        Err(entry)
    }

    /// Match what waits with who has room. Bounded by the room of the outlets.
    pub(super) fn run(&mut self, queue: &Arc<Queue>, now: Tick, fx: &mut Effects) {
        if self.stream.is_some() {
            return self.serve_readers(queue, fx);
        }
        while self.consumers.next().is_some() {
            self.expire(queue, now, fx);
            let Some(entry) = self.ready.pop() else { break };
            if let Err(back) = self.offer(queue, entry, fx) {
                self.ready.put_back(back);
                break;
            }
        }
        self.arm(queue, fx);
    }

    /// Drop what is over its TTL at the heads of the queue.
    pub(super) fn expire(&mut self, queue: &Arc<Queue>, now: Tick, fx: &mut Effects) {
        while let Some(entry) = self.ready.pop_expired(now) {
            self.stats.expired += 1;
            let seq = entry.seq;
            fx.record(|| queue.event(|vhost, queue| Event::Expired { vhost, queue, seq }));
            self.bury(queue, entry, DeathReason::Expired, fx);
        }
    }

    /// Drop the oldest messages beyond the length limits.
    pub(super) fn shorten(&mut self, queue: &Arc<Queue>, fx: &mut Effects) {
        let settings = Arc::clone(&self.settings);
        let is_over = |ready: &Ready| {
            settings.length_max.is_some_and(|max| ready.len() > max)
                || settings
                    .bytes_max
                    .is_some_and(|max| ready.tally().bytes > max)
        };
        while is_over(&self.ready) {
            let Some(entry) = self.ready.pop_oldest_lowest() else {
                break;
            };
            self.stats.dropped += 1;
            let seq = entry.seq;
            fx.record(|| queue.event(|vhost, queue| Event::Dropped { vhost, queue, seq }));
            self.bury(queue, entry, DeathReason::MaxLength, fx);
        }
    }

    /// A message leaves unconsumed: to the dead-letter exchange, if there is one.
    pub(super) fn bury(
        &self,
        queue: &Arc<Queue>,
        entry: Entry,
        reason: DeathReason,
        fx: &mut Effects,
    ) {
        if self.settings.dead_letter_exchange.is_some() {
            let dead = Dead {
                queue: Arc::clone(queue),
                message: entry.message,
                reason,
                failed: entry.failed,
            };
            fx.dead.push_back(dead);
        }
    }

    /// Ask for a tick at the next deadline, unless an earlier one is asked for already.
    pub(super) fn arm(&mut self, queue: &Arc<Queue>, fx: &mut Effects) {
        let mut next = self.ready.next_expiry().min(self.expiry());
        if let Some(stream) = &self.stream {
            next = next.min(stream.next_evaluation(&self.settings));
        }
        if next < self.armed_at {
            self.armed_at = next;
            fx.deadlines.push((next, Arc::clone(queue) as _));
        }
    }

    /// The tick asked for has come.
    pub(super) fn disarm(&mut self) {
        self.armed_at = Tick::NEVER;
    }

    /// When the queue itself expires, as things stand.
    pub(super) fn expiry(&self) -> Tick {
        match self.settings.expires_ms {
            Some(ms) if self.consumers.is_empty() => self.last_used.plus_ms(ms),
            _ => Tick::NEVER,
        }
    }

    /// A delivered entry is no longer out.
    pub(super) fn settled(&mut self, consumer: ConsumerKey, entry: &Entry) {
        self.unacked.remove(Weight::of(&entry.message));
        self.consumers.settled(consumer);
    }

    fn count_delivery(&mut self, weight: Weight, no_ack: bool, redelivered: bool) {
        if no_ack {
            self.stats.deliver_no_ack += 1;
        } else {
            self.stats.deliver += 1;
            self.unacked.add(weight);
        }
        self.stats.redeliver += u64::from(redelivered);
    }
}
