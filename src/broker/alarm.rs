//! [`Alarm`]: the bytes of messages held, against a limit. Over it, publishers are paused.
//!
//! Nothing is counted per message. What is published is added up in the caller's [`Effects`] and
//! added here once per read. Messages only go otherwise, so what the queues told when they were
//! last asked, and what arrived since, is never less than what is held. Only when that bound
//! reaches the limit are they asked anew; while the alarm is on, the timekeeper asks them every
//! [`Alarm::RECHECK_MS`].
//!
//! [`Effects`]: super::effects::Effects

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What a message in a queue costs besides its body, roughly: entry, properties, route.
const MESSAGE_BYTES: u64 = 256;
/// The queues are not asked again before this share of the limit was published, so that a broker
/// near its limit does not ask at every read.
const SHARE: u64 = 64;

/// Limits of a broker, resolved to plain numbers by whoever starts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryLimit {
    /// Most bytes; 0 is always exceeded.
    pub limit_bytes: u64,
    /// What the process needs by itself.
    pub own_bytes: u64,
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self {
            limit_bytes: u64::MAX,
            own_bytes: 0,
        }
    }
}

/// See the module.
#[derive(Debug)]
pub struct Alarm {
    limit: AtomicU64,
    own: u64,
    /// Published since the queues were last asked.
    arrived: AtomicU64,
    /// How much may arrive before they are asked again.
    headroom: AtomicU64,
    /// Switched on by hand.
    forced: AtomicBool,
    raised: AtomicBool,
}

/// Memory that `messages` in a queue hold, with bodies of `bytes` in all.
pub const fn held(messages: u64, bytes: u64) -> u64 {
    bytes.saturating_add(messages.saturating_mul(MESSAGE_BYTES))
}

impl Alarm {
    /// How often a raised alarm is looked at again.
    pub const RECHECK_MS: u64 = 100;

    /// An alarm that has not been looked at.
    pub fn new(memory: MemoryLimit) -> Self {
        let alarm = Self {
            limit: AtomicU64::new(memory.limit_bytes),
            own: memory.own_bytes,
            arrived: AtomicU64::new(0),
            headroom: AtomicU64::new(0),
            forced: AtomicBool::new(false),
            raised: AtomicBool::new(false),
        };
        alarm.evaluate(0);
        alarm
    }

    /// Whether publishers are to be paused.
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }

    /// The limit in bytes.
    pub fn limit_bytes(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// What the process uses when its messages hold `held` bytes.
    pub const fn used_bytes(&self, held: u64) -> u64 {
        self.own.saturating_add(held)
    }

    /// Another limit. The caller must look at the alarm again.
    pub(super) fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// On by hand, or as memory says. The caller must look at the alarm again.
    pub(super) fn force(&self, on: bool) {
        self.forced.store(on, Ordering::Relaxed);
    }

    /// Add what was published; whether it is time to ask the queues.
    pub(super) fn arrived(&self, bytes: u64) -> bool {
        let before = self.arrived.fetch_add(bytes, Ordering::Relaxed);
        before.saturating_add(bytes) > self.headroom.load(Ordering::Relaxed)
    }

    /// The queues hold this many bytes. Whether the alarm changed by that.
    pub(super) fn evaluate(&self, held: u64) -> bool {
        let (limit, used) = (self.limit_bytes(), self.used_bytes(held));
        self.arrived.store(0, Ordering::Relaxed);
        let headroom = limit.saturating_sub(used).max(limit / SHARE);
        self.headroom.store(headroom, Ordering::Relaxed);
        let is_over = used > limit || limit == 0 || self.forced.load(Ordering::Relaxed);
        self.raised.swap(is_over, Ordering::Relaxed) != is_over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alarm(limit_bytes: u64, own_bytes: u64) -> Alarm {
        Alarm::new(MemoryLimit {
            limit_bytes,
            own_bytes,
        })
    }

    #[test]
    fn the_queues_are_asked_only_when_the_limit_could_be_passed() {
        let alarm = alarm(1000, 100);
        assert!(!alarm.arrived(900));
        assert!(alarm.arrived(1));
        // Half of it was consumed meanwhile.
        assert!(!alarm.evaluate(450));
        assert!(!alarm.arrived(450));
        assert!(alarm.arrived(1));
    }

    #[test]
    fn it_is_on_over_the_limit_and_off_at_it() {
        let alarm = alarm(1000, 100);
        assert!(alarm.evaluate(901) && alarm.is_raised());
        assert!(!alarm.evaluate(2000) && alarm.is_raised());
        assert!(alarm.evaluate(900) && !alarm.is_raised());
    }

    #[test]
    fn a_limit_of_nothing_is_exceeded_from_the_start() {
        assert!(alarm(0, 0).is_raised());
        assert!(!alarm(u64::MAX, 0).is_raised());
    }

    #[test]
    fn by_hand_it_stays_on_whatever_memory_says() {
        let alarm = alarm(1000, 0);
        alarm.force(true);
        assert!(alarm.evaluate(0) && alarm.is_raised());
        assert!(!alarm.evaluate(0) && alarm.is_raised());
        alarm.force(false);
        assert!(alarm.evaluate(0) && !alarm.is_raised());
    }
}
