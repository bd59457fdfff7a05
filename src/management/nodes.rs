//! `/api/nodes`: the one node there is, and where its memory is.

use axum::extract::{Path, Query, State};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::error::ApiError;
use super::listing::Listing;
use super::overview::{contexts, exchange_types};
use super::rates::{self, Look, RangeQuery, show};
use super::{Answer, Api};
use crate::server::memory;

/// Plugins of RabbitMQ that are told of where nobody names any: their work is built in.
pub const PLUGINS: [&str; 5] = [
    "rabbitmq_management",
    "rabbitmq_prometheus",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
];

pub(super) fn routes() -> Router<Api> {
    Router::new()
        .route("/api/nodes", get(list))
        .route("/api/nodes/{node}", get(one))
        .route("/api/nodes/{node}/memory", get(memory_of))
        .route("/api/nodes/{node}/memory/relative", get(relative))
        .route("/api/nodes/{node}/memory/ets", get(tables))
        .route("/api/nodes/{node}/memory/ets/relative", get(tables))
        .route("/api/nodes/{node}/memory/ets/{filter}", get(tables))
        .route(
            "/api/nodes/{node}/memory/ets/{filter}/relative",
            get(tables),
        )
        .route("/api/top/{node}", get(processes))
        .route("/api/top/ets/{node}", get(top_tables))
}

async fn list(
    State(api): State<Api>,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    let look = api.look(ranges.list_ranges()?);
    listing.answer(vec![view(&api, &look)])
}

/// Parts of a node that are only shown when asked for.
#[derive(Clone, Debug, Default, Deserialize)]
struct Parts {
    memory: Option<String>,
    binary: Option<String>,
}

async fn one(
    State(api): State<Api>,
    Path(node): Path<String>,
    Query(parts): Query<Parts>,
    Query(listing): Query<Listing>,
    Query(ranges): Query<RangeQuery>,
) -> Answer {
    check(&api, &node)?;
    let look = api.look(ranges.ranges()?);
    let mut row = view(&api, &look);
    if parts.memory.as_deref() == Some("true") {
        row["memory"] = breakdown(&api);
    }
    if parts.binary.as_deref() == Some("true") {
        row["binary"] = Value::Object(BINARIES.iter().map(zero).collect());
    }
    listing.one(&row)
}

/// Whether it is this node, and the caller may look at it.
pub(super) fn check(api: &Api, node: &str) -> Result<(), ApiError> {
    match *api.broker().node == *node {
        true => Ok(()),
        false => Err(ApiError::NotFound),
    }
}

/// What Erlang counts and we have nothing of, or nothing to tell of, is zero.
fn zero(key: &&str) -> (String, Value) {
    ((*key).to_owned(), json!(0))
}

fn view(api: &Api, look: &Look<'_>) -> Value {
    let (broker, shown) = (api.broker(), &api.broker().compat.shown);
    let log = &api.settings.config.log;
    let mut row = Map::new();
    show::put(&mut row, ZEROS, [0; ZEROS.len()], &look.nothing());
    let more = json!({
        "name": broker.node.as_str(),
        "type": "disc",
        "running": true,
        "os_pid": std::process::id().to_string(),
        "uptime": api.shared.clock.now().tick.ms(),
        "processors": std::thread::available_parallelism().map_or(1, usize::from),
        "run_queue": 0,
        "fd_total": memory::descriptors_max(),
        "proc_total": 1_048_576,
        "sockets_total": 0,
        "mem_limit": broker.alarm.limit_bytes(),
        "mem_alarm": broker.alarm.is_raised(),
        "mem_calculation_strategy": "rss",
        "disk_free_limit": 50_000_000,
        "disk_free_alarm": false,
        "partitions": [],
        "rates_mode": broker.settings.rates_mode.as_str(),
        "net_ticktime": 60,
        "exchange_types": exchange_types(broker),
        "auth_mechanisms": mechanisms(api),
        "applications": applications(api),
        "enabled_plugins": &*api.plugins,
        "config_files": api.settings.files,
        "log_files": log.places(broker.node.as_str(), &broker.settings.default_vhost),
        "db_dir": api.settings.data_directory(broker.node.as_str()),
        "cluster_links": [],
        "metrics_gc_queue_length": METRICS.iter().map(zero).collect::<Map<_, _>>(),
        "ra_open_file_metrics": { "ra_log_wal": 0, "ra_log_segment_writer": 0 },
        "contexts": contexts(api, false),
    });
    if let Value::Object(more) = more {
        row.extend(more);
    }
    let node = rates::of_node(broker);
    show::put(&mut row, rates::NODE, node, &look.node(broker, node));
    let churn = rates::of_churn(&broker.churn);
    show::put(&mut row, rates::CHURN, churn, &look.churn(broker));
    if shown.maintenance {
        row.insert("being_drained".to_owned(), json!(false));
    }
    if shown.node_versions {
        for (key, version) in versions(broker.compat.version) {
            row.insert(key.to_owned(), json!(version));
        }
    }
    Value::Object(row)
}

