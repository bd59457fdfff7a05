//! The application of a node stops, starts and is emptied, and its listeners close, while the node
//! goes on: `stop_app` and what belongs to it.

use super::command::{
    Command,
    Group::{Cluster, Nodes, Operations, VirtualHosts},
    Needs, Opt,
};
use super::failure::{EX_UNAVAILABLE, Failure};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "stop_app",
        Nodes,
        "Stops the broker but not its process: clients are told, and nobody is let in",
        |s| s.act("/dev/app/stop"),
    )
    .needs(Needs::Node)
    .banner(|s| format!("Stopping rabbit application on node {} ...", s.node())),
    Command::new(
        "start_app",
        Nodes,
        "Starts the broker again that stop_app stopped",
        |s| s.act("/dev/app/start"),
    )
    .needs(Needs::Node)
    .options(&[Opt::flag("idempotent")])
    .banner(|s| format!("Starting node {} ...", s.node())),
    Command::new(
        "reset",
        Nodes,
        "Empties the broker: only the default user and virtual host are left",
        |s| s.act("/dev/app/reset"),
    )
    .needs(Needs::StoppedApplication)
    .banner(|s| format!("Resetting node {} ...", s.node())),
    Command::new(
        "force_reset",
        Cluster,
        "Does the same as reset: there are no other nodes",
        |s| s.act("/dev/app/reset"),
    )
    .needs(Needs::StoppedApplication)
    .banner(|s| format!("Forcefully resetting node {} ...", s.node())),
    Command::new(
        "suspend_listeners",
        Operations,
        "Lets no new clients in; those that are connected stay",
        |s| s.act("/dev/app/suspend"),
    )
    .banner(|s| {
        format!(
            "Will suspend client connection listeners on node {}. The node will no longer accept \
             client connections!",
            s.node()
        )
    }),
    Command::new(
        "resume_listeners",
        Operations,
        "Lets new clients in again",
        |s| s.act("/dev/app/resume"),
    )
    .banner(|s| {
        format!(
            "Will resume client connection listeners on node {}. The node will now accept client \
             connections",
            s.node()
        )
    }),
    Command::new("rotate_logs", Nodes, "Refused, as by RabbitMQ", |_| {
        let text = "This command does not rotate logs anymore [deprecated]";
        Err(Failure::error(EX_UNAVAILABLE, text))
    })
    .needs(Needs::Node),
    Command::idle(
        "force_gc",
        Operations,
        "Does nothing: memory is given back at once",
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .needs(Needs::Node)
    .banner(|s| {
        let node = s.node();
        format!("Will ask all processes on node {node} to schedule a full sweep GC")
    }),
    Command::idle(
        "reconcile_vhosts",
        VirtualHosts,
        "Does nothing: virtual hosts always run",
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .banner(|_| {
        "Will try to initiate virtual host reconciliation on all reachable cluster nodes..."
            .to_owned()
    }),
];
