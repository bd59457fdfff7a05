//! Where bindings lead: [`Destination`], and [`Binding`] for listings.

use std::fmt;
use std::sync::Arc;

use leveret_proto::value::FieldTable;

use super::super::name::Name;
use super::super::queue::Queue;
use super::Exchange;

/// Where a binding leads.
#[derive(Clone)]
pub enum Destination {
    /// To a queue.
    Queue(Arc<Queue>),
    /// To another exchange.
    Exchange(Arc<Exchange>),
}

/// Which thing a destination is: two may have the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DestinationId {
    /// A queue of this name.
    Queue(Name),
    /// An exchange of this name.
    Exchange(Name),
}

impl DestinationId {
    /// `queue` or `exchange`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Queue(_) => "queue",
            Self::Exchange(_) => "exchange",
        }
    }

    /// The name.
    pub const fn name(&self) -> &Name {
        match self {
            Self::Queue(name) | Self::Exchange(name) => name,
        }
    }
}

impl Destination {
    /// What identifies it.
    pub fn id(&self) -> DestinationId {
        match self {
            Self::Queue(queue) => DestinationId::Queue(queue.name().clone()),
            Self::Exchange(exchange) => DestinationId::Exchange(exchange.name().clone()),
        }
    }

    /// Whether it is the thing called `id`.
    pub(super) fn is(&self, id: &DestinationId) -> bool {
        match (self, id) {
            (Self::Queue(queue), DestinationId::Queue(name)) => queue.name() == name,
            (Self::Exchange(exchange), DestinationId::Exchange(name)) => exchange.name() == name,
            _ => false,
        }
    }
}

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id(), f)
    }
}

/// A binding as listings show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The exchange it leads away from.
    pub source: Name,
    /// Where it leads.
    pub destination: DestinationId,
    /// The key it matches.
    pub binding_key: Name,
    /// Its arguments.
    pub arguments: FieldTable,
}

/// Remove one of possibly several equal destinations: bindings may differ in arguments only.
pub(super) fn remove_one(all: &mut Vec<Destination>, gone: &DestinationId) {
    if let Some(at) = all.iter().position(|there| there.is(gone)) {
        all.remove(at);
    }
}
