//! Capabilities: what each side says it can do, a table of flags in its properties.

use crate::value::{FieldTable, FieldValue};

/// What the server can do, in RabbitMQ's order.
const SERVER: [&str; 9] = [
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
];

/// The table `capabilities` of `connection.start`.
pub fn server() -> FieldTable {
    SERVER.iter().map(|name| (*name, true)).collect()
}

/// What a client can do, as far as the server acts differently for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientCapabilities {
    /// It understands `connection.close` as the answer to a refused login.
    pub authentication_failure_close: bool,
    /// It understands `basic.cancel` from the server.
    pub consumer_cancel_notify: bool,
    /// It understands `connection.blocked` and `connection.unblocked`.
    pub connection_blocked: bool,
}

impl ClientCapabilities {
    /// From the properties of `start-ok`. Only a true flag counts.
    pub fn of(client_properties: &FieldTable) -> Self {
        let Some(FieldValue::Table(table)) = client_properties.get("capabilities") else {
            return Self::default();
        };
        let has = |name| table.get(name) == Some(&FieldValue::Bool(true));
        Self {
            authentication_failure_close: has("authentication_failure_close"),
            consumer_cancel_notify: has("consumer_cancel_notify"),
            connection_blocked: has("connection.blocked"),
        }
    }
}
