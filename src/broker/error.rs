//! [`BrokerError`]: why the model refuses. It knows neither reply codes nor HTTP statuses; its
//! text is RabbitMQ's, which clients and the management API show alike.

use std::fmt;

use super::name::Name;

/// A kind of named thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resource {
    /// An exchange.
    Exchange,
    /// A queue.
    Queue,
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exchange => "exchange",
            Self::Queue => "queue",
        })
    }
}

/// An exchange or a queue in its virtual host, as error texts name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// What it is.
    pub kind: Resource,
    /// Its name.
    pub name: Name,
    /// Where it is.
    pub vhost: Name,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}' in vhost '{}'", self.kind, self.name, self.vhost)
    }
}

/// Why the model refuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BrokerError {
    /// There is no such thing.
    NotFound(Subject),
    /// An empty queue name, and nothing was declared on the channel.
    NoPreviousQueue,
    /// There is no such virtual host.
    NoVhost(Name),
    /// Declared again, but differently. The detail says what was received and what is.
    Inequivalent {
        /// The thing.
        subject: Subject,
        /// The flag or argument that differs.
        key: String,
        /// `received … but current is …`.
        detail: String,
    },
    /// A name that begins with `amq.`.
    Reserved(Resource, Name),
    /// The default exchange can be neither declared, deleted nor bound.
    DefaultExchange,
    /// An `amq.` exchange cannot be deleted.
    SystemExchange(Subject),
    /// Another connection's exclusive queue.
    Locked(Subject),
    /// `basic.get` from a quorum queue with single active consumer. The second is how the
    /// release line puts the name of the queue type.
    NoGet(Subject, &'static str),
    /// Deletion asked `if-unused`.
    InUse(Subject),
    /// Deletion asked `if-empty`.
    NotEmpty(Subject),
    /// A consumer is, or wants to be, alone.
    ExclusiveUse(Subject),
    /// Clients may not publish there.
    InternalExchange(Subject),
    /// The user lacks a permission; the text names it whole.
    AccessRefused(String),
    /// An argument is of no use; the text names it whole.
    Precondition(String),
    /// An exchange type that does not exist; the release lines answer with different codes.
    ExchangeType(String),
    /// Not there on RabbitMQ either, or not here yet.
    NotImplemented(String),
    /// Deprecated and denied; RabbitMQ answers with an internal error.
    Denied(String),
    /// A limit on the number of something; the text names it whole.
    Limit(String),
}

impl BrokerError {
    /// A refusal with what whoever decided says of it.
    #[must_use]
    pub fn because(self, words: &str) -> Self {
        match self {
            Self::AccessRefused(text) => Self::AccessRefused(text + words),
            other => other,
        }
    }
}

impl fmt::Display for BrokerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(subject) => write!(f, "no {subject}"),
            Self::NoPreviousQueue => f.write_str("no previously declared queue"),
            Self::NoVhost(name) => write!(f, "vhost {name} not found"),
            Self::Inequivalent {
                subject,
                key,
                detail,
            } => {
                write!(f, "inequivalent arg '{key}' for {subject}: {detail}")
            }
            Self::Reserved(kind, name) => {
                write!(f, "{kind} name '{name}' contains reserved prefix 'amq.*'")
            }
            Self::DefaultExchange => f.write_str("operation not permitted on the default exchange"),
            Self::SystemExchange(subject) => {
                write!(f, "deletion of system {subject} not allowed")
            }
            Self::Locked(subject) => write!(
                f,
                "cannot obtain exclusive access to locked {subject}. It could be originally \
                 declared on another connection or the exclusive property value does not match \
                 that of the original declaration."
            ),
            Self::NoGet(subject, kind) => write!(
                f,
                "cannot obtain access to locked {subject}. basic.get operations are not \
                 supported by {kind} queues with single active consumer"
            ),
            Self::InUse(subject) => write!(f, "{subject} in use"),
            Self::NotEmpty(subject) => write!(f, "{subject} not empty"),
            Self::ExclusiveUse(subject) => write!(f, "{subject} in exclusive use"),
            Self::InternalExchange(subject) => {
                write!(f, "cannot publish to internal {subject}")
            }
            Self::AccessRefused(text)
            | Self::Precondition(text)
            | Self::ExchangeType(text)
            | Self::NotImplemented(text)
            | Self::Denied(text)
            | Self::Limit(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for BrokerError {}
