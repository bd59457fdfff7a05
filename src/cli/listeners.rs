//! What a node listens on.

use serde_json::{Value, json};

use super::value::bare;

/// A socket that a node accepts connections on.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) node: String,
    pub(super) protocol: String,
    pub(super) interface: String,
    pub(super) port: u64,
}

/// The listeners that an overview names.
pub(super) fn listeners(overview: &Value) -> Vec<Listener> {
    let text = |listener: &Value, key: &str| listener.get(key).map(bare).unwrap_or_default();
    let read = |listener: &Value| Listener {
        node: text(listener, "node"),
        protocol: text(listener, "protocol"),
        interface: match text(listener, "ip_address") {
            address if address.contains(':') => format!("[{address}]"),
            address => address,
        },
        port: listener
            .get("port")
            .and_then(Value::as_u64)
            .unwrap_or_default(),
    };
    let list = overview.get("listeners").and_then(Value::as_array);
    list.into_iter().flatten().map(read).collect()
}

impl Listener {
    pub(super) fn line(&self) -> String {
        let Self {
            interface,
            port,
            protocol,
            ..
        } = self;
        let purpose = self.purpose();
        format!("Interface: {interface}, port: {port}, protocol: {protocol}, purpose: {purpose}")
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "node": self.node, "port": self.port, "protocol": self.protocol,
            "interface": self.interface, "purpose": self.purpose(),
        })
    }

    pub(super) fn purpose(&self) -> &str {
        match self.protocol.as_str() {
            "amqp" => "AMQP 0-9-1 and AMQP 1.0",
            "amqp/ssl" => "AMQP 0-9-1 and AMQP 1.0 over TLS",
            "http" => "HTTP API",
            "https" => "HTTP API over TLS (HTTPS)",
            "http/prometheus" => "Prometheus exporter API over HTTP",
            "https/prometheus" => "Prometheus exporter API over TLS (HTTPS)",
            "clustering" => "inter-node and CLI tool communication",
            other => other,
        }
    }
}
