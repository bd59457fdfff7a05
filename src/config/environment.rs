//! Environment variables: of the server, of the official image, and of Bitnami's.
//!
//! `rabbitmq-env.conf` holds variables without `RABBITMQ_` in front; those of the process win.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use super::files;
use super::place::{Place, SourceText};
use super::resolved::Config;
use super::written::{Origin, Written};

const PREFIX: &str = "RABBITMQ_";
const ENV_FILE: &str = "/etc/rabbitmq/rabbitmq-env.conf";

/// Variables that stand for a setting, the less important ones first.
const SETTINGS: [(&str, &str); 13] = [
    ("RABBITMQ_USERNAME", "default_user"),
    ("RABBITMQ_PASSWORD", "default_pass"),
    ("RABBITMQ_VHOST", "default_vhost"),
    ("RABBITMQ_DEFAULT_USER", "default_user"),
    ("RABBITMQ_DEFAULT_PASS", "default_pass"),
    ("RABBITMQ_DEFAULT_VHOST", "default_vhost"),
    ("RABBITMQ_DEFAULT_USER_FILE", "default_user"),
    ("RABBITMQ_DEFAULT_PASS_FILE", "default_pass"),
    ("RABBITMQ_PASSWORD_FILE", "default_pass"),
    ("RABBITMQ_LOG_BASE", "log.dir"),
    ("RABBITMQ_PRODUCT_NAME", "product.name"),
    ("RABBITMQ_PRODUCT_VERSION", "product.version"),
    ("RABBITMQ_DEFINITIONS_FILE", "load_definitions"),
];

/// Variables that are known, and that mean nothing here: why.
pub const IDLE: [(&str, &str); 24] = [
    ("RABBITMQ_CONFIG_DIR", "files are named one by one"),
    (
        "RABBITMQ_CTL_ERL_ARGS",
        "there is no Erlang machine to tune",
    ),
    ("RABBITMQ_CTL_DIST_PORT_MIN", "there is one node"),
    ("RABBITMQ_CTL_DIST_PORT_MAX", "there is one node"),
    (
        "RABBITMQ_DEFAULT_QUEUE_TYPE",
        "it is no variable of RabbitMQ's",
    ),
    ("RABBITMQ_DISTRIBUTION_BUFFER_SIZE", "there is one node"),
    ("RABBITMQ_DIST_PORT", "there is one node"),
    ("RABBITMQ_ERLANG_COOKIE", "there is one node"),
    ("RABBITMQ_FEATURE_FLAGS", "the release line has its own"),
    (
        "RABBITMQ_FEATURE_FLAGS_FILE",
        "the release line has its own",
    ),
    ("RABBITMQ_FORCE_BOOT", "there is one node"),
    ("RABBITMQ_HOME", "it is one program"),
    (
        "RABBITMQ_IO_THREAD_POOL_SIZE",
        "there is no Erlang machine to tune",
    ),
    (
        "RABBITMQ_MAX_NUMBER_OF_ATOMS",
        "there is no Erlang machine to tune",
    ),
    (
        "RABBITMQ_MAX_NUMBER_OF_PROCESSES",
        "there is no Erlang machine to tune",
    ),
    ("RABBITMQ_MNESIA_BASE", "nothing is kept on disk"),
    ("RABBITMQ_MNESIA_DIR", "nothing is kept on disk"),
    ("RABBITMQ_MOTD_FILE", "there is no banner"),
    ("RABBITMQ_PLUGINS_DIR", "plugins are built in"),
    ("RABBITMQ_QUORUM_DIR", "nothing is kept on disk"),
    (
        "RABBITMQ_SCHEDULER_BIND_TYPE",
        "there is no Erlang machine to tune",
    ),
    ("RABBITMQ_SECURE_PASSWORD", "there is one password"),
    ("RABBITMQ_STREAM_DIR", "nothing is kept on disk"),
    ("RABBITMQ_USE_LONGNAME", "RABBITMQ_NODENAME says it"),
];

/// All variables, with those of the file.
#[derive(Debug, Default)]
pub struct Environment {
    variables: BTreeMap<String, String>,
    from_file: BTreeMap<String, Place>,
}

