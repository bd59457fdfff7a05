//! `/dev/explain/…`: where a publish would go, and why messages are not consumed, in words and in
//! keys for programs. Nothing changes by it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use bytes::BytesMut;
use serde_json::{Map, Value, json};

use super::super::auth::Caller;
use super::super::error::ApiError;
use super::super::json::{Request, table};
use super::super::publish::read_properties;
use super::super::seen::{Seen, real_name};
use super::super::{Answer, Api};
use crate::broker::error::{BrokerError, Resource};
use crate::broker::exchange::{
    Binding, Exchange, ExchangeKind, Step, Visit, dry_route, extra_keys,
};
use crate::broker::message::{Facts, Message, Packer, Parts};
use crate::broker::outlet::Room;
use crate::broker::permission::{Access, refused};
use crate::broker::queue::{ConsumerView, Foresight, Hindrance, Page, Queue};
use crate::broker::user::User;
use crate::broker::vhost::VirtualHost;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/dev/explain/publish", post(publish))
        .route("/dev/explain/queue/{vhost}/{name}", get(queue))
}

async fn publish(State(api): State<Api>, caller: Caller, body: Bytes) -> Answer {
    let request = Request::parse(&body)?;
    let [vhost, exchange, routing_key] = request.texts(["vhost", "exchange", "routing_key"])?;
    let vhost = caller.vhost(&api, vhost)?;
    let exchange = vhost.exchange(real_name(exchange))?;
    let mut properties = match request.get("properties").and_then(Value::as_object) {
        Some(properties) => read_properties(properties)?,
        None => read_properties(&Map::new())?,
    };
    if request.get("headers").is_some() {
        properties.headers = Some(request.table("headers")?);
    }
    let mut raw = BytesMut::new();
    properties.encode(&mut raw);
    let facts = Facts::read(&raw).map_err(|bad| ApiError::bad_request(bad.to_string()))?;
    let parts = Parts {
        exchange: exchange.name(),
        routing_key,
        properties: &raw,
    };
    let now = vhost.now(api.shared.clock.now().tick);
    let payload = request.text("payload").unwrap_or_default();
    let message = Message::pack(
        &mut Packer::default(),
        parts,
        facts,
        payload.as_bytes(),
        now,
    );
    let message = Arc::new(message);
    let keys = properties
        .headers
        .as_ref()
        .map(extra_keys)
        .unwrap_or_default();
    let found = dry_route(&vhost, &exchange, &message, &keys, now);
    let user = user_of(&api, &caller, &request)?;
    let refusal = user.and_then(|user| refusal(&api, &vhost, &exchange, routing_key, &user));
    let rows: Vec<Value> = found.visits.iter().map(visit).collect();
    let queues = found.route.queues.iter().map(|one| end(one, &message));
    let queues: Vec<Value> = queues.collect();
    let (key, text) = summary(refusal.as_deref(), &found.visits, queues.len());
    let keys: Vec<&str> = keys.iter().map(|key| key.as_str()).collect();
    Ok(Json(json!({
        "key": key,
        "text": text,
        "refused": refusal,
        "extra_routing_keys": keys,
        "exchanges": rows,
        "queues": queues,
    }))
    .into_response())
}

/// The user that would publish: the one who asks, or for administrators any.
fn user_of(api: &Api, caller: &Caller, request: &Request) -> Result<Option<Arc<User>>, ApiError> {
    let Some(name) = request.text("user") else {
        return Ok(match caller {
            Caller::User(user) => Some(Arc::clone(user)),
            Caller::Local => None,
        });
    };
    if name != caller.name() {
        caller.administrator()?;
    }
    let user = api.broker().users.get(name);
    user.map(Some).ok_or(ApiError::NotFound)
}

