//! `/api/connections`, `/api/channels`, `/api/consumers`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::routing::get;
use leveret_proto::value::FieldValue;
use serde_json::{Value, json};

use super::asked::Asked;
use super::auth::Caller;
use super::error::ApiError;
use super::json::table;
use super::listing::Listing;
use super::rates::{self, Look, show};
use super::{Answer, Api, no_content};
use crate::broker::connection::Connection;
use crate::broker::tls::TlsFacts;

/// Told to a client whose connection an administrator ends without a reason.
const CLOSED_TEXT: &str = "Closed via management plugin";

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/connections", get(list))
        .route("/api/connections/{name}", get(one).delete(delete))
        .route("/api/connections/{name}/sessions", get(sessions))
        .route("/api/vhosts/{vhost}/connections", get(list_vhost))
        .route(
            "/api/connections/username/{user}",
            get(list_user).delete(delete_user),
        )
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
pub(super) fn state(api: &Api, connection: &Connection) -> &'static str {
    match connection.blocked.load(Ordering::Relaxed) {
        true => "blocked",
        false if api.broker().alarm.is_raised() => "blocking",
        false => "running",
    }
}

/// A connection as a list shows it.
pub(super) fn view(api: &Api, look: &Look<'_>, connection: &Connection) -> Value {
    let traffic = &connection.traffic;
    let (_, writes) = connection.outlet.traffic();
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
        "ssl": connection.tls.is_some(),
        "channels": connection.channel_infos().len(),
        "channel_max": connection.channel_max,
        "frame_max": connection.frame_max,
        "timeout": connection.heartbeat,
        "connected_at": connection.connected_at_ms,
        "client_properties": table(&connection.client_properties),
        "recv_cnt": load(&traffic.reads),
        "send_cnt": writes,
        "send_pend": 0,
        "reductions": 0,
        "reductions_details": { "rate": 0.0 },
        "garbage_collection": no_garbage(0),
    });
    for key in OF_TLS {
        row[key] = Value::Null;
    }
    if api.broker().compat.shown.cert_serial {
        row["peer_cert_serial_number"] = Value::Null;
    }
    if let Some(row) = row.as_object_mut() {
        let octets = rates::of_connection(connection);
        show::put(row, rates::OCTETS, octets, &look.connection(connection));
    }
    let name = connection
        .client_properties
        .get("connection_name")
        .and_then(FieldValue::as_str);
    if let Some(tls) = &connection.tls {
        add_tls(&mut row, tls);
    }
    if let Some(name) = name {
        row["user_provided_name"] = json!(name);
    }
    row
}

/// What only connections with TLS have: nothing in lists, and empty in what is shown of one.
const OF_TLS: [&str; 7] = [
    "ssl_protocol",
    "ssl_key_exchange",
    "ssl_cipher",
    "ssl_hash",
    "peer_cert_subject",
    "peer_cert_issuer",
    "peer_cert_validity",
];

/// There is no garbage collector; where RabbitMQ knows nothing of one it says -1.
pub(super) fn no_garbage(value: i64) -> Value {
    json!({
        "fullsweep_after": value,
        "max_heap_size": value,
        "min_bin_vheap_size": value,
        "min_heap_size": value,
        "minor_gcs": value,
    })
}

fn add_tls(row: &mut Value, tls: &TlsFacts) {
    row["ssl_protocol"] = json!(tls.protocol);
    row["ssl_key_exchange"] = json!(tls.key_exchange);
    row["ssl_cipher"] = json!(tls.cipher);
    row["ssl_hash"] = json!(tls.hash);
    if let Some(peer) = &tls.peer {
        row["peer_cert_subject"] = json!(peer.subject);
        row["peer_cert_issuer"] = json!(peer.issuer);
        row["peer_cert_validity"] = json!(peer.validity);
    }
}

/// A connection as other objects refer to it.
pub(super) fn details(connection: &Connection) -> Value {
    json!({
        "name": connection.name.as_str(),
        "peer_host": connection.peer.ip().to_canonical().to_string(),
        "peer_port": connection.peer.port(),
    })
}

pub(super) fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// A connection that the caller may look at.
pub(super) fn named(api: &Api, caller: &Caller, name: &str) -> Result<Arc<Connection>, ApiError> {
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

async fn list(asked: Asked) -> Answer {
    let (api, look) = (&asked.api, asked.list_look()?);
    let seen = seen(api, &asked.caller);
    let rows = seen.iter().map(|one| view(api, &look, one));
    asked.listing.answer(rows.collect())
}

async fn list_vhost(asked: Asked, Path(vhost): Path<String>) -> Answer {
    let (api, look) = (&asked.api, asked.list_look()?);
    asked.caller.visible_vhost(api, &vhost)?;
    let seen = seen(api, &asked.caller);
    let rows = seen.iter().filter(|one| *one.vhost == *vhost);
    let rows = rows.map(|one| view(api, &look, one));
    asked.listing.answer(rows.collect())
}

/// Sessions are AMQP 1.0's.
async fn sessions(State(api): State<Api>, caller: Caller, Path(name): Path<String>) -> Answer {
    if !api.broker().compat.shown.sessions {
        return Err(ApiError::NotFound);
    }
    named(&api, &caller, &name)?;
    Err(ApiError::bad_request("connection does not use AMQP 1.0"))
}

async fn one(asked: Asked, Path(name): Path<String>) -> Answer {
    let (api, look) = (&asked.api, asked.look()?);
    let mut row = view(api, &look, &*named(api, &asked.caller, &name)?);
    for key in OF_TLS {
        if row[key].is_null() {
            row[key] = json!("");
        }
    }
    if api.broker().compat.shown.cert_serial {
        row["peer_cert_serial_number"] = json!("");
    }
    asked.listing.one(&row)
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
    let row = |one: &Connection| {
        json!({
            "name": one.name.as_str(),
            "node": api.broker().node.as_str(),
            "user": one.user.name.as_str(),
            "vhost": one.vhost.as_str(),
        })
    };
    let rows = seen.iter().filter(|one| *one.user.name == *user);
    listing.answer(rows.map(|one| row(one)).collect())
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
