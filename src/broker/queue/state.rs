//! [`State`]: what a queue's lock guards, and the moves that keep its counters true.

use std::sync::Arc;

use super::super::effects::{Dead, DeathReason, Effects, Receipt};
use super::super::event::Event;
use super::super::message::Message;
use super::super::outlet::{Delivered, Delivery};
use super::super::tick::Tick;
use super::super::totals::DeadLetterStrategy;
use super::super::trace;
use super::Queue;
use super::consumers::{Consumer, ConsumerKey, Consumers};
use super::deduplication::Marks;
use super::entry::Entry;
use super::quorum::{Apart, Counting};
use super::ready::Ready;
use super::settings::{Overflow, Settings};
use super::stats::{ConsumerView, QueueStats};
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
    /// What a quorum queue holds besides.
    pub(super) apart: Option<Box<Apart>>,
    counting: Counting,
    pub(super) stats: QueueStats,
    /// When it was used in a way that lets it live on.
    pub(super) last_used: Tick,
    /// When anything happened to it.
    pub(super) last_active: Tick,
    pub(super) had_consumer: bool,
    pub(super) closed: bool,
    armed_at: Tick,
    next_seq: u64,
}

impl State {
    pub(super) fn new(
        settings: Settings,
        stream: Option<Box<Stream>>,
        counting: Counting,
        now: Tick,
    ) -> Self {
        let yields = settings
            .quorum
            .as_ref()
            .is_some_and(|it| it.yields_to_priority);
        Self {
            ready: Ready::new(settings.order),
            stream,
            consumers: Consumers::new(settings.single_active, yields),
            marks: settings.deduplicates.then(Box::default),
            apart: settings.quorum.as_ref().map(|_| Box::default()),
            counting,
            settings: Arc::new(settings),
            unacked: Tally::default(),
            stats: QueueStats::default(),
            last_used: now,
            last_active: now,
            had_consumer: false,
            closed: false,
            armed_at: Tick::NEVER,
            next_seq: 0,
        }
    }

    /// The number of the newest entry.
    pub(super) fn last_seq(&self) -> u64 {
        self.next_seq
    }

