//! Clients that leave Nagle's algorithm on (Node's do) hold a small write back until they know that
//! the one before it arrived. What has no answer is acknowledged by the system after 40 ms, and so
//! long `connection.open` waits behind `connection.tune-ok`, and a publish behind another. Who is
//! found to wait is told at once; all others are spared the packet.

use std::time::{Duration, Instant};

/// How long the client's next bytes may take before it is taken to hold them back.
const PATIENCE: Duration = Duration::from_millis(1);

/// Whether a client holds writes back. It shows during the handshake, where it must go on by itself.
#[derive(Debug, Default)]
pub(super) enum Nagle {
    #[default]
    Unknown,
    /// It said something that has no answer, and should say more by then.
    Suspected(Instant),
    Found,
    /// It sends what it has.
    Absent,
}

impl Nagle {
    /// When to call [`Nagle::is_found`].
    pub(super) const fn deadline(&self) -> Option<Instant> {
        match self {
            Self::Suspected(deadline) => Some(*deadline),
            Self::Unknown | Self::Found | Self::Absent => None,
        }
    }

    /// Time has passed: whether that shows that it holds something back.
    pub(super) fn is_found(&mut self, now: Instant) -> bool {
        let is_found = self.deadline().is_some_and(|deadline| deadline <= now);
        if is_found {
            *self = Self::Found;
        }
        is_found
    }

    /// Bytes came and were acted on: whether to acknowledge them now.
    pub(super) fn on_read(&mut self, is_open: bool, is_answered: bool, now: Instant) -> bool {
        match self {
            Self::Found => return !is_answered,
            Self::Absent => {}
            Self::Unknown | Self::Suspected(_) if is_open => *self = Self::Absent,
            Self::Unknown | Self::Suspected(_) if is_answered => *self = Self::Unknown,
            Self::Unknown | Self::Suspected(_) => *self = Self::Suspected(now + PATIENCE),
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As far as `connection.tune-ok`.
    fn tuned(now: Instant) -> Nagle {
        let mut nagle = Nagle::default();
        assert!(!nagle.on_read(false, true, now), "the protocol header");
        assert!(!nagle.on_read(false, true, now), "start-ok");
        assert_eq!(nagle.deadline(), None);
        assert!(!nagle.on_read(false, false, now), "tune-ok");
        nagle
    }

    #[test]
    fn who_waits_is_found_and_acknowledged_from_then_on() {
        let now = Instant::now();
        let mut nagle = tuned(now);
        assert!(!nagle.is_found(now));
        let later = nagle.deadline().unwrap();
        assert!(nagle.is_found(later));
        assert_eq!(nagle.deadline(), None);
        assert!(!nagle.on_read(true, true, later), "open is answered");
        assert!(nagle.on_read(true, false, later), "a publish is not");
    }

    #[test]
    fn who_goes_on_at_once_is_left_alone() {
        let now = Instant::now();
        let mut nagle = tuned(now);
        assert!(!nagle.on_read(true, true, now), "open");
        assert!(!nagle.on_read(true, false, now), "a publish");
        assert_eq!(nagle.deadline(), None);
    }

    #[test]
    fn a_piece_of_a_frame_is_held_back_like_a_frame() {
        let now = Instant::now();
        let mut nagle = Nagle::default();
        assert!(!nagle.on_read(false, false, now), "half of start-ok");
        assert!(nagle.deadline().is_some());
        assert!(!nagle.on_read(false, true, now), "its other half");
        assert_eq!(nagle.deadline(), None);
    }
}
