//! One FIFO per priority, for queues declared with `x-max-priority`.

use std::collections::VecDeque;

use super::super::super::tick::Tick;
use super::super::entry::Entry;

/// FIFOs by priority, with a bit per lane that is not empty: picking costs no search.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: Vec<VecDeque<Entry>>,
    filled: [u64; 4],
}

impl Lanes {
    /// Lanes 0 to `highest`.
    pub(super) fn new(highest: u8) -> Self {
        let lanes = (0..=highest).map(|_| VecDeque::new()).collect();
        Self {
            lanes,
            filled: [0; 4],
        }
    }

    pub(super) fn push(&mut self, entry: Entry) {
        let lane = entry.priority;
        if let Some(fifo) = self.lanes.get_mut(lane as usize) {
            fifo.push_back(entry);
            self.filled[lane as usize / 64] |= 1 << (lane % 64);
        }
    }

    pub(super) fn head(&self) -> Option<&Entry> {
        self.lanes.get(self.highest()?)?.front()
    }

    pub(super) fn lowest(&self) -> Option<&Entry> {
        self.lanes.get(self.lowest_lane()?)?.front()
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        self.pop_lane(self.highest()?)
    }

    pub(super) fn pop_lowest(&mut self) -> Option<Entry> {
        self.pop_lane(self.lowest_lane()?)
    }

    pub(super) fn pop_expired(&mut self, now: Tick) -> Option<Entry> {
        let is_expired = |fifo: &VecDeque<Entry>| fifo.front().is_some_and(|e| e.is_expired(now));
        self.pop_lane(self.lanes.iter().position(is_expired)?)
    }

    pub(super) fn next_expiry(&self) -> Tick {
        let heads = self.lanes.iter().filter_map(VecDeque::front);
        heads
            .map(|entry| entry.expires)
            .min()
            .unwrap_or(Tick::NEVER)
    }

    fn pop_lane(&mut self, lane: usize) -> Option<Entry> {
        let fifo = self.lanes.get_mut(lane)?;
        let entry = fifo.pop_front()?;
        if fifo.is_empty() {
            self.filled[lane / 64] &= !(1 << (lane % 64));
        }
        Some(entry)
    }

    fn highest(&self) -> Option<usize> {
        let word = self.filled.iter().rposition(|bits| *bits != 0)?;
        Some(word * 64 + 63 - self.filled[word].leading_zeros() as usize)
    }

    fn lowest_lane(&self) -> Option<usize> {
        let word = self.filled.iter().position(|bits| *bits != 0)?;
        Some(word * 64 + self.filled[word].trailing_zeros() as usize)
    }
}
