//! Options of `leveret serve`, and the settings they stand for.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, Parser};

use super::memory::Limit;
use super::tls::TlsFlags;
use crate::broker::queue::QueueKind;
use crate::broker::settings::AnyCredentials;
use crate::config::place::Fault;
use crate::config::written::Origin;
use crate::config::{self, Config, Loaded, Sources};
use crate::log::Level;

/// An in-memory AMQP 0-9-1 broker, in place of rabbitmq-server for development and tests.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "leveret",
    version,
    after_help = "Settings come from /etc/rabbitmq/rabbitmq.conf, conf.d and advanced.config too, and from RabbitMQ's \
                  variables;\n`leveret config effective` shows each with where it came from.\n\n\
                  Also:\n  leveret ctl COMMAND        what rabbitmqctl does (leveret ctl help)\n  \
                  leveret install-links DIR  link rabbitmqctl, rabbitmq-server … to this binary"
)]
pub(super) struct ServeOptions {
    /// Settings file in place of those in /etc/rabbitmq
    #[arg(long, value_name = "FILE", env = "LEVERET_CONFIG")]
    config: Option<PathBuf>,
    /// Port for AMQP clients; 0 picks a free one (default: 5672)
    #[arg(long, value_name = "PORT", env = "LEVERET_PORT")]
    port: Option<u16>,
    /// Port of the management API; 0 picks a free one (default: 15672)
    #[arg(long, value_name = "PORT", env = "LEVERET_MANAGEMENT_PORT")]
    management_port: Option<u16>,
    /// Port of the metrics for Prometheus; 0 picks a free one (default: 15692, if it is free)
    #[arg(long, value_name = "PORT", env = "LEVERET_PROMETHEUS_PORT")]
    prometheus_port: Option<u16>,
    /// Address to listen on (default: all, IPv4 and IPv6)
    #[arg(long, value_name = "IP", env = "LEVERET_HOST")]
    host: Option<IpAddr>,
    /// Release line to behave as: 3.10, 4.0 or 4.3
    #[arg(
        long,
        default_value = "4.3",
        value_name = "LINE",
        env = "LEVERET_COMPAT"
    )]
    pub(super) compat: String,
    /// Deny the deprecated features that the line denies as released
    #[arg(long)]
    pub(super) strict: bool,
    /// Memory that may be used before publishers are paused: a share of the machine's (0.6) or an
    /// amount (512MB)
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse, env = "LEVERET_MEMORY_LIMIT")]
    memory_limit: Option<Limit>,
    /// Milliseconds that a delivery may be out unacknowledged; 0 is for ever (default: half an
    /// hour)
    #[arg(long, value_name = "MS", env = "LEVERET_CONSUMER_TIMEOUT")]
    consumer_timeout: Option<u64>,
    /// Name of the node, as tools know it (default: rabbit@HOSTNAME)
    #[arg(long, value_name = "NAME")]
    node: Option<String>,
    /// What a queue is that does not say: classic, quorum or stream (default: classic)
    #[arg(
        long,
        value_name = "TYPE",
        value_parser = queue_kind,
        env = "LEVERET_DEFAULT_QUEUE_TYPE"
    )]
    default_queue_type: Option<QueueKind>,
    /// Refuse clients beyond this many (default: no limit)
    #[arg(long, value_name = "N", env = "LEVERET_CONNECTION_MAX")]
    connection_max: Option<u64>,
    /// What to log: error, warning, info or debug
    #[arg(long, value_name = "LEVEL", value_parser = level, env = "LEVERET_LOG")]
    log_level: Option<Level>,
    /// Have the exchange amq.rabbitmq.event, which tells what is made, changed and deleted
    #[arg(long, env = "LEVERET_EVENT_EXCHANGE")]
    pub(super) event_exchange: bool,
    /// Have the exchange amq.rabbitmq.log, which gets every line of the log
    #[arg(long, env = "LEVERET_LOG_EXCHANGE")]
    log_exchange: bool,
    /// Begin with these definitions: a file, or all *.json of a directory
    #[arg(long, value_name = "PATH", env = "LEVERET_DEFINITIONS")]
    definitions: Option<PathBuf>,
    /// Do not import the same definitions twice
    #[arg(long, env = "LEVERET_DEFINITIONS_SKIP_IF_UNCHANGED")]
    definitions_skip_if_unchanged: bool,
    /// Write the ports as JSON to this file when ready
    #[arg(long, value_name = "FILE")]
    pub(super) ports_file: Option<PathBuf>,
    /// Write the process id to this file
    #[arg(long, value_name = "FILE")]
    pid_file: Option<PathBuf>,
    /// Write a line to this descriptor when ready
    #[arg(long, value_name = "FD")]
    pub(super) ready_fd: Option<u32>,
    /// Stop when the process that started this one is gone
    #[arg(long)]
    pub(super) exit_with_parent: bool,
    /// Let anybody in, whatever the name and password: who is new is an administrator. From this
    /// machine only, unless it says `everywhere`. For development
    #[arg(
        long,
        value_name = "FROM",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "local",
        value_parser = any_credentials,
        env = "LEVERET_ANY_CREDENTIALS"
    )]
    any_credentials: Option<AnyCredentials>,
    /// Make all that is random repeatable
    #[arg(long, value_name = "N")]
    pub(super) seed: Option<u64>,
    #[command(flatten)]
    pub(super) tls: TlsFlags,
    /// Expect the PROXY protocol of a load balancer in front of AMQP connections
    #[arg(long, env = "LEVERET_PROXY_PROTOCOL")]
    proxy_protocol: bool,
}

fn queue_kind(name: &str) -> Result<QueueKind, String> {
    QueueKind::from_name(name).ok_or_else(|| "there are classic, quorum and stream".to_owned())
}

