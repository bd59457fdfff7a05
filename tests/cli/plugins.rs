//! `rabbitmq-plugins`, whose file of enabled plugins is the test's own.

use std::process::Command;

use super::broker::{Broker, scratch};

struct Plugins {
    broker: Broker,
    folder: std::path::PathBuf,
}

impl Plugins {
    fn new() -> Self {
        Self {
            broker: Broker::start(),
            folder: scratch(),
        }
    }

    fn file(&self) -> std::path::PathBuf {
        self.folder.join("enabled_plugins")
    }

    /// What it says, what it complains about, and its exit code.
    fn run(&self, line: &str) -> (String, String, i32) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leveret"));
        command
            .arg("plugins")
            .args(line.split(' '))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.file());
        match self.broker.runtime_directory() {
            Some(directory) => command.env("LEVERET_RUNTIME_DIR", directory),
            None => command.env("LEVERET_URL", self.broker.url()),
        };
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            text(output.stdout),
            text(output.stderr),
            output.status.code().unwrap(),
        )
    }
}

impl Drop for Plugins {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[test]
fn what_is_built_in_is_enabled_and_runs() {
    let plugins = Plugins::new();
    let (listed, _, exit) = plugins.run("list -e");
    let want = "Listing plugins with pattern \".*\" ...\n \
                Configured: E = explicitly enabled; e = implicitly enabled\n \
                | Status: * = running on rabbit@localhost\n |/\n\
                [E*] rabbitmq_consistent_hash_exchange 4.0.5\n\
                [E*] rabbitmq_management               4.0.5\n\
                [e*] rabbitmq_management_agent         4.0.5\n\
                [E*] rabbitmq_prometheus               4.0.5\n\
                [E*] rabbitmq_random_exchange          4.0.5\n\
                [E*] rabbitmq_recent_history_exchange  4.0.5\n\
                [e*] rabbitmq_web_dispatch             4.0.5\n";
    assert_eq!((listed.as_str(), exit), (want, 0));
    let (listed, ..) = plugins.run("list -E -m -s management");
    assert_eq!(listed, "rabbitmq_management\n");
    let want = "Asking node rabbit@localhost if plugin rabbitmq_management is enabled...\n\
                Plugin rabbitmq_management is enabled on node rabbit@localhost\n";
    let (said, _, exit) = plugins.run("is_enabled rabbitmq_management");
    assert_eq!((said.as_str(), exit), (want, 0));
    let (_, complaint, exit) = plugins.run("is_enabled rabbitmq_mqtt");
    let want = "Error:\nPlugin rabbitmq_mqtt is not enabled on node rabbit@localhost. Enabled \
                plugins and dependencies: rabbitmq_consistent_hash_exchange, ";
    assert!(complaint.starts_with(want), "{complaint}");
    assert_eq!(exit, 69);
}

#[test]
fn others_are_noted_in_the_file() {
    let plugins = Plugins::new();
    let (said, _, exit) = plugins.run("enable rabbitmq_management");
    assert!(
        said.ends_with("Plugin configuration unchanged.\n"),
        "{said}"
    );
    assert_eq!((exit, plugins.file().exists()), (0, false));
    let (said, note, _) = plugins.run("enable rabbitmq_shovel_management");
    let want = "The following plugins have been enabled:\n  rabbitmq_shovel\n  \
                rabbitmq_shovel_management\n\nstarted 2 plugins.\n";
    assert!(said.ends_with(want), "{said}");
    assert!(note.contains("Leveret does without it"), "{note}");
    let written = std::fs::read_to_string(plugins.file()).unwrap();
    assert!(written.contains("rabbitmq_shovel_management"), "{written}");
    let (said, ..) = plugins.run("disable rabbitmq_shovel_management --offline");
    let want = "set 7 plugins.\nOffline change; changes will take effect at broker restart.\n";
    assert!(said.ends_with(want), "{said}");
    let (_, complaint, exit) = plugins.run("enable nosuch_plugin");
    assert_eq!(
        (complaint.as_str(), exit),
        ("Error:\n{:plugins_not_found, [:nosuch_plugin]}\n", 70)
    );
}
