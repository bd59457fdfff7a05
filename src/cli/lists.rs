//! The `list_*` commands, and what is done to queues and connections.

use serde_json::{Value, json};

use super::ctl::{Command, Session, invalid};
use super::http::segment;
use super::output::{Failed, say};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "list_users",
        usage: "[--no-table-headers]",
        words: 0..=0,
        run: |s| list(s, &USERS),
    },
    Command {
        name: "list_vhosts",
        usage: "[--no-table-headers] [<column> ...]",
        words: 0..=64,
        run: |s| list(s, &VHOSTS),
    },
    Command {
        name: "list_permissions",
        usage: "[--vhost <vhost>] [--no-table-headers]",
        words: 0..=0,
        run: |s| list(s, &PERMISSIONS),
    },
    Command {
        name: "list_user_permissions",
        usage: "[--no-table-headers] <username>",
        words: 1..=1,
        run: list_user_permissions,
    },
    Command {
        name: "list_queues",
        usage: "[--vhost <vhost>] [--no-table-headers] [<column> ...]",
        words: 0..=64,
        run: |s| list(s, &QUEUES),
    },
    Command {
        name: "list_exchanges",
        usage: "[--vhost <vhost>] [--no-table-headers] [<column> ...]",
        words: 0..=64,
        run: |s| list(s, &EXCHANGES),
    },
    Command {
        name: "list_bindings",
        usage: "[--vhost <vhost>] [--no-table-headers] [<column> ...]",
        words: 0..=64,
        run: |s| list(s, &BINDINGS),
    },
    Command {
        name: "list_connections",
        usage: "[--no-table-headers] [<column> ...]",
        words: 0..=64,
        run: |s| list(s, &CONNECTIONS),
    },
    Command {
        name: "list_channels",
        usage: "[--no-table-headers] [<column> ...]",
        words: 0..=64,
        run: |s| list(s, &CHANNELS),
    },
    Command {
        name: "list_consumers",
        usage: "[--vhost <vhost>] [--no-table-headers] [<column> ...]",
        words: 0..=64,
        run: |s| list(s, &CONSUMERS),
    },
    Command {
        name: "purge_queue",
        usage: "<queue> [--vhost <vhost>]",
        words: 1..=1,
        run: purge_queue,
    },
    Command {
        name: "delete_queue",
        usage: "[--vhost <vhost>] <queue_name> [--if-empty|-e] [--if-unused|-u]",
        words: 1..=1,
        run: delete_queue,
    },
    Command {
        name: "close_connection",
        usage: "<connection pid> <explanation>",
        words: 2..=2,
        run: close_connection,
    },
    Command {
        name: "close_all_connections",
        usage: "[--vhost <vhost>] <explanation>",
        words: 1..=1,
        run: close_all_connections,
    },
];

/// What one list shows.
struct List {
    name: &'static str,
    banner: &'static str,
    path: &'static str,
    defaults: &'static [&'static str],
    /// All columns: the command line's name, and the API's where it differs.
    columns: &'static [(&'static str, &'static str)],
}

const USERS: List = List {
    name: "list_users",
    banner: "Listing users ...",
    path: "/api/users",
    defaults: &["user", "tags"],
    columns: &[("user", "name"), ("tags", "")],
};

const VHOSTS: List = List {
    name: "list_vhosts",
    banner: "Listing vhosts ...",
    path: "/api/vhosts",
    defaults: &["name"],
    columns: &[
        ("name", ""),
        ("description", ""),
        ("tags", ""),
        ("default_queue_type", ""),
        ("tracing", ""),
        ("cluster_state", ""),
        ("metadata", ""),
        ("protected_from_deletion", ""),
    ],
};

const PERMISSIONS: List = List {
    name: "list_permissions",
    banner: "Listing permissions for vhost \"{vhost}\" ...",
    path: "/api/vhosts/{vhost}/permissions",
    defaults: &["user", "configure", "write", "read"],
    columns: &[("user", ""), ("configure", ""), ("write", ""), ("read", "")],
};

