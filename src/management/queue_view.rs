//! How `/api/queues` shows a queue.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::connections::no_garbage;
use super::json::table;
use super::listing::Listed;
use super::rates::{Look, queue_lengths, queue_messages, show};
use super::row::{Columns, Row};
use super::{Api, connections, quorum};
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
    /// With what lists leave out, unless they are of all details.
    pub(super) is_detailed: bool,
    /// It is what was asked for, not a row of a list.
    pub(super) is_alone: bool,
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
        if !self.extent.has_stats() {
            return self.short(row);
        }
        self.declared(row);
        row.set("exclusive", self.queue.spec.owner.is_some());
        row.set("node", self.node());
        self.statistics(row, &self.queue.view());
    }

    pub(super) fn node(&self) -> &str {
        self.api.broker().node.as_str()
    }

    /// What it was declared as.
    pub(super) fn declared(&self, row: &mut Row<'_>) {
        let (queue, spec) = (&*self.queue, &self.queue.spec);
        row.set("name", spec.name.as_str());
        row.set("vhost", spec.vhost.as_str());
        row.set("durable", spec.durable);
        row.set("auto_delete", spec.auto_delete);
        if row.wants("arguments") {
            row.value("arguments", &self.arguments());
        }
        row.set("type", queue.kind.as_str());
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
        let queue = &*self.queue;
        self.counters(row, view);
        row.set("consumers", view.consumers);
        row.set("reductions", 0);
        row.object("reductions_details", |row| row.set("rate", 0.0));
        let settings = queue.settings();
        match queue.kind {
            QueueKind::Classic => self.as_classic(row, view),
            QueueKind::Quorum => quorum::show(row, self, view, &settings),
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
        if self.api.tells_message_stats() {
            row.object("message_stats", |row| {
                show::QUEUE_MESSAGES.write(row, queue_messages(&view.stats), details.1.as_ref());
            });
        }
    }

    fn owners(&self, row: &mut Row<'_>, view: &QueueView, settings: &Settings) {
        if self.is_detailed && queue_has_process(self.queue.kind) {
            row.value("garbage_collection", &no_garbage(0));
        }
        let lists_idle = self.is_detailed || self.api.broker().compat.shown.backing_queue;
        if lists_idle && self.queue.kind == QueueKind::Classic {
            let since = self
                .api
                .idle_since(&self.queue.spec.vhost, view.last_active);
            if let Some(since) = since {
                row.set("idle_since", since);
            }
        }
        let applied = &settings.applied;
        self.name(row, "policy", applied.policy.as_deref());
        self.name(row, "operator_policy", applied.operator_policy.as_deref());
        if row.wants("effective_policy_definition") {
            let definition = table(&applied.definition);
            row.value("effective_policy_definition", &definition);
        }
        if self.api.broker().compat.shown.internal_queues {
            row.set("internal", false);
            row.set("internal_owner", false);
        }
        let owner = self.queue.spec.owner;
        if let Some(owner) = owner.and_then(|id| self.api.broker().connections.get(&id)) {
            row.value("owner_pid_details", &connections::details(&owner));
        }
        if self.queue.kind == QueueKind::Classic {
            let tag = view.exclusive_consumer_tag.as_deref();
            self.name(row, "exclusive_consumer_tag", tag);
        }
    }

    /// A name, if there is one; only details say that there is none.
    pub(super) fn name(&self, row: &mut Row<'_>, key: &str, name: Option<&str>) {
        if self.is_detailed || name.is_some() {
            row.set(key, name);
        }
    }

    fn as_classic(&self, row: &mut Row<'_>, view: &QueueView) {
        let bytes = view.ready_bytes + view.unacked_bytes;
        row.set("messages_ram", view.ready + view.unacked);
        row.set("messages_ready_ram", view.ready);
        row.set("messages_unacknowledged_ram", view.unacked);
        row.set("messages_persistent", view.persistent);
        row.set("message_bytes", bytes);
        row.set("message_bytes_ram", bytes);
        row.set("message_bytes_persistent", view.persistent_bytes);
        let shown = &self.api.broker().compat.shown;
        if shown.paged_out {
            row.set("messages_paged_out", 0);
            row.set("message_bytes_paged_out", 0);
        }
        if shown.backing_queue {
            row.set("recoverable_slaves", ());
            row.value("backing_queue_status", &backing_queue(view));
        } else {
            row.set("storage_version", 2);
        }
        if self.is_detailed {
            row.set("head_message_timestamp", ());
        }
        let tag = view.single_active_tag.as_deref();
        self.name(row, "single_active_consumer_tag", tag);
        as_waiting(row, view);
    }

    /// What a stream shows instead of how its messages wait.
    fn as_stream(&self, row: &mut Row<'_>, stream: &StreamView, readers: usize) {
        let node = self.node();
        row.set("memory", stream.bytes);
        let shown = &self.api.broker().compat.shown;
        if shown.internal_queues {
            let first = stream.first_arrival.map(|at| self.api.broker().wall_ms(at));
            row.set("first_timestamp", first.unwrap_or(0));
        }
        if !shown.backing_queue {
            row.set("segments", stream.segments);
            row.set("leader", node);
        }
        row.value("readers", &json!({ node: readers }));
        row.set("members", [node]);
        row.set("online", [node]);
    }
}

/// On RabbitMQ a stream is not a process of its own.
fn queue_has_process(kind: QueueKind) -> bool {
    kind != QueueKind::Stream
}

/// The four parts of a queue on the oldest line, of which we have none.
fn backing_queue(view: &QueueView) -> Value {
    json!({
        "avg_ack_egress_rate": 0.0,
        "avg_ack_ingress_rate": 0.0,
        "avg_egress_rate": 0.0,
        "avg_ingress_rate": 0.0,
        "delta": ["delta", "undefined", 0, 0, "undefined"],
        "len": view.ready,
        "mode": "default",
        "next_deliver_seq_id": view.stats.deliver_get(),
        "next_seq_id": view.stats.publish,
        "q1": 0,
        "q2": 0,
        "q3": 0,
        "q4": view.ready,
        "target_ram_count": "infinity",
        "version": 1,
    })
}

/// What all queues show that messages are taken from.
pub(super) fn as_waiting(row: &mut Row<'_>, view: &QueueView) {
    row.set("memory", view.ready_bytes + view.unacked_bytes);
    row.set("message_bytes_ready", view.ready_bytes);
    row.set("message_bytes_unacknowledged", view.unacked_bytes);
    row.set("consumer_capacity", view.consumer_capacity);
    row.set("consumer_utilisation", view.consumer_capacity);
}
