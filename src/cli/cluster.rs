//! What is asked of clusters, answered for one node.

use serde_json::json;

use super::command::{
    Command,
    Group::{Cluster, Deprecated, Observability, Operations, Upgrade},
    Invalid, Needs, Opt, Tools,
};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::Output;

pub(super) const COMMANDS: &[Command] = &[
    Command::new("join_cluster", Cluster, "Refused: there is one node", |_| {
        alone("Leveret is one node by itself and cannot join others")
    })
    .usage((1, 1), "[--disc|--ram] <existing_cluster_member>")
    .options(&[Opt::flag("disc"), Opt::flag("ram")])
    .help(&[("<existing_cluster_member>", "a node of the cluster")])
    .needs(Needs::Node)
    .banner(|s| format!("Clustering node {} with {}", s.node(), s.arg(0))),
    Command::new("forget_cluster_node", Cluster, "Fails: there is one node", |_| {
        alone("{:not_a_cluster_node, ~c\"The node selected is not in the cluster.\"}")
    })
    .usage((1, 1), "[--offline] <existing_cluster_member_node>")
    .options(&[Opt::flag("offline")])
    .help(&[("<existing_cluster_member_node>", "the node to forget")])
    .banner(|s| format!("Removing node {} from the cluster", s.arg(0))),
    Command::new(
        "change_cluster_node_type",
        Cluster,
        "Refused: a node without a cluster has no type",
        |_| alone("{:not_clustered, ~c\"Non-clustered nodes can only be disc nodes.\"}"),
    )
    .usage((1, 1), "<disc | ram>")
    .check(|s| match s.arg(0) {
        "disc" | "disk" | "ram" => Ok(()),
        kind => Err(Invalid::value(format!(
            "The node type must be either disc or ram., {kind}"
        ))),
    })
    .needs(Needs::StoppedApplication)
    .banner(|s| format!("Turning {} into a {} node", s.node(), s.arg(0))),
    Command::idle("force_boot", Cluster, "Does nothing: a single node always starts")
        .needs(Needs::StoppedApplication)
        .banner(|s| format!("Forcing boot for Khepri/Mnesia dir of node {} ...", s.node())),
    Command::idle(
        "force_standalone_khepri_boot",
        Cluster,
        "Does nothing: a single node always starts",
    ),
    Command::new("rename_cluster_node", Deprecated, "Does nothing", |_| {
        Ok(Output::text(
            "DEPRECATED. This command is a no-op: there is one node, and its name is an option of the server",
        ))
    })
    .usage((2, usize::MAX), "<oldnode1> <newnode1> [oldnode2] [newnode2] ...")
    .offline(),
    Command::idle("update_cluster_nodes", Deprecated, "Does nothing: there is one node")
        .usage((1, 1), "<seed_node>")
        .needs(Needs::StoppedApplication),
    Command::new("discover_peers", Observability, "Finds the node itself", |s| {
        Ok(Output::Text(format!("[:{}]", s.node())))
    })
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .banner(|_| "Discovering peers nodes ...".to_owned()),
    Command::idle(
        "remove_classic_queue_mirroring_from_policies",
        Operations,
        "Does nothing: no policy can mirror classic queues on one node",
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .banner(|_| {
        "Will remove keys that enable classic queue mirroring from all regular and operator \
         policies"
            .to_owned()
    }),
    Command::new(
        "await_online_quorum_plus_one",
        Upgrade,
        "Succeeds: what has one member loses no majority",
        |_| {
            Ok(Output::text(
                "Target node seems to be the only one in a single node cluster, the command does not apply",
            ))
        },
    )
    .tools(Tools::UPGRADE)
    .banner(|s| {
        format!(
            "Will wait for a quorum + 1 of nodes to be online for all quorum queues and streams for \
             {} seconds...",
            s.timeout_ms(AWAIT_QUORUM_S) / 1000
        )
    }),
    Command::new("drain", Upgrade, "Lets no clients in and closes all connections", |s| {
        s.act("/dev/app/suspend")?;
        for connection in s.list("/api/connections")? {
            super::connections::close(s, &connection, "Node was put into maintenance mode")?;
        }
        Ok(Output::Nothing)
    })
    .tools(Tools::UPGRADE)
    .banner(|s| {
        let node = s.node();
        format!("Will put node {node} into maintenance mode. The node will no longer serve any client traffic!")
    }),
    Command::new("revive", Upgrade, "Ends what drain began", |s| s.act("/dev/app/resume"))
        .tools(Tools::UPGRADE)
        .banner(|s| format!("Will put node {} back into regular operating mode. The node will again serve client traffic and host primary queue replicas.", s.node())),
    Command::new("post_upgrade", Upgrade, "Does nothing: there are no leaders to spread", |_| {
        Ok(Output::Report { text: String::new(), json: json!({ "result": "ok" }) })
    })
    .tools(Tools::UPGRADE)
    .banner(|_| "Executing post upgrade tasks...\nRebalancing queue masters...".to_owned()),
];

fn alone(text: &str) -> Result<Output, Failure> {
    Err(Failure::error(EX_UNAVAILABLE, text))
}

const AWAIT_QUORUM_S: i64 = 120;
