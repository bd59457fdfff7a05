//! `/dev/exchanges/…/delayed`, `deliver` and `discard`: what waits in a delayed exchange.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::super::auth::Caller;
use super::super::error::ApiError;
use super::super::json::Request;
use super::super::seen::real_name;
use super::super::{Answer, Api};
use super::peek::{Asked, Query, ms, shown};
use super::transfer::Chosen;
use crate::broker::exchange::{Delayed, Exchange};
use crate::broker::permission::Access;
use crate::broker::vhost::VirtualHost;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/dev/exchanges/{vhost}/{name}/delayed", get(delayed))
        .route("/dev/exchanges/{vhost}/{name}/deliver", post(deliver))
        .route("/dev/exchanges/{vhost}/{name}/discard", post(discard))
}

/// The exchange, to which the user must have this access.
fn target(
    api: &Api,
    caller: &Caller,
    (vhost, name): &(String, String),
    access: Access,
) -> Result<(Arc<VirtualHost>, Arc<Exchange>), ApiError> {
    let name = real_name(name);
    // That it is not there is told first.
    let there = api.broker().vhosts.get(vhost.as_str());
    let exchange = there.and_then(|vhost| vhost.exchanges.get(name));
    let exchange = exchange.ok_or(ApiError::NotFound)?;
    let vhost = caller.vhost_with(api, vhost, &[(access, name)])?;
    Ok((vhost, exchange))
}

/// What waits in a delayed exchange, the next one first. Who may bind a queue to it would see it.
async fn delayed(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    query: Query,
) -> Answer {
    let (vhost, exchange) = target(&api, &caller, &at, Access::Read)?;
    let asked = Asked::of(query)?;
    let page = asked.page();
    let now = vhost.now(api.shared.clock.now().tick);
    let row = |(seq, one): &(u64, Delayed)| {
        let mut row = shown(&one.message, one.message.properties(), asked.body_bytes());
        row["state"] = json!("delayed");
        row["seq"] = json!(seq);
        row["due_in_ms"] = json!(ms(now, one.due));
        row
    };
    let items: Vec<Value> = exchange.delayed(page).iter().map(row).collect();
    let body = json!({
        "messages": { "delayed": exchange.delayed_count().unwrap_or(0) },
        "offset": page.offset,
        "limit": page.limit,
        "items": items,
    });
    Ok(Json(body).into_response())
}

/// Route messages now that wait in a delayed exchange.
async fn deliver(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let (vhost, exchange) = target(&api, &caller, &at, Access::Write)?;
    let chosen = Chosen::of(&Request::parse(&body)?, "seq", exchange.last_delayed())?;
    let released = api.change(caller.name(), &vhost, |now, fx| {
        exchange.hurry(&chosen.which, chosen.max(), now, fx)
    });
    Ok(Json(json!({ "released": released })).into_response())
}

/// Drop messages that wait in a delayed exchange, for which one must be allowed to delete it.
async fn discard(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let (_, exchange) = target(&api, &caller, &at, Access::Configure)?;
    let chosen = Chosen::of(&Request::parse(&body)?, "seq", exchange.last_delayed())?;
    let discarded = exchange.take_delayed(&chosen.which, chosen.max()).len();
    Ok(Json(json!({ "discarded": discarded })).into_response())
}
