//! Whether what is declared again is what is there: `PRECONDITION_FAILED` otherwise, as RabbitMQ says it.

use crate::broker::arguments;
use crate::broker::compat::Compat;
use crate::broker::error::{BrokerError, Subject};
use crate::broker::exchange::ExchangeSpec;
use crate::broker::queue::{QueueKind, QueueSpec};

pub(in crate::broker) fn same_exchange(
    subject: &Subject,
    current: &ExchangeSpec,
    received: &ExchangeSpec,
) -> Result<(), BrokerError> {
    let same = |key, current: bool, received: bool| {
        arguments::same(subject, key, &current.to_string(), &received.to_string())
    };
    arguments::same(
        subject,
        "type",
        current.kind.as_str(),
        received.kind.as_str(),
    )?;
    same("durable", current.durable, received.durable)?;
    same("auto_delete", current.auto_delete, received.auto_delete)?;
    same("internal", current.internal, received.internal)?;
    arguments::same_exchange(subject, &current.arguments, &received.arguments)
}

pub(in crate::broker) fn same_queue(
    subject: &Subject,
    current: &QueueSpec,
    received: &QueueSpec,
    compat: &Compat,
) -> Result<(), BrokerError> {
    let kind = |spec: &QueueSpec| QueueKind::of(&spec.arguments);
    let is_relaxed = compat.relaxes_redeclaration
        && (kind(current), kind(received)) == (QueueKind::Quorum, QueueKind::Classic);
    if is_relaxed {
        // Its type is as good as the one that was asked for, and so is what goes with that.
        let mut arguments = received.arguments.clone();
        arguments.insert("x-queue-type", QueueKind::Quorum.as_str());
        return arguments::same_queue(subject, &current.arguments, &arguments, compat);
    }
    if current.owner.is_some() != received.owner.is_some() {
        return Err(BrokerError::Locked(subject.clone()));
    }
    let same = |key, current: bool, received: bool| {
        arguments::same(subject, key, &current.to_string(), &received.to_string())
    };
    same("durable", current.durable, received.durable)?;
    same("auto_delete", current.auto_delete, received.auto_delete)?;
    arguments::same_queue(subject, &current.arguments, &received.arguments, compat)
}