    /// One of its consumers, for listings.
    pub(super) fn view_of(&self, consumer: &Consumer) -> ConsumerView {
        ConsumerView {
            key: consumer.key,
            tag: consumer.spec.tag.to_string(),
            channel: consumer.spec.channel,
            ack_required: !consumer.spec.no_ack,
            exclusive: consumer.spec.exclusive,
            prefetch: consumer.spec.prefetch,
            in_flight: consumer.in_flight,
            active: self.consumers.is_active(consumer),
            origin: Arc::clone(&consumer.spec.origin),
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
        let priority = self.settings.order.lane(facts.priority);
        let bytes = self.weight(&message);
        let failures = match self.settings.carries_failures {
            true => message.failures,
            false => 0,
        };
        let seq = self.next_seq;
        Entry {
            seq,
            message,
            expires,
            returns: 0,
            failures,
            bytes,
            redelivered: failures > 0,
            priority,
        }
    }

    fn weight(&self, message: &Message) -> u32 {
        let properties = match self.settings.weighs_properties {
            true => message.properties().len() as u64,
            false => 0,
        };
        u32::try_from(message.bytes() + properties).unwrap_or(u32::MAX)
    }

    /// Whether one more message of `bytes` is refused.
    pub(super) fn refuses(&mut self, bytes: u64) -> bool {
        if self.settings.overflow == Overflow::DropHead {
            return false;
        }
        let settings = &self.settings;
        match &mut self.apart {
            Some(apart) => apart.refuses(settings, self.ready.tally()),
            None => {
                let ready = self.ready.tally();
                settings
                    .length_max
                    .is_some_and(|max| ready.messages + 1 > max)
                    || settings
                        .bytes_max
                        .is_some_and(|max| ready.bytes + bytes > max)
            }
        }
    }

    /// Write `entry` to a consumer whose turn it is; back it comes when none has room.
    pub(super) fn offer(
        &mut self,
        queue: &Arc<Queue>,
        mut entry: Entry,
        fx: &mut Effects,
    ) -> Result<(), Entry> {
        while let Some((key, spec)) = self.consumers.next() {
            let weight = Weight::of(&entry);
            let (redelivered, seq) = (entry.redelivered, entry.seq);
            let no_ack = spec.no_ack;
            let traced = fx.tracer.is_some().then(|| Arc::clone(&entry.message));
            let delivery = Delivery {
                queue,
                consumer: key,
                channel: spec.channel,
                consumer_tag: &spec.tag,
                no_ack,
                now: fx.now,
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
            let Some((taken, entry)) = self.ready.take() else {
                break;
            };
            if let Err(back) = self.offer(queue, entry, fx) {
                self.ready.undo(taken, back);
                break;
            }
        }
        self.arm(queue, fx);
    }

    /// A delivery comes back.
    pub(super) fn requeue(
        &mut self,
        queue: &Arc<Queue>,
        mut entry: Entry,
        failed: bool,
        now: Tick,
        fx: &mut Effects,
    ) {
        self.counting.returned(&mut entry, failed);
        entry.redelivered = true;
        let settings = Arc::clone(&self.settings);
        let (Some(rules), Some(apart)) = (&settings.quorum, &mut self.apart) else {
            self.ready.put_back(entry);
            return;
        };
        apart.make_room(&settings, self.ready.tally());
        let delay_ms = rules
            .retry
            .and_then(|retry| retry.delay_ms(failed, entry.failures));
        if rules.is_over_limit(&entry) {
            let seq = entry.seq;
            fx.record(|| queue.event(|vhost, queue| Event::Exhausted { vhost, queue, seq }));
            self.bury(queue, entry, DeathReason::DeliveryLimit, false, fx);
        } else if let Some(ms) = delay_ms {
            apart.delay(entry, now.plus_ms(ms));
        } else if rules.requeues_to_tail {
            self.ready.push(entry);
        } else {
            self.ready.put_first(entry);
        }
    }

    /// Drop what is over its TTL at the heads of the queue.
    pub(super) fn expire(&mut self, queue: &Arc<Queue>, now: Tick, fx: &mut Effects) {
        if let Some(apart) = &mut self.apart {
            while let Some(entry) = apart.pop_released(now) {
                self.ready.put_first(entry);
            }
        }
        while let Some(entry) = self.ready.pop_expired(now) {
            self.stats.expired += 1;
            let seq = entry.seq;
            fx.record(|| queue.event(|vhost, queue| Event::Expired { vhost, queue, seq }));
            self.bury(queue, entry, DeathReason::Expired, false, fx);
        }
    }

    /// More waits than before: do what the length limits ask for.
    pub(super) fn limit(&mut self, queue: &Arc<Queue>, fx: &mut Effects) {
        if !self.settings.is_limited() {
            return;
        }
        if self.settings.overflow == Overflow::DropHead {
            self.shorten(queue, fx);
        } else if let Some(apart) = &mut self.apart {
            apart.is_blocked |= apart.is_over(&self.settings, self.ready.tally());
        }
    }

    /// Drop the oldest messages beyond the length limits.
    pub(super) fn shorten(&mut self, queue: &Arc<Queue>, fx: &mut Effects) {
        let settings = Arc::clone(&self.settings);
        while self.is_over(&settings) {
            let dropped = match self.apart {
                Some(_) => self.ready.pop(),
                None => self.ready.pop_oldest_lowest(),
            };
            let Some(entry) = dropped else {
                break;
            };
            self.stats.dropped += 1;
            let seq = entry.seq;
            fx.record(|| queue.event(|vhost, queue| Event::Dropped { vhost, queue, seq }));
            self.bury(queue, entry, DeathReason::MaxLength, false, fx);
        }
    }

    fn is_over(&self, settings: &Settings) -> bool {
        let ready = self.ready.tally();
        match &self.apart {
            Some(apart) => apart.is_over(settings, ready),
            None => settings.is_exceeded_by(ready.messages, ready.bytes),
        }
    }

    /// A message leaves unconsumed: to the dead-letter exchange, if there is one.
    pub(super) fn bury(
        &mut self,
        queue: &Arc<Queue>,
        entry: Entry,
        reason: DeathReason,
        failed: bool,
        fx: &mut Effects,
    ) {
        let strategy = self.settings.dead_letter_strategy();
        fx.burials.note(queue.kind, strategy, reason);
        if strategy == DeadLetterStrategy::Disabled {
            return;
        }
        let failures = self.counting.of_dead(&entry, queue.kind, reason, failed);
        let dead = match &mut self.apart {
            Some(apart) if strategy == DeadLetterStrategy::AtLeastOnce => {
                apart.make_room(&self.settings, self.ready.tally());
                apart.hold(queue, entry, reason, failures)
            }
            _ => Dead {
                queue: Arc::clone(queue),
                message: entry.message,
                reason,
                failures,
                kept: None,
            },
        };
        fx.dead.push_back(dead);
    }

    /// How a try to deliver a dead letter ended that this queue holds.
    pub(super) fn dead_letter_tried(
        &mut self,
        queue: &Arc<Queue>,
        receipt: Receipt,
        is_delivered: bool,
        now: Tick,
        fx: &mut Effects,
    ) {
        if is_delivered {
            fx.burials.note_confirmed();
        }
        if let Some(apart) = &mut self.apart {
            apart.tried(receipt, is_delivered, now);
        }
        self.arm(queue, fx);
    }

    /// What waited apart may be due: dead letters to be tried again, messages for consumers.
    pub(super) fn tick_apart(&mut self, queue: &Arc<Queue>, now: Tick, fx: &mut Effects) {
        if let Some(apart) = &mut self.apart {
            fx.dead
                .extend(std::iter::from_fn(|| apart.pop_retry(queue, now)));
        }
        self.run(queue, now, fx);
    }

    /// Ask for a tick at the next deadline, unless an earlier one is asked for already.
    pub(super) fn arm(&mut self, queue: &Arc<Queue>, fx: &mut Effects) {
        let mut next = self.ready.next_expiry().min(self.expiry());
        if let Some(stream) = &self.stream {
            next = next.min(stream.next_evaluation(&self.settings));
        }
        if let Some(apart) = &self.apart {
            next = next.min(apart.next());
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
        self.unacked.remove(Weight::of(entry));
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
