//! `/api/queues`.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::routing::{delete, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use leveret_proto::content::Properties;
use serde_json::{Map, Value, json};

use super::auth::Caller;
use super::error::ApiError;
use super::exchanges::Conditions;
use super::json::{Request, table};
use super::listing::Listing;
use super::{
    Answer, Api, HTTP_PARTY, bindings, connections, created, no_content, policies, quorum,
};
use crate::broker::effects::Effects;
use crate::broker::error::Resource;
use crate::broker::permission::Access;
use crate::broker::queue::{
    CloseIf, ConsumerKey, Entry, Got, Queue, QueueKind, QueueSpec, QueueStats, Settlement,
    StreamView, Unacked, settle,
};
use crate::broker::tick::Tick;
use crate::broker::trace::{self, Party};
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
        .route("/api/queues/{vhost}/{name}/get", post(get_messages))
}

async fn list(State(api): State<Api>, caller: Caller, Query(listing): Query<Listing>) -> Answer {
    let vhosts = caller.vhosts(&api);
    let all = vhosts.iter().flat_map(|vhost| vhost.queues.sorted());
    listing.answer(all.map(|queue| view(&api, &queue)).collect())
}

async fn list_vhost(
    State(api): State<Api>,
    caller: Caller,
    Path(vhost): Path<String>,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhost = caller.vhost(&api, &vhost)?;
    listing.answer(
        vhost
            .queues
            .sorted()
            .iter()
            .map(|queue| view(&api, queue))
            .collect(),
    )
}

async fn one(
    State(api): State<Api>,
    caller: Caller,
    Path((vhost, name)): Path<(String, String)>,
    Query(listing): Query<Listing>,
) -> Answer {
    let vhost = caller.vhost(&api, &vhost)?;
    let queue = vhost.queues.get(name.as_str()).ok_or(ApiError::NotFound)?;
    let mut row = view(&api, &queue);
    row["consumer_details"] = connections::consumers_of(&api, &queue).into();
    row["deliveries"] = json!([]);
    row["incoming"] = json!([]);
    listing.one(&row)
}

fn view(api: &Api, queue: &Queue) -> Value {
    let (spec, view) = (&queue.spec, queue.view());
    let node = api.broker().node.as_str();
    let mut arguments = table(&spec.arguments);
    if api.broker().compat.fills_queue_type && arguments.get("x-queue-type").is_none() {
        arguments["x-queue-type"] = json!(queue.kind.as_str());
    }
    let owner = spec.owner.and_then(|id| api.broker().connections.get(&id));
    let mut row = json!({
        "name": spec.name.as_str(),
        "vhost": spec.vhost.as_str(),
        "durable": spec.durable,
        "auto_delete": spec.auto_delete,
        "exclusive": spec.owner.is_some(),
        "arguments": arguments,
        "type": queue.kind.as_str(),
        "node": node,
        "state": "running",
        "messages": view.messages(),
        "messages_ready": view.ready,
        "messages_unacknowledged": view.unacked,
        "messages_ram": view.ready + view.unacked,
        "messages_ready_ram": view.ready,
        "messages_unacknowledged_ram": view.unacked,
        "messages_persistent": view.persistent,
        "message_bytes": view.ready_bytes + view.unacked_bytes,
        "message_bytes_ready": view.ready_bytes,
        "message_bytes_unacknowledged": view.unacked_bytes,
        "message_bytes_ram": view.ready_bytes + view.unacked_bytes,
        "message_bytes_persistent": view.persistent_bytes,
        "consumers": view.consumers,
        "consumer_capacity": view.consumer_capacity,
        "consumer_utilisation": view.consumer_capacity,
        "single_active_consumer_tag": view.single_active_tag,
        "storage_version": 2,
        "internal": false,
        "internal_owner": null,
        "memory": view.ready_bytes + view.unacked_bytes,
        "reductions": 0,
        "message_stats": stats(&view.stats),
    });
    if let (QueueKind::Quorum, Some(row)) = (queue.kind, row.as_object_mut()) {
        quorum::show(row, api, queue, &view);
    }
    if let Some(stream) = &view.stream {
        as_stream(&mut row, api, stream, view.consumers);
    }
    if let Some(row) = row.as_object_mut() {
        policies::applied(row, &queue.settings().applied);
    }
    if let Some(owner) = owner {
        row["owner_pid_details"] = connections::details(&owner);
    }
    if let Some(tag) = view.exclusive_consumer_tag {
        row["exclusive_consumer_tag"] = json!(tag);
    }
    row
}

