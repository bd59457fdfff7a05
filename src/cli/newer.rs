//! Commands that RabbitMQ got after 4.0.

use fancy_regex::Regex;
use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Cluster, Observability, Operations, Other, Replication, Upgrade, VirtualHosts},
    Invalid, Needs, Opt, Tools,
};
use super::diagnostics::succeeded;
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::{Listing, Output};
use super::replicas::{PATTERNS, PATTERNS_HELP, kind, queue_there};
use super::session::Session;
use super::value::{Cell, bare};

const VHOST: &[(&str, &str)] = &[("<vhost>", "name of the virtual host")];

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "check_for_quorum_queues_without_an_elected_leader",
        Observability,
        "Succeeds: the one node leads all queues",
        |s| {
            let node = s.node();
            let text = format!(
                "Node {node} reported all quorum queue as having responsive leader replicas"
            );
            let json = json!({ "result": "ok", "message": text });
            let text = if s.is_silent() { String::new() } else { text };
            Ok(Output::Report { text, json })
        },
    )
    .usage((1, 1), "[--vhost <vhost>] [--across-all-vhosts] <pattern>")
    .options(&[Opt::flag("across-all-vhosts")])
    .help(&[
        (
            "<pattern>",
            "only queues whose name fits this regular expression",
        ),
        ("--across-all-vhosts", "of all virtual hosts"),
    ])
    .tools(Tools::DIAGNOSTICS)
    .banner(|s| {
        let place = match s.flag("across-all-vhosts") {
            true => "all vhosts".to_owned(),
            false => format!("vhost {}", s.vhost()),
        };
        let pattern = s.arg(0);
        format!("Checking leader replicas of quorum queues matching '{pattern}' in {place} ...")
    }),
    initialized("check_if_metadata_store_is_initialized"),
    initialized("check_if_metadata_store_is_initialized_with_data"),
    Command::new(
        "has_reached_target_cluster_size",
        Upgrade,
        "Succeeds: one node is all there can be",
        |s| {
            Ok(succeeded(
                s,
                format!("Target cluster size has been reached on node {}", s.node()),
            ))
        },
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::BOTH.and(Tools::UPGRADE))
    .banner(|s| {
        let node = s.node();
        format!("Checking if target cluster size has been reached on node {node} ...")
    }),
    Command::new(
        "grow_to_count",
        Cluster,
        "Adds nothing: the one node has all members",
        |_| Ok(rows(&["vhost", "name", "size", "result"], Vec::new())),
    )
    .usage(
        (2, 2),
        "<node_count> <all | even> [--vhost-pattern <pattern>] [--queue-pattern <pattern>] \
         [--membership <promotable|voter>]",
    )
    .options(PATTERNS)
    .help(PATTERNS_HELP)
    .check(|s| match (s.arg(1), s.arg(0).parse::<u32>()) {
        ("all" | "even", Ok(_)) => Ok(()),
        ("all" | "even", Err(_)) => Err(Invalid::value("the number of nodes is no number")),
        (other, _) => Err(Invalid::usage(format!(
            "\"strategy '{other}' is not recognised.\""
        ))),
    })
    .tools(Tools::QUEUES)
    .banner(|s| {
        format!(
            "Growing {} quorum queues on {} nodes...",
            s.arg(1),
            s.arg(0)
        )
    }),
    Command::new(
        "force_checkpoint",
        Operations,
        "Does nothing: there is no log on disk",
        checkpoint,
    )
    .usage(
        (0, 0),
        "[--vhost-pattern <pattern>] [--queue-pattern <pattern>]",
    )
    .options(PATTERNS)
    .help(PATTERNS_HELP)
    .tools(Tools::QUEUES)
    .banner(|_| "Forcing checkpoint for all matching quorum queues...".to_owned()),
    Command::new(
        "transfer_leadership",
        Replication,
        "Refused: the one node leads",
        |s| {
            let text = match kind(&queue_there(s)?).as_str() {
                "quorum" if s.arg(1) == s.node() => {
                    "The target node is already the leader of this queue"
                }
                "quorum" => "The target node has no member of this queue",
                _ => "Cannot transfer leadership of a non-quorum queue",
            };
            Err(Failure::error(EX_UNAVAILABLE, text))
        },
    )
    .usage(
        (2, 2),
        "[--vhost <vhost>] <queue> <node> [--timeout <timeout>]",
    )
    .help(&[
        ("<queue>", "name of the queue"),
        ("<node>", "the node that is to lead"),
    ])
    .tools(Tools::QUEUES)
    .banner(|s| {
        format!(
            "Transferring leadership of quorum queue {} to node {}...",
            s.arg(0),
            s.arg(1)
        )
    }),
    Command::new(
        "list_channel_interceptors",
        Observability,
        "Lists nothing: there are none",
        |_| Ok(rows(&["name", "applies_to", "priority"], Vec::new())),
    )
    .usage((0, 0), "[--no-table-headers] [--timeout <timeout>]")
    .tools(Tools::BOTH)
    .banner(|_| "Listing channel interceptors ...".to_owned()),
    Command::new("reset_stats_db", Other, "Counts rates anew", |s| {
        s.must("DELETE", "/api/reset", None)?;
        Ok(Output::Nothing)
    })
    .usage((0, 0), "[--all]")
    .options(&[Opt::flag("all")])
    .help(&[("--all", "on all nodes, of which there is one")])
    .banner(|s| match s.flag("all") {
        true => "Resetting statistics database in all nodes".to_owned(),
        false => format!("Resetting statistics database on node {}", s.node()),
    }),
    Command::new(
        "enable_vhost_deletion_protection",
        VirtualHosts,
        "Lets nobody delete a virtual host",
        |s| protect(s, "POST"),
    )
    .usage((1, 1), "<vhost>")
    .help(VHOST)
    .banner(|s| {
        let vhost = s.arg(0);
        format!("Protecting virtual host \"{vhost}\" from removal by updating its metadata...")
    }),
    Command::new(
        "disable_vhost_deletion_protection",
        VirtualHosts,
        "Lets a virtual host be deleted again",
        |s| protect(s, "DELETE"),
    )
    .usage((1, 1), "<vhost>")
    .help(VHOST)
    .banner(|s| {
        let vhost = s.arg(0);
        format!(
            "Removing deletion protection from virtual host \"{vhost}\" by updating its metadata..."
        )
    }),
];

