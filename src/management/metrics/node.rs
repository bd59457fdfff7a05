//! Metrics of the process, of what comes and goes, and of logins.

use super::super::Api;
use super::super::rates;
use super::snapshot::Snapshot;
use super::text::Kind::{self, Counter, Gauge, Untyped};
use super::text::Text;
use crate::server::memory;

/// Free disk below which RabbitMQ raises an alarm.
const DISK_LIMIT_BYTES: u64 = 50_000_000;
const PROCESSES_MAX: u64 = 1_048_576;
const NET_TICK_SECONDS: u64 = 60;

type Single = (&'static str, Kind, &'static str, u64);

fn put(text: &mut Text, prefix: &str, metrics: impl IntoIterator<Item = Single>) {
    for (name, kind, help, value) in metrics {
        text.begin(prefix, name, kind, help);
        text.sample(prefix, name, &[], value);
    }
}

/// Families of metrics that are not of single objects, by RabbitMQ's names.
pub(super) fn write(text: &mut Text, prefix: &str, family: &str, api: &Api) {
    match family {
        "connection_churn_metrics" => churn(text, prefix, api),
        "node_coarse_metrics" => coarse(text, prefix, api),
        "node_metrics" => limits(text, prefix, api),
        "node_persister_metrics" => persister(text, prefix),
        "auth_attempt_metrics" => logins(text, prefix, api),
        _ => {}
    }
}

fn churn(text: &mut Text, prefix: &str, api: &Api) {
    let [
        connected,
        disconnected,
        opened,
        closed,
        declared,
        created,
        deleted,
    ] = rates::of_churn(&api.broker().churn);
    let metrics = [
        (
            "connections_opened_total",
            Counter,
            "Connections opened since the start",
            connected,
        ),
        (
            "connections_closed_total",
            Counter,
            "Connections closed since the start",
            disconnected,
        ),
        (
            "channels_opened_total",
            Counter,
            "Channels opened since the start",
            opened,
        ),
        (
            "channels_closed_total",
            Counter,
            "Channels closed since the start",
            closed,
        ),
        (
            "queues_declared_total",
            Counter,
            "Declarations of queues since the start",
            declared,
        ),
        (
            "queues_created_total",
            Counter,
            "Queues made since the start",
            created,
        ),
        (
            "queues_deleted_total",
            Counter,
            "Queues deleted since the start",
            deleted,
        ),
    ];
    put(text, prefix, metrics);
}

fn coarse(text: &mut Text, prefix: &str, api: &Api) {
    let [_, files, _, processes, disk] = rates::of_node(api.broker());
    let metrics = [
        (
            "process_open_fds",
            Gauge,
            "Files and sockets that are open",
            files,
        ),
        (
            "process_resident_memory_bytes",
            Gauge,
            "Memory of this process",
            memory::resident_bytes(),
        ),
        (
            "disk_space_available_bytes",
            Gauge,
            "Memory that is left, as messages are kept there",
            disk,
        ),
        (
            "erlang_processes_used",
            Gauge,
            "Connections, as each has a process",
            processes,
        ),
        (
            "erlang_gc_runs_total",
            Counter,
            "Runs of a garbage collector: there is none",
            0,
        ),
        (
            "erlang_gc_reclaimed_bytes_total",
            Counter,
            "Bytes that a garbage collector freed: there is none",
            0,
        ),
        (
            "erlang_scheduler_context_switches_total",
            Counter,
            "Switches of Erlang's schedulers: there are none",
            0,
        ),
    ];
    put(text, prefix, metrics);
}