/// What a stream shows instead of how its messages wait.
fn as_stream(row: &mut Value, api: &Api, stream: &StreamView, readers: usize) {
    let node = api.broker().node.as_str();
    if let Value::Object(row) = row {
        row.retain(|key, _| !NOT_OF_STREAMS.contains(&key.as_str()));
    }
    row["memory"] = json!(stream.bytes);
    let first = stream.first_arrival.map(|at| api.broker().wall_ms(at));
    row["first_timestamp"] = json!(first.unwrap_or(0));
    row["segments"] = json!(stream.segments);
    row["readers"] = json!({ node: readers });
    row["leader"] = json!(node);
    row["members"] = json!([node]);
    row["online"] = json!([node]);
    row["internal_owner"] = json!(false);
}

/// Keys of other queues.
const NOT_OF_STREAMS: [&str; 13] = [
    "messages_ram",
    "messages_ready_ram",
    "messages_unacknowledged_ram",
    "messages_persistent",
    "message_bytes",
    "message_bytes_ready",
    "message_bytes_unacknowledged",
    "message_bytes_ram",
    "message_bytes_persistent",
    "consumer_capacity",
    "consumer_utilisation",
    "single_active_consumer_tag",
    "storage_version",
];

fn stats(stats: &QueueStats) -> Value {
    json!({
        "publish": stats.publish,
        "deliver": stats.deliver,
        "deliver_no_ack": stats.deliver_no_ack,
        "deliver_get": stats.deliver_get(),
        "get": stats.get,
        "get_no_ack": stats.get_no_ack,
        "get_empty": stats.get_empty,
        "ack": stats.ack,
        "redeliver": stats.redeliver,
    })
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
fn target(
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

async fn get_messages(
    State(api): State<Api>,
    caller: Caller,
    Path(at): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let (vhost, queue) = target(&api, &caller, &at, Access::Read)?;
    queue
        .refuse_if_stream("basic.get")
        .map_err(|refused| ApiError::bad_request(format!("540 {refused}")))?;
    queue
        .check_get(&api.broker().compat)
        .map_err(|refused| ApiError::bad_request(format!("405 RESOURCE_LOCKED - {refused}")))?;
    let request = Request::parse(&body)?;
    let count = request.get("count").and_then(Value::as_u64);
    let (Some(count), Some(mode), Some(encoding)) =
        (count, request.text("ackmode"), request.text("encoding"))
    else {
        let keys = ["count", "ackmode", "encoding"];
        let missing: Vec<_> = keys
            .into_iter()
            .filter(|key| request.get(key).is_none())
            .collect();
        return Err(ApiError::keys_missing(&missing));
    };
    let how = match mode {
        "ack_requeue_true" => Settlement::Return,
        "reject_requeue_true" => Settlement::Requeue,
        "ack_requeue_false" => Settlement::Ack,
        "reject_requeue_false" => Settlement::Reject,
        other => return Err(ApiError::BadRequest(json!(["invalid_ackmode", other]))),
    };
    if !["auto", "base64"].contains(&encoding) {
        return Err(ApiError::BadRequest(json!([
            "unsupported_encoding",
            encoding
        ])));
    }
    let truncate = request.get("truncate").and_then(Value::as_u64);
    let show = Show {
        encoding: encoding.to_owned(),
        truncate,
    };
    let taking = Taking {
        count,
        how,
        show,
        user: caller.name(),
    };
    let rows = api.change(caller.name(), &vhost, |now, fx| {
        take(&queue, &taking, now, fx)
    });
    count_gets(&vhost, rows.len() as u64, &taking);
    Listing::default().answer(rows)
}

struct Show {
    encoding: String,
    truncate: Option<u64>,
}

/// A request for messages.
struct Taking<'a> {
    count: u64,
    how: Settlement,
    show: Show,
    user: &'a str,
}

/// RabbitMQ opens a channel for each request.
fn count_gets(vhost: &VirtualHost, messages: u64, it: &Taking<'_>) {
    let totals = &vhost.totals;
    totals.count(|stats| &stats.get, messages);
    totals.count(|stats| &stats.get_empty, u64::from(messages < it.count));
    if it.how == Settlement::Ack {
        totals.count(|stats| &stats.ack, messages);
    }
}

/// Take messages and settle them as asked.
fn take(queue: &Arc<Queue>, it: &Taking<'_>, now: Tick, fx: &mut Effects) -> Vec<Value> {
    let (mut rows, mut batch) = (Vec::new(), Vec::new());
    while (rows.len() as u64) < it.count {
        let Some(Got { entry, remaining }) = queue.get(false, now, fx) else {
            break;
        };
        let party = Party {
            user: it.user,
            ..HTTP_PARTY
        };
        trace::delivered(party, queue, &entry.message, entry.redelivered, fx);
        let mut row = message(queue, &entry, &it.show);
        row["redelivered"] = json!(entry.redelivered);
        row["message_count"] = json!(remaining);
        rows.push(row);
        let queue = Arc::clone(queue);
        batch.push(Unacked {
            tag: 0,
            queue,
            consumer: ConsumerKey::NONE,
            entry,
        });
    }
    settle(&mut batch, it.how, now, fx);
    rows
}

fn message(queue: &Queue, entry: &Entry, show: &Show) -> Value {
    let message = &entry.message;
    let counted = queue.properties(entry, true);
    let body = message.body();
    let shown = show
        .truncate
        .and_then(|max| usize::try_from(max).ok())
        .unwrap_or(body.len());
    let shown = body.get(..shown).unwrap_or(body);
    let text = std::str::from_utf8(shown)
        .ok()
        .filter(|_| show.encoding == "auto");
    let (payload, encoding) = match text {
        Some(text) => (text.to_owned(), "string"),
        None => (STANDARD.encode(shown), "base64"),
    };
    json!({
        "payload": payload,
        "payload_bytes": body.len(),
        "payload_encoding": encoding,
        "exchange": message.exchange(),
        "routing_key": message.routing_key(),
        "properties": properties(counted.as_deref().unwrap_or(message.properties())),
    })
}

fn properties(raw: &[u8]) -> Value {
    let Ok(it) = Properties::decode(raw) else {
        return json!({});
    };
    let text =
        |value: Option<leveret_proto::value::ShortString>| value.map(|text| json!(text.as_str()));
    let fields = [
        ("content_type", text(it.content_type)),
        ("content_encoding", text(it.content_encoding)),
        ("headers", it.headers.as_ref().map(table)),
        ("delivery_mode", it.delivery_mode.map(Value::from)),
        ("priority", it.priority.map(Value::from)),
        ("correlation_id", text(it.correlation_id)),
        ("reply_to", text(it.reply_to)),
        ("expiration", text(it.expiration)),
        ("message_id", text(it.message_id)),
        ("timestamp", it.timestamp.map(Value::from)),
        ("type", text(it.kind)),
        ("user_id", text(it.user_id)),
        ("app_id", text(it.app_id)),
        ("cluster_id", text(it.cluster_id)),
    ];
    let there = fields
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(there.collect::<Map<_, _>>())
}
