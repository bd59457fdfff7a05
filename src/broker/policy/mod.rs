//! Policies: settings that administrators lay over queues and exchanges by their names.
//!
//! There are two layers. Of each, the matching policy with the highest priority applies; where
//! both say something about a key, the operator's word limits the user's. What comes of it is
//! [`Applied`], which `Settings` merges with a queue's own arguments.

mod apply;
mod check;
mod merge;

use std::collections::BTreeMap;
use std::sync::Arc;

use leveret_proto::value::FieldTable;

pub use self::check::InvalidPolicy;
use self::merge::merge;
use super::name::Name;
use super::pattern::Pattern;
use super::queue::QueueKind;

/// Whose policies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// Of those who use the virtual host.
    User,
    /// Of those who run the broker: guard rails.
    Operator,
}

/// What a policy applies to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ApplyTo {
    /// Queues and exchanges.
    #[default]
    All,
    /// Queues of every type.
    Queues,
    /// Queues of one type.
    QueuesOf(QueueKind),
    /// Exchanges.
    Exchanges,
}

impl ApplyTo {
    const ALL: [Self; 6] = [
        Self::All,
        Self::Queues,
        Self::QueuesOf(QueueKind::Classic),
        Self::QueuesOf(QueueKind::Quorum),
        Self::QueuesOf(QueueKind::Stream),
        Self::Exchanges,
    ];

    /// As the management API has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Queues => "queues",
            Self::QueuesOf(QueueKind::Classic) => "classic_queues",
            Self::QueuesOf(QueueKind::Quorum) => "quorum_queues",
            Self::QueuesOf(QueueKind::Stream) => "streams",
            Self::Exchanges => "exchanges",
        }
    }

    /// What that name stands for.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Whether queues of this type are meant.
    pub fn has_queues_of(self, kind: QueueKind) -> bool {
        match self {
            Self::All | Self::Queues => true,
            Self::QueuesOf(one) => one == kind,
            Self::Exchanges => false,
        }
    }

    /// Whether exchanges are meant.
    pub const fn has_exchanges(self) -> bool {
        matches!(self, Self::All | Self::Exchanges)
    }
}

/// A policy.
#[derive(Debug)]
pub struct Policy {
    /// Its name.
    pub name: Name,
    /// Which names it applies to.
    pub pattern: Pattern,
    /// Which kinds of things it applies to.
    pub apply_to: ApplyTo,
    /// Of several that match the highest wins; any number will do.
    pub priority: f64,
    /// What it sets; keys are those of arguments without the `x-`.
    pub definition: FieldTable,
}

/// What a policy may apply to.
#[derive(Clone, Copy, Debug)]
pub enum Target<'a> {
    /// An exchange of this name.
    Exchange(&'a str),
    /// A queue of this type and name.
    Queue(QueueKind, &'a str),
}

/// The policies of a virtual host.
#[derive(Debug, Default)]
pub struct Policies {
    user: BTreeMap<Name, Arc<Policy>>,
    operator: BTreeMap<Name, Arc<Policy>>,
}

/// What the policies come to for one queue or exchange.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Applied {
    /// The user policy that applies.
    pub policy: Option<Name>,
    /// The operator policy that applies.
    pub operator_policy: Option<Name>,
    /// The two merged.
    pub definition: FieldTable,
}

impl Policy {
    fn applies_to(&self, target: Target<'_>) -> bool {
        let (is_of_kind, name) = match target {
            Target::Exchange(name) => (self.apply_to.has_exchanges(), name),
            Target::Queue(kind, name) => (self.suits(kind), name),
        };
        is_of_kind && self.pattern.matches(name)
    }

    /// A policy that says anything a queue type does not know is of no use to it as a whole.
    fn suits(&self, kind: QueueKind) -> bool {
        let unknown = kind.unknown_policy_keys();
        self.apply_to.has_queues_of(kind)
            && !self
                .definition
                .iter()
                .any(|(key, _)| unknown.contains(&key.as_str()))
    }
}

impl Policies {
    /// The policies of one layer, by name.
    pub fn of(&self, layer: Layer) -> &BTreeMap<Name, Arc<Policy>> {
        match layer {
            Layer::User => &self.user,
            Layer::Operator => &self.operator,
        }
    }

    fn of_mut(&mut self, layer: Layer) -> &mut BTreeMap<Name, Arc<Policy>> {
        match layer {
            Layer::User => &mut self.user,
            Layer::Operator => &mut self.operator,
        }
    }

    /// What applies to `target`.
    pub fn applied(&self, target: Target<'_>) -> Applied {
        let (user, operator) = (best(&self.user, target), best(&self.operator, target));
        let definition = match (user, operator) {
            (None, None) => FieldTable::new(),
            (Some(one), None) | (None, Some(one)) => one.definition.clone(),
            (Some(user), Some(operator)) => merge(&user.definition, &operator.definition),
        };
        Applied {
            policy: user.map(|policy| policy.name.clone()),
            operator_policy: operator.map(|policy| policy.name.clone()),
            definition,
        }
    }
}

/// The highest priority wins; among equals, as on RabbitMQ, the last name.
fn best<'a>(all: &'a BTreeMap<Name, Arc<Policy>>, target: Target<'_>) -> Option<&'a Arc<Policy>> {
    all.values()
        .filter(|policy| policy.applies_to(target))
        .max_by(|one, other| one.priority.total_cmp(&other.priority))
}
