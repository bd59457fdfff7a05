//! The command line: one binary under several names.
//!
//! As `leveret` or `rabbitmq-server` it serves; as `rabbitmqctl` or `rabbitmq-diagnostics` (a
//! link, or `leveret ctl …`) it speaks RabbitMQ's command line, over the management API.

mod command;
mod ctl;
mod http;
mod links;
mod lists;
mod output;
mod runtime_file;
mod serve;
mod status;
mod users;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser as _;

/// Names under which the tool answers, and what it calls itself then.
const TOOLS: [&str; 4] = [
    "rabbitmqctl",
    "rabbitmq-diagnostics",
    "rabbitmq-queues",
    "rabbitmq-plugins",
];

/// Run what these arguments, the program's name first, ask for.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let program = arguments.next().unwrap_or_default();
    let program = Path::new(&program)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("leveret");
    let rest: Vec<String> = arguments.collect();
    if let Some(tool) = TOOLS.iter().find(|tool| **tool == program) {
        return ctl::run(tool, &rest);
    }
    match rest.split_first() {
        Some((word, rest)) if word == "ctl" => ctl::run("rabbitmqctl", rest),
        Some((word, rest)) if word == "diagnostics" => ctl::run("rabbitmq-diagnostics", rest),
        Some((word, rest)) if word == "install-links" => links::install(rest.first()),
        Some((word, rest)) if word == "serve" => serve(rest),
        _ => serve(&rest),
    }
}

fn serve(rest: &[String]) -> ExitCode {
    let all = std::iter::once("leveret".to_owned()).chain(rest.iter().cloned());
    match serve::ServeOptions::try_parse_from(all) {
        Ok(options) => serve::run(&options),
        Err(error) => error.exit(),
    }
}
