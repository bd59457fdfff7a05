//! What the one node says of the cluster that it is.

use serde_json::{Value, json};

use super::command::{Command, Group::Cluster, Tools};
use super::failure::Failure;
use super::listeners::{Listener, listeners};
use super::output::Output;
use super::session::Session;
use super::status::{Node, lines, or_none, section};
use super::value::bare;

pub(super) const COMMANDS: &[Command] = &[Command::new(
    "cluster_status",
    Cluster,
    "Shows the cluster: one node",
    cluster_status,
)
.usage((0, 0), "[--timeout <timeout>]")
.tools(Tools::BOTH)
.banner(|s| format!("Cluster status of node {} ...", s.node()))];

fn cluster_status(s: &Session<'_>) -> Result<Output, Failure> {
    let node = Node::ask(s)?;
    let flags = s.list("/api/feature-flags")?;
    let flags: Vec<Value> = flags.iter().map(feature_flag).collect();
    Ok(Output::Report {
        text: text(&node, &flags),
        json: document(&node, &flags),
    })
}

fn text(node: &Node, flags: &[Value]) -> String {
    let (name, cores) = (node.name(), node.number("processors"));
    let version = node.overview("rabbitmq_version");
    let erlang = node.overview("erlang_version");
    let listeners = listeners(&node.overview);
    let listener = |l: &Listener| format!("Node: {name}, i{}", l.line().trim_start_matches('I'));
    let fact = |flag: &Value, key: &str| flag.get(key).map(bare).unwrap_or_default();
    let flag = |flag| {
        format!(
            "Flag: {}, state: {}",
            fact(flag, "name"),
            fact(flag, "state")
        )
    };
    let mut text = format!(
        "Basics\n\nCluster name: {}\nTotal CPU cores available cluster-wide: {cores}\n",
        node.overview("cluster_name"),
    );
    let version = format!("{name}: RabbitMQ {version} on Erlang {}", or_none(&erlang));
    let sections = [
        ("Cluster Tags", node.tags("cluster_tags").0),
        ("Disk Nodes", vec![name.clone()]),
        ("Running Nodes", vec![name.clone()]),
        ("Versions", vec![version]),
        (
            "CPU Cores",
            vec![format!("Node: {name}, available CPU cores: {cores}")],
        ),
        (
            "Maintenance status",
            vec![format!("Node: {name}, status: {}", maintenance(node))],
        ),
        ("Alarms", node.alarms()),
        ("Network Partitions", Vec::new()),
        ("Listeners", listeners.iter().map(listener).collect()),
        ("Feature flags", flags.iter().map(flag).collect()),
    ];
    for (title, content) in sections {
        section(&mut text, title);
        lines(&mut text, &content);
    }
    text.trim_end().to_owned()
}

fn document(node: &Node, flags: &[Value]) -> Value {
    let name = node.name();
    let erlang = node.overview("erlang_version");
    let listeners = listeners(&node.overview);
    let listeners: Vec<Value> = listeners.iter().map(Listener::json).collect();
    json!({
        "cluster_name": node.overview("cluster_name"),
        "cluster_tags": node.tags("cluster_tags").1,
        "disk_nodes": [name], "ram_nodes": [], "running_nodes": [name],
        "versions": {name.clone(): {
            "rabbitmq_name": "RabbitMQ",
            "rabbitmq_version": node.overview("rabbitmq_version"),
            "erlang_version": or_none(&erlang),
        }},
        "cpu_cores": {name.clone(): node.number("processors")},
        "maintenance_status": {name.clone(): maintenance(node)},
        "alarms": node.alarms(),
        "partitions": {},
        "listeners": {name: listeners},
        "feature_flags": flags,
    })
}

fn maintenance(node: &Node) -> &'static str {
    match node.is_drained() {
        true => "marked for maintenance",
        false => "not under maintenance",
    }
}

/// A feature flag as the tool tells of it.
fn feature_flag(flag: &Value) -> Value {
    let keys = [
        "name",
        "state",
        "desc",
        "doc_url",
        "provided_by",
        "stability",
    ];
    let fact = |key: &str| (key.to_owned(), flag.get(key).cloned().unwrap_or_default());
    keys.into_iter().map(fact).collect()
}
