//! What quorum queues show in `/api/queues` besides, or instead of, what classic ones do.

use serde_json::{Map, Value, json};

use super::queue_view::{QueueRow, as_waiting};
use super::row::Row;
use crate::broker::queue::{Order, QueueView, QuorumRules, Settings};

/// The row of a quorum queue. Nothing is in memory only, and everything is persistent.
pub(super) fn show(row: &mut Row<'_>, it: &QueueRow<'_>, view: &QueueView, settings: &Settings) {
    let (node, compat) = (it.node(), &it.api.broker().compat);
    let bytes = view.ready_bytes + view.unacked_bytes + view.held_bytes;
    row.set("leader", node);
    active_consumer(row, it, view);
    if !compat.shown.backing_queue {
        row.set("publishers", view.publishers);
    }
    row.set("members", [node]);
    row.set("online", [node]);
    row.value("open_files", &json!({ node: 0 }));
    row.set("messages_ram", 0);
    row.set("message_bytes_ram", 0);
    row.set("messages_persistent", view.messages());
    row.set("message_bytes", bytes);
    row.set("message_bytes_persistent", bytes);
    row.set("messages_dlx", view.held);
    row.set("message_bytes_dlx", view.held_bytes);
    as_waiting(row, view);
    let line = &compat.quorum;
    match line.order {
        Order::TwoClasses => {
            row.set("messages_ready_high", waiting(view, 1));
            row.set("messages_ready_normal", waiting(view, 0));
        }
        Order::Levels => {
            let lanes = view.lanes.iter();
            let lanes: Map<_, _> = lanes
                .map(|(lane, n)| (lane.to_string(), json!(n)))
                .collect();
            row.set("messages_active_priorities", lanes.len());
            row.value("messages_by_priority", &Value::Object(lanes));
        }
        Order::Arrival | Order::UpTo(_) => {}
    }
    let Some(rules) = &settings.quorum else {
        return;
    };
    if line.delivery_limit.is_some() {
        row.set("delivery_limit", delivery_limit(rules));
        row.set("messages_ready_returned", view.returned);
    }
    if line.has_delayed_retry {
        let retry = rules.retry.map(|retry| retry.to_string());
        let retry = retry.unwrap_or_else(|| "disabled".to_owned());
        row.set("delayed_retry", retry);
        row.set("messages_delayed", view.delayed);
        let keys = ["next_delayed_at", "last_delayed_at"];
        for (key, at) in keys.iter().zip(view.delayed_until.into_iter().flatten()) {
            row.set(key, it.api.broker().wall_ms(at));
        }
    }
}

/// How often a message may come back.
pub(super) fn delivery_limit(rules: &QuorumRules) -> Value {
    let limit = rules.delivery_limit;
    limit.map_or_else(|| json!("unlimited"), Value::from)
}

/// Without single active consumers it is the first; the oldest line has another key.
fn active_consumer(row: &mut Row<'_>, it: &QueueRow<'_>, view: &QueueView) {
    let active = view.single_active_tag.clone();
    if it.api.broker().compat.shown.backing_queue {
        return row.set("single_active_consumer_ctag", active);
    }
    let first = || Some(it.queue.consumers().first()?.tag.clone());
    let tag = active.or_else(first);
    it.name(row, "single_active_consumer_tag", tag.as_deref());
}

fn waiting(view: &QueueView, lane: u8) -> u64 {
    let found = view.lanes.iter().find(|(there, _)| *there == lane);
    found.map_or(0, |(_, messages)| *messages)
}
