//! `/api/vhosts`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::json::Request;
use super::listing::Listing;
use super::rates::{self, AllTraffic, Look, RangeQuery, Traffic, show};
use super::{Answer, Api, created, no_content, permissions};
use crate::broker::event::Change;
use crate::broker::permission::Permission;
use crate::broker::queue::QueueKind;
use crate::broker::term;
use crate::broker::vhost::{VhostMetadata, VirtualHost};

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/vhosts", get(list))
        .route("/api/vhosts/{vhost}", get(one).put(put).delete(delete))
        .route(
            "/api/vhosts/{vhost}/deletion/protection",
            post(protect).delete(unprotect),
        )
        .route("/api/vhosts/{vhost}/start/{node}", post(start))
        .route("/api/vhosts/{vhost}/permissions", get(permissions))
        .route(
            "/api/vhosts/{vhost}/topic-permissions",
            get(topic_permissions),
        )
}

/// A list by pages makes RabbitMQ 4 fail, and columns are not looked at.
async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    let traffic = AllTraffic::read(api.broker());
    if listing.is_paged()? && api.broker().compat.fails_on_vhost_pages {
        return Err(ApiError::WrongKind);
    }
    let rows = caller
        .vhosts(&api)
        .iter()
        .map(|vhost| view(&api, &look, &traffic, vhost))
        .collect();
    listing.without_columns().answer(rows)
}

/// The virtual host, for administrators.
fn target(api: &Api, name: &str) -> Result<Arc<VirtualHost>, ApiError> {
    api.broker().vhosts.get(name).ok_or(ApiError::NotFound)
}

async fn one(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.ranges()?);
    let traffic = AllTraffic::read(api.broker());
    let vhost = target(&api, &name)?;
    listing.one(&view(&api, &look, &traffic, &vhost))
}

fn view(api: &Api, look: &Look<'_>, traffic: &AllTraffic, vhost: &VirtualHost) -> Value {
    let compat = &api.broker().compat;
    let metadata = vhost.metadata.lock().clone();
    let own_type = metadata.default_queue_type;
    // The lines that do without one say so.
    let default = compat.fills_queue_type.then(|| vhost.default_queue_type());
    let queue_type = own_type.or(default).map(QueueKind::as_str);
    let mut row = json!({
        "name": vhost.name.as_str(),
        "description": metadata.description,
        "tags": metadata.tags,
        "default_queue_type": queue_type.unwrap_or("undefined"),
        "metadata": { "description": metadata.description, "tags": metadata.tags },
        "tracing": vhost.is_tracing(),
        "cluster_state": { api.broker().node.as_str(): "running" },
    });
    if let Some(queue_type) = queue_type {
        row["metadata"]["default_queue_type"] = json!(queue_type);
    }
    if compat.deletion_protection {
        row["protected_from_deletion"] = json!(metadata.protected_from_deletion);
    }
    if metadata.protected_from_deletion {
        row["metadata"]["protected_from_deletion"] = json!(true);
    }
    if let Some(row) = row.as_object_mut() {
        show_traffic(row, look, &traffic.of(&vhost.name), vhost);
        if !api.tells_message_stats() {
            row.remove("message_stats");
        }
    }
    row
}

fn show_traffic(
    row: &mut Map<String, Value>,
    look: &Look<'_>,
    traffic: &Traffic,
    vhost: &VirtualHost,
) {
    let lengths = rates::vhost_lengths(vhost);
    let counts = rates::messages(traffic.channels);
    let (messages, of_lengths, octets) = look.vhost(vhost, counts, lengths, traffic.octets);
    show::put(row, rates::LENGTHS, lengths, &of_lengths);
    show::put(row, rates::OCTETS, traffic.octets, &octets);
    let stats = show::stats(rates::MESSAGES, counts, &messages);
    row.insert("message_stats".to_owned(), stats);
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    body: Bytes,
) -> Answer {
    let request = Request::parse(&body)?;
    let mut metadata = VhostMetadata {
        description: request.text("description").unwrap_or_default().to_owned(),
        tags: request.tags("tags")?.unwrap_or_default(),
        default_queue_type: queue_type(&api, &request)?,
        protected_from_deletion: false,
    };
    let tracing = request.get("tracing").map(|_| request.flag("tracing"));
    let tracing = tracing.transpose()?;
    let broker = api.broker();
    if !broker.vhosts.contains(name.as_str()) {
        broker.check_vhosts(&name, 1)?;
    }
    let is_new = broker.add_vhost(name.as_str().into(), metadata.clone());
    let vhost = broker.vhosts.get(name.as_str()).ok_or(ApiError::NotFound)?;
    if is_new {
        let now = api.shared.clock.now().tick;
        broker.announce_vhost(&vhost, caller.name(), now);
        grant_all(&api, &caller, &name);
    } else {
        let mut there = vhost.metadata.lock();
        metadata.protected_from_deletion = there.protected_from_deletion;
        if broker.compat.keeps_default_queue_type && request.get(QUEUE_TYPE).is_none() {
            metadata.default_queue_type = there.default_queue_type;
        }
        *there = metadata;
    }
    if let Some(on) = tracing {
        vhost.set_tracing(on);
    }
    Ok(created(is_new))
}

