//! Queues: list, purge, delete.

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Observability, Queues},
    Opt,
};
use super::failure::{EX_UNAVAILABLE, EX_USAGE, Failure};
use super::output::{Listing, Output};
use super::session::{Reply, Session, TIMEOUT_S};
use super::value::Cell;

const COLUMNS: &[&str] = &[
    "arguments",
    "auto_delete",
    "consumer_capacity",
    "consumer_utilisation",
    "consumers",
    "disk_reads",
    "disk_writes",
    "durable",
    "effective_policy_definition",
    "exclusive",
    "exclusive_consumer_pid",
    "exclusive_consumer_tag",
    "head_message_timestamp",
    "leader",
    "members",
    "memory",
    "message_bytes",
    "message_bytes_persistent",
    "message_bytes_ram",
    "message_bytes_ready",
    "message_bytes_unacknowledged",
    "messages",
    "messages_persistent",
    "messages_ram",
    "messages_ready",
    "messages_ready_ram",
    "messages_unacknowledged",
    "messages_unacknowledged_ram",
    "name",
    "online",
    "operator_policy",
    "owner_pid",
    "pid",
    "policy",
    "state",
    "type",
];

pub(super) const COMMANDS: &[Command] = &[
    Command::new("list_queues", Observability, "Lists queues", list_queues)
        .usage(
            (0, 0),
            "[--vhost <vhost>] [--online] [--offline] [--local] [--no-table-headers] \
             [<column>, ...] [--timeout <timeout>]",
        )
        .columns(COLUMNS, &["name", "messages"])
        .options(&[
            Opt::flag("online"),
            Opt::flag("offline"),
            Opt::flag("local"),
        ])
        .help(&[
            ("--online, --local", "all queues"),
            ("--offline", "no queues: there is one node"),
        ])
        .banner(|s| {
            let timeout_ms = s.timeout_ms(TIMEOUT_S);
            let (seconds, tenths) = (timeout_ms / 1000, timeout_ms % 1000 / 100);
            let vhost = s.vhost();
            format!("Timeout: {seconds}.{tenths} seconds ...\nListing queues for vhost {vhost} ...")
        }),
    Command::new(
        "list_unresponsive_queues",
        Observability,
        "Lists nothing",
        |_| none(&["name"]),
    )
    .usage(
        (0, 0),
        "[--local] [--queue-timeout <seconds>] [<column> ...] [--no-table-headers] \
             [--timeout <timeout>]",
    )
    .columns(
        &["name", "durable", "auto_delete", "arguments", "pid"],
        &["name"],
    )
    .options(&[Opt::flag("local"), Opt::integer("queue-timeout")])
    .banner(|s| format!("Listing unresponsive queues for vhost {} ...", s.vhost())),
    Command::new(
        "purge_queue",
        Queues,
        "Removes the ready messages of a queue",
        purge_queue,
    )
    .usage((1, 1), "<queue> [--timeout <timeout>]")
    .help(&[("<queue>", "name of the queue")])
    .banner(|s| format!("Purging queue '{}' in vhost '{}' ...", s.arg(0), s.vhost())),
    Command::new("delete_queue", Queues, "Deletes a queue", delete_queue)
        .usage(
            (1, 1),
            "[--vhost <vhost>] <queue_name> [--if-empty|-e] [--if-unused|-u] \
             [--force] [--timeout <timeout>]",
        )
        .options(&[
            Opt::flag("if-empty").short('e'),
            Opt::flag("if-unused").short('u'),
            // What it is for does not happen here: a queue is always at hand.
            Opt::flag("force"),
        ])
        .help(&[
            ("<queue_name>", "name of the queue"),
            ("--if-empty", "only if it has no ready messages"),
            ("--if-unused", "only if it has no consumers"),
        ])
        .banner(|s| {
            let condition = match (s.flag("if-empty"), s.flag("if-unused")) {
                (false, false) => "",
                (true, false) => "if queue is empty ",
                (false, true) => "if queue is unused ",
                (true, true) => "if queue is empty and if queue is unused ",
            };
            format!(
                "Deleting queue '{}' on vhost '{}' {condition}...",
                s.arg(0),
                s.vhost()
            )
        }),
];

fn list_queues(s: &Session<'_>) -> Result<Output, Failure> {
    let queues = if s.flag("offline") {
        Vec::new()
    } else {
        s.list(&format!("/api/queues/{}", s.vhost_segment()))?
    };
    Ok(s.listing(&queues, cell))
}

