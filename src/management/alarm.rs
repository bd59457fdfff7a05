//! The memory alarm: its health checks, and how it is set and raised, which RabbitMQ has no API for.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::{Answer, Api, no_content};
use crate::server::memory;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/health/checks/alarms", get(alarms))
        .route("/api/health/checks/local-alarms", get(local_alarms))
        .route("/dev/alarm", post(change))
}

async fn alarms(State(api): State<Api>, _caller: Caller) -> Answer {
    Ok(check(&api, "There are alarms in effect in the cluster"))
}

async fn local_alarms(State(api): State<Api>, _caller: Caller) -> Answer {
    Ok(check(&api, "There are alarms in effect on the node"))
}

fn check(api: &Api, reason: &str) -> Response {
    if !api.broker().alarm.is_raised() {
        return Json(json!({ "status": "ok" })).into_response();
    }
    let alarm = json!({ "node": api.broker().node.as_str(), "resource": "memory" });
    let body = json!({ "status": "failed", "reason": reason, "alarms": [alarm] });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response()
}

/// Raise the alarm by hand or leave it to the memory (`memory`), or set the limit (`limit_bytes`,
/// `limit_fraction`).
async fn change(State(api): State<Api>, caller: Caller, body: Bytes) -> Answer {
    caller.administrator()?;
    let request = Request::parse(&body)?;
    let limit = limit_bytes(&request)?;
    if limit.is_none() && request.get("memory").is_none() {
        return Err(ApiError::keys_missing(&["memory"]));
    }
    let forced = request.flag("memory")?;
    if let Some(bytes) = limit {
        api.broker().set_memory_limit(bytes);
    }
    if request.get("memory").is_some() {
        api.broker().force_alarm(forced);
    }
    Ok(no_content())
}

fn limit_bytes(request: &Request) -> Result<Option<u64>, ApiError> {
    let fraction = request.get("limit_fraction");
    let bytes = request.get("limit_bytes");
    let bad = || ApiError::bad_request("the limit must be a number that is not negative");
    match (fraction, bytes) {
        (None, None) => Ok(None),
        (Some(fraction), _) => fraction
            .as_f64()
            .filter(|share| *share >= 0.0)
            .map(|share| Some(memory::share_bytes(share)))
            .ok_or_else(bad),
        (None, Some(bytes)) => Value::as_u64(bytes).map(Some).ok_or_else(bad),
    }
}
