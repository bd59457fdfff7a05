//! `/api/vhost-limits` and `/api/user-limits`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::{get, put};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::listing::Listing;
use super::{Answer, Api, no_content, policies};
use crate::broker::event::Change;
pub(super) use crate::broker::json::limits as value;
use crate::broker::limit::Scope;
use crate::broker::user::User;
use crate::broker::vhost::VirtualHost;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/vhost-limits", get(list_vhosts))
        .route("/api/vhost-limits/{vhost}", get(of_vhost))
        .route(
            "/api/vhost-limits/{vhost}/{limit}",
            put(put_vhost).delete(delete_vhost),
        )
        .route("/api/user-limits", get(list_users))
        .route("/api/user-limits/{user}", get(of_user))
        .route(
            "/api/user-limits/{user}/{limit}",
            put(put_user).delete(delete_user),
        )
}

fn vhost_row(vhost: &Arc<VirtualHost>) -> Option<Value> {
    let limits = vhost.limits.lock();
    let row = || json!({ "vhost": vhost.name.as_str(), "value": value(&limits) });
    (!limits.is_empty()).then(row)
}

fn user_row(user: &Arc<User>) -> Option<Value> {
    user.read(|state| {
        let row = || json!({ "user": user.name.as_str(), "value": value(&state.limits) });
        (!state.limits.is_empty()).then(row)
    })
}

fn missing_vhost() -> ApiError {
    ApiError::Missing("vhost_not_found".to_owned())
}

async fn list_vhosts(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Answer {
    listing.answer(caller.vhosts(&api).iter().filter_map(vhost_row).collect())
}

/// Monitors see the limits of virtual hosts that they may not use.
async fn of_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path(vhost): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhost = caller.vhost(&api, &vhost)?;
    listing.answer(vhost_row(&vhost).into_iter().collect())
}

async fn put_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, limit)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let vhost = api.broker().vhosts.get(vhost.as_str());
    let vhost = vhost.ok_or_else(missing_vhost)?;
    let request = Request::parse(&body)?;
    request.must_have(&["value"])?;
    let (name, value) = Scope::Vhost
        .check(&limit, &request.field("value"))
        .map_err(|fault| ApiError::bad_request(policies::text(&[fault])))?;
    vhost.limits.lock().set(name, value);
    announce_vhost(&api, &vhost, &caller);
    Ok(no_content())
}

fn announce_vhost(api: &Api, vhost: &VirtualHost, caller: &Caller) {
    let limits = vhost.limits.lock().clone();
    api.announce(|| Change::vhost_limits(&limits, &vhost.name, caller.name()));
}

async fn delete_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, limit)): Path<(String, String)>,
) -> Answer {
    let vhost = api.broker().vhosts.get(vhost.as_str());
    let vhost = vhost.ok_or_else(missing_vhost)?;
    vhost.limits.lock().clear(&limit);
    announce_vhost(&api, &vhost, &caller);
    Ok(no_content())
}

async fn list_users(
    State(api): State<Api>,
    _caller: Caller,
    Query(listing): Query<Listing>,
) -> Answer {
    let users = api.broker().users.sorted();
    listing.answer(users.iter().filter_map(user_row).collect())
}

async fn of_user(
    State(api): State<Api>,
    _caller: Caller,
    Path(user): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let user = api.broker().users.get(user.as_str());
    let row = user_row(&user.ok_or(ApiError::NotFound)?);
    listing.answer(row.into_iter().collect())
}

async fn put_user(
    State(api): State<Api>,
    caller: Caller,
    Path((user, limit)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let request = Request::parse(&body)?;
    request.must_have(&["value"])?;
    let missing = || ApiError::BadRequest(json!(["no_such_user", user]));
    let user = api.broker().users.get(user.as_str()).ok_or_else(missing)?;
    let (name, value) = Scope::User
        .check(&limit, &request.field("value"))
        .map_err(ApiError::bad_request)?;
    user.change(|state| state.limits.set(name, value));
    let limits = user.read(|state| state.limits.clone());
    api.announce(|| Change::user_limits(&limits, &user.name, caller.name()));
    Ok(no_content())
}

async fn delete_user(
    State(api): State<Api>,
    caller: Caller,
    Path((user, limit)): Path<(String, String)>,
) -> Answer {
    let user = api.broker().users.get(user.as_str());
    // RabbitMQ's words, though it is a user that is missing.
    let user = user.ok_or_else(missing_vhost)?;
    user.change(|state| state.limits.clear(&limit));
    api.announce(|| Change::user_limits_cleared(&user.name, caller.name()));
    Ok(no_content())
}
