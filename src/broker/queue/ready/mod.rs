//! [`Ready`]: the messages of a queue that wait for a consumer, in delivery order.

mod lanes;
mod lift;
mod upcoming;

use std::collections::{BTreeMap, VecDeque};

use super::super::tick::Tick;
use super::entry::Entry;
use super::order::Order;
use super::tally::{Tally, Weight};
use lanes::Lanes;
pub(super) use lift::Lifted;
pub(super) use upcoming::Upcoming;

/// Waiting entries. What was requeued stands in `returned`, ordered, and is looked at first:
/// in its lane it is older than anything in `store`. Quorum queues put what comes back before
/// everything else, in the order in which it came.
#[derive(Debug)]
pub(super) struct Ready {
    store: Store,
    returned: BTreeMap<(u8, u64), Entry>,
    tally: Tally,
    last_first: u64,
}

/// Where an entry stood.
#[derive(Clone, Copy, Debug)]
pub(super) enum Taken {
    Stored,
    Returned((u8, u64)),
}

/// Before every lane of a quorum queue.
const FIRST: u8 = 0;

#[derive(Debug)]
enum Store {
    Fifo(VecDeque<Entry>),
    Lanes(Box<Lanes>),
}

impl Store {
    /// Each lane with its oldest entry; a FIFO is lane 0.
    fn lane_heads(&self) -> impl Iterator<Item = (u8, Option<&Entry>)> {
        let (fifo, lanes) = match self {
            Self::Fifo(fifo) => (Some(fifo.front()), None),
            Self::Lanes(lanes) => (None, Some(lanes.heads())),
        };
        (0..=u8::MAX).zip(fifo.into_iter().chain(lanes.into_iter().flatten()))
    }

    fn lane(&self, lane: u8) -> Option<&VecDeque<Entry>> {
        match self {
            Self::Fifo(fifo) => Some(fifo),
            Self::Lanes(lanes) => lanes.lanes.get(lane as usize),
        }
    }

    fn lane_head(&self, lane: u8) -> Option<&Entry> {
        self.lane(lane)?.front()
    }

    /// Put an entry into its lane, at this place or behind all.
    fn insert_at(&mut self, at: usize, entry: Entry) {
        match self {
            Self::Fifo(fifo) => fifo.insert(at.min(fifo.len()), entry),
            Self::Lanes(lanes) => lanes.insert_at(at, entry),
        }
    }

    fn takes_turns(&self) -> bool {
        matches!(self, Self::Lanes(lanes) if lanes.takes_turns())
    }

    fn pop_lane(&mut self, lane: u8) -> Option<Entry> {
        match self {
            Self::Fifo(fifo) => fifo.pop_front(),
            Self::Lanes(lanes) => lanes.pop_lane(lane as usize),
        }
    }
}

impl Ready {
    /// Empty.
    pub(super) fn new(order: Order) -> Self {
        let takes_turns = order == Order::TwoClasses;
        let store = match order.highest() {
            None => Store::Fifo(VecDeque::new()),
            Some(highest) => Store::Lanes(Box::new(Lanes::new(highest, takes_turns))),
        };
        Self {
            store,
            returned: BTreeMap::new(),
            tally: Tally::default(),
            last_first: 0,
        }
    }

