//! `/api/vhosts`.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::listing::Listing;
use super::{Answer, Api, connections, created, no_content, permissions};
use crate::broker::permission::Permission;
use crate::broker::vhost::{VhostMetadata, VirtualHost};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/vhosts", get(list))
        .route("/api/vhosts/{vhost}", get(one).put(put).delete(delete))
        .route("/api/vhosts/{vhost}/permissions", get(permissions))
        .route("/api/vhosts/{vhost}/connections", get(connections_of))
}

async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    let rows = caller
        .vhosts(&api)
        .iter()
        .map(|vhost| view(&api, vhost))
        .collect();
    listing.answer(rows)
}

async fn one(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhost = caller.vhost(&api, &name)?;
    listing.one(&view(&api, &vhost))
}

fn view(api: &Api, vhost: &VirtualHost) -> Value {
    let metadata = vhost.metadata.lock().clone();
    let views: Vec<_> = vhost
        .queues
        .snapshot()
        .iter()
        .map(|queue| queue.view())
        .collect();
    let ready: u64 = views.iter().map(|view| view.ready).sum();
    let unacked: u64 = views.iter().map(|view| view.unacked).sum();
    let queue_type = metadata.default_queue_type.as_deref().unwrap_or("classic");
    json!({
        "name": vhost.name.as_str(),
        "description": metadata.description,
        "tags": metadata.tags,
        "default_queue_type": queue_type,
        "metadata": {
            "description": metadata.description,
            "tags": metadata.tags,
            "default_queue_type": queue_type,
        },
        "messages": ready + unacked,
        "messages_ready": ready,
        "messages_unacknowledged": unacked,
        "tracing": vhost.is_tracing(),
        "protected_from_deletion": false,
        "cluster_state": { api.broker().node.as_str(): "running" },
    })
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Answer {
    caller.administrator()?;
    let request = Request::parse(&body)?;
    let metadata = VhostMetadata {
        description: request.text("description").unwrap_or_default().to_owned(),
        tags: request.tags("tags").unwrap_or_default(),
        default_queue_type: request.text("default_queue_type").map(str::to_owned),
    };
    check_queue_type(metadata.default_queue_type.as_deref())?;
    let tracing = request.get("tracing").map(|_| request.flag("tracing"));
    let tracing = tracing.transpose()?;
    let broker = api.broker();
    let is_new = broker.add_vhost(name.as_str().into(), metadata.clone());
    if is_new {
        grant_all(&caller, &name);
    } else if let Some(vhost) = broker
        .vhosts
        .get(name.as_str())
        .filter(|_| !body.is_empty())
    {
        *vhost.metadata.lock() = metadata;
    }
    if let (Some(on), Some(vhost)) = (tracing, broker.vhosts.get(name.as_str())) {
        vhost.set_tracing(on);
    }
    Ok(created(is_new))
}

fn check_queue_type(name: Option<&str>) -> Result<(), ApiError> {
    match name {
        None | Some("classic" | "undefined") => Ok(()),
        Some(name @ ("quorum" | "stream")) => Err(ApiError::bad_request(format!(
            "queue type '{name}' is not built yet"
        ))),
        Some(name) => Err(ApiError::bad_request(format!(
            "{name} is not a valid queue type"
        ))),
    }
}

/// Who makes a virtual host over HTTP may use it.
fn grant_all(caller: &Caller, vhost: &str) {
    if let (Caller::User(user), Ok(all)) = (caller, Permission::new(".*", ".*", ".*")) {
        user.change(|state| state.permissions.insert(vhost.into(), all.into()));
    }
}

async fn delete(State(api): State<Api>, caller: Caller, Path(name): Path<String>) -> Answer {
    caller.administrator()?;
    let vhost = api
        .broker()
        .vhosts
        .get(name.as_str())
        .ok_or(ApiError::NotFound)?;
    api.broker().delete_vhost(&name)?;
    api.clear(&vhost);
    Ok(no_content())
}

async fn permissions(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    caller.administrator()?;
    caller.vhost(&api, &name)?;
    listing.answer(permissions::rows(&api, |_, vhost| vhost == name))
}

async fn connections_of(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    caller.vhost(&api, &name)?;
    let seen = connections::seen(&api, &caller);
    let rows = seen
        .iter()
        .filter(|one| *one.vhost == *name)
        .map(|one| connections::view(&api, one));
    listing.answer(rows.collect())
}
