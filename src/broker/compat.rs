//! [`Compat`]: the one table of what differs between RabbitMQ's release lines.
//!
//! The rest of the code asks this table; no version number is compared anywhere else.

use super::deprecation::{
    self, DeprecatedFeature, GLOBAL_QOS, QUEUE_MASTER_LOCATOR, TRANSIENT_NONEXCL_QUEUES,
};
use super::queue::QuorumLine;
use super::shown::Shown;

/// Arguments of declarations and consumers that 4.3 does not look at, on any queue.
const IGNORED_4_3: [&str; 1] = ["x-cancel-on-ha-failover"];

/// Likewise 4.0.
const IGNORED_4_0: [&str; 7] = [
    "x-cancel-on-ha-failover",
    "x-consumer-timeout",
    "x-stream-filter-size-bytes",
    "x-consumer-disconnected-timeout",
    "x-delayed-retry-type",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
];

/// Likewise 3.10.
const IGNORED_3_10: [&str; 8] = [
    "x-consumer-timeout",
    "x-stream-filter-size-bytes",
    "x-consumer-disconnected-timeout",
    "x-delayed-retry-type",
    "x-delayed-retry-min",
    "x-delayed-retry-max",
    "x-stream-filter",
    "x-stream-match-unfiltered",
];

/// Which deliveries may be out for too long, and when that is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeoutRule {
    /// The oldest of each channel, once a minute: the channel closes. Only the broker's setting
    /// counts.
    OldestByBroker,
    /// The same, but `x-consumer-timeout` and policies count too.
    OldestByQueue,
    /// Those of quorum queues, in time: they go back, and the consumer is cancelled.
    QuorumDeliveries,
}

/// Users from before this version have MD5 hashes, and definitions do not say so.
const SHA_SINCE: (u32, u32) = (3, 6);

/// Whether passwords of the version that wrote a file of definitions are hashed with MD5 where
/// nothing is said.
pub fn hashed_with_md5(version: &str) -> bool {
    let mut numbers = version.split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) < SHA_SINCE,
        _ => false,
    }
}

/// What a release line does with the headers of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderRules {
    /// `hash-header` hashes a value together with its type.
    pub hash_types: bool,
    /// Headers come out by key, of each key the first, whatever their order was.
    pub are_sorted: bool,
    /// Only what the broker itself wrote into `x-death` counts; else a client's is continued.
    pub own_deaths_only: bool,
    /// Dead letters with a routing key of their own come without the `CC` that they had.
    pub dead_letters_lose_cc: bool,
    /// Dead letters say in `x-last-death-*` where they died last.
    pub tell_last_death: bool,
}

impl HeaderRules {
    const RABBITMQ_3_10: Self = Self {
        hash_types: true,
        are_sorted: false,
        own_deaths_only: false,
        dead_letters_lose_cc: true,
        tell_last_death: false,
    };
    const RABBITMQ_4: Self = Self {
        hash_types: false,
        are_sorted: true,
        own_deaths_only: true,
        dead_letters_lose_cc: false,
        tell_last_death: true,
    };
}

