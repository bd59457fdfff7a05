//! `/api/connections`, `/api/channels`, `/api/consumers`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::routing::get;
use leveret_proto::value::FieldValue;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::table;
use super::listing::Listing;
use super::{Answer, Api, no_content};
use crate::broker::connection::{ChannelInfo, ChannelStats, Connection};
use crate::broker::queue::{ConsumerView, Queue};

/// Told to a client whose connection an administrator ends without a reason.
const CLOSED_TEXT: &str = "Closed via management plugin";

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/connections", get(list))
        .route("/api/connections/{name}", get(one).delete(delete))
        .route("/api/connections/{name}/channels", get(channels_of))
        .route(
            "/api/connections/username/{user}",
            get(list_user).delete(delete_user),
        )
        .route("/api/channels", get(list_channels))
        .route("/api/channels/{name}", get(one_channel))
        .route("/api/consumers", get(list_consumers))
        .route("/api/consumers/{vhost}", get(list_consumers_vhost))
}

/// The connections that the caller may see, oldest first.
pub(super) fn seen(api: &Api, caller: &Caller) -> Vec<Arc<Connection>> {
    let all = api.broker().connections.sorted();
    let is_seen = |one: &Arc<Connection>| {
        caller.is_monitor() || (caller.sees(&one.vhost) && *one.user.name == *caller.name())
    };
    all.into_iter().filter(is_seen).collect()
}

/// Under an alarm a connection is blocked from its next publish on.
fn state(api: &Api, connection: &Connection) -> &'static str {
    match connection.blocked.load(Ordering::Relaxed) {
        true => "blocked",
        false if api.broker().alarm.is_raised() => "blocking",
        false => "running",
    }
}

/// A connection as a list shows it.
pub(super) fn view(api: &Api, connection: &Connection) -> Value {
    let traffic = &connection.traffic;
    let (sent, writes) = connection.outlet.traffic();
    let mut row = json!({
        "name": connection.name.as_str(),
        "node": api.broker().node.as_str(),
        "vhost": connection.vhost.as_str(),
        "user": connection.user.name.as_str(),
        "user_who_performed_action": connection.user.name.as_str(),
        "type": "network",
        "protocol": "AMQP 0-9-1",
        "state": state(api, connection),
        "auth_mechanism": connection.auth_mechanism,
        "host": connection.local.ip().to_canonical().to_string(),
        "port": connection.local.port(),
        "peer_host": connection.peer.ip().to_canonical().to_string(),
        "peer_port": connection.peer.port(),
        "ssl": false,
        "channels": connection.channel_infos().len(),
        "channel_max": connection.channel_max,
        "frame_max": connection.frame_max,
        "timeout": connection.heartbeat,
        "connected_at": connection.connected_at_ms,
        "client_properties": table(&connection.client_properties),
        "recv_oct": load(&traffic.received),
        "recv_cnt": load(&traffic.reads),
        "send_oct": sent,
        "send_cnt": writes,
        "send_pend": 0,
    });
    let name = connection
        .client_properties
        .get("connection_name")
        .and_then(FieldValue::as_str);
    if let Some(name) = name {
        row["user_provided_name"] = json!(name);
    }
    row
}

/// A connection as other objects refer to it.
pub(super) fn details(connection: &Connection) -> Value {
    json!({
        "name": connection.name.as_str(),
        "peer_host": connection.peer.ip().to_canonical().to_string(),
        "peer_port": connection.peer.port(),
    })
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn named(api: &Api, caller: &Caller, name: &str) -> Result<Arc<Connection>, ApiError> {
    let all = api.broker().connections.snapshot();
    let found = all
        .into_iter()
        .find(|one| *one.name == *name)
        .ok_or(ApiError::NotFound)?;
    let is_own = *found.user.name == *caller.name();
    match is_own || caller.is_monitor() {
        true => Ok(found),
        false => Err(ApiError::Refused("User not authorised to access object")),
    }
}

async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    listing.answer(
        seen(&api, &caller)
            .iter()
            .map(|one| view(&api, one))
            .collect(),
    )
}

async fn one(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    listing.one(&view(&api, &*named(&api, &caller, &name)?))
}

async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let connection = named(&api, &caller, &name)?;
    if *connection.user.name != *caller.name() {
        caller.administrator()?;
    }
    connection.close(reason(&headers));
    Ok(no_content())
}

fn reason(headers: &HeaderMap) -> &str {
    headers
        .get("x-reason")
        .and_then(|value| value.to_str().ok())
        .unwrap_or(CLOSED_TEXT)
}

async fn list_user(
    State(api): State<Api>,
    caller: Caller,
    Path(user): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let seen = seen(&api, &caller);
    let rows = seen
        .iter()
        .filter(|one| *one.user.name == *user)
        .map(|one| view(&api, one));
    listing.answer(rows.collect())
}

async fn delete_user(
    State(api): State<Api>,
    caller: Caller,
    Path(user): Path<String>,
    headers: HeaderMap,
) -> Answer {
    if user != caller.name() {
        caller.administrator()?;
    }
    api.broker()
        .close_connections(reason(&headers), |one| *one.user.name == *user);
    Ok(no_content())
}

async fn channels_of(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let connection = named(&api, &caller, &name)?;
    let infos = connection.channel_infos();
    listing.answer(
        infos
            .iter()
            .map(|info| channel_view(&api, &connection, info))
            .collect(),
    )
}