const QUEUE_TYPE: &str = "default_queue_type";

/// Lines without default queue types take any, and do nothing with it.
fn queue_type(api: &Api, request: &Request) -> Result<Option<QueueKind>, ApiError> {
    let compat = &api.broker().compat;
    let name = match request.get(QUEUE_TYPE) {
        _ if !compat.fills_queue_type => return Ok(None),
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(name)) if name == "undefined" => return Ok(None),
        Some(Value::String(name)) => name,
        Some(_) if compat.fails_on_unknown_queue_type => return Err(ApiError::WrongKind),
        Some(other) => {
            let text = format!("{other} is not a valid default_queue_type value");
            return Err(ApiError::bad_request(text));
        }
    };
    match QueueKind::from_name(name) {
        Some(kind) => Ok(Some(kind)),
        None if compat.fails_on_unknown_queue_type => Err(ApiError::WrongKind),
        None if name.is_empty() => Err(ApiError::bad_request(
            "default_queue_type must not be an empty string",
        )),
        None => Err(ApiError::bad_request(format!(
            "{name} is not a valid queue type"
        ))),
    }
}

/// Who makes a virtual host over HTTP may use it.
fn grant_all(api: &Api, caller: &Caller, vhost: &str) {
    if let (Caller::User(user), Ok(all)) = (caller, Permission::new(".*", ".*", ".*")) {
        api.announce(|| Change::permission_created(&user.name, vhost, &all, &user.name));
        user.change(|state| state.permissions.insert(vhost.into(), all.into()));
    }
}

fn announce_lost_permissions(api: &Api, vhost: &str, by: &str) {
    let users = api.broker().users.sorted();
    let losing = users.iter().filter(|user| user.permission(vhost).is_some());
    for user in losing {
        let name = "permission.deleted";
        api.announce(|| Change::permission_deleted(name, &user.name, vhost, by));
    }
}

async fn delete(State(api): State<Api>, caller: Caller, Path(name): Path<String>) -> Answer {
    let vhost = target(&api, &name)?;
    if vhost.metadata.lock().protected_from_deletion {
        return Err(ApiError::Precondition(format!(
            "Refusing to delete virtual host '{name}' because it is protected from deletion"
        )));
    }
    announce_lost_permissions(&api, &name, caller.name());
    api.broker().delete_vhost(&name)?;
    api.clear(caller.name(), &vhost);
    api.announce(|| Change::vhost_deleted(&name, caller.name()));
    Ok(no_content())
}

async fn protect(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    set_protection(&api, &name, true)?.ok_or_else(|| {
        ApiError::Missing(format!(
            "Cannot enable deletion protection of virtual host '{name}' because it does not exist"
        ))
    })
}

async fn unprotect(State(api): State<Api>, Path(name): Path<String>) -> Answer {
    set_protection(&api, &name, false)?.ok_or(ApiError::NotFound)
}

fn set_protection(api: &Api, name: &str, on: bool) -> Result<Option<Response>, ApiError> {
    if !api.broker().compat.deletion_protection {
        return Err(ApiError::Bare(405));
    }
    let vhost = api.broker().vhosts.get(name);
    Ok(vhost.map(|vhost| {
        vhost.metadata.lock().protected_from_deletion = on;
        no_content()
    }))
}

/// Nothing is ever stopped here; what cannot be started on RabbitMQ cannot be here.
async fn start(State(api): State<Api>, Path((name, node)): Path<(String, String)>) -> Answer {
    let failed =
        |why: &str| ApiError::bad_request(format!("Request to node {node} failed with {why}"));
    if node != *api.broker().node {
        return Err(failed("nodedown"));
    }
    if !api.broker().vhosts.contains(name.as_str()) {
        let name = term::binary(name.as_bytes());
        return Err(failed(&format!("{{no_such_vhost,{name}}}")));
    }
    Ok(no_content())
}

async fn permissions(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    target(&api, &name)?;
    listing.answer(permissions::rows(&api, |_, vhost| vhost == name))
}

async fn topic_permissions(
    State(api): State<Api>,
    Path(name): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    target(&api, &name)?;
    listing.answer(permissions::topic_rows(&api, |_, vhost| vhost == name))
}
