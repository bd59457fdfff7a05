//! What a node says of itself: `status` and the versions.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Configuration, Deprecated, Help, Observability},
    Needs, Opt, Tools,
};
use super::failure::Failure;
use super::listeners::{Listener, listeners};
use super::memory_use::{MemoryUse, amount, check_unit, unit};
use super::output::Output;
use super::plugins;
use super::session::Session;
use super::value::bare;

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "status",
        Observability,
        "Shows the state of the broker",
        status,
    )
    .usage((0, 0), "[--unit <unit>] [--timeout <timeout>]")
    .options(&[Opt::text("unit")])
    .help(&[(
        "--unit <bytes | mb | mib | gb | gib | tb | tib>",
        "the unit of memory and disk space",
    )])
    .check(|s| check_unit(s, "bytes, mb, mib, gb, gib, tb, tib"))
    .tools(Tools::BOTH)
    .banner(|s| format!("Status of node {} ...", s.node())),
    Command::new(
        "set_cluster_name",
        Configuration,
        "Names the cluster",
        set_cluster_name,
    )
    .usage((1, 1), "<name>")
    .banner(|s| format!("Setting cluster name to {} ...", s.arg(0))),
    Command::new(
        "version",
        Help,
        "Shows the version of RabbitMQ that is spoken",
        version,
    )
    .tools(Tools::BOTH.and(Tools::PLUGINS))
    .offline(),
    Command::new(
        "server_version",
        Observability,
        "Shows the broker's version",
        server_version,
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| format!("Asking node {} for its RabbitMQ version...", s.node())),
    Command::new(
        "erlang_version",
        Observability,
        "Shows the version given as Erlang's",
        erlang_version,
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| format!("Asking node {} for its Erlang/OTP version...", s.node())),
    Command::new("node_health_check", Deprecated, "Does nothing", |_| {
        Ok(Output::text(
            "This command is DEPRECATED and is a no-op. It will be removed in a future version. \n\
             Use one of the options covered in \
             https://www.rabbitmq.com/monitoring.html#health-checks instead.",
        ))
    })
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::BOTH)
    .offline(),
];

/// Answers of the broker that most of these commands start from.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) overview: Value,
    node: Value,
}

impl Node {
    pub(super) fn ask(s: &Session<'_>) -> Result<Self, Failure> {
        let overview = s.get("/api/overview")?.unwrap_or_default();
        let name = overview.get("node").cloned();
        let nodes = s.list("/api/nodes")?;
        let ours = nodes
            .iter()
            .find(|node| node.get("name") == name.as_ref())
            .or(nodes.first());
        Ok(Self {
            node: ours.cloned().unwrap_or_default(),
            overview,
        })
    }

    pub(super) fn overview(&self, key: &str) -> String {
        self.overview.get(key).map(bare).unwrap_or_default()
    }

    /// Labels of the cluster or of the node, as lines and as RabbitMQ's JSON: without any it is a list.
    pub(super) fn tags(&self, key: &str) -> (Vec<String>, Value) {
        match self.overview.get(key).and_then(Value::as_object) {
            Some(tags) if !tags.is_empty() => {
                let line = |(name, value): (&String, &Value)| format!("{name}: {}", bare(value));
                (tags.iter().map(line).collect(), json!(tags))
            }
            _ => (Vec::new(), json!([])),
        }
    }

