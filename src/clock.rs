//! [`Clock`]: the only place that asks the time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tokio::time::Instant as RuntimeInstant;

use crate::broker::tick::Tick;
use crate::session::Now;

/// Real time since the broker's start. Virtual hosts add their own skew to it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    start_wall_ms: u64,
}

impl Clock {
    /// A clock that starts now.
    pub fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let start_wall_ms = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Self {
            start: RuntimeInstant::now().into_std(),
            start_wall_ms,
        }
    }

    /// The time on all clocks. Called once per read, tick or request.
    pub fn now(&self) -> Now {
        #[cfg(debug_assertions)]
        READS.set(READS.get() + 1);
        // The runtime's, which tests can stop.
        let instant = RuntimeInstant::now().into_std();
        let since = instant.saturating_duration_since(self.start);
        let tick = Tick(u64::try_from(since.as_micros()).unwrap_or(u64::MAX));
        Now {
            instant,
            tick,
            wall_ms: self.start_wall_ms + tick.ms(),
        }
    }

    /// The wall clock at the start, ms since 1970.
    pub const fn start_wall_ms(&self) -> u64 {
        self.start_wall_ms
    }
}

#[cfg(debug_assertions)]
thread_local! {
    static READS: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}

/// How often this thread has asked for the time so far; counted in debug builds only.
#[cfg(debug_assertions)]
pub fn reads() -> u64 {
    READS.get()
}
