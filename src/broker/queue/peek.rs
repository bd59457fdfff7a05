//! A look into a queue that changes nothing: no counter, no flag, no time of use.

use std::sync::Arc;

use super::super::Broker;
use super::super::connection::Connection;
use super::super::outlet::Place;
use super::super::tick::Tick;
use super::Queue;
use super::consumers::ConsumerKey;
use super::entry::Entry;

/// Which of the messages are looked at.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Pass so many.
    pub offset: u64,
    /// Then show so many at most.
    pub limit: usize,
}

/// A delivery that is not settled, and where it is.
#[derive(Clone, Debug)]
pub struct Away {
    /// The connection that has it.
    pub connection: Arc<Connection>,
    /// Its channel and delivery tag.
    pub place: Place,
    /// Since when.
    pub since: Tick,
    /// Who consumes it; none for `basic.get`.
    pub consumer: ConsumerKey,
    /// The message.
    pub entry: Entry,
}

impl Queue {
    /// Messages that wait, in delivery order; those of a stream from the offset on.
    pub fn peek(&self, page: Page) -> Vec<Entry> {
        let state = self.state.lock();
        if let Some(stream) = &state.stream {
            return stream.read(page.offset, page.limit);
        }
        let mut upcoming = state.ready.upcoming();
        upcoming.pass(page.offset);
        upcoming.take(page.limit).cloned().collect()
    }

    /// Messages that wait for their next try, with when that is.
    pub fn peek_delayed(&self, page: Page) -> Vec<(Tick, Entry)> {
        let state = self.state.lock();
        let pass = usize::try_from(page.offset).unwrap_or(usize::MAX);
        let delayed = state.apart.iter().flat_map(|apart| apart.waiting());
        let shown = delayed.skip(pass).take(page.limit);
        shown.map(|(at, entry)| (at, entry.clone())).collect()
    }
}

impl Broker {
    /// Deliveries of a queue that are not settled, by connection, channel and tag. No lock is held
    /// for more than a part of one connection's deliveries.
    pub fn unacked(&self, queue: &Arc<Queue>, page: Page) -> Vec<Away> {
        let (mut pass, mut found) = (page.offset, Vec::new());
        for connection in self.connections.sorted() {
            let mut place = (connection.vhost == queue.spec.vhost).then(Place::default);
            while let Some(from) = place.filter(|_| found.len() < page.limit) {
                place = connection.outlet.unacked(from, &mut |out| {
                    if !Arc::ptr_eq(out.queue, queue) || found.len() >= page.limit {
                        return;
                    }
                    if pass > 0 {
                        pass -= 1;
                        return;
                    }
                    found.push(Away {
                        connection: Arc::clone(&connection),
                        place: out.place,
                        since: out.since,
                        consumer: out.consumer,
                        entry: out.entry.clone(),
                    });
                });
            }
        }
        found
    }
}
