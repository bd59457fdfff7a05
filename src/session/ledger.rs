//! [`Ledger`]: a channel's deliveries that are not settled, by delivery tag.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::broker::connection::ChannelInfo;
use crate::broker::outlet::{Delivery, Out, Place, Room};
use crate::broker::queue::{ConsumerKey, Entry, Queue, Unacked};
use crate::broker::tick::Tick;

/// Tags rise, so the deque is ordered; one settled out of turn leaves a hole that goes when it
/// comes to the front.
#[derive(Debug)]
pub(super) struct Ledger {
    last_tag: u64,
    unacked: VecDeque<Slot>,
    /// Unsettled deliveries to consumers: what a global prefetch counts.
    in_flight: u32,
    /// All unsettled, holes not counted.
    len: u64,
    global_prefetch: u16,
    /// Given back for being late, by tag: their consumers are suspended until one is settled.
    lapsed: BTreeMap<u64, (Arc<Queue>, ConsumerKey)>,
    pub(super) info: Arc<ChannelInfo>,
}

/// Who got late deliveries.
pub(super) type Lapsed = Vec<(Arc<Queue>, ConsumerKey)>;

#[derive(Debug)]
struct Slot {
    tag: u64,
    since: Tick,
    unacked: Option<Unacked>,
}

impl Ledger {
    pub(super) fn new(info: Arc<ChannelInfo>) -> Self {
        let unacked = VecDeque::new();
        Self {
            last_tag: 0,
            unacked,
            in_flight: 0,
            len: 0,
            global_prefetch: 0,
            lapsed: BTreeMap::new(),
            info,
        }
    }

    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn next_tag(&mut self) -> u64 {
        self.last_tag += 1;
        self.last_tag
    }

    /// Whether the channel's global prefetch allows no more.
    pub(super) fn is_full(&self) -> bool {
        self.global_prefetch != 0 && self.in_flight >= u32::from(self.global_prefetch)
    }

    /// Whether the channel's global prefetch allows one more, with the numbers.
    pub(super) fn room(&self) -> Room {
        let (limit, in_flight) = (self.global_prefetch, self.in_flight);
        match self.is_full() {
            true => Room::ChannelFull { limit, in_flight },
            false => Room::Free,
        }
    }

    /// Look at what is out from a tag on, but at no more than `left`; where to go on, if there is
    /// more.
    pub(super) fn look(
        &self,
        from: Place,
        left: &mut usize,
        look: &mut dyn FnMut(Out<'_>),
    ) -> Option<Place> {
        let first = self.unacked.partition_point(|slot| slot.tag < from.tag);
        for slot in self.unacked.range(first..) {
            let place = Place {
                tag: slot.tag,
                ..from
            };
            if *left == 0 {
                return Some(place);
            }
            *left -= 1;
            if let Some(unacked) = &slot.unacked {
                look(Out {
                    place,
                    since: slot.since,
                    queue: &unacked.queue,
                    consumer: unacked.consumer,
                    entry: &unacked.entry,
                });
            }
        }
        None
    }

    pub(super) fn set_global_prefetch(&mut self, count: u16) {
        self.global_prefetch = count;
    }

    pub(super) fn push(&mut self, tag: u64, delivery: &Delivery<'_>, entry: Entry) {
        self.in_flight += 1;
        let queue = Arc::clone(delivery.queue);
        self.push_slot(tag, queue, delivery.consumer, entry, delivery.now);
    }

    /// What `basic.get` took.
    pub(super) fn push_got(&mut self, tag: u64, queue: Arc<Queue>, entry: Entry, now: Tick) {
        self.push_slot(tag, queue, ConsumerKey::NONE, entry, now);
    }

    fn push_slot(
        &mut self,
        tag: u64,
        queue: Arc<Queue>,
        consumer: ConsumerKey,
        entry: Entry,
        since: Tick,
    ) {
        self.len += 1;
        let unacked = Some(Unacked {
            tag,
            queue,
            consumer,
            entry,
        });
        self.unacked.push_back(Slot {
            tag,
            since,
            unacked,
        });
    }

    /// Take one tag, or all up to it; tag 0 with `multiple` is all. `false` when the tag is
    /// not out.
    pub(super) fn take(&mut self, tag: u64, multiple: bool, into: &mut Vec<Unacked>) -> bool {
        let is_lapsed = !self.lapsed.is_empty() && self.is_lapsed(tag);
        match multiple {
            true => self.take_up_to(tag, into) || is_lapsed,
            false => self.take_one(tag, into) || is_lapsed,
        }
    }

    fn take_one(&mut self, tag: u64, into: &mut Vec<Unacked>) -> bool {
        let Ok(at) = self.unacked.binary_search_by_key(&tag, |slot| slot.tag) else {
            return false;
        };
        let Some(unacked) = self
            .unacked
            .get_mut(at)
            .and_then(|slot| slot.unacked.take())
        else {
            return false;
        };
        self.count_out(&unacked);
        into.push(unacked);
        while self
            .unacked
            .front()
            .is_some_and(|slot| slot.unacked.is_none())
        {
            self.unacked.pop_front();
        }
        true
    }

    fn take_up_to(&mut self, tag: u64, into: &mut Vec<Unacked>) -> bool {
        if tag != 0
            && (tag > self.last_tag || self.unacked.back().is_none_or(|last| last.tag < tag))
        {
            return false;
        }
        let until = if tag == 0 { u64::MAX } else { tag };
        while self.unacked.front().is_some_and(|slot| slot.tag <= until) {
            if let Some(unacked) = self.unacked.pop_front().and_then(|slot| slot.unacked) {
                self.count_out(&unacked);
                into.push(unacked);
            }
        }
        true
    }

    fn count_out(&mut self, unacked: &Unacked) {
        self.len -= 1;
        if unacked.consumer != ConsumerKey::NONE {
            self.in_flight -= 1;
        }
    }
}

impl Ledger {
    /// What was taken is out again: a transaction was rolled back.
    pub(super) fn put_back(&mut self, batch: Vec<Unacked>, now: Tick) {
        for unacked in batch {
            self.len += 1;
            if unacked.consumer != ConsumerKey::NONE {
                self.in_flight += 1;
            }
            let tag = unacked.tag;
            match self.unacked.binary_search_by_key(&tag, |slot| slot.tag) {
                Ok(at) => self.unacked[at].unacked = Some(unacked),
                Err(at) => self.unacked.insert(
                    at,
                    Slot {
                        tag,
                        since: now,
                        unacked: Some(unacked),
                    },
                ),
            }
        }
    }
}

/// Deliveries that are out for too long.
impl Ledger {
    /// The oldest delivery: its queue, who got it, since when it is out.
    pub(super) fn oldest(&self) -> Option<(Arc<Queue>, ConsumerKey, Tick)> {
        // The front is never a hole.
        self.unacked.front().and_then(Slot::origin)
    }

