//! [`Apart`]: what a quorum queue holds besides its ready messages.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::super::entry::Entry;
use super::super::settings::Settings;
use super::super::tally::{Tally, Weight};
use crate::broker::effects::{Dead, DeathReason, Receipt};
use crate::broker::name::Name;
use crate::broker::queue::{PublisherId, Queue};
use crate::broker::tick::Tick;

/// How long an undelivered dead letter waits for its next try.
const DEAD_LETTER_RETRY_MS: u64 = 180_000;

/// Messages that wait for their next try, and dead letters that their target does not have yet.
#[derive(Debug, Default)]
pub(in super::super) struct Apart {
    /// Publishes are refused until there is room again (`reject-publish`).
    pub(in super::super) is_blocked: bool,
    /// Channels that have sent messages here and are open.
    pub(in super::super) publishers: HashSet<PublisherId>,
    delayed: BTreeMap<(Tick, u64), Entry>,
    held: BTreeMap<u64, Held>,
    /// When which of them is tried again; one that is on its way is not in it.
    retries: BTreeSet<(Tick, u64)>,
    delayed_tally: Tally,
    held_tally: Tally,
    last_id: u64,
}

#[derive(Debug)]
struct Held {
    entry: Entry,
    reason: DeathReason,
    failures: u32,
    taken_by: Vec<Name>,
}

impl Apart {
    /// Messages waiting for a retry.
    pub(in super::super) fn delayed(&self) -> Tally {
        self.delayed_tally
    }

    /// Dead letters kept.
    pub(in super::super) fn held(&self) -> Tally {
        self.held_tally
    }

    /// Whether this and what is `ready` are more than the length limits allow.
    pub(in super::super) fn is_over(&self, settings: &Settings, ready: Tally) -> bool {
        let (messages, bytes) = self.with(ready);
        settings.is_exceeded_by(messages, bytes)
    }

    /// Whether a publish is refused: from the first message too many on, until a fifth is free.
    pub(in super::super) fn refuses(&mut self, settings: &Settings, ready: Tally) -> bool {
        self.make_room(settings, ready);
        self.is_blocked
    }

    /// Something is about to come: see before whether publishes are still to be refused.
    pub(in super::super) fn make_room(&mut self, settings: &Settings, ready: Tally) {
        if self.is_blocked {
            let (messages, bytes) = self.with(ready);
            let is_low = |count: u64, max: Option<u64>| {
                max.is_none_or(|max| u128::from(count) * 5 <= u128::from(max) * 4)
            };
            let has_room =
                is_low(messages, settings.length_max) && is_low(bytes, settings.bytes_max);
            self.is_blocked = !has_room;
        }
    }

    fn with(&self, ready: Tally) -> (u64, u64) {
        let (delayed, held) = (self.delayed_tally, self.held_tally);
        (
            ready.messages + delayed.messages + held.messages,
            ready.bytes + delayed.bytes + held.bytes,
        )
    }

    /// A returned message waits until `at`.
    pub(in super::super) fn delay(&mut self, entry: Entry, at: Tick) {
        self.last_id += 1;
        self.delayed_tally.add(Weight::of(&entry));
        self.delayed.insert((at, self.last_id), entry);
    }

    /// The returned messages that wait, with until when.
    pub(in super::super) fn waiting(&self) -> impl Iterator<Item = (Tick, &Entry)> {
        self.delayed.iter().map(|((at, _), entry)| (*at, entry))
    }

    /// Until when the first and the last of them wait.
    pub(in super::super) fn delayed_until(&self) -> Option<[Tick; 2]> {
        let (((first, _), _), ((last, _), _)) = (
            self.delayed.first_key_value()?,
            self.delayed.last_key_value()?,
        );
        Some([*first, *last])
    }

    /// Take out returned messages that wait, in the order in which they would be tried.
    pub(in super::super) fn take_waiting(
        &mut self,
        max: usize,
        is_meant: impl Fn(&Entry) -> bool,
    ) -> Vec<Entry> {
        let meant = self.delayed.iter().filter(|(_, entry)| is_meant(entry));
        let keys: Vec<_> = meant.take(max).map(|(key, _)| *key).collect();
        let taken = keys.iter().filter_map(|key| self.delayed.remove(key));
        let taken: Vec<Entry> = taken.collect();
        for entry in &taken {
            self.delayed_tally.remove(Weight::of(entry));
        }
        taken
    }

    /// The next message whose wait is over.
    pub(in super::super) fn pop_released(&mut self, now: Tick) -> Option<Entry> {
        let first = self.delayed.first_entry()?;
        if first.key().0 > now {
            return None;
        }
        let entry = first.remove();
        self.delayed_tally.remove(Weight::of(&entry));
        Some(entry)
    }

    /// Keep a dead letter until its target has it; this is its first try.
    pub(in super::super) fn hold(
        &mut self,
        queue: &Arc<Queue>,
        entry: Entry,
        reason: DeathReason,
        failures: u32,
    ) -> Dead {
        self.last_id += 1;
        self.held_tally.add(Weight::of(&entry));
        let held = Held {
            entry,
            reason,
            failures,
            taken_by: Vec::new(),
        };
        let dead = held.dead(queue, self.last_id);
        self.held.insert(self.last_id, held);
        dead
    }

    /// How a try ended.
    pub(in super::super) fn tried(&mut self, receipt: Receipt, is_delivered: bool, now: Tick) {
        let Receipt { id, taken_by } = receipt;
        if !is_delivered {
            if let Some(held) = self.held.get_mut(&id) {
                held.taken_by = taken_by;
                self.retries.insert((now.plus_ms(DEAD_LETTER_RETRY_MS), id));
            }
        } else if let Some(held) = self.held.remove(&id) {
            self.held_tally.remove(Weight::of(&held.entry));
        }
    }

    /// The next dead letter that is to be tried again now.
    pub(in super::super) fn pop_retry(&mut self, queue: &Arc<Queue>, now: Tick) -> Option<Dead> {
        let (at, id) = *self.retries.first()?;
        if at > now {
            return None;
        }
        self.retries.remove(&(at, id));
        self.held.get(&id).map(|held| held.dead(queue, id))
    }

    /// When something is to be done next.
    pub(in super::super) fn next(&self) -> Tick {
        let released = self
            .delayed
            .keys()
            .next()
            .map_or(Tick::NEVER, |(at, _)| *at);
        let retry = self.retries.first().map_or(Tick::NEVER, |(at, _)| *at);
        retry.min(released)
    }

    /// Drop all; how many that were.
    pub(in super::super) fn clear(&mut self) -> u64 {
        let messages = self.delayed_tally.messages + self.held_tally.messages;
        *self = Self {
            is_blocked: self.is_blocked,
            last_id: self.last_id,
            ..Self::default()
        };
        messages
    }
}

impl Held {
    fn dead(&self, queue: &Arc<Queue>, id: u64) -> Dead {
        Dead {
            queue: Arc::clone(queue),
            message: Arc::clone(&self.entry.message),
            reason: self.reason,
            failures: self.failures,
            kept: Some(Receipt {
                id,
                taken_by: self.taken_by.clone(),
            }),
        }
    }
}