/// What the user would be told, if it may not.
fn refusal(
    api: &Api,
    vhost: &VirtualHost,
    exchange: &Exchange,
    key: &str,
    user: &User,
) -> Option<String> {
    let subject = vhost.subject(Resource::Exchange, exchange.name());
    let Some(permission) = user.permission(&vhost.name) else {
        let (name, vhost) = (&user.name, &vhost.name);
        return Some(format!("user '{name}' may not use vhost '{vhost}'"));
    };
    if !permission.allows(Access::Write, exchange.name()) {
        let access = api
            .broker()
            .compat
            .names_permission
            .then_some(Access::Write);
        return Some(refused(access, &subject, &user.name).to_string());
    }
    if exchange.spec.internal {
        return Some(BrokerError::InternalExchange(subject).to_string());
    }
    let is_topic = exchange.spec.kind == ExchangeKind::Topic;
    let topic = user.topic_permission(&vhost.name, exchange.name());
    let topic = topic.filter(|_| is_topic)?;
    match topic.allows(Access::Write, key, &user.name, &vhost.name) {
        true => None,
        false => Some(format!(
            "user '{}' may not write to topic '{key}'",
            user.name
        )),
    }
}

fn summary(refusal: Option<&str>, visits: &[Visit], queues: usize) -> (&'static str, String) {
    if let Some(text) = refusal {
        return ("refused", format!("It would be refused: {text}"));
    }
    let held = visits.iter().find_map(|visit| match visit.step {
        Step::Held(ms) => Some((visit.exchange.name(), ms)),
        _ => None,
    });
    match (held, queues) {
        (Some((name, ms)), 0) => (
            "held",
            format!("It would wait {ms} ms in exchange '{name}'"),
        ),
        (_, 0) => (
            "unroutable",
            "It would reach no queue: dropped, or returned if it is mandatory".to_owned(),
        ),
        (_, 1) => ("routed", "It would reach one queue".to_owned()),
        (_, queues) => ("routed", format!("It would reach {queues} queues")),
    }
}

fn visit(visit: &Visit) -> Value {
    let name = match visit.exchange.is_default() {
        true => "amq.default",
        false => visit.exchange.name().as_str(),
    };
    let matched = visit.matched.len();
    let (key, text) = match visit.step {
        Step::Matched if visit.exchange.is_default() => {
            ("matched", "The key is a queue's name".to_owned())
        }
        Step::Matched if matched == 1 => ("matched", "One binding matches".to_owned()),
        Step::Matched => ("matched", format!("{matched} bindings match")),
        Step::Drawn => ("drawn", "One binding is drawn by lot".to_owned()),
        Step::Unmatched => ("unmatched", "Nothing matches".to_owned()),
        Step::Held(ms) => ("held", format!("It would wait here for {ms} ms")),
        Step::Duplicate => ("duplicate", "Its like was here before".to_owned()),
    };
    json!({
        "exchange": name,
        "type": visit.exchange.spec.kind.as_str(),
        "key": key,
        "text": text,
        "bindings": visit.matched.iter().map(binding).collect::<Vec<_>>(),
        "alternate": visit.alternate.as_ref().map(|name| name.as_str()),
    })
}

fn binding(binding: &Binding) -> Value {
    json!({
        "routing_key": binding.binding_key.as_str(),
        "arguments": table(&binding.arguments),
        "destination": binding.destination.name().as_str(),
        "destination_type": binding.destination.kind(),
    })
}

/// What would become of it in a queue.
fn end(queue: &Queue, message: &Message) -> Value {
    let (key, text) = match queue.foresee(message) {
        Foresight::Delivered(tag, connection) => (
            "delivered",
            format!("delivered at once to consumer '{tag}' of {connection}"),
        ),
        Foresight::Waits(0) => ("waits", "waits, as the only one".to_owned()),
        Foresight::Waits(ahead) => ("waits", format!("waits behind {ahead}")),
        Foresight::DropsOthers => (
            "drops_head",
            "taken in, and the oldest dropped for length".to_owned(),
        ),
        Foresight::Refused => ("refused", "refused: the queue is full".to_owned()),
        Foresight::Expires => ("expires", "expires at once: its TTL is 0".to_owned()),
        Foresight::Duplicate => ("duplicate", "dropped: its like is in the queue".to_owned()),
        Foresight::Appended => ("appended", "appended to the stream".to_owned()),
        Foresight::Gone => ("gone", "the queue was deleted".to_owned()),
    };
    json!({ "queue": queue.name().as_str(), "key": key, "text": text })
}

