//! The node's life: waiting for it and stopping it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::command::{
    Command,
    Group::{Cluster, Nodes},
    Invalid, Opt, Tools,
};
use super::failure::{EX_SOFTWARE, EX_TEMPFAIL, EX_UNAVAILABLE, EX_USAGE, Failure};
use super::output::{self, Output};
use super::runtime_file::is_running;
use super::session::{Session, TIMEOUT_S};

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "await_startup",
        Nodes,
        "Waits until the broker is ready",
        await_startup,
    )
    .offline(),
    Command::new(
        "await_online_nodes",
        Cluster,
        "Waits for nodes: there is one",
        await_nodes,
    )
    .usage((1, 1), "<count> [--timeout <timeout>]")
    .help(&[("<count>", "how many nodes")])
    .check(|s| match s.arg(0).parse::<u64>() {
        Ok(count) if count > 0 => Ok(()),
        _ => Err(Invalid::value("Argument must be a positive integer")),
    })
    .banner(|s| {
        format!(
            "Will wait for at least {} nodes to join the cluster of {}. Timeout: {} seconds.",
            s.arg(0),
            s.node(),
            s.timeout_ms(STARTUP_S) / 1000
        )
    }),
    Command::new(
        "wait",
        Nodes,
        "Waits until a broker with a known process is ready",
        wait,
    )
    .usage((0, 1), "[<pidfile>] [--pid|-P <pid>] [--timeout <timeout>]")
    .options(&[Opt::integer("pid").short('P')])
    .help(&[
        ("<pidfile>", "file that holds the process id"),
        ("--pid <pid>", "the process id"),
    ])
    .check(|s| match (s.args().len(), s.option("pid")) {
        (0, None) => Err(Invalid::usage("\"No pid or pidfile specified\"")),
        (1, Some(_)) => Err(Invalid::usage("Cannot specify both pid and pidfile")),
        _ => Ok(()),
    })
    .tools(Tools::BOTH)
    .offline(),
    Command::new("stop", Nodes, "Stops the broker", stop)
        .usage((0, 1), "[--idempotent] [<pidfile>]")
        .options(&[Opt::flag("idempotent")])
        .help(&[
            (
                "<pidfile>",
                "file that holds the id of the process whose end to wait for",
            ),
            ("--idempotent", "succeed if it does not run"),
        ])
        .offline()
        .banner(|s| format!("Stopping and halting node {} ...", s.node())),
    Command::new(
        "shutdown",
        Nodes,
        "Stops the broker and waits for its end",
        shutdown,
    )
    .usage((0, 0), "[--wait] [--timeout <timeout>]")
    .options(&[Opt::flag("wait")])
    .help(&[("--no-wait", "do not wait for its end")])
    .banner(|s| format!("Shutting down RabbitMQ node {}{}", s.node(), at_pid(s))),
];

fn await_startup(s: &Session<'_>) -> Result<Output, Failure> {
    let deadline = Deadline::new(s.timeout_ms(STARTUP_S));
    until_ready(s, &deadline)?;
    Ok(Output::Nothing)
}

fn until_ready(s: &Session<'_>, deadline: &Deadline) -> Result<(), Failure> {
    loop {
        // Each attempt looks again: the broker writes its file only when it is ready.
        let attempt = Session::new(s.tool, s.command, s.parsed, s.format);
        match attempt.is_running() {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(Failure::error(EX_UNAVAILABLE, "rabbit_is_not_running")),
            Err(failure) if deadline.has_passed() => return Err(failure),
            Err(_) => thread::sleep(POLL),
        }
    }
}

fn await_nodes(s: &Session<'_>) -> Result<Output, Failure> {
    if s.arg(0).parse() == Ok(1_u64) {
        return Ok(Output::Nothing);
    }
    // One node is all there ever is, so waiting would not help.
    let node = s.node();
    let text = format!("Error: timed out while waiting. Not enough nodes joined {node}'s cluster.");
    Err(Failure::error(EX_SOFTWARE, text))
}

