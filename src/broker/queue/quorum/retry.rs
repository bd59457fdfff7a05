//! Delayed retry: what comes back waits before it is delivered again.

use std::fmt;

/// How long returned messages wait (`x-delayed-retry-type`, `-min`, `-max`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Those that failed wait: `basic.reject`, a channel lost.
    pub failed: bool,
    /// Those that were only given back wait: `basic.nack`, `basic.recover`.
    pub returned: bool,
    /// The wait of the first time; it grows with every failure.
    pub min_ms: u64,
    /// The longest wait.
    pub max_ms: u64,
}

impl Retry {
    /// What these settings ask for. RabbitMQ does not check them: what makes no sense is no
    /// delay, and without a longest wait the first is the longest.
    pub(super) fn new(
        kind: Option<&str>,
        min_ms: Option<u64>,
        max_ms: Option<u64>,
    ) -> Option<Self> {
        let (failed, returned) = match kind? {
            "all" => (true, true),
            "failed" => (true, false),
            "returned" => (false, true),
            _ => return None,
        };
        let min_ms = min_ms?;
        Some(Self {
            failed,
            returned,
            min_ms,
            max_ms: max_ms.unwrap_or(min_ms),
        })
    }

    /// How long a message waits that came back, having failed so often.
    pub(in super::super) fn delay_ms(&self, failed: bool, failures: u32) -> Option<u64> {
        let waits = if failed { self.failed } else { self.returned };
        let factor = u64::from(failures.max(1));
        waits.then(|| self.min_ms.saturating_mul(factor).min(self.max_ms))
    }
}

impl fmt::Display for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match (self.failed, self.returned) {
            (true, true) => "all",
            (true, false) => "failed",
            _ => "returned",
        };
        write!(f, "{kind} (min: {}ms, max: {}ms)", self.min_ms, self.max_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_grows_with_failures_up_to_the_longest() {
        let retry = Retry::new(Some("all"), Some(500), Some(1200)).unwrap();
        let waits = [1, 2, 3].map(|failures| retry.delay_ms(true, failures));
        assert_eq!(waits, [Some(500), Some(1000), Some(1200)]);
        assert_eq!(retry.delay_ms(false, 0), Some(500));
        assert_eq!(retry.to_string(), "all (min: 500ms, max: 1200ms)");
    }

    #[test]
    fn without_a_longest_wait_it_does_not_grow() {
        let retry = Retry::new(Some("failed"), Some(300), None).unwrap();
        assert_eq!(retry.delay_ms(true, 3), Some(300));
        assert_eq!(retry.delay_ms(false, 3), None);
    }

    #[test]
    fn what_makes_no_sense_is_no_delay() {
        assert_eq!(Retry::new(Some("nosuch"), Some(1), None), None);
        assert_eq!(Retry::new(Some("all"), None, Some(1)), None);
        assert_eq!(Retry::new(None, Some(1), None), None);
    }
}