async fn list_channels(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Answer {
    listing.answer(channel_rows(&api, &caller))
}

fn channel_rows(api: &Api, caller: &Caller) -> Vec<Value> {
    let of = |one: &Arc<Connection>| {
        let infos = one.channel_infos();
        infos
            .iter()
            .map(|info| channel_view(api, one, info))
            .collect::<Vec<_>>()
    };
    seen(api, caller).iter().flat_map(of).collect()
}

async fn one_channel(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let rows = channel_rows(&api, &caller);
    listing.one(
        rows.iter()
            .find(|row| row["name"] == name)
            .ok_or(ApiError::NotFound)?,
    )
}

fn channel_view(api: &Api, connection: &Connection, info: &ChannelInfo) -> Value {
    json!({
        "name": format!("{} ({})", connection.name, info.number),
        "number": info.number,
        "node": api.broker().node.as_str(),
        "vhost": connection.vhost.as_str(),
        "user": connection.user.name.as_str(),
        "user_who_performed_action": connection.user.name.as_str(),
        "connection_details": details(connection),
        "state": "running",
        "confirm": info.confirm.load(Ordering::Relaxed),
        "transactional": info.transactional.load(Ordering::Relaxed),
        "prefetch_count": info.prefetch_count.load(Ordering::Relaxed),
        "global_prefetch_count": info.global_prefetch_count.load(Ordering::Relaxed),
        "consumer_count": load(&info.consumers),
        "messages_unacknowledged": load(&info.unacked),
        "messages_unconfirmed": load(&info.unconfirmed),
        "messages_uncommitted": 0,
        "acks_uncommitted": 0,
        "message_stats": message_stats([info]),
    })
}

/// Counters added up over channels.
pub(super) fn message_stats(
    channels: impl IntoIterator<Item = impl std::ops::Deref<Target = ChannelInfo>>,
) -> Value {
    let mut sums = [0; COUNTERS.len()];
    for channel in channels {
        for (sum, (_, counter)) in sums.iter_mut().zip(COUNTERS) {
            *sum += load(counter(&channel.stats));
        }
    }
    let mut row: serde_json::Map<String, Value> = COUNTERS
        .iter()
        .zip(sums)
        .map(|((name, _), sum)| ((*name).to_owned(), sum.into()))
        .collect();
    let handed_out = ["deliver", "deliver_no_ack", "get", "get_no_ack"];
    let handed_out: u64 = handed_out.iter().filter_map(|key| row[*key].as_u64()).sum();
    row.insert("deliver_get".to_owned(), handed_out.into());
    Value::Object(row)
}

type Counter = fn(&ChannelStats) -> &AtomicU64;

const COUNTERS: [(&str, Counter); 11] = [
    ("publish", |stats| &stats.publish),
    ("confirm", |stats| &stats.confirm),
    ("return_unroutable", |stats| &stats.return_unroutable),
    ("drop_unroutable", |stats| &stats.drop_unroutable),
    ("deliver", |stats| &stats.deliver),
    ("deliver_no_ack", |stats| &stats.deliver_no_ack),
    ("get", |stats| &stats.get),
    ("get_no_ack", |stats| &stats.get_no_ack),
    ("get_empty", |stats| &stats.get_empty),
    ("ack", |stats| &stats.ack),
    ("redeliver", |stats| &stats.redeliver),
];

async fn list_consumers(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhosts = caller.vhosts(&api);
    let queues = vhosts.iter().flat_map(|vhost| vhost.queues.sorted());
    listing.answer(
        queues
            .flat_map(|queue| consumers_of(&api, &queue))
            .collect(),
    )
}

async fn list_consumers_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path(vhost): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhost = caller.vhost(&api, &vhost)?;
    let queues = vhost.queues.sorted();
    listing.answer(
        queues
            .iter()
            .flat_map(|queue| consumers_of(&api, queue))
            .collect(),
    )
}

/// The consumers of a queue.
pub(super) fn consumers_of(api: &Api, queue: &Queue) -> Vec<Value> {
    queue
        .consumers()
        .iter()
        .map(|consumer| consumer_view(api, queue, consumer))
        .collect()
}

fn consumer_view(api: &Api, queue: &Queue, consumer: &ConsumerView) -> Value {
    let origin = &consumer.origin;
    let (peer_host, peer_port) = peer(&origin.connection);
    json!({
        "arguments": table(&origin.arguments),
        "ack_required": consumer.ack_required,
        "active": consumer.active,
        "activity_status": if consumer.active { "up" } else { "waiting" },
        "channel_details": {
            "connection_name": origin.connection.as_str(),
            "name": format!("{} ({})", origin.connection, origin.channel),
            "node": api.broker().node.as_str(),
            "number": origin.channel,
            "peer_host": peer_host,
            "peer_port": peer_port,
            "user": origin.user.as_str(),
        },
        "consumer_tag": consumer.tag,
        "exclusive": consumer.exclusive,
        "prefetch_count": consumer.prefetch,
        "queue": { "name": queue.name().as_str(), "vhost": queue.spec.vhost.as_str() },
    })
}

/// The client's address out of a connection's name.
fn peer(connection: &str) -> (String, u16) {
    let peer = connection
        .split(" -> ")
        .next()
        .and_then(|peer| peer.parse::<std::net::SocketAddr>().ok());
    peer.map_or_else(
        || (String::new(), 0),
        |peer| (peer.ip().to_string(), peer.port()),
    )
}
