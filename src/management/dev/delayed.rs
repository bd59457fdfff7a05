//! `/dev/exchanges/…/delayed`: what waits in a delayed exchange.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde_json::json;

use super::super::json::table;
use super::super::listing::Listing;
use super::super::seen::Seen;
use super::super::{Answer, Api};
use crate::broker::exchange::Delayed;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/dev/exchanges/{vhost}/{name}/delayed", get(delayed))
}

/// What waits in a delayed exchange, the next one first.
async fn delayed(State(api): State<Api>, vhost: Seen, Query(listing): Query<Listing>) -> Answer {
    let exchange = vhost.exchange()?;
    let now = vhost.now(api.shared.clock.now().tick);
    let row = |one: &Delayed| {
        json!({
            "exchange": one.message.exchange(),
            "routing_key": one.message.routing_key(),
            "due_in_ms": u64::try_from(now.until(one.due).as_millis()).unwrap_or(u64::MAX),
            "payload_bytes": one.message.bytes(),
            "headers": table(&one.message.headers()),
        })
    };
    listing.answer(exchange.delayed().iter().map(row).collect())
}