fn any_credentials(from: &str) -> Result<AnyCredentials, String> {
    match from {
        "local" | "true" | "1" => Ok(AnyCredentials::Local),
        "everywhere" => Ok(AnyCredentials::Everywhere),
        "" | "false" | "0" => Ok(AnyCredentials::Off),
        _ => Err("there are local and everywhere".to_owned()),
    }
}

fn level(name: &str) -> Result<Level, String> {
    Level::named(name).ok_or_else(|| "there are debug, info, warning, error and none".to_owned())
}

/// Options as they were given, and by which way.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) options: ServeOptions,
    matches: ArgMatches,
}

impl Given {
    /// From the words of a command line.
    pub(super) fn parse(arguments: &[String]) -> Result<Self, clap::Error> {
        let line = std::iter::once("leveret serve").chain(arguments.iter().map(String::as_str));
        let matches = ServeOptions::command().try_get_matches_from(line)?;
        let options = ServeOptions::from_arg_matches(&matches)?;
        Ok(Self { options, matches })
    }

    /// How an option was given: by its name, or by a variable.
    fn by(&self, id: &str) -> String {
        match self.matches.value_source(id) {
            Some(ValueSource::EnvVariable) => format!("$LEVERET_{}", id.to_ascii_uppercase()),
            _ => format!("--{}", id.replace('_', "-")),
        }
    }

    /// All settings, with these options on top.
    pub(super) fn load(&self) -> Result<Loaded, Vec<Fault>> {
        let mut loaded = config::load(Sources {
            environment: config::process_variables(),
            file: self.options.config.clone(),
            options: self.settings(),
        })?;
        self.add_node(&mut loaded);
        Ok(loaded)
    }

    /// Options that are settings by another name.
    fn settings(&self) -> Vec<(String, String, String)> {
        let given = &self.options;
        let text = |value: &dyn ToString| Some(value.to_string());
        let log_exchange = given.log_exchange.then(|| "true".to_owned());
        let timeout = given.consumer_timeout.map(|ms| match ms {
            // For ever has no number in RabbitMQ's settings.
            0 => u64::MAX.to_string(),
            ms => ms.to_string(),
        });
        let all = [
            (
                "management.tcp.port",
                "management_port",
                given.management_port.as_ref().and_then(|port| text(port)),
            ),
            (
                "management.tcp.ip",
                "host",
                given.host.as_ref().and_then(|ip| text(ip)),
            ),
            (
                "prometheus.tcp.ip",
                "host",
                given.host.as_ref().and_then(|ip| text(ip)),
            ),
            (
                "prometheus.tcp.port",
                "prometheus_port",
                given.prometheus_port.as_ref().and_then(|port| text(port)),
            ),
            ("consumer_timeout", "consumer_timeout", timeout),
            (
                "default_queue_type",
                "default_queue_type",
                given
                    .default_queue_type
                    .map(|kind| kind.as_str().to_owned()),
            ),
            (
                "connection_max",
                "connection_max",
                given.connection_max.as_ref().and_then(|max| text(max)),
            ),
            (
                "log.default.level",
                "log_level",
                given.log_level.as_ref().and_then(|level| text(level)),
            ),
            ("log.exchange", "log_exchange", log_exchange),
        ];
        let proxy = given.proxy_protocol.then(|| "true".to_owned());
        let mut settings: Vec<_> = all
            .into_iter()
            .chain(given.tls.settings(given.host))
            .chain([("proxy_protocol", "proxy_protocol", proxy)])
            .filter_map(|(key, id, value)| Some((key.to_owned(), value?, self.by(id))))
            .collect();
        if let Some(limit) = given.memory_limit {
            let (kind, value) = match limit {
                Limit::Fraction(share) => ("relative", format!("{share:?}")),
                Limit::Bytes(bytes) => ("absolute", bytes.to_string()),
            };
            let key = format!("vm_memory_high_watermark.{kind}");
            settings.push((key, value, self.by("memory_limit")));
        }
        settings
    }

    /// What is no setting of RabbitMQ's file.
    fn add_node(&self, loaded: &mut Loaded) {
        let given = &self.options;
        given.tls.add_listeners(loaded);
        if let Some(host) = given.host {
            let Config {
                management,
                prometheus,
                ..
            } = &mut loaded.config;
            let both = management.tls.iter_mut().chain(&mut prometheus.tls);
            for https in both {
                https.ip.get_or_insert(host);
            }
        }
        if given.port.is_some() || given.host.is_some() {
            let id = if given.port.is_some() { "port" } else { "host" };
            loaded.listen(given.host, given.port, &Origin::Flag(self.by(id)));
        }
        if let Some(any) = given.any_credentials {
            loaded.config.broker.any_credentials = any;
        }
        if let Some(node) = &given.node {
            loaded.config.node_name = Some(node.clone());
            let origin = Origin::Flag(self.by("node"));
            loaded.written.set("RABBITMQ_NODENAME", node, origin);
        }
        if let Some(path) = &given.definitions {
            loaded.config.definitions.path = Some(path.clone());
            let origin = Origin::Flag(self.by("definitions"));
            let text = path.display().to_string();
            loaded.written.set("load_definitions", text, origin);
        }
        if given.definitions_skip_if_unchanged {
            loaded.config.definitions.skip_if_unchanged = true;
            let origin = Origin::Flag(self.by("definitions_skip_if_unchanged"));
            loaded
                .written
                .set("definitions.skip_if_unchanged", "true", origin);
        }
        if let Some(path) = &given.pid_file {
            loaded.config.pid_file = Some(path.clone());
            let origin = Origin::Flag(self.by("pid_file"));
            let text = path.display().to_string();
            loaded.written.set("RABBITMQ_PID_FILE", text, origin);
        }
    }
}
