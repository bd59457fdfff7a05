//! [`Tick`]: the model's time, handed in by whoever calls it; and [`Ticked`], what waits for it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use super::effects::Effects;
use super::name::Name;

/// Microseconds since the broker started, skewed as the virtual host's clock says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tick(pub u64);

impl Tick {
    /// Later than any deadline.
    pub const NEVER: Self = Self(u64::MAX);

    /// The moment `ms` milliseconds after the start.
    pub const fn from_ms(ms: u64) -> Self {
        Self(ms.saturating_mul(1000))
    }

    /// Whole milliseconds since the start.
    pub const fn ms(self) -> u64 {
        self.0 / 1000
    }

    /// The moment `ms` milliseconds later; saturates at [`Tick::NEVER`].
    #[must_use]
    pub const fn plus_ms(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms.saturating_mul(1000)))
    }

    /// How long it is from `self` until `later`; zero when that is past.
    pub const fn until(self, later: Self) -> Duration {
        Duration::from_micros(later.0.saturating_sub(self.0))
    }
}

/// What the timekeeper ticks at a time that it asked for in [`Effects::deadlines`].
pub trait Ticked: Debug + Send + Sync {
    /// Its virtual host, whose clock it goes by.
    fn vhost(&self) -> &Name;
    /// A deadline it asked for has come. No lock is held on entry.
    fn tick(self: Arc<Self>, now: Tick, fx: &mut Effects);
}
