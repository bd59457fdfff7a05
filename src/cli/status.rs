//! How the broker is, and stopping it.

use serde_json::{Value, json};

use super::ctl::{Command, Session};
use super::output::{Failed, Formatter, say};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "status",
        usage: "[--unit <unit>] [--formatter <formatter>]",
        words: 0..=0,
        run: status,
    },
    Command {
        name: "ping",
        usage: "",
        words: 0..=0,
        run: ping,
    },
    Command {
        name: "check_running",
        usage: "",
        words: 0..=0,
        run: check_running,
    },
    Command {
        name: "check_port_connectivity",
        usage: "",
        words: 0..=0,
        run: check_port_connectivity,
    },
    Command {
        name: "await_startup",
        usage: "",
        words: 0..=0,
        run: await_startup,
    },
    Command {
        name: "server_version",
        usage: "",
        words: 0..=0,
        run: server_version,
    },
    Command {
        name: "stop",
        usage: "[<pidfile>]",
        words: 0..=1,
        run: stop,
    },
    Command {
        name: "shutdown",
        usage: "[--wait]",
        words: 0..=0,
        run: stop,
    },
];

fn is_json(session: &Session<'_>) -> bool {
    session.typed.formatter() == Ok(Formatter::Json)
}

fn message(session: &Session<'_>, text: &str) {
    match is_json(session) {
        true => say(&json!({ "message": text }).to_string()),
        false => say(text),
    }
}

fn status(session: &Session<'_>) -> Result<(), Failed> {
    let (_, overview) = session.call("GET", "/api/overview", None)?;
    let (_, node) = session.call("GET", &format!("/api/nodes/{}", session.node), None)?;
    if is_json(session) {
        say(&json!({
            "pid": node["os_pid"].as_str().and_then(|pid| pid.parse::<u64>().ok()),
            "rabbitmq_version": overview["rabbitmq_version"],
            "leveret_version": env!("CARGO_PKG_VERSION"),
            "uptime": node["uptime"].as_u64().unwrap_or(0) / 1000,
            "is_under_maintenance": false,
            "memory": { "total": { "rss": node["mem_used"] } },
            "alarms": [],
            "listeners": overview["listeners"],
            "totals": { "connection_count": overview["object_totals"]["connections"],
                        "queue_count": overview["object_totals"]["queues"] },
        })
        .to_string());
        return Ok(());
    }
    session.banner(&format!("Status of node {} ...", session.node));
    say(&report(session, &overview, &node));
    Ok(())
}

/// The original's sections, as far as they mean something here.
fn report(session: &Session<'_>, overview: &Value, node: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let resident = node["mem_used"].as_f64().unwrap_or(0.0) / 1e6;
    let mut lines = vec![
        "Runtime\n".to_owned(),
        format!("OS PID: {}", text(&node["os_pid"])),
        "OS: Linux".to_owned(),
        format!(
            "Uptime (seconds): {}",
            node["uptime"].as_u64().unwrap_or(0) / 1000
        ),
        "Is under maintenance?: false".to_owned(),
        format!("RabbitMQ version: {}", text(&overview["rabbitmq_version"])),
        format!("Leveret version: {}", env!("CARGO_PKG_VERSION")),
        format!("Node name: {}", session.node),
        "\nMemory\n".to_owned(),
        format!("Total memory used: {resident:.4} mb"),
        "\nAlarms\n\n(none)".to_owned(),
        "\nTotals\n".to_owned(),
        format!(
            "Connection count: {}",
            overview["object_totals"]["connections"]
        ),
        format!("Queue count: {}", overview["object_totals"]["queues"]),
        format!("Virtual host count: {}", vhosts(session)),
        "\nListeners\n".to_owned(),
    ];
    for listener in overview["listeners"].as_array().into_iter().flatten() {
        let protocol = text(&listener["protocol"]);
        let purpose = if protocol == "http" {
            "HTTP API"
        } else {
            "AMQP 0-9-1"
        };
        lines.push(format!(
            "Interface: {}, port: {}, protocol: {protocol}, purpose: {purpose}",
            text(&listener["ip_address"]),
            listener["port"],
        ));
    }
    lines.join("\n")
}

fn vhosts(session: &Session<'_>) -> usize {
    let answer = session.call("GET", "/api/vhosts", None);
    answer
        .ok()
        .and_then(|(_, all)| all.as_array().map(Vec::len))
        .unwrap_or(0)
}

fn ping(session: &Session<'_>) -> Result<(), Failed> {
    session.banner(&format!(
        "Will ping {}. This only checks if the OS process is running and registered with epmd. \
         Timeout: 60000 ms.",
        session.node
    ));
    session.call("GET", "/api/version", None)?;
    message(session, "Ping succeeded");
    Ok(())
}

fn check_running(session: &Session<'_>) -> Result<(), Failed> {
    session.banner(&format!(
        "Checking if RabbitMQ is running on node {} ...",
        session.node
    ));
    session.call("GET", "/api/version", None)?;
    message(
        session,
        &format!(
            "RabbitMQ on node {} is fully booted and running",
            session.node
        ),
    );
    Ok(())
}

fn check_port_connectivity(session: &Session<'_>) -> Result<(), Failed> {
    session.banner(&format!(
        "Testing TCP connections to all active listeners on node {} ...",
        session.node
    ));
    let (_, overview) = session.call("GET", "/api/overview", None)?;
    for listener in overview["listeners"].as_array().into_iter().flatten() {
        let port = listener["port"]
            .as_u64()
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or(0);
        session.hint(&format!("Will connect to 127.0.0.1:{port}"));
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            return Err(Failed::error(
                69,
                &format!("Connection to port {port} failed"),
            ));
        }
    }
    message(
        session,
        &format!("Successfully connected to ports on node {}.", session.node),
    );
    Ok(())
}

fn await_startup(session: &Session<'_>) -> Result<(), Failed> {
    // The file that names a broker is written when it is ready.
    session.call("GET", "/api/version", None).map(drop)
}

fn server_version(session: &Session<'_>) -> Result<(), Failed> {
    session.banner(&format!(
        "Asking node {} for its RabbitMQ version...",
        session.node
    ));
    let (_, overview) = session.call("GET", "/api/overview", None)?;
    say(overview["rabbitmq_version"].as_str().unwrap_or_default());
    Ok(())
}

fn stop(session: &Session<'_>) -> Result<(), Failed> {
    session.banner(&format!("Stopping and halting node {} ...", session.node));
    session.call("POST", "/dev/stop", None).map(drop)
}