fn limits(text: &mut Text, prefix: &str, api: &Api) {
    let metrics = [
        (
            "process_max_fds",
            Gauge,
            "Files and sockets that may be open",
            memory::descriptors_max(),
        ),
        (
            "resident_memory_limit_bytes",
            Gauge,
            "Memory above which publishers are paused",
            api.broker().alarm.limit_bytes(),
        ),
        (
            "disk_space_available_limit_bytes",
            Gauge,
            "Free disk below which RabbitMQ pauses publishers",
            DISK_LIMIT_BYTES,
        ),
        (
            "erlang_processes_limit",
            Gauge,
            "Erlang processes that RabbitMQ may have",
            PROCESSES_MAX,
        ),
        (
            "erlang_scheduler_run_queue",
            Gauge,
            "Erlang processes that wait to run: none",
            0,
        ),
        (
            "erlang_net_ticktime_seconds",
            Gauge,
            "How often nodes of a cluster look for each other",
            NET_TICK_SECONDS,
        ),
    ];
    put(text, prefix, metrics);
    let name = "erlang_uptime_seconds";
    text.begin(prefix, name, Gauge, "Time since the start");
    let ms = api.shared.clock.now().tick.ms();
    text.sample(prefix, name, &[], seconds(ms));
}

/// There is no disk.
fn persister(text: &mut Text, prefix: &str) {
    for name in NOT_ON_DISK {
        text.begin(
            prefix,
            name,
            Counter,
            "Nothing is written to a disk, nor read from one",
        );
        text.sample(prefix, name, &[], 0);
    }
}

fn logins(text: &mut Text, prefix: &str, api: &Api) {
    let logins = &api.broker().logins;
    let protocols = [
        ("http", logins.http.totals()),
        ("amqp091", logins.amqp.totals()),
    ];
    type Count = fn((u64, u64)) -> u64;
    let metrics: [(&str, &str, Count); 3] = [
        ("auth_attempts_total", "Logins tried", |(good, bad)| {
            good + bad
        }),
        (
            "auth_attempts_succeeded_total",
            "Logins that succeeded",
            |(good, _)| good,
        ),
        (
            "auth_attempts_failed_total",
            "Logins that failed",
            |(_, bad)| bad,
        ),
    ];
    for (name, help, count) in metrics {
        text.begin(prefix, name, Counter, help);
        for (protocol, totals) in protocols {
            text.sample(prefix, name, &[("protocol", protocol)], count(totals));
        }
    }
}

/// What there is of everything, alarms, and the machine: only where all is summed up or listed.
pub(super) fn totals(text: &mut Text, all: &Snapshot) {
    let metrics = [
        (
            "connections",
            Gauge,
            "Connections there are",
            all.connections.len() as u64,
        ),
        (
            "channels",
            Gauge,
            "Channels there are",
            all.channels.len() as u64,
        ),
        (
            "consumers",
            Gauge,
            "Consumers there are",
            all.sum(|it| it.view.consumers as u64),
        ),
        ("queues", Gauge, "Queues there are", all.queues.len() as u64),
    ];
    put(text, "rabbitmq_", metrics);
    let processors = std::thread::available_parallelism().map_or(1, |n| n.get() as u64);
    let metrics = [
        (
            "logical_processors",
            Gauge,
            "Processors of this machine",
            processors,
        ),
        (
            "logical_processors_available",
            Gauge,
            "Processors that this process may use",
            processors,
        ),
        (
            "logical_processors_online",
            Gauge,
            "Processors that work",
            processors,
        ),
    ];
    put(text, "erlang_vm_", metrics);
}

/// Of the node, which is the whole cluster.
pub(super) fn alarms(text: &mut Text, api: &Api) {
    let raised = u64::from(api.broker().alarm.is_raised());
    // The first is gone from newer lines.
    let metrics = [
        (
            "alarms_file_descriptor_limit",
            Untyped,
            "1 while too many files are open: never",
            0,
        ),
        (
            "alarms_free_disk_space_watermark",
            Untyped,
            "1 while the disk is full: never",
            0,
        ),
        (
            "alarms_memory_used_watermark",
            Untyped,
            "1 while publishers are paused for want of memory",
            raised,
        ),
        (
            "unreachable_cluster_peers_count",
            Gauge,
            "Other nodes that do not answer: there are none",
            0,
        ),
    ];
    let is_newer = api.broker().compat.shown.newer_metrics;
    put(
        text,
        "rabbitmq_",
        metrics.into_iter().skip(usize::from(is_newer)),
    );
    let start = api.shared.clock.start_wall_ms() / 1000;
    put(
        text,
        "",
        [(
            "process_start_time_seconds",
            Gauge,
            "When this process began",
            start,
        )],
    );
}

