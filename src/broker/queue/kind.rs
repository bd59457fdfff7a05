//! [`QueueKind`]: the queue types of RabbitMQ.

use leveret_proto::value::{FieldTable, FieldValue};

/// A queue type. The set is closed, so what differs is a `match`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QueueKind {
    /// A mutable FIFO.
    #[default]
    Classic,
    /// A FIFO that counts deliveries; on RabbitMQ it is replicated, here only its rules hold.
    Quorum,
    /// A log that many read and nobody takes from.
    Stream,
}

impl QueueKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Classic, Self::Quorum, Self::Stream];

    /// As it stands in `x-queue-type`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Quorum => "quorum",
            Self::Stream => "stream",
        }
    }

    /// As error texts call it.
    pub const fn module(self) -> &'static str {
        match self {
            Self::Classic => "rabbit_classic_queue",
            Self::Quorum => "rabbit_quorum_queue",
            Self::Stream => "rabbit_stream_queue",
        }
    }

    /// What a policy may say that queues of this type do not know: such a policy does not apply
    /// to them at all.
    pub const fn unknown_policy_keys(self) -> &'static [&'static str] {
        match self {
            Self::Classic => &[
                "max-age",
                "stream-max-segment-size-bytes",
                "initial-cluster-size",
                "delivery-limit",
                "dead-letter-strategy",
                "max-in-memory-length",
                "max-in-memory-bytes",
                "target-group-size",
            ],
            Self::Quorum => &[
                "queue-mode",
                "queue-master-locator",
                "max-age",
                "stream-max-segment-size-bytes",
                "initial-cluster-size",
            ],
            Self::Stream => &[
                "expires",
                "message-ttl",
                "dead-letter-exchange",
                "dead-letter-routing-key",
                "max-length",
                "max-in-memory-length",
                "max-in-memory-bytes",
                "overflow",
                "queue-mode",
                "delivery-limit",
                "queue-master-locator",
                "dead-letter-strategy",
                "target-group-size",
            ],
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What `queue.declare` with these arguments makes. Arguments were checked before.
    pub fn of(arguments: &FieldTable) -> Self {
        arguments
            .get("x-queue-type")
            .and_then(FieldValue::as_str)
            .and_then(Self::from_name)
            .unwrap_or_default()
    }
}
