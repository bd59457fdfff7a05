//! The deprecated features that each release line tells of, and their uses here.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// A feature that RabbitMQ gives up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeprecatedFeature {
    /// As its configuration and API name it.
    pub name: &'static str,
    /// How far it has got with that.
    pub phase: &'static str,
    /// Where that is explained.
    pub doc_url: &'static str,
    /// The application it is part of.
    pub provided_by: &'static str,
}

const PERMITTED: &str = "permitted_by_default";
const DENIED: &str = "denied_by_default";
const REMOVED: &str = "removed";

macro_rules! announced {
    ($part:literal) => {
        concat!(
            "https://blog.rabbitmq.com/posts/2021/08/4.0-deprecation-announcements/#",
            $part
        )
    };
}

/// Transient queues that are not exclusive.
pub const TRANSIENT_NONEXCL_QUEUES: &str = "transient_nonexcl_queues";
/// `basic.qos` with `global`.
pub const GLOBAL_QOS: &str = "global_qos";
/// `x-queue-master-locator`.
pub const QUEUE_MASTER_LOCATOR: &str = "queue_master_locator";
/// The statistics that the management API shows.
pub const METRICS_COLLECTION: &str = "management_metrics_collection";

const fn feature(
    name: &'static str,
    phase: &'static str,
    doc_url: &'static str,
) -> DeprecatedFeature {
    DeprecatedFeature {
        name,
        phase,
        doc_url,
        provided_by: "rabbit",
    }
}

const METRICS: DeprecatedFeature = DeprecatedFeature {
    name: METRICS_COLLECTION,
    phase: PERMITTED,
    doc_url: announced!("disable-metrics-delivery-via-the-management-api--ui"),
    provided_by: "rabbitmq_management_agent",
};
const MIRRORING: DeprecatedFeature = feature(
    "classic_queue_mirroring",
    REMOVED,
    announced!("removal-of-classic-queue-mirroring"),
);

const fn qos(phase: &'static str) -> DeprecatedFeature {
    feature(GLOBAL_QOS, phase, announced!("removal-of-global-qos"))
}

const fn transient(phase: &'static str) -> DeprecatedFeature {
    let url = announced!("removal-of-transient-non-exclusive-queues");
    feature(TRANSIENT_NONEXCL_QUEUES, phase, url)
}

const fn ram_nodes(phase: &'static str) -> DeprecatedFeature {
    feature("ram_node_type", phase, announced!("removal-of-ram-nodes"))
}

/// Of RabbitMQ 4.0.
pub const LISTED_4_0: &[DeprecatedFeature] = &[
    feature(QUEUE_MASTER_LOCATOR, PERMITTED, ""),
    METRICS,
    qos(PERMITTED),
    ram_nodes(PERMITTED),
    transient(PERMITTED),
    feature(
        "amqp_address_v1",
        PERMITTED,
        "https://www.rabbitmq.com/docs/next/amqp#address",
    ),
    MIRRORING,
];

/// Of RabbitMQ 4.3.
pub const LISTED_4_3: &[DeprecatedFeature] = &[
    feature(QUEUE_MASTER_LOCATOR, DENIED, ""),
    qos(DENIED),
    transient(DENIED),
    feature(
        "amqp_filter_set_bug",
        DENIED,
        "https://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-messaging-v1.0-os.html#type-filter-set",
    ),
    feature(
        "amqp_address_v1",
        DENIED,
        "https://www.rabbitmq.com/docs/amqp#addresses",
    ),
    METRICS,
    MIRRORING,
    ram_nodes(REMOVED),
];

/// A feature that the newest release line denies as released.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feature {
    /// Queues that are neither durable nor exclusive.
    TransientNonexclQueues,
    /// `basic.qos` with `global`.
    GlobalQos,
    /// `x-queue-master-locator`.
    QueueMasterLocator,
}

impl Feature {
    /// As RabbitMQ's configuration and API name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TransientNonexclQueues => TRANSIENT_NONEXCL_QUEUES,
            Self::GlobalQos => GLOBAL_QOS,
            Self::QueueMasterLocator => QUEUE_MASTER_LOCATOR,
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How often each feature was used in a virtual host. They are permitted unless the release line is
/// emulated strictly; the first use is warned of.
#[derive(Debug, Default)]
pub struct Deprecated {
    transient_nonexcl_queues: AtomicU64,
    global_qos: AtomicU64,
    queue_master_locator: AtomicU64,
}

impl Deprecated {
    /// Count a use of `feature` by `connection`, and warn of the first: `what` says what it did.
    pub fn note(&self, feature: Feature, connection: &str, what: &str) {
        if self.counter(feature).fetch_add(1, Ordering::Relaxed) > 0 {
            return;
        }
        tracing::warn!(
            "Deprecated features: `{feature}`: connection {connection} {what}. RabbitMQ 4.3 does not \
             permit this unless its configuration says \"deprecated_features.permit.{feature} = \
             true\"; --strict denies it here"
        );
    }

    /// How often it was used.
    pub fn uses(&self, feature: Feature) -> u64 {
        self.counter(feature).load(Ordering::Relaxed)
    }

    const fn counter(&self, feature: Feature) -> &AtomicU64 {
        match feature {
            Feature::TransientNonexclQueues => &self.transient_nonexcl_queues,
            Feature::GlobalQos => &self.global_qos,
            Feature::QueueMasterLocator => &self.queue_master_locator,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_use_is_counted_by_feature() {
        let deprecated = Deprecated::default();
        deprecated.note(Feature::GlobalQos, "c", "does");
        deprecated.note(Feature::GlobalQos, "c", "does it again");
        assert_eq!(deprecated.uses(Feature::GlobalQos), 2);
        assert_eq!(deprecated.uses(Feature::TransientNonexclQueues), 0);
    }
}
