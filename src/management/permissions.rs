//! `/api/permissions` and `/api/topic-permissions`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::listing::Listing;
use super::{Answer, Api, created, no_content};
use crate::broker::event::Change;
use crate::broker::name::Name;
use crate::broker::pattern::InvalidPattern;
use crate::broker::permission::{Permission, TopicPermission};
use crate::broker::user::{User, UserState};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/permissions", get(list))
        .route(
            "/api/permissions/{vhost}/{user}",
            get(one).put(put).delete(delete),
        )
        .route("/api/topic-permissions", get(list_topic))
        .route(
            "/api/topic-permissions/{vhost}/{user}",
            get(one_topic).put(put_topic).delete(delete_topic),
        )
        .route(
            "/api/topic-permissions/{vhost}/{user}/{exchange}",
            get(one_topic_of).put(put_topic_of).delete(delete_topic_of),
        )
}

/// What is told of each user, by name.
fn of_each(api: &Api, rows: impl Fn(&str, &UserState) -> Vec<Value>) -> Vec<Value> {
    let users = api.broker().users.sorted();
    let rows = |user: &Arc<User>| user.read(|state| rows(&user.name, state));
    users.iter().flat_map(rows).collect()
}

/// The permissions that `which` picks by user and virtual host.
pub(super) fn rows(api: &Api, which: impl Fn(&str, &str) -> bool) -> Vec<Value> {
    of_each(api, |user, state| {
        let all = state.permissions.iter();
        let mine = all.filter(|(vhost, _)| which(user, vhost));
        mine.map(|(vhost, permission)| view(user, vhost, permission))
            .collect()
    })
}

fn view(user: &str, vhost: &str, permission: &Permission) -> Value {
    json!({
        "user": user,
        "vhost": vhost,
        "configure": permission.configure.as_str(),
        "write": permission.write.as_str(),
        "read": permission.read.as_str(),
    })
}

async fn list(State(api): State<Api>, Query(listing): Query<Listing>) -> Answer {
    listing.answer(rows(&api, |_, _| true))
}

async fn one(State(api): State<Api>, Path(at): Path<(String, String)>) -> Answer {
    let (vhost, user) = at;
    let found = api
        .broker()
        .users
        .get(user.as_str())
        .and_then(|user| user.permission(&vhost));
    let found = found.ok_or(ApiError::NotFound)?;
    Listing::default().one(&view(&user, &vhost, &found))
}

/// Grant a user something in a virtual host. Both must be there, which is looked at before
/// `permission` is made; `put` keeps it, and says whether there was none.
fn grant<T>(
    api: &Api,
    (vhost, user): (&str, &str),
    permission: impl FnOnce() -> Result<T, ApiError>,
    announced: impl FnOnce(&User, &Arc<T>) -> Change,
    put: impl FnOnce(&mut UserState, Arc<T>) -> bool,
) -> Answer {
    let user = api.broker().users.get(user);
    let user = user.filter(|_| api.broker().vhosts.contains(vhost));
    let user = user.ok_or_else(|| ApiError::bad_request("vhost_or_user_not_found"))?;
    let permission = Arc::new(permission()?);
    let is_new = user.change(|state| put(state, Arc::clone(&permission)));
    api.announce(|| announced(&user, &permission));
    Ok(created(is_new))
}

/// RabbitMQ shows an Erlang term, whose strings are lists of characters.
fn invalid_regexp(api: &Api, pattern: &Value, invalid: &InvalidPattern) -> ApiError {
    let (text, at) = invalid.words(api.broker().compat.pcre2);
    ApiError::BadRequest(json!(["invalid_regexp", pattern, [codes(text), at]]))
}

fn codes(text: &str) -> Value {
    text.chars().map(u32::from).collect()
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, user)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let request = Request::parse(&body)?;
    let [configure, write, read] = request.patterns(["configure", "write", "read"])?;
    let permission = || {
        let made = Permission::new(configure, write, read);
        made.map_err(|invalid| invalid_regexp(&api, &codes(&invalid.pattern), &invalid))
    };
    grant(
        &api,
        (&vhost, &user),
        permission,
        |user, it| Change::permission_created(&user.name, &vhost, it, caller.name()),
        |state, it| {
            state
                .permissions
                .insert(vhost.as_str().into(), it)
                .is_none()
        },
    )
}

async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, user)): Path<(String, String)>,
) -> Answer {
    let user = api
        .broker()
        .users
        .get(user.as_str())
        .ok_or(ApiError::NotFound)?;
    let gone = user.change(|state| state.permissions.remove(vhost.as_str()));
    gone.ok_or(ApiError::NotFound)?;
    announce_deleted(&api, "permission.deleted", &user.name, &vhost, &caller);
    Ok(no_content())
}

