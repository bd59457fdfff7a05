//! How `/api/queues` shows a queue.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::json::table;
use super::listing::Listed;
use super::rates::{Look, queue_lengths, queue_messages, show};
use super::row::{Columns, Row};
use super::{Api, connections, policies, quorum};
use crate::broker::queue::{Queue, QueueKind, QueueView, Settings, StreamView};

/// How much of a queue is shown.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Extent {
    disable_stats: Option<String>,
    enable_queue_totals: Option<String>,
}

impl Extent {
    pub(super) fn has_stats(&self) -> bool {
        self.disable_stats.as_deref() != Some("true")
    }

    pub(super) fn has_totals(&self) -> bool {
        self.enable_queue_totals.as_deref() == Some("true")
    }
}

/// A queue as a row of a list.
#[derive(Debug)]
pub(super) struct QueueRow<'a> {
    pub(super) api: &'a Api,
    pub(super) look: Look<'a>,
    pub(super) extent: &'a Extent,
    pub(super) queue: Arc<Queue>,
}

impl Listed for QueueRow<'_> {
    fn name(&self) -> &str {
        self.queue.name()
    }

    fn write(&self, out: &mut Vec<u8>, columns: Option<&Columns>) {
        Row::write(out, columns, |row| self.fill(row));
    }
}

impl QueueRow<'_> {
    /// All that lists show.
    pub(super) fn fill(&self, row: &mut Row<'_>) {
        let queue = &*self.queue;
        self.declared(row);
        if self.extent.has_stats() {
            self.statistics(row, &queue.view());
        } else if self.extent.has_totals() {
            let ([messages, ready, unacked], _) = queue.counters();
            row.set("messages", messages);
            row.set("messages_ready", ready);
            row.set("messages_unacknowledged", unacked);
            let online = (queue.kind != QueueKind::Classic).then(|| [self.node()]);
            row.set("online", online);
        }
    }

    fn node(&self) -> &str {
        self.api.broker().node.as_str()
    }

    /// What it was declared as.
    fn declared(&self, row: &mut Row<'_>) {
        let (queue, spec) = (&*self.queue, &self.queue.spec);
        row.set("name", spec.name.as_str());
        row.set("vhost", spec.vhost.as_str());
        row.set("durable", spec.durable);
        row.set("auto_delete", spec.auto_delete);
        row.set("exclusive", spec.owner.is_some());
        if row.wants("arguments") {
            row.value("arguments", &self.arguments());
        }
        row.set("type", queue.kind.as_str());
        row.set("node", self.node());
        row.set("state", "running");
    }

    fn arguments(&self) -> Value {
        let (queue, spec) = (&*self.queue, &self.queue.spec);
        let mut arguments = table(&spec.arguments);
        if self.api.broker().compat.fills_queue_type && arguments.get("x-queue-type").is_none() {
            arguments["x-queue-type"] = json!(queue.kind.as_str());
        }
        arguments
    }

    /// What it holds, who uses it, what happens to its messages.
    fn statistics(&self, row: &mut Row<'_>, view: &QueueView) {
        let (api, queue) = (self.api, &*self.queue);
        self.counters(row, view);
        row.set("consumers", view.consumers);
        row.set("reductions", 0);
        row.object("reductions_details", |row| row.set("rate", 0.0));
        let settings = queue.settings();
        match queue.kind {
            QueueKind::Classic => Self::as_classic(row, view),
            QueueKind::Quorum => quorum::show(row, api, view, &settings),
            QueueKind::Stream => {
                if let Some(stream) = &view.stream {
                    self.as_stream(row, stream, view.consumers);
                }
            }
        }
        self.owners(row, view, &settings);
    }

    fn counters(&self, row: &mut Row<'_>, view: &QueueView) {
        let keys = show::LENGTHS.keys().chain(["message_stats"]);
        if !row.wants_any(keys) {
            return;
        }
        let details = self.look.queue(&self.queue, view).unzip();
        show::LENGTHS.write(row, queue_lengths(view), details.0.as_ref());
        row.object("message_stats", |row| {
            show::QUEUE_MESSAGES.write(row, queue_messages(&view.stats), details.1.as_ref());
        });
    }

    fn owners(&self, row: &mut Row<'_>, view: &QueueView, settings: &Settings) {
        policies::applied(row, &settings.applied);
        let owner = self.queue.spec.owner;
        if let Some(owner) = owner.and_then(|id| self.api.broker().connections.get(&id)) {
            row.value("owner_pid_details", &connections::details(&owner));
        }
        if let Some(tag) = &view.exclusive_consumer_tag {
            row.set("exclusive_consumer_tag", tag);
        }
    }

    fn as_classic(row: &mut Row<'_>, view: &QueueView) {
        let bytes = view.ready_bytes + view.unacked_bytes;
        row.set("messages_ram", view.ready + view.unacked);
        row.set("messages_ready_ram", view.ready);
        row.set("messages_unacknowledged_ram", view.unacked);
        row.set("messages_persistent", view.persistent);
        row.set("message_bytes", bytes);
        row.set("message_bytes_ram", bytes);
        row.set("message_bytes_persistent", view.persistent_bytes);
        row.set("storage_version", 2);
        as_waiting(row, view);
    }

    /// What a stream shows instead of how its messages wait.
    fn as_stream(&self, row: &mut Row<'_>, stream: &StreamView, readers: usize) {
        let node = self.node();
        row.set("memory", stream.bytes);
        let first = stream.first_arrival.map(|at| self.api.broker().wall_ms(at));
        row.set("first_timestamp", first.unwrap_or(0));
        row.set("segments", stream.segments);
        row.value("readers", &json!({ node: readers }));
        row.set("leader", node);
        row.set("members", [node]);
        row.set("online", [node]);
        row.set("internal", false);
        row.set("internal_owner", false);
    }
}

/// What all queues show that messages are taken from.
pub(super) fn as_waiting(row: &mut Row<'_>, view: &QueueView) {
    row.set("memory", view.ready_bytes + view.unacked_bytes);
    row.set("message_bytes_ready", view.ready_bytes);
    row.set("message_bytes_unacknowledged", view.unacked_bytes);
    row.set("consumer_capacity", view.consumer_capacity);
    row.set("consumer_utilisation", view.consumer_capacity);
    row.set("single_active_consumer_tag", &view.single_active_tag);
    row.set("internal", false);
    row.set("internal_owner", ());
}
