//! How `/api/queues` shows a queue with `disable_stats`: as it was declared, and perhaps how much
//! is in it. What is left empty, and where, is RabbitMQ's choice.

use super::json::table;
use super::queue_view::QueueRow;
use super::row::Row;
use crate::broker::name::Name;
use crate::broker::queue::{Queue, QueueKind};

impl QueueRow<'_> {
    /// All that is shown.
    pub(super) fn short(&self, row: &mut Row<'_>) {
        let (queue, has_totals) = (&*self.queue, self.extent.has_totals());
        let shown = &self.api.broker().compat.shown;
        self.declared(row);
        let is_short_stream = has_totals && queue.kind == QueueKind::Stream;
        if queue.kind == QueueKind::Classic || !has_totals {
            row.set("exclusive", queue.spec.owner.is_some());
        } else {
            row.set("exclusive", ());
        }
        if is_short_stream {
            row.set("totals", ());
            row.set("type_specific", ());
        } else {
            row.set("node", self.node());
            self.replicas(row);
        }
        if has_totals && !is_short_stream {
            totals(row, queue);
        }
        match queue.kind {
            // The oldest line lists mirrors here.
            QueueKind::Classic if has_totals && shown.backing_queue => {
                row.set("online", [(); 0]);
            }
            QueueKind::Classic if has_totals => row.set("online", ()),
            QueueKind::Classic => {}
            QueueKind::Quorum | QueueKind::Stream => row.set("online", [self.node()]),
        }
        self.policies(row, has_totals);
    }

    fn replicas(&self, row: &mut Row<'_>) {
        if self.queue.kind != QueueKind::Classic {
            row.set("leader", self.node());
            row.set("members", [self.node()]);
        }
    }

    /// Newer lines show more of them, but not everywhere.
    fn policies(&self, row: &mut Row<'_>, has_totals: bool) {
        let (shown, kind) = (&self.api.broker().compat.shown, self.queue.kind);
        let (is_newer, settings) = (shown.short_rows_have_policies, self.queue.settings());
        let name = |name: &Option<Name>| name.as_ref().map(ToString::to_string);
        let policy = name(&settings.applied.policy);
        let is_listed = !self.is_alone || is_newer;
        if is_listed && (policy.is_some() || (is_newer && !has_totals)) {
            row.set("policy", policy);
        }
        if shown.internal_queues && !has_totals {
            row.set("internal", false);
            row.set("internal_owner", false);
        }
        if is_newer && (!has_totals || kind == QueueKind::Quorum) {
            row.set("operator_policy", name(&settings.applied.operator_policy));
            let definition = table(&settings.applied.definition);
            row.value("effective_policy_definition", &definition);
            if let Some(rules) = &settings.quorum {
                row.set("delivery_limit", super::quorum::delivery_limit(rules));
            }
        }
    }
}

fn totals(row: &mut Row<'_>, queue: &Queue) {
    let ([messages, ready, unacked], _) = queue.counters();
    row.set("messages", messages);
    row.set("messages_ready", ready);
    row.set("messages_unacknowledged", unacked);
}
