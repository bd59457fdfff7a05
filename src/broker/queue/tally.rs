//! [`Tally`]: how many messages there are somewhere and what they weigh, counted as they come and
//! go, so that listing a long queue costs no more than listing an empty one.

use super::entry::Entry;

/// A number of messages and their bytes, and how much of it is persistent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) messages: u64,
    pub(super) bytes: u64,
    pub(super) persistent: u64,
    pub(super) persistent_bytes: u64,
}

/// What one message adds to a tally.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weight {
    pub(super) bytes: u64,
    persistent: bool,
}

impl Weight {
    pub(super) fn of(entry: &Entry) -> Self {
        Self {
            bytes: u64::from(entry.bytes),
            persistent: entry.message.facts.is_persistent(),
        }
    }
}

impl Tally {
    pub(super) fn add(&mut self, weight: Weight) {
        let persistent = u64::from(weight.persistent);
        self.messages += 1;
        self.bytes += weight.bytes;
        self.persistent += persistent;
        self.persistent_bytes += persistent * weight.bytes;
    }

    /// What was not added cannot be removed: the caller sees to that.
    pub(super) fn remove(&mut self, weight: Weight) {
        let persistent = u64::from(weight.persistent);
        self.messages -= 1;
        self.bytes -= weight.bytes;
        self.persistent -= persistent;
        self.persistent_bytes -= persistent * weight.bytes;
    }
}
