//! [`Upcoming`]: what waits, in delivery order, without taking any of it.

use std::collections::{btree_map, vec_deque};
use std::iter::Peekable;

use super::super::entry::Entry;
use super::lanes::HIGH_TURNS;
use super::{Ready, Store, order};

/// Walks over what waits.
#[derive(Debug)]
pub(in super::super) struct Upcoming<'a> {
    returned: Peekable<btree_map::Iter<'a, (u8, u64), Entry>>,
    /// The highest first.
    lanes: Vec<Peekable<vec_deque::Iter<'a, Entry>>>,
    turn: Option<u8>,
}

impl<'a> Upcoming<'a> {
    pub(super) fn of(ready: &'a Ready) -> Self {
        let (lanes, turn) = match &ready.store {
            Store::Fifo(fifo) => (vec![fifo.iter().peekable()], None),
            Store::Lanes(lanes) => {
                let iters = lanes.lanes.iter().rev();
                let iters = iters.map(|lane| lane.iter().peekable());
                (iters.collect(), lanes.turn)
            }
        };
        Self {
            returned: ready.returned.iter().peekable(),
            lanes,
            turn,
        }
    }

    /// Pass `n` of them: one by one while what came back is in the way, then with a jump.
    pub(in super::super) fn pass(&mut self, mut n: u64) {
        while n > 0 && (self.returned.peek().is_some() || self.turn.is_some()) {
            if self.next().is_none() {
                return;
            }
            n -= 1;
        }
        for lane in &mut self.lanes {
            let jump = lane.len().min(usize::try_from(n).unwrap_or(usize::MAX));
            if let Some(last) = jump.checked_sub(1) {
                lane.nth(last);
            }
            n -= jump as u64;
        }
    }

    /// The lane whose head would be delivered next.
    fn lane(&mut self) -> Option<usize> {
        let mut filled = self.lanes.iter_mut();
        let is_filled = |lane: &mut Peekable<_>| lane.peek().is_some();
        match self.turn {
            Some(HIGH_TURNS) => filled.rposition(is_filled),
            _ => filled.position(is_filled),
        }
    }
}

impl<'a> Iterator for Upcoming<'a> {
    type Item = &'a Entry;

    fn next(&mut self) -> Option<&'a Entry> {
        let lane = self.lane();
        let lane = lane.and_then(|at| self.lanes.get_mut(at));
        let stored = lane.and_then(|lane| Some((order(lane.peek()?), lane)));
        let back = self.returned.peek().map(|(key, _)| **key);
        match (back, stored) {
            (back, Some((place, lane))) if back.is_none_or(|back| back > place) => {
                if let Some(turn) = &mut self.turn {
                    *turn = (*turn + 1) % (HIGH_TURNS + 1);
                }
                lane.next()
            }
            _ => self.returned.next().map(|(_, entry)| entry),
        }
    }
}
