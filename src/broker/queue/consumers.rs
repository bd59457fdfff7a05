//! Who consumes from a queue, and whose turn it is.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::name::Name;
use super::super::outlet::{ConsumerOrigin, Outlet};
use super::stream::Reading;

/// Names one consumer of one queue, for as long as the queue lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConsumerKey {
    index: u32,
    generation: u32,
}

impl ConsumerKey {
    /// Stands for "no consumer": what `basic.get` took.
    pub const NONE: Self = Self {
        index: u32::MAX,
        generation: 0,
    };
}

/// What a consumer asks for.
#[derive(Clone, Debug)]
pub struct ConsumerSpec {
    /// Its tag, unique on its channel.
    pub tag: Name,
    /// Where its deliveries go.
    pub outlet: Arc<dyn Outlet>,
    /// Its channel.
    pub channel: u16,
    /// Deliveries count as settled at once.
    pub no_ack: bool,
    /// Nobody else may consume.
    pub exclusive: bool,
    /// Most unacked deliveries at a time; 0 is no limit.
    pub prefetch: u16,
    /// Higher ones are served first (`x-priority`).
    pub priority: i64,
    /// Where it begins to read, on a stream.
    pub reading: Reading,
    /// For listings.
    pub origin: Arc<ConsumerOrigin>,
}

/// One consumer.
#[derive(Debug)]
pub(super) struct Consumer {
    /// As it was asked for.
    pub(super) spec: ConsumerSpec,
    /// Unacked deliveries.
    pub(super) in_flight: u32,
    /// It was too late with one: it gets nothing until it settles one of those.
    suspended: bool,
    pub(super) key: ConsumerKey,
    /// Whether it stands in its ring: it has room.
    ready: bool,
}

impl Consumer {
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended
    }

    fn has_credit(&self) -> bool {
        !self.suspended
            && (self.spec.prefetch == 0 || self.in_flight < u32::from(self.spec.prefetch))
    }
}

/// Consumers by slot, and those with room in rings by priority, highest first. Picking is O(1).
#[derive(Debug, Default)]
pub(super) struct Consumers {
    slots: Vec<Option<Consumer>>,
    rings: Vec<Ring>,
    count: usize,
    generation: u32,
    single_active: bool,
    /// The active one makes way for one of a higher priority, once it has nothing unacked.
    yields: bool,
    active: Option<u32>,
    /// The active one is about to make way.
    is_leaving: bool,
}

#[derive(Debug)]
struct Ring {
    priority: i64,
    turn: VecDeque<u32>,
}

impl Consumers {
    /// None yet; with `single_active` only one at a time is served.
    pub(super) fn new(single_active: bool, yields: bool) -> Self {
        Self {
            single_active,
            yields,
            ..Self::default()
        }
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(super) fn has_exclusive(&self) -> bool {
        self.iter().any(|consumer| consumer.spec.exclusive)
    }

    pub(super) fn is_single_active(&self) -> bool {
        self.single_active
    }

    /// All of them, with whether each is served (`single_active_or_up`).
    pub(super) fn iter(&self) -> impl Iterator<Item = &Consumer> {
        self.slots.iter().flatten()
    }

    /// Whether this one is served: with single active consumer, only the active one is.
    pub(super) fn is_active(&self, consumer: &Consumer) -> bool {
        !self.single_active || self.active == Some(consumer.key.index)
    }

    /// Add one, not served until it is resumed: its client must first hear that it consumes.
    pub(super) fn add(&mut self, spec: ConsumerSpec) -> ConsumerKey {
        let index = self
            .slots
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.slots.len());
        self.generation += 1;
        let index32 = u32::try_from(index).unwrap_or(u32::MAX - 1);
        let key = ConsumerKey {
            index: index32,
            generation: self.generation,
        };
        let consumer = Consumer {
            spec,
            in_flight: 0,
            suspended: false,
            key,
            ready: false,
        };
        match self.slots.get_mut(index) {
            Some(slot) => *slot = Some(consumer),
            None => self.slots.push(Some(consumer)),
        }
        self.count += 1;
        self.choose_active();
        key
    }

    pub(super) fn remove(&mut self, key: ConsumerKey) -> Option<Consumer> {
        self.get_mut(key)?;
        self.leave_ring(key.index);
        let gone = self.slots.get_mut(key.index as usize)?.take();
        self.count -= 1;
        if self.active == Some(key.index) {
            self.active = None;
            self.choose_active();
        }
        gone
    }

    pub(super) fn get_mut(&mut self, key: ConsumerKey) -> Option<&mut Consumer> {
        let consumer = self.slots.get_mut(key.index as usize)?.as_mut()?;
        (consumer.key == key).then_some(consumer)
    }

    pub(super) fn spec(&self, key: ConsumerKey) -> Option<&ConsumerSpec> {
        let consumer = self.slots.get(key.index as usize)?.as_ref()?;
        (consumer.key == key).then_some(&consumer.spec)
    }

    /// Whether this one may get something, whose turn it is or not.
    pub(super) fn has_room(&self, key: ConsumerKey) -> bool {
        let slot = self.slots.get(key.index as usize);
        slot.and_then(Option::as_ref)
            .is_some_and(|consumer| consumer.key == key && consumer.ready)
    }