fn announce_deleted(api: &Api, name: &'static str, user: &str, vhost: &str, caller: &Caller) {
    api.announce(|| Change::permission_deleted(name, user, vhost, caller.name()));
}

/// The topic permissions that `which` picks by user and virtual host.
pub(super) fn topic_rows(api: &Api, which: impl Fn(&str, &str) -> bool) -> Vec<Value> {
    of_each(api, |user, state| {
        let all = state.topic_permissions.iter();
        let mine = all.filter(|((vhost, _), _)| which(user, vhost));
        let row = |((vhost, exchange), permission): (&(Name, Name), &Arc<TopicPermission>)| {
            json!({
                "user": user,
                "vhost": vhost.as_str(),
                "exchange": exchange.as_str(),
                "write": permission.write.as_str(),
                "read": permission.read.as_str(),
            })
        };
        mine.map(row).collect()
    })
}

async fn list_topic(State(api): State<Api>, Query(listing): Query<Listing>) -> Answer {
    listing.answer(topic_rows(&api, |_, _| true))
}

async fn one_topic(State(api): State<Api>, Path((vhost, user)): Path<(String, String)>) -> Answer {
    let rows = topic_rows(&api, |one, at| one == user && at == vhost);
    if rows.is_empty() {
        Err(ApiError::NotFound)
    } else {
        Listing::default().answer(rows)
    }
}

async fn put_topic(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, user)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let request = Request::parse(&body)?;
    request.must_have(&["exchange", "write", "read"])?;
    let named = request.get("exchange");
    let exchange = named.and_then(Value::as_str).unwrap_or_default();
    let permission = || {
        let there = api.broker().vhost(&vhost)?;
        let is_unknown = named.is_none_or(|name| !name.is_string())
            || api.broker().compat.checks_topic_exchange && there.exchange(exchange).is_err();
        if is_unknown {
            return Err(ApiError::BadRequest(json!(["no_such_exchange", named])));
        }
        let [write, read] = request.patterns(["write", "read"])?;
        let made = TopicPermission::new(write, read);
        made.map_err(|invalid| invalid_regexp(&api, &json!(invalid.pattern), &invalid))
    };
    let at = (vhost.as_str(), exchange);
    grant(
        &api,
        (&vhost, &user),
        permission,
        |user, it| Change::topic_permission_created(&user.name, at, it, caller.name()),
        |state, it| {
            let all = &mut state.topic_permissions;
            // RabbitMQ counts those of all exchanges as one thing.
            let is_new = !all.keys().any(|(there, _)| *there == *vhost);
            all.insert((vhost.as_str().into(), exchange.into()), it);
            is_new
        },
    )
}

async fn delete_topic(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, user)): Path<(String, String)>,
) -> Answer {
    drop_topic(&api, &caller, &vhost, &user, |_| true)
}

/// RabbitMQ shows all of the user's here too.
async fn one_topic_of(
    state: State<Api>,
    Path((vhost, user, _)): Path<(String, String, String)>,
) -> Answer {
    one_topic(state, Path((vhost, user))).await
}

/// The body names the exchange, whatever the path says, as on RabbitMQ.
async fn put_topic_of(
    state: State<Api>,
    caller: Caller,
    Path((vhost, user, _)): Path<(String, String, String)>,
    body: Bytes,
) -> Answer {
    put_topic(state, caller, Path((vhost, user)), body).await
}

async fn delete_topic_of(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, user, exchange)): Path<(String, String, String)>,
) -> Answer {
    drop_topic(&api, &caller, &vhost, &user, |there| there == exchange)
}

/// Drop the topic permissions for the exchanges that `which` picks. That there is none at all is
/// an error.
fn drop_topic(
    api: &Api,
    caller: &Caller,
    vhost: &str,
    user: &str,
    which: impl Fn(&str) -> bool,
) -> Answer {
    let user = api.broker().users.get(user).ok_or(ApiError::NotFound)?;
    user.change(|state| {
        let all = &mut state.topic_permissions;
        if !all.keys().any(|(there, _)| *there == *vhost) {
            return Err(ApiError::NotFound);
        }
        all.retain(|(there, exchange), _| *there != *vhost || !which(exchange));
        Ok(())
    })?;
    announce_deleted(api, "topic.permission.deleted", &user.name, vhost, caller);
    Ok(no_content())
}
