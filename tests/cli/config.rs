//! Settings with the real binary: which source wins, what is refused, who is told that it runs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

use super::broker::scratch;
use crate::support::frames;

/// A directory of settings, and commands that read them and no others.
pub(super) struct Place(pub(super) PathBuf);

impl Place {
    pub(super) fn new() -> Self {
        Self(scratch())
    }

    pub(super) fn write(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_leveret"));
        for (name, _) in std::env::vars() {
            if name.starts_with("RABBITMQ_") || name.starts_with("LEVERET_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .env("LEVERET_RUNTIME_DIR", self.0.join("runtime"))
            .env("RABBITMQ_CONFIG_FILE", self.0.join("rabbitmq"))
            .env("RABBITMQ_CONFIG_FILES", self.0.join("conf.d"))
            .env("RABBITMQ_ADVANCED_CONFIG_FILE", self.0.join("advanced"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", self.0.join("plugins"))
            .env("RABBITMQ_CONF_ENV_FILE", self.0.join("env.conf"));
        command
    }

    pub(super) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A broker on free ports that is gone with this value.
pub(super) struct Serving(Child);

impl Serving {
    /// Waits until it says that it is ready.
    pub(super) fn start(command: &mut Command) -> (Self, String) {
        let command = command.args([
            "--host",
            "127.0.0.1",
            "--port",
            "0",
            "--management-port",
            "0",
            "--prometheus-port",
            "0",
        ]);
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut line).unwrap();
        child.stdout = Some(output.into_inner());
        (Self(child), line)
    }

    /// Kills it; what it wrote to standard error.
    fn end(mut self) -> String {
        self.0.kill().unwrap();
        let mut text = String::new();
        self.0
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn later_sources_win_and_are_named() {
    let place = Place::new();
    let main = place.write(
        "rabbitmq.conf",
        "heartbeat = 1\ndefault_user = file\ndefault_pass = secret\nconsumer_timeout = 5\n",
    );
    let more = place.write("conf.d/10-a.conf", "\nheartbeat = 2\n");
    let variables = place.write("env.conf", "DEFAULT_VHOST=there\nNODE_PORT=7000\n");
    let output = place
        .command(&["config", "effective", "--json", "--consumer-timeout", "8"])
        .env("RABBITMQ_DEFAULT_USER", "variable")
        .env("LEVERET_CONNECTION_MAX", "9")
        .output()
        .unwrap();
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    for (name, value, source) in [
        ("heartbeat", "2", format!("{more}:2")),
        (
            "default_user",
            "variable",
            "$RABBITMQ_DEFAULT_USER".to_owned(),
        ),
        ("default_pass", "********", format!("{main}:3")),
        ("default_vhost", "there", format!("{variables}:1")),
        ("listeners.tcp.default", "7000", format!("{variables}:2")),
        ("consumer_timeout", "8", "--consumer-timeout".to_owned()),
        ("connection_max", "9", "$LEVERET_CONNECTION_MAX".to_owned()),
        ("frame_max", "131072", "default".to_owned()),
    ] {
        let row = &all[name];
        assert_eq!(
            (&row["value"], &row["source"]),
            (&value.into(), &source.into()),
            "{name}"
        );
    }
}

#[test]
fn faults_have_a_caret_and_an_exit_code() {
    let place = Place::new();
    let file = place.write("rabbitmq.conf", "# c\nheartbeat = abc\n");
    let output = place.run(&["config", "check", &file]);
    let want = format!(
        "Error transforming datatype for: heartbeat\n\"abc\" cannot be converted to a(n) integer\n  \
         --> {file}:2:13\n  |\n2 | heartbeat = abc\n  |             ^^^ expected an integer\n\n"
    );
    assert_eq!(
        (output.status.code(), text(&output.stderr)),
        (Some(1), want.clone())
    );
    let output = place.run(&["--port", "0", "--management-port", "0"]);
    let complaint = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(complaint, format!("BOOT FAILED\n===========\n{want}"));
    let good = place.write("good.conf", "heartbeat = 5\nnet_ticktime = 60\n");
    let output = place.run(&["config", "check", &good]);
    assert_eq!(output.status.code(), Some(0));
    let warning = format!(
        "{good}:2: net_ticktime means nothing here: there is one node, and it is no Erlang node\n"
    );
    assert_eq!(text(&output.stderr), warning);
    assert_eq!(place.run(&["config", "nosuch"]).status.code(), Some(64));
}

#[test]
fn who_waits_is_told() {
    let place = Place::new();
    place.write(
        "rabbitmq.conf",
        "default_user = me\ndefault_pass = pw\ncluster_name = c\n",
    );
    let notices = place.0.join("notify");
    let socket = UnixDatagram::bind(&notices).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let pid_file = place.0.join("run/pid");
    let mut command = place.command(&[]);
    command
        .env("NOTIFY_SOCKET", &notices)
        .env("RABBITMQ_PID_FILE", &pid_file);
    let (serving, ready) = Serving::start(command.args(["--ready-fd", "1"]));
    assert!(
        ready.contains(" is ready in ") && ready.contains(" ms, as RabbitMQ "),
        "{ready}"
    );
    let mut notice = [0; 100];
    let length = socket.recv(&mut notice).unwrap();
    assert_eq!(text(&notice[..length]), "READY=1");
    let pid = fs::read_to_string(&pid_file).unwrap();
    assert_eq!(pid.trim(), serving.0.id().to_string());
    let output = place.run(&["ctl", "-q", "list_users", "--no-table-headers"]);
    assert_eq!(text(&output.stdout), "me\t[administrator]\n");
    let output = place.run(&["ctl", "set_log_level", "loud"]);
    assert_eq!(output.status.code(), Some(69));
    let output = place.run(&["ctl", "set_log_level", "connection=debug"]);
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(0));
    let log = serving.end();
    for line in [
        "[info] <0.0.0> started TCP listener on 127.0.0.1:",
        "[info] <0.0.0> Server startup complete; 5 plugins started.\n",
        "[info] <0.0.0>  * rabbitmq_management\n",
        "[info] <0.0.0> Time to start RabbitMQ: ",
    ] {
        assert!(log.contains(line), "{line} is not in {log}");
    }
}

#[test]
fn the_tools_find_the_api_below_a_path() {
    let place = Place::new();
    place.write("rabbitmq.conf", "management.path_prefix = hare/\n");
    let ports = place.0.join("ports.json");
    let ports_file = ports.display().to_string();
    let (_serving, _) = Serving::start(&mut place.command(&["--ports-file", &ports_file]));
    let ports: Value = serde_json::from_slice(&fs::read(ports).unwrap()).unwrap();
    let port = ports["management"].to_string();
    let url = format!("http://guest:guest@127.0.0.1:{port}/hare/");
    let list = ["-q", "list_users", "--no-table-headers"];
    for with in [&["ctl"][..], &["ctl", "--url", &url]] {
        let output = place.run(&[with, &list].concat());
        assert_eq!(text(&output.stdout), "guest\t[administrator]\n");
    }
    for (prefix, code) in [("/hare", 0), ("", 1)] {
        let mut admin = vec!["admin", "-P", &port];
        if !prefix.is_empty() {
            admin.extend(["--path-prefix", prefix]);
        }
        let output = place.run(&[&admin[..], &["list", "users"]].concat());
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    }
}

#[test]
fn logs_go_to_files_and_as_json_where_that_is_set() {
    let place = Place::new();
    let log = place.0.join("logs/x.log");
    let settings = format!(
        "log.file = {}\nlog.file.formatter = json\nlog.console = false\n",
        log.display()
    );
    place.write("rabbitmq.conf", &settings);
    let (serving, _) = Serving::start(&mut place.command(&[]));
    assert_eq!(serving.end(), "");
    let lines = fs::read_to_string(&log).unwrap();
    let mut lines = lines.lines();
    let line = lines.find(|line| line.contains("started TCP listener on "));
    let line: Value = serde_json::from_str(line.unwrap()).unwrap();
    assert_eq!(
        (&line["level"], &line["domain"]),
        (&"info".into(), &"rabbitmq.default".into())
    );
}

#[test]
fn the_tools_tell_which_files_are_in_use() {
    let place = Place::new();
    let log = place.0.join("hare.log").display().to_string();
    let settings = format!("log.file = {log}\nlog.console.stdio = stderr\n");
    let main = place.write("rabbitmq.conf", &settings);
    let second = place.write("conf.d/20-b.conf", "heartbeat = 7\n");
    let first = place.write("conf.d/10-a.conf", "heartbeat = 8\n");
    let advanced = place.write("advanced.config", "[{rabbit, [{frame_max, 8192}]}].\n");
    let base = place.0.join("data").display().to_string();
    let mut command = place.command(&["--node", "rabbit@hare"]);
    let (_serving, _) = Serving::start(command.env("RABBITMQ_MNESIA_BASE", &base));
    let status = place.run(&["ctl", "status", "--formatter", "json"]);
    let status: Value = serde_json::from_slice(&status.stdout).unwrap();
    assert_eq!(
        status["config_files"],
        json!([advanced, main, first, second])
    );
    assert_eq!(status["log_files"], json!([log, "<stderr>"]));
    assert_eq!(
        status["data_directory"],
        json!(format!("{base}/rabbit@hare"))
    );
    let location = |more: &[&str]| {
        let output = place.run(&[&["diagnostics", "-q", "log_location"], more].concat());
        text(&output.stdout)
    };
    assert_eq!(location(&[]), format!("{log}\n"));
    assert_eq!(location(&["--all"]), format!("{log}\n<stderr>\n"));
    let paths: Value = serde_json::from_str(&location(&["--formatter", "json"])).unwrap();
    let want = json!({ "result": "ok", "node_name": "rabbit@hare", "paths": [log] });
    assert_eq!(paths, want);
}

#[test]
fn the_tools_tell_the_tags() {
    let place = Place::new();
    place.write(
        "rabbitmq.conf",
        "cluster_tags.region = eu\nnode_tags.role = hare\n",
    );
    let (_serving, _) = Serving::start(&mut place.command(&[]));
    let (status, _, _) = ctl(&place, &["status"]);
    assert!(status.contains("\nTags\n\nrole: hare\n"), "{status}");
    let (status, _, _) = ctl(&place, &["cluster_status"]);
    assert!(
        status.contains("\nCluster Tags\n\nregion: eu\n"),
        "{status}"
    );
    let (status, _, _) = ctl(&place, &["cluster_status", "--formatter", "json"]);
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["cluster_tags"], json!({ "region": "eu" }));
}

#[test]
fn variables_say_where_the_log_goes_and_how_much() {
    let place = Place::new();
    let mut command = place.command(&[]);
    command
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_LOG", "error");
    let (serving, first) = Serving::start(&mut command);
    assert!(first.starts_with("Leveret "), "{first}");
    assert_eq!(serving.end(), "");
}

#[test]
fn the_log_tells_of_connections_in_rabbitmqs_words() {
    let place = Place::new();
    place.write("rabbitmq.conf", "product.name = Hare\n");
    place.write("plugins", "[rabbitmq_management,rabbitmq_shovel].\n");
    let ports = place.0.join("ports.json");
    let ports_file = ports.display().to_string();
    let (serving, _) = Serving::start(&mut place.command(&["--ports-file", &ports_file]));
    let ports: Value = serde_json::from_slice(&fs::read(ports).unwrap()).unwrap();
    let address = (
        std::net::Ipv4Addr::LOCALHOST,
        ports["amqp"].as_u64().unwrap() as u16,
    );
    let mut client = std::net::TcpStream::connect(address).unwrap();
    for frame in frames::log_in(0) {
        client.write_all(&frame).unwrap();
    }
    client.write_all(&frames::open_channel(1)).unwrap();
    client
        .write_all(&frames::method(1, 50, 10, &[b"\0\0\x01q\x01\0\0\0\0"]))
        .unwrap();
    let close = [b"\0\0\0\0\0\0\0".as_slice()].concat();
    client
        .write_all(&frames::method(0, 10, 50, &[&close]))
        .unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    let mut stranger = std::net::TcpStream::connect(address).unwrap();
    let wrong = b"\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0wrong\x05en_US";
    stranger.write_all(frames::PROTOCOL_HEADER).unwrap();
    stranger
        .write_all(&frames::method(0, 10, 11, &[wrong]))
        .unwrap();
    stranger.read_to_end(&mut Vec::new()).unwrap();
    let output = place.run(&["ctl", "-q", "status", "--formatter", "json"]);
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    // Those that these need run, too.
    let active = [
        "rabbitmq_management",
        "rabbitmq_management_agent",
        "rabbitmq_shovel",
        "rabbitmq_web_dispatch",
    ];
    assert_eq!(status["active_plugins"], serde_json::json!(active));
    let log = serving.end();
    let name = format!(
        "{} -> 127.0.0.1:{}",
        client.local_addr().unwrap(),
        address.1
    );
    let closing = format!(
        "[info] <0.0.0> closing AMQP connection ({name}, vhost: '/', user: 'guest', duration: '"
    );
    for line in [
        "[info] <0.0.0> Server startup complete; 4 plugins started.\n".to_owned(),
        "[info] <0.0.0>  * rabbitmq_web_dispatch\n".to_owned(),
        format!("[info] <0.0.0> accepting AMQP connection {name}\n"),
        format!(
            "[info] <0.0.0> connection {name}: user 'guest' authenticated and granted access to vhost '/'\n"
        ),
        format!(
            "[error] <0.0.0> Channel error on connection <0.0.0> ({name}, vhost: '/', user: 'guest'), channel 1:\n"
        ),
        "operation queue.declare caused a channel exception not_found: no queue 'q' in vhost '/'\n"
            .to_owned(),
        closing,
        ", state: starting):\n".to_owned(),
        "PLAIN login refused: user 'guest' - invalid credentials\n".to_owned(),
    ] {
        assert!(log.contains(&line), "{line} is not in {log}");
    }
}

#[test]
fn a_broker_goes_with_its_parent() {
    let place = Place::new();
    // The shell starts the broker, waits until it is ready, and is gone.
    let script = "mkfifo \"$READY\"; \"$@\" 3> \"$READY\" & read ports < \"$READY\"; echo $ports";
    let mut command = place.command(&[]);
    command.env("READY", place.0.join("ready"));
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program());
    shell.args([
        "--exit-with-parent",
        "--ready-fd",
        "3",
        "--host",
        "127.0.0.1",
    ]);
    shell.args(["--port", "0", "--management-port", "0"]);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    // Who holds the other end of its output is the broker: this ends when it does.
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let ports = text(&output.stdout);
    let ports = ports.lines().last().unwrap().split(' ');
    assert_eq!(ports.filter(|port| port.parse::<u16>().is_ok()).count(), 2);
    let log = text(&output.stderr);
    assert!(
        log.contains("the process that started this one is gone"),
        "{log}"
    );
}

/// What `rabbitmqctl` writes to standard output and standard error, and its exit code.
fn ctl(place: &Place, arguments: &[&str]) -> (String, String, i32) {
    let output = place.run(&[&["ctl", "-q"], arguments].concat());
    let code = output.status.code().unwrap();
    let shown = text(&output.stdout).trim_end().to_owned();
    (shown, text(&output.stderr), code)
}

#[test]
fn values_are_encoded_and_decoded() {
    let place = Place::new();
    let run = |arguments: &[&str]| ctl(&place, arguments);
    let strong = [
        "--cipher",
        "aes_256_cbc",
        "--hash",
        "sha512",
        "--iterations",
        "1000",
    ];
    for value in [
        "secret",
        "\"secret\"",
        "<<\"secret\">>",
        "{a,[1,2.5,<<\"x\">>,#{b => c}]}",
    ] {
        for more in [&[][..], &strong] {
            let (encoded, ..) = run(&[&["encode", value, "pass"], more].concat());
            assert!(encoded.starts_with("{encrypted,<<\"") && encoded.ends_with("\">>}"));
            let (decoded, ..) = run(&[&["decode", &encoded, "pass"], more].concat());
            assert_eq!(decoded, value);
        }
    }
    // As RabbitMQ 4.3.6 wrote it.
    let theirs = "8giQzaXKk+teWu9OOgHtEuWBkFcT4mD3XQCNT8/9GFwlOh0P4XsUrt9GU7WcwN6A";
    let theirs_quoted = format!("\"encrypted:{theirs}\"");
    let decoded = run(&["decrypt_conf_value", &theirs_quoted, "pass"]).0;
    assert_eq!(decoded, "\"secret\"");
    let term = format!("{{encrypted,<<\"{theirs}\">>}}");
    let unreadable = "Error:\nFailed to decrypt the value. Things to check: is the passphrase correct? \
                      Are the cipher and hash algorithms the same as those used for encryption?\n";
    for wrong in [
        [&*term, "other"],
        ["{encrypted,<<\"abc\">>}", "pass"],
        ["a b", "pass"],
    ] {
        let (_, complaint, code) = run(&[&["decode"], &wrong[..]].concat());
        assert_eq!((&*complaint, code), (unreadable, 69));
    }
    let json: Value =
        serde_json::from_str(&run(&["decode", &term, "pass", "--formatter", "json"]).0).unwrap();
    assert_eq!(
        (&json["value"], &json["result"]),
        (&"secret".into(), &"ok".into())
    );
}

#[test]
fn what_cannot_be_encoded_is_told_as_rabbitmq_tells_it() {
    let place = Place::new();
    for (arguments, want, code) in [
        (
            &["encode", "a b", "p"][..],
            "Error:\nError during cipher operation\n",
            69,
        ),
        (&["encode"], "Error:\nnot_enough_args\n", 69),
        (
            &["decode"],
            "Error (argument validation): not enough arguments: Please provide a value to decode and a passphrase\n",
            64,
        ),
        (
            &["encode", "--cipher", "x", "s", "p"],
            "Error (argument validation): Bad argument: The requested cipher is not supported.\n",
            65,
        ),
        (
            &["encode", "--hash", "x", "s", "p"],
            "Error (argument validation): Bad argument: The requested hash is not supported\n",
            65,
        ),
        (
            &["encode", "--iterations", "0", "s", "p"],
            "Error (argument validation): Bad argument: The requested number of iterations is incorrect\n",
            65,
        ),
    ] {
        let (_, complaint, got) = ctl(&place, arguments);
        assert!(complaint.starts_with(want), "{complaint}");
        assert_eq!(got, code);
    }
}

#[test]
fn a_password_that_will_not_do_is_refused_with_the_reason() {
    let place = Place::new();
    let settings = "credential_validator.validation_backend = \
                    rabbit_credential_validator_min_password_length\n\
                    credential_validator.min_length = 5\n";
    place.write("rabbitmq.conf", settings);
    let (_serving, _) = Serving::start(&mut place.command(&[]));
    let want = "Error:\nminimum required password length is 5\n";
    for words in [["add_user", "x", "ab"], ["change_password", "guest", "ab"]] {
        let (_, complaint, code) = ctl(&place, &words);
        assert_eq!((&*complaint, code), (want, 69));
    }
    assert_eq!(ctl(&place, &["add_user", "x", "abcde"]).2, 0);
}

#[test]
fn an_encrypted_password_lets_one_in() {
    let place = Place::new();
    let output = place.run(&["ctl", "-q", "encrypt_conf_value", "<<\"hush\">>", "phrase"]);
    let settings = format!("default_user = me\ndefault_pass = {}", text(&output.stdout));
    place.write("rabbitmq.conf", &settings);
    let decoder = "[{rabbit, [{config_entry_decoder, [{passphrase, <<\"phrase\">>}]}]}].\n";
    place.write("advanced.config", decoder);
    let (_serving, _) = Serving::start(&mut place.command(&[]));
    let output = place.run(&["ctl", "authenticate_user", "me", "hush"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}
