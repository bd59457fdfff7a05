//! `/api/overview`: the broker as a whole.

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use serde_json::{Value, json};

use super::auth::Caller;
use super::listing::Listing;
use super::queue_view::Extent;
use super::rates::{self, AllTraffic, Look, RangeQuery, show};
use super::{Answer, Api, connections, nodes};
use crate::broker::Broker;
use crate::broker::exchange::ExchangeKind;

pub(super) fn routes() -> Router<Api> {
    Router::new().route("/api/overview", get(overview))
}

async fn overview(
    State(api): State<Api>,
    caller: Caller,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
    Query(extent): Query<Extent>,
) -> Answer {
    let look = api.look(ranges.ranges()?);
    let seen = connections::seen(&api, &caller);
    let vhosts = caller.vhosts(&api);
    let mut row = about(&api);
    row["disable_stats"] = json!(!extent.has_stats());
    row["enable_queue_totals"] = json!(extent.has_totals());
    row["object_totals"] = json!({
        "connections": seen.len(),
        "exchanges": vhosts.iter().map(|vhost| vhost.exchanges.len()).sum::<usize>(),
        "queues": vhosts.iter().map(|vhost| vhost.queues.len()).sum::<usize>(),
    });
    if caller.is_monitor() {
        row["node"] = json!(api.broker().node.as_str());
    }
    if extent.has_stats() {
        show_numbers(&mut row, &api, &look);
        let channels = seen.iter().map(|one| one.channel_infos().len());
        row["object_totals"]["channels"] = json!(channels.sum::<usize>());
        let queues = vhosts.iter().flat_map(|vhost| vhost.queues.snapshot());
        let consumers = queues.map(|queue| queue.view().consumers);
        if caller.is_monitor() {
            row["object_totals"]["consumers"] = json!(consumers.sum::<usize>());
        }
        row["statistics_db_event_queue"] = json!(0);
        if caller.is_monitor() {
            row["listeners"] = listeners(&api).into();
            row["contexts"] = contexts(&api, true).into();
        }
    }
    listing.one(&row)
}

/// Of the whole broker, whoever asks.
fn show_numbers(row: &mut Value, api: &Api, look: &Look<'_>) {
    let broker = api.broker();
    let counts = rates::messages(AllTraffic::read(broker).broker.channels);
    let vhosts = broker.vhosts.snapshot();
    let lengths = vhosts.iter().map(|vhost| rates::vhost_lengths(vhost));
    let lengths = lengths.fold([0; 3], rates::sum);
    let churn = rates::of_churn(&broker.churn);
    let (messages, of_lengths, of_churn) = look.broker(broker, counts, lengths);
    row["message_stats"] = match api.tells_message_stats() {
        true => show::stats(rates::MESSAGES, counts, &messages),
        false => json!({}),
    };
    for key in ["disk_reads", "disk_writes"] {
        row["message_stats"][key] = json!(0);
        row["message_stats"][format!("{key}_details")] = json!({ "rate": 0.0 });
    }
    row["queue_totals"] = show::stats(rates::LENGTHS, lengths, &of_lengths);
    row["churn_rates"] = show::stats(rates::CHURN, churn, &of_churn);
}

/// What does not change.
fn about(api: &Api) -> Value {
    let broker = api.broker();
    let (version, shown) = (broker.compat.version, &broker.compat.shown);
    let mut row = json!({
        "management_version": version,
        "rates_mode": broker.settings.rates_mode.as_str(),
        "sample_retention_policies": { "global": [600, 3600, 28800, 86400], "basic": [600, 3600], "detailed": [600] },
        "exchange_types": exchange_types(broker),
        "product_version": broker.settings.product_version.as_deref().unwrap_or(version),
        "product_name": broker.settings.product_name.as_deref().unwrap_or("RabbitMQ"),
        "cluster_name": broker.cluster_name().as_str(),
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
        row["cluster_tags"] = tags(&broker.settings.cluster_tags);
        row["node_tags"] = tags(&broker.settings.node_tags);
        row["default_queue_type"] = json!(broker.default_queue_type.as_str());
        let is_locked = api.settings.config.management.locks_operator_policies;
        row["is_op_policy_updating_enabled"] = json!(!is_locked);
    }
    row
}

fn tags(tags: &[(String, String)]) -> Value {
    let pairs = tags.iter().map(|(name, tag)| (name.clone(), json!(tag)));
    Value::Object(pairs.collect())
}

/// The types of exchanges that there are.
pub(super) fn exchange_types(broker: &Broker) -> Vec<Value> {
    let row = |kind: ExchangeKind| json!({ "name": kind.as_str(), "description": kind.description(), "enabled": true });
    ExchangeKind::all(&broker.compat).map(row).collect()
}

fn listeners(api: &Api) -> Vec<Value> {
    let tells_tls = api.broker().compat.shown.node_versions;
    let view = |(protocol, address): &(&str, std::net::SocketAddr)| {
        let mut row = json!({
            "node": api.broker().node.as_str(),
            "protocol": protocol,
            "ip_address": address.ip().to_string(),
            "port": address.port(),
            "socket_opts": socket_options(api, protocol, address),
        });
        if tells_tls {
            row["tls"] = json!(matches!(
                *protocol,
                "amqp/ssl" | "https" | "https/prometheus"
            ));
        }
        row
    };
    api.listeners.iter().map(view).collect()
}

/// As RabbitMQ tells its own, by protocol.
fn socket_options(api: &Api, protocol: &str, address: &std::net::SocketAddr) -> Value {
    if protocol.starts_with("http") {
        let mut row = json!({
            "cowboy_opts": { "sendfile": false },
            "ip": address.ip().to_string(),
            "port": address.port(),
        });
        if protocol.starts_with("https") {
            row["ssl"] = json!(true);
        }
        if protocol.ends_with("/prometheus") {
            row["protocol"] = json!(protocol);
        }
        return row;
    }
    let mut row = json!({
        "backlog": 1024,
        "nodelay": true,
        "linger": [true, 0],
        "exit_on_close": false,
    });
    if protocol == "amqp/ssl" {
        let files = [
            ("cacertfile", &api.tls.cacertfile),
            ("certfile", &api.tls.certfile),
            ("keyfile", &api.tls.keyfile),
        ];
        for (name, path) in files {
            if let Some(path) = path {
                row[name] = json!(path);
            }
        }
    }
    row
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