async fn queue(State(api): State<Api>, seen: Seen) -> Answer {
    let queue = seen.queue()?;
    let view = queue.view();
    let consumers: Vec<_> = queue.hindrances();
    let now = seen.now(api.shared.clock.now().tick);
    let page = Page {
        offset: 0,
        limit: 1,
    };
    let next_ms = queue.peek_delayed(page).first().map(|(due, _)| {
        let ms = now.until(*due).as_millis();
        u64::try_from(ms).unwrap_or(u64::MAX)
    });
    let is_served = consumers.iter().any(|(_, why)| *why == Hindrance::Nothing);
    let mut reasons = Vec::new();
    let mut tell = |key: &str, text: String| reasons.push(json!({ "key": key, "text": text }));
    if let Some(ms) = next_ms {
        let count = view.delayed;
        tell(
            "delayed",
            format!("{count} messages wait for their next try, the first for {ms} ms"),
        );
    }
    if view.ready == 0 {
        tell(
            "nothing_waits",
            "No message waits for a consumer".to_owned(),
        );
    } else if consumers.is_empty() {
        tell("no_consumers", "The queue has no consumers".to_owned());
    } else if is_served {
        tell(
            "being_served",
            "A consumer has room: messages are on their way".to_owned(),
        );
    } else {
        tell("no_room", "No consumer takes more now".to_owned());
    }
    let rows = consumers.iter().map(|(one, why)| consumer(&api, one, *why));
    Ok(Json(json!({
        "messages": { "ready": view.ready, "unacked": view.unacked, "delayed": view.delayed },
        "reasons": reasons,
        "consumers": rows.collect::<Vec<_>>(),
    }))
    .into_response())
}

fn consumer(api: &Api, it: &ConsumerView, why: Hindrance) -> Value {
    let (key, text) = match why {
        Hindrance::Nothing => ("has_room", "has room".to_owned()),
        Hindrance::Inactive => (
            "not_active",
            "another one is the single active consumer".to_owned(),
        ),
        Hindrance::Late => (
            "timed_out",
            "was too late with an acknowledgement, which is still missing".to_owned(),
        ),
        Hindrance::Prefetch { limit, in_flight } => (
            "prefetch",
            format!("has {in_flight} unacknowledged, of {limit} that its prefetch allows"),
        ),
        Hindrance::Outlet(Room::ChannelFull { limit, in_flight }) => (
            "channel_prefetch",
            format!(
                "its channel has {in_flight} unacknowledged, of {limit} that its global prefetch allows"
            ),
        ),
        Hindrance::Outlet(Room::Full { bytes }) => (
            "not_reading",
            format!("its client does not read: {bytes} bytes wait for it"),
        ),
        Hindrance::Outlet(Room::Gone | Room::Free) => {
            ("closing", "its channel is closing".to_owned())
        }
    };
    let origin = &it.origin;
    let all = api.broker().connections.snapshot();
    let connection = all.iter().find(|one| one.name == origin.connection);
    let is_blocked = connection.is_some_and(|one| one.blocked.load(Ordering::Relaxed));
    json!({
        "consumer_tag": it.tag,
        "connection": origin.connection.as_str(),
        "channel": origin.channel,
        "user": origin.user.as_str(),
        "prefetch": it.prefetch,
        "in_flight": it.in_flight,
        "key": key,
        "text": text,
        // What it acknowledges is not read before the alarm is over.
        "connection_blocked": is_blocked,
    })
}
