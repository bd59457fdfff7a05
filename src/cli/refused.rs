//! What cannot be done here, each with the reason; and what means nothing here and is done at once.

use super::command::{
    Command,
    Group::{self, Observability, Operations},
    Invalid, Needs, Opt, Tools,
};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::Output;
use super::session::Session;

const fn refused(
    name: &'static str,
    group: Group,
    summary: &'static str,
    run: fn(&Session<'_>) -> Result<Output, Failure>,
) -> Command {
    Command::new(name, group, summary, run).offline()
}

pub(super) const COMMANDS: &[Command] = &[
    refused(
        "eval",
        Operations,
        "Refused: there is no Erlang to evaluate",
        no_erlang,
    )
    .usage((0, usize::MAX), "<expression>")
    .help(&[("<expression>", "in Erlang")]),
    refused(
        "eval_file",
        Operations,
        "Refused: there is no Erlang to evaluate",
        no_erlang,
    )
    .usage((1, 1), "<file path>")
    .help(&[("<file path>", "a file with Erlang")])
    .check(|s| match std::path::Path::new(s.arg(0)).exists() {
        true => Ok(()),
        false => Err(Invalid::usage(format!(
            "\"File {} does not exist\"",
            s.arg(0)
        ))),
    }),
    refused(
        "exec",
        Operations,
        "Refused: there is no Elixir to evaluate",
        no_erlang,
    )
    .usage((1, 1), "<expression> [--offline]")
    .options(&[Opt::flag("offline")])
    .help(&[("<expression>", "in Elixir")]),
    refused(
        "remote_shell",
        Observability,
        "Refused: there is no Erlang shell",
        no_erlang,
    )
    .tools(Tools::DIAGNOSTICS),
    refused(
        "observer",
        Observability,
        "Refused: there are no Erlang processes",
        no_erlang,
    )
    .usage((0, 0), "[--interval <seconds>]")
    .options(&[Opt::integer("interval")])
    .tools(Tools::DIAGNOSTICS),
    Command::new(
        "schema_info",
        Observability,
        "Shows no tables: there is no database",
        |_| Ok(Output::Text(String::new())),
    )
    .usage(
        (0, usize::MAX),
        "[--no-table-headers] [<column> ...] [--timeout <timeout>]",
    )
    .tools(Tools::BOTH)
    .banner(|s| format!("Asking node {} to report its schema...", s.node())),
    Command::new(
        "metadata_store_status",
        Observability,
        "Names the store: memory",
        |_| Ok(Output::text("memory")),
    )
    .tools(Tools::DIAGNOSTICS)
    .banner(|s| format!("Status of metadata store on node {} ...", s.node())),
    Command::new(
        "coordinator_status",
        Observability,
        "Says that streams need no coordinator",
        |_| Ok(Output::text("one node, no coordinator")),
    )
    .tools(Tools::DIAGNOSTICS)
    .banner(|_| "Status of stream coordinator ...".to_owned()),
    Command::new(
        "maybe_stuck",
        Observability,
        "Finds no processes: there are none",
        |s| {
            Ok(Output::Text(format!(
                "Leveret has no Erlang processes that could be stuck on node {}",
                s.node()
            )))
        },
    )
    .usage((0, 0), "[--timeout <timeout>]")
    .tools(Tools::DIAGNOSTICS)
    .banner(|s| {
        format!(
            "Asking node {} to detect potentially stuck Erlang processes...",
            s.node()
        )
    }),
    Command::new(
        "runtime_thread_stats",
        Observability,
        "Refused: there is no Erlang runtime",
        no_erlang,
    )
    .usage((0, 0), "[--sample-interval <interval>]")
    .options(&[Opt::integer("sample-interval")])
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node),
];

fn no_erlang(s: &Session<'_>) -> Result<Output, Failure> {
    let text = format!(
        "'{}' needs Erlang, and Leveret is not written in it; what can be asked stands in the \
         management API (/api/index.html)",
        s.command.name
    );
    Err(Failure::error(EX_UNAVAILABLE, text))
}
