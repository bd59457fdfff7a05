//! How often a message was tried, and the headers that tell it.

use bytes::{Bytes, BytesMut};

use super::super::entry::Entry;
use super::super::kind::QueueKind;
use crate::broker::effects::DeathReason;

/// What a release line counts of a message's deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// 3.10: every return; `basic.get` tells it from the first time on.
    Returns,
    /// 4.0: every return. A dead letter that was rejected tells its next queue how often that
    /// happened to it.
    ReturnsAndDiscards,
    /// 4.3: returns that failed (`basic.reject`, a channel lost) apart from returns at all. Every
    /// queue type counts failures, and dead letters take them along.
    Failures,
}

impl Counting {
    /// Whether a queue of this kind looks at the failures that a message brings with it.
    pub(in super::super) fn carries_failures(self, kind: QueueKind) -> bool {
        match self {
            Self::Returns => false,
            Self::ReturnsAndDiscards => kind == QueueKind::Quorum,
            Self::Failures => kind != QueueKind::Stream,
        }
    }

    /// A delivery came back.
    pub(in super::super) fn returned(self, entry: &mut Entry, failed: bool) {
        entry.returns = entry.returns.saturating_add(1);
        if self == Self::Failures && failed {
            entry.failures = entry.failures.saturating_add(1);
        }
    }

    /// What the delivery limit limits.
    pub(super) fn counted(self, entry: &Entry) -> u32 {
        match self {
            Self::Returns | Self::ReturnsAndDiscards => entry.returns,
            Self::Failures => entry.failures,
        }
    }

    /// The failures that a dead letter takes along; `failed` when its last delivery did.
    pub(in super::super) fn of_dead(
        self,
        entry: &Entry,
        kind: QueueKind,
        reason: DeathReason,
        failed: bool,
    ) -> u32 {
        let discarded = kind == QueueKind::Quorum && reason == DeathReason::Rejected;
        let more = match self {
            Self::Returns => return 0,
            Self::ReturnsAndDiscards => {
                return entry.message.failures.saturating_add(discarded.into());
            }
            Self::Failures => failed,
        };
        entry.failures.saturating_add(more.into())
    }

    /// The properties with the counts of `entry`, where there is something to tell. RabbitMQ
    /// sorts headers that it writes anew.
    pub(in super::super) fn properties(self, entry: &Entry, is_got: bool) -> Option<Bytes> {
        let acquired = match entry.returns {
            0 => entry.failures,
            returns => returns,
        };
        let counts = match self {
            Self::Returns => [
                None,
                Some(entry.returns).filter(|count| is_got || *count > 0),
            ],
            Self::ReturnsAndDiscards => [None, Some(acquired).filter(|count| *count > 0)],
            Self::Failures => [
                Some(acquired).filter(|count| *count > 0),
                Some(entry.failures).filter(|count| *count > 0),
            ],
        };
        if counts == [None, None] {
            return None;
        }
        let mut properties = entry.message.decoded().ok()?;
        let mut headers = properties.headers.take().unwrap_or_default();
        for (key, count) in ["x-acquired-count", "x-delivery-count"]
            .into_iter()
            .zip(counts)
        {
            if let Some(count) = count {
                headers.insert(key, i64::from(count));
            }
        }
        headers.sort();
        properties.headers = Some(headers);
        let mut raw = BytesMut::new();
        properties.encode(&mut raw);
        Some(raw.freeze())
    }
}
