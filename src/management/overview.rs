//! The node as a whole: overview, who am I, health, and what only this broker has.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::listing::Listing;
use super::{Answer, Api, connections, no_content};
use crate::broker::exchange::ExchangeKind;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/overview", get(overview))
        .route("/api/whoami", get(whoami))
        .route("/api/version", get(version))
        .route("/api/cluster-name", get(cluster_name))
        .route("/api/nodes", get(nodes))
        .route("/api/nodes/{node}", get(node))
        .route("/api/aliveness-test/{vhost}", get(alive))
        .route("/api/health/checks/virtual-hosts", get(healthy))
        .route("/api/health/checks/ready-to-serve-clients", get(healthy))
        .route("/dev/stop", post(stop))
        .route("/dev/authenticate", post(authenticate))
        .route("/dev/clock", post(clock))
}

async fn overview(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Answer {
    let broker = api.broker();
    let vhosts = caller.vhosts(&api);
    let views: Vec<_> = vhosts
        .iter()
        .flat_map(|vhost| vhost.queues.snapshot())
        .map(|queue| queue.view())
        .collect();
    let ready: u64 = views.iter().map(|view| view.ready).sum();
    let unacked: u64 = views.iter().map(|view| view.unacked).sum();
    let seen = connections::seen(&api, &caller);
    let channels: usize = seen
        .iter()
        .map(|connection| connection.channel_infos().len())
        .sum();
    let churn = &broker.churn;
    let kinds = ExchangeKind::all(&broker.compat).map(
        |kind| json!({ "name": kind.as_str(), "description": kind.description(), "enabled": true }),
    );
    let kinds: Vec<Value> = kinds.collect();
    listing.one(&json!({
        "management_version": broker.compat.version,
        "rates_mode": "basic",
        "sample_retention_policies": { "global": [600, 3600, 28800, 86400], "basic": [600, 3600], "detailed": [600] },
        "exchange_types": kinds,
        "product_version": broker.compat.version,
        "product_name": "RabbitMQ",
        "rabbitmq_version": broker.compat.version,
        "cluster_name": broker.node.as_str(),
        "cluster_tags": {},
        "node_tags": {},
        "erlang_version": "",
        "erlang_full_version": concat!("none: Leveret ", env!("CARGO_PKG_VERSION")),
        "crypto_lib_version": "",
        "disable_stats": false,
        "default_queue_type": broker.default_queue_type.as_str(),
        "is_op_policy_updating_enabled": true,
        "enable_queue_totals": false,
        "message_stats": connections::message_stats(seen.iter().flat_map(|one| one.channel_infos())),
        "churn_rates": {
            "connection_created": load(&churn.connection_created),
            "connection_closed": load(&churn.connection_closed),
            "channel_created": load(&churn.channel_created),
            "channel_closed": load(&churn.channel_closed),
            "queue_declared": load(&churn.queue_declared),
            "queue_created": load(&churn.queue_created),
            "queue_deleted": load(&churn.queue_deleted),
        },
        "queue_totals": {
            "messages": ready + unacked,
            "messages_ready": ready,
            "messages_unacknowledged": unacked,
        },
        "object_totals": {
            "channels": channels,
            "connections": seen.len(),
            "consumers": views.iter().map(|view| view.consumers).sum::<usize>(),
            "exchanges": vhosts.iter().map(|vhost| vhost.exchanges.len()).sum::<usize>(),
            "queues": views.len(),
        },
        "statistics_db_event_queue": 0,
        "node": broker.node.as_str(),
        "listeners": listeners(&api),
        "contexts": contexts(&api),
    }))
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn listeners(api: &Api) -> Vec<Value> {
    let view = |(protocol, address): &(&str, std::net::SocketAddr)| {
        json!({
            "node": api.broker().node.as_str(),
            "protocol": protocol,
            "ip_address": address.ip().to_string(),
            "port": address.port(),
            "socket_opts": { "backlog": 1024, "nodelay": true },
            "tls": false,
        })
    };
    api.listeners.iter().map(view).collect()
}

fn contexts(api: &Api) -> Vec<Value> {
    let http = api
        .listeners
        .iter()
        .filter(|(protocol, _)| *protocol == "http");
    let view = |(_, address): &(&str, std::net::SocketAddr)| {
        json!({
            "node": api.broker().node.as_str(),
            "description": "RabbitMQ Management",
            "path": "/",
            "ip": address.ip().to_string(),
            "port": address.port().to_string(),
        })
    };
    http.map(view).collect()
}

async fn whoami(caller: Caller) -> Answer {
    let body = json!({ "name": caller.name(), "tags": caller.tags(), "is_internal_user": true });
    Ok(Json(body).into_response())
}

async fn version(State(api): State<Api>) -> Answer {
    Ok(api.broker().compat.version.into_response())
}

async fn cluster_name(State(api): State<Api>, _caller: Caller) -> Answer {
    Ok(Json(json!({ "name": api.broker().node.as_str() })).into_response())
}

async fn nodes(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    caller.monitor()?;
    listing.answer(vec![node_view(&api)])
}

async fn node(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    caller.monitor()?;
    match *api.broker().node == *name {
        true => listing.one(&node_view(&api)),
        false => Err(ApiError::NotFound),
    }
}

fn node_view(api: &Api) -> Value {
    let broker = api.broker();
    let plugins = ["rabbitmq_management"];
    json!({
        "name": broker.node.as_str(),
        "type": "disc",
        "running": true,
        "being_drained": false,
        "os_pid": std::process::id().to_string(),
        "uptime": api.shared.clock.now().tick.ms(),
        "rabbitmq_version": broker.compat.version,
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "mem_used": broker.alarm.used_bytes(broker.held_bytes()),
        "mem_limit": broker.alarm.limit_bytes(),
        "mem_alarm": broker.alarm.is_raised(),
        "disk_free_alarm": false,
        "partitions": [],
        "enabled_plugins": plugins,
        "rates_mode": "basic",
        "sockets_used": broker.connections.len(),
        "contexts": contexts(api),
    })
}

async fn alive(State(api): State<Api>, caller: Caller, Path(vhost): Path<String>) -> Answer {
    caller.vhost(&api, &vhost)?;
    Ok(Json(json!({ "status": "ok" })).into_response())
}

async fn healthy(_caller: Caller) -> Answer {
    Ok(Json(json!({ "status": "ok" })).into_response())
}

/// Stop the broker: `rabbitmqctl stop`.
async fn stop(State(api): State<Api>, caller: Caller) -> Answer {
    caller.administrator()?;
    api.shared.stop();
    Ok(no_content())
}

/// Check a password: `rabbitmqctl authenticate_user`.
async fn authenticate(State(api): State<Api>, caller: Caller, body: Bytes) -> Answer {
    caller.administrator()?;
    let request = Request::parse(&body)?;
    let [username, password] = request.texts(["username", "password"])?;
    let authenticated = api.broker().authenticate(username, password).is_some();
    Ok(Json(json!({ "authenticated": authenticated })).into_response())
}

/// Move the clock of one virtual host, or of all: TTLs, expiries and delays are due at once.
async fn clock(State(api): State<Api>, caller: Caller, body: Bytes) -> Answer {
    caller.administrator()?;
    let request = Request::parse(&body)?;
    let ms = request.get("advance_ms").and_then(Value::as_u64);
    let ms = ms.ok_or_else(|| ApiError::keys_missing(&["advance_ms"]))?;
    api.broker().advance_ms(request.text("vhost"), ms)?;
    Ok(no_content())
}
