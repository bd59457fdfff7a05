//! A routing on paper: where a message would go, by the rules and the code that route it, with
//! nothing remembered, held back or drawn by lot.

use std::sync::Arc;

use super::super::name::Name;
use super::Exchange;
use super::destination::Binding;
use super::route::Route;

/// An exchange that a message would come to.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The exchange.
    pub exchange: Arc<Exchange>,
    /// What it would do.
    pub step: Step,
    /// The bindings that lead on; the default exchange has none.
    pub matched: Vec<Binding>,
    /// Where it goes on, since nothing matched.
    pub alternate: Option<Name>,
}

/// What an exchange would do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Bindings lead on.
    Matched,
    /// One of several is chosen, another time another one.
    Drawn,
    /// Nothing matches.
    Unmatched,
    /// It would wait here for so many milliseconds.
    Held(u64),
    /// It was here before.
    Duplicate,
}

/// What a dry run found.
#[derive(Clone, Debug, Default)]
pub struct Itinerary {
    /// Where it would go.
    pub route: Route,
    /// The exchanges on the way.
    pub visits: Vec<Visit>,
}
