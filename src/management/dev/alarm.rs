//! The memory alarm: how it is set and raised, which RabbitMQ has no API for.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use serde_json::Value;

use super::super::error::ApiError;
use super::super::json::Request;
use super::super::{Answer, Api, no_content};
use crate::server::memory;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/dev/alarm", post(change))
}

/// Raise the alarm by hand or leave it to the memory (`memory`), or set the limit (`limit_bytes`,
/// `limit_fraction`).
async fn change(State(api): State<Api>, body: Bytes) -> Answer {
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
