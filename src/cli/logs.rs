//! The log of a node: its latest lines, and those to come.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::command::{
    Command,
    Group::{Configuration, Observability},
    Needs, Opt, Tools,
};
use super::failure::{EX_DATAERR, Failure};
use super::output::{Output, print};
use super::session::Session;
use super::value::bare;

const DURATION: Opt = Opt::integer("duration").short('d');

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "log_location",
        Configuration,
        "Shows where the log goes",
        |s| {
            let nodes = s.list("/api/nodes")?;
            let files = nodes
                .first()
                .and_then(|node| node.get("log_files"))
                .and_then(Value::as_array);
            let mut files: Vec<String> = files.into_iter().flatten().map(bare).collect();
            if !s.flag("all") {
                files.truncate(1);
            }
            Ok(Output::Report {
                text: files.join("\n"),
                json: json!({ "result": "ok", "node_name": s.node(), "paths": files }),
            })
        },
    )
    .usage((0, 0), "[--all|-a] [--timeout <timeout>]")
    .options(&[Opt::flag("all").short('a')])
    .help(&[("--all", "all of them")])
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| format!("Log file location(s) on node {} ...", s.node())),
    Command::new(
        "log_tail",
        Observability,
        "Shows the latest lines of the log",
        |s| {
            let lines = lines(s, number(s))?;
            let text: Vec<String> = lines.iter().map(text).collect();
            Ok(Output::Text(text.join("\n")))
        },
    )
    .usage((0, 0), "[--number|-N <number>] [--timeout <timeout>]")
    .options(&[Opt::integer("number").short('N')])
    .help(&[("--number <number>", "how many lines (50)")])
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| format!("Last {} log lines on node {} ...", number(s), s.node())),
    Command::new(
        "log_tail_stream",
        Observability,
        "Shows lines of the log as they come",
        stream,
    )
    .usage((0, 0), "[--duration|-d <seconds>] [--timeout <timeout>]")
    .options(&[DURATION])
    .help(&[("--duration <seconds>", "for how long (without end)")])
    .tools(Tools::DIAGNOSTICS)
    .needs(Needs::Node)
    .banner(|s| match s.option("duration") {
        Some(seconds) => format!(
            "Streaming logs from node {} for {seconds} seconds ...",
            s.node()
        ),
        None => format!("Streaming logs from node {} ...", s.node()),
    }),
    Command::new(
        "consume_event_stream",
        Observability,
        "Shows what happens, one JSON object a line",
        events,
    )
    .usage(
        (0, 0),
        "[--duration|-d <seconds>] [--pattern <pattern>] [--timeout <timeout>]",
    )
    .options(&[DURATION, Opt::text("pattern")])
    .help(&[
        ("--duration <seconds>", "for how long (without end)"),
        (
            "--pattern <pattern>",
            "only events whose name fits this regular expression",
        ),
    ])
    .tools(Tools::DIAGNOSTICS),
];

fn number(s: &Session<'_>) -> u64 {
    s.option("number")
        .and_then(|text| text.parse().ok())
        .unwrap_or(50)
}

fn lines(s: &Session<'_>, limit: u64) -> Result<Vec<Value>, Failure> {
    let answer = s
        .get(&format!("/dev/log?limit={limit}"))?
        .unwrap_or_default();
    Ok(answer
        .get("lines")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

fn text(line: &Value) -> String {
    line.get("line").map(bare).unwrap_or_default()
}

/// When to end, if ever.
fn end(s: &Session<'_>) -> Option<Instant> {
    let seconds = s.option("duration").and_then(|text| text.parse().ok());
    seconds.and_then(|seconds| Instant::now().checked_add(Duration::from_secs(seconds)))
}

fn stream(s: &Session<'_>) -> Result<Output, Failure> {
    s.follow("/dev/events?topics=log", end(s), &mut |event, line| {
        if event == "log" {
            print(&format!("{}\n", text(line)));
        }
    })?;
    Ok(Output::Nothing)
}

fn events(s: &Session<'_>) -> Result<Output, Failure> {
    let pattern = s.option("pattern").map(fancy_regex::Regex::new).transpose();
    let pattern = pattern.map_err(|error| Failure::error(EX_DATAERR, error))?;
    let fits = |name: &str| {
        let matched = pattern.as_ref().map(|pattern| pattern.is_match(name));
        matched.is_none_or(|matched| matched.unwrap_or_default())
    };
    s.follow("/dev/events?topics=topology", end(s), &mut |event, told| {
        let rows = told.get("rows").and_then(Value::as_array);
        for row in rows.into_iter().flatten().filter(|_| event == "topology") {
            if fits(&row.get("event").map(bare).unwrap_or_default()) {
                print(&format!("{row}\n"));
            }
        }
    })?;
    Ok(Output::text(""))
}
