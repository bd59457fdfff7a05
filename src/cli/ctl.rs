//! `rabbitmqctl`: finds the broker, runs the command, prints what the original prints.

use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use serde_json::Value;

use super::command::Typed;
use super::http::{Client, HttpError};
use super::output::{Failed, complain, say};
use super::{lists, runtime_file, status, users};

/// How long a command may take, where it does not say.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A command: its name, its arguments as usage shows them, how many, what it does.
pub(super) struct Command {
    pub(super) name: &'static str,
    pub(super) usage: &'static str,
    pub(super) words: std::ops::RangeInclusive<usize>,
    pub(super) run: fn(&Session<'_>) -> Result<(), Failed>,
}

/// A command being run.
pub(super) struct Session<'a> {
    pub(super) tool: &'a str,
    pub(super) typed: &'a Typed,
    client: Client,
    /// The node's name, for banners.
    pub(super) node: String,
}

fn all() -> impl Iterator<Item = &'static Command> {
    users::COMMANDS
        .iter()
        .chain(lists::COMMANDS)
        .chain(status::COMMANDS)
}

/// Run one command line of `tool`.
pub(super) fn run(tool: &str, arguments: &[String]) -> ExitCode {
    let typed = Typed::parse(arguments);
    match try_run(tool, &typed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => failed.report(),
    }
}

fn try_run(tool: &str, typed: &Typed) -> Result<(), Failed> {
    let name = typed.words.first().map_or("", String::as_str);
    if typed.flag("--version", "-v") || name == "version" {
        say(crate::broker::compat::Compat::default().version);
        return Ok(());
    }
    if name == "help" || typed.flag("--help", "-h") {
        say(&usage(tool));
        return Ok(());
    }
    let command = all()
        .find(|command| command.name == name)
        .ok_or_else(|| not_found(tool, name))?;
    check_words(tool, typed, command)?;
    let (client, node) = connect(typed)?;
    (command.run)(&Session {
        tool,
        typed,
        client,
        node,
    })
}

fn check_words(tool: &str, typed: &Typed, command: &Command) -> Result<(), Failed> {
    let given = typed.words.len() - 1;
    let fault = match given {
        given if given < *command.words.start() => "not enough arguments.",
        given if given > *command.words.end() => "too many arguments.",
        _ => return Ok(()),
    };
    Err(invalid(tool, typed, command, 64, fault))
}

/// `Error (argument validation)` with the usage behind it.
pub(super) fn invalid(
    tool: &str,
    typed: &Typed,
    command: &Command,
    code: u8,
    fault: &str,
) -> Failed {
    Failed::plain(
        code,
        format!(
            "Error (argument validation): {fault}\nArguments given:\n\t{}\n\nUsage\n\n{tool} \
             [--node <node>] [--longnames] [--quiet] {} {}",
            typed.words.join(" "),
            command.name,
            command.usage
        ),
    )
}

fn not_found(tool: &str, name: &str) -> Failed {
    if name.is_empty() {
        return Failed::plain(64, usage(tool));
    }
    let nearest = all()
        .map(|command| (distance(name, command.name), command.name))
        .min();
    match nearest {
        Some((near, command)) if near <= 3 => {
            let text = format!("\nCommand '{name}' not found. \nDid you mean '{command}'? \n");
            Failed::plain(64, text)
        }
        _ => Failed::plain(
            64,
            format!("\nCommand '{name}' not found. \n{}", usage(tool)),
        ),
    }
}

