//! What RabbitMQ has no API for: stop, check a password, move the clock.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::super::error::ApiError;
use super::super::json::Request;
use super::super::{Answer, Api, no_content};
use crate::log::Level;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/dev/stop", post(stop))
        .route("/dev/app", get(app))
        .route("/dev/app/{action}", post(act))
        .route("/dev/authenticate", post(authenticate))
        .route("/dev/clock", post(clock))
        .route("/dev/log-level", post(log_level))
}

/// Stop the broker: `rabbitmqctl stop`.
async fn stop(State(api): State<Api>) -> Answer {
    api.shared.stop();
    Ok(no_content())
}

/// Whether the application runs, and clients are let in.
async fn app(State(api): State<Api>) -> Answer {
    let shared = &api.shared;
    Ok(Json(json!({
        "running": shared.is_running(),
        "suspended": shared.is_suspended(),
    }))
    .into_response())
}

/// `rabbitmqctl stop_app`, `start_app`, `reset`, `suspend_listeners`, `resume_listeners`.
async fn act(State(api): State<Api>, Path(action): Path<String>) -> Answer {
    let shared = &api.shared;
    let done = match action.as_str() {
        "stop" => shared.stop_application().await,
        "start" => shared.start_application().await,
        "suspend" => shared.suspend_listeners(true).await,
        "resume" => shared.suspend_listeners(false).await,
        "reset" if shared.is_running() => {
            let text = "the application must be stopped first".to_owned();
            return Err(ApiError::Precondition(text));
        }
        "reset" => {
            api.broker().reset(shared.clock.now().tick);
            Ok(())
        }
        _ => return Err(ApiError::NotFound),
    };
    done.map_err(|error| ApiError::Unavailable(error.to_string()))?;
    Ok(no_content())
}

/// Check a password: `rabbitmqctl authenticate_user`.
async fn authenticate(State(api): State<Api>, body: Bytes) -> Answer {
    let request = Request::parse(&body)?;
    let [username, password] = request.texts(["username", "password"])?;
    let authenticated = api.broker().authenticate(username, password).is_some();
    Ok(Json(json!({ "authenticated": authenticated })).into_response())
}

/// Move the clock of one virtual host, or of all: TTLs, expiries and delays are due at once.
async fn clock(State(api): State<Api>, body: Bytes) -> Answer {
    let request = Request::parse(&body)?;
    let ms = request.get("advance_ms").and_then(Value::as_u64);
    let ms = ms.ok_or_else(|| ApiError::keys_missing(&["advance_ms"]))?;
    api.broker().advance_ms(request.text("vhost"), ms)?;
    Ok(no_content())
}

/// Change how much is logged, of one category or of all: `rabbitmqctl set_log_level`.
async fn log_level(State(api): State<Api>, body: Bytes) -> Answer {
    let request = Request::parse(&body)?;
    let [level] = request.texts(["level"])?;
    let known = Level::named(level)
        .ok_or_else(|| ApiError::bad_request(format!("level {level} is not supported")))?;
    match request.text("category") {
        None => api.log_levels.set_all(known),
        Some(category) if api.log_levels.set(category, known) => {}
        Some(category) => {
            let text = format!("there is no category '{category}'");
            return Err(ApiError::bad_request(text));
        }
    }
    Ok(no_content())
}