    /// All, in delivery order, to look at.
    pub(super) fn upcoming(&self) -> Upcoming<'_> {
        Upcoming::of(self)
    }

    /// How many wait.
    pub(super) fn len(&self) -> u64 {
        self.tally.messages
    }

    /// Whether none waits.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Of those that wait, what came back.
    pub(super) fn returned(&self) -> u64 {
        self.returned.len() as u64
    }

    /// How many of the others wait in which lane, if there are lanes.
    pub(super) fn lane_lengths(&self) -> Vec<(u8, u64)> {
        match &self.store {
            Store::Fifo(_) => Vec::new(),
            Store::Lanes(lanes) => lanes.lengths(),
        }
    }

    /// How many wait, and their bytes.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// A new entry, behind all of its lane.
    pub(super) fn push(&mut self, entry: Entry) {
        self.tally.add(Weight::of(&entry));
        match &mut self.store {
            Store::Fifo(fifo) => fifo.push_back(entry),
            Store::Lanes(lanes) => lanes.push(entry),
        }
    }

    /// An entry that was out: back to where it stood.
    pub(super) fn put_back(&mut self, entry: Entry) {
        self.tally.add(Weight::of(&entry));
        self.returned.insert(order(&entry), entry);
    }

    /// An entry that was out: before all others, behind those that came back so before.
    pub(super) fn put_first(&mut self, entry: Entry) {
        self.tally.add(Weight::of(&entry));
        self.last_first += 1;
        self.returned.insert((FIRST, self.last_first), entry);
    }

    /// The entry that was taken last, and could not be delivered after all.
    pub(super) fn undo(&mut self, taken: Taken, entry: Entry) {
        self.tally.add(Weight::of(&entry));
        match (taken, &mut self.store) {
            (Taken::Returned(key), _) => drop(self.returned.insert(key, entry)),
            (Taken::Stored, Store::Fifo(fifo)) => fifo.push_front(entry),
            (Taken::Stored, Store::Lanes(lanes)) => lanes.undo(entry),
        }
    }

    /// What would be delivered next.
    pub(super) fn head(&self) -> Option<&Entry> {
        let stored = match &self.store {
            Store::Fifo(fifo) => fifo.front(),
            Store::Lanes(lanes) => lanes.head(),
        };
        match (self.returned.first_key_value(), stored) {
            (Some((key, back)), Some(new)) if *key < order(new) => Some(back),
            (Some((_, back)), None) => Some(back),
            (_, stored) => stored,
        }
    }

    /// Take the head.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.take().map(|(_, entry)| entry)
    }

    /// Take the head, and know where it stood.
    pub(super) fn take(&mut self) -> Option<(Taken, Entry)> {
        let (taken, entry) = if self.head_is_returned() {
            let (key, entry) = self.returned.pop_first()?;
            (Taken::Returned(key), entry)
        } else {
            let entry = match &mut self.store {
                Store::Fifo(fifo) => fifo.pop_front(),
                Store::Lanes(lanes) => lanes.pop(),
            };
            (Taken::Stored, entry?)
        };
        self.tally.remove(Weight::of(&entry));
        Some((taken, entry))
    }

    /// Take the head if it is expired.
    pub(super) fn pop_expired(&mut self, now: Tick) -> Option<Entry> {
        if self.head()?.is_expired(now) {
            return self.pop();
        }
        // A lane below may have an expired head too, which two classes do not look at.
        if self.store.takes_turns() {
            return None;
        }
        let expired = self
            .lane_heads()
            .find(|head| head.is_expired(now))
            .map(|head| (order(head), head.priority))?;
        let entry = match self.returned.remove(&expired.0) {
            Some(back) => back,
            None => self.store.pop_lane(expired.1)?,
        };
        self.tally.remove(Weight::of(&entry));
        Some(entry)
    }

    /// The oldest of each lane: what came back to it, else what waits in it.
    fn lane_heads(&self) -> impl Iterator<Item = &Entry> {
        self.store.lane_heads().filter_map(|(lane, stored)| {
            let lane = u8::MAX - lane;
            let back = self.returned.range((lane, 0)..=(lane, u64::MAX)).next();
            back.map(|(_, entry)| entry).or(stored)
        })
    }

    /// The entry that the longest wait makes first to be dropped: the oldest of the lowest lane.
    pub(super) fn pop_oldest_lowest(&mut self) -> Option<Entry> {
        let lowest_stored = match &self.store {
            Store::Fifo(fifo) => fifo.front(),
            Store::Lanes(lanes) => lanes.lowest(),
        }
        .map(|entry| entry.priority);
        let lowest_back = self
            .returned
            .last_key_value()
            .map(|((lane, _), _)| u8::MAX - lane);
        if lowest_back.is_some_and(|back| lowest_stored.is_none_or(|stored| back <= stored)) {
            return self.pop_returned_lowest();
        }
        let entry = match &mut self.store {
            Store::Fifo(fifo) => fifo.pop_front(),
            Store::Lanes(lanes) => lanes.pop_lowest(),
        }?;
        self.tally.remove(Weight::of(&entry));
        Some(entry)
    }

    /// When the first head expires.
    pub(super) fn next_expiry(&self) -> Tick {
        match &self.store {
            Store::Lanes(_) if !self.store.takes_turns() => self
                .lane_heads()
                .chain(self.head())
                .map(|head| head.expires)
                .min()
                .unwrap_or(Tick::NEVER),
            Store::Lanes(_) | Store::Fifo(_) => {
                self.head().map_or(Tick::NEVER, |entry| entry.expires)
            }
        }
    }

    /// Take all, in delivery order.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        let mut all = Vec::new();
        while let Some(entry) = self.pop() {
            all.push(entry);
        }
        all
    }

    fn head_is_returned(&self) -> bool {
        let Some((key, _)) = self.returned.first_key_value() else {
            return false;
        };
        let stored = match &self.store {
            Store::Fifo(fifo) => fifo.front(),
            Store::Lanes(lanes) => lanes.head(),
        };
        stored.is_none_or(|stored| *key < order(stored))
    }

    fn pop_returned_lowest(&mut self) -> Option<Entry> {
        let lane = self.returned.last_key_value()?.0.0;
        let first = *self.returned.range((lane, 0)..).next()?.0;
        let entry = self.returned.remove(&first)?;
        self.tally.remove(Weight::of(&entry));
        Some(entry)
    }
}

/// Delivery order: higher lanes first, then by arrival.
fn order(entry: &Entry) -> (u8, u64) {
    (u8::MAX - entry.priority, entry.seq)
}
