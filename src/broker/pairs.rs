//! What is counted by pairs: from which channel to which exchange, from there to which queue, and
//! from a queue to which channel. Only with `rates_mode = detailed`, as on RabbitMQ: it costs a
//! look-up for every message.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::name::Name;
use crate::sync::{LEAF, Ranked};

/// Other ends that one object remembers; what comes later is not counted by pairs.
const PAIRS_MAX: usize = 10_000;

/// What a channel counts by exchange, as the management API calls it.
pub const PUBLISHED: [&str; 4] = ["confirm", "drop_unroutable", "publish", "return_unroutable"];

/// What a channel counts by queue.
pub const DELIVERED: [&str; 8] = [
    "ack",
    "deliver",
    "deliver_get",
    "deliver_no_ack",
    "get",
    "get_empty",
    "get_no_ack",
    "redeliver",
];

/// What an exchange counts by queue.
pub const ROUTED: [&str; 1] = ["publish"];

/// The counters of one pair.
#[derive(Debug)]
pub struct Counts<const N: usize>([AtomicU64; N]);

impl<const N: usize> Counts<N> {
    /// What they say now.
    pub fn read(&self) -> [u64; N] {
        std::array::from_fn(|at| {
            let counter = self.0.get(at);
            counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
        })
    }
}

/// The pairs of one object, by the name of the other end.
#[derive(Debug)]
pub struct Pairs<const N: usize>(Ranked<HashMap<Name, Arc<Counts<N>>>, LEAF>);

impl<const N: usize> Default for Pairs<N> {
    fn default() -> Self {
        Self(Ranked::default())
    }
}

impl<const N: usize> Pairs<N> {
    /// Add to the counters of the pair with `name`.
    pub fn add(&self, name: &Name, by: [u64; N]) {
        let mut pairs = self.0.lock();
        if !pairs.contains_key(name) {
            if pairs.len() >= PAIRS_MAX {
                return;
            }
            let counts = Counts(std::array::from_fn(|_| AtomicU64::new(0)));
            pairs.insert(name.clone(), Arc::new(counts));
        }
        if let Some(counts) = pairs.get(name) {
            for (counter, by) in counts.0.iter().zip(by) {
                super::connection::add(counter, by);
            }
        }
    }

    /// The pair with `name`.
    pub fn get(&self, name: &str) -> Option<Arc<Counts<N>>> {
        self.0.lock().get(name).cloned()
    }

    /// All of them, by name.
    pub fn sorted(&self) -> Vec<(Name, Arc<Counts<N>>)> {
        let pairs = self.0.lock();
        let all = pairs
            .iter()
            .map(|(name, it)| (name.clone(), Arc::clone(it)));
        let mut all: Vec<_> = all.collect();
        all.sort_by(|one, other| one.0.cmp(&other.0));
        all
    }

    /// Forget those whose other end is gone.
    pub fn retain(&self, is_there: impl Fn(&str) -> bool) {
        self.0.lock().retain(|name, _| is_there(name));
    }
}

/// The pairs of a channel.
#[derive(Debug, Default)]
pub struct ChannelPairs {
    /// With exchanges that it publishes to, as [`PUBLISHED`].
    pub published: Pairs<4>,
    /// With queues that it takes from, as [`DELIVERED`].
    pub delivered: Pairs<8>,
}

/// How a channel got a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// As a consumer.
    Delivered,
    /// By `basic.get`.
    Got,
}

impl ChannelPairs {
    /// It got a message out of this queue.
    pub fn took(&self, queue: &Name, way: Way, no_ack: bool, redelivered: bool) {
        let is = |this, needs_ack| u64::from(way == this && no_ack != needs_ack);
        let counts = [
            0,
            is(Way::Delivered, true),
            1,
            is(Way::Delivered, false),
            is(Way::Got, true),
            0,
            is(Way::Got, false),
            u64::from(redelivered),
        ];
        self.delivered.add(queue, counts);
    }

    /// It asked for one in vain.
    pub fn found_empty(&self, queue: &Name) {
        self.delivered.add(queue, [0, 0, 0, 0, 0, 1, 0, 0]);
    }

    /// It acknowledged one.
    pub fn acked(&self, queue: &Name) {
        self.delivered.add(queue, [1, 0, 0, 0, 0, 0, 0, 0]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_counted_by_name_and_forgotten() {
        let pairs = ChannelPairs::default();
        pairs.took(&"q".into(), Way::Delivered, false, false);
        pairs.took(&"q".into(), Way::Delivered, true, true);
        pairs.took(&"q".into(), Way::Got, false, false);
        pairs.acked(&"q".into());
        pairs.found_empty(&"r".into());
        let all = pairs.delivered.sorted();
        let counts: Vec<_> = all.iter().map(|(name, it)| (&**name, it.read())).collect();
        let expected = [
            ("q", [1, 1, 3, 1, 1, 0, 0, 1]),
            ("r", [0, 0, 0, 0, 0, 1, 0, 0]),
        ];
        assert_eq!(counts, expected);
        pairs.delivered.retain(|name| name == "r");
        assert!(pairs.delivered.get("q").is_none() && pairs.delivered.get("r").is_some());
    }

    #[test]
    fn their_number_is_bounded() {
        let pairs = Pairs::<1>::default();
        for n in 0..=PAIRS_MAX {
            pairs.add(&n.to_string().as_str().into(), [1]);
        }
        assert_eq!(pairs.sorted().len(), PAIRS_MAX);
    }
}