const QUEUES: List = List {
    name: "list_queues",
    banner: "Timeout: 60.0 seconds ...\nListing queues for vhost {vhost} ...",
    path: "/api/queues/{vhost}",
    defaults: &["name", "messages"],
    columns: &[
        ("name", ""),
        ("durable", ""),
        ("auto_delete", ""),
        ("arguments", ""),
        ("policy", ""),
        ("pid", "node"),
        ("owner_pid", "owner_pid_details.name"),
        ("exclusive", ""),
        ("exclusive_consumer_pid", ""),
        ("exclusive_consumer_tag", ""),
        ("messages_ready", ""),
        ("messages_unacknowledged", ""),
        ("messages", ""),
        ("messages_ready_ram", ""),
        ("messages_unacknowledged_ram", ""),
        ("messages_ram", ""),
        ("messages_persistent", ""),
        ("message_bytes", ""),
        ("message_bytes_ready", ""),
        ("message_bytes_unacknowledged", ""),
        ("message_bytes_ram", ""),
        ("message_bytes_persistent", ""),
        ("head_message_timestamp", ""),
        ("disk_reads", ""),
        ("disk_writes", ""),
        ("consumers", ""),
        ("consumer_utilisation", ""),
        ("consumer_capacity", ""),
        ("memory", ""),
        ("state", ""),
        ("type", ""),
        ("leader", "node"),
        ("members", "node"),
        ("online", "node"),
        ("operator_policy", ""),
        ("effective_policy_definition", ""),
        ("storage_version", ""),
    ],
};

const EXCHANGES: List = List {
    name: "list_exchanges",
    banner: "Listing exchanges for vhost {vhost} ...",
    path: "/api/exchanges/{vhost}",
    defaults: &["name", "type"],
    columns: &[
        ("name", ""),
        ("type", ""),
        ("durable", ""),
        ("auto_delete", ""),
        ("internal", ""),
        ("arguments", ""),
        ("policy", ""),
    ],
};

const BINDINGS: List = List {
    name: "list_bindings",
    banner: "Listing bindings for vhost {vhost}...",
    path: "/api/bindings/{vhost}",
    defaults: &[
        "source_name",
        "source_kind",
        "destination_name",
        "destination_kind",
        "routing_key",
        "arguments",
    ],
    columns: &[
        ("source_name", "source"),
        ("source_kind", "=exchange"),
        ("destination_name", "destination"),
        ("destination_kind", "destination_type"),
        ("routing_key", ""),
        ("arguments", ""),
    ],
};

const CONNECTIONS: List = List {
    name: "list_connections",
    banner: "Listing connections ...",
    path: "/api/connections",
    defaults: &["user", "peer_host", "peer_port", "state"],
    columns: &[
        ("pid", "name"),
        ("name", ""),
        ("port", ""),
        ("host", ""),
        ("peer_port", ""),
        ("peer_host", ""),
        ("ssl", ""),
        ("ssl_protocol", ""),
        ("ssl_key_exchange", ""),
        ("ssl_cipher", ""),
        ("ssl_hash", ""),
        ("peer_cert_subject", ""),
        ("peer_cert_issuer", ""),
        ("peer_cert_validity", ""),
        ("state", ""),
        ("channels", ""),
        ("protocol", ""),
        ("auth_mechanism", ""),
        ("user", ""),
        ("vhost", ""),
        ("timeout", ""),
        ("frame_max", ""),
        ("channel_max", ""),
        ("client_properties", ""),
        ("recv_oct", ""),
        ("recv_cnt", ""),
        ("send_oct", ""),
        ("send_cnt", ""),
        ("send_pend", ""),
        ("connected_at", ""),
        ("user_provided_name", ""),
    ],
};

const CHANNELS: List = List {
    name: "list_channels",
    banner: "Listing channels ...",
    path: "/api/channels",
    defaults: &["pid", "user", "consumer_count", "messages_unacknowledged"],
    columns: &[
        ("pid", "name"),
        ("connection", "connection_details.name"),
        ("name", ""),
        ("number", ""),
        ("user", ""),
        ("vhost", ""),
        ("transactional", ""),
        ("confirm", ""),
        ("consumer_count", ""),
        ("messages_unacknowledged", ""),
        ("messages_uncommitted", ""),
        ("acks_uncommitted", ""),
        ("messages_unconfirmed", ""),
        ("prefetch_count", ""),
    ],
};

