//! `/api/channels`, and the channels of a connection or a virtual host.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::connections::{details, load, named, seen};
use super::error::ApiError;
use super::listing::Listing;
use super::rates::{self, Look, RangeQuery, show};
use super::{Answer, Api};
use crate::broker::connection::{ChannelInfo, Connection};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/channels", get(list))
        .route("/api/channels/{name}", get(one))
        .route("/api/connections/{name}/channels", get(of_connection))
        .route("/api/vhosts/{vhost}/channels", get(of_vhost))
}

async fn of_connection(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    let connection = named(&api, &caller, &name)?;
    let infos = connection.channel_infos();
    let rows = infos
        .iter()
        .map(|info| channel_view(&api, &look, &connection, info));
    listing.answer(rows.collect())
}

async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    listing.answer(channel_rows(&api, &look, &caller))
}

async fn of_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path(vhost): Path<String>,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    caller.visible_vhost(&api, &vhost)?;
    let look = api.look(ranges.list_ranges()?);
    let mut rows = channel_rows(&api, &look, &caller);
    rows.retain(|row| row["vhost"] == vhost.as_str());
    listing.answer(rows)
}

fn channel_rows(api: &Api, look: &Look<'_>, caller: &Caller) -> Vec<Value> {
    let mut rows = Vec::new();
    for connection in seen(api, caller) {
        let infos = connection.channel_infos();
        let shown = infos
            .iter()
            .map(|info| channel_view(api, look, &connection, info));
        rows.extend(shown);
    }
    rows
}

async fn one(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.ranges()?);
    for connection in seen(&api, &caller) {
        let infos = connection.channel_infos();
        let is_it = |info: &&Arc<ChannelInfo>| channel_name(&connection, info) == name;
        if let Some(info) = infos.iter().find(is_it) {
            return listing.one(&channel_view(&api, &look, &connection, info));
        }
    }
    Err(ApiError::NotFound)
}

fn channel_name(connection: &Connection, info: &ChannelInfo) -> String {
    format!("{} ({})", connection.name, info.number)
}

fn channel_view(api: &Api, look: &Look<'_>, connection: &Connection, info: &ChannelInfo) -> Value {
    json!({
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
        "global_prefetch_count": info.global_prefetch_count.load(Ordering::Relaxed),
        "consumer_count": load(&info.consumers),
        "messages_unacknowledged": load(&info.unacked),
        "messages_unconfirmed": load(&info.unconfirmed),
        "messages_uncommitted": 0,
        "acks_uncommitted": 0,
        "message_stats": show::stats(rates::MESSAGES, rates::of_channel(info), &look.channel(info)),
    })
}
