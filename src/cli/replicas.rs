//! `rabbitmq-queues`: members of quorum queues and streams, of which one node has one each.

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Cluster, Deprecated, Observability, Operations, Replication},
    Invalid, Opt, Tools,
};
use super::failure::{EX_DATAERR, EX_UNAVAILABLE, Failure};
use super::output::{Listing, Output, print};
use super::peek::peek;
use super::session::Session;
use super::value::{Cell, bare};

const QUEUE: (&str, &str) = ("<queue>", "name of the queue");
pub(super) const PATTERNS: &[Opt] = &[
    Opt::text("vhost-pattern"),
    Opt::text("queue-pattern"),
    Opt::text("membership"),
    Opt::flag("errors-only"),
];
pub(super) const PATTERNS_HELP: &[(&str, &str)] = &[
    (
        "--queue-pattern <pattern>",
        "only queues whose name fits this regular expression",
    ),
    (
        "--vhost-pattern <pattern>",
        "only those in virtual hosts whose name fits",
    ),
];

pub(super) const COMMANDS: &[Command] = &[
    Command::new("quorum_status", Observability, "Shows the member of a quorum queue", quorum_status)
        .usage((1, 1), "[--vhost <vhost>] <queue>")
        .help(&[QUEUE])
        .tools(Tools::REPLICAS)
        .banner(|s| format!("Status of quorum queue {} on node {} ...", s.arg(0), s.node())),
    Command::new("stream_status", Observability, "Shows the member of a stream", stream_status)
        .usage((1, 1), "[--vhost <vhost>] [--tracking] <stream>")
        .options(&[Opt::flag("tracking")])
        .help(&[("<stream>", "name of the stream"), ("--tracking", "offsets kept for readers: there are none")])
        .tools(Tools::REPLICAS)
        .banner(|s| format!("Status of stream {} on node {} ...", s.arg(0), s.node())),
    Command::new("rebalance", Cluster, "Counts leaders: all are on the one node", rebalance)
        .usage(
            (1, 1),
            "< all | quorum | stream > [--vhost-pattern <pattern>] [--queue-pattern <pattern>]",
        )
        .options(PATTERNS)
        .help(PATTERNS_HELP)
        .tools(Tools::QUEUES),
    Command::new("grow", Cluster, "Adds nothing: the one node has all members", |_| {
        Ok(Output::Listing(Listing {
            columns: Vec::new(),
            rows: Vec::new(),
            streamed: false,
        }))
    })
    .usage(
        (2, 2),
        "<node> <all | even> [--vhost-pattern <pattern>] [--queue-pattern <pattern>] \
         [--membership <promotable|voter>]",
    )
    .options(PATTERNS)
    .help(PATTERNS_HELP)
    .check(|s| match s.arg(1) {
        "all" | "even" => Ok(()),
        other => Err(Invalid::value(format!("{other} is not a valid strategy."))),
    })
    .tools(Tools::QUEUES)
    .banner(|s| format!("Growing {} quorum queues on {}...", s.arg(1), s.arg(0))),
    Command::new("shrink", Cluster, "Removes nothing: the last member stays", shrink)
        .usage((1, 1), "<node> [--errors-only]")
        .options(PATTERNS)
        .help(&[("<node>", "the node to leave")])
        .tools(Tools::QUEUES)
        .banner(|s| format!("Shrinking quorum queues on {}...", s.arg(0))),
    Command::new("add_member", Replication, "Adds nothing: there is one node", |s| {
        queue_there(s).map(|_| Output::Nothing)
    })
    .usage(
        (2, 2),
        "[--vhost <vhost>] <queue> <node> [--membership <promotable|voter>] [--timeout <timeout>]",
    )
    .options(PATTERNS)
    .help(&[QUEUE, ("<node>", "the node that is to have a member")])
    .check(|s| match s.arg(1) == s.node() {
        true => Ok(()),
        false => Err(Invalid::state(format!("node {} is not a member of the cluster", s.arg(1)))),
    })
    .tools(Tools::QUEUES)
    .banner(|s| format!("Adding a replica for queue {} on node {}...", s.arg(0), s.arg(1))),
    Command::new("delete_member", Replication, "Removes nothing: the last member stays", |s| {
        queue_there(s)?;
        Err(Failure::error(EX_UNAVAILABLE, "last_node"))
    })
    .usage((2, 2), "[--vhost <vhost>] <queue> <node>")
    .help(&[QUEUE, ("<node>", "the node whose member is to go")])
    .tools(Tools::QUEUES)
    .banner(|s| format!("Removing a replica of queue {} on node {}...", s.arg(0), s.arg(1))),
    Command::new("peek", Observability, "Shows a message of a queue and leaves it there", peek)
        .usage((2, 2), "[--vhost <vhost>] <queue> <position> [--timeout <timeout>]")
        .help(&[QUEUE, ("<position>", "of the message, from 1 on")])
        .check(|s| match s.arg(1).parse::<u64>() {
            Ok(position) if position > 0 => Ok(()),
            _ => Err(Invalid::value("position value must be a positive integer")),
        })
        .tools(Tools::QUEUES)
        .banner(|s| {
            let (queue, position, node) = (s.arg(0), s.arg(1), s.node());
            format!("Peeking at quorum queue {queue} at position {position} on node {node} ...")
        }),
    Command::new("reclaim_quorum_memory", Operations, "Does nothing: there is no log on disk", |s| {
        target(s).map(|_| Output::Nothing)
    })
    .usage((1, 1), " [--vhost <vhost>] <quorum queue>")
    .help(&[("<quorum queue>", "name of the queue")])
    .tools(Tools::REPLICAS)
    .banner(|s| format!("Will flush Raft WAL of quorum queue {} ...", s.arg(0))),
    Command::new(
        "check_if_new_quorum_queue_replicas_have_finished_initial_sync",
        Observability,
        "Succeeds: no member has to catch up",
        |s| {
            let text = format!("Node {} reported no queues with promotable replicas", s.node());
            Ok(Output::Report { text, json: json!({ "result": "ok" }) })
        },
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::REPLICAS)
    .banner(|s| format!("Checking if node {} runs promotable replicas of any queues ...", s.node())),
    Command::new(
        "check_if_node_is_mirror_sync_critical",
        Deprecated,
        "Succeeds: there are no mirrors",
        |_| {
            Ok(Output::text(
                "This command is DEPRECATED and is a no-op. It will be removed in a future version.\nok",
            ))
        },
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::REPLICAS)
    .offline(),
    Command::idle(
        "check_if_cluster_has_classic_queue_mirroring_policy",
        Observability,
        "Succeeds: no policy can mirror classic queues",
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::REPLICAS)
    .banner(|_| "Checking if cluster has any classic queue mirroring policy ...".to_owned()),
    Command::idle(
        "list_policies_with_classic_queue_mirroring",
        Observability,
        "Lists nothing: no policy can mirror classic queues",
    )
    .usage((0, 0), "[--no-table-headers] [--timeout <timeout>]")
    .tools(Tools::REPLICAS)
    .banner(|_| "Listing policies with classic queue mirroring ...".to_owned()),
    Command::idle(
        "list_operator_policies_with_classic_queue_mirroring",
        Observability,
        "Lists nothing: no policy can mirror classic queues",
    )
    .usage((0, 0), "[--no-table-headers] [--timeout <timeout>]")
    .tools(Tools::REPLICAS)
    .banner(|_| "Listing operator policies with classic queue mirroring ...".to_owned()),
];

