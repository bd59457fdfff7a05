//! Messages that wait are taken out by hand: to be moved elsewhere, dropped, or delivered early.
//! While they are on their way they count as out, and they can be put back where they were.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::effects::Effects;
use super::super::event::Event;
use super::super::message::Message;
use super::super::tick::Tick;
use super::Queue;
use super::entry::Entry;
use super::ready;
use super::tally::Weight;

/// Which of the messages are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that had arrived up to this one.
    UpTo(u64),
    /// These.
    These(BTreeSet<u64>),
}

impl Which {
    /// Whether the message of this number is one of them.
    pub fn has(&self, seq: u64) -> bool {
        match self {
            Self::UpTo(last) => seq <= *last,
            Self::These(seqs) => seqs.contains(&seq),
        }
    }
}

/// A message that was taken out of its place.
#[derive(Debug)]
pub struct Lifted(ready::Lifted);

impl Lifted {
    /// The message and what its queue knows of it.
    pub fn entry(&self) -> &Entry {
        &self.0.entry
    }

    /// The message.
    pub fn message(&self) -> &Arc<Message> {
        &self.0.entry.message
    }
}

impl Queue {
    /// The number of what arrived last.
    pub fn last_seq(&self) -> u64 {
        self.state.lock().last_seq()
    }

    /// Whether it would refuse such a message now.
    pub fn would_refuse(&self, message: &Message) -> bool {
        let mut state = self.state.lock();
        state.closed || (state.stream.is_none() && state.refuses(message.bytes()))
    }

    /// Take out some of what waits, in delivery order.
    pub fn lift(
        self: &Arc<Self>,
        which: &Which,
        max: usize,
        now: Tick,
        fx: &mut Effects,
    ) -> Vec<Lifted> {
        self.lift_those(|entry| which.has(entry.seq), max, now, fx)
    }

    /// Take out what would not survive a restart.
    pub fn lift_transient(self: &Arc<Self>, now: Tick, fx: &mut Effects) -> Vec<Lifted> {
        let is_transient = |entry: &Entry| !entry.message.facts.is_persistent();
        self.lift_those(is_transient, usize::MAX, now, fx)
    }

    fn lift_those(
        self: &Arc<Self>,
        is_meant: impl Fn(&Entry) -> bool,
        max: usize,
        now: Tick,
        fx: &mut Effects,
    ) -> Vec<Lifted> {
        let mut state = self.state.lock();
        state.expire(self, now, fx);
        let upcoming = state.ready.upcoming().filter(|entry| is_meant(entry));
        let seqs: Vec<u64> = upcoming.take(max).map(|entry| entry.seq).collect();
        let lifted = state.ready.lift(&seqs);
        for one in &lifted {
            state.unacked.add(Weight::of(&one.entry));
        }
        state.arm(self, fx);
        lifted.into_iter().map(Lifted).collect()
    }

    /// Put back what was lifted together, in the order in which it was lifted.
    pub fn restore(self: &Arc<Self>, lifted: Vec<Lifted>, now: Tick, fx: &mut Effects) {
        let mut state = self.state.lock();
        for Lifted(one) in lifted.into_iter().rev() {
            state.unacked.remove(Weight::of(&one.entry));
            if !state.closed {
                state.ready.restore(one);
            }
        }
        if !state.closed {
            state.limit(self, fx);
            state.run(self, now, fx);
        }
    }

    /// What was lifted is elsewhere now, or wanted nowhere.
    pub fn let_go(self: &Arc<Self>, lifted: &[Lifted], fx: &mut Effects) {
        let mut state = self.state.lock();
        for Lifted(one) in lifted {
            state.unacked.remove(Weight::of(&one.entry));
        }
        drop(state);
        let messages = lifted.len() as u64;
        fx.record(|| {
            self.event(|vhost, queue| Event::Purged {
                vhost,
                queue,
                messages,
            })
        });
    }

    /// Let messages that wait for their next try have it now; how many there were.
    pub fn hurry(self: &Arc<Self>, which: &Which, max: usize, now: Tick, fx: &mut Effects) -> u64 {
        let mut state = self.state.lock();
        let Some(apart) = &mut state.apart else {
            return 0;
        };
        let due = apart.take_waiting(max, |entry| which.has(entry.seq));
        let count = due.len() as u64;
        for entry in due {
            state.ready.put_first(entry);
        }
        state.run(self, now, fx);
        count
    }
}