const fn initialized(name: &'static str) -> Command {
    Command::new(name, Observability, "Succeeds: the store is memory", |s| {
        let text = format!(
            "Metadata store on node {} has completed its initialization",
            s.node()
        );
        Ok(succeeded(s, text))
    })
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| {
        let node = s.node();
        format!("Checking if metadata store on node {node} has finished initializing ...")
    })
}

fn rows(columns: &[&'static str], rows: Vec<Vec<Cell>>) -> Output {
    Output::Listing(Listing {
        columns: columns.to_vec(),
        rows,
        streamed: false,
    })
}

fn checkpoint(s: &Session<'_>) -> Result<Output, Failure> {
    let fits = |item: &Value, key: &str, option: &str| {
        let pattern = Regex::new(s.option(option).unwrap_or(".*")).ok();
        let name = item.get(key).map(bare).unwrap_or_default();
        pattern.is_some_and(|pattern| pattern.is_match(&name).unwrap_or_default())
    };
    let queues = s.list("/api/queues")?;
    let quorum = queues.iter().filter(|queue| kind(queue) == "quorum");
    let chosen = quorum.filter(|queue| {
        fits(queue, "name", "queue-pattern") && fits(queue, "vhost", "vhost-pattern")
    });
    let row = |queue: &Value| {
        let (vhost, name) = (queue.get("vhost"), queue.get("name"));
        vec![Cell::of(vhost), Cell::of(name), Cell::text("{ok}")]
    };
    Ok(rows(
        &["vhost", "name", "result"],
        chosen.map(row).collect(),
    ))
}

/// Makes what the first argument names undeletable, or lifts that.
pub(super) fn protect(s: &Session<'_>, method: &str) -> Result<Output, Failure> {
    let vhost = format!("/api/vhosts/{}", s.arg_segment(0));
    let reply = s.send(method, &format!("{vhost}/deletion/protection"), None)?;
    match reply.status {
        _ if reply.is_success() => Ok(Output::Nothing),
        404 if s.get(&vhost)?.is_none() => Err(Failure::no_vhost(s.arg(0))),
        404 | 405 => {
            let text = "virtual hosts cannot be protected on this release line";
            Err(Failure::error(EX_UNAVAILABLE, text))
        }
        _ => Err(reply.failure()),
    }
}
