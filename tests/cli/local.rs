//! What no transcript shows: finding the broker of this machine, and stopping it.

use std::process::{Command, Output};

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