/// Versions of what we are not built of are those of ourselves.
pub(super) fn versions(version: &'static str) -> [(&'static str, &'static str); 4] {
    [
        ("rabbitmq_version", version),
        ("erlang_version", ""),
        (
            "erlang_full_version",
            concat!("none: Leveret ", env!("CARGO_PKG_VERSION")),
        ),
        ("crypto_lib_version", ""),
    ]
}

fn mechanisms(api: &Api) -> Value {
    let row = |name: &str, description: &str, enabled: bool| json!({ "name": name, "description": description, "enabled": enabled });
    let mut all = vec![
        row("PLAIN", "SASL PLAIN authentication mechanism", true),
        row("AMQPLAIN", "QPid AMQPLAIN mechanism", true),
    ];
    if api.broker().compat.anonymous {
        all.push(row(
            "ANONYMOUS",
            "SASL ANONYMOUS authentication mechanism",
            true,
        ));
    }
    let demo = "RabbitMQ Demo challenge-response authentication mechanism";
    all.push(row("RABBIT-CR-DEMO", demo, false));
    all.into()
}

fn applications(api: &Api) -> Value {
    let version = api.broker().compat.version;
    json!([
        { "name": "rabbit", "description": "RabbitMQ", "version": version },
        { "name": "rabbitmq_management", "description": "RabbitMQ Management Console", "version": version },
        { "name": "leveret", "description": "RabbitMQ in memory", "version": env!("CARGO_PKG_VERSION") },
    ])
}

async fn memory_of(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    Ok(Json(json!({ "memory": breakdown(&api) })).into_response())
}

/// Messages are what we can tell apart; all the rest is `other_system`.
fn breakdown(api: &Api) -> Value {
    let broker = api.broker();
    let held = broker.held_bytes();
    let used = broker.alarm.used_bytes(held);
    let mut parts: Map<String, Value> = api
        .broker()
        .compat
        .shown
        .memory_parts
        .iter()
        .map(zero)
        .collect();
    parts.insert("binary".to_owned(), json!(held));
    parts.insert("other_system".to_owned(), json!(used.saturating_sub(held)));
    parts.insert("strategy".to_owned(), json!("rss"));
    let total = json!({ "erlang": used, "rss": used, "allocated": used });
    parts.insert("total".to_owned(), total);
    Value::Object(parts)
}

/// Each part in hundredths of all, rounded up as RabbitMQ does.
async fn relative(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    let all = breakdown(&api);
    let total = all["total"]["rss"].as_u64().unwrap_or(0).max(1);
    let share = |(key, bytes): (&String, &Value)| {
        let share = bytes.as_u64()?.saturating_mul(100).div_ceil(total);
        Some((key.clone(), json!(share)))
    };
    let parts = all.as_object().into_iter().flatten();
    let mut shares: Map<String, Value> = parts.filter_map(share).collect();
    shares.insert("total".to_owned(), json!(100));
    Ok(Json(json!({ "memory": shares })).into_response())
}

/// There are no ETS tables.
async fn tables(
    State(api): State<Api>,
    Path(path): Path<std::collections::HashMap<String, String>>,
) -> Answer {
    check(&api, path.get("node").map_or("", String::as_str))?;
    Ok(Json(json!({ "ets_tables_memory": "no_tables" })).into_response())
}

/// There are no Erlang processes.
async fn processes(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    Ok(Json(json!({ "node": node, "row_count": 20, "processes": [] })).into_response())
}

async fn top_tables(State(api): State<Api>, Path(node): Path<String>) -> Answer {
    check(&api, &node)?;
    Ok(Json(json!({ "node": node, "row_count": 20, "ets_tables": [] })).into_response())
}

/// What RabbitMQ counts of disk, garbage collection and its database.
const ZEROS: [&str; 20] = [
    "gc_num",
    "gc_bytes_reclaimed",
    "context_switches",
    "io_read_count",
    "io_read_bytes",
    "io_read_avg_time",
    "io_write_count",
    "io_write_bytes",
    "io_write_avg_time",
    "io_sync_count",
    "io_sync_avg_time",
    "io_seek_count",
    "io_seek_avg_time",
    "io_reopen_count",
    "mnesia_ram_tx_count",
    "mnesia_disk_tx_count",
    "msg_store_read_count",
    "msg_store_write_count",
    "queue_index_read_count",
    "queue_index_write_count",
];

const METRICS: [&str; 8] = [
    "connection_closed",
    "channel_closed",
    "consumer_deleted",
    "exchange_deleted",
    "queue_deleted",
    "vhost_deleted",
    "node_node_deleted",
    "channel_consumer_deleted",
];

const BINARIES: [&str; 15] = [
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
    "metadata_store",
    "plugins",
    "mgmt_db",
    "msg_index",
    "other",
];
