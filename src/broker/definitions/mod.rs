//! Definitions: all that is not messages, in RabbitMQ's JSON.
//!
//! An import is two things. [`Plan`] reads and checks every entry against what is there and what
//! comes before it; the first [`Fault`] ends it, and nothing has changed. Carrying out a plan
//! cannot fail: what other clients do meanwhile is as if they had done it just before or after.

mod apply;
mod entry;
mod export;
mod fault;
mod locate;
mod plan;
mod topology;
mod users;
mod values;

pub use self::fault::{At, Fault, Segment};
pub use self::locate::{Place, locate};
pub(super) use self::plan::Digest;
pub use self::plan::{Outcome, Plan, Planned};

/// Which definitions are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope<'a> {
    /// The whole broker's.
    Broker,
    /// One virtual host's; its entries do not name it.
    Vhost(&'a str),
}

/// The kinds of entries, in the order in which they are imported.
pub const SECTIONS: [&str; 10] = [
    "users",
    "vhosts",
    "permissions",
    "topic_permissions",
    "parameters",
    "global_parameters",
    "policies",
    "queues",
    "exchanges",
    "bindings",
];
