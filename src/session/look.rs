//! A look at what a connection has out and whether it has room, for listings and explanations.

use super::egress::{FULL_BYTES, Inner};
use crate::broker::outlet::{Out, Place, Room};

/// Deliveries looked at under one hold of the lock.
const LOOK_MAX: usize = 1024;

impl Inner {
    pub(super) fn room(&self, channel: u16) -> Room {
        let bytes = self.out.len();
        match self.ledgers.get(channel) {
            None => Room::Gone,
            Some(_) if bytes >= FULL_BYTES => Room::Full { bytes },
            Some(ledger) => ledger.room(),
        }
    }

    /// As `Outlet::unacked`.
    pub(super) fn look(&self, from: Place, look: &mut dyn FnMut(Out<'_>)) -> Option<Place> {
        let mut left = LOOK_MAX;
        let channels = self.ledgers.numbers();
        for channel in channels.into_iter().filter(|it| *it >= from.channel) {
            let tag = if channel == from.channel { from.tag } else { 0 };
            let place = Place { channel, tag };
            let next = self.ledgers.get(channel)?.look(place, &mut left, look);
            if next.is_some() {
                return next;
            }
        }
        None
    }
}
