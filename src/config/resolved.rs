//! [`Config`]: what the settings mean, whoever wrote them.

use std::net::IpAddr;
use std::path::PathBuf;

use super::auth::Auth;
use super::tls::{Tls, TlsOptions};
use crate::broker::queue::QueueKind;
use crate::broker::settings::Settings;
use crate::log::Level;

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// What the model is told.
    pub broker: Settings,
    /// Where AMQP is listened for, by name; `None` is the node's port and address.
    pub listeners: Option<Vec<(String, Listener)>>,
    /// Port where no listener says it.
    pub node_port: u16,
    /// Address where no listener says it; `None` are all.
    pub node_ip: Option<IpAddr>,
    /// AMQP over TLS.
    pub tls: Tls,
    /// Who is asked who users are.
    pub auth: Auth,
    /// In front of AMQP comes the PROXY protocol's header.
    pub proxy_protocol: bool,
    /// `rabbit@host`; `None` is made from the machine's name.
    pub node_name: Option<String>,
    /// Most connections; `None` is no limit.
    pub connection_max: Option<u64>,
    /// How long deliveries may be out; `None` is for ever.
    pub consumer_timeout_ms: Option<u64>,
    /// What a queue is that does not say.
    pub default_queue_type: QueueKind,
    /// Memory before publishers are paused; `None` is what the release line has.
    pub memory: Option<Memory>,
    /// What is created at the start.
    pub definitions: Definitions,
    /// The management API.
    pub management: Management,
    /// Metrics for Prometheus.
    pub prometheus: Prometheus,
    /// The log.
    pub log: Log,
    /// Where the process id is written.
    pub pid_file: Option<PathBuf>,
    /// Whether it stays when the broker ends.
    pub keeps_pid_file: bool,
    /// Plugins that were named; `None` are the usual ones.
    pub plugins: Option<Vec<String>>,
}

/// Where to listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// `None` are all addresses.
    pub ip: Option<IpAddr>,
    /// 0 is a free one.
    pub port: u16,
}

/// How much memory may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Memory {
    /// A share of the machine's.
    Fraction(f64),
    /// So many bytes.
    Bytes(u64),
}

/// What is created at the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions {
    /// A file, or a directory of files.
    pub path: Option<PathBuf>,
    /// Not again when it is the same.
    pub skip_if_unchanged: bool,
}

/// The management API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Management {
    /// Where it listens.
    pub listener: Listener,
    /// Somebody wants it without TLS: the port was set.
    pub has_plain: bool,
    /// Over TLS.
    pub tls: Option<HttpTls>,
    /// [`Management::listener`] is over TLS (`management.listener.ssl`), with these options or AMQP's.
    pub listener_tls: Option<bool>,
    /// See there.
    pub listener_tls_options: TlsOptions,
    /// A path below which everything is.
    pub path_prefix: String,
    /// Operator policies cannot be changed over HTTP.
    pub locks_operator_policies: bool,
    /// Largest body of a request; `None` is RabbitMQ's.
    pub body_bytes_max: Option<usize>,
    /// Headers of all answers.
    pub headers: Vec<(&'static str, String)>,
    /// What pages of the API may load, where RabbitMQ's does not do.
    pub csp: Option<String>,
    /// Pages of other sites that may ask.
    pub cors_origins: Vec<String>,
    /// Seconds that browsers may remember that.
    pub cors_max_age: u64,
}

/// HTTP over TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpTls {
    /// `None` are all addresses.
    pub ip: Option<IpAddr>,
    /// `None` is the usual one.
    pub port: Option<u16>,
    /// How; without a certificate AMQP's.
    pub options: TlsOptions,
}

/// Metrics for Prometheus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prometheus {
    /// `None` are all addresses.
    pub ip: Option<IpAddr>,
    /// `None` is the usual one, if it is free.
    pub port: Option<u16>,
    /// In place of `/metrics`.
    pub path: Option<String>,
    /// Only for users that may see the whole node.
    pub authenticates: bool,
    /// By single objects, without being asked.
    pub by_object: bool,
    /// Over TLS, beside that.
    pub tls: Option<HttpTls>,
    /// Only over TLS, if over TLS (`prometheus.tcp.listener = none`).
    pub is_tls_only: bool,
}

/// The log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// On the terminal; `None`: on standard error, as nobody said otherwise.
    pub console: Option<bool>,
    /// Standard output, where it is on the terminal because somebody said so.
    pub console_stdout: Option<bool>,
    /// From which level.
    pub console_level: Level,
    /// As JSON.
    pub console_json: bool,
    /// With colours; `None` where the terminal has them.
    pub colors: Option<bool>,
    /// In this file.
    pub file: Option<PathBuf>,
    /// Files without a directory go here.
    pub dir: Option<PathBuf>,
    /// From which level.
    pub file_level: Level,
    /// As JSON.
    pub file_json: bool,
    /// To the exchange `amq.rabbitmq.log`.
    pub exchange: bool,
    /// From which level.
    pub exchange_level: Level,
    /// Of a category, where it has one.
    pub categories: Vec<(String, Level)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            broker: Settings::default(),
            listeners: None,
            node_port: 5672,
            node_ip: None,
            tls: Tls::default(),
            auth: Auth::default(),
            proxy_protocol: false,
            node_name: None,
            connection_max: None,
            consumer_timeout_ms: Some(1_800_000),
            default_queue_type: QueueKind::default(),
            memory: None,
            definitions: Definitions::default(),
            management: Management::default(),
            prometheus: Prometheus::default(),
            log: Log::default(),
            pid_file: None,
            keeps_pid_file: false,
            plugins: None,
        }
    }
}