/// How many letters must change to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (to, wanted) in other.bytes().enumerate() {
            let changed = diagonal + usize::from(letter != wanted);
            diagonal = row[to + 1];
            row[to + 1] = changed.min(diagonal + 1).min(row[to] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

fn usage(tool: &str) -> String {
    let mut text = format!(
        "\nUsage\n\n{tool} [--node <node>] [--timeout <timeout>] [--longnames] [--quiet] <command> \
         [<command options>]\n\nAvailable commands:\n\n"
    );
    for command in all() {
        text.push_str(&format!("   {} {}\n", command.name, command.usage));
    }
    text
}

/// The broker meant: by `--url`, else the one of this user on this machine.
fn connect(typed: &Typed) -> Result<(Client, String), Failed> {
    let seconds = typed
        .option("--timeout")
        .and_then(|text| text.parse::<u64>().ok());
    let timeout = Some(seconds.map_or(TIMEOUT, Duration::from_secs));
    let from_environment = std::env::var("LEVERET_URL").ok();
    if let Some(url) = typed
        .option("--url")
        .map(str::to_owned)
        .or(from_environment)
    {
        return by_url(&url, timeout);
    }
    let node = typed
        .option("--node")
        .map(str::to_owned)
        .or_else(|| std::env::var("RABBITMQ_NODENAME").ok());
    let file = runtime_file::find(node.as_deref()).map_err(|_| no_node(node.as_deref()))?;
    let client = Client {
        host: file.host,
        port: file.management_port,
        authorization: format!("Bearer {}", file.token),
        timeout,
    };
    Ok((client, file.node))
}

fn by_url(url: &str, timeout: Option<Duration>) -> Result<(Client, String), Failed> {
    let bad = || {
        Failed::plain(
            64,
            format!("Error: not a URL like http://user:password@host:15672: {url}"),
        )
    };
    let rest = url
        .strip_prefix("http://")
        .ok_or_else(bad)?
        .trim_end_matches('/');
    let (login, host) = rest.rsplit_once('@').ok_or_else(bad)?;
    let (host, port) = host.rsplit_once(':').unwrap_or((host, "15672"));
    let port = port.parse().map_err(|_| bad())?;
    let login = base64::engine::general_purpose::STANDARD.encode(login);
    let authorization = format!("Basic {login}");
    let client = Client {
        host: host.to_owned(),
        port,
        authorization,
        timeout,
    };
    Ok((client, format!("rabbit@{host}")))
}

fn no_node(node: Option<&str>) -> Failed {
    let node = runtime_file::full_node_name(node.unwrap_or("rabbit"));
    Failed::plain(
        69,
        format!(
            "Error: unable to perform an operation on node '{node}'. Please see diagnostics \
             information and suggestions below.\n\nMost common reasons for this are:\n\n * Target \
             node is not running (start it with: leveret)\n * It runs as another user of this \
             machine\n * It has another name (see --node and RABBITMQ_NODENAME)\n"
        ),
    )
}

impl Session<'_> {
    /// A word behind the command.
    pub(super) fn word(&self, at: usize) -> &str {
        self.typed.words.get(at + 1).map_or("", String::as_str)
    }

    /// A line about what is being done.
    pub(super) fn banner(&self, text: &str) {
        if !self.typed.is_quiet() {
            say(text);
        }
    }

    /// A hint on standard error.
    pub(super) fn hint(&self, text: &str) {
        if !self.typed.is_quiet() {
            complain(text);
        }
    }

    /// One request: the status and the body as JSON.
    pub(super) fn call(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(u16, Value), Failed> {
        self.call_with(method, path, &[], body)
    }

    /// One request with more headers.
    pub(super) fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<(u16, Value), Failed> {
        let body = body.map(Value::to_string);
        let response =
            self.client
                .request(method, path, headers, body.as_deref().map(str::as_bytes));
        let response = response.map_err(|error| self.unreachable(&error))?;
        if response.status == 401 {
            return Err(Failed::error(77, "access refused"));
        }
        let json = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        Ok((response.status, json))
    }

    /// The reason the broker gave.
    pub(super) fn refused(&self, answer: &Value) -> Failed {
        let reason = answer
            .get("reason")
            .map(super::output::plain)
            .unwrap_or_default();
        Failed::error(69, &reason)
    }

    fn unreachable(&self, error: &HttpError) -> Failed {
        match error {
            HttpError::Timeout => Failed::plain(
                75,
                format!("Error: operation on node {} timed out", self.node),
            ),
            HttpError::Unreachable(_) => no_node(Some(&self.node)),
            HttpError::Broken(_) => Failed::error(70, &error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn distances() {
        assert_eq!(distance("list_user", "list_users"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