/// What one release line does its own way.
#[derive(Clone, Debug, PartialEq)]
pub struct Compat {
    /// As chosen by `--compat`.
    pub line: &'static str,
    /// The version told to clients.
    pub version: &'static str,
    /// Smallest frame_max a client may ask for.
    pub frame_max_min: u32,
    /// Largest frame before tuning.
    pub handshake_frame_max: u32,
    /// Share of the machine's memory that may be used before publishers are paused.
    pub memory_watermark: f64,
    /// Largest message.
    pub message_bytes_max: u64,
    /// Protocol id and version answered to a protocol header that is not ours.
    pub header_answer: [u8; 4],
    /// A body longer than declared is a frame error (501), not an unexpected frame (505).
    pub long_body_is_frame_error: bool,
    /// Refusals say which permission was missing (`configure access to …`).
    pub names_permission: bool,
    /// A passive declare needs some permission on the name, whichever.
    pub passive_needs_permission: bool,
    /// An unknown exchange type closes the channel (406), not the connection (503).
    pub bad_exchange_type_is_soft: bool,
    /// Exchange types that the line does not have.
    pub missing_exchange_types: &'static [&'static str],
    /// Exchange types that are invalid, not unknown.
    pub invalid_exchange_types: &'static [&'static str],
    /// A headers exchange takes 1 and 1.0 for equal.
    pub equal_floats: bool,
    /// `ANONYMOUS` is offered.
    pub anonymous: bool,
    /// Queues without `x-queue-type` are shown with the one they have.
    pub fills_queue_type: bool,
    /// `x-queue-mode` is checked.
    pub checks_queue_mode: bool,
    /// `x-queue-version` 1 exists.
    pub has_queue_version_1: bool,
    /// `x-queue-leader-locator` is known to classic queues.
    pub classic_leader_locator: bool,
    /// An `x-queue-master-locator` that does not exist is an error.
    pub checks_master_locator: bool,
    /// An empty `x-queue-type` is refused.
    pub refuses_empty_queue_type: bool,
    /// Arguments that only other queue types know are refused by all but these, which are
    /// silently taken by every type.
    pub ignored_arguments: &'static [&'static str],
    /// How a filter size that a stream cannot have is refused, where it is.
    pub filter_size_refusal: Option<&'static str>,
    /// An age (`x-max-age`, `x-stream-offset`) that is no number is an internal error.
    pub fails_on_bad_age: bool,
    /// Messages come out of a stream with a delivery mode, bytes in headers as strings, and lists
    /// under `x-` keys; and a filter value must be a string.
    pub stream_converts_fully: bool,
    /// Readers of a stream get all of a chunk, whatever their prefetch.
    pub stream_delivers_whole_chunks: bool,
    /// A reader of a stream may use `basic.nack` and `basic.reject`.
    pub stream_takes_nack: bool,
    /// What a stream says of automatic acknowledgement and of a missing prefetch names its type
    /// once.
    pub stream_refusals_are_short: bool,
    /// Delivery modes other than 1 and 2 are refused.
    pub checks_delivery_mode: bool,
    /// Direct reply-to addresses are queues of a kind of their own: what is well-formed counts as
    /// routed, live or not, and what is not cannot be declared. Before, none counted as routed.
    pub volatile_replies: bool,
    /// What becomes of the headers of messages.
    pub headers: HeaderRules,
    /// A policy may apply to queues of one type only.
    pub policies_by_queue_type: bool,
    /// The deprecated features that the API lists; `None` before there was such a list.
    pub deprecated_features: Option<&'static [DeprecatedFeature]>,
    /// What becomes of deliveries that are not acknowledged in time.
    pub consumer_timeout: TimeoutRule,
    /// Transient queues that are not exclusive may be declared.
    pub transient_nonexcl_queues: bool,
    /// `basic.qos` with `global` is honoured.
    pub global_qos: bool,
    /// `x-queue-master-locator` may be used.
    pub queue_master_locator: bool,
    /// How error texts put the name of a queue type.
    pub quotes_queue_type: bool,
    /// How quorum queues behave.
    pub quorum: QuorumLine,
    /// Keys that policies cannot set.
    pub unknown_policy_keys: &'static [&'static str],
    /// Keys that only operator policies cannot set.
    pub unknown_operator_keys: &'static [&'static str],
    /// A `delivery-limit` below zero is none, and may be set.
    pub unlimited_deliveries: bool,
    /// What is said of a policy's `queue-master-locator` that does not exist.
    pub master_locator_fault: &'static str,
    /// A policy's `max-age` that is no number is an internal error.
    pub fails_on_policy_max_age: bool,
    /// What is wrong with a policy is told over HTTP as in a page: `&lt;&lt;"x"&gt;&gt;`.
    pub escapes_policy_faults: bool,
    /// Faults of patterns are worded as PCRE2 words them.
    pub pcre2: bool,
    /// The limit on a user's channels is told in parentheses.
    pub channel_limit_in_parentheses: bool,
    /// The limit on a user's channels is told with the node's name for the user's.
    pub channel_limit_names_node: bool,
    /// An operator policy in a virtual host that does not exist fails without a word.
    pub loses_operator_vhost: bool,
    /// A virtual host that is put again keeps its default queue type where none is given.
    pub keeps_default_queue_type: bool,
    /// A list of virtual hosts by pages is an internal error.
    pub fails_on_vhost_pages: bool,
    /// Quorum queues may be declared again as classic ones, if settings say so.
    pub relaxes_redeclaration: bool,
    /// A default queue type that does not exist is an internal error.
    pub fails_on_unknown_queue_type: bool,
    /// Topic permissions are for exchanges that exist.
    pub checks_topic_exchange: bool,
    /// There is a global parameter of this name from the start.
    pub cluster_tags: bool,
    /// Virtual hosts can be protected from deletion.
    pub deletion_protection: bool,
    /// What the management API has and shows.
    pub shown: Shown,
}

