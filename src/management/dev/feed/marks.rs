//! [`Marks`]: what changed since the last look, noted as the model tells it. Marking costs a look
//! into a set; what the numbers are now is asked when they are told, at most ten times a second.

use std::collections::{HashMap, HashSet};

use super::flows::Flows;
use crate::broker::event::{Change, Event};
use crate::broker::name::Name;

/// Things marked at most; beyond that everybody loads the lists anew.
const MARKS_MAX: usize = 20_000;

/// Names by virtual host.
type Names = HashMap<Name, HashSet<Name>>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Marks {
    pub(super) queues: Names,
    pub(super) exchanges: Names,
    pub(super) changes: Vec<Change>,
    pub(super) flows: Flows,
    pub(super) has_overflowed: bool,
    count: usize,
}

impl Marks {
    /// Mark what it is about; ways are counted where somebody wants to know.
    pub(super) fn hear(&mut self, event: &Event, counts_flows: bool) {
        if counts_flows {
            self.flows.hear(event);
        }
        if self.count >= MARKS_MAX {
            self.has_overflowed = true;
            return;
        }
        match event {
            Event::Published {
                vhost, exchange, ..
            }
            | Event::Unroutable {
                vhost, exchange, ..
            } => self.mark_exchange(vhost, exchange),
            Event::Arrived { vhost, queue }
            | Event::Delivered { vhost, queue, .. }
            | Event::Got { vhost, queue, .. }
            | Event::Acked { vhost, queue, .. }
            | Event::Requeued { vhost, queue, .. }
            | Event::Rejected { vhost, queue, .. }
            | Event::Expired { vhost, queue, .. }
            | Event::Exhausted { vhost, queue, .. }
            | Event::Dropped { vhost, queue, .. }
            | Event::Purged { vhost, queue, .. } => self.mark_queue(vhost, queue),
            Event::Changed(change) => self.change(change),
        }
    }

    fn change(&mut self, change: &Change) {
        let family = change.name.split('.').next().unwrap_or_default();
        let fact = match family {
            "consumer" => "queue",
            _ => "name",
        };
        if let (Some(vhost), Some(name)) = (change.text("vhost"), change.text(fact)) {
            match family {
                "queue" | "consumer" => self.mark_queue(&vhost.into(), &name.into()),
                "exchange" => self.mark_exchange(&vhost.into(), &name.into()),
                _ => {}
            }
        }
        self.count += 1;
        self.changes.push(change.clone());
    }

    fn mark_queue(&mut self, vhost: &Name, queue: &Name) {
        self.count += usize::from(mark(&mut self.queues, vhost, queue));
    }

    fn mark_exchange(&mut self, vhost: &Name, exchange: &Name) {
        self.count += usize::from(mark(&mut self.exchanges, vhost, exchange));
    }
}

/// Whether it is new.
fn mark(names: &mut Names, vhost: &Name, name: &Name) -> bool {
    let Some(there) = names.get_mut(vhost.as_str()) else {
        names.insert(vhost.clone(), [name.clone()].into());
        return true;
    };
    !there.contains(name.as_str()) && there.insert(name.clone())
}
