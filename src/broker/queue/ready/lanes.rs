//! One FIFO per priority, for queues declared with `x-max-priority`.

use std::collections::VecDeque;

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

    /// The oldest of each lane, from lane 0 on.
    pub(super) fn heads(&self) -> impl Iterator<Item = Option<&Entry>> {
        self.lanes.iter().map(VecDeque::front)
    }

    pub(super) fn pop_lane(&mut self, lane: usize) -> Option<Entry> {
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
