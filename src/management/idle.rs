//! Since when a queue or a channel does nothing: `idle_since`.

use super::Api;
use crate::broker::name::Name;
use crate::broker::tick::Tick;

/// What did something less long ago counts as busy: RabbitMQ's processes sleep after a second.
const IDLE_MS: u64 = 1000;

impl Api {
    /// The time at which something in `vhost` was active last, if that is long enough ago.
    pub(super) fn idle_since(&self, vhost: &Name, last_active: Tick) -> Option<String> {
        let now = self.shared.clock.now();
        let vhost = self.broker().vhosts.get(vhost)?;
        let idle_ms = vhost.now(now.tick).ms().saturating_sub(last_active.ms());
        (idle_ms >= IDLE_MS).then(|| time_of_day(now.wall_ms.saturating_sub(idle_ms)))
    }
}

/// `2026-11-23T23:17:55.519+00:00`, of milliseconds since 1970.
fn time_of_day(ms: u64) -> String {
    let (days, in_day) = (ms / 86_400_000, ms % 86_400_000);
    let (year, month, day) = date(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, ms) = (in_day / 1000 % 60, in_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}+00:00")
}

/// Year, month and day of a day since 1970. Years begin in March here, so that leap days are last.
fn date(days: u64) -> (u64, u64, u64) {
    // Since the first of March of the year 0; 400 years always have as many days.
    let days = days + 719_468;
    let (era, in_era) = (days / 146_097, days % 146_097);
    let year = (in_era - in_era / 1460 + in_era / 36_524 - in_era / 146_096) / 365;
    let in_year = in_era - (365 * year + year / 4 - year / 100);
    let month = (5 * in_year + 2) / 153;
    let day = in_year - (153 * month + 2) / 5 + 1;
    let (month, later) = match month {
        0..=9 => (month + 3, 0),
        _ => (month - 9, 1),
    };
    (era * 400 + year + later, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_rabbitmq_tells_them() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.007+00:00"),
            (951_782_400, "2000-02-29T00:00:00.007+00:00"),
            (1_795_475_875, "2026-11-23T23:17:55.007+00:00"),
            (4_107_542_399, "2100-02-28T23:59:59.007+00:00"),
            (4_107_542_400, "2100-03-01T00:00:00.007+00:00"),
        ] {
            assert_eq!(time_of_day(seconds * 1000 + 7), text);
        }
    }
}
