//! `/api/queues/quorum`: replicas of quorum queues, of which one node has one each.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use serde_json::json;

use super::error::ApiError;
use super::json::Request;
use super::seen::Seen;
use super::{Answer, Api, no_content};
use crate::broker::queue::QueueKind;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/queues/quorum/{vhost}/{name}/status", get(status))
        .route("/api/queues/quorum/{vhost}/{name}/replicas/add", post(add))
        .route(
            "/api/queues/quorum/{vhost}/{name}/replicas/delete",
            delete(remove),
        )
        .route("/api/queues/quorum/replicas/on/{node}/grow", post(grow))
        .route(
            "/api/queues/quorum/replicas/on/{node}/shrink",
            delete(shrink),
        )
}

/// The log of a queue that is in memory only: every message is written and applied at once.
async fn status(State(api): State<Api>, vhost: Seen) -> Answer {
    let queue = vhost.queue()?;
    if queue.kind != QueueKind::Quorum {
        let body = json!({ "status": "failed", "reason": refusal(queue.kind) });
        return Ok((StatusCode::SERVICE_UNAVAILABLE, Json(body)).into_response());
    }
    let index = queue.view().stats.publish;
    let member = json!({
        "Node Name": api.broker().node.as_str(),
        "Raft State": "leader",
        "Membership": "voter",
        "Last Log Index": index,
        "Last Written": index,
        "Last Applied": index,
        "Commit Index": index,
        "Snapshot Index": -1,
        "Term": 1,
        "Machine Version": api.broker().compat.quorum.machine_version,
    });
    Ok(Json(json!([member])).into_response())
}

/// Why other queues are not asked.
fn refusal(kind: QueueKind) -> String {
    match kind {
        QueueKind::Classic => "classic_queue_not_supported",
        QueueKind::Quorum | QueueKind::Stream => "not_quorum_queue",
    }
    .to_owned()
}

/// The node of which is spoken, of a queue with replicas.
fn member(vhost: &Seen, body: &Bytes) -> Result<String, ApiError> {
    let queue = vhost.queue()?;
    let request = Request::parse(body)?;
    let [node] = request.texts(["node"])?;
    match queue.kind {
        QueueKind::Quorum => Ok(node.to_owned()),
        kind => Err(ApiError::Unavailable(refusal(kind))),
    }
}

/// Where this node is the only one, it has its replica already.
async fn add(State(api): State<Api>, vhost: Seen, body: Bytes) -> Answer {
    let node = member(&vhost, &body)?;
    match *api.broker().node == *node {
        true => Ok(no_content()),
        false => Err(ApiError::Unavailable("node_not_running".to_owned())),
    }
}

/// What is not on a node is gone from it.
async fn remove(State(api): State<Api>, vhost: Seen, body: Bytes) -> Answer {
    let node = member(&vhost, &body)?;
    match *api.broker().node == *node {
        true => Err(ApiError::Unavailable("last_node".to_owned())),
        false => Ok(accepted()),
    }
}

async fn grow(Path(_node): Path<String>) -> Answer {
    Ok(no_content())
}

async fn shrink(Path(_node): Path<String>) -> Answer {
    Ok(accepted())
}

fn accepted() -> Response {
    StatusCode::ACCEPTED.into_response()
}
