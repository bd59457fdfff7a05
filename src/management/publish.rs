//! `/api/exchanges/{vhost}/{name}/publish`.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::BytesMut;
use leveret_proto::content::Properties;
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::{Request, without_nulls};
use super::seen::real_name;
use super::{Answer, Api, HTTP_PARTY};
use crate::broker::authority::{Question, Ruling};
use crate::broker::connection::{ChannelStats, add};
use crate::broker::error::{BrokerError, Resource};
use crate::broker::event::{Event, Routed};
use crate::broker::exchange::{Exchange, ExchangeKind, extra_keys, route};
use crate::broker::message::{Facts, Message, Parts};
use crate::broker::message_size::Sizes;
use crate::broker::permission::{self, Access};
use crate::broker::publish::{Outcome, publish};
use crate::broker::settings::RatesMode;
use crate::broker::trace::{self, Party};
use crate::broker::vhost::VirtualHost;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/exchanges/{vhost}/{name}/publish", post(publish_to))
}

async fn publish_to(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, name)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let name = real_name(&name);
    let vhost = caller.vhost_with(&api, &vhost, &[])?;
    let missing = || ApiError::Missing("exchange_not_found".to_owned());
    let exchange = vhost.exchanges.get(name).ok_or_else(missing)?;
    let request = Request::parse(&body)?;
    request.must_have(&["payload", "payload_encoding", "properties", "routing_key"])?;
    if request.text("payload").is_none() {
        return Err(ApiError::bad_request("payload_not_string"));
    }
    let [routing_key, payload] = request.patterns(["routing_key", "payload"])?;
    let encoding = request.get("payload_encoding");
    let properties = request.get("properties").and_then(Value::as_object);
    let properties = properties.ok_or(ApiError::WrongKind)?;
    check_access(&api, &caller, &vhost, &exchange, routing_key).await?;
    check_exchange(&vhost, &exchange)?;
    let payload = match encoding.and_then(Value::as_str) {
        Some("string") => payload.as_bytes().to_vec(),
        Some("base64") => STANDARD
            .decode(payload)
            .map_err(|_| ApiError::BadRequest(json!(["not_base64", payload])))?,
        _ => {
            let unsupported = json!(["unsupported_encoding", encoding]);
            return Err(ApiError::BadRequest(unsupported));
        }
    };
    let mut properties = read_properties(properties)?;
    let broker = api.broker();
    let now = vhost.now(api.shared.clock.now().tick);
    let interceptors = broker.settings.interceptors;
    interceptors.add(&mut properties, broker.wall_ms(now), &broker.node);
    if let Some(headers) = properties.headers.as_mut()
        && api.broker().compat.headers.are_sorted
    {
        headers.sort();
    }
    check_user_id(&caller, &properties)?;
    let party = Party {
        user: caller.name(),
        ..HTTP_PARTY
    };
    let it = Publishing {
        exchange: &exchange,
        routing_key,
        payload: &payload,
        party,
    };
    let routed = publish_message(&api, &vhost, &it, &properties)?;
    Ok(Json(json!({ "routed": routed })).into_response())
}

/// As on RabbitMQ, where it is AMQP that refuses.
async fn check_access(
    api: &Api,
    caller: &Caller,
    vhost: &VirtualHost,
    exchange: &Exchange,
    key: &str,
) -> Result<(), ApiError> {
    let Caller::User(user) = caller else {
        return Ok(());
    };
    let (kind, name, access) = (Resource::Exchange, exchange.name(), Access::Write);
    let subject = vhost.subject(kind, name);
    let named = api.broker().compat.names_permission.then_some(access);
    if !user.may(&vhost.name, kind, name, access) {
        let refused = permission::refused(named, &subject, &user.name);
        return Err(ApiError::bad_request(format!(
            "403 ACCESS_REFUSED - {refused}"
        )));
    }
    if exchange.spec.kind != ExchangeKind::Topic {
        return Ok(());
    }
    if user.is_foreign {
        let question = Question::Topic(vhost.name.clone(), name.clone(), key.to_owned(), access);
        caller.ask_also(api, question).await;
    }
    let Ruling::Refused(because) = user.topic_ruling(&vhost.name, name, key, access) else {
        return Ok(());
    };
    let refused = permission::topic_refused(named, key, &subject, &user.name).because(&because);
    Err(ApiError::bad_request(format!(
        "403 ACCESS_REFUSED - {refused}"
    )))
}

fn check_exchange(vhost: &VirtualHost, exchange: &Exchange) -> Result<(), ApiError> {
    if !exchange.spec.internal {
        return Ok(());
    }
    let subject = vhost.subject(Resource::Exchange, exchange.name());
    let refused = BrokerError::InternalExchange(subject);
    Err(ApiError::bad_request(format!(
        "403 ACCESS_REFUSED - {refused}"
    )))
}

