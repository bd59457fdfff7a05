//! What no transcript shows: finding the broker of this machine, and stopping it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::Value;

use super::broker::Broker;

fn leveret(broker: &Broker, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_leveret"))
        .args(arguments)
        .env("LEVERET_RUNTIME_DIR", broker.runtime_directory().unwrap())
        .env_remove("LEVERET_URL")
        .env_remove("RABBITMQ_NODENAME")
        .output()
        .unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_broker_is_found_without_a_password_and_stopped() {
    let broker = Broker::start();
    if broker.runtime_directory().is_none() {
        return;
    }
    let output = leveret(&broker, &["ctl", "list_users", "-s"]);
    assert_eq!(stdout(&output), "guest\t[administrator]\n");
    let output = leveret(&broker, &["ctl", "-n", "rabbit@nosuch", "list_users"]);
    assert_eq!(
        (output.status.code(), stdout(&output).as_str()),
        (Some(69), "")
    );
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let want = "Error: unable to perform an operation on node 'rabbit@nosuch'. Please see \
                diagnostics information and suggestions below.\n";
    assert!(complaint.starts_with(want), "{complaint}");
    let output = leveret(&broker, &["diagnostics", "check_port_connectivity", "-q"]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let output = leveret(&broker, &["ctl", "stop"]);
    assert_eq!(
        stdout(&output),
        "Stopping and halting node rabbit@localhost ...\n"
    );
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(
        leveret(&broker, &["diagnostics", "ping"]).status.code(),
        Some(69)
    );
    let output = leveret(&broker, &["ctl", "stop", "--idempotent", "-q"]);
    let want = "is no longer running\n";
    assert!(
        output.status.success() && stdout(&output).ends_with(want),
        "{output:?}"
    );
}

#[test]
fn what_happens_is_streamed_one_object_a_line() {
    let broker = Broker::start();
    let Some(directory) = broker.runtime_directory() else {
        return;
    };
    let mut streaming = Command::new(env!("CARGO_BIN_EXE_leveret"))
        .args(["diagnostics", "consume_event_stream", "--pattern", "^vhost"])
        .env("LEVERET_RUNTIME_DIR", directory)
        .env_remove("LEVERET_URL")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(streaming.stdout.take().unwrap()).lines();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        lines
            .map_while(Result::ok)
            .try_for_each(|line| tell.send(line))
    });
    // When it begins to listen nobody knows: things happen until it has heard of one.
    let line = (0..600).find_map(|number| {
        broker.request("PUT", &format!("/api/vhosts/v{number}"), &Value::Null);
        told.recv_timeout(Duration::from_millis(100)).ok()
    });
    let _ = streaming.kill();
    let _ = streaming.wait();
    let event: Value = serde_json::from_str(&line.unwrap()).unwrap();
    assert_eq!(event["event"], "vhost.created");
    assert_eq!(event["user_who_performed_action"], "guest");
    assert!(event["timestamp_in_ms"].is_u64(), "{event}");
}

#[test]
fn help_names_every_way_in() {
    let output = Command::new(env!("CARGO_BIN_EXE_leveret"))
        .arg("--help")
        .output()
        .unwrap();
    let text = stdout(&output);
    for word in [
        "serve",
        "ctl",
        "diagnostics",
        "install-links",
        "rabbitmqctl",
        "LEVERET_URL",
    ] {
        assert!(text.contains(word), "{word} is missing in\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 100));
}
