//! [`Shown`]: what the management API of a release line has and shows.

use super::feature_flag::{FLAGS_3_10, FLAGS_4_0, FLAGS_4_3, FeatureFlag};

/// How a release line writes definitions, and words what is wrong with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefinitionsLine {
    /// Virtual hosts have nothing but a name.
    Names,
    /// Virtual hosts tell everything twice.
    Flat,
    /// Only what is needed; queues with their type.
    Lean,
}

/// What the management API of one release line has and shows.
#[derive(Clone, Debug, PartialEq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "a table of what there is and what not"
)]
pub struct Shown {
    /// What exports of definitions look like.
    pub definitions: DefinitionsLine,
    /// Metrics say by which path they were read.
    pub metrics_endpoint: bool,
    /// Metrics tell the sizes of messages and the types of queues, and alarms everywhere.
    pub newer_metrics: bool,
    /// Feature flags.
    pub feature_flags: &'static [FeatureFlag],
    /// They come with callbacks and levels.
    pub flag_levels: bool,
    /// A way to settle that there is not is told, not an internal error.
    pub explains_ackmode: bool,
    /// A binding key must be text; older lines take anything, and then cannot find the binding.
    pub binding_key_is_text: bool,
    /// Deprecated features come with their state.
    pub feature_state: bool,
    /// What `/api/auth` tells of OAuth; there is none on newer lines.
    pub auth: Option<&'static [(&'static str, &'static str)]>,
    /// `/api/version`.
    pub version: bool,
    /// `/api/auth/hash_password`.
    pub hash_password: bool,
    /// `/api/queues/detailed`; and the plain list has less of each queue.
    pub detailed_queues: bool,
    /// `/api/users/{user}/queues`.
    pub user_queues: bool,
    /// `/api/connections/{name}/sessions`, for AMQP 1.0.
    pub sessions: bool,
    /// The check for mirrored queues that would be lost.
    pub mirror_check: bool,
    /// Checks that ask whether a node can be put into service.
    pub service_checks: bool,
    /// Several protocols are checked at once.
    pub protocols_together: bool,
    /// Nodes can be drained for maintenance.
    pub maintenance: bool,
    /// Logging in tells the user and a token; before, it set a cookie.
    pub login_tells_user: bool,
    /// The test of a virtual host declares a queue in it.
    pub aliveness_queue: bool,
    /// `whoami` says where the user is defined.
    pub internal_user: bool,
    /// The overview tells whether the series is supported.
    pub support_status: bool,
    /// The overview has tags, the default queue type and whether operator policies may be set.
    pub overview_tags: bool,
    /// Overview and nodes have all versions, listeners say whether they use TLS.
    pub node_versions: bool,
    /// Keys of a node's memory.
    pub memory_parts: &'static [&'static str],
    /// Serial numbers of clients' certificates.
    pub cert_serial: bool,
    /// Segments that streams keep for a channel.
    pub cached_segments: bool,
    /// Global prefetch has a column of its own.
    pub global_prefetch: bool,
    /// Consumers are listed with their timeout.
    pub consumer_timeout: bool,
    /// Messages of a queue that are on disk only.
    pub paged_out: bool,
    /// Queues that RabbitMQ made for itself are marked, and streams tell when they begin.
    pub internal_queues: bool,
    /// How a classic queue keeps its messages: in four parts on the oldest line.
    pub backing_queue: bool,
    /// Lists without statistics have policies and limits.
    pub short_rows_have_policies: bool,
}

impl Shown {
    /// That of 3.10.
    pub const RABBITMQ_3_10: Self = Self {
        definitions: DefinitionsLine::Names,
        metrics_endpoint: false,
        feature_flags: FLAGS_3_10,
        auth: Some(&[("uaa_client_id", ""), ("uaa_location", "")]),
        version: false,
        hash_password: false,
        detailed_queues: false,
        mirror_check: true,
        maintenance: false,
        internal_user: false,
        support_status: true,
        overview_tags: false,
        memory_parts: &MEMORY_3_10,
        global_prefetch: true,
        consumer_timeout: false,
        backing_queue: true,
        ..Self::RABBITMQ_4_0
    };

    /// That of 4.0.
    pub const RABBITMQ_4_0: Self = Self {
        definitions: DefinitionsLine::Flat,
        metrics_endpoint: false,
        newer_metrics: false,
        feature_flags: FLAGS_4_0,
        flag_levels: false,
        explains_ackmode: false,
        binding_key_is_text: false,
        feature_state: false,
        auth: Some(&[]),
        version: true,
        hash_password: true,
        detailed_queues: true,
        user_queues: false,
        sessions: false,
        mirror_check: false,
        service_checks: false,
        protocols_together: false,
        maintenance: true,
        login_tells_user: false,
        aliveness_queue: true,
        internal_user: true,
        support_status: false,
        overview_tags: true,
        node_versions: false,
        memory_parts: &MEMORY_4,
        cert_serial: false,
        cached_segments: false,
        global_prefetch: false,
        consumer_timeout: true,
        paged_out: true,
        internal_queues: false,
        backing_queue: false,
        short_rows_have_policies: false,
    };

    /// That of 4.3.
    pub const RABBITMQ_4_3: Self = Self {
        definitions: DefinitionsLine::Lean,
        metrics_endpoint: true,
        newer_metrics: true,
        feature_flags: FLAGS_4_3,
        flag_levels: true,
        explains_ackmode: true,
        binding_key_is_text: true,
        feature_state: true,
        auth: None,
        user_queues: true,
        sessions: true,
        service_checks: true,
        protocols_together: true,
        login_tells_user: true,
        aliveness_queue: false,
        node_versions: true,
        cert_serial: true,
        cached_segments: true,
        paged_out: false,
        internal_queues: true,
        short_rows_have_policies: true,
        ..Self::RABBITMQ_4_0
    };
}

const MEMORY_3_10: [&str; 24] = [
    "connection_readers",
    "connection_writers",
    "connection_channels",
    "connection_other",
    "queue_procs",
    "queue_slave_procs",
    "quorum_queue_procs",
    "quorum_queue_dlx_procs",
    "stream_queue_procs",
    "stream_queue_replica_reader_procs",
    "stream_queue_coordinator_procs",
    "plugins",
    "other_proc",
    "metrics",
    "mgmt_db",
    "mnesia",
    "quorum_ets",
    "other_ets",
    "msg_index",
    "code",
    "atom",
    "allocated_unused",
    "reserved_unallocated",
    "binary",
];

const MEMORY_4: [&str; 25] = [
    "connection_readers",
    "connection_writers",
    "connection_channels",
    "connection_other",
    "queue_procs",
    "quorum_queue_procs",
    "quorum_queue_dlx_procs",
    "stream_queue_procs",
    "stream_queue_replica_reader_procs",
    "stream_queue_coordinator_procs",
    "plugins",
    "metadata_store",
    "other_proc",
    "metrics",
    "mgmt_db",
    "mnesia",
    "quorum_ets",
    "metadata_store_ets",
    "other_ets",
    "msg_index",
    "code",
    "atom",
    "allocated_unused",
    "reserved_unallocated",
    "binary",
];