/// Who this is.
pub(super) fn identity(text: &mut Text, api: &Api, endpoint: &str) {
    let broker = api.broker();
    let version = broker.compat.version;
    text.begin("rabbitmq_", "build_info", Untyped, "Versions");
    let labels = [
        ("rabbitmq_version", version),
        ("prometheus_plugin_version", version),
        ("prometheus_client_version", ""),
        ("erlang_version", ""),
    ];
    text.sample("rabbitmq_", "build_info", &labels, 1);
    text.begin(
        "rabbitmq_",
        "identity_info",
        Untyped,
        "Names of the node and of its cluster",
    );
    let cluster = broker.cluster_name();
    let id = super::cluster_id(broker);
    let mut labels = vec![
        ("rabbitmq_node", broker.node.as_str()),
        ("rabbitmq_cluster", cluster.as_str()),
        ("rabbitmq_cluster_permanent_id", &id),
    ];
    if broker.compat.shown.metrics_endpoint {
        labels.push(("rabbitmq_endpoint", endpoint));
    }
    text.sample("rabbitmq_", "identity_info", &labels, 1);
}

/// Where memory is: messages are what we can tell apart.
pub(super) fn memory_breakdown(text: &mut Text, api: &Api) {
    let held = api.broker().held_bytes();
    let used = api.broker().alarm.used_bytes(held);
    for name in MEMORY {
        let (help, bytes) = match name {
            "binary_heap_bytes" => ("Bytes that messages hold", held),
            "other_system_bytes" => ("All else", used.saturating_sub(held)),
            _ => ("Part of Erlang's memory: there is none", 0),
        };
        put(text, "rabbitmq_memory_", [(name, Gauge, help, bytes)]);
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "an uptime need not be exact to the millisecond in a thousand years"
)]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

const NOT_ON_DISK: [&str; 17] = [
    "io_read_ops_total",
    "io_read_bytes_total",
    "io_write_ops_total",
    "io_write_bytes_total",
    "io_sync_ops_total",
    "io_seek_ops_total",
    "io_reopen_ops_total",
    "schema_db_ram_tx_total",
    "schema_db_disk_tx_total",
    "msg_store_read_total",
    "msg_store_write_total",
    "queue_index_read_ops_total",
    "queue_index_write_ops_total",
    "io_read_time_seconds_total",
    "io_write_time_seconds_total",
    "io_sync_time_seconds_total",
    "io_seek_time_seconds_total",
];

const MEMORY: [&str; 26] = [
    "code_module_bytes",
    "client_connection_reader_bytes",
    "client_connection_writer_bytes",
    "client_connection_channel_bytes",
    "client_connection_other_bytes",
    "classic_queue_erlang_process_bytes",
    "quorum_queue_erlang_process_bytes",
    "quorum_queue_dlx_erlang_process_bytes",
    "stream_erlang_process_bytes",
    "stream_replica_reader_erlang_process_bytes",
    "stream_coordinator_erlang_process_bytes",
    "plugin_bytes",
    "modern_metadata_store_bytes",
    "other_erlang_process_bytes",
    "metrics_bytes",
    "management_stats_db_bytes",
    "classic_metadata_store_bytes",
    "quorum_queue_ets_table_bytes",
    "modern_metadata_store_ets_table_bytes",
    "other_ets_table_bytes",
    "binary_heap_bytes",
    "message_index_bytes",
    "atom_table_bytes",
    "other_system_bytes",
    "runtime_allocated_unused_bytes",
    "runtime_reserved_unallocated_bytes",
];