impl Default for Management {
    fn default() -> Self {
        Self {
            listener: Listener {
                ip: None,
                port: 15_672,
            },
            has_plain: false,
            tls: None,
            listener_tls: None,
            listener_tls_options: TlsOptions::default(),
            path_prefix: String::new(),
            locks_operator_policies: false,
            body_bytes_max: None,
            headers: Vec::new(),
            csp: None,
            cors_origins: Vec::new(),
            cors_max_age: 1800,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            console: None,
            console_stdout: None,
            console_level: Level::Debug,
            console_json: false,
            colors: None,
            file: None,
            dir: None,
            file_level: Level::Debug,
            file_json: false,
            exchange: false,
            exchange_level: Level::Debug,
            categories: Vec::new(),
        }
    }
}

impl Config {
    /// Where AMQP is listened for.
    pub fn amqp_listeners(&self) -> Vec<Listener> {
        let usual = Listener {
            ip: self.node_ip,
            port: self.node_port,
        };
        match &self.listeners {
            Some(named) => named.iter().map(|(_, listener)| *listener).collect(),
            None => vec![usual],
        }
    }
}

/// Where RabbitMQ serves its API over TLS.
const MANAGEMENT_TLS_PORT: u16 = 15_671;
/// Where its metrics without and with TLS.
const PROMETHEUS_PORT: u16 = 15_692;
const PROMETHEUS_TLS_PORT: u16 = 15_691;

impl HttpTls {
    /// Where, and how; `amqp` is for what has no certificate of its own.
    fn resolved(&self, usual_port: u16, amqp: &TlsOptions) -> (Listener, TlsOptions) {
        let listener = Listener {
            ip: self.ip,
            port: self.port.unwrap_or(usual_port),
        };
        (listener, or_amqp(&self.options, amqp))
    }
}

fn or_amqp(options: &TlsOptions, amqp: &TlsOptions) -> TlsOptions {
    match options.certfile {
        Some(_) => options.clone(),
        None => amqp.clone(),
    }
}

impl Management {
    /// Where it is spoken over TLS and how, if at all; `amqp` is for what has no certificate of its
    /// own.
    pub fn encrypted(&self, amqp: &TlsOptions) -> Option<(Listener, TlsOptions)> {
        if self.listener_tls == Some(true) {
            return Some((self.listener, or_amqp(&self.listener_tls_options, amqp)));
        }
        let tls = self.tls.as_ref()?;
        Some(tls.resolved(MANAGEMENT_TLS_PORT, amqp))
    }

    /// Where it is spoken without; `None` is nowhere, as who wants TLS alone does not say a port.
    pub fn plain(&self) -> Option<Listener> {
        let is_tls_only =
            self.listener_tls == Some(true) || (self.tls.is_some() && !self.has_plain);
        (!is_tls_only).then_some(self.listener)
    }
}

impl Prometheus {
    /// Where they are served over TLS and how, if at all.
    pub fn encrypted(&self, amqp: &TlsOptions) -> Option<(Listener, TlsOptions)> {
        let tls = self.tls.as_ref()?;
        Some(tls.resolved(PROMETHEUS_TLS_PORT, amqp))
    }

    /// Where without. Unlike the management API they are there besides, unless that is denied.
    pub fn plain(&self) -> Option<Listener> {
        let is_off = self.is_tls_only && self.tls.is_some();
        (!is_off).then_some(Listener {
            ip: self.ip,
            port: self.port.unwrap_or(PROMETHEUS_PORT),
        })
    }
}

impl Log {
    /// The file of a node's log. A directory alone means the usual name in it.
    pub fn path(&self, node: &str) -> Option<PathBuf> {
        let name = match (&self.file, &self.dir) {
            (Some(file), _) => file.clone(),
            (None, Some(_)) => PathBuf::from(format!("{node}.log")),
            (None, None) => return None,
        };
        Some(match &self.dir {
            Some(dir) => dir.join(name),
            None => name,
        })
    }

    /// Whether the terminal's lines go to standard output. Without a word from anybody they go to
    /// standard error.
    pub fn is_on_stdout(&self) -> bool {
        self.console_stdout.unwrap_or(self.console == Some(true))
    }

    /// Where it goes, in RabbitMQ's words and order.
    pub fn places(&self, node: &str, vhost: &str) -> Vec<String> {
        let file = self.path(node).map(|path| path.display().to_string());
        let console = (self.console != Some(false)).then(|| match self.is_on_stdout() {
            true => "<stdout>".to_owned(),
            false => "<stderr>".to_owned(),
        });
        let exchange = self.exchange.then(|| {
            format!("exchange:{{resource,<<\"{vhost}\">>,exchange,<<\"amq.rabbitmq.log\">>}}")
        });
        file.into_iter().chain(console).chain(exchange).collect()
    }

    /// The level of a category.
    pub fn level_of(&self, category: &str) -> Level {
        let named = |name: &str| {
            let found = self.categories.iter().find(|(own, _)| own == name);
            found.map(|(_, level)| *level)
        };
        named(category)
            .or_else(|| named("default"))
            .unwrap_or(Level::Info)
    }
}
