//! [`Random`]: the broker's one source of randomness, so that a seed makes a run repeatable.

use crate::sync::{LEAF, Ranked};

/// See the module.
#[derive(Debug)]
pub struct Random(Ranked<fastrand::Rng, LEAF>);

impl Random {
    /// From a seed, or from the system.
    pub fn new(seed: Option<u64>) -> Self {
        let rng = seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed);
        Self(Ranked::new(rng))
    }

    /// A number below `end`; 0 when there is none.
    pub fn below(&self, end: usize) -> usize {
        match end {
            0 | 1 => 0,
            end => self.0.lock().usize(..end),
        }
    }

    /// 32 random bits.
    pub fn bits_32(&self) -> u32 {
        self.0.lock().u32(..)
    }

    /// 128 random bits.
    pub fn bits_128(&self) -> u128 {
        self.0.lock().u128(..)
    }
}
