//! [`Logins`]: how many logged in or were refused, by protocol.

use std::sync::atomic::{AtomicU64, Ordering};

/// Attempts to log in.
#[derive(Debug, Default)]
pub struct Logins {
    /// Of AMQP clients.
    pub amqp: Attempts,
    /// Of HTTP requests.
    pub http: Attempts,
}

/// Attempts over one protocol.
#[derive(Debug, Default)]
pub struct Attempts {
    succeeded: AtomicU64,
    failed: AtomicU64,
}

impl Attempts {
    /// Count one.
    pub fn count(&self, is_success: bool) {
        let counter = if is_success {
            &self.succeeded
        } else {
            &self.failed
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// How many succeeded, and how many failed.
    pub fn totals(&self) -> (u64, u64) {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        (load(&self.succeeded), load(&self.failed))
    }

    /// Begin anew.
    pub fn reset(&self) {
        self.succeeded.store(0, Ordering::Relaxed);
        self.failed.store(0, Ordering::Relaxed);
    }
}
