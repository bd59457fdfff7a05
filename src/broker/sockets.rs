//! [`Sockets`]: how many clients are connected or about to be, and `connection_max`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::BrokerError;

/// Clients that hold a socket, logged in or not: RabbitMQ counts them all, the refused too.
#[derive(Debug)]
pub struct Sockets {
    held: AtomicU64,
    max: AtomicU64,
}

/// Counts one socket while it lives.
#[derive(Debug)]
pub struct Held<'a>(&'a Sockets);

impl Sockets {
    /// Allow this many; `None` is no limit, as RabbitMQ comes.
    pub fn set_max(&self, max: Option<u64>) {
        self.max.store(max.unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// A client has come.
    pub fn enter(&self) -> Held<'_> {
        self.held.fetch_add(1, Ordering::Relaxed);
        Held(self)
    }

    /// Whether another client would be refused.
    pub fn are_full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= self.max.load(Ordering::Relaxed)
    }

    /// Whether one that is here already may open its connection.
    pub fn check(&self) -> Result<(), BrokerError> {
        let max = self.max.load(Ordering::Relaxed);
        if self.held.load(Ordering::Relaxed) <= max {
            return Ok(());
        }
        Err(BrokerError::Limit(format!(
            "connection refused: node connection limit ({max}) is reached"
        )))
    }
}

impl Default for Sockets {
    fn default() -> Self {
        Self {
            held: AtomicU64::new(0),
            max: AtomicU64::new(u64::MAX),
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.held.fetch_sub(1, Ordering::Relaxed);
    }
}
