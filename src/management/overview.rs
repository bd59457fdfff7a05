//! `/api/overview`: the broker as a whole.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::listing::Listing;
use super::{Answer, Api, channels, connections, nodes};
use crate::broker::Broker;
use crate::broker::exchange::ExchangeKind;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/overview", get(overview))
}

async fn overview(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
) -> Answer {
    let broker = api.broker();
    let vhosts = caller.vhosts(&api);
    let views: Vec<_> = vhosts
        .iter()
        .flat_map(|vhost| vhost.queues.snapshot())
        .map(|queue| queue.view())
        .collect();
    let ready: u64 = views.iter().map(|view| view.ready).sum();
    let unacked: u64 = views.iter().map(|view| view.unacked).sum();
    let seen = connections::seen(&api, &caller);
    let channels: usize = seen
        .iter()
        .map(|connection| connection.channel_infos().len())
        .sum();
    let mut row = about(&api);
    let mut add = |key: &str, value: Value| row[key] = value;
    add(
        "message_stats",
        channels::message_stats(seen.iter().flat_map(|one| one.channel_infos())),
    );
    add("churn_rates", nodes::churn(&broker.churn).into());
    add(
        "queue_totals",
        json!({
            "messages": ready + unacked,
            "messages_ready": ready,
            "messages_unacknowledged": unacked,
        }),
    );
    add(
        "object_totals",
        json!({
            "channels": channels,
            "connections": seen.len(),
            "consumers": views.iter().map(|view| view.consumers).sum::<usize>(),
            "exchanges": vhosts.iter().map(|vhost| vhost.exchanges.len()).sum::<usize>(),
            "queues": views.len(),
        }),
    );
    add("statistics_db_event_queue", json!(0));
    if caller.is_monitor() {
        add("node", json!(broker.node.as_str()));
        add("listeners", listeners(&api).into());
        add("contexts", contexts(&api, true).into());
    }
    listing.one(&row)
}

/// What does not change.
fn about(api: &Api) -> Value {
    let broker = api.broker();
    let (version, shown) = (broker.compat.version, &broker.compat.shown);
    let mut row = json!({
        "management_version": version,
        "rates_mode": "basic",
        "sample_retention_policies": { "global": [600, 3600, 28800, 86400], "basic": [600, 3600], "detailed": [600] },
        "exchange_types": exchange_types(broker),
        "product_version": version,
        "product_name": "RabbitMQ",
        "cluster_name": broker.cluster_name().as_str(),
        "disable_stats": false,
        "enable_queue_totals": false,
    });
    for (key, version) in nodes::versions(version) {
        if key != "crypto_lib_version" || shown.node_versions {
            row[key] = json!(version);
        }
    }
    if shown.node_versions {
        row["require_definition_json_extension"] = json!(false);
    }
    if shown.support_status {
        row["release_series_support_status"] = json!("supported");
    }
    if shown.overview_tags {
        row["cluster_tags"] = json!({});
        row["node_tags"] = json!({});
        row["default_queue_type"] = json!(broker.default_queue_type.as_str());
        row["is_op_policy_updating_enabled"] = json!(true);
    }
    row
}

/// The types of exchanges that there are.
pub(super) fn exchange_types(broker: &Broker) -> Vec<Value> {
    let row = |kind: ExchangeKind| json!({ "name": kind.as_str(), "description": kind.description(), "enabled": true });
    ExchangeKind::all(&broker.compat).map(row).collect()
}

pub(super) fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

fn listeners(api: &Api) -> Vec<Value> {
    let tells_tls = api.broker().compat.shown.node_versions;
    let view = |(protocol, address): &(&str, std::net::SocketAddr)| {
        let mut row = json!({
            "node": api.broker().node.as_str(),
            "protocol": protocol,
            "ip_address": address.ip().to_string(),
            "port": address.port(),
            "socket_opts": { "backlog": 1024, "nodelay": true },
        });
        if tells_tls {
            row["tls"] = json!(false);
        }
        row
    };
    api.listeners.iter().map(view).collect()
}

/// Where HTTP is served; the overview says of which node.
pub(super) fn contexts(api: &Api, has_node: bool) -> Vec<Value> {
    let http = api
        .listeners
        .iter()
        .filter(|(protocol, _)| *protocol == "http");
    let view = |(_, address): &(&str, std::net::SocketAddr)| {
        let mut row = json!({
            "description": "RabbitMQ Management",
            "path": "/",
            "cowboy_opts": "[{sendfile,false}]",
            "ip": address.ip().to_string(),
            "port": address.port().to_string(),
        });
        if has_node {
            row["node"] = json!(api.broker().node.as_str());
            row["ssl_opts"] = json!([]);
        }
        row
    };
    http.map(view).collect()
}
