//! [`Timekeeper`]: the one timer. Queues and exchanges register when they want a tick.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::Shared;
use crate::broker::Timer;
use crate::broker::alarm::Alarm;
use crate::broker::effects::Effects;
use crate::broker::name::Name;
use crate::broker::tick::{Tick, Ticked};
use crate::broker::vhost::VirtualHost;
use crate::sync::{LEAF, Ranked};

/// Longest sleep: a bound, not a poll.
const SLEEP_MAX: Duration = Duration::from_secs(3600);
/// Deadlines this close together are one moment.
const MOMENT_MS: u64 = 10;
/// Moments between a virtual host's last tick and now that are gone through one by one. Only a
/// clock moved by hand has so many.
const MOMENTS_MAX: usize = 10_000;

/// Deadlines by virtual host, since each has a clock of its own.
#[derive(Debug, Default)]
pub(super) struct Timekeeper {
    heaps: Ranked<BTreeMap<Name, BinaryHeap<Reverse<Deadline>>>, LEAF>,
    /// An earlier deadline came, or a clock was moved.
    changed: Notify,
    gone: Notify,
}

/// Orders by time; a target that is gone is forgotten when its time comes.
#[derive(Debug)]
struct Deadline {
    at: Tick,
    target: Weak<dyn Ticked>,
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Deadline {}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Timer for Timekeeper {
    fn arm(&self, deadlines: &mut Vec<(Tick, Arc<dyn Ticked>)>) {
        let mut heaps = self.heaps.lock();
        let mut is_earlier = false;
        for (at, target) in deadlines.drain(..) {
            let heap = heaps.entry(target.vhost().clone()).or_default();
            is_earlier |= heap.peek().is_none_or(|Reverse(first)| at < first.at);
            heap.push(Reverse(Deadline {
                at,
                target: Arc::downgrade(&target),
            }));
        }
        drop(heaps);
        if is_earlier {
            self.changed.notify_one();
        }
    }

    fn moved(&self) {
        self.changed.notify_one();
    }
}

impl Timekeeper {
    /// A connection is gone.
    pub(super) fn note_gone(&self) {
        self.gone.notify_waiters();
    }

    pub(super) async fn connection_gone(&self) {
        // Bounded: the last one may have gone between the look and the wait.
        let _ = tokio::time::timeout(Duration::from_millis(20), self.gone.notified()).await;
    }

    /// When something is next due in one virtual host.
    fn next(&self, vhost: &Name) -> Tick {
        let heaps = self.heaps.lock();
        let first = heaps.get(vhost).and_then(BinaryHeap::peek);
        first.map_or(Tick::NEVER, |Reverse(first)| first.at)
    }

    /// Take what is due in one virtual host by then.
    fn due(&self, vhost: &Name, by: Tick) -> Vec<Arc<dyn Ticked>> {
        let mut heaps = self.heaps.lock();
        let mut due = Vec::new();
        let Some(heap) = heaps.get_mut(vhost) else {
            return due;
        };
        while heap.peek().is_some_and(|Reverse(first)| first.at <= by) {
            due.extend(
                heap.pop()
                    .and_then(|Reverse(deadline)| deadline.target.upgrade()),
            );
        }
        if heap.is_empty() {
            heaps.remove(vhost);
        }
        due
    }

    fn vhosts(&self) -> Vec<Name> {
        self.heaps.lock().keys().cloned().collect()
    }
}

/// Tick everything at its time until the server stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut fx = Effects::default();
    loop {
        let sleep = tick_all(&shared, &mut fx);
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = shared.timekeeper.changed.notified() => {}
            () = shared.stopped() => return,
        }
    }
}

/// Tick all that is due; how long until the next is.
fn tick_all(shared: &Shared, fx: &mut Effects) -> Duration {
    let mut sleep = match shared.broker.alarm.is_raised() {
        true => look_at_alarm(shared),
        false => SLEEP_MAX,
    };
    for name in shared.timekeeper.vhosts() {
        let Some(vhost) = shared.broker.vhosts.get(&name) else {
            shared.timekeeper.heaps.lock().remove(&name);
            continue;
        };
        sleep = sleep.min(tick_vhost(shared, &vhost, fx));
    }
    sleep
}

/// Messages may be gone by now: consumed, expired, purged.
fn look_at_alarm(shared: &Shared) -> Duration {
    shared.broker.look_at_alarm();
    Duration::from_millis(Alarm::RECHECK_MS)
}

/// What is due happens at its own time, one after the other: where the clock was moved by an hour,
/// a message goes through all the queues in which it would have waited in that hour.
fn tick_vhost(shared: &Shared, vhost: &VirtualHost, fx: &mut Effects) -> Duration {
    let now = vhost.now(shared.clock.now().tick);
    let mut next = shared.timekeeper.next(&vhost.name);
    for moment in 0..=MOMENTS_MAX {
        if next > now {
            break;
        }
        let then = match moment {
            MOMENTS_MAX => now,
            _ => now.min(next.plus_ms(MOMENT_MS)),
        };
        let due = shared.timekeeper.due(&vhost.name, then);
        shared.broker.begin(Some(vhost), fx);
        fx.now = then;
        due.into_iter().for_each(|target| target.tick(then, fx));
        shared.broker.settle(vhost, then, fx);
        next = shared.timekeeper.next(&vhost.name);
    }
    // Rounded up: a sleep that ends early would spin.
    now.until(next) + Duration::from_millis(1)
}