impl Compat {
    /// Permit or deny deprecated features, whatever the line does.
    pub fn permit(&mut self, features: &[(String, bool)]) {
        for (feature, is_permitted) in features {
            let field = match feature.as_str() {
                TRANSIENT_NONEXCL_QUEUES => &mut self.transient_nonexcl_queues,
                GLOBAL_QOS => &mut self.global_qos,
                QUEUE_MASTER_LOCATOR => &mut self.queue_master_locator,
                _ => continue,
            };
            *field = *is_permitted;
        }
    }

    /// The line called `name`; `strict` denies the deprecated features it denies as released.
    pub fn named(name: &str, strict: bool) -> Option<Self> {
        match name {
            "3.10" => Some(Self::rabbitmq_3_10()),
            "4.0" => Some(Self::rabbitmq_4_0()),
            "4.3" => Some(Self::rabbitmq_4_3(strict)),
            _ => None,
        }
    }

    fn rabbitmq_3_10() -> Self {
        Self {
            line: "3.10",
            version: "3.10.8",
            memory_watermark: 0.4,
            consumer_timeout: TimeoutRule::OldestByBroker,
            message_bytes_max: 128 * 1024 * 1024,
            header_answer: [0, 0, 9, 1],
            names_permission: false,
            bad_exchange_type_is_soft: false,
            missing_exchange_types: &["x-local-random", "x-modulus-hash"],
            equal_floats: true,
            anonymous: false,
            fills_queue_type: false,
            classic_leader_locator: false,
            checks_master_locator: true,
            refuses_empty_queue_type: true,
            checks_delivery_mode: true,
            filter_size_refusal: None,
            ignored_arguments: &IGNORED_3_10,
            stream_converts_fully: false,
            stream_delivers_whole_chunks: true,
            stream_takes_nack: false,
            stream_refusals_are_short: false,
            unknown_policy_keys: &[
                "stream-filter-size-bytes",
                "target-group-size",
                "consumer-timeout",
                "consumer-disconnected-timeout",
                "delayed-retry-type",
                "delayed-retry-min",
                "delayed-retry-max",
            ],
            unknown_operator_keys: &["overflow", "queue-version", "queue-master-locator"],
            unlimited_deliveries: false,
            master_locator_fault: "invalid queue-master-locator value",
            cluster_tags: false,
            fails_on_vhost_pages: false,
            relaxes_redeclaration: false,
            loses_operator_vhost: false,
            channel_limit_names_node: false,
            quorum: QuorumLine::RABBITMQ_3_10,
            shown: Shown::RABBITMQ_3_10,
            deprecated_features: None,
            headers: HeaderRules::RABBITMQ_3_10,
            policies_by_queue_type: false,
            ..Self::rabbitmq_4_0()
        }
    }

