//! Health checks: `ping` of both tools and the `check_…` commands of `rabbitmq-diagnostics`.

use std::collections::BTreeSet;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use serde_json::{Value, json};

use super::command::{Command, Group::Observability, Invalid, Needs, Opt, Tools};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::listeners::{Listener, listeners};
use super::output::{self, Format, Output};
use super::session::{Session, TIMEOUT_S};
use super::value::bare;

const fn check(
    name: &'static str,
    summary: &'static str,
    run: fn(&Session<'_>) -> Result<Output, Failure>,
) -> Command {
    Command::new(name, Observability, summary, run)
        .usage((0, 0), "[--timeout <timeout>]")
        .tools(Tools::DIAGNOSTICS)
}

pub(super) const COMMANDS: &[Command] = &[
    check("ping", "Checks that the broker answers", ping)
        .tools(Tools::BOTH)
        .offline()
        .banner(|s| {
            format!(
                "Will ping {}. This only checks if the OS process is running and registered with \
                 epmd. Timeout: {} ms.",
                s.node(),
                s.timeout_ms(TIMEOUT_S)
            )
        }),
    check("check_running", "Fails unless the broker is ready", running)
        .needs(Needs::Node)
        .banner(|s| format!("Checking if RabbitMQ is running on node {} ...", s.node())),
    check("is_running", "Says whether the broker is ready", running)
        .needs(Needs::Node)
        .banner(|s| format!("Asking node {} for its status ...", s.node())),
    check(
        "is_booting",
        "Says whether the broker is starting",
        is_booting,
    )
    .needs(Needs::Node)
    .banner(|s| format!("Asking node {} for its boot status ...", s.node())),
    check(
        "check_local_alarms",
        "Fails if the node has an alarm",
        check_local_alarms,
    )
    .banner(|s| alarms_banner(s, "any local resource alarms")),
    check(
        "check_alarms",
        "Fails if any node has an alarm",
        check_alarms,
    )
    .banner(|s| alarms_banner(s, "any local resource alarms")),
    check("alarms", "Lists alarms", list_alarms)
        .banner(|s| alarms_banner(s, "any known resource alarms")),
    check(
        "check_port_connectivity",
        "Fails unless all ports accept",
        check_connectivity,
    )
    .usage((0, 0), "[--address <target address>] [--timeout <timeout>]")
    .options(&[Opt::text("address")])
    .help(&[("--address <target address>", "where to connect to")])
    .banner(|s| {
        let node = s.node();
        let way = s.option("address").map_or_else(
            || "hostname resolution".to_owned(),
            |address| format!("{address} for node IP address"),
        );
        format!("Testing TCP connections to all active listeners on node {node} using {way} ...")
    }),
    check(
        "check_port_listener",
        "Fails unless a port is listened on",
        check_port,
    )
    .usage((1, 1), "<port> [--timeout <timeout>]")
    .check(|s| match s.arg(0).parse::<u32>() {
        Ok(1..) => Ok(()),
        _ => Err(Invalid::value("Argument must be a positive integer")),
    })
    .banner(|s| {
        let (node, port) = (s.node(), s.arg(0));
        format!("Asking node {node} if there's an active listener on port {port} ...")
    }),
    check(
        "check_protocol_listener",
        "Fails unless a protocol is spoken",
        check_protocol,
    )
    .usage((1, 1), "<protocol> [--timeout <timeout>]")
    .banner(|s| {
        let (node, protocol) = (s.node(), s.arg(0));
        format!("Asking node {node} if there's an active listener for protocol {protocol} ...")
    }),
    check(
        "check_virtual_hosts",
        "Fails unless all virtual hosts run",
        check_virtual_hosts,
    )
    .banner(|s| {
        format!(
            "Checking if all vhosts are running on node {} ...",
            s.node()
        )
    }),
    check(
        "check_if_node_is_quorum_critical",
        "Succeeds: there is one node",
        check_quorum_critical,
    )
    .tools(Tools::REPLICAS)
    .banner(|s| {
        let node = s.node();
        format!("Checking if node {node} is critical for quorum of any queues/streams ...")
    }),
    check("listeners", "Lists what is listened on", list_listeners).banner(|s| {
        format!(
            "Asking node {} to report its protocol listeners ...",
            s.node()
        )
    }),
];

fn alarms_banner(s: &Session<'_>, what: &str) -> String {
    format!("Asking node {} to report {what} ...", s.node())
}

fn ping(s: &Session<'_>) -> Result<Output, Failure> {
    // Any answer will do, a refusal too: something is there.
    s.probe()
        .and_then(|()| s.send("GET", "/api/version", None))
        .map_err(|_| {
            let (node, timeout_ms) = (s.node(), s.timeout_ms(TIMEOUT_S));
            let text = format!("Failed to connect and authenticate to {node} in {timeout_ms} ms");
            Failure::error(EX_UNAVAILABLE, text)
        })?;
    Ok(Output::text("Ping succeeded"))
}

fn overview(s: &Session<'_>) -> Result<Value, Failure> {
    Ok(s.get("/api/overview")?.unwrap_or_default())
}

fn running(s: &Session<'_>) -> Result<Output, Failure> {
    let (is_running, node) = (s.is_running()?, s.node());
    let text = match is_running {
        true => format!("RabbitMQ on node {node} is fully booted and running"),
        false => format!(
            "RabbitMQ on node {node} is not running or has not fully booted yet (check with \
             is_booting)"
        ),
    };
    let json = match s.command.name {
        "is_running" => json!({ "message": text, "result": is_running }),
        _ if !is_running => return Err(Failure::error(EX_UNAVAILABLE, text)),
        _ => json!({ "message": text }),
    };
    Ok(Output::Report { text, json })
}

fn is_booting(s: &Session<'_>) -> Result<Output, Failure> {
    overview(s)?;
    let text = format!(
        "RabbitMQ on node {} is fully booted (check with is_running), stopped or has not started \
         booting yet",
        s.node()
    );
    Ok(Output::Report {
        json: json!({ "message": text, "result": false }),
        text,
    })
}

fn alarms(s: &Session<'_>) -> Result<Vec<String>, Failure> {
    let mut alarms = Vec::new();
    for node in s.list("/api/nodes")? {
        let name = node.get("name").map(bare).unwrap_or_default();
        for (key, what) in [
            ("mem_alarm", "Memory"),
            ("disk_free_alarm", "Free disk space"),
        ] {
            if node.get(key) == Some(&Value::Bool(true)) {
                alarms.push(format!("{what} alarm on node {name}"));
            }
        }
    }
    Ok(alarms)
}

fn check_local_alarms(s: &Session<'_>) -> Result<Output, Failure> {
    no_alarms(s, "no local alarms")
}

fn check_alarms(s: &Session<'_>) -> Result<Output, Failure> {
    no_alarms(s, "no alarms, local or clusterwide")
}

fn no_alarms(s: &Session<'_>, none: &str) -> Result<Output, Failure> {
    let alarms = alarms(s)?;
    if alarms.is_empty() {
        return Ok(succeeded(s, format!("Node {} reported {none}", s.node())));
    }
    let text = format!("Node {} reported alarms:\n{}", s.node(), alarms.join("\n"));
    Err(Failure::error(EX_UNAVAILABLE, text))
}

fn list_alarms(s: &Session<'_>) -> Result<Output, Failure> {
    let (alarms, node) = (alarms(s)?, s.node());
    let text = match alarms.as_slice() {
        [] => format!("Node {node} reported no alarms, local or clusterwide"),
        alarms => alarms.join("\n"),
    };
    Ok(Output::Report {
        text,
        json: json!({ "result": "ok", "node": node, "alarms": alarms }),
    })
}

/// A check that passed; with `--silent` the exit code says it.
pub(super) fn succeeded(s: &Session<'_>, text: String) -> Output {
    let text = if s.is_silent() { String::new() } else { text };
    Output::Report {
        text,
        json: json!({ "result": "ok" }),
    }
}

fn check_connectivity(s: &Session<'_>) -> Result<Output, Failure> {
    let listeners = listeners(&overview(s)?);
    let node = s.node();
    let by_name = || {
        node.split_once('@')
            .map_or(String::new(), |(_, host)| host.to_owned())
    };
    let host = s.option("address").map_or_else(by_name, str::to_owned);
    let mut refused = Vec::new();
    for listener in &listeners {
        output::print(&format!("Will connect to {host}:{}\n", listener.port));
        // The node's name may not resolve, as in a container: then where it was found.
        let accepts = accepts(&host, listener.port)
            || (s.option("address").is_none() && accepts(&s.host(), listener.port));
        if !accepts {
            refused.push(listener.port.to_string());
        }
    }
    if !refused.is_empty() {
        let text = format!(
            "Connection to ports {} failed on node {node}",
            refused.join(", ")
        );
        return Err(Failure::error(EX_UNAVAILABLE, text));
    }
    let way = s.option("address").map_or_else(
        || "using node hostname resolution".to_owned(),
        |address| format!("using {address} for target IP address"),
    );
    let text = format!(
        "Successfully connected to ports {} on node {node} ({way})",
        ports(&listeners)
    );
    let list: Vec<_> = listeners.iter().map(Listener::json).collect();
    Ok(Output::Report {
        text,
        json: json!({ "result": "ok", "node": node, "listeners": list }),
    })
}

fn accepts(host: &str, port: u64) -> bool {
    let Ok(port) = u16::try_from(port) else {
        return false;
    };
    let Ok(addresses) = (host, port).to_socket_addrs() else {
        return false;
    };
    addresses
        .into_iter()
        .any(|address| TcpStream::connect_timeout(&address, CONNECT).is_ok())
}

fn ports(listeners: &[Listener]) -> String {
    let ports: BTreeSet<_> = listeners.iter().map(|listener| listener.port).collect();
    ports
        .iter()
        .map(u64::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

fn check_port(s: &Session<'_>) -> Result<Output, Failure> {
    let listeners = listeners(&overview(s)?);
    let (node, port) = (s.node(), s.arg(0));
    if listeners
        .iter()
        .any(|listener| listener.port.to_string() == port)
    {
        let text = format!("A listener for port {port} is running on node {node}.");
        let json = json!({ "result": "ok", "node": node, "port": port });
        return Ok(Output::Report { text, json });
    }
    let text = format!(
        "No listener for port {port} is active on node {node}. Found listeners that use the \
         following ports: {}",
        ports(&listeners)
    );
    let ports: BTreeSet<_> = listeners.iter().map(|listener| listener.port).collect();
    Err(missing(s, &listeners, "ports", &json!(ports), text))
}

fn check_protocol(s: &Session<'_>) -> Result<Output, Failure> {
    let listeners = listeners(&overview(s)?);
    let (node, protocol) = (s.node(), s.arg(0));
    let wanted = protocol.to_ascii_lowercase();
    // The names in use for one thing.
    let wanted = match wanted.as_str() {
        "amqp091" | "amqp-0-9-1" | "amqp0-9-1" | "amqp0.9.1" => "amqp",
        "management" => "http",
        "prometheus" => "http/prometheus",
        other => other,
    };
    if listeners.iter().any(|listener| listener.protocol == wanted) {
        let text = format!("A listener for protocol {protocol} is running on node {node}.");
        let json = json!({ "result": "ok", "node": node, "protocol": protocol });
        return Ok(Output::Report { text, json });
    }
    let known: BTreeSet<_> = listeners
        .iter()
        .map(|listener| listener.protocol.as_str())
        .collect();
    let text = format!(
        "Error:\nNo listener for protocol {protocol} is active on node {node}. Found listeners for \
         the following protocols: {}",
        known.into_iter().collect::<Vec<_>>().join(", ")
    );
    let protocols: Vec<_> = listeners
        .iter()
        .map(|listener| &listener.protocol)
        .collect();
    Err(missing(s, &listeners, "protocols", &json!(protocols), text))
}

/// What was looked for is not among those of its kind.
fn missing(
    s: &Session<'_>,
    listeners: &[Listener],
    kind: &str,
    there: &Value,
    text: String,
) -> Failure {
    let list: Vec<_> = listeners.iter().map(Listener::json).collect();
    let json = json!({ "result": "error", "missing": s.arg(0), kind: there, "listeners": list });
    let text = if s.format == Format::Json {
        json.to_string()
    } else {
        text
    };
    Failure::bare(EX_UNAVAILABLE, text)
}

fn check_virtual_hosts(s: &Session<'_>) -> Result<Output, Failure> {
    let down: Vec<String> = s
        .list("/api/vhosts")?
        .iter()
        .filter(|vhost| {
            let states = vhost.get("cluster_state").and_then(Value::as_object);
            states
                .into_iter()
                .flatten()
                .any(|(_, state)| state != "running")
        })
        .map(|vhost| vhost.get("name").map(bare).unwrap_or_default())
        .collect();
    if down.is_empty() {
        return Ok(succeeded(
            s,
            format!("Node {} reported all vhosts as running", s.node()),
        ));
    }
    let text = format!(
        "Some virtual hosts on node {} are down:\n{}",
        s.node(),
        down.join("\n")
    );
    Err(Failure::error(EX_UNAVAILABLE, text))
}

fn check_quorum_critical(s: &Session<'_>) -> Result<Output, Failure> {
    overview(s)?;
    let alone = "seems to be the only one in a single node cluster, the check does not apply";
    let text = if s.is_silent() {
        String::new()
    } else {
        format!("Node {} {alone}", s.node())
    };
    let json = json!({ "result": "ok", "message": format!("Target node {alone}") });
    Ok(Output::Report { text, json })
}

fn list_listeners(s: &Session<'_>) -> Result<Output, Failure> {
    let listeners = listeners(&overview(s)?);
    let text = listeners
        .iter()
        .map(Listener::line)
        .collect::<Vec<_>>()
        .join("\n");
    let list: Vec<_> = listeners.iter().map(Listener::json).collect();
    let json = json!({ "result": "ok", "node": s.node(), "listeners": list });
    Ok(Output::Report { text, json })
}

/// How long one port may take to accept.
const CONNECT: Duration = Duration::from_secs(5);
