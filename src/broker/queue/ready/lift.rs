//! Taking chosen messages out of the middle of what waits, and putting them back where they were.

use std::collections::HashMap;

use super::super::entry::Entry;
use super::super::tally::Weight;
use super::{Ready, Store};

/// An entry that was taken out of its place.
#[derive(Debug)]
pub(in super::super) struct Lifted {
    pub(in super::super) entry: Entry,
    place: Place,
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Returned((u8, u64)),
    /// Before the entry of this number, or behind all.
    Stored(Option<u64>),
}

impl Ready {
    /// Take out the entries of these numbers, in the order in which the numbers are given.
    pub(in super::super) fn lift(&mut self, seqs: &[u64]) -> Vec<Lifted> {
        let mut wanted: HashMap<u64, usize> = seqs.iter().copied().zip(0..).collect();
        let mut found: Vec<(usize, Lifted)> = Vec::new();
        let keys = self.returned.iter();
        let keys: Vec<_> = keys
            .filter_map(|(key, entry)| Some((*key, wanted.remove(&entry.seq)?)))
            .collect();
        for (key, at) in keys {
            let entry = self.returned.remove(&key);
            let place = Place::Returned(key);
            found.extend(entry.map(|entry| (at, Lifted { entry, place })));
        }
        for lane in 0..=u8::MAX {
            if wanted.is_empty() {
                break;
            }
            self.store.lift(lane, &mut wanted, &mut found);
        }
        found.sort_by_key(|(at, _)| *at);
        let lifted: Vec<Lifted> = found.into_iter().map(|(_, lifted)| lifted).collect();
        for one in &lifted {
            self.tally.remove(Weight::of(&one.entry));
        }
        lifted
    }

    /// Put back what was lifted, the last first.
    pub(in super::super) fn restore(&mut self, lifted: Lifted) {
        let Lifted { entry, place } = lifted;
        self.tally.add(Weight::of(&entry));
        match place {
            Place::Returned(key) => drop(self.returned.insert(key, entry)),
            Place::Stored(before) => self.store.insert(entry, before),
        }
    }
}

impl Store {
    /// Passes what stands before the last of those wanted, and no more.
    fn lift(
        &mut self,
        lane: u8,
        wanted: &mut HashMap<u64, usize>,
        found: &mut Vec<(usize, Lifted)>,
    ) {
        let mut passed = Vec::new();
        while !wanted.is_empty() {
            let Some(entry) = self.pop_lane(lane) else {
                break;
            };
            let Some(at) = wanted.remove(&entry.seq) else {
                passed.push(entry);
                continue;
            };
            let next = self.lane_head(lane).map(|next| next.seq);
            let place = Place::Stored(next);
            found.push((at, Lifted { entry, place }));
        }
        for entry in passed.into_iter().rev() {
            self.insert_at(0, entry);
        }
    }

    fn insert(&mut self, entry: Entry, before: Option<u64>) {
        let lane = self.lane(entry.priority);
        let there = |seq| lane.and_then(|lane| lane.iter().position(|one| one.seq == seq));
        // If its neighbour is gone, it was older than what is there.
        let at = before.map_or(usize::MAX, |seq| there(seq).unwrap_or(0));
        self.insert_at(at, entry);
    }
}
