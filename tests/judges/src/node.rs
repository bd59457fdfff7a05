//! The node and the cluster of one: overview, health, flags, names.

use rabbitmq_http_client::commons::SupportedProtocol;
use rabbitmq_http_client::responses::ReachabilityProbeOutcome;
use serde_json::{Map, json};

use crate::{Api, Court};

pub(crate) fn judge(court: &mut Court, api: &Api, amqp: u16, management: u16) {
    overview(court, api);
    nodes(court, api);
    health(court, api, amqp, management);
    features(court, api);
    names(court, api);
}

fn overview(court: &mut Court, api: &Api) {
    court.holds("overview", api.overview(), |o| {
        !o.cluster_name.is_empty()
            && !o.node.is_empty()
            && o.object_totals.exchanges >= 7
            && o.listeners.iter().any(|l| l.protocol == "amqp")
    });
    court.holds("server_version", api.server_version(), |v| {
        v.split('.').count() == 3
    });
    court.holds("current_user", api.current_user(), |u| {
        u.name == "guest" && u.tags.is_administrator()
    });
    let reached = matches!(
        api.probe_reachability(),
        ReachabilityProbeOutcome::Reached(_)
    );
    court.holds("probe_reachability", Ok(reached), |reached| *reached);
    court.done("rebalance_queue_leaders", api.rebalance_queue_leaders());
}

fn nodes(court: &mut Court, api: &Api) {
    let Some(nodes) = court.done("list_nodes", api.list_nodes()) else {
        return;
    };
    court.holds("one node", Ok(nodes.len()), |n| *n == 1);
    let Some(node) = nodes.first() else { return };
    court.holds("get_node_info", api.get_node_info(&node.name), |n| {
        n.name == node.name && n.uptime > 0
    });
    court.holds(
        "get_node_memory_footprint",
        api.get_node_memory_footprint(&node.name),
        |f| {
            f.breakdown
                .as_ref()
                .is_some_and(|b| b.total.rss > 0 && b.grand_total() > 0)
        },
    );
    court.done("list_all_cluster_plugins", api.list_all_cluster_plugins());
    court.holds(
        "list_node_plugins",
        api.list_node_plugins(&node.name),
        |p| p.contains("rabbitmq_management"),
    );
    court.holds(
        "auth_attempts_statistics",
        api.auth_attempts_statistics(&node.name),
        |protocols| {
            protocols
                .iter()
                .any(|p| p.all_attempt_count > 0 && p.success_count > 0)
        },
    );
    court.refused(
        "get_node_info of another",
        404,
        api.get_node_info("nobody@nowhere"),
    );
}

fn health(court: &mut Court, api: &Api, amqp: u16, management: u16) {
    court.done(
        "health_check_cluster_wide_alarms",
        api.health_check_cluster_wide_alarms(),
    );
    court.done("health_check_local_alarms", api.health_check_local_alarms());
    court.done(
        "health_check_if_node_is_quorum_critical",
        api.health_check_if_node_is_quorum_critical(),
    );
    court.done(
        "health_check_port_listener: AMQP",
        api.health_check_port_listener(amqp),
    );
    court.done(
        "health_check_port_listener: management",
        api.health_check_port_listener(management),
    );
    court.refused(
        "health_check_port_listener: another",
        503,
        api.health_check_port_listener(1),
    );
    court.done(
        "health_check_protocol_listener: amqp",
        api.health_check_protocol_listener(SupportedProtocol::AMQP),
    );
    court.done(
        "health_check_protocol_listener: http",
        api.health_check_protocol_listener(SupportedProtocol::HTTP),
    );
    court.refused(
        "health_check_protocol_listener: mqtt",
        503,
        api.health_check_protocol_listener(SupportedProtocol::MQTT),
    );
}

fn features(court: &mut Court, api: &Api) {
    court.holds("list_feature_flags", api.list_feature_flags(), |f| {
        f.contains("quorum_queue")
    });
    court.done(
        "enable_feature_flag",
        api.enable_feature_flag("quorum_queue"),
    );
    court.done(
        "enable_all_stable_feature_flags",
        api.enable_all_stable_feature_flags(),
    );
    court.holds(
        "list_all_deprecated_features",
        api.list_all_deprecated_features(),
        |f| f.contains("global_qos"),
    );
    court.done(
        "list_deprecated_features_in_use",
        api.list_deprecated_features_in_use(),
    );
}

fn names(court: &mut Court, api: &Api) {
    let before = court.done("get_cluster_name", api.get_cluster_name());
    court.done("set_cluster_name", api.set_cluster_name("court@judge"));
    court.holds("get_cluster_name after", api.get_cluster_name(), |n| {
        n.name == "court@judge"
    });
    if let Some(before) = before {
        court.done("set_cluster_name back", api.set_cluster_name(&before.name));
    }
    let tags = Map::from_iter([("region".to_owned(), json!("here"))]);
    court.done("set_cluster_tags", api.set_cluster_tags(tags));
    court.holds("get_cluster_tags", api.get_cluster_tags(), |t| {
        t.0.get("region").is_some()
    });
    court.done("clear_cluster_tags", api.clear_cluster_tags());
}
