//! What quorum queues show in `/api/queues` besides, or instead of, what classic ones do.

use serde_json::{Map, Value, json};

use super::Api;
use crate::broker::queue::{Order, Queue, QueueView};

/// Keys of other queues.
const NOT_OF_QUORUM: [&str; 3] = [
    "messages_ready_ram",
    "messages_unacknowledged_ram",
    "storage_version",
];

/// The row of a quorum queue. Nothing is in memory only, and everything is persistent.
pub(super) fn show(row: &mut Map<String, Value>, api: &Api, queue: &Queue, view: &QueueView) {
    let node = api.broker().node.as_str();
    row.retain(|key, _| !NOT_OF_QUORUM.contains(&key.as_str()));
    let bytes = view.ready_bytes + view.unacked_bytes + view.held_bytes;
    let mut set = |key: &str, value: Value| drop(row.insert(key.to_owned(), value));
    set("leader", json!(node));
    set("members", json!([node]));
    set("online", json!([node]));
    set("open_files", json!({ node: 0 }));
    set("messages_ram", json!(0));
    set("message_bytes_ram", json!(0));
    set("messages_persistent", json!(view.messages()));
    set("message_bytes", json!(bytes));
    set("message_bytes_persistent", json!(bytes));
    set("messages_dlx", json!(view.held));
    set("message_bytes_dlx", json!(view.held_bytes));
    let line = &api.broker().compat.quorum;
    match line.order {
        Order::TwoClasses => {
            set("messages_ready_high", json!(waiting(view, 1)));
            set("messages_ready_normal", json!(waiting(view, 0)));
        }
        Order::Levels => {
            let lanes = view.lanes.iter();
            let lanes: Map<_, _> = lanes
                .map(|(lane, n)| (lane.to_string(), json!(n)))
                .collect();
            set("messages_active_priorities", json!(lanes.len()));
            set("messages_by_priority", Value::Object(lanes));
        }
        Order::Arrival | Order::UpTo(_) => {}
    }
    let settings = queue.settings();
    let Some(rules) = &settings.quorum else {
        return;
    };
    if line.delivery_limit.is_some() {
        let limit = rules.delivery_limit;
        set(
            "delivery_limit",
            limit.map_or_else(|| json!("unlimited"), Value::from),
        );
        set("messages_ready_returned", json!(view.returned));
    }
    if line.has_delayed_retry {
        let retry = rules.retry.map(|retry| retry.to_string());
        set(
            "delayed_retry",
            json!(retry.unwrap_or_else(|| "disabled".to_owned())),
        );
        set("messages_delayed", json!(view.delayed));
    }
}

fn waiting(view: &QueueView, lane: u8) -> u64 {
    let found = view.lanes.iter().find(|(there, _)| *there == lane);
    found.map_or(0, |(_, messages)| *messages)
}
