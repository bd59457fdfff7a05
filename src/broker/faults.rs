//! The one place where faults act: after a method arrived and before a delivery leaves.
//!
//! Without a rule set a session asks once per read whether there is one, and that is all it costs.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::name::Name;
use crate::sync::{LEAF, Ranked};

/// Where a connection stands when a rule is asked.
#[derive(Clone, Debug)]
pub struct Site<'a> {
    /// Its virtual host.
    pub vhost: &'a Name,
    /// Its user.
    pub user: &'a Name,
    /// The channel.
    pub channel: u16,
    /// The method's name, as in the specification: `queue.declare`.
    pub method: &'static str,
}

/// What a rule wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Decision {
    /// Nothing out of the ordinary.
    #[default]
    Proceed,
    /// The method is lost on the way.
    Drop,
    /// The connection is cut without a word.
    Cut,
    /// The connection is closed with `CONNECTION_FORCED` (320) and this text.
    Close(String),
}

/// A set of rules.
pub trait FaultRules: Debug + Send + Sync {
    /// A method has arrived and is about to act.
    fn arrived(&self, site: &Site<'_>) -> Decision;
}

/// The rules in force, if any.
#[derive(Debug, Default)]
pub struct Faults {
    active: AtomicBool,
    rules: Ranked<Option<Arc<dyn FaultRules>>, LEAF>,
}

impl Faults {
    /// The rules, asked once per read.
    pub fn rules(&self) -> Option<Arc<dyn FaultRules>> {
        if !self.active.load(Ordering::Relaxed) {
            return None;
        }
        self.rules.lock().clone()
    }

    /// Put rules in force, or end them.
    pub fn set(&self, rules: Option<Arc<dyn FaultRules>>) {
        self.active.store(rules.is_some(), Ordering::Relaxed);
        *self.rules.lock() = rules;
    }
}
