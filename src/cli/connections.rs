//! Connections, channels and consumers.
//!
//! The original names connections and channels by Erlang process. The management API does not tell
//! those, so this tool makes identifiers of the same shape: the node, the peer's port and the number
//! of the channel (0 for the connection), as in `<rabbit@host.1.49152.0>`.

use serde_json::Value;

use super::command::{
    Command,
    Group::{Observability, Operations},
    Opt,
};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::http::segment;
use super::output::Output;
use super::session::Session;
use super::value::{Cell, bare};

const REASON: (&str, &str) = ("<explanation>", "why, for the log and for the clients");

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "list_connections",
        Observability,
        "Lists connections",
        list_connections,
    )
    .usage(
        (0, 0),
        "[--no-table-headers] [<column> ...] [--timeout <timeout>]",
    )
    .columns(
        CONNECTION_COLUMNS,
        &["user", "peer_host", "peer_port", "state"],
    )
    .banner(|_| "Listing connections ...".to_owned()),
    Command::new(
        "list_channels",
        Observability,
        "Lists channels",
        list_channels,
    )
    .usage((0, 0), "[--no-table-headers] [<column> ...]")
    .columns(
        CHANNEL_COLUMNS,
        &["pid", "user", "consumer_count", "messages_unacknowledged"],
    )
    .banner(|_| "Listing channels ...".to_owned()),
    Command::new(
        "list_consumers",
        Observability,
        "Lists consumers",
        list_consumers,
    )
    .usage(
        (0, 0),
        "[--vhost <vhost>] [--no-table-headers] [<column> ...] [--timeout <timeout>]",
    )
    .columns(
        CONSUMER_COLUMNS,
        &[
            "queue_name",
            "channel_pid",
            "consumer_tag",
            "ack_required",
            "prefetch_count",
            "active",
            "arguments",
        ],
    )
    .banner(|s| format!("Listing consumers in vhost {} ...", s.vhost())),
    Command::new(
        "close_connection",
        Operations,
        "Closes a connection",
        close_connection,
    )
    .usage((2, 2), "<connection pid> <explanation>")
    .help(&[
        ("<connection pid>", "the pid column of list_connections"),
        REASON,
    ])
    .banner(|s| format!("Closing connection {}, reason: {}...", s.arg(0), s.arg(1))),
    Command::new(
        "close_all_connections",
        Operations,
        "Closes connections",
        close_all,
    )
    .usage(
        (1, 1),
        "[--vhost <vhost> --limit <limit>] [-n <node> --global] \
             [--per-connection-delay <delay>] <explanation>",
    )
    .options(&[
        Opt::flag("global"),
        Opt::integer("limit"),
        Opt::integer("per-connection-delay"),
    ])
    .help(&[
        REASON,
        ("--global", "those in all virtual hosts"),
        ("--limit <number>", "no more than so many"),
        (
            "--per-connection-delay <milliseconds>",
            "wait so long between two",
        ),
    ])
    .banner(close_all_banner),
    Command::new(
        "close_all_user_connections",
        Operations,
        "Closes a user's connections",
        close_user,
    )
    .usage((2, 2), "<username> <explanation>")
    .help(&[("<username>", "name of the user"), REASON])
    .banner(|s| {
        format!(
            "Closing connections of user {}, reason: {}...",
            s.arg(0),
            s.arg(1)
        )
    }),
];

fn list_connections(s: &Session<'_>) -> Result<Output, Failure> {
    Ok(s.listing(&s.list("/api/connections")?, connection_cell))
}

fn connection_cell(connection: &Value, column: &str) -> Cell {
    let value = connection.get(column);
    match column {
        "pid" => pid(connection, 0),
        "host" | "peer_host" => Cell::address(value),
        "protocol" => protocol(value),
        "state" => Cell::atom(value),
        "client_properties" => Cell::table(value),
        _ => Cell::of(value),
    }
}

fn list_channels(s: &Session<'_>) -> Result<Output, Failure> {
    Ok(s.listing(&s.list("/api/channels")?, channel_cell))
}

fn channel_cell(channel: &Value, column: &str) -> Cell {
    match column {
        "pid" => pid(channel, number(channel)),
        "connection" => pid(channel, 0),
        _ => Cell::of(channel.get(column)),
    }
}

