//! How much is logged of what: RabbitMQ's levels and categories, changed while the broker runs.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

/// How grave a line is, or from which gravity on lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are RabbitMQ's and syslog's")]
pub enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
    None,
}

impl Level {
    /// From the least grave up.
    pub const ALL: [Self; 9] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
        Self::None,
    ];

    /// As RabbitMQ writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
            Self::None => "none",
        }
    }

    /// The level of that name; `warn` and `trace` are understood too.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "warn" => Some(Self::Warning),
            "trace" => Some(Self::Debug),
            _ => Self::ALL.into_iter().find(|level| level.as_str() == name),
        }
    }

    fn from_number(number: u8) -> Self {
        let known = Self::ALL.get(usize::from(number));
        known.copied().unwrap_or(Self::Info)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What lines are about. Those of other categories of RabbitMQ's can be set, but there are none.
pub const CATEGORIES: [&str; 9] = [
    "default",
    "connection",
    "channel",
    "queue",
    "user",
    "federation",
    "upgrade",
    "ra",
    "mirroring",
];

/// The level of each category, for all threads.
#[derive(Debug)]
pub struct Levels([AtomicU8; CATEGORIES.len()]);

impl Default for Levels {
    fn default() -> Self {
        Self(std::array::from_fn(|_| AtomicU8::new(Level::Info as u8)))
    }
}

impl Levels {
    /// Lines of `category` are written from this level on.
    pub fn of(&self, category: &str) -> Level {
        let index = CATEGORIES.iter().position(|known| *known == category);
        self.0.get(index.unwrap_or(0)).map_or(Level::Info, |level| {
            Level::from_number(level.load(Ordering::Relaxed))
        })
    }

    /// Set one category's. `false` when there is none of this name.
    pub fn set(&self, category: &str, level: Level) -> bool {
        let index = CATEGORIES.iter().position(|known| *known == category);
        let Some(slot) = index.and_then(|index| self.0.get(index)) else {
            return false;
        };
        slot.store(level as u8, Ordering::Relaxed);
        changed();
        true
    }

    /// Set all.
    pub fn set_all(&self, level: Level) {
        for slot in &self.0 {
            slot.store(level as u8, Ordering::Relaxed);
        }
        changed();
    }

    /// The least of all.
    pub fn least(&self) -> Level {
        let levels = self.0.iter().map(|slot| slot.load(Ordering::Relaxed));
        Level::from_number(levels.min().unwrap_or_default())
    }
}

/// Each place that logs remembers whether it is heard, and has to ask anew.
fn changed() {
    tracing::callsite::rebuild_interest_cache();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_category_has_its_level() {
        let levels = Levels::default();
        assert!(levels.set("connection", Level::Error));
        assert!(!levels.set("nothing", Level::Error));
        assert_eq!(levels.of("connection"), Level::Error);
        assert_eq!(levels.of("channel"), Level::Info);
        assert_eq!(levels.least(), Level::Info);
        levels.set_all(Level::None);
        assert_eq!(levels.least(), Level::None);
    }

    #[test]
    fn levels_are_known_by_name() {
        for level in Level::ALL {
            assert_eq!(Level::named(level.as_str()), Some(level));
        }
        assert_eq!(Level::named("loud"), None);
    }
}
