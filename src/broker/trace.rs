//! The firehose: while tracing is on in a virtual host, what is published and delivered there is
//! published to `amq.rabbitmq.trace` too.
//!
//! Whether it is on is asked once per read. What is published here is itself not traced.

use std::sync::Arc;

use bytes::BytesMut;
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue, ShortString};

use super::effects::Effects;
use super::exchange::{Destination, Exchange, extra_keys};
use super::message::{Message, Parts};
use super::name::Name;
use super::outlet::ConsumerOrigin;
use super::publish::Post;
use super::queue::Queue;

/// Where traces are published.
pub const TRACE_EXCHANGE: &str = "amq.rabbitmq.trace";

/// Traces one virtual host.
#[derive(Debug)]
pub struct Tracer {
    pub(super) node: Name,
    pub(super) exchange: Arc<Exchange>,
}

/// Who published, or got a message.
#[derive(Clone, Copy, Debug)]
pub struct Party<'a> {
    /// The connection's name.
    pub connection: &'a str,
    /// The channel's number.
    pub channel: u16,
    /// The user.
    pub user: &'a str,
}

impl<'a> From<&'a ConsumerOrigin> for Party<'a> {
    fn from(origin: &'a ConsumerOrigin) -> Self {
        Self {
            connection: &origin.connection,
            channel: origin.channel,
            user: &origin.user,
        }
    }
}

/// Trace a publish, if tracing is on.
pub fn published(
    party: Party<'_>,
    message: &Message,
    extra_keys: &[Name],
    queues: &[Arc<Queue>],
    fx: &mut Effects,
) {
    let Some(tracer) = tracer(message, fx) else {
        return;
    };
    let mut headers = tracer.headers(party, message, extra_keys);
    let queues = queues.iter().map(|queue| queue.name().as_str().into());
    headers.push(("routed_queues", FieldValue::Array(queues.collect())));
    let key = format!("publish.{}", message.exchange());
    post(&tracer, &key, headers, message, fx);
}

/// Trace a delivery, if tracing is on. The caller may hold the queue's lock.
pub fn delivered(
    party: Party<'_>,
    queue: &Queue,
    message: &Message,
    redelivered: bool,
    fx: &mut Effects,
) {
    let Some(tracer) = tracer(message, fx) else {
        return;
    };
    let mut headers = tracer.headers(party, message, &extra_keys(&message.headers()));
    headers.push(("redelivered", FieldValue::I32(redelivered.into())));
    let key = format!("deliver.{}", queue.name());
    post(&tracer, &key, headers, message, fx);
}

fn tracer(message: &Message, fx: &Effects) -> Option<Arc<Tracer>> {
    let is_trace = message.exchange() == TRACE_EXCHANGE;
    fx.tracer.clone().filter(|_| !is_trace)
}

impl Tracer {
    fn headers(
        &self,
        party: Party<'_>,
        message: &Message,
        extra_keys: &[Name],
    ) -> Vec<(&'static str, FieldValue)> {
        let extra = extra_keys.iter().map(Name::as_str);
        let keys = std::iter::once(message.routing_key()).chain(extra);
        let keys = FieldValue::Array(keys.map(FieldValue::from).collect());
        vec![
            ("channel", FieldValue::I32(party.channel.into())),
            ("connection", party.connection.into()),
            ("exchange_name", message.exchange().into()),
            ("node", self.node.as_str().into()),
            ("properties", properties(message).into()),
            ("routing_keys", keys),
            ("user", party.user.into()),
            ("vhost", self.exchange.spec.vhost.as_str().into()),
        ]
    }
}

/// Headers in RabbitMQ's order, which is that of their names.
fn post(
    tracer: &Tracer,
    key: &str,
    mut headers: Vec<(&'static str, FieldValue)>,
    message: &Message,
    fx: &mut Effects,
) {
    headers.sort_by_key(|(name, _)| *name);
    let properties = Properties {
        headers: Some(headers.into_iter().collect()),
        ..Properties::default()
    };
    let mut raw = BytesMut::new();
    properties.encode(&mut raw);
    // An exchange's or queue's name may be as long as a routing key can be at all: then it is cut.
    let key = ShortString::from(key);
    let parts = Parts {
        exchange: TRACE_EXCHANGE,
        routing_key: key.as_str(),
        properties: &raw,
    };
    let traced = message.rewritten(&mut fx.packer, parts, message.published);
    fx.posts.push_back(Post {
        to: Destination::Exchange(Arc::clone(&tracer.exchange)),
        message: Arc::new(traced),
        extra_keys: Vec::new(),
    });
}

/// The message's properties as a table, the last one first, as RabbitMQ has them.
fn properties(message: &Message) -> FieldTable {
    let it = message.decoded().unwrap_or_default();
    let text = |value: Option<ShortString>| value.map(|text| FieldValue::from(text.as_str()));
    let octet = |value: Option<u8>| value.map(|octet| FieldValue::I32(octet.into()));
    let all = [
        ("cluster_id", text(it.cluster_id)),
        ("app_id", text(it.app_id)),
        ("user_id", text(it.user_id)),
        ("type", text(it.kind)),
        ("timestamp", it.timestamp.map(integer)),
        ("message_id", text(it.message_id)),
        ("expiration", text(it.expiration)),
        ("reply_to", text(it.reply_to)),
        ("correlation_id", text(it.correlation_id)),
        ("priority", octet(it.priority)),
        ("delivery_mode", octet(it.delivery_mode)),
        ("headers", it.headers.map(FieldValue::from)),
        ("content_encoding", text(it.content_encoding)),
        ("content_type", text(it.content_type)),
    ];
    let there = all.into_iter();
    there
        .filter_map(|(name, value)| Some((name, value?)))
        .collect()
}

fn integer(number: u64) -> FieldValue {
    i32::try_from(number).map_or_else(
        |_| FieldValue::I64(i64::try_from(number).unwrap_or(i64::MAX)),
        FieldValue::I32,
    )
}
