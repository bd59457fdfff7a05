//! One FIFO per priority.

use std::collections::VecDeque;

use super::super::entry::Entry;

/// FIFOs by priority, with a bit per lane that is not empty: picking costs no search.
#[derive(Debug)]
pub(super) struct Lanes {
    pub(super) lanes: Vec<VecDeque<Entry>>,
    filled: [u64; 4],
    /// Who is next, where lanes take turns.
    pub(super) turn: Option<u8>,
}

/// Of so many deliveries one more is for the lower lane.
pub(super) const HIGH_TURNS: u8 = 2;

impl Lanes {
    /// Lanes 0 to `highest`. The highest goes first, unless they take turns: then every third
    /// delivery is for the lowest.
    pub(super) fn new(highest: u8, takes_turns: bool) -> Self {
        let lanes = (0..=highest).map(|_| VecDeque::new()).collect();
        Self {
            lanes,
            filled: [0; 4],
            turn: takes_turns.then_some(0),
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
        self.lanes.get(self.next_lane()?)?.front()
    }

    pub(super) fn lowest(&self) -> Option<&Entry> {
        self.lanes.get(self.lowest_lane()?)?.front()
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.pop_lane(self.next_lane()?)?;
        if let Some(turn) = &mut self.turn {
            *turn = (*turn + 1) % (HIGH_TURNS + 1);
        }
        Some(entry)
    }

    /// Put back what was popped last.
    pub(super) fn undo(&mut self, entry: Entry) {
        let lane = entry.priority;
        if let Some(fifo) = self.lanes.get_mut(lane as usize) {
            fifo.push_front(entry);
            self.filled[lane as usize / 64] |= 1 << (lane % 64);
        }
        if let Some(turn) = &mut self.turn {
            *turn = (*turn + HIGH_TURNS) % (HIGH_TURNS + 1);
        }
    }

    /// Put an entry at this place of its lane, or behind all.
    pub(super) fn insert_at(&mut self, at: usize, entry: Entry) {
        let lane = entry.priority;
        if let Some(fifo) = self.lanes.get_mut(lane as usize) {
            fifo.insert(at.min(fifo.len()), entry);
            self.filled[lane as usize / 64] |= 1 << (lane % 64);
        }
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

    /// Lanes that are not empty, and how many wait in each.
    pub(super) fn lengths(&self) -> Vec<(u8, u64)> {
        (0_u8..=u8::MAX)
            .zip(&self.lanes)
            .map(|(lane, fifo)| (lane, fifo.len() as u64))
            .filter(|(_, waiting)| *waiting > 0)
            .collect()
    }

    pub(super) fn takes_turns(&self) -> bool {
        self.turn.is_some()
    }

    fn next_lane(&self) -> Option<usize> {
        match self.turn {
            Some(HIGH_TURNS) => self.lowest_lane(),
            _ => self.highest(),
        }
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