const CONSUMERS: List = List {
    name: "list_consumers",
    banner: "Listing consumers in vhost {vhost} ...",
    path: "/api/consumers/{vhost}",
    defaults: &[
        "queue_name",
        "channel_pid",
        "consumer_tag",
        "ack_required",
        "prefetch_count",
        "active",
        "arguments",
    ],
    columns: &[
        ("queue_name", "queue.name"),
        ("channel_pid", "channel_details.name"),
        ("consumer_tag", ""),
        ("ack_required", ""),
        ("prefetch_count", ""),
        ("active", ""),
        ("activity_status", ""),
        ("arguments", ""),
    ],
};

impl List {
    fn source(&self, column: &str) -> Option<&'static str> {
        let (name, source) = self.columns.iter().find(|(name, _)| *name == column)?;
        Some(if source.is_empty() { name } else { source })
    }
}

fn list(session: &Session<'_>, list: &List) -> Result<(), Failed> {
    let columns = columns(session, list)?;
    let vhost = session.typed.vhost();
    let path = list.path.replace("{vhost}", &segment(vhost));
    session.banner(&list.banner.replace("{vhost}", vhost));
    let (status, answer) = session.call("GET", &path, None)?;
    if status == 404 {
        return Err(Failed::plain(
            65,
            format!("Virtual host '{vhost}' does not exist"),
        ));
    }
    show(
        session,
        list,
        &columns,
        answer.as_array().map_or(&[][..], Vec::as_slice),
    )
}

/// The columns asked for; unknown ones are named before anything is done.
fn columns(session: &Session<'_>, list: &List) -> Result<Vec<String>, Failed> {
    let words = session.typed.words.get(1..).unwrap_or_default();
    let asked: Vec<String> = words
        .iter()
        .flat_map(|word| word.split([',', ' ']))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    if asked.is_empty() {
        return Ok(list
            .defaults
            .iter()
            .map(|column| (*column).to_owned())
            .collect());
    }
    let unknown: Vec<&str> = asked
        .iter()
        .map(String::as_str)
        .filter(|column| list.source(column).is_none())
        .collect();
    if unknown.is_empty() {
        return Ok(asked);
    }
    let fault = format!("Info key(s) {} are not supported", unknown.join(","));
    let command = COMMANDS.iter().find(|command| command.name == list.name);
    Err(command.map_or_else(
        || Failed::plain(64, fault.clone()),
        |command| invalid(session.tool, session.typed, command, 64, &fault),
    ))
}

fn show(
    session: &Session<'_>,
    list: &List,
    columns: &[String],
    rows: &[Value],
) -> Result<(), Failed> {
    let cell = |row: &Value, column: &String| match list.source(column) {
        Some(source) => match source.strip_prefix('=') {
            Some(constant) => json!(constant),
            None => at(row, source),
        },
        None => Value::Null,
    };
    let rows: Vec<Vec<Value>> = rows
        .iter()
        .map(|row| columns.iter().map(|column| cell(row, column)).collect())
        .collect();
    let text = session
        .typed
        .formatter()?
        .rows(columns, &rows, session.typed.has_headers());
    if !text.is_empty() {
        say(&text);
    }
    Ok(())
}

fn at(row: &Value, path: &str) -> Value {
    path.split('.')
        .try_fold(row, |value, key| value.get(key))
        .cloned()
        .unwrap_or(Value::Null)
}

