//! The plugins of RabbitMQ's distribution by name.

/// A plugin.
#[derive(Debug)]
pub(super) struct Plugin {
    pub(super) name: &'static str,
    /// Plugins that it needs.
    pub(super) needs: &'static [&'static str],
    pub(super) about: &'static str,
    /// What it does is built in and runs.
    pub(super) is_on: bool,
    /// What it does is built in, and settings switch it on.
    pub(super) is_chosen: bool,
    /// It is there because others need it.
    pub(super) is_helper: bool,
}

/// The plugin of that name.
pub(super) fn find(name: &str) -> Option<&'static Plugin> {
    ALL.iter().find(|plugin| plugin.name == name)
}

const fn there(name: &'static str, needs: &'static [&'static str], about: &'static str) -> Plugin {
    Plugin {
        name,
        needs,
        about,
        is_on: false,
        is_chosen: false,
        is_helper: false,
    }
}

const fn on(name: &'static str, needs: &'static [&'static str], about: &'static str) -> Plugin {
    Plugin {
        is_on: true,
        ..there(name, needs, about)
    }
}

const fn chosen(name: &'static str, needs: &'static [&'static str], about: &'static str) -> Plugin {
    Plugin {
        is_chosen: true,
        ..there(name, needs, about)
    }
}

const fn helper(name: &'static str, needs: &'static [&'static str], about: &'static str) -> Plugin {
    Plugin {
        is_helper: true,
        ..on(name, needs, about)
    }
}

const AGENT: &str = "rabbitmq_management_agent";
const MANAGEMENT: &str = "rabbitmq_management";
const PEERS: &str = "rabbitmq_peer_discovery_common";
const WEB: &str = "rabbitmq_web_dispatch";

/// All, by name.
pub(super) static ALL: &[Plugin] = &[
    there("rabbitmq_amqp1_0", &[], "AMQP 1.0"),
    there(
        "rabbitmq_auth_backend_cache",
        &[],
        "Remembers what other authentication backends answered",
    ),
    chosen(
        "rabbitmq_auth_backend_http",
        &[],
        "Authentication by HTTP requests",
    ),
    there("rabbitmq_auth_backend_ldap", &[], "Authentication by LDAP"),
    chosen(
        "rabbitmq_auth_backend_oauth2",
        &[],
        "Authentication by OAuth 2 tokens",
    ),
    chosen(
        "rabbitmq_auth_mechanism_ssl",
        &[],
        "Authentication by client certificates",
    ),
    on(
        "rabbitmq_consistent_hash_exchange",
        &[],
        "Exchanges of the type x-consistent-hash",
    ),
    chosen("rabbitmq_event_exchange", &[], "Events as messages"),
    there("rabbitmq_federation", &[], "Federation of brokers"),
    there(
        "rabbitmq_federation_management",
        &["rabbitmq_federation", MANAGEMENT],
        "Federation in the management API",
    ),
    there(
        "rabbitmq_federation_prometheus",
        &["rabbitmq_federation", "rabbitmq_prometheus"],
        "Metrics of federation",
    ),
    there("rabbitmq_jms_topic_exchange", &[], "Topic selection of JMS"),
    on(MANAGEMENT, &[AGENT, WEB], "The management API and page"),
    helper(AGENT, &[WEB], "What the management API shows of a node"),
    there("rabbitmq_mqtt", &[], "MQTT"),
    there(
        "rabbitmq_peer_discovery_aws",
        &[PEERS],
        "Finding nodes at AWS",
    ),
    there(PEERS, &[], "Finding nodes"),
    there(
        "rabbitmq_peer_discovery_consul",
        &[PEERS],
        "Finding nodes with Consul",
    ),
    there(
        "rabbitmq_peer_discovery_etcd",
        &[PEERS],
        "Finding nodes with etcd",
    ),
    there(
        "rabbitmq_peer_discovery_k8s",
        &[PEERS],
        "Finding nodes with Kubernetes",
    ),
    on(
        "rabbitmq_prometheus",
        &[AGENT, WEB],
        "Metrics for Prometheus",
    ),
    on(
        "rabbitmq_random_exchange",
        &[],
        "Exchanges of the type x-random",
    ),
    on(
        "rabbitmq_recent_history_exchange",
        &[],
        "Exchanges of the type x-recent-history",
    ),
    there("rabbitmq_sharding", &[], "Queues in shards"),
    there("rabbitmq_shovel", &[], "Shovels"),
    there(
        "rabbitmq_shovel_management",
        &["rabbitmq_shovel", MANAGEMENT],
        "Shovels in the management API",
    ),
    there(
        "rabbitmq_shovel_prometheus",
        &["rabbitmq_shovel", "rabbitmq_prometheus"],
        "Metrics of shovels",
    ),
    there("rabbitmq_stomp", &[], "STOMP"),
    there("rabbitmq_stream", &[], "The stream protocol"),
    there(
        "rabbitmq_stream_management",
        &["rabbitmq_stream", MANAGEMENT],
        "The stream protocol in the management API",
    ),
    there(
        "rabbitmq_top",
        &[MANAGEMENT],
        "Busy processes in the management API",
    ),
    there("rabbitmq_tracing", &[MANAGEMENT], "Traces to files"),
    there(
        "rabbitmq_trust_store",
        &[],
        "Client certificates that are trusted by hand",
    ),
    helper(WEB, &[], "The HTTP server of others"),
    there(
        "rabbitmq_web_mqtt",
        &["rabbitmq_mqtt"],
        "MQTT over WebSockets",
    ),
    there(
        "rabbitmq_web_mqtt_examples",
        &["rabbitmq_web_mqtt", WEB],
        "Examples of MQTT over WebSockets",
    ),
    there(
        "rabbitmq_web_stomp",
        &["rabbitmq_stomp"],
        "STOMP over WebSockets",
    ),
    there(
        "rabbitmq_web_stomp_examples",
        &["rabbitmq_web_stomp", WEB],
        "Examples of STOMP over WebSockets",
    ),
];