    pub(super) fn number(&self, key: &str) -> u64 {
        self.node
            .get(key)
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    fn total(&self, key: &str) -> u64 {
        let totals = self.overview.get("object_totals");
        totals
            .and_then(|totals| totals.get(key))
            .and_then(Value::as_u64)
            .unwrap_or_default()
    }

    fn strings(&self, key: &str) -> Vec<String> {
        let list = self.node.get(key).and_then(Value::as_array);
        list.into_iter().flatten().map(bare).collect()
    }

    /// Where it and its quorum queues would keep their data, if anywhere.
    fn directories(&self) -> [String; 2] {
        let data = self.node.get("db_dir").map(bare).unwrap_or_default();
        let raft = match data.as_str() {
            "" => String::new(),
            data => format!("{data}/quorum/{}", self.name()),
        };
        [data, raft]
    }

    /// The plugins that run, with those that they need.
    fn plugins(&self) -> Vec<String> {
        plugins::with_needs(&self.strings("enabled_plugins"))
    }

    pub(super) fn name(&self) -> String {
        self.overview("node")
    }

    /// Whether `rabbitmq-upgrade drain` was there.
    pub(super) fn is_drained(&self) -> bool {
        self.node.get("being_drained") == Some(&Value::Bool(true))
    }

    pub(super) fn alarms(&self) -> Vec<String> {
        let name = self.name();
        let raised = |key: &str| self.node.get(key) == Some(&Value::Bool(true));
        let mut alarms = Vec::new();
        if raised("mem_alarm") {
            alarms.push(format!("Memory alarm on node {name}"));
        }
        if raised("disk_free_alarm") {
            alarms.push(format!("Free disk space alarm on node {name}"));
        }
        alarms
    }
}

fn status(s: &Session<'_>) -> Result<Output, Failure> {
    let (node, memory) = (Node::ask(s)?, MemoryUse::ask(s)?);
    let vhosts = s.list("/api/vhosts")?.len();
    let text = status_text(&node, &memory, vhosts, &unit(s));
    Ok(Output::Report {
        text,
        json: status_json(&node, &memory, vhosts),
    })
}

fn status_text(node: &Node, memory: &MemoryUse, vhosts: usize, unit: &str) -> String {
    let mut text = String::new();
    runtime(&mut text, node);
    section(&mut text, "Plugins");
    let file = plugins::file();
    let _ = writeln!(
        text,
        "Enabled plugin file: {}\nEnabled plugins:\n",
        file.display()
    );
    bullets(&mut text, &node.plugins());
    section(&mut text, "Data directory");
    let [data, raft] = node.directories();
    let _ = writeln!(
        text,
        "Node data directory: {}\nRaft data directory: {}",
        or_no_directory(&data),
        or_no_directory(&raft)
    );
    section(&mut text, "Config files");
    bullets(&mut text, &node.strings("config_files"));
    section(&mut text, "Log file(s)");
    bullets(&mut text, &node.strings("log_files"));
    section(&mut text, "Alarms");
    lines(&mut text, &node.alarms());
    section(&mut text, "Tags");
    lines(&mut text, &node.tags("node_tags").0);
    section(&mut text, "Memory");
    let limit = amount(node.number("mem_limit"), unit);
    let _ = writeln!(
        text,
        "Total memory used: {}\nCalculation strategy: {}\n\
         Memory high watermark setting: {limit}, computed to: {limit}\n",
        amount(node.number("mem_used"), unit),
        memory.strategy(),
    );
    lines(&mut text, &memory.lines(unit, " "));
    section(&mut text, "File Descriptors");
    let _ = writeln!(
        text,
        "Total: {}, limit: {}",
        node.number("fd_used"),
        node.number("fd_total")
    );
    section(&mut text, "Free Disk Space");
    let _ = writeln!(
        text,
        "Low free disk space watermark: {}\nFree disk space: {}",
        amount(node.number("disk_free_limit"), unit),
        amount(node.number("disk_free"), unit),
    );
    section(&mut text, "Totals");
    let _ = writeln!(
        text,
        "Connection count: {}\nQueue count: {}\nVirtual host count: {vhosts}",
        node.total("connections"),
        node.total("queues"),
    );
    section(&mut text, "Listeners");
    lines(
        &mut text,
        &listeners(&node.overview)
            .iter()
            .map(Listener::line)
            .collect::<Vec<_>>(),
    );
    text.trim_end().to_owned()
}

fn runtime(text: &mut String, node: &Node) {
    section(text, "Runtime");
    let version = node.overview("rabbitmq_version");
    let _ = writeln!(
        text,
        "OS PID: {}\nOS: {}\nUptime (seconds): {}\nIs under maintenance?: {}\n\
         RabbitMQ version: {version}\nRabbitMQ release series support status: see \
         https://www.rabbitmq.com/release-information\nNode name: {}\nErlang configuration: {}\n\
         Crypto library: {CRYPTO}\nErlang processes: {} used, {} limit\nScheduler run queue: {}\n\
         Cluster heartbeat timeout (net_ticktime): {}",
        node.node.get("os_pid").map(bare).unwrap_or_default(),
        os(),
        node.number("uptime") / 1000,
        node.is_drained(),
        node.name(),
        node.overview("erlang_full_version"),
        node.number("proc_used"),
        node.number("proc_total"),
        node.number("run_queue"),
        node.number("net_ticktime"),
    );
}

fn status_json(node: &Node, memory: &MemoryUse, vhosts: usize) -> Value {
    let [data, raft] = node.directories();
    json!({
        "pid": node.node.get("os_pid").map(bare).and_then(|pid| pid.parse::<u64>().ok()),
        "os": os(),
        "uptime": node.number("uptime") / 1000,
        "is_under_maintenance": node.is_drained(),
        "rabbitmq_version": node.overview("rabbitmq_version"),
        // As on RabbitMQ where no other product is built from it.
        "product_name": "",
        "product_version": "",
        "erlang_version": node.overview("erlang_full_version"),
        "crypto_lib_version": CRYPTO,
        "processes": {"used": node.number("proc_used"), "limit": node.number("proc_total")},
        "run_queue": node.number("run_queue"),
        "net_ticktime": node.number("net_ticktime"),
        "enabled_plugin_file": plugins::file(),
        "active_plugins": node.plugins(),
        "raft_data_directory": raft,
        "data_directory": data,
        "config_files": node.strings("config_files"),
        "log_files": node.strings("log_files"),
        "alarms": node.alarms(),
        "tags": node.tags("node_tags").1,
        "memory": memory.json(),
        "vm_memory_calculation_strategy": memory.strategy(),
        "vm_memory_high_watermark_setting": {"absolute": node.number("mem_limit")},
        "vm_memory_high_watermark_limit": node.number("mem_limit"),
        "file_descriptors": {
            "total_used": node.number("fd_used"),
            "total_limit": node.number("fd_total"),
            "sockets_used": node.number("sockets_used"),
            "sockets_limit": node.number("sockets_total"),
        },
        "disk_free_limit": node.number("disk_free_limit"),
        "disk_free": node.number("disk_free"),
        "totals": {
            "connection_count": node.total("connections"),
            "queue_count": node.total("queues"),
            "virtual_host_count": vhosts,
        },
        "listeners": listeners(&node.overview).iter().map(Listener::json).collect::<Vec<_>>(),
    })
}

fn set_cluster_name(s: &Session<'_>) -> Result<Output, Failure> {
    s.must(
        "PUT",
        "/api/cluster-name",
        Some(&json!({ "name": s.arg(0) })),
    )?;
    Ok(Output::Nothing)
}

fn version(s: &Session<'_>) -> Result<Output, Failure> {
    Ok(Output::Text(spoken_version(s)))
}

/// The version of the broker that would be asked; without one, of the line spoken by default.
pub(super) fn spoken_version(s: &Session<'_>) -> String {
    let asked = s
        .probe()
        .and_then(|()| s.get("/api/overview"))
        .ok()
        .flatten();
    let version = asked.and_then(|overview| overview.get("rabbitmq_version").map(bare));
    version.unwrap_or_else(|| DEFAULT_VERSION.to_owned())
}

fn server_version(s: &Session<'_>) -> Result<Output, Failure> {
    let text = Node::ask(s)?.overview("rabbitmq_version");
    Ok(Output::Report {
        json: json!({ "result": "ok", "value": text }),
        text,
    })
}

fn erlang_version(s: &Session<'_>) -> Result<Output, Failure> {
    let version = Node::ask(s)?.overview("erlang_version");
    let text = format!("Erlang/OTP {}", or_none(&version));
    Ok(Output::Report {
        json: json!({ "result": "ok", "value": text }),
        text,
    })
}

fn or_no_directory(path: &str) -> &str {
    if path.is_empty() { "(none)" } else { path }
}

/// There is no Erlang here, and a real server has one.
pub(super) fn or_none(version: &str) -> &str {
    if version.is_empty() { "none" } else { version }
}

pub(super) fn section(text: &mut String, title: &str) {
    let before = if text.is_empty() { "" } else { "\n" };
    let _ = writeln!(text, "{before}{title}\n");
}

pub(super) fn lines(text: &mut String, content: &[String]) {
    let none = ["(none)".to_owned()];
    for line in if content.is_empty() { &none } else { content } {
        let _ = writeln!(text, "{line}");
    }
}

fn bullets(text: &mut String, content: &[String]) {
    if content.is_empty() {
        return lines(text, content);
    }
    for line in content {
        let _ = writeln!(text, " * {line}");
    }
}

fn os() -> &'static str {
    match std::env::consts::OS {
        "macos" => "macOS",
        "linux" => "Linux",
        other => other,
    }
}

