//! `/api/channels`, and the channels of a connection or a virtual host.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::Path;
use axum::routing::get;
use serde_json::{Value, json};

use super::asked::Asked;
use super::connections::{details, load, named, no_garbage, seen};
use super::consumers::consumers_of;
use super::error::ApiError;
use super::rates::{self, Look, show};
use super::{Answer, Api, pairs};
use crate::broker::connection::{ChannelInfo, Connection};
use crate::broker::tick::Tick;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/channels", get(list))
        .route("/api/channels/{name}", get(one))
        .route("/api/connections/{name}/channels", get(of_connection))
        .route("/api/vhosts/{vhost}/channels", get(of_vhost))
}

async fn of_connection(asked: Asked, Path(name): Path<String>) -> Answer {
    let look = asked.list_look()?;
    let connection = named(&asked.api, &asked.caller, &name)?;
    asked.listing.answer(rows(&asked.api, &look, &[connection]))
}

async fn list(asked: Asked) -> Answer {
    let look = asked.list_look()?;
    let seen = seen(&asked.api, &asked.caller);
    asked.listing.answer(rows(&asked.api, &look, &seen))
}

async fn of_vhost(asked: Asked, Path(vhost): Path<String>) -> Answer {
    let look = asked.list_look()?;
    asked.caller.visible_vhost(&asked.api, &vhost)?;
    let mut seen = seen(&asked.api, &asked.caller);
    seen.retain(|connection| *connection.vhost == *vhost);
    asked.listing.answer(rows(&asked.api, &look, &seen))
}

fn rows(api: &Api, look: &Look<'_>, connections: &[Arc<Connection>]) -> Vec<Value> {
    let of = |connection: &Arc<Connection>| {
        let infos = connection.channel_infos();
        let rows = infos.iter();
        rows.map(|info| channel_view(api, look, connection, info))
            .collect::<Vec<_>>()
    };
    connections.iter().flat_map(of).collect()
}

async fn one(asked: Asked, Path(name): Path<String>) -> Answer {
    let (api, look) = (&asked.api, asked.look()?);
    for connection in seen(api, &asked.caller) {
        let infos = connection.channel_infos();
        let is_it = |info: &&Arc<ChannelInfo>| channel_name(&connection, info) == name;
        if let Some(info) = infos.iter().find(is_it) {
            let mut row = channel_view(api, &look, &connection, info);
            row["consumer_details"] = consumers(api, &connection, &name).into();
            let (deliveries, publishes) = pairs::of_channel(&look, &connection, info);
            row["deliveries"] = deliveries.into();
            row["publishes"] = publishes.into();
            return asked.listing.one(&row);
        }
    }
    Err(ApiError::NotFound)
}

/// The consumers of the channel of that name.
fn consumers(api: &Api, connection: &Connection, name: &str) -> Vec<Value> {
    let vhost = api.broker().vhosts.get(&connection.vhost);
    let queues = vhost.map(|vhost| vhost.queues.sorted()).unwrap_or_default();
    let all = queues.iter().flat_map(|queue| consumers_of(api, queue));
    all.filter(|consumer| consumer["channel_details"]["name"] == name)
        .collect()
}

pub(super) fn channel_name(connection: &Connection, info: &ChannelInfo) -> String {
    format!("{} ({})", connection.name, info.number)
}

fn channel_view(api: &Api, look: &Look<'_>, connection: &Connection, info: &ChannelInfo) -> Value {
    let shown = &api.broker().compat.shown;
    let mut row = json!({
        "name": channel_name(connection, info),
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
        "consumer_count": load(&info.consumers),
        "messages_unacknowledged": load(&info.unacked),
        "messages_unconfirmed": load(&info.unconfirmed),
        "messages_uncommitted": load(&info.uncommitted),
        "acks_uncommitted": load(&info.acks_uncommitted),
        "pending_raft_commands": 0,
        "reductions": 0,
        "reductions_details": { "rate": 0.0 },
        "garbage_collection": no_garbage(0),
    });
    if api.tells_message_stats() {
        let counts = rates::of_channel(info);
        row["message_stats"] = show::stats(rates::MESSAGES, counts, &look.channel(info));
    }
    let last_active = Tick(info.last_active.load(Ordering::Relaxed));
    if let Some(since) = api.idle_since(&connection.vhost, last_active) {
        row["idle_since"] = since.into();
    }
    if shown.global_prefetch {
        let global = info.global_prefetch_count.load(Ordering::Relaxed);
        row["global_prefetch_count"] = json!(global);
    }
    if shown.cached_segments {
        row["cached_segments"] = json!(0);
    }
    row
}
