//! [`Change`]: something was made, changed or deleted. Names and facts are those of RabbitMQ's
//! event exchange, so that whoever knows one knows the other.
//!
//! RabbitMQ tells of processes; here a connection's name stands for its process, and with the
//! number in parentheses for that of a channel.

use std::net::{IpAddr, SocketAddr};

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::connection::Connection;
use super::super::exchange::{Binding, DestinationId, Exchange};
use super::super::limit::Limits;
use super::super::permission::{Permission, TopicPermission};
use super::super::policy::Policy;
use super::super::queue::{ConsumerSpec, Queue};
use super::super::term;
use super::super::vhost::VirtualHost;

/// See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// `queue.created` and the like.
    pub name: &'static str,
    /// What there is to know, sorted by name.
    pub facts: FieldTable,
}

type Fact = (&'static str, FieldValue);

impl Change {
    fn new<const N: usize>(name: &'static str, mut facts: [Fact; N]) -> Self {
        facts.sort_by_key(|(name, _)| *name);
        let facts = facts.into_iter().collect();
        Self { name, facts }
    }

    /// A fact that is text.
    pub fn text(&self, fact: &str) -> Option<&str> {
        self.facts.get(fact).and_then(FieldValue::as_str)
    }

    /// A queue came to be.
    pub fn queue_created(queue: &Queue, node: &str, shows_type: bool, by: &str) -> Self {
        let spec = &queue.spec;
        let mut arguments = term::rows(&spec.arguments);
        if shows_type && spec.arguments.get("x-queue-type").is_none() {
            let kind = queue.kind.as_str();
            arguments.push(format!("{{<<\"x-queue-type\">>,longstr,<<\"{kind}\">>}}"));
        }
        let facts = [
            ("arguments", texts(&arguments)),
            ("auto_delete", spec.auto_delete.into()),
            ("durable", spec.durable.into()),
            ("exclusive", spec.owner.is_some().into()),
            ("leader", node.into()),
            ("members", texts(&[node.to_owned()])),
            ("name", spec.name.as_str().into()),
            ("owner_pid", "".into()),
            ("type", queue.kind.module().into()),
            by_whom(by),
            in_vhost(&spec.vhost),
        ];
        Self::new("queue.created", facts)
    }

    /// A queue is gone.
    pub fn queue_deleted(queue: &Queue, by: &str) -> Self {
        let facts = [
            ("name", queue.name().as_str().into()),
            ("type", queue.kind.module().into()),
            by_whom(by),
            in_vhost(&queue.spec.vhost),
        ];
        Self::new("queue.deleted", facts)
    }

    /// An exchange came to be.
    pub fn exchange_created(exchange: &Exchange, by: &str) -> Self {
        let spec = &exchange.spec;
        let policy = exchange.applied().policy;
        let facts = [
            ("arguments", texts(&term::rows(&spec.arguments))),
            ("auto_delete", spec.auto_delete.into()),
            ("durable", spec.durable.into()),
            ("internal", spec.internal.into()),
            ("name", spec.name.as_str().into()),
            ("policy", policy.as_deref().unwrap_or_default().into()),
            ("type", spec.kind.as_str().into()),
            by_whom(by),
            in_vhost(&spec.vhost),
        ];
        Self::new("exchange.created", facts)
    }

    /// An exchange is gone.
    pub fn exchange_deleted(exchange: &Exchange, by: &str) -> Self {
        let facts = [
            ("name", exchange.name().as_str().into()),
            by_whom(by),
            in_vhost(&exchange.spec.vhost),
        ];
        Self::new("exchange.deleted", facts)
    }

    /// A binding came to be (`binding.created`) or is gone (`binding.deleted`).
    pub fn binding(name: &'static str, binding: &Binding, vhost: &str, by: &str) -> Self {
        let kind = match binding.destination {
            DestinationId::Queue(_) => "queue",
            DestinationId::Exchange(_) => "exchange",
        };
        let facts = [
            ("arguments", texts(&term::rows(&binding.arguments))),
            ("destination_kind", kind.into()),
            (
                "destination_name",
                binding.destination.name().as_str().into(),
            ),
            ("routing_key", binding.binding_key.as_str().into()),
            ("source_kind", "exchange".into()),
            ("source_name", binding.source.as_str().into()),
            by_whom(by),
            in_vhost(vhost),
        ];
        Self::new(name, facts)
    }

    /// A consumer began.
    pub fn consumer_created(queue: &Queue, consumer: &ConsumerSpec, by: &str) -> Self {
        let facts = [
            ("ack_required", (!consumer.no_ack).into()),
            ("arguments", texts(&term::rows(&consumer.origin.arguments))),
            ("channel", channel_of(consumer)),
            ("consumer_tag", consumer.tag.as_str().into()),
            ("exclusive", consumer.exclusive.into()),
            ("prefetch_count", i64::from(consumer.prefetch).into()),
            ("queue", queue.name().as_str().into()),
            by_whom(by),
            in_vhost(&queue.spec.vhost),
        ];
        Self::new("consumer.created", facts)
    }

    /// A consumer ended.
    pub fn consumer_deleted(queue: &Queue, consumer: &ConsumerSpec, by: &str) -> Self {
        let facts = [
            ("channel", channel_of(consumer)),
            ("consumer_tag", consumer.tag.as_str().into()),
            ("queue", queue.name().as_str().into()),
            by_whom(by),
            in_vhost(&queue.spec.vhost),
        ];
        Self::new("consumer.deleted", facts)
    }

    /// A connection was opened.
    pub fn connection_created(connection: &Connection, node: &str) -> Self {
        let user = connection.user.name.as_str();
        let tls = connection.tls.as_deref();
        let peer = tls.and_then(|tls| tls.peer.as_ref());
        let facts = [
            ("peer_cert_issuer", text(peer.map(|peer| &*peer.issuer))),
            ("peer_cert_serial_number", text(None)),
            ("peer_cert_subject", text(peer.map(|peer| &*peer.subject))),
            ("peer_cert_validity", text(peer.map(|peer| &*peer.validity))),
            ("ssl_cipher", text(tls.map(|tls| &*tls.cipher))),
            ("ssl_hash", text(tls.map(|tls| tls.hash))),
            ("ssl_key_exchange", text(tls.map(|tls| &*tls.key_exchange))),
            ("ssl_protocol", text(tls.map(|tls| tls.protocol))),
            ("auth_mechanism", connection.auth_mechanism.as_str().into()),
            ("channel_max", i64::from(connection.channel_max).into()),
            ("client_properties", client_properties(connection)),
            ("connected_at", number(connection.connected_at_ms)),
            ("frame_max", i64::from(connection.frame_max).into()),
            ("host", ip(connection.local)),
            ("name", connection.name.as_str().into()),
            ("node", node.into()),
            ("peer_host", ip(connection.peer)),
            ("peer_port", i64::from(connection.peer.port()).into()),
            ("pid", connection.name.as_str().into()),
            ("port", i64::from(connection.local.port()).into()),
            ("protocol", PROTOCOL.into()),
            ("ssl", tls.is_some().into()),
            ("timeout", i64::from(connection.heartbeat).into()),
            ("type", "network".into()),
            ("user", user.into()),
            by_whom(user),
            in_vhost(&connection.vhost),
        ];
        Self::new("connection.created", facts)
    }

    /// A connection is gone.
    pub fn connection_closed(connection: &Connection, node: &str) -> Self {
        let facts = [
            ("client_properties", client_properties(connection)),
            ("name", connection.name.as_str().into()),
            ("node", node.into()),
            ("pid", connection.name.as_str().into()),
        ];
        Self::new("connection.closed", facts)
    }

    /// A channel was opened.
    pub fn channel_created(connection: &Connection, channel: u16) -> Self {
        let user = connection.user.name.as_str();
        let name = format!("{} ({channel})", connection.name);
        let facts = [
            ("connection", connection.name.as_str().into()),
            ("name", name.as_str().into()),
            ("number", i64::from(channel).into()),
            ("pid", name.as_str().into()),
            ("user", user.into()),
            by_whom(user),
            in_vhost(&connection.vhost),
        ];
        Self::new("channel.created", facts)
    }

    /// A channel is gone.
    pub fn channel_closed(connection: &Connection, channel: u16, consumers: usize) -> Self {
        let facts = [
            ("consumer_count", number(consumers as u64)),
            (
                "pid",
                format!("{} ({channel})", connection.name).as_str().into(),
            ),
            by_whom(&connection.user.name),
        ];
        Self::new("channel.closed", facts)
    }

    /// Somebody logged in, or was refused: then with the reason.
    pub fn authentication(
        (peer, local): (SocketAddr, SocketAddr),
        is_encrypted: bool,
        mechanism: &str,
        user: &str,
        refusal: Option<&str>,
    ) -> Self {
        let name = match refusal {
            None => "user.authentication.success",
            Some(_) => "user.authentication.failure",
        };
        let facts = [
            ("auth_mechanism", mechanism.into()),
            (
                "connection_name",
                format!("{peer} -> {local}").as_str().into(),
            ),
            ("connection_type", "network".into()),
            ("error", characters(refusal.unwrap_or_default())),
            ("host", ip(local)),
            ("name", user.into()),
            ("peer_host", ip(peer)),
            ("peer_port", i64::from(peer.port()).into()),
            ("protocol", PROTOCOL.into()),
            ("ssl", is_encrypted.into()),
        ];
        let mut change = Self::new(name, facts);
        if refusal.is_none() {
            change.facts.remove("error");
        }
        change
    }

    /// `user.created`, `user.deleted` or `user.password.changed`.
    pub fn user(name: &'static str, user: &str, by: &str) -> Self {
        Self::new(name, [("name", user.into()), by_whom(by)])
    }

    /// A user's tags were set.
    pub fn user_tags(user: &str, tags: &[String], by: &str) -> Self {
        let facts = [("name", user.into()), ("tags", texts(tags)), by_whom(by)];
        Self::new("user.tags.set", facts)
    }

    /// A user got permissions.
    pub fn permission_created(user: &str, vhost: &str, it: &Permission, by: &str) -> Self {
        let facts = [
            ("configure", it.configure.as_str().into()),
            ("read", it.read.as_str().into()),
            ("user", user.into()),
            ("write", it.write.as_str().into()),
            by_whom(by),
            in_vhost(vhost),
        ];
        Self::new("permission.created", facts)
    }

    /// A user got permissions for topics of an exchange.
    pub fn topic_permission_created(
        user: &str,
        (vhost, exchange): (&str, &str),
        it: &TopicPermission,
        by: &str,
    ) -> Self {
        let facts = [
            ("exchange", exchange.into()),
            ("read", it.read.as_str().into()),
            ("user", user.into()),
            ("write", it.write.as_str().into()),
            by_whom(by),
            in_vhost(vhost),
        ];
        Self::new("topic.permission.created", facts)
    }

    /// `permission.deleted` or `topic.permission.deleted`.
    pub fn permission_deleted(name: &'static str, user: &str, vhost: &str, by: &str) -> Self {
        let facts = [("user", user.into()), by_whom(by), in_vhost(vhost)];
        Self::new(name, facts)
    }

    /// A virtual host came to be.
    pub fn vhost_created(vhost: &VirtualHost, node: &str, by: &str) -> Self {
        let metadata = vhost.metadata.lock().clone();
        let kind = vhost.default_queue_type().as_str();
        let map = format!(
            "#{{description => {},tags => [{}],default_queue_type => {}}}",
            term::binary(metadata.description.as_bytes()),
            metadata.tags.join(","),
            term::binary(kind.as_bytes()),
        );
        let state: FieldTable = [(node, "running")].into_iter().collect();
        let facts = [
            ("cluster_state", state.into()),
            ("default_queue_type", kind.into()),
            ("description", metadata.description.as_str().into()),
            ("metadata", map.as_str().into()),
            ("name", vhost.name.as_str().into()),
            ("protected_from_deletion", false.into()),
            ("tags", texts(&metadata.tags)),
            ("tracing", vhost.is_tracing().into()),
            by_whom(by),
        ];
        Self::new("vhost.created", facts)
    }

    /// A virtual host is gone.
    pub fn vhost_deleted(vhost: &str, by: &str) -> Self {
        Self::new("vhost.deleted", [("name", vhost.into()), by_whom(by)])
    }

    /// A virtual host's limits changed: what they are now.
    pub fn vhost_limits(limits: &Limits, vhost: &str, by: &str) -> Self {
        Self::limits("vhost.limits.set", limits, in_vhost(vhost), by)
    }

    /// A user's limit was set: what they are now.
    pub fn user_limits(limits: &Limits, user: &str, by: &str) -> Self {
        Self::limits("user.limits.set", limits, ("username", user.into()), by)
    }

    /// A user's limit was lifted.
    pub fn user_limits_cleared(user: &str, by: &str) -> Self {
        let nothing = Limits::default();
        let whom = ("username", user.into());
        Self::limits("user.limits.cleared", &nothing, whom, by)
    }

    fn limits(name: &'static str, limits: &Limits, whom: Fact, by: &str) -> Self {
        let mut change = Self::new(name, [("name", "limits".into()), whom, by_whom(by)]);
        for (limit, value) in limits.iter() {
            change.facts.insert(limit, value);
        }
        change
    }

    /// A policy was set.
    pub fn policy_set(policy: &Policy, vhost: &str, by: &str) -> Self {
        let facts = [
            ("apply-to", policy.apply_to.as_str().into()),
            ("definition", policy.definition.clone().into()),
            ("name", policy.name.as_str().into()),
            ("pattern", policy.pattern.as_str().into()),
            ("priority", FieldValue::I64(policy.priority as i64)),
            by_whom(by),
            in_vhost(vhost),
        ];
        Self::new("policy.set", facts)
    }

    /// A policy is gone.
    pub fn policy_cleared(policy: &str, vhost: &str, by: &str) -> Self {
        let facts = [("name", policy.into()), by_whom(by), in_vhost(vhost)];
        Self::new("policy.cleared", facts)
    }
}

/// AMQP's version as an Erlang term.
const PROTOCOL: &str = "{0,9,1}";

fn by_whom(user: &str) -> Fact {
    ("user_who_performed_action", user.into())
}

fn in_vhost(name: &str) -> Fact {
    ("vhost", name.into())
}

fn texts(all: &[String]) -> FieldValue {
    FieldValue::Array(all.iter().map(|text| text.as_str().into()).collect())
}

fn number(number: u64) -> FieldValue {
    FieldValue::I64(i64::try_from(number).unwrap_or(i64::MAX))
}

fn channel_of(consumer: &ConsumerSpec) -> FieldValue {
    let origin = &consumer.origin;
    let name = format!("{} ({})", origin.connection, origin.channel);
    name.as_str().into()
}

/// What is not known is empty.
fn text(known: Option<&str>) -> FieldValue {
    known.unwrap_or_default().into()
}

fn client_properties(connection: &Connection) -> FieldValue {
    texts(&term::rows(&connection.client_properties))
}

/// Text that RabbitMQ holds as a list of its characters.
fn characters(text: &str) -> FieldValue {
    let codes = text.chars().map(|c| FieldValue::I64(u32::from(c).into()));
    FieldValue::Array(codes.collect())
}

/// An address as an Erlang tuple.
fn ip(address: SocketAddr) -> FieldValue {
    let parts: Vec<String> = match address.ip().to_canonical() {
        IpAddr::V4(ip) => ip.octets().iter().map(u8::to_string).collect(),
        IpAddr::V6(ip) => ip.segments().iter().map(u16::to_string).collect(),
    };
    format!("{{{}}}", parts.join(",")).as_str().into()
}
