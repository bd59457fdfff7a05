//! [`Ledger`]: a channel's deliveries that are not settled, by delivery tag.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::broker::connection::ChannelInfo;
use crate::broker::outlet::Delivery;
use crate::broker::queue::{ConsumerKey, Entry, Queue, Unacked};

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
    pub(super) info: Arc<ChannelInfo>,
}

#[derive(Debug)]
struct Slot {
    tag: u64,
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

    pub(super) fn set_global_prefetch(&mut self, count: u16) {
        self.global_prefetch = count;
    }

    pub(super) fn push(&mut self, tag: u64, delivery: &Delivery<'_>, entry: Entry) {
        self.in_flight += 1;
        self.push_slot(tag, Arc::clone(delivery.queue), delivery.consumer, entry);
    }

    /// What `basic.get` took.
    pub(super) fn push_got(&mut self, tag: u64, queue: Arc<Queue>, entry: Entry) {
        self.push_slot(tag, queue, ConsumerKey::NONE, entry);
    }

    fn push_slot(&mut self, tag: u64, queue: Arc<Queue>, consumer: ConsumerKey, entry: Entry) {
        self.len += 1;
        let unacked = Some(Unacked {
            tag,
            queue,
            consumer,
            entry,
        });
        self.unacked.push_back(Slot { tag, unacked });
    }

    /// Take one tag, or all up to it; tag 0 with `multiple` is all. `false` when the tag is
    /// not out.
    pub(super) fn take(&mut self, tag: u64, multiple: bool, into: &mut Vec<Unacked>) -> bool {
        match multiple {
            true => self.take_up_to(tag, into),
            false => self.take_one(tag, into),
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
    pub(super) fn put_back(&mut self, batch: Vec<Unacked>) {
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
                        unacked: Some(unacked),
                    },
                ),
            }
        }
    }
}