fn list_consumers(s: &Session<'_>) -> Result<Output, Failure> {
    let consumers = s.list(&format!("/api/consumers/{}", s.vhost_segment()))?;
    Ok(s.listing(&consumers, consumer_cell))
}

fn consumer_cell(consumer: &Value, column: &str) -> Cell {
    match column {
        "queue_name" => Cell::of(consumer.get("queue").and_then(|queue| queue.get("name"))),
        "channel_pid" => {
            let channel = consumer.get("channel_details").unwrap_or(&Value::Null);
            pid(channel, number(channel))
        }
        "arguments" => Cell::table(consumer.get(column)),
        _ => Cell::of(consumer.get(column)),
    }
}

/// The identifier of the connection that owns a queue.
pub(super) fn owner(queue: &Value) -> Cell {
    let details = queue.get("owner_pid_details").unwrap_or(&Value::Null);
    identifier(queue, details, 0)
}

fn number(channel: &Value) -> u64 {
    channel
        .get("number")
        .and_then(Value::as_u64)
        .unwrap_or_default()
}

fn pid(item: &Value, number: u64) -> Cell {
    let connection = item.get("connection_details").unwrap_or(item);
    identifier(item, connection, number)
}

fn identifier(item: &Value, connection: &Value, number: u64) -> Cell {
    let Some(port) = connection.get("peer_port").and_then(Value::as_u64) else {
        return Cell::Empty;
    };
    let node = item.get("node").and_then(Value::as_str).unwrap_or("node");
    Cell::Pid(format!("<{node}.1.{port}.{number}>"))
}

/// `AMQP 0-9-1` as the tuple that the original shows.
fn protocol(value: Option<&Value>) -> Cell {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let version = text.strip_prefix("AMQP ").unwrap_or_default();
    match version
        .split('-')
        .map(str::parse)
        .collect::<Result<Vec<u8>, _>>()
    {
        Ok(numbers) if numbers.len() == 3 => Cell::Version(numbers),
        _ => Cell::of(value),
    }
}

fn close_connection(s: &Session<'_>) -> Result<Output, Failure> {
    let invalid = || {
        let text = format!("Error:\n{{:invalid_pid_syntax, {:?}}}", s.arg(0));
        Failure::error(EX_UNAVAILABLE, text)
    };
    if !is_pid(s.arg(0)) {
        return Err(invalid());
    }
    let wanted = Cell::Pid(s.arg(0).to_owned());
    let found: Vec<Value> = s
        .list("/api/connections")?
        .into_iter()
        .filter(|connection| pid(connection, 0) == wanted)
        .collect();
    match found.as_slice() {
        // As in the original, a connection that is gone by now is no failure.
        [] => {}
        [connection] => close(s, connection, s.arg(1))?,
        _ => {
            let text = "several connections have this identifier: their peers use the same port";
            return Err(Failure::error(EX_UNAVAILABLE, text));
        }
    }
    Ok(Output::Nothing)
}

/// `<node@host.number.number.number>`
fn is_pid(text: &str) -> bool {
    let Some(inner) = text
        .strip_prefix('<')
        .and_then(|text| text.strip_suffix('>'))
    else {
        return false;
    };
    let mut parts = inner.rsplitn(4, '.');
    let numbers = parts
        .by_ref()
        .take(3)
        .filter(|part| part.parse::<u64>().is_ok())
        .count();
    numbers == 3 && parts.next().is_some_and(|node| node.contains('@'))
}

fn close_all_banner(s: &Session<'_>) -> String {
    let reason = s.arg(0);
    if s.flag("global") {
        let node = s.node();
        format!("Closing all connections to node {node} (across all vhosts), reason: {reason}...")
    } else {
        format!(
            "Closing all connections in vhost {}, reason: {reason}...",
            s.vhost()
        )
    }
}

fn close_all(s: &Session<'_>) -> Result<Output, Failure> {
    let path = if s.flag("global") {
        "/api/connections".to_owned()
    } else {
        format!("/api/vhosts/{}/connections", s.vhost_segment())
    };
    let number = |option| s.option(option).and_then(|text| text.parse::<u64>().ok());
    let limit = number("limit")
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0);
    let delay =
        std::time::Duration::from_millis(number("per-connection-delay").unwrap_or_default());
    let connections = s.list(&path)?;
    let chosen = connections.iter().take(limit.unwrap_or(usize::MAX));
    let mut closed = 0;
    for connection in chosen {
        close(s, connection, s.arg(0))?;
        closed += 1;
        std::thread::sleep(delay);
    }
    Ok(Output::Text(format!("Closed {closed} connections")))
}