impl Environment {
    /// From the process's, and the file they name.
    pub fn read(process: BTreeMap<String, String>, warnings: &mut Vec<String>) -> Self {
        let mut all = Self {
            variables: process,
            ..Self::default()
        };
        let named = all.get("RABBITMQ_CONF_ENV_FILE");
        let path = named.clone().unwrap_or_else(|| ENV_FILE.to_owned());
        match files::read_text(Path::new(&path)) {
            Ok(text) => all.add_file(Path::new(&path), text, warnings),
            Err(error) if named.is_some() => warnings.push(format!("Cannot read {path}: {error}")),
            Err(_) => {}
        }
        all
    }

    /// A variable that is set, and not to nothing.
    pub fn get(&self, name: &str) -> Option<String> {
        self.variables
            .get(name)
            .filter(|value| !value.is_empty())
            .cloned()
    }

    /// Where a variable was set.
    pub fn origin(&self, name: &str) -> Origin {
        match self.from_file.get(name) {
            Some(place) => Origin::File {
                key: place.clone(),
                value: place.clone(),
            },
            None => Origin::Environment(name.to_owned()),
        }
    }

    /// Plain assignments only: it is a shell script for RabbitMQ, and would have to be run.
    fn add_file(&mut self, path: &Path, text: String, warnings: &mut Vec<String>) {
        let source = Arc::new(SourceText {
            path: path.into(),
            text,
        });
        let mut at = 0;
        for line in source.text.split_inclusive('\n') {
            let place = Place::new(&source, at..at + line.trim_end().len());
            at += line.len();
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match assignment(line) {
                Some((name, value)) => {
                    let name = match name.starts_with(PREFIX) {
                        true => name.to_owned(),
                        false => format!("{PREFIX}{name}"),
                    };
                    if !self.variables.contains_key(&name) {
                        self.from_file.insert(name.clone(), place);
                        self.variables.insert(name, value);
                    }
                }
                None => warnings.push(format!(
                    "{place}: only NAME=VALUE is understood here; this line is left out: {line}"
                )),
            }
        }
    }
}

/// `NAME=value` with or without quotes and `export`, and nothing a shell would have to work out.
fn assignment(line: &str) -> Option<(&str, String)> {
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let (name, value) = line.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    if let Some(quoted) = value.strip_prefix('\'') {
        let (inner, rest) = quoted.split_once('\'')?;
        return is_end(rest).then(|| (name, inner.to_owned()));
    }
    let (inner, rest) = match value.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"')?,
        None => value.split_at(value.find(char::is_whitespace).unwrap_or(value.len())),
    };
    let is_plain = !inner.contains(['$', '`', '\\', ';', '\'']);
    (is_plain && is_end(rest)).then(|| (name, inner.to_owned()))
}

