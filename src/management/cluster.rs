//! The cluster of one node: its name, who asks, logins, feature flags, and what is done to all.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_proto::value::FieldValue;
use serde::Deserialize;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::nodes::check;
use super::{Answer, Api, no_content};
use crate::broker::CLUSTER_NAME;
use crate::broker::feature_flag::{FeatureFlag, Stage};
use crate::broker::logins::Attempts;
use crate::config;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/whoami", get(whoami))
        .route("/api/version", get(version))
        .route("/api/auth", get(auth))
        .route("/api/login", post(login))
        .route("/api/cluster-name", get(name).put(set_name))
        .route("/api/extensions", get(extensions))
        .route("/api/feature-flags", get(flags))
        .route("/api/feature-flags/{name}/enable", put(enable))
        .route("/api/config/effective", get(effective))
        .route("/api/auth/attempts/{node}", get(attempts).delete(forget))
        .route(
            "/api/auth/attempts/{node}/source",
            get(sources).delete(forget),
        )
        .route("/api/rebalance/queues", post(rebalance))
        .route("/api/reset", delete(reset))
        .route("/api/reset/{node}", delete(reset_node))
        .route("/api/shovels", get(no_shovels))
        .route("/api/shovels/{vhost}", get(no_shovels_in))
}

async fn whoami(State(api): State<Api>, caller: Caller) -> Answer {
    Ok(Json(who(&api, &caller)).into_response())
}

fn who(api: &Api, caller: &Caller) -> Value {
    let mut row = json!({ "name": caller.name(), "tags": caller.tags() });
    if api.broker().compat.shown.internal_user {
        let is_foreign = matches!(caller, Caller::User(user) if user.is_foreign);
        row["is_internal_user"] = json!(!is_foreign);
    }
    row
}

async fn version(State(api): State<Api>) -> Answer {
    let compat = &api.broker().compat;
    match compat.shown.version {
        true => Ok(Json(compat.version).into_response()),
        false => Err(ApiError::NotFound),
    }
}

/// There is no OAuth.
async fn auth(State(api): State<Api>) -> Answer {
    let shown = api.broker().compat.shown.auth.ok_or(ApiError::NotFound)?;
    let flag = if shown.is_empty() {
        "oauth_enabled"
    } else {
        "enable_uaa"
    };
    let mut row = json!({ flag: false });
    for (key, value) in shown {
        row[*key] = json!(value);
    }
    Ok(Json(row).into_response())
}

/// What a page asks for before it asks for anything else.
async fn login(State(api): State<Api>, body: Bytes) -> Answer {
    let Form { username, password } = form(&body).unwrap_or_default();
    let token = STANDARD.encode(format!("{username}:{password}"));
    let caller = Caller::basic(&api, &token, None).await?;
    if api.broker().compat.shown.login_tells_user {
        let token = json!({ "type": "basic", "value": token });
        return Ok(Json(json!({ "user": who(&api, &caller), "token": token })).into_response());
    }
    let mut response = Json("ok").into_response();
    if let Ok(cookie) = HeaderValue::from_str(&format!("auth={token}")) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// What a page sends to log in.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Form {
    username: String,
    password: String,
}

/// A form is written like the query of an address.
fn form(body: &[u8]) -> Option<Form> {
    let address = format!("/?{}", std::str::from_utf8(body).ok()?);
    let form = Query::try_from_uri(&address.parse().ok()?).ok()?;
    Some(form.0)
}

async fn name(State(api): State<Api>, _caller: Caller) -> Answer {
    Ok(Json(json!({ "name": api.broker().cluster_name().as_str() })).into_response())
}

async fn set_name(State(api): State<Api>, body: Bytes) -> Answer {
    let request = Request::parse(&body)?;
    request.must_have(&["name"])?;
    let name = request.text("name").ok_or(ApiError::WrongKind)?;
    let mut parameters = api.broker().parameters.lock();
    parameters.insert(CLUSTER_NAME.into(), FieldValue::from(name));
    Ok(no_content())
}

/// Scripts that plugins add to RabbitMQ's own pages; ours knows what there is.
async fn extensions(_caller: Caller) -> Answer {
    Ok(Json(json!([{ "javascript": "dispatcher.js" }])).into_response())
}

async fn flags(State(api): State<Api>, _caller: Caller) -> Answer {
    let shown = &api.broker().compat.shown;
    let rows = shown.feature_flags.iter();
    let rows: Vec<Value> = rows.map(|flag| flag_row(flag, shown.flag_levels)).collect();
    Ok(Json(rows).into_response())
}

fn flag_row(flag: &FeatureFlag, has_levels: bool) -> Value {
    let mut row = json!({
        "name": flag.name,
        "desc": "",
        "doc_url": "",
        "state": flag.state(),
        "stability": flag.stage.stability(),
        "provided_by": flag.provided_by(),
    });
    if has_levels {
        row["require_level"] = json!(flag.stage.require_level());
        row["experiment_level"] = json!("supported");
        row["callbacks"] = json!(flag.callbacks());
    }
    row
}

/// What there is is enabled.
async fn enable(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    let flags = api.broker().compat.shown.feature_flags;
    let found = flags.iter().find(|flag| flag.name == name);
    match found.is_some_and(|flag| flag.stage != Stage::Experimental) {
        true => Ok(no_content()),
        false => Err(ApiError::bad_request("unsupported")),
    }
}

/// The settings as RabbitMQ prints its own.
async fn effective(State(api): State<Api>) -> Answer {
    Ok(config::erlang::text(&config::effective::rows(&api.settings)).into_response())
}

/// Logins by protocol, of the protocols that were used.
async fn attempts(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    let logins = &api.broker().logins;
    let row = |(protocol, attempts): (&str, &Attempts)| {
        let (succeeded, failed) = attempts.totals();
        let row = json!({
            "protocol": protocol,
            "auth_attempts": succeeded + failed,
            "auth_attempts_failed": failed,
            "auth_attempts_succeeded": succeeded,
        });
        Some(row).filter(|_| succeeded + failed > 0)
    };
    let rows = [("http", &logins.http), ("amqp091", &logins.amqp)];
    let rows: Vec<Value> = rows.into_iter().filter_map(row).collect();
    Ok(Json(rows).into_response())
}

/// Where logins come from is not counted, as on RabbitMQ unless it is told to.
async fn sources(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    Ok(Json(json!([])).into_response())
}

async fn forget(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    api.broker().logins.amqp.reset();
    api.broker().logins.http.reset();
    Ok(no_content())
}

/// One node has all leaders.
async fn rebalance() -> Answer {
    Ok(no_content())
}

/// Forgets statistics, never anything that they are about.
async fn reset(State(api): State<Api>) -> Answer {
    api.forget_rates();
    Ok(no_content())
}

async fn reset_node(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    api.forget_rates();
    Ok(no_content())
}

async fn no_shovels() -> Answer {
    Ok(Json(json!([])).into_response())
}

async fn no_shovels_in(
    State(api): State<Api>,
    caller: Caller,
    Path(vhost): Path<String>,
) -> Answer {
    caller.vhost(&api, &vhost)?;
    Ok(Json(json!([])).into_response())
}
