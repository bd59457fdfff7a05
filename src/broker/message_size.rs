//! How large the messages are that clients publish: counts by size.

use std::sync::atomic::{AtomicU64, Ordering};

use super::connection::add;

/// The largest size of each class but the last, in bytes: RabbitMQ's.
pub const BOUNDS: [u64; 8] = [
    100,
    1000,
    10_000,
    100_000,
    1_000_000,
    10_000_000,
    50_000_000,
    100_000_000,
];

/// Classes of sizes.
const CLASSES: usize = BOUNDS.len() + 1;

/// Counted on one channel, for the time of a read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    classes: [u64; CLASSES],
    bytes: u64,
}

impl Sizes {
    /// One more message.
    pub fn count(&mut self, bytes: u64) {
        let class: usize = BOUNDS.iter().map(|max| usize::from(bytes > *max)).sum();
        if let Some(count) = self.classes.get_mut(class) {
            *count += 1;
        }
        self.bytes += bytes;
    }

    /// Messages up to each of [`BOUNDS`], and all.
    pub fn up_to(&self) -> [u64; CLASSES] {
        let mut sum = 0;
        self.classes.map(|count| {
            sum += count;
            sum
        })
    }

    /// Bytes of all.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// Counted in the whole broker.
#[derive(Debug, Default)]
pub struct SizeTotals {
    classes: [AtomicU64; CLASSES],
    bytes: AtomicU64,
}

impl SizeTotals {
    /// Add what was counted elsewhere.
    pub fn add(&self, sizes: &Sizes) {
        for (total, count) in self.classes.iter().zip(sizes.classes) {
            add(total, count);
        }
        add(&self.bytes, sizes.bytes);
    }

    /// What they say now.
    pub fn read(&self) -> Sizes {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Sizes {
            classes: std::array::from_fn(|at| self.classes.get(at).map_or(0, load)),
            bytes: load(&self.bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_counted_by_class() {
        let totals = SizeTotals::default();
        let mut sizes = Sizes::default();
        for bytes in [0, 100, 101, 1000, 200_000_000] {
            sizes.count(bytes);
        }
        totals.add(&sizes);
        assert_eq!(totals.read(), sizes);
        assert_eq!(sizes.up_to(), [2, 4, 4, 4, 4, 4, 4, 4, 5]);
        assert_eq!(sizes.bytes(), 200_001_201);
    }
}