/// A table that RabbitMQ draws also when nobody asks for that.
fn table(columns: &[&'static str], rows: Vec<Vec<Cell>>) -> Output {
    Output::Drawn(Listing {
        columns: columns.to_vec(),
        rows,
        streamed: false,
    })
}

fn of_queue(s: &Session<'_>, middle: &str, end: &str) -> String {
    format!(
        "/api/queues/{middle}{}/{}{end}",
        s.vhost_segment(),
        s.arg_segment(0)
    )
}

fn queue(s: &Session<'_>) -> Result<Value, Failure> {
    s.get(&of_queue(s, "", ""))?.ok_or_else(Failure::not_found)
}

/// Likewise, as commands say it that change members.
pub(super) fn queue_there(s: &Session<'_>) -> Result<Value, Failure> {
    s.get(&of_queue(s, "", ""))?.ok_or_else(|| {
        let text = format!(
            "queue '{}' was not found in virtual host '{}'",
            s.arg(0),
            s.vhost()
        );
        Failure::bare(EX_DATAERR, text)
    })
}

/// Likewise, as commands say it that look into a queue.
pub(super) fn target(s: &Session<'_>) -> Result<Value, Failure> {
    s.get(&of_queue(s, "", ""))?.ok_or_else(|| {
        let text = format!("Target queue was not found in virtual host '{}'", s.vhost());
        Failure::error(EX_UNAVAILABLE, text)
    })
}

pub(super) fn kind(queue: &Value) -> String {
    queue.get("type").map(bare).unwrap_or_default()
}

/// A queue of a kind that has no members.
fn unsupported(kind: &str) -> Failure {
    let text = format!("{{:unsupported, :rabbit_{kind}_queue}}");
    Failure::error(EX_UNAVAILABLE, text)
}

const QUORUM_COLUMNS: &[&str] = &[
    "Node Name",
    "Raft State",
    "Membership",
    "Last Log Index",
    "Last Written",
    "Last Applied",
    "Commit Index",
    "Snapshot Index",
    "Term",
    "Machine Version",
];

fn quorum_status(s: &Session<'_>) -> Result<Output, Failure> {
    let kind = kind(&queue(s)?);
    if kind != "quorum" {
        return Err(unsupported(&kind));
    }
    let members = s.list(&of_queue(s, "quorum/", "/status"))?;
    let row = |member: &Value| {
        let cell = |name: &&str| Cell::of(member.get(*name));
        QUORUM_COLUMNS.iter().map(cell).collect()
    };
    Ok(table(QUORUM_COLUMNS, members.iter().map(row).collect()))
}

fn stream_status(s: &Session<'_>) -> Result<Output, Failure> {
    let queue = queue(s)?;
    if kind(&queue) != "stream" {
        let text = format!("Cannot get stream status of a {} queue", kind(&queue));
        return Err(Failure::error(EX_UNAVAILABLE, text));
    }
    if s.flag("tracking") {
        return Ok(table(&["reference", "type", "value"], Vec::new()));
    }
    let count = |key: &str| queue.get(key).and_then(Value::as_i64).unwrap_or_default();
    let (messages, readers) = (count("messages"), count("consumers"));
    let row = [
        json!("writer"),
        json!(s.node()),
        json!(1),
        json!(messages - 1),
        json!(messages - 1),
        json!(0),
        json!(readers),
        json!(count("segments").max(1)),
    ];
    let columns = [
        "role",
        "node",
        "epoch",
        "offset",
        "committed_offset",
        "first_offset",
        "readers",
        "segments",
    ];
    Ok(table(
        &columns,
        vec![row.into_iter().map(Cell::Plain).collect()],
    ))
}

fn count_of(queues: &[Value], wanted: &str) -> Value {
    json!(queues.iter().filter(|queue| kind(queue) == wanted).count())
}

fn rebalance(s: &Session<'_>) -> Result<Output, Failure> {
    let mut columns = vec!["Node name"];
    columns.extend(match s.arg(0) {
        "all" => ["Number of quorum queues", "Number of streams"].as_slice(),
        "quorum" => &["Number of quorum queues"],
        "stream" => &["Number of streams"],
        other => {
            let text = format!("type {other} is not supported. Try one of all, quorum, stream.");
            return Err(Failure::error(EX_UNAVAILABLE, text));
        }
    });
    if !s.is_quiet() {
        print(&format!("Re-balancing leaders of {} queues...\n", s.arg(0)));
    }
    let queues = s.list("/api/queues")?;
    let cell = |column: &&str| match *column {
        "Number of quorum queues" => Cell::Plain(count_of(&queues, "quorum")),
        "Number of streams" => Cell::Plain(count_of(&queues, "stream")),
        _ => Cell::text(s.node()),
    };
    let has_any = columns.iter().any(|column| match cell(column) {
        Cell::Plain(Value::Number(count)) => count.as_u64() != Some(0),
        _ => false,
    });
    let row = columns.iter().map(cell).collect();
    Ok(table(
        &columns,
        if has_any { vec![row] } else { Vec::new() },
    ))
}

fn shrink(s: &Session<'_>) -> Result<Output, Failure> {
    let queues = s.list("/api/queues")?;
    let quorum = queues.iter().filter(|queue| kind(queue) == "quorum");
    let row = |queue: &Value| {
        vec![
            Cell::of(queue.get("vhost")),
            Cell::of(queue.get("name")),
            Cell::Plain(json!(1)),
            Cell::text("error: the last node cannot be removed"),
        ]
    };
    Ok(Output::Listing(Listing {
        columns: vec!["vhost", "name", "size", "result"],
        rows: quorum.map(row).collect(),
        streamed: false,
    }))
}
