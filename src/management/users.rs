//! `/api/users`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::listing::Listing;
use super::{Answer, Api, created, limits, no_content, permissions};
use crate::broker::event::Change;
use crate::broker::user::{HashingAlgorithm, PasswordHash, User};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/users", get(list))
        .route("/api/users/bulk-delete", post(bulk_delete))
        .route("/api/users/without-permissions", get(without_permissions))
        .route("/api/users/{user}", get(one).put(put).delete(delete))
        .route("/api/users/{user}/permissions", get(permissions))
        .route(
            "/api/users/{user}/topic-permissions",
            get(topic_permissions),
        )
        .route("/api/auth/hash_password/{password}", get(hash_password))
}

async fn list(State(api): State<Api>, Query(listing): Query<Listing>) -> Answer {
    listing.answer(
        api.broker()
            .users
            .sorted()
            .iter()
            .map(|user| view(user))
            .collect(),
    )
}

async fn without_permissions(State(api): State<Api>, Query(listing): Query<Listing>) -> Answer {
    let users = api.broker().users.sorted();
    let lonely = users
        .iter()
        .filter(|user| user.read(|state| state.permissions.is_empty()));
    listing.answer(lonely.map(|user| view(user)).collect())
}

async fn one(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    listing.one(&view(
        &*api
            .broker()
            .users
            .get(name.as_str())
            .ok_or(ApiError::NotFound)?,
    ))
}

fn existing(api: &Api, name: &str) -> Result<Arc<User>, ApiError> {
    api.broker().users.get(name).ok_or(ApiError::NotFound)
}

fn view(user: &User) -> Value {
    user.read(|state| {
        json!({
            "name": user.name.as_str(),
            "password_hash": state.password.to_base64(),
            "hashing_algorithm": state.password.algorithm.as_str(),
            "tags": state.tags,
            "limits": limits::value(&state.limits),
        })
    })
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Answer {
    let request = Request::parse(&body)?;
    let tags = tags(&request)?;
    let password = password(&api, &caller, &request)?.unwrap_or_default();
    let there = api.broker().users.get(name.as_str());
    let (is_new, by) = (there.is_none(), caller.name());
    if let Some(user) = there {
        // Without a password the user has none from now on.
        user.change(|state| (state.tags, state.password) = (tags.clone(), password));
        api.announce(|| Change::user("user.password.changed", &name, by));
    } else {
        let user = User::new(name.as_str().into(), password, tags.clone());
        api.broker().users.insert(user.name.clone(), Arc::new(user));
        api.announce(|| Change::user("user.created", &name, by));
    }
    api.announce(|| Change::user_tags(&name, &tags, by));
    Ok(created(is_new))
}

/// Tags; `administrator` is how the oldest tools ask for that one.
fn tags(request: &Request) -> Result<Vec<String>, ApiError> {
    match (request.get("tags"), request.get("administrator")) {
        (Some(_), _) => Ok(request.tags("tags")?.unwrap_or_default()),
        (None, Some(Value::Bool(true))) => Ok(vec!["administrator".to_owned()]),
        (None, Some(_)) => Ok(Vec::new()),
        (None, None) => Err(ApiError::bad_request("tags_not_present")),
    }
}

fn password(
    api: &Api,
    caller: &Caller,
    request: &Request,
) -> Result<Option<PasswordHash>, ApiError> {
    let not_base64 = |hash: &Value| ApiError::BadRequest(json!(["not_base64", hash]));
    let hash = match request.get("password_hash") {
        // An empty list is an empty text to RabbitMQ.
        None => None,
        Some(Value::Array(all)) if all.is_empty() => None,
        Some(hash) => Some(hash.as_str().ok_or_else(|| not_base64(hash))?),
    };
    match (request.word("password")?, hash) {
        (Some(_), Some(_)) => Err(ApiError::bad_request(
            "both_password_and_password_hash_are_provided",
        )),
        (Some(password), None) => match api.broker().settings.credentials.refusal(password) {
            None => Ok(Some(api.broker().hash(password))),
            // RabbitMQ's tools ask the node itself, which says why.
            Some(why) if matches!(caller, Caller::Local) => Err(ApiError::bad_request(why)),
            Some(_) => Err(ApiError::bad_request("credential_validation_failed")),
        },
        (None, Some(hash)) => {
            let algorithm = request
                .text("hashing_algorithm")
                .and_then(HashingAlgorithm::from_name);
            let found = PasswordHash::from_base64(hash, algorithm.unwrap_or_default());
            found.map(Some).ok_or_else(|| not_base64(&json!(hash)))
        }
        (None, None) => Ok(None),
    }
}

async fn delete(State(api): State<Api>, caller: Caller, Path(name): Path<String>) -> Answer {
    if api.broker().delete_user(&name) {
        api.announce(|| Change::user("user.deleted", &name, caller.name()));
        Ok(no_content())
    } else {
        Err(ApiError::NotFound)
    }
}

async fn bulk_delete(State(api): State<Api>, caller: Caller, body: Bytes) -> Answer {
    let request = Request::parse(&body)?;
    request.must_have(&["users"])?;
    let users = request.get("users").and_then(Value::as_array);
    let users = users.ok_or(ApiError::WrongKind)?.iter();
    let users: Option<Vec<&str>> = users.map(Value::as_str).collect();
    for name in users.ok_or(ApiError::WrongKind)? {
        // One that is not there is deleted already.
        if api.broker().delete_user(name) {
            api.announce(|| Change::user("user.deleted", name, caller.name()));
        }
    }
    Ok(no_content())
}

async fn permissions(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    existing(&api, &name)?;
    listing.answer(permissions::rows(&api, |user, _| user == name))
}

async fn topic_permissions(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    existing(&api, &name)?;
    listing.answer(permissions::topic_rows(&api, |user, _| user == name))
}

async fn hash_password(State(api): State<Api>, Path(password): Path<String>) -> Answer {
    if !api.broker().compat.shown.hash_password {
        return Err(ApiError::NotFound);
    }
    let hash = api.broker().hash(&password).to_base64();
    Listing::default().one(&json!({ "ok": hash }))
}
