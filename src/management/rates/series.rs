//! [`Series`]: what counters said every five seconds, and more seldom the longer ago it is. Only
//! changes are kept, so what is idle costs next to nothing.

use std::collections::VecDeque;

/// Time between two samples, ms.
pub(crate) const INTERVAL_MS: u64 = 5000;

/// How often and how many samples are kept: every so many intervals, that many. Together they
/// reach back ten minutes, an hour, eight hours and a day, as RabbitMQ's defaults do, and two steps more.
const LEVELS: [Level; 4] = [
    Level::new(1, 122),
    Level::new(12, 62),
    Level::new(120, 50),
    Level::new(360, 50),
];

/// What is kept where there are very many objects: a minute and a bit.
const SHORT: Level = Level::new(1, 13);

#[derive(Clone, Copy, Debug)]
struct Level {
    every: u32,
    samples: u32,
}

impl Level {
    const fn new(every: u32, samples: u32) -> Self {
        Self { every, samples }
    }

    const fn span(self) -> u32 {
        self.every * self.samples
    }
}

/// A time: intervals since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(u32);

impl Moment {
    /// The last one that is not after this time of day.
    pub(super) fn before_ms(wall_ms: u64) -> Self {
        Self(u32::try_from(wall_ms / INTERVAL_MS).unwrap_or(u32::MAX))
    }

    pub(super) fn ms(self) -> u64 {
        u64::from(self.0) * INTERVAL_MS
    }
}

/// Samples of the counters of one object.
#[derive(Debug)]
pub(super) struct Series<const N: usize> {
    rings: Vec<Ring<N>>,
}

#[derive(Debug)]
struct Ring<const N: usize> {
    level: Level,
    samples: VecDeque<(Moment, [u64; N])>,
    /// There were samples before the first one; otherwise there was nothing to count.
    has_more: bool,
}

impl<const N: usize> Series<N> {
    /// Nothing yet; with the full history, or a short one.
    pub(super) fn new(is_short: bool) -> Self {
        let levels = if is_short { &[SHORT][..] } else { &LEVELS };
        let ring = |level: &Level| Ring {
            level: *level,
            samples: VecDeque::new(),
            has_more: false,
        };
        Self {
            rings: levels.iter().map(ring).collect(),
        }
    }

    /// What the counters say at `at`.
    pub(super) fn record(&mut self, at: Moment, values: [u64; N]) {
        for ring in &mut self.rings {
            if at.0.is_multiple_of(ring.level.every) {
                ring.record(at, values);
            }
        }
    }

    /// Forget all but the latest sample, which stands for all that was.
    pub(super) fn forget_past(&mut self) {
        for ring in &mut self.rings {
            let older = ring.samples.len().saturating_sub(1);
            ring.samples.drain(..older);
            ring.has_more |= !ring.samples.is_empty();
        }
    }

    /// What a counter said at `at`, as exactly as is known of so long ago as `age_ms`.
    pub(super) fn at(&self, at: Moment, age_ms: u64, counter: usize) -> u64 {
        let reaches = |ring: &&Ring<N>| u64::from(ring.level.span()) * INTERVAL_MS >= age_ms;
        let ring = self.rings.iter().find(reaches).or(self.rings.last());
        ring.map_or(0, |ring| ring.at(at, counter))
    }
}

impl<const N: usize> Ring<N> {
    fn record(&mut self, at: Moment, values: [u64; N]) {
        let last = self.samples.back().map(|(_, values)| *values);
        if last.unwrap_or([0; N]) != values {
            self.samples.push_back((at, values));
        }
        let oldest = at.0.saturating_sub(self.level.span());
        // The first that is kept says what was when the time that is kept begins.
        while self.samples.get(1).is_some_and(|(at, _)| at.0 <= oldest) {
            self.samples.pop_front();
            self.has_more = true;
        }
    }

    fn at(&self, at: Moment, counter: usize) -> u64 {
        let after = self.samples.partition_point(|(then, _)| *then <= at);
        let sample = match after.checked_sub(1) {
            Some(before) => self.samples.get(before),
            None if self.has_more => self.samples.front(),
            None => None,
        };
        sample
            .and_then(|(_, values)| values.get(counter))
            .copied()
            .unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_changes_are_kept_and_all_times_are_known() {
        let mut series = Series::<1>::new(false);
        for (at, value) in [(100, 0), (101, 5), (102, 5), (103, 5), (104, 9)] {
            series.record(Moment(at), [value]);
        }
        assert_eq!(series.rings[0].samples.len(), 2);
        let at = |at| series.at(Moment(at), 60_000, 0);
        assert_eq!(
            [at(100), at(101), at(103), at(104), at(200)],
            [0, 5, 5, 9, 9]
        );
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let mut series = Series::<1>::new(false);
        for at in 1..100_000 {
            series.record(Moment(at), [u64::from(at)]);
        }
        let kept: Vec<_> = series.rings.iter().map(|ring| ring.samples.len()).collect();
        assert_eq!(kept, [123, 63, 51, 51]);
        let hour = 3_600_000;
        assert_eq!(
            series.at(Moment(99_999 - 700), hour, 0),
            99_288,
            "to the minute"
        );
        assert_eq!(series.at(Moment(99_999 - 100), 600_000, 0), 99_899);
    }

    #[test]
    fn a_short_history_does_not_begin_with_nothing() {
        let mut series = Series::<1>::new(true);
        for at in 1..100 {
            series.record(Moment(at), [u64::from(at)]);
        }
        assert_eq!(series.rings.len(), 1);
        assert_eq!(
            series.at(Moment(10), 600_000, 0),
            86,
            "the oldest that is known"
        );
    }
}