fn list_user_permissions(session: &Session<'_>) -> Result<(), Failed> {
    let user = session.word(0);
    session.banner(&format!("Listing permissions for user \"{user}\" ..."));
    let (status, answer) = session.call(
        "GET",
        &format!("/api/users/{}/permissions", segment(user)),
        None,
    )?;
    if status != 200 {
        return Err(Failed::error(69, &format!("{{:no_such_user, \"{user}\"}}")));
    }
    let of_user = List {
        columns: &[
            ("vhost", ""),
            ("configure", ""),
            ("write", ""),
            ("read", ""),
        ],
        ..PERMISSIONS
    };
    let columns = ["vhost", "configure", "write", "read"].map(str::to_owned);
    show(
        session,
        &of_user,
        &columns,
        answer.as_array().map_or(&[][..], Vec::as_slice),
    )
}

fn queue_path(session: &Session<'_>) -> String {
    format!(
        "/api/queues/{}/{}",
        segment(session.typed.vhost()),
        segment(session.word(0))
    )
}

fn purge_queue(session: &Session<'_>) -> Result<(), Failed> {
    let (queue, vhost) = (session.word(0), session.typed.vhost());
    session.banner(&format!("Purging queue '{queue}' in vhost '{vhost}' ..."));
    match session.call("DELETE", &format!("{}/contents", queue_path(session)), None)? {
        (204, _) => Ok(()),
        (404, _) => Err(Failed::plain(
            65,
            "Object (queue, stream, exchange, etc) was not found",
        )),
        (_, answer) => Err(session.refused(&answer)),
    }
}

fn delete_queue(session: &Session<'_>) -> Result<(), Failed> {
    let (queue, vhost) = (session.word(0), session.typed.vhost());
    let typed = session.typed;
    let (if_empty, if_unused) = (
        typed.flag("--if-empty", "-e"),
        typed.flag("--if-unused", "-u"),
    );
    let condition = match (if_empty, if_unused) {
        (false, false) => "",
        (true, false) => " if queue is empty",
        (false, true) => " if queue is unused",
        (true, true) => " if queue is empty and if queue is unused",
    };
    session.banner(&format!(
        "Deleting queue '{queue}' on vhost '{vhost}'{condition} ..."
    ));
    let path = queue_path(session);
    let (status, there) = session.call("GET", &path, None)?;
    if status != 200 {
        return Err(Failed::error(64, "Queue not found"));
    }
    let path = format!("{path}?if-empty={if_empty}&if-unused={if_unused}");
    match session.call("DELETE", &path, None)? {
        (204, _) => {
            let ready = &there["messages_ready"];
            session.banner(&format!(
                "Queue was successfully deleted with {ready} ready messages"
            ));
            Ok(())
        }
        (_, answer) => {
            let reason = answer["reason"].as_str().unwrap_or_default();
            let text = format!("{{:amqp_error, :precondition_failed, ~c\"{reason}\", :none}}");
            Err(Failed::error(69, &text))
        }
    }
}

/// A connection's pid is its name here: Leveret has no processes to name it by.
fn close_connection(session: &Session<'_>) -> Result<(), Failed> {
    let (name, reason) = (session.word(0), session.word(1));
    session.banner(&format!("Closing connection {name}, reason: {reason}..."));
    let path = format!("/api/connections/{}", segment(name));
    match session.call_with("DELETE", &path, &[("X-Reason", reason)], None)? {
        (204, _) => Ok(()),
        _ => Err(Failed::error(
            69,
            &format!("Error:\n{{:invalid_pid_syntax, \"{name}\"}}"),
        )),
    }
}

fn close_all_connections(session: &Session<'_>) -> Result<(), Failed> {
    let reason = session.word(0);
    let (vhost, wanted) = (
        session.typed.vhost(),
        session.typed.option("--vhost").is_some(),
    );
    session.banner(&format!(
        "Closing all connections in vhost '{vhost}' (limit 0), reason: {reason}..."
    ));
    let (_, answer) = session.call("GET", "/api/connections", None)?;
    for connection in answer.as_array().into_iter().flatten() {
        if wanted && connection["vhost"] != vhost {
            continue;
        }
        let path = format!(
            "/api/connections/{}",
            segment(connection["name"].as_str().unwrap_or_default())
        );
        // One that has gone meanwhile is closed already.
        session.call_with("DELETE", &path, &[("X-Reason", reason)], None)?;
    }
    Ok(())
}
