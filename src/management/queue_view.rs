//! How `/api/queues` shows a queue.

use serde_json::{Value, json};

use super::json::table;
use super::{Api, connections, policies, quorum};
use crate::broker::queue::{Queue, QueueKind, QueueStats, StreamView};

/// A queue as a list shows it.
pub(super) fn view(api: &Api, queue: &Queue) -> Value {
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
