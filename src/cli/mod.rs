//! The command line: one program that serves, and that answers as RabbitMQ's tools do.
//!
//! The tools reach a broker only through the management API, so they work with any broker that has
//! one, in this process or not. What kind of tool is meant is told by the name the program was
//! called by, or by its first argument; `leveret --help` lists both. One file per family of
//! resources holds a table of commands, and what they do; `ctl` finds and runs them.

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

mod admin;
mod app;
mod certificates;
mod cluster;
mod cluster_status;
mod command;
mod config;
mod connections;
mod ctl;
mod definitions;
mod diagnostics;
mod encoding;
mod exchanges;
mod failure;
mod features;
mod help;
mod http;
#[cfg(feature = "tls")]
mod https;
#[cfg(not(feature = "tls"))]
#[path = "https_absent.rs"]
mod https;
mod links;
mod listeners;
mod log_level;
mod logging;
mod logs;
mod memory;
mod memory_use;
mod network;
mod newer;
mod node;
mod options;
mod output;
mod pages;
mod parameters;
mod parse;
mod peek;
mod permissions;
mod plugin_table;
mod plugins;
mod policies;
mod queues;
mod refused;
mod replicas;
mod runtime_file;
mod serve;
mod session;
mod settings;
mod startup;
mod status;
mod tls;
mod tls_info;
mod users;
mod value;
mod vhosts;
mod web;

use ctl::Tool;
use options::Given;

/// Runs what these arguments, the name the program was called by first, ask for.
pub fn run(arguments: Vec<String>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let called = arguments.next().unwrap_or_default();
    let called = Path::new(&called)
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match Tool::named(called) {
        Some(tool) => ctl::run(tool, &rest).into(),
        None if called == "rabbitmq-server" => server(&rest),
        None if called == "rabbitmqadmin" => admin::run(&rest).into(),
        None => by_first_argument(&rest),
    }
}

fn by_first_argument(arguments: &[String]) -> ExitCode {
    let rest = arguments.get(1..).unwrap_or_default();
    match arguments.first().map_or("", String::as_str) {
        "ctl" => ctl::run(Tool::Ctl, rest).into(),
        "diagnostics" => ctl::run(Tool::Diagnostics, rest).into(),
        "queues" => ctl::run(Tool::Queues, rest).into(),
        "plugins" => ctl::run(Tool::Plugins, rest).into(),
        "admin" => admin::run(rest).into(),
        "upgrade" => ctl::run(Tool::Upgrade, rest).into(),
        "config" => config::run(rest),
        "install-links" => links::run(rest).into(),
        "completions" => pages::completions(rest).into(),
        "man" => pages::man(rest).into(),
        "serve" => start(rest),
        "-h" | "--help" | "help" => say(HELP),
        "-V" | "--version" | "version" => say(concat!("leveret ", env!("CARGO_PKG_VERSION"), "\n")),
        "" => start(arguments),
        option if option.starts_with('-') => start(arguments),
        unknown => {
            output::print_error(&format!("leveret: there is no '{unknown}' here\n\n{HELP}"));
            failure::EX_USAGE.into()
        }
    }
}

/// `rabbitmq-server`, which with `-detached` goes on by itself in the background.
fn server(arguments: &[String]) -> ExitCode {
    let is_detached = |argument: &&String| argument.as_str() == "-detached";
    if !arguments.iter().any(|argument| is_detached(&argument)) {
        return start(arguments);
    }
    let rest = arguments.iter().filter(|argument| !is_detached(argument));
    let spawned = std::env::current_exe().and_then(|program| {
        Command::new(program)
            .arg("serve")
            .args(rest)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // What the terminal sends to this program is not for that one.
            .process_group(0)
            .spawn()
    });
    match spawned {
        Ok(_) => ExitCode::SUCCESS,
        Err(error) => {
            output::print_error(&format!("rabbitmq-server: {error}\n"));
            ExitCode::FAILURE
        }
    }
}

fn say(text: &str) -> ExitCode {
    output::print(text);
    ExitCode::SUCCESS
}

fn start(arguments: &[String]) -> ExitCode {
    match Given::parse(arguments) {
        Ok(given) => serve::run(&given),
        Err(error) => refuse(&error),
    }
}

/// What the command line's parser has to say, be it help.
fn refuse(error: &clap::Error) -> ExitCode {
    let _ = error.print();
    if error.use_stderr() {
        failure::EX_USAGE.into()
    } else {
        ExitCode::SUCCESS
    }
}

const HELP: &str = "\
Leveret: an AMQP 0-9-1 broker in memory, where development and tests use RabbitMQ

Usage:
  leveret [serve] [OPTIONS]        start the broker; leveret serve --help lists the options
  leveret ctl COMMAND …            manage it, as rabbitmqctl does; leveret ctl help lists them
  leveret diagnostics COMMAND …    check it, as rabbitmq-diagnostics does
  leveret admin SUBCOMMAND …       declare, list, publish and get, as rabbitmqadmin does
  leveret config effective         show every setting and where it came from (--json)
  leveret config check FILE …      say what is wrong in settings files
  leveret install-links DIR        give this program the names below, as links in DIR
  leveret completions SHELL        print completions of all names for bash, zsh, fish …
  leveret man DIR                  write manual pages of all names into DIR

Called by one of these names it is that program:
  rabbitmq-server         leveret serve; -detached puts it into the background
  rabbitmqctl             leveret ctl
  rabbitmq-diagnostics    leveret diagnostics (rabbitmq-queues, rabbitmq-plugins and
                          rabbitmq-upgrade likewise)
  rabbitmqadmin           leveret admin

ctl and diagnostics find a broker of the same user on this machine by themselves;
--url http://guest:guest@HOST:15672, or LEVERET_URL, names one elsewhere.
";