fn wait(s: &Session<'_>) -> Result<Output, Failure> {
    let timeout_ms = s.timeout_ms(WAIT_S);
    let deadline = Deadline::new(timeout_ms);
    let node = s.node();
    let timed_out = || Failure::timeout("wait", &node, timeout_ms);
    let say = |text: String| {
        if !s.is_quiet() {
            output::print(&text);
        }
    };
    let pid = match s.option("pid").map(str::to_owned) {
        Some(pid) => pid,
        None => {
            say(format!("Waiting for pid file '{}' to appear\n", s.arg(0)));
            let pid = deadline.poll(|| read_pid(s.arg(0))).ok_or_else(timed_out)?;
            say(format!("pid is {pid}\n"));
            pid.to_string()
        }
    };
    say(format!(
        "Waiting for erlang distribution on node '{node}' while OS process '{pid}' is running\n"
    ));
    if !pid.parse().is_ok_and(is_running) {
        return Err(Failure::error(EX_UNAVAILABLE, "process_not_running"));
    }
    let ready = until_ready(s, &deadline);
    if ready.as_ref().is_err_and(|failure| failure.unreachable) {
        return Err(timed_out());
    }
    say(format!(
        "Waiting for applications 'rabbit_and_plugins' to start on node '{node}'\n"
    ));
    ready?;
    say(format!(
        "Applications 'rabbit_and_plugins' are running on node '{node}'\n"
    ));
    Ok(Output::Nothing)
}

fn read_pid(path: &str) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

fn stop(s: &Session<'_>) -> Result<Output, Failure> {
    let pid = match s.args() {
        [path] => read_pid(path),
        _ => s.pid(),
    };
    match s.probe().and_then(|()| request_stop(s)) {
        Ok(()) => until_gone(s, pid).map(|()| Output::Nothing),
        Err(failure) if failure.unreachable && s.flag("idempotent") => Ok(Output::Text(format!(
            "Node {} is no longer running",
            s.node()
        ))),
        Err(failure) => Err(failure),
    }
}

fn shutdown(s: &Session<'_>) -> Result<Output, Failure> {
    let (pid, node, at) = (s.pid(), s.node(), at_pid(s));
    let waits = s.option("wait") != Some("false");
    if waits && pid.is_none() {
        let text = "only the end of a local node can be waited for; pass --no-wait";
        return Err(Failure::error(EX_USAGE, text));
    }
    request_stop(s)?;
    if !waits {
        return Ok(Output::Nothing);
    }
    if let Some(pid) = pid {
        output::print(&format!("Waiting for PID {pid} to terminate\n"));
    }
    until_gone(s, pid)?;
    Ok(Output::Text(format!(
        "RabbitMQ node {node}{at} successfully shut down"
    )))
}

fn at_pid(s: &Session<'_>) -> String {
    s.pid()
        .map(|pid| format!(" running at PID {pid}"))
        .unwrap_or_default()
}

fn request_stop(s: &Session<'_>) -> Result<(), Failure> {
    s.must("POST", "/dev/stop", None)
}

/// Waits for the end of a process, if it is known which.
fn until_gone(s: &Session<'_>, pid: Option<u32>) -> Result<(), Failure> {
    let Some(pid) = pid else { return Ok(()) };
    let deadline = Deadline::new(s.timeout_ms(TIMEOUT_S));
    let gone = deadline.poll(|| (!is_running(pid)).then_some(()));
    gone.ok_or_else(|| {
        Failure::error(
            EX_TEMPFAIL,
            format!("the process {pid} has not ended in time"),
        )
    })
}

/// A moment after which waiting ends.
struct Deadline(Option<Instant>);

impl Deadline {
    fn new(timeout_ms: i64) -> Self {
        let timeout = u64::try_from(timeout_ms).map(Duration::from_millis).ok();
        Self(timeout.and_then(|timeout| Instant::now().checked_add(timeout)))
    }

    fn has_passed(&self) -> bool {
        self.0.is_some_and(|deadline| Instant::now() >= deadline)
    }

    /// Asks until there is an answer, or the deadline has passed.
    fn poll<T>(&self, ask: impl Fn() -> Option<T>) -> Option<T> {
        loop {
            match ask() {
                Some(answer) => return Some(answer),
                None if self.has_passed() => return None,
                None => thread::sleep(POLL),
            }
        }
    }
}

/// How long a broker may take to start.
const STARTUP_S: i64 = 300;
const WAIT_S: i64 = 10;
/// How often to look again.
const POLL: Duration = Duration::from_millis(50);
