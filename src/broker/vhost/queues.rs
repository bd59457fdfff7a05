//! Queues of a virtual host: declared and deleted.

use std::sync::Arc;

use super::{VirtualHost, same_queue};
use crate::broker::arguments;
use crate::broker::compat::{Compat, denied};
use crate::broker::connection::ConnectionId;
use crate::broker::effects::Effects;
use crate::broker::error::{BrokerError, Resource, Subject};
use crate::broker::event::Change;
use crate::broker::exchange::DestinationId;
use crate::broker::limit::MAX_QUEUES;
use crate::broker::name::Name;
use crate::broker::policy::Target;
use crate::broker::queue::{CloseIf, CloseRefused, Queue, QueueKind, QueueSpec};
use crate::broker::tick::Tick;

impl VirtualHost {
    /// Make a queue, or find that it is there already as described. Whether it is new.
    pub fn declare_queue(
        &self,
        mut spec: QueueSpec,
        connection: Option<ConnectionId>,
        now: Tick,
        fx: &mut Effects,
    ) -> Result<(Arc<Queue>, bool), BrokerError> {
        fill_queue_type(&mut spec, self.default_queue_type(), &self.compat);
        let _topology = self.topology.lock();
        let subject = self.subject(Resource::Queue, &spec.name);
        if self.queues.contains(&spec.name) {
            let there = self.queue(&spec.name, connection)?;
            same_queue(&subject, &there.spec, &spec, &self.compat)?;
            there.touch(now, fx);
            return Ok((there, false));
        }
        let kind = arguments::check_queue(&subject, &spec.arguments, &self.compat)?;
        let (durable, exclusive) = (spec.durable, spec.owner.is_some());
        if !durable && !exclusive && !self.compat.transient_nonexcl_queues {
            return Err(BrokerError::Denied(denied("transient_nonexcl_queues")));
        }
        arguments::check_properties(&subject, kind, durable, exclusive, spec.auto_delete)?;
        self.check_queue_limit(&spec.name)?;
        let applied = self.applied(Target::Queue(kind, &spec.name));
        let queue = Arc::new(Queue::new(spec, applied, &self.compat, now));
        self.queues.insert(queue.name().clone(), Arc::clone(&queue));
        self.changed();
        queue.touch(now, fx);
        let shows_type = self.compat.fills_queue_type;
        fx.note(|by| Change::queue_created(&queue, &self.node, shows_type, by));
        Ok((queue, true))
    }

    /// The type of queues that do not say theirs.
    pub fn default_queue_type(&self) -> QueueKind {
        let own = self.metadata.lock().default_queue_type;
        own.unwrap_or(self.default_queue_type)
    }

    /// Whether so many more queues are within the limit.
    pub(in crate::broker) fn check_more_queues(&self, more: usize) -> Result<(), BrokerError> {
        let (there, limits) = (self.queues.len(), self.limits.lock());
        let after = there.saturating_add(more).saturating_sub(1);
        match limits.reached(MAX_QUEUES, || after) {
            Some(limit) => Err(BrokerError::Limit(format!(
                "Adding {more} queue(s) to virtual host \"{}\" would exceed the limit of {limit} \
                 queue(s).\n\nThis virtual host currently has {there} queue(s) defined.\n\nImport \
                 aborted!",
                self.name
            ))),
            None => Ok(()),
        }
    }

    fn check_queue_limit(&self, name: &Name) -> Result<(), BrokerError> {
        let limits = self.limits.lock();
        match limits.reached(MAX_QUEUES, || self.queues.len()) {
            Some(limit) => Err(BrokerError::Precondition(format!(
                "cannot declare queue '{name}': queue limit in vhost '{}' ({limit}) is reached",
                self.name
            ))),
            None => Ok(()),
        }
    }

    /// Delete a queue and the bindings to it; the messages that were ready.
    pub fn delete_queue(
        &self,
        queue: &Arc<Queue>,
        condition: CloseIf,
        fx: &mut Effects,
    ) -> Result<u64, BrokerError> {
        let mut topology = self.topology.lock();
        let is_there = self
            .queues
            .get(queue.name())
            .is_some_and(|there| Arc::ptr_eq(&there, queue));
        if !is_there {
            return Ok(0);
        }
        check_condition(
            &self.subject(Resource::Queue, queue.name()),
            queue.kind,
            condition,
        )?;
        let messages = queue.close(condition, fx).map_err(|refused| {
            let subject = self.subject(Resource::Queue, queue.name());
            match refused {
                CloseRefused::InUse => BrokerError::InUse(subject),
                CloseRefused::NotEmpty => BrokerError::NotEmpty(subject),
            }
        })?;
        self.queues.remove(queue.name());
        self.totals.retire_queue(queue.kind, &queue.stats());
        self.drop_bindings_to(
            &mut topology,
            &DestinationId::Queue(queue.name().clone()),
            fx,
        );
        self.changed();
        Ok(messages)
    }

    /// End every exclusive queue of a connection that is gone.
    pub fn drop_exclusive(&self, owner: ConnectionId, fx: &mut Effects) {
        for queue in self.queues.snapshot() {
            if queue.spec.owner == Some(owner) {
                // Without a condition it cannot be refused.
                let _ = self.delete_queue(&queue, CloseIf::default(), fx);
            }
        }
    }
}

/// A declaration without a type asks for the default one, unless its queue cannot be that.
pub(in crate::broker) fn fill_queue_type(
    spec: &mut QueueSpec,
    default: QueueKind,
    compat: &Compat,
) {
    let suits = spec.durable && spec.owner.is_none() && !spec.auto_delete;
    if compat.fills_queue_type
        && default != QueueKind::Classic
        && suits
        && spec.arguments.get("x-queue-type").is_none()
    {
        spec.arguments.insert("x-queue-type", default.as_str());
    }
}

/// Quorum queues are deleted without conditions.
fn check_condition(
    subject: &Subject,
    kind: QueueKind,
    condition: CloseIf,
) -> Result<(), BrokerError> {
    let flag = match condition {
        CloseIf { unused: true, .. } => "if-unused",
        CloseIf { empty: true, .. } => "if-empty",
        CloseIf { .. } => return Ok(()),
    };
    match kind {
        QueueKind::Quorum => Err(BrokerError::NotImplemented(format!(
            "cannot delete {subject}. queue.delete operations with {flag} flag set are not \
             supported by quorum queues"
        ))),
        QueueKind::Classic | QueueKind::Stream => Ok(()),
    }
}
