//! `/api/queues`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::{delete, get, post};
use serde_json::{Value, json};

use super::auth::Caller;
use super::connections::no_garbage;
use super::error::ApiError;
use super::exchanges::Conditions;
use super::json::Request;
use super::listing::{Listed as _, Listing, answered};
use super::queue_view::{Extent, QueueRow};
use super::rates::{Look, RangeQuery};
use super::row::Row;
use super::seen::Seen;
use super::{Answer, Api, bindings, consumers, created, no_content, pairs};
use crate::broker::connection::add;
use crate::broker::error::Resource;
use crate::broker::permission::Access;
use crate::broker::queue::{CloseIf, Queue, QueueKind, QueueSpec};
use crate::broker::vhost::VirtualHost;

/// Longest name of a queue: a short string's.
const NAME_BYTES_MAX: usize = 255;

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/queues", get(list))
        .route("/api/queues/detailed", get(detailed))
        .route("/api/users/{user}/queues", get(of_user))
        .route("/api/queues/{vhost}", get(list_vhost))
        .route("/api/queues/{vhost}/{name}/actions", post(action))
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

async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
    Query(extent): Query<Extent>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    let all = all(&api, &caller);
    listing.list(rows(&api, look, &extent, all))
}

fn all(api: &Api, caller: &Caller) -> Vec<Arc<Queue>> {
    let vhosts = caller.visible_vhosts(api);
    let queues = vhosts.iter().flat_map(|vhost| vhost.queues.sorted());
    queues.collect()
}

async fn detailed(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    if !api.broker().compat.shown.detailed_queues {
        return Err(ApiError::NotFound);
    }
    let (look, extent) = (api.look(ranges.list_ranges()?), Extent::default());
    let mut rows = rows(&api, look, &extent, all(&api, &caller));
    rows.iter_mut().for_each(|row| row.is_detailed = true);
    listing.list(rows)
}

/// The queues that a user declared, of those that the caller may see.
async fn of_user(
    State(api): State<Api>,
    caller: Caller,
    Path(user): Path<String>,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    if !api.broker().compat.shown.user_queues {
        return Err(ApiError::NotFound);
    }
    let (look, extent) = (api.look(ranges.list_ranges()?), Extent::default());
    let mut mine = all(&api, &caller);
    mine.retain(|queue| *queue.spec.created_by == *user);
    listing.list(rows(&api, look, &extent, mine))
}

async fn list_vhost(
    State(api): State<Api>,
    vhost: Seen,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
    Query(extent): Query<Extent>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    listing.list(rows(&api, look, &extent, vhost.queues.sorted()))
}

fn rows<'a>(
    api: &'a Api,
    look: Look<'a>,
    extent: &'a Extent,
    queues: impl IntoIterator<Item = Arc<Queue>>,
) -> Vec<QueueRow<'a>> {
    let row = |queue| QueueRow {
        api,
        look,
        extent,
        queue,
        // Lines without a list of all details show them in every list.
        is_detailed: !api.broker().compat.shown.detailed_queues,
        is_alone: false,
    };
    queues.into_iter().map(row).collect()
}

/// A queue as lists show it, for those who are told of it instead of asking.
pub(super) fn listed(api: &Api, queue: Arc<Queue>) -> Option<Value> {
    let look = api.look(RangeQuery::default().list_ranges().ok()?);
    let extent = Extent::default();
    let row = rows(api, look, &extent, [queue]).pop()?;
    let mut out = Vec::new();
    row.write(&mut out, None);
    serde_json::from_slice(&out).ok()
}

async fn one(
    State(api): State<Api>,
    vhost: Seen,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
    Query(extent): Query<Extent>,
) -> Answer {
    let row = QueueRow {
        api: &api,
        look: api.look(ranges.ranges()?),
        extent: &extent,
        queue: vhost.queue()?,
        is_detailed: true,
        is_alone: true,
    };
    let mut out = Vec::new();
    Row::write(&mut out, listing.columns().as_ref(), |json| {
        row.fill(json);
        if extent.has_stats() {
            let consumers = consumers::consumers_of(&api, &row.queue);
            json.value("consumer_details", &consumers.into());
            if row.queue.kind == QueueKind::Stream {
                json.value("garbage_collection", &no_garbage(-1));
            }
            let (incoming, deliveries) = pairs::of_queue(&api, &row.look, &row.queue);
            json.value("deliveries", &deliveries.into());
            json.value("incoming", &incoming.into());
        }
    });
    Ok(answered(out))
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
    check_node(&api, &request)?;
    // Nobody can own a queue over HTTP, but what is said of it must make sense.
    request.flag("exclusive")?;
    api.broker().check_queues(&vhost, &name)?;
    let spec = QueueSpec {
        name: name.into(),
        vhost: vhost.name.clone(),
        durable: request.flag("durable")?,
        auto_delete: request.flag("auto_delete")?,
        owner: None,
        arguments: request.table("arguments")?,
        created_by: caller.name().into(),
    };
    let (_, is_new) = api.change(caller.name(), &vhost, |now, fx| {
        vhost.declare_queue(spec, None, now, fx)
    })?;
    let churn = &api.broker().churn;
    add(&churn.queue_declared, 1);
    add(&churn.queue_created, u64::from(is_new));
    Ok(created(is_new))
}

/// A queue can only be put where there is a node.
fn check_node(api: &Api, request: &Request) -> Result<(), ApiError> {
    match request.word("node")? {
        Some(node) if node != api.broker().node.as_str() => Err(ApiError::bad_request(format!(
            "Node {node} could not be contacted"
        ))),
        _ => Ok(()),
    }
}

/// The queue, to change it with this access.
pub(super) fn target(
    api: &Api,
    caller: &Caller,
    at: &(String, String),
    access: Access,
) -> Result<(Arc<VirtualHost>, Arc<Queue>), ApiError> {
    // That it is not there is told first.
    let vhost = api.broker().vhosts.get(at.0.as_str());
    let queue = vhost.and_then(|vhost| vhost.queues.get(at.1.as_str()));
    let queue = queue.ok_or(ApiError::NotFound)?;
    let vhost = caller.vhost_with(api, &at.0, &[(access, &at.1)])?;
    // Who administers the node may do away with what is in use.
    if queue.spec.owner.is_some() && !matches!(caller, Caller::Local) {
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
    add(&api.broker().churn.queue_deleted, 1);
    Ok(no_content())
}

/// Mirrors were synchronised this way; there are none any more.
async fn action(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let missing = |error| match error {
        ApiError::NotFound => ApiError::Missing("queue_not_found".to_owned()),
        other => other,
    };
    target(&api, &caller, &at, Access::Configure).map_err(missing)?;
    let request = Request::parse(&body)?;
    request.must_have(&["action"])?;
    let action = request.get("action");
    Err(ApiError::BadRequest(json!(["unknown", action])))
}

async fn purge(State(api): State<Api>, caller: Caller, Path(at): Path<(String, String)>) -> Answer {
    let (vhost, queue) = target(&api, &caller, &at, Access::Read)?;
    queue.refuse_if_stream("queue.purge")?;
    api.change(caller.name(), &vhost, |now, fx| queue.purge(now, fx));
    Ok(no_content())
}
