//! The real binary against a broker: arguments in; output, complaints and exit code out.
//!
//! Each file in `transcripts/` was recorded on RabbitMQ 4.0.5 and is complete in itself: requests
//! that prepare an empty broker (`setup`), then command lines that build on each other (`steps`).
//! RabbitMQ lists in no particular order, so lines are compared as a set. `admin.json` is what the
//! rabbitmqadmin of RabbitMQ 4.0.5 printed, asking this broker. `recorded/` is a whole session with all
//! the other tools.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::Value;

use broker::Broker;

mod app;
mod broker;
mod config;
mod definitions;
mod detached;
mod local;
mod plugins;
mod recorded;
#[cfg(feature = "tls")]
mod tls;

#[derive(Deserialize)]
struct Transcript {
    setup: Vec<Request>,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    path: String,
    #[serde(default)]
    body: Value,
}

#[derive(Deserialize)]
struct Step {
    argv: Vec<String>,
    stdin: Option<String>,
    #[serde(flatten)]
    ended: Ended,
}

/// How a command line ended.
#[derive(Debug, PartialEq, Deserialize)]
struct Ended {
    exit: i32,
    stdout: String,
    stderr: String,
}

impl Ended {
    /// The same whatever order a listing came in.
    fn sorted(&self) -> (i32, Vec<&str>, &str) {
        let mut lines: Vec<&str> = self
            .stdout
            .split('\n')
            .map(|line| line.trim_start_matches(','))
            .collect();
        lines.sort_unstable();
        (self.exit, lines, &self.stderr)
    }
}

/// Runs the binary as the tool that `argv` names.
fn run(broker: &Broker, argv: &[String], stdin: Option<&str>) -> Ended {
    let tool = match argv[0].as_str() {
        "rabbitmqadmin" => "admin",
        other => other.strip_prefix("rabbitmq-").unwrap_or("ctl"),
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_leveret"));
    command
        .env_remove("LEVERET_URL")
        .env_remove("RABBITMQ_NODENAME");
    match broker.runtime_directory() {
        Some(directory) => {
            let plugins = directory.with_file_name("enabled_plugins");
            command
                .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
                .env("LEVERET_RUNTIME_DIR", directory)
        }
        None => command.env("LEVERET_URL", broker.url()),
    };
    let mut child = command
        .arg(tool)
        .args(
            (tool == "admin")
                .then(|| ["-P".to_owned(), broker.management_port()])
                .iter()
                .flatten(),
        )
        .args(&argv[1..])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that does not read its input may have ended already.
    let _ = child
        .stdin
        .take()
        .unwrap()
        .write_all(stdin.unwrap_or_default().as_bytes());
    let output = child.wait_with_output().unwrap();
    Ended {
        exit: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Runs a transcript; what went otherwise than recorded.
fn replay(text: &str) -> Result<(), String> {
    let transcript: Transcript = serde_json::from_str(text).unwrap();
    let broker = Broker::start();
    for Request { method, path, body } in &transcript.setup {
        let status = broker.request(method, path, body);
        if !(200..300).contains(&status) {
            return Err(format!("{method} {path}: {status}"));
        }
    }
    let mut wrong = String::new();
    for step in &transcript.steps {
        let ended = run(&broker, &step.argv, step.stdin.as_deref());
        if ended.sorted() != step.ended.sorted() {
            let line = step.argv.join(" ");
            wrong += &format!("\n$ {line}\n got {ended:?}\nwant {:?}\n", step.ended);
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(wrong) }
}

#[track_caller]
fn check(text: &str) {
    if let Err(wrong) = replay(text) {
        panic!("{wrong}");
    }
}

macro_rules! replays {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(include_str!(concat!("transcripts/", stringify!($name), ".json")));
        })*
    };
}

replays! {
    admin node_control replicas
}