    /// The oldest delivery of each consumer and queue.
    pub(super) fn oldest_of_each(&self) -> Vec<(Arc<Queue>, ConsumerKey, Tick)> {
        let mut each: Vec<(Arc<Queue>, ConsumerKey, Tick)> = Vec::new();
        for (queue, consumer, since) in self.unacked.iter().filter_map(Slot::origin) {
            let is_there = each
                .iter()
                .any(|(there, key, _)| *key == consumer && Arc::ptr_eq(there, &queue));
            if !is_there {
                each.push((queue, consumer, since));
            }
        }
        each
    }

    /// Take what this consumer got until then. Its tags stay known, so that settling them late is
    /// no error.
    pub(super) fn lapse(
        &mut self,
        queue: &Arc<Queue>,
        consumer: ConsumerKey,
        until: Tick,
        into: &mut Vec<Unacked>,
    ) {
        let is_late = |slot: &Slot| {
            slot.since <= until
                && slot.unacked.as_ref().is_some_and(|unacked| {
                    unacked.consumer == consumer && Arc::ptr_eq(&unacked.queue, queue)
                })
        };
        let tags: Vec<u64> = self
            .unacked
            .iter()
            .filter(|slot| is_late(slot))
            .map(|slot| slot.tag)
            .collect();
        for tag in tags {
            self.take_one(tag, into);
            self.lapsed.insert(tag, (Arc::clone(queue), consumer));
        }
        self.info.unacked.store(self.len, Ordering::Relaxed);
    }

    /// Forget late deliveries that are settled after all; the consumers that got them.
    pub(super) fn take_lapsed(&mut self, tag: u64, multiple: bool) -> Lapsed {
        if self.lapsed.is_empty() {
            return Lapsed::new();
        }
        if !multiple {
            return self.lapsed.remove(&tag).into_iter().collect();
        }
        let until = if tag == 0 { u64::MAX } else { tag };
        let later = self.lapsed.split_off(&until.saturating_add(1));
        let settled = std::mem::replace(&mut self.lapsed, later);
        settled.into_values().collect()
    }

    fn is_lapsed(&self, tag: u64) -> bool {
        tag == 0 || self.lapsed.contains_key(&tag)
    }
}

impl Slot {
    fn origin(&self) -> Option<(Arc<Queue>, ConsumerKey, Tick)> {
        let unacked = self.unacked.as_ref()?;
        Some((Arc::clone(&unacked.queue), unacked.consumer, self.since))
    }
}
