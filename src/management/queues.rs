//! `/api/queues`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::{delete, get};
use serde_json::json;

use super::auth::Caller;
use super::error::ApiError;
use super::exchanges::Conditions;
use super::json::Request;
use super::listing::Listing;
use super::queue_view::view;
use super::seen::Seen;
use super::{Answer, Api, bindings, consumers, created, no_content};
use crate::broker::error::Resource;
use crate::broker::permission::Access;
use crate::broker::queue::{CloseIf, Queue, QueueSpec};
use crate::broker::vhost::VirtualHost;

/// Longest name of a queue: a short string's.
const NAME_BYTES_MAX: usize = 255;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/queues", get(list))
        .route("/api/queues/{vhost}", get(list_vhost))
        .route(
            "/api/queues/{vhost}/{name}",
            get(one).put(put).delete(delete_queue),
        )
        .route("/api/queues/{vhost}/{name}/contents", delete(purge))
        .route(
            "/api/queues/{vhost}/{name}/bindings",
            get(bindings::to_queue),
        )
}

async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    let vhosts = caller.vhosts(&api);
    let all = vhosts.iter().flat_map(|vhost| vhost.queues.sorted());
    listing.answer(all.map(|queue| view(&api, &queue)).collect())
}

async fn list_vhost(State(api): State<Api>, vhost: Seen, Query(listing): Query<Listing>) -> Answer {
    listing.answer(
        vhost
            .queues
            .sorted()
            .iter()
            .map(|queue| view(&api, queue))
            .collect(),
    )
}

async fn one(State(api): State<Api>, vhost: Seen, Query(listing): Query<Listing>) -> Answer {
    let queue = vhost.queue()?;
    let mut row = view(&api, &queue);
    row["consumer_details"] = consumers::consumers_of(&api, &queue).into();
    row["deliveries"] = json!([]);
    row["incoming"] = json!([]);
    listing.one(&row)
}

async fn put(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, name)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let request = Request::parse(&body)?;
    if name.len() > NAME_BYTES_MAX {
        let text = format!(
            "queue should be less than 255 bytes, actually was {}\n",
            name.len()
        );
        return Err(ApiError::bad_request(text));
    }
    let vhost = caller.vhost_with(&api, &vhost, &[(Access::Configure, &name)])?;
    if name.starts_with(crate::broker::name::RESERVED_PREFIX) {
        return Err(ApiError::Refused("Access refused."));
    }
    let spec = QueueSpec {
        name: name.into(),
        vhost: vhost.name.clone(),
        durable: request.flag("durable")?,
        auto_delete: request.flag("auto_delete")?,
        owner: None,
        arguments: request.table("arguments"),
        created_by: caller.name().into(),
    };
    let (_, is_new) = api.change(caller.name(), &vhost, |now, fx| {
        vhost.declare_queue(spec, None, now, fx)
    })?;
    Ok(created(is_new))
}

/// The queue, to change it with this access.
pub(super) fn target(
    api: &Api,
    caller: &Caller,
    at: &(String, String),
    access: Access,
) -> Result<(Arc<VirtualHost>, Arc<Queue>), ApiError> {
    let vhost = caller.vhost_with(api, &at.0, &[(access, &at.1)])?;
    let queue = vhost.queues.get(at.1.as_str()).ok_or(ApiError::NotFound)?;
    if queue.spec.owner.is_some() {
        let subject = vhost.subject(Resource::Queue, &at.1);
        return Err(crate::broker::error::BrokerError::Locked(subject).into());
    }
    Ok((vhost, queue))
}

async fn delete_queue(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    Query(conditions): Query<Conditions>,
) -> Answer {
    let (vhost, queue) = target(&api, &caller, &at, Access::Configure)?;
    let condition = CloseIf {
        unused: conditions.if_unused.as_deref() == Some("true"),
        empty: conditions.if_empty.as_deref() == Some("true"),
    };
    api.change(caller.name(), &vhost, |_, fx| {
        vhost.delete_queue(&queue, condition, fx)
    })?;
    Ok(no_content())
}

async fn purge(State(api): State<Api>, caller: Caller, Path(at): Path<(String, String)>) -> Answer {
    let (vhost, queue) = target(&api, &caller, &at, Access::Read)?;
    queue.refuse_if_stream("queue.purge")?;
    api.change(caller.name(), &vhost, |now, fx| queue.purge(now, fx));
    Ok(no_content())
}
