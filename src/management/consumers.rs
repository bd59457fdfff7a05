//! `/api/consumers`, and the consumers of a queue.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::table;
use super::listing::Listing;
use super::{Answer, Api};
use crate::broker::queue::{ConsumerView, Queue, QueueKind};
use crate::broker::vhost::VirtualHost;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/consumers", get(list))
        .route("/api/consumers/{vhost}", get(list_vhost))
}

async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    listing.answer(seen(&api, &caller, &api.broker().vhosts.sorted()))
}

async fn list_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path(vhost): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhost = api.broker().vhosts.get(vhost.as_str());
    listing.answer(seen(&api, &caller, &[vhost.ok_or(ApiError::NotFound)?]))
}

/// The consumers in virtual hosts: for monitors all, for others their own.
fn seen(api: &Api, caller: &Caller, vhosts: &[Arc<VirtualHost>]) -> Vec<Value> {
    let queues = vhosts.iter().flat_map(|vhost| vhost.queues.sorted());
    let mut rows: Vec<Value> = queues.flat_map(|queue| consumers_of(api, &queue)).collect();
    if !caller.is_monitor() {
        rows.retain(|row| row["channel_details"]["user"] == caller.name());
    }
    rows
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
    let settings = queue.settings();
    let is_stream = queue.kind == QueueKind::Stream;
    let status = match (consumer.active, settings.single_active) {
        (true, true) => "single_active",
        (false, true) => "waiting",
        (_, false) => "up",
    };
    let mut row = json!({
        "arguments": table(&origin.arguments),
        "ack_required": consumer.ack_required,
        "active": consumer.active && !is_stream,
        "activity_status": status,
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
    });
    if api.broker().compat.shown.consumer_timeout {
        let timeout = settings.consumer_timeout_ms;
        row["consumer_timeout"] = json!(timeout.or(api.broker().consumer_timeout_ms));
    }
    row
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