    /// Take all out.
    pub(super) fn drain(&mut self) -> Vec<Consumer> {
        self.rings.clear();
        self.count = 0;
        self.active = None;
        self.is_leaving = false;
        self.slots.drain(..).flatten().collect()
    }

    /// Whose turn it is, if anybody has room.
    pub(super) fn next(&self) -> Option<(ConsumerKey, &ConsumerSpec)> {
        let index = match self.single_active {
            false => self
                .rings
                .iter()
                .find_map(|ring| ring.turn.front().copied())?,
            true if self.is_leaving => return None,
            true => self.active?,
        };
        let consumer = self.slots.get(index as usize)?.as_ref()?;
        consumer.ready.then_some((consumer.key, &consumer.spec))
    }

    /// The one whose turn it was got a delivery: to the end of the ring, or out of it when it is
    /// at its prefetch or its outlet is `full`.
    pub(super) fn delivered(&mut self, key: ConsumerKey, full: bool) {
        let Some(consumer) = self.get_mut(key) else {
            return;
        };
        if !consumer.spec.no_ack {
            consumer.in_flight += 1;
        }
        if full || !consumer.has_credit() {
            self.leave_ring(key.index);
        } else {
            self.rotate(key.index);
        }
    }

    /// Its outlet refused: out of the ring until it is resumed.
    pub(super) fn refused(&mut self, key: ConsumerKey) {
        self.leave_ring(key.index);
    }

    /// A delivery of it was settled.
    pub(super) fn settled(&mut self, key: ConsumerKey) {
        let Some(consumer) = self.get_mut(key) else {
            return;
        };
        let was_at_limit = !consumer.has_credit();
        consumer.in_flight = consumer.in_flight.saturating_sub(1);
        // Only the prefetch is over: one whose outlet is full is resumed by the outlet.
        if was_at_limit {
            self.make_ready(key.index);
        }
        if self.is_leaving {
            self.choose_active();
        }
    }

    /// Serve it no more, or again; a single active one makes way.
    pub(super) fn suspend(&mut self, key: ConsumerKey, suspended: bool) {
        let Some(consumer) = self.get_mut(key) else {
            return;
        };
        consumer.suspended = suspended;
        match suspended {
            true => self.leave_ring(key.index),
            false => self.make_ready(key.index),
        }
        if suspended && self.active == Some(key.index) {
            self.active = None;
        }
        self.choose_active();
    }

    /// Its outlet has room again.
    pub(super) fn resume(&mut self, key: ConsumerKey) {
        if self.get_mut(key).is_some() {
            self.make_ready(key.index);
        }
    }

    fn make_ready(&mut self, index: u32) {
        let Some(Some(consumer)) = self.slots.get_mut(index as usize) else {
            return;
        };
        if consumer.ready || !consumer.has_credit() {
            return;
        }
        consumer.ready = true;
        let priority = consumer.spec.priority;
        self.ring(priority).turn.push_back(index);
    }

    fn leave_ring(&mut self, index: u32) {
        let Some(Some(consumer)) = self.slots.get_mut(index as usize) else {
            return;
        };
        if !std::mem::take(&mut consumer.ready) {
            return;
        }
        let priority = consumer.spec.priority;
        let turn = &mut self.ring(priority).turn;
        match turn.front() == Some(&index) {
            true => drop(turn.pop_front()),
            false => turn.retain(|there| *there != index),
        }
    }

    fn rotate(&mut self, index: u32) {
        if self.single_active {
            return;
        }
        let turn = self
            .rings
            .iter_mut()
            .find(|ring| ring.turn.front() == Some(&index));
        if let Some(ring) = turn {
            ring.turn.rotate_left(1);
        }
    }

    fn ring(&mut self, priority: i64) -> &mut Ring {
        let at = match self
            .rings
            .binary_search_by(|ring| priority.cmp(&ring.priority))
        {
            Ok(at) => at,
            Err(at) => {
                self.rings.insert(
                    at,
                    Ring {
                        priority,
                        turn: VecDeque::new(),
                    },
                );
                at
            }
        };
        &mut self.rings[at]
    }

    /// With single active consumer: the first of the highest priority. It stays until it leaves,
    /// or makes way.
    fn choose_active(&mut self) {
        if !self.single_active {
            return;
        }
        let best = self
            .iter()
            .filter(|consumer| !consumer.suspended)
            .min_by_key(|c| (std::cmp::Reverse(c.spec.priority), c.key.generation));
        let now = self.active.and_then(|at| self.slots.get(at as usize));
        let Some((now, best)) = now.and_then(Option::as_ref).zip(best) else {
            self.active = best.map(|consumer| consumer.key.index);
            self.is_leaving = false;
            return;
        };
        let makes_way = self.yields && best.spec.priority > now.spec.priority;
        let is_free = now.in_flight == 0;
        let best = best.key.index;
        self.is_leaving = makes_way && !is_free;
        if makes_way && is_free {
            self.active = Some(best);
        }
    }
}
