//! [`Ranked`]: the only mutex of the tree.
//!
//! Every lock has a rank, and a thread may only take a rank above those it holds, which makes a
//! deadlock impossible. Debug builds assert the order, count the acquisitions (for the budgets)
//! and complain about a lock held for over a millisecond.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Topology of one virtual host: declare, delete and bind, one at a time.
pub const TOPOLOGY: u8 = 10;
/// The bindings of one exchange.
pub const BINDINGS: u8 = 20;
/// The state of one queue.
pub const QUEUE: u8 = 30;
/// The outbound side of one connection.
pub const EGRESS: u8 = 40;
/// Locks that never call out while held.
pub const LEAF: u8 = 50;

/// A mutex with a place in the lock order.
#[derive(Debug, Default)]
pub struct Ranked<T, const RANK: u8>(Mutex<T>);

/// Access to the value of a [`Ranked`].
#[derive(Debug)]
pub struct Guard<'a, T, const RANK: u8> {
    inner: MutexGuard<'a, T>,
    #[cfg(debug_assertions)]
    taken: std::time::Instant,
}

impl<T, const RANK: u8> Ranked<T, RANK> {
    /// Wrap `value`.
    pub const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    /// Wait for the lock. A panic of an earlier holder does not spread: it was logged where it
    /// happened and closed that connection, and the values guarded here stay consistent between
    /// statements.
    pub fn lock(&self) -> Guard<'_, T, RANK> {
        #[cfg(debug_assertions)]
        debug::enter(RANK);
        Guard {
            inner: self.0.lock().unwrap_or_else(PoisonError::into_inner),
            #[cfg(debug_assertions)]
            taken: std::time::Instant::now(),
        }
    }
}

impl<T, const RANK: u8> Deref for Guard<'_, T, RANK> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T, const RANK: u8> DerefMut for Guard<'_, T, RANK> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

#[cfg(debug_assertions)]
impl<T, const RANK: u8> Drop for Guard<'_, T, RANK> {
    fn drop(&mut self) {
        debug::leave(RANK, self.taken);
    }
}

/// How many locks this thread has taken so far; counted in debug builds only.
#[cfg(debug_assertions)]
pub fn acquisitions() -> u64 {
    debug::TAKEN.get()
}

#[cfg(debug_assertions)]
mod debug {
    use std::cell::Cell;
    use std::time::{Duration, Instant};

    const LONG_HOLD: Duration = Duration::from_millis(1);

    thread_local! {
        static HELD: Cell<u64> = const { Cell::new(0) };
        pub(super) static TAKEN: Cell<u64> = const { Cell::new(0) };
    }

    pub(super) fn enter(rank: u8) {
        let held = HELD.get();
        assert!(
            held >> rank == 0,
            "lock order: rank {rank} wanted, {held:#b} held"
        );
        HELD.set(held | 1 << rank);
        TAKEN.set(TAKEN.get() + 1);
    }

    pub(super) fn leave(rank: u8, taken: Instant) {
        HELD.set(HELD.get() & !(1 << rank));
        let held = taken.elapsed();
        if held > LONG_HOLD {
            tracing::debug!(rank, ?held, "a lock was held for long");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{EGRESS, QUEUE, Ranked};

    #[test]
    fn ranks_may_rise() {
        let (queue, egress) = (Ranked::<_, QUEUE>::new(1), Ranked::<_, EGRESS>::new(2));
        let first = queue.lock();
        assert_eq!(*first + *egress.lock(), 3);
    }

    #[test]
    #[cfg(debug_assertions)]
    fn ranks_may_not_fall() {
        let caught = std::panic::catch_unwind(|| {
            let (queue, egress) = (Ranked::<_, QUEUE>::new(1), Ranked::<_, EGRESS>::new(2));
            let _second = egress.lock();
            let _first = queue.lock();
        });
        assert!(caught.is_err());
    }
}