fn close_user(s: &Session<'_>) -> Result<Output, Failure> {
    for connection in s.list(&format!("/api/connections/username/{}", s.arg_segment(0)))? {
        close(s, &connection, s.arg(1))?;
    }
    Ok(Output::Nothing)
}

pub(super) fn close(s: &Session<'_>, connection: &Value, reason: &str) -> Result<(), Failure> {
    let name = segment(&connection.get("name").map(bare).unwrap_or_default());
    let reply = s.delete_because(&format!("/api/connections/{name}"), reason)?;
    if reply.is_success() || reply.status == 404 {
        Ok(())
    } else {
        Err(reply.failure())
    }
}

const CONNECTION_COLUMNS: &[&str] = &[
    "auth_mechanism",
    "channel_max",
    "channels",
    "client_properties",
    "connected_at",
    "container_id",
    "frame_max",
    "host",
    "name",
    "peer_cert_issuer",
    "peer_cert_serial_number",
    "peer_cert_subject",
    "peer_cert_validity",
    "peer_host",
    "peer_port",
    "pid",
    "port",
    "protocol",
    "recv_cnt",
    "recv_oct",
    "send_cnt",
    "send_oct",
    "send_pend",
    "ssl",
    "ssl_cipher",
    "ssl_hash",
    "ssl_key_exchange",
    "ssl_protocol",
    "state",
    "timeout",
    "user",
    "vhost",
];

const CHANNEL_COLUMNS: &[&str] = &[
    "acks_uncommitted",
    "confirm",
    "connection",
    "consumer_count",
    "messages_unacknowledged",
    "messages_uncommitted",
    "messages_unconfirmed",
    "name",
    "number",
    "pid",
    "prefetch_count",
    "transactional",
    "user",
    "vhost",
];

const CONSUMER_COLUMNS: &[&str] = &[
    "ack_required",
    "active",
    "activity_status",
    "arguments",
    "channel_pid",
    "consumer_tag",
    "prefetch_count",
    "queue_name",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_connection() {
        let connection = json!({
            "name": "127.0.0.1:49152 -> 127.0.0.1:5672", "node": "rabbit@h", "peer_port": 49152,
            "peer_host": "127.0.0.1", "protocol": "AMQP 0-9-1", "peer_cert_subject": null,
            "client_properties": {"product": "x", "capabilities": {"basic.nack": true}},
        });
        let cell = |column| connection_cell(&connection, column);
        assert_eq!(cell("pid").plain(), "<rabbit@h.1.49152.0>");
        assert_eq!(cell("peer_host").json(), json!([127, 0, 0, 1]));
        assert_eq!(cell("protocol").plain(), "{0,9,1}");
        assert_eq!(cell("peer_cert_subject").plain(), "");
        let want = "[{\"capabilities\",[{\"basic.nack\",true}]},{\"product\",\"x\"}]";
        assert_eq!(cell("client_properties").plain(), want);
    }

    #[test]
    fn a_channel_and_a_consumer_name_their_connection() {
        let channel = json!({
            "node": "rabbit@h", "number": 3, "connection_details": {"peer_port": 49152},
        });
        assert_eq!(
            channel_cell(&channel, "pid").plain(),
            "<rabbit@h.1.49152.3>"
        );
        assert_eq!(
            channel_cell(&channel, "connection").plain(),
            "<rabbit@h.1.49152.0>"
        );
        let consumer = json!({
            "queue": {"name": "q", "vhost": "/"}, "arguments": [],
            "channel_details": {"node": "rabbit@h", "number": 3, "peer_port": 49152},
        });
        let row: Vec<_> = ["queue_name", "channel_pid", "arguments"]
            .iter()
            .map(|column| consumer_cell(&consumer, column).plain())
            .collect();
        assert_eq!(row, ["q", "<rabbit@h.1.49152.3>", "[]"]);
    }

    #[test]
    fn identifiers() {
        assert!(is_pid("<rabbit@some.host.1.49152.0>"));
        for wrong in ["<0.0.0>", "notapid", "<rabbit@h.1.x.0>", "rabbit@h.1.2.3"] {
            assert!(!is_pid(wrong), "{wrong}");
        }
    }
}