/// Only impersonators publish in the name of another.
fn check_user_id(caller: &Caller, properties: &Properties) -> Result<(), ApiError> {
    let Some(user_id) = &properties.user_id else {
        return Ok(());
    };
    let (user_id, name) = (user_id.as_str(), caller.name());
    if user_id == name || caller.tags().iter().any(|tag| tag == "impersonator") {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "406 PRECONDITION_FAILED - user_id property set to '{user_id}' but authenticated user was \
         '{name}'"
    )))
}

/// Properties out of a request.
pub(super) fn read_properties(object: &Map<String, Value>) -> Result<Properties, ApiError> {
    let text = |key: &str| match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str().into())),
        Some(_) => Err(ApiError::BadRequest(json!(["not_string", key]))),
    };
    let number = |key: &str| match object.get(key) {
        None => Ok(None),
        Some(value) => value
            .as_u64()
            .map(Some)
            .ok_or_else(|| ApiError::BadRequest(json!(["not_int", key]))),
    };
    let octet =
        |key: &str| Ok::<_, ApiError>(number(key)?.map(|n| u8::try_from(n).unwrap_or(u8::MAX)));
    let headers = object.get("headers").map(|headers| {
        let headers = headers.as_object().ok_or(ApiError::WrongKind)?;
        without_nulls(headers)
    });
    Ok(Properties {
        content_type: text("content_type")?,
        content_encoding: text("content_encoding")?,
        headers: headers.transpose()?,
        delivery_mode: octet("delivery_mode")?,
        priority: octet("priority")?,
        correlation_id: text("correlation_id")?,
        reply_to: text("reply_to")?,
        expiration: text("expiration")?,
        message_id: text("message_id")?,
        timestamp: number("timestamp")?,
        kind: text("type")?,
        user_id: text("user_id")?,
        app_id: text("app_id")?,
        cluster_id: text("cluster_id")?,
    })
}

/// A request to publish, apart from the properties.
struct Publishing<'a> {
    exchange: &'a Arc<Exchange>,
    routing_key: &'a str,
    payload: &'a [u8],
    party: Party<'a>,
}

/// RabbitMQ opens a channel for each request, which publishes with confirms and mandatory.
fn count_publish(vhost: &VirtualHost, exchange: &Exchange, outcome: Outcome) {
    let count = |counter: fn(&ChannelStats) -> &AtomicU64, is_so| {
        vhost.totals.count(counter, u64::from(is_so));
    };
    add(&exchange.published_in, 1);
    count(|stats| &stats.publish, true);
    count(|stats| &stats.confirm, !outcome.overflowed);
    let is_returned = !outcome.routed && !outcome.overflowed;
    count(|stats| &stats.return_unroutable, is_returned);
}

fn publish_message(
    api: &Api,
    vhost: &VirtualHost,
    it: &Publishing<'_>,
    properties: &Properties,
) -> Result<bool, ApiError> {
    let mut raw = BytesMut::new();
    properties.encode(&mut raw);
    let facts = Facts::read(&raw)
        .map_err(|bad| ApiError::bad_request(format!("406 PRECONDITION_FAILED - {bad}")))?;
    let extra_keys = properties.headers.as_ref().map(extra_keys);
    let extra_keys = extra_keys.unwrap_or_default();
    let parts = Parts {
        exchange: it.exchange.name(),
        routing_key: it.routing_key,
        properties: &raw,
    };
    let outcome = api.change(it.party.user, vhost, |now, fx| {
        let message = Message::pack(&mut fx.packer, parts, facts, it.payload, now);
        let message = Arc::new(message);
        let queues = route(vhost, it.exchange, &message, &extra_keys, now, fx).queues;
        trace::published(it.party, &message, &extra_keys, &queues, fx);
        add(&it.exchange.published_out, queues.len() as u64);
        if api.broker().settings.rates_mode == RatesMode::Detailed {
            let names = queues.iter().map(|queue| queue.name());
            names.for_each(|queue| it.exchange.routed.add(queue, [1]));
        }
        let outcome = publish(&queues, &message, now, fx);
        fx.record(|| {
            let routed = Routed::new(it.routing_key, &queues);
            Event::of_publish(it.exchange, routed, outcome, true)
        });
        outcome
    });
    count_publish(vhost, it.exchange, outcome);
    let mut sizes = Sizes::default();
    sizes.count(it.payload.len() as u64);
    api.broker().message_sizes.add(&sizes);
    match outcome.overflowed {
        true => Err(ApiError::bad_request(
            "rejected Unable to publish message. Check queue limits.",
        )),
        false => Ok(outcome.routed),
    }
}
