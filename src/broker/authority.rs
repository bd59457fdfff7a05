//! [`Authority`]: who decides what a user may, where that is not this broker's own table of
//! permissions.
//!
//! The model asks and never waits: what has to be found out first is asked for by whoever can wait,
//! before the model is called, and is then known here.

use std::fmt;

use super::error::Resource;
use super::name::Name;
use super::permission::Access;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// May it use this virtual host?
    Vhost(Name),
    /// May it do this to a queue or an exchange? The default exchange is `amq.default`.
    Resource(Name, Resource, Name, Access),
    /// May it publish or bind with this key, at this topic exchange?
    Topic(Name, Name, String, Access),
}

impl Question {
    /// About a queue or an exchange.
    pub fn of(vhost: &Name, kind: Resource, name: &str, access: Access) -> Self {
        let name = if name.is_empty() { "amq.default" } else { name };
        Self::Resource(vhost.clone(), kind, name.into(), access)
    }
}

/// What is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It may.
    Allowed,
    /// It may not; what the refusal's text ends with.
    Refused(String),
}

impl Ruling {
    /// A plain yes or no.
    pub fn from_bool(is_allowed: bool) -> Self {
        match is_allowed {
            true => Self::Allowed,
            false => Self::Refused(String::new()),
        }
    }
}

/// See the module.
pub trait Authority: fmt::Debug + Send + Sync {
    /// The answer, unless it must be asked for first.
    fn known(&self, question: &Question) -> Option<Ruling>;

    /// Remember an answer that was asked for.
    fn learn(&self, question: Question, ruling: Ruling);

    /// When what it knows is void, in seconds since 1970.
    fn expires_at_s(&self) -> Option<u64>;
}