fn is_end(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

/// Write down what the variables set.
pub fn apply(all: &Environment, written: &mut Written, warnings: &mut Vec<String>) {
    for (name, key) in SETTINGS {
        let Some(value) = all.get(name) else { continue };
        let value = match name.strip_suffix("_FILE") {
            // The file with the definitions is meant itself.
            Some(_) if key != "load_definitions" => match files::read_text(Path::new(&value)) {
                Ok(text) => text.trim_end_matches(['\n', '\r']).to_owned(),
                Err(error) => {
                    warnings.push(format!("{name}: cannot read {value}: {error}"));
                    continue;
                }
            },
            Some(_) if !is_yes(all.get("RABBITMQ_LOAD_DEFINITIONS")) => continue,
            _ => value,
        };
        written.set(key, value, all.origin(name));
    }
    let port = all.get("RABBITMQ_MANAGEMENT_PORT_NUMBER");
    if let Some(port) = port {
        let origin = all.origin("RABBITMQ_MANAGEMENT_PORT_NUMBER");
        written.set("management.tcp.port", port, origin);
    }
    apply_tls(all, written);
    apply_watermark(all, written);
    apply_log(all, written, warnings);
}

fn is_yes(value: Option<String>) -> bool {
    value.is_some_and(|value| matches!(value.to_ascii_lowercase().as_str(), "yes" | "true" | "1"))
}

/// Of the image of old: what `ssl_options` are, and where TLS is spoken when there is a certificate.
fn apply_tls(all: &Environment, written: &mut Written) {
    for (prefix, keys) in [
        ("SSL_", "ssl_options"),
        ("MANAGEMENT_SSL_", "management.ssl"),
    ] {
        for option in [
            "cacertfile",
            "certfile",
            "keyfile",
            "depth",
            "verify",
            "fail_if_no_peer_cert",
        ] {
            let name = format!("{PREFIX}{prefix}{}", option.to_ascii_uppercase());
            let Some(value) = all.get(&name) else {
                continue;
            };
            if option == "cacertfile" {
                written.set(&format!("{keys}.verify"), "verify_peer", all.origin(&name));
            }
            written.set(&format!("{keys}.{option}"), value, all.origin(&name));
        }
    }
    let name = "RABBITMQ_SSL_CERTFILE";
    if all.get(name).is_some()
        && !written
            .iter()
            .any(|one| one.name().starts_with("listeners.ssl"))
    {
        written.set("listeners.ssl.default", "5671", all.origin(name));
    }
    let name = "RABBITMQ_MANAGEMENT_SSL_CERTFILE";
    if all.get(name).is_some() && written.origin("management.ssl.port").is_none() {
        written.set("management.ssl.port", "15671", all.origin(name));
    }
}

/// Of the image of old: a share, a percentage or an amount.
fn apply_watermark(all: &Environment, written: &mut Written) {
    let name = "RABBITMQ_VM_MEMORY_HIGH_WATERMARK";
    let Some(value) = all.get(name) else { return };
    let percent = value
        .strip_suffix('%')
        .and_then(|number| number.parse::<f64>().ok());
    let (key, text) = match percent {
        Some(percent) => ("relative", format!("{:?}", percent / 100.0)),
        None if value.contains('.') => ("relative", value),
        None => ("absolute", value),
    };
    written.clear("vm_memory_high_watermark");
    written.set(
        &format!("vm_memory_high_watermark.{key}"),
        text,
        all.origin(name),
    );
}

/// `RABBITMQ_LOGS` is where to, `RABBITMQ_LOG` how much and in which form.
fn apply_log(all: &Environment, written: &mut Written, warnings: &mut Vec<String>) {
    if let Some(target) = all.get("RABBITMQ_LOGS") {
        let origin = all.origin("RABBITMQ_LOGS");
        match target.as_str() {
            "-" | "-stdout" | "-stderr" => {
                let stdio = if target == "-stderr" {
                    "stderr"
                } else {
                    "stdout"
                };
                written.set("log.console", "true", origin.clone());
                written.set("log.console.stdio", stdio, origin);
            }
            _ => written.set("log.file", target, origin),
        }
    }
    let wishes = all.get("RABBITMQ_LOG").unwrap_or_default();
    for wish in wishes.split(',').filter(|wish| !wish.is_empty()) {
        let origin = all.origin("RABBITMQ_LOG");
        match wish.split_once('=') {
            Some((category, level)) => written.set(&format!("log.{category}.level"), level, origin),
            None if wish == "+color" || wish == "-color" => {
                let value = if wish == "+color" { "on" } else { "off" };
                written.set("log.console.use_colors", value, origin);
            }
            None if wish == "+json" || wish == "-json" => {
                let value = if wish == "+json" { "json" } else { "plaintext" };
                written.set("log.console.formatter", value, origin.clone());
                written.set("log.file.formatter", value, origin);
            }
            None if wish.starts_with(['+', '-']) => {
                warnings.push(format!("RABBITMQ_LOG: '{wish}' has no meaning here"));
            }
            None => written.set("log.default.level", wish, origin),
        }
    }
}

/// What of the node itself is set by variables only.
pub fn apply_node(all: &Environment, config: &mut Config, warnings: &mut Vec<String>) {
    let names = ["RABBITMQ_NODENAME", "RABBITMQ_NODE_NAME"];
    config.node_name = names.iter().find_map(|name| all.get(name));
    let ports = ["RABBITMQ_NODE_PORT", "RABBITMQ_NODE_PORT_NUMBER"];
    if let Some((name, text)) = ports.iter().find_map(|name| Some((name, all.get(name)?))) {
        match text.parse() {
            Ok(port) => config.node_port = port,
            Err(_) => warnings.push(format!("{name}: '{text}' is no port number")),
        }
    }
    if let Some(text) = all
        .get("RABBITMQ_NODE_IP_ADDRESS")
        .filter(|text| text != "auto")
    {
        match text.parse() {
            Ok(ip) => config.node_ip = Some(ip),
            Err(_) => warnings.push(format!(
                "RABBITMQ_NODE_IP_ADDRESS: '{text}' is no IP address"
            )),
        }
    }
    config.pid_file = all.get("RABBITMQ_PID_FILE").map(Into::into);
    config.keeps_pid_file = is_yes(all.get("RABBITMQ_KEEP_PID_FILE_ON_EXIT"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment {
            variables: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Environment::default()
        }
    }

    fn written(pairs: &[(&str, &str)]) -> Vec<String> {
        let mut written = Written::default();
        apply(&environment(pairs), &mut written, &mut Vec::new());
        let line = |setting: &super::super::written::Setting| {
            format!("{} = {}", setting.name(), setting.text)
        };
        written.iter().map(line).collect()
    }

    #[test]
    fn a_file_has_plain_assignments_only() {
        let mut all = environment(&[("RABBITMQ_NODE_PORT", "1")]);
        let mut warnings = Vec::new();
        let text = "# c\nNODENAME=rabbit@x\nexport LOGS='-' # c\nNODE_PORT=2\nRABBITMQ_LOG=\"debug\"\n\
                    MNESIA_BASE=$HOME/x\nif true; then\n";
        all.add_file(Path::new("e"), text.to_owned(), &mut warnings);
        assert_eq!(all.get("RABBITMQ_NODENAME").as_deref(), Some("rabbit@x"));
        assert_eq!(all.get("RABBITMQ_LOGS").as_deref(), Some("-"));
        assert_eq!(all.get("RABBITMQ_NODE_PORT").as_deref(), Some("1"));
        assert_eq!(all.get("RABBITMQ_LOG").as_deref(), Some("debug"));
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].starts_with("e:6: "), "{warnings:?}");
        assert_eq!(all.origin("RABBITMQ_NODENAME").to_string(), "e:2");
        assert_eq!(
            all.origin("RABBITMQ_NODE_PORT").to_string(),
            "$RABBITMQ_NODE_PORT"
        );
    }

    #[test]
    fn the_servers_own_names_win_over_bitnamis() {
        let pairs = [("RABBITMQ_USERNAME", "a"), ("RABBITMQ_DEFAULT_USER", "b")];
        assert_eq!(written(&pairs), ["default_user = b"]);
        let pairs = [
            ("RABBITMQ_LOAD_DEFINITIONS", "yes"),
            ("RABBITMQ_DEFINITIONS_FILE", "/d.json"),
        ];
        assert_eq!(written(&pairs), ["load_definitions = /d.json"]);
        assert!(written(&pairs[1..]).is_empty());
    }

    #[test]
    fn logs_go_where_variables_say() {
        let pairs = [
            ("RABBITMQ_LOGS", "-"),
            ("RABBITMQ_LOG", "debug,connection=error,+json,-color"),
        ];
        assert_eq!(
            written(&pairs),
            [
                "log.console = true",
                "log.console.stdio = stdout",
                "log.default.level = debug",
                "log.connection.level = error",
                "log.console.formatter = json",
                "log.file.formatter = json",
                "log.console.use_colors = off",
            ]
        );
    }

    #[test]
    fn the_watermark_of_old_images_is_understood() {
        for (text, want) in [
            ("0.4", "relative = 0.4"),
            ("40%", "relative = 0.4"),
            ("512MB", "absolute = 512MB"),
        ] {
            let written = written(&[("RABBITMQ_VM_MEMORY_HIGH_WATERMARK", text)]);
            assert_eq!(written, [format!("vm_memory_high_watermark.{want}")]);
        }
    }
}
