//! [`ExchangeKind`]: how an exchange chooses among its bindings.

use super::super::compat::Compat;
use super::super::error::BrokerError;

/// How an exchange chooses among its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExchangeKind {
    /// Binding key equals routing key.
    Direct,
    /// Every binding.
    Fanout,
    /// Binding key is a pattern of words, `*` one and `#` any number.
    Topic,
    /// Binding arguments match the message's headers.
    Headers,
    /// One binding, the same for the same key, header or property; the binding key is a weight.
    ConsistentHash,
    /// One binding, by the routing key's hash modulo the number of bindings.
    ModulusHash,
    /// One binding at random.
    Random,
    /// One queue at random; on a cluster, of those of the node.
    LocalRandom,
    /// Every binding, and a new binding gets the latest messages.
    RecentHistory,
    /// As the type in `x-delayed-type`, after the time in the header `x-delay`.
    Delayed,
    /// Every binding, unless a message with the same `x-deduplication-header` came before.
    Deduplication,
}

impl ExchangeKind {
    const ALL: [Self; 11] = [
        Self::Direct,
        Self::Fanout,
        Self::Topic,
        Self::Headers,
        Self::ConsistentHash,
        Self::ModulusHash,
        Self::Random,
        Self::LocalRandom,
        Self::RecentHistory,
        Self::Delayed,
        Self::Deduplication,
    ];

    /// As it stands in `exchange.declare`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
            Self::ConsistentHash => "x-consistent-hash",
            Self::ModulusHash => "x-modulus-hash",
            Self::Random => "x-random",
            Self::LocalRandom => "x-local-random",
            Self::RecentHistory => "x-recent-history",
            Self::Delayed => "x-delayed-message",
            Self::Deduplication => "x-message-deduplication",
        }
    }

    /// As listings describe it: RabbitMQ's words for the types that it has.
    pub const fn description(self) -> &'static str {
        match self {
            Self::Direct => "AMQP direct exchange, as per the AMQP specification",
            Self::Fanout => "AMQP fanout exchange, as per the AMQP specification",
            Self::Topic => "AMQP topic exchange, as per the AMQP specification",
            Self::Headers => "AMQP headers exchange, as per the AMQP specification",
            Self::ConsistentHash => "Consistent Hashing Exchange",
            Self::ModulusHash => "Modulus Hashing Exchange",
            Self::Random => "Randomly picks a binding (queue) to route via (to).",
            Self::LocalRandom => "Picks one random local binding (queue) to route via (to).",
            Self::RecentHistory => "Recent History Exchange.",
            Self::Delayed => "Delayed Message Exchange.",
            Self::Deduplication => "Message Deduplication Exchange.",
        }
    }

    /// The kinds that the release line has, by name.
    pub fn all(compat: &Compat) -> impl Iterator<Item = Self> {
        let mut all = Self::ALL;
        all.sort_by_key(|kind| kind.as_str());
        all.into_iter().filter(|kind| kind.exists(compat))
    }

    fn exists(self, compat: &Compat) -> bool {
        !compat.missing_exchange_types.contains(&self.as_str())
    }

    /// The kind of that name, if the release line has it.
    pub fn named(name: &str, compat: &Compat) -> Result<Self, BrokerError> {
        let known = Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == name && kind.exists(compat));
        // These are registered in RabbitMQ, but cannot be declared by their names.
        let fault = if compat.invalid_exchange_types.contains(&name) {
            "invalid"
        } else {
            "unknown"
        };
        known.ok_or_else(|| BrokerError::ExchangeType(format!("{fault} exchange type '{name}'")))
    }
}
