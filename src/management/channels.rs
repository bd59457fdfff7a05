//! `/api/channels`, and the channels of a connection or a virtual host.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::connections::{details, load, named, seen};
use super::error::ApiError;
use super::listing::Listing;
use super::{Answer, Api};
use crate::broker::connection::{ChannelInfo, ChannelStats, Connection};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/channels", get(list))
        .route("/api/channels/{name}", get(one))
        .route("/api/connections/{name}/channels", get(of_connection))
}

async fn of_connection(
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

async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
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

async fn one(
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
