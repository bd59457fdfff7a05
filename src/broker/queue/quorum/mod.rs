//! Quorum queues: what they do differently from classic ones. Nothing is replicated; these are
//! the rules that a client sees.

mod apart;
mod counts;
mod retry;
mod rules;

pub(super) use self::apart::Apart;
pub use self::counts::Counting;
pub use self::retry::Retry;
pub use self::rules::QuorumRules;
use super::order::Order;

/// How one release line's quorum queues behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuorumLine {
    /// What is counted of a message's deliveries, and how its headers tell it.
    pub counting: Counting,
    /// The delivery limit where nothing says one.
    pub delivery_limit: Option<u64>,
    /// A delivery limit that is no number is none; else it counts as not said.
    pub odd_limit_is_none: bool,
    /// A negative delivery limit is none; else it is exceeded at once.
    pub negative_limit_is_none: bool,
    /// In which order messages wait.
    pub order: Order,
    /// What comes back goes behind all others, not before them.
    pub requeues_to_tail: bool,
    /// `x-max-length-bytes` counts the properties too.
    pub weighs_properties: bool,
    /// Returned messages can wait before they are delivered again.
    pub has_delayed_retry: bool,
    /// The version that the status of a queue tells.
    pub machine_version: u64,
    /// The single active consumer makes way for one of a higher priority.
    pub yields_to_priority: bool,
}

impl QuorumLine {
    /// RabbitMQ 3.10.
    pub const RABBITMQ_3_10: Self = Self {
        counting: Counting::Returns,
        delivery_limit: None,
        odd_limit_is_none: true,
        negative_limit_is_none: false,
        order: Order::Arrival,
        machine_version: 2,
        requeues_to_tail: true,
        weighs_properties: false,
        has_delayed_retry: false,
        yields_to_priority: false,
    };

    /// RabbitMQ 4.0.
    pub const RABBITMQ_4_0: Self = Self {
        counting: Counting::ReturnsAndDiscards,
        delivery_limit: Some(20),
        odd_limit_is_none: true,
        negative_limit_is_none: true,
        order: Order::TwoClasses,
        machine_version: 5,
        requeues_to_tail: false,
        weighs_properties: false,
        has_delayed_retry: false,
        yields_to_priority: true,
    };

    /// RabbitMQ 4.3.
    pub const RABBITMQ_4_3: Self = Self {
        counting: Counting::Failures,
        delivery_limit: Some(20),
        odd_limit_is_none: false,
        negative_limit_is_none: true,
        order: Order::Levels,
        machine_version: 8,
        requeues_to_tail: false,
        weighs_properties: true,
        has_delayed_retry: true,
        yields_to_priority: true,
    };
}