/// What encrypts connections.
const CRYPTO: &str = if cfg!(feature = "tls") {
    "rustls with ring"
} else {
    "none"
};

/// The release whose behaviour is the default.
pub(super) const DEFAULT_VERSION: &str = "4.3.6";

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Node {
        let overview = json!({
            "node": "rabbit@h", "rabbitmq_version": "4.3.6", "erlang_full_version": "none",
            "object_totals": {"connections": 1, "queues": 4},
            "listeners": [
                {"node": "rabbit@h", "protocol": "amqp", "ip_address": "127.0.0.1", "port": 5672},
                {"node": "rabbit@h", "protocol": "clustering", "ip_address": "::", "port": 25672},
            ],
        });
        let node = json!({
            "name": "rabbit@h", "os_pid": "42", "uptime": 824_123, "mem_used": 118_500_000,
            "mem_limit": 8_000_000_000_u64, "mem_alarm": true, "enabled_plugins": ["rabbitmq_management"],
        });
        Node { overview, node }
    }

    #[test]
    fn status_in_words() {
        let text = status_text(&node(), &MemoryUse::default(), 2, "gb");
        assert!(text.starts_with("Runtime\n\nOS PID: 42\n"), "{text}");
        for part in [
            "Uptime (seconds): 824\n",
            "\nEnabled plugins:\n\n * rabbitmq_management\n * rabbitmq_management_agent\n * rabbitmq_web_dispatch\n\nData",
            "\nAlarms\n\nMemory alarm on node rabbit@h\n\nTags\n\n(none)\n\nMemory\n\n",
            "Total memory used: 0.1185 gb\n",
            "Memory high watermark setting: 8.0 gb, computed to: 8.0 gb\n",
            "Connection count: 1\nQueue count: 4\nVirtual host count: 2\n\nListeners\n\n",
            "Interface: 127.0.0.1, port: 5672, protocol: amqp, purpose: AMQP 0-9-1 and AMQP 1.0\n",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(
            text.contains("Interface: [::], port: 25672, protocol: clustering"),
            "{text}"
        );
    }

    #[test]
    fn status_as_a_document() {
        let json = status_json(&node(), &MemoryUse::default(), 2);
        assert_eq!(json["totals"]["virtual_host_count"], 2);
        assert_eq!(json["pid"], 42);
        assert_eq!(json["listeners"][0]["interface"], "127.0.0.1");
    }
}
