//! Definitions by the command line, and those that a broker begins with.

use std::path::{Path, PathBuf};
use std::process::Command;

use leveret::server::{Definitions, Server};
use serde_json::{Value, json};

use super::broker::{Broker, scratch};
use super::{Ended, run};

/// A directory of its own, gone with this value.
#[derive(Debug)]
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        Self(scratch())
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn ctl(broker: &Broker, arguments: &[&str], stdin: Option<&str>) -> Ended {
    let argv: Vec<String> = ["rabbitmqctl"]
        .iter()
        .chain(arguments)
        .map(|text| (*text).to_owned())
        .collect();
    run(broker, &argv, stdin)
}

#[test]
fn exported_and_imported_by_the_command_line() {
    let (broker, files) = (Broker::start(), Scratch::new());
    let queue = json!({ "queues": [{ "name": "q", "vhost": "/" }] }).to_string();
    let path = files.file("in.json", &queue);
    let done = "Successfully started definition import. This process is asynchronous and can take some \
                time. Watch target node logs for completion.\n";
    let ended = ctl(&broker, &["import_definitions", &path], None);
    let banner = format!("Importing definitions in JSON from a file at \"{path}\" ...\n");
    assert_eq!((ended.exit, ended.stdout), (0, banner + done));
    let ended = ctl(&broker, &["import_definitions"], Some(&queue));
    let banner = "Importing definitions in JSON from standard input ...\n".to_owned();
    assert_eq!((ended.exit, ended.stdout), (0, banner + done));
    let out = files.0.join("out.json").display().to_string();
    let ended = ctl(&broker, &["export_definitions", &out], None);
    let banner = format!("Exporting definitions in JSON to a file at \"{out}\" ...\n");
    assert_eq!((ended.exit, ended.stdout), (0, banner));
    let exported: Value = serde_json::from_str(&std::fs::read_to_string(&out).unwrap()).unwrap();
    assert_eq!(exported["queues"][0]["name"], "q");
    let ended = ctl(&broker, &["export_definitions", "-", "-q"], None);
    let told: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(told, exported);
    ctl(&broker, &["delete_queue", "q"], None);
    let again = ["import_definitions", &path, "--skip-if-unchanged", "-q"];
    assert_eq!(ctl(&broker, &again, None).exit, 0);
    let gone = broker.request("GET", "/api/queues/%2F/q", &Value::Null);
    assert_eq!(gone, 404, "it was imported before");
}

#[test]
fn the_command_line_tells_what_is_wrong_and_where() {
    let broker = Broker::start();
    let wrong = json!({ "queues": [{ "name": "q", "vhost": "nosuch" }] }).to_string();
    let ended = ctl(&broker, &["import_definitions", "-q"], Some(&wrong));
    let text = "Error:\nPlease create virtual host \"nosuch\" prior to importing definitions.\n\
                It is at queues[0].vhost; nothing was imported.\n";
    assert_eq!((ended.exit, ended.stderr.as_str()), (69, text));
    let ended = ctl(&broker, &["import_definitions", "-q"], Some("{no"));
    let text = "Error:\nFailed to deserialise input (format: JSON)";
    assert_eq!(ended.exit, 65);
    assert!(ended.stderr.starts_with(text), "{}", ended.stderr);
    let ended = ctl(
        &broker,
        &["import_definitions", "--format", "x"],
        Some("{}"),
    );
    let text =
        "Error (argument validation): Bad argument: Format should be either json or erlang\n";
    assert_eq!(ended.exit, 65);
    assert!(ended.stderr.starts_with(text), "{}", ended.stderr);
}

fn refused(path: &str) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_leveret"))
        .args([
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--management-port",
            "0",
        ])
        .args(["--definitions", path])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn wrong_definitions_stop_the_start() {
    let files = Scratch::new();
    let text = "{\n  \"queues\": [\n    {\"name\": \"q\", \"vhost\": \"/\",\n     \"arguments\": {\"x-expires\": 0}}\n  ]\n}\n";
    let path = files.file("d.json", text);
    let want = format!(
        "definitions: {path}:4:33: queues[0].arguments.x-expires: precondition_failed: invalid arg \
         'x-expires' for queue 'q' in vhost '/': {{value_zero,0}}\n"
    );
    assert_eq!(refused(&path), (1, want));
    let path = files.file("broken.json", "{\n \"users\": [,]}");
    let want = format!("definitions: {path}:2:12: expected value\n");
    assert_eq!(refused(&path), (1, want));
    let path = files.0.join("nosuch.json").display().to_string();
    let (exit, told) = refused(&path);
    assert_eq!(exit, 1);
    let want = format!("cannot read definitions {path}: ");
    assert!(told.starts_with(&want), "{told}");
}

/// A broker that begins with what is at `path`.
async fn begin(path: &Path) -> Server {
    let definitions = Definitions::read(path).unwrap();
    Server::builder().definitions(definitions).start().unwrap()
}

#[tokio::test]
async fn a_directory_is_read_in_the_order_of_names() {
    let files = Scratch::new();
    files.file(
        "2.json",
        "{\"queues\": [{\"name\": \"q\", \"vhost\": \"v\"}]}",
    );
    files.file("1.json", "{\"vhosts\": [{\"name\": \"v\"}]}");
    files.file("3.txt", "nothing to read");
    let server = begin(&files.0).await;
    let broker = &server.shared().broker;
    assert!(broker.vhost("v").unwrap().queues.contains("q"));
    assert!(
        broker.authenticate("guest", "guest").is_some(),
        "no other users"
    );
    assert!(broker.vhosts.contains("/"));
}

#[tokio::test]
async fn defined_users_take_the_place_of_the_default_one() {
    let files = Scratch::new();
    let path = files.file(
        "d.json",
        "{\"users\": [{\"name\": \"me\", \"password\": \"secret\", \"tags\": \"administrator\"}],
          \"vhosts\": [{\"name\": \"mine\"}],
          \"permissions\": [{\"user\": \"me\", \"vhost\": \"mine\", \"configure\": \"\", \"write\": \"\",
                             \"read\": \"\"}]}",
    );
    let server = begin(Path::new(&path)).await;
    let broker = &server.shared().broker;
    assert!(broker.authenticate("me", "secret").is_some());
    assert!(!broker.users.contains("guest"));
    assert!(!broker.vhosts.contains("/"));
    assert!(broker.users.get("me").unwrap().permission("mine").is_some());
}
