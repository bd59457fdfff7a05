//! [`Details`]: how fast a counter goes, and what it said before: the `*_details` of the API.

use serde_json::{Value, json};

use super::range::Range;
use super::series::{INTERVAL_MS, Moment, Series};

/// A rate is told over at least this long: two looks in quick succession say the same.
const RATE_MS_MIN: u64 = INTERVAL_MS / 2;

/// The time of a request, and how far it looks back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(super) now_ms: u64,
    pub(super) range: Option<Range>,
}

/// How fast a counter goes, per second.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Details {
    /// Since a few seconds before now.
    pub(crate) rate: f64,
    /// If asked for.
    pub(crate) history: Option<History>,
}

/// What a counter said, the latest first.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct History {
    /// Time of day in ms, and the counter then.
    pub(crate) samples: Vec<(u64, u64)>,
    /// Over the whole range, per second.
    pub(crate) avg_rate: f64,
    /// Of the samples.
    pub(crate) avg: f64,
}

impl Window {
    /// Of counter `counter` of `series`, which says `current` now. Without a series it has said
    /// nothing but zero so far.
    pub(super) fn details<const N: usize>(
        &self,
        series: Option<&Series<N>>,
        counter: usize,
        current: u64,
    ) -> Details {
        let then = Moment::before_ms(self.now_ms.saturating_sub(RATE_MS_MIN));
        let at = |at, age_ms| series.map_or(0, |series| series.at(at, age_ms, counter));
        let before = at(then, 2 * INTERVAL_MS);
        let elapsed_ms = self.now_ms.saturating_sub(then.ms());
        Details {
            rate: per_second(before, current, elapsed_ms),
            history: self.range.map(|range| self.history(range, at)),
        }
    }

    fn history(&self, range: Range, at: impl Fn(Moment, u64) -> u64) -> History {
        let last = self.now_ms - self.now_ms % range.step_ms;
        let steps = range.age_ms / range.step_ms;
        let times = (0..=steps).map(|step| last.saturating_sub(step * range.step_ms));
        // From now to the oldest one is more than what was asked for.
        let age_ms = range.age_ms + range.step_ms;
        let samples: Vec<_> = times
            .map(|ms| (ms, at(Moment::before_ms(ms), age_ms)))
            .collect();
        let (newest, oldest) = (samples.first(), samples.last());
        let avg_rate = match (newest, oldest) {
            (Some((to, newest)), Some((from, oldest))) => per_second(*oldest, *newest, to - from),
            _ => 0.0,
        };
        let sum: f64 = samples.iter().map(|(_, value)| float(*value)).sum();
        let avg = sum / float(samples.len().max(1) as u64);
        History {
            samples,
            avg_rate,
            avg,
        }
    }
}

impl Details {
    /// The samples, as the API shows them.
    pub(super) fn samples(&self) -> Value {
        let samples = self.history.iter().flat_map(|history| &history.samples);
        let sample = |(at, value): &(u64, u64)| json!({ "sample": value, "timestamp": at });
        samples.map(sample).collect()
    }

    /// As the API shows it.
    pub(crate) fn to_value(&self) -> Value {
        let Some(history) = &self.history else {
            return json!({ "rate": self.rate });
        };
        json!({
            "rate": self.rate,
            "samples": self.samples(),
            "avg_rate": history.avg_rate,
            "avg": history.avg,
        })
    }
}

fn per_second(from: u64, to: u64, ms: u64) -> f64 {
    if ms == 0 {
        return 0.0;
    }
    (float(to) - float(from)) * 1000.0 / float(ms)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a rate need not be exact in its sixteenth digit"
)]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten more in every interval, from 1000 s on.
    fn steady() -> Series<1> {
        let mut series = Series::new(false);
        for n in 0..20 {
            let at = Moment::before_ms(1_000_000 + n * INTERVAL_MS);
            series.record(at, [n * 10]);
        }
        series
    }

    #[test]
    fn a_rate_reaches_from_a_sample_to_this_moment() {
        let series = steady();
        let rate = |now_ms, current| {
            let window = Window {
                now_ms,
                range: None,
            };
            window.details(Some(&series), 0, current).rate
        };
        assert!((rate(1_097_500, 195) - 2.0).abs() < 1e-9);
        assert!((rate(1_096_000, 192) - 2.0).abs() < 1e-9);
        assert!(rate(1_100_000, 190) < 1e-9, "nothing more came");
        assert!(
            (rate(1_097_500, 185) + 2.0).abs() < 1e-9,
            "lengths also fall"
        );
    }

    #[test]
    fn what_is_new_has_a_rate_before_its_first_sample() {
        let window = Window {
            now_ms: 1_004_000,
            range: None,
        };
        let details = window.details(None::<&Series<1>>, 0, 40);
        assert!((details.rate - 10.0).abs() < 1e-9);
    }

    #[test]
    fn history_has_a_sample_per_step_and_averages() {
        let range = Range {
            age_ms: 10_000,
            step_ms: 5000,
        };
        let window = Window {
            now_ms: 1_096_100,
            range: Some(range),
        };
        let details = window.details(Some(&steady()), 0, 191).to_value();
        let samples = json!([
            { "sample": 190, "timestamp": 1_095_000 },
            { "sample": 180, "timestamp": 1_090_000 },
            { "sample": 170, "timestamp": 1_085_000 },
        ]);
        assert_eq!(details["samples"], samples);
        assert_eq!(
            (&details["avg_rate"], &details["avg"]),
            (&json!(2.0), &json!(180.0))
        );
    }
}