#[allow(
    clippy::unnecessary_wraps,
    reason = "it stands in a table of commands that can fail"
)]
fn none(columns: &[&'static str]) -> Result<Output, Failure> {
    let columns = columns.to_vec();
    Ok(Output::Listing(Listing {
        columns,
        rows: Vec::new(),
        streamed: true,
    }))
}

fn cell(queue: &Value, column: &str) -> Cell {
    let classic = queue.get("type").is_none_or(|kind| kind == "classic");
    let value = queue.get(column);
    let node = queue.get("node");
    match column {
        "message_bytes_ram" if queue.get("type") == Some(&json!("quorum")) => Cell::Plain(json!(0)),
        _ if !classic && CLASSIC_ONLY.contains(&column) => Cell::Empty,
        // Absent until the broker has counted for the first time.
        "messages" | "messages_ready" | "messages_unacknowledged" | "consumers" => {
            Cell::Plain(value.cloned().unwrap_or(json!(0)))
        }
        "arguments" => Cell::table(value),
        "type" | "state" => Cell::atom(value),
        "effective_policy_definition" => Cell::definition(value),
        "leader" => Cell::of(value.or(node)),
        "members" => Cell::atoms(value.or(node.map(|node| json!([node])).as_ref())),
        "online" => Cell::atoms(value),
        "consumer_capacity" | "consumer_utilisation" if value == Some(&json!(0.0)) => {
            Cell::Plain(json!(0))
        }
        "owner_pid" => super::connections::owner(queue),
        "disk_reads" | "disk_writes" if classic => {
            let counted = queue
                .get("message_stats")
                .and_then(|stats| stats.get(column));
            Cell::Plain(value.or(counted).cloned().unwrap_or(json!(0)))
        }
        _ => Cell::of(value),
    }
}

fn path(s: &Session<'_>) -> String {
    format!("/api/queues/{}/{}", s.vhost_segment(), s.arg_segment(0))
}

fn purge_queue(s: &Session<'_>) -> Result<Output, Failure> {
    let reply = s.send("DELETE", &format!("{}/contents", path(s)), None)?;
    match reply.status {
        404 => Err(Failure::not_found()),
        400 if reply.reason.contains("not supported") => {
            Err(Failure::error(EX_UNAVAILABLE, "not_supported"))
        }
        _ if reply.is_success() => Ok(Output::Nothing),
        _ => Err(reply.failure()),
    }
}

fn delete_queue(s: &Session<'_>) -> Result<Output, Failure> {
    // The API does not say how many messages went with the queue.
    let queue = s.get(&path(s))?.ok_or_else(no_queue)?;
    let ready = queue
        .get("messages_ready")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let (empty, unused) = (s.flag("if-empty"), s.flag("if-unused"));
    let reply = s.send(
        "DELETE",
        &format!("{}?if-empty={empty}&if-unused={unused}", path(s)),
        None,
    )?;
    match reply.status {
        404 => Err(no_queue()),
        400 => Err(precondition_failed(&reply)),
        _ if reply.is_success() => {
            let text = format!("Queue was successfully deleted with {ready} ready messages");
            Ok(Output::Text(text))
        }
        _ => Err(reply.failure()),
    }
}

fn precondition_failed(reply: &Reply) -> Failure {
    let error = match reply.reason.contains("not supported") {
        true => "not_implemented",
        false => "precondition_failed",
    };
    let text = format!("{{:amqp_error, :{error}, ~c{:?}, :none}}", reply.reason);
    Failure::error(EX_UNAVAILABLE, text)
}

fn no_queue() -> Failure {
    Failure::error(EX_USAGE, "Queue not found")
}

/// Columns that the original leaves blank for quorum queues and streams.
const CLASSIC_ONLY: &[&str] = &[
    "exclusive",
    "message_bytes",
    "message_bytes_persistent",
    "message_bytes_ram",
    "message_bytes_ready",
    "message_bytes_unacknowledged",
    "messages_persistent",
    "consumer_capacity",
    "consumer_utilisation",
    "head_message_timestamp",
    "disk_reads",
    "disk_writes",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn row(queue: &Value, columns: &[&str]) -> Vec<String> {
        columns
            .iter()
            .map(|column| cell(queue, column).plain())
            .collect()
    }

    #[test]
    fn a_classic_queue() {
        let queue = json!({
            "name": "q", "type": "classic", "node": "r@h", "durable": true, "exclusive": false,
            "arguments": {"x-max-length": 5}, "effective_policy_definition": {},
            "message_stats": {"disk_reads": 2}, "messages": 3, "policy": null,
        });
        let columns = [
            "name",
            "durable",
            "exclusive",
            "arguments",
            "leader",
            "members",
            "online",
            "policy",
            "disk_reads",
            "disk_writes",
            "effective_policy_definition",
            "messages",
        ];
        let want = [
            "q",
            "true",
            "false",
            "[{\"x-max-length\",5}]",
            "r@h",
            "[r@h]",
            "",
            "",
            "2",
            "0",
            "[]",
            "3",
        ];
        assert_eq!(row(&queue, &columns), want);
    }

    #[test]
    fn a_quorum_queue_leaves_classic_columns_blank() {
        let queue = json!({
            "name": "q", "type": "quorum", "leader": "r@h", "members": ["r@h"], "online": ["r@h"],
            "exclusive": false, "message_bytes": 7, "messages_ready": 2,
        });
        let columns = [
            "exclusive",
            "message_bytes",
            "leader",
            "members",
            "online",
            "messages_ready",
        ];
        assert_eq!(
            row(&queue, &columns),
            ["", "", "r@h", "[r@h]", "[r@h]", "2"]
        );
    }

    #[test]
    fn a_refused_deletion_is_an_amqp_error() {
        let reason = "queue 'q' in vhost '/' in use".to_owned();
        let failure = precondition_failed(&Reply {
            status: 400,
            reason,
            ..Reply::default()
        });
        let want = "Error:\n{:amqp_error, :precondition_failed, \
                    ~c\"queue 'q' in vhost '/' in use\", :none}";
        assert_eq!((failure.text.as_str(), failure.exit), (want, 69));
    }
}