    fn rabbitmq_4_0() -> Self {
        Self {
            line: "4.0",
            version: "4.0.5",
            frame_max_min: 4096,
            handshake_frame_max: 4096,
            memory_watermark: 0.6,
            message_bytes_max: 16 * 1024 * 1024,
            header_answer: [3, 1, 0, 0],
            long_body_is_frame_error: false,
            names_permission: true,
            passive_needs_permission: false,
            bad_exchange_type_is_soft: true,
            missing_exchange_types: &["x-modulus-hash"],
            invalid_exchange_types: &[""],
            equal_floats: false,
            anonymous: true,
            fills_queue_type: true,
            checks_queue_mode: true,
            has_queue_version_1: true,
            classic_leader_locator: true,
            checks_master_locator: false,
            refuses_empty_queue_type: true,
            ignored_arguments: &IGNORED_4_0,
            stream_converts_fully: true,
            stream_delivers_whole_chunks: false,
            stream_takes_nack: true,
            stream_refusals_are_short: true,
            checks_delivery_mode: false,
            filter_size_refusal: Some("Invalid value for  x-stream-filter-size-bytes"),
            fails_on_bad_age: true,
            volatile_replies: false,
            headers: HeaderRules::RABBITMQ_4,
            policies_by_queue_type: true,
            deprecated_features: Some(deprecation::LISTED_4_0),
            consumer_timeout: TimeoutRule::OldestByQueue,
            transient_nonexcl_queues: true,
            global_qos: true,
            queue_master_locator: true,
            unknown_policy_keys: &[
                "consumer-disconnected-timeout",
                "delayed-retry-type",
                "delayed-retry-min",
                "delayed-retry-max",
                "ha-mode",
                "ha-params",
                "ha-promote-on-failure",
                "ha-promote-on-shutdown",
                "ha-sync-batch-size",
                "ha-sync-mode",
            ],
            unknown_operator_keys: &[],
            unlimited_deliveries: true,
            master_locator_fault: "is not a valid master locator",
            fails_on_policy_max_age: true,
            escapes_policy_faults: true,
            pcre2: false,
            channel_limit_in_parentheses: true,
            channel_limit_names_node: true,
            cluster_tags: true,
            fails_on_vhost_pages: true,
            relaxes_redeclaration: false,
            loses_operator_vhost: true,
            keeps_default_queue_type: true,
            fails_on_unknown_queue_type: true,
            checks_topic_exchange: false,
            deletion_protection: false,
            quotes_queue_type: false,
            quorum: QuorumLine::RABBITMQ_4_0,
            shown: Shown::RABBITMQ_4_0,
        }
    }

    fn rabbitmq_4_3(strict: bool) -> Self {
        Self {
            line: "4.3",
            version: "4.3.6",
            frame_max_min: 8192,
            handshake_frame_max: 8192,
            long_body_is_frame_error: true,
            missing_exchange_types: &[],
            invalid_exchange_types: &["", "x-jms-topic"],
            passive_needs_permission: true,
            checks_queue_mode: false,
            has_queue_version_1: false,
            refuses_empty_queue_type: false,
            ignored_arguments: &IGNORED_4_3,
            filter_size_refusal: Some("Invalid value for x-stream-filter-size-bytes"),
            fails_on_bad_age: false,
            volatile_replies: true,
            deprecated_features: Some(deprecation::LISTED_4_3),
            consumer_timeout: TimeoutRule::QuorumDeliveries,
            transient_nonexcl_queues: !strict,
            global_qos: !strict,
            queue_master_locator: !strict,
            unknown_policy_keys: &[
                "ha-mode",
                "ha-params",
                "ha-promote-on-failure",
                "ha-promote-on-shutdown",
                "ha-sync-batch-size",
                "ha-sync-mode",
            ],
            fails_on_policy_max_age: false,
            escapes_policy_faults: false,
            pcre2: true,
            channel_limit_in_parentheses: false,
            channel_limit_names_node: false,
            deletion_protection: true,
            loses_operator_vhost: false,
            keeps_default_queue_type: false,
            fails_on_unknown_queue_type: false,
            checks_topic_exchange: true,
            quotes_queue_type: true,
            quorum: QuorumLine::RABBITMQ_4_3,
            shown: Shown::RABBITMQ_4_3,
            ..Self::rabbitmq_4_0()
        }
    }
}

impl Default for Compat {
    fn default() -> Self {
        Self::rabbitmq_4_3(false)
    }
}

/// What RabbitMQ says when a deprecated feature is denied.
pub fn denied(feature: &str) -> String {
    format!(
        "Feature `{feature}` is deprecated.\nBy default, this feature is not permitted \
         anymore.\nThe feature will be removed from a future major RabbitMQ version, regardless \
         of the configuration; actual version to be determined.\nTo continue using this feature \
         when it is not permitted by default, set the following parameter in your \
         configuration:\n    \"deprecated_features.permit.{feature} = true\""
    )
}
