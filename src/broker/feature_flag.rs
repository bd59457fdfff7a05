//! The feature flags that each release line tells of. All that a line can do is enabled from the
//! start.

/// Something that a cluster of RabbitMQ nodes agrees to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureFlag {
    /// As its command line and API name it.
    pub name: &'static str,
    /// How far it has got.
    pub stage: Stage,
}

/// How far a feature has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Not to be relied on, and off.
    Experimental,
    /// May be enabled.
    Stable,
    /// Is enabled with the next start.
    Soft,
    /// Must have been enabled before.
    Hard,
}

impl Stage {
    /// As the API's `stability`.
    pub fn stability(self) -> &'static str {
        match self {
            Self::Experimental => "experimental",
            Self::Stable => "stable",
            Self::Soft | Self::Hard => "required",
        }
    }

    /// As the API's `require_level`.
    pub fn require_level(self) -> &'static str {
        match self {
            Self::Experimental | Self::Stable => "none",
            Self::Soft => "soft",
            Self::Hard => "hard",
        }
    }
}

impl FeatureFlag {
    /// As the API's `state`.
    pub fn state(&self) -> &'static str {
        match self.stage {
            Stage::Experimental => "disabled",
            Stage::Stable | Stage::Soft | Stage::Hard => "enabled",
        }
    }

    /// The application it is part of.
    pub fn provided_by(&self) -> &'static str {
        match self.name {
            "detailed_queues_endpoint" => "rabbitmq_management",
            "drop_unroutable_metric" | "empty_basic_get_metric" => "rabbitmq_management_agent",
            _ => "rabbit",
        }
    }

    /// What runs when it is enabled.
    pub fn callbacks(&self) -> &'static [&'static str] {
        match self.name {
            "khepri_db" | "topic_binding_projection_v4" | "topic_binding_projection_v5" => {
                &["enable", "post_enable"]
            }
            "rabbitmq_4.2.0" | "tie_binding_to_dest_with_keep_while_cond" => &["enable"],
            _ => &[],
        }
    }
}

const fn experimental(name: &'static str) -> FeatureFlag {
    let stage = Stage::Experimental;
    FeatureFlag { name, stage }
}

const fn stable(name: &'static str) -> FeatureFlag {
    let stage = Stage::Stable;
    FeatureFlag { name, stage }
}

const fn soft(name: &'static str) -> FeatureFlag {
    let stage = Stage::Soft;
    FeatureFlag { name, stage }
}

const fn hard(name: &'static str) -> FeatureFlag {
    let stage = Stage::Hard;
    FeatureFlag { name, stage }
}

/// Those of 3.10.
pub const FLAGS_3_10: &[FeatureFlag] = &[
    stable("classic_mirrored_queue_version"),
    stable("drop_unroutable_metric"),
    stable("empty_basic_get_metric"),
    stable("implicit_default_bindings"),
    stable("maintenance_mode_status"),
    stable("quorum_queue"),
    stable("stream_queue"),
    stable("user_limits"),
    stable("virtual_host_metadata"),
];

/// Those of 4.0.
pub const FLAGS_4_0: &[FeatureFlag] = &[
    hard("classic_mirrored_queue_version"),
    hard("classic_queue_type_delivery_support"),
    stable("detailed_queues_endpoint"),
    hard("direct_exchange_routing_v2"),
    hard("drop_unroutable_metric"),
    hard("empty_basic_get_metric"),
    hard("feature_flags_v2"),
    hard("implicit_default_bindings"),
    experimental("khepri_db"),
    hard("listener_records_in_ets"),
    hard("maintenance_mode_status"),
    hard("message_containers"),
    stable("message_containers_deaths_v2"),
    hard("quorum_queue"),
    stable("quorum_queue_non_voters"),
    stable("rabbit_exchange_type_local_random"),
    stable("rabbitmq_4.0.0"),
    hard("restart_streams"),
    hard("stream_filtering"),
    hard("stream_queue"),
    hard("stream_sac_coordinator_unblock_group"),
    hard("stream_single_active_consumer"),
    hard("stream_update_config_command"),
    hard("tracking_records_in_ets"),
    hard("user_limits"),
    hard("virtual_host_metadata"),
];

/// Those of 4.3.
pub const FLAGS_4_3: &[FeatureFlag] = &[
    hard("classic_mirrored_queue_version"),
    hard("classic_queue_type_delivery_support"),
    soft("detailed_queues_endpoint"),
    hard("direct_exchange_routing_v2"),
    hard("drop_unroutable_metric"),
    hard("empty_basic_get_metric"),
    hard("feature_flags_v2"),
    hard("implicit_default_bindings"),
    soft("khepri_db"),
    hard("listener_records_in_ets"),
    hard("maintenance_mode_status"),
    hard("message_containers"),
    soft("message_containers_deaths_v2"),
    hard("quorum_queue"),
    soft("quorum_queue_non_voters"),
    soft("rabbit_exchange_type_local_random"),
    soft("rabbitmq_4.0.0"),
    soft("rabbitmq_4.1.0"),
    soft("rabbitmq_4.2.0"),
    stable("rabbitmq_4.3.0"),
    hard("restart_streams"),
    hard("stream_filtering"),
    hard("stream_queue"),
    hard("stream_sac_coordinator_unblock_group"),
    hard("stream_single_active_consumer"),
    hard("stream_update_config_command"),
    stable("tie_binding_to_dest_with_keep_while_cond"),
    stable("topic_binding_projection_v4"),
    stable("topic_binding_projection_v5"),
    stable("track_qq_members_uids"),
    hard("tracking_records_in_ets"),
    hard("user_limits"),
    hard("virtual_host_metadata"),
];
