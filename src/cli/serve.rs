//! `leveret`: run the broker in the foreground.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::logging::{self, Begun};
use super::options::{Given, ServeOptions};
use super::output::{print, print_error};
use super::runtime_file::{self, RuntimeFile};
use super::startup::{self, PidFile};
use super::web::Web;
use crate::broker::alarm::MemoryLimit;
use crate::broker::compat::Compat;
use crate::broker::event_exchange::SystemExchanges;
use crate::broker::settings::AnyCredentials;
use crate::config::place::Fault;
use crate::config::{Config, Listener, Loaded, Memory};
use crate::management::{Api, Cors, PathPrefix};
use crate::server::{Builder, Definitions, Server, Shared, memory};

/// Serve until stopped.
pub(super) fn run(given: &Given) -> ExitCode {
    let begun = Instant::now();
    let options = &given.options;
    let Some(compat) = Compat::named(&options.compat, options.strict) else {
        print_error(&format!(
            "no release line '{}': there are 3.10, 4.0 and 4.3\n",
            options.compat
        ));
        return ExitCode::from(64);
    };
    let loaded = match given.load() {
        Ok(loaded) => Arc::new(loaded),
        Err(faults) => return fail(&faults),
    };
    let start = Start {
        options,
        node: node_name(&loaded.config),
        parent: startup::parent(),
        loaded: &loaded,
        begun,
    };
    let served = runtime().and_then(|runtime| runtime.block_on(start.serve(compat)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// As RabbitMQ ends that cannot read its settings.
fn fail(faults: &[Fault]) -> ExitCode {
    let mut text = "BOOT FAILED\n===========\n".to_owned();
    for fault in faults {
        text += &format!("{fault}\n");
    }
    print_error(&text);
    ExitCode::FAILURE
}

fn node_name(config: &Config) -> String {
    runtime_file::full_node_name(config.node_name.as_deref().unwrap_or("rabbit"))
}

/// One thread serves all connections: no task switch ever crosses to another, which costs the least per
/// message. The API has a thread of its own.
fn runtime() -> io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

/// Where HTTP is spoken, for others to know.
struct Ports {
    management: Option<SocketAddr>,
    https: Option<SocketAddr>,
    prometheus: Option<SocketAddr>,
    prometheus_tls: Option<SocketAddr>,
}

/// A start under way.
struct Start<'a> {
    options: &'a ServeOptions,
    loaded: &'a Arc<Loaded>,
    node: String,
    parent: u32,
    begun: Instant,
}

impl Start<'_> {
    async fn serve(&self, compat: Compat) -> io::Result<()> {
        let config = &self.loaded.config;
        let log = logging::begin(&config.log, &self.node)?;
        for warning in &self.loaded.warnings {
            tracing::warn!("{warning}");
        }
        self.warn_of_open_doors();
        let mut builder = self.builder(compat);
        if let Some(path) = &config.definitions.path {
            builder = builder.definitions(Definitions::read(path)?);
        }
        let tls = self.options.tls.resolve(config, &self.node)?;
        let server = tls.listen(builder).start()?;
        let mut web = Web::bind(config.management.plain(), &config.prometheus)?;
        tls.encrypt(&mut web)?;
        let http_address = web.management()?;
        let ports = Ports {
            management: web.public(),
            https: web.encrypted(),
            prometheus: web.prometheus(),
            prometheus_tls: web.encrypted_prometheus(),
        };
        let shared = Arc::clone(server.shared());
        let token = runtime_file::new_token()?;
        let api = api(&server, &web, &token, self.loaded, log).with_tls(tls.options.clone());
        let serving = web.serve(api, &shared)?;
        let pid_file = config.pid_file.as_deref();
        let _pid_file = pid_file
            .map(|path| PidFile::write(path, config.keeps_pid_file))
            .transpose()?;
        let file = RuntimeFile {
            node: self.node.clone(),
            pid: std::process::id(),
            host: "127.0.0.1".to_owned(),
            amqp_port: server.port(),
            management_port: http_address.port(),
            path_prefix: path_prefix(config).before(""),
            token,
        };
        // Without the file only the command line's way in is missing.
        let guard = runtime_file::write(&file)
            .inspect_err(|error| tracing::warn!(%error, "rabbitmqctl will not find this broker"))
            .ok();
        self.announce(&server, &ports)?;
        tls.announce(&server, ports.https);
        self.wait_for_end(&shared).await?;
        // Who does not listen any more need not know.
        let _ = startup::notify("STOPPING=1");
        drop(guard);
        server.stop().await;
        serving.finish().await;
        Ok(())
    }

    fn warn_of_open_doors(&self) {
        let from = match self.loaded.config.broker.any_credentials {
            AnyCredentials::Off => return,
            AnyCredentials::Local => "from this machine",
            AnyCredentials::Everywhere => "FROM EVERYWHERE",
        };
        tracing::warn!(
            "--any-credentials: anybody who comes {from} is let in, with any password, as an \
             administrator. For development only!"
        );
    }

    fn builder(&self, compat: Compat) -> Builder {
        let config = &self.loaded.config;
        let has_plugin = |name: &str| {
            let plugins = config.plugins.as_ref();
            plugins.is_some_and(|plugins| plugins.iter().any(|plugin| plugin == name))
        };
        let builder = Server::builder()
            .memory(memory_limit(config, &compat))
            .consumer_timeout_ms(config.consumer_timeout_ms)
            .compat(compat)
            .settings(config.broker.clone())
            .default_queue_type(config.default_queue_type)
            .node(&self.node)
            .skip_if_unchanged(config.definitions.skip_if_unchanged)
            .system_exchanges(SystemExchanges {
                event: self.options.event_exchange || has_plugin("rabbitmq_event_exchange"),
                log: config.log.exchange,
            })
            .proxy_protocol(config.proxy_protocol)
            .auth(config.auth.clone())
            .listen(
                config
                    .amqp_listeners()
                    .into_iter()
                    .flat_map(addresses)
                    .collect(),
            );
        let builder = match config.connection_max {
            Some(connections) => builder.connection_max(connections),
            None => builder,
        };
        match self.options.seed {
            Some(seed) => builder.seed(seed),
            None => builder,
        }
    }

    /// Tell all who wait that it is ready.
    fn announce(&self, server: &Server, ports: &Ports) -> io::Result<()> {
        let port = |address: Option<SocketAddr>| address.map(|address| address.port());
        let (amqp, management) = (server.port(), port(ports.management));
        let amqps = port(server.tls_addresses().first().copied());
        let ms = self.begun.elapsed().as_secs_f64() * 1000.0;
        self.log_ready(server, ports);
        if let Some(path) = &self.options.ports_file {
            let text = json!({
                "amqp": amqp,
                "management": management.unwrap_or_default(),
                "prometheus": port(ports.prometheus),
                "amqps": amqps,
                "management_tls": port(ports.https),
                "prometheus_tls": port(ports.prometheus_tls),
                "pid": std::process::id(),
            });
            let partial = path.with_extension("partial");
            std::fs::write(&partial, text.to_string())?;
            std::fs::rename(&partial, path)?;
        }
        let version = &server.shared().broker.compat.version;
        let mut text = format!(
            "Leveret {} is ready in {ms:.1} ms, as RabbitMQ {version}\n\n",
            env!("CARGO_PKG_VERSION"),
        );
        if amqp != 0 {
            let url = server.amqp_url().replace("127.0.0.1", "localhost");
            text += &format!("  AMQP        {url}\n");
        }
        if let Some(port) = management {
            let path = path_prefix(&self.loaded.config).before("");
            text += &format!("  management  http://guest:guest@localhost:{port}{path}\n");
        }
        print(&text);
        if let Some(descriptor) = self.options.ready_fd {
            let management = management.unwrap_or_default();
            startup::tell(descriptor, &format!("{amqp} {management}"))?;
        }
        if let Err(error) = startup::notify("READY=1") {
            tracing::warn!(%error, "systemd was not told");
        }
        Ok(())
    }

    /// The lines that test harnesses wait for.
    fn log_ready(&self, server: &Server, ports: &Ports) {
        for address in server.addresses() {
            tracing::info!("started TCP listener on {}", shown(*address));
        }
        for address in server.tls_addresses() {
            tracing::info!("started TLS (SSL) listener on {}", shown(*address));
        }
        let http = "HTTP (non-TLS)";
        for (who, how, at) in [
            ("Prometheus metrics", http, ports.prometheus),
            ("Prometheus metrics", "HTTPS", ports.prometheus_tls),
            ("Management plugin", http, ports.management),
            ("Management plugin", "HTTPS", ports.https),
        ] {
            if let Some(port) = at.map(|at| at.port()) {
                tracing::info!("{who}: {how} listener started on port {port}");
            }
        }
        let plugins = startup::plugins(&self.loaded.config);
        let mut text = format!(
            "Server startup complete; {} plugins started.",
            plugins.len()
        );
        for plugin in plugins {
            text += &format!("\n * {plugin}");
        }
        tracing::info!("{text}");
        let ms = self.begun.elapsed().as_millis();
        tracing::info!("Time to start RabbitMQ: {ms} ms");
    }

    async fn wait_for_end(&self, shared: &Shared) -> io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = shared.stopped() => {}
            () = startup::parent_gone(self.parent), if self.options.exit_with_parent => {
                tracing::info!("the process that started this one is gone");
            }
        }
        Ok(())
    }
}

/// As RabbitMQ writes an address of its own.
fn shown(address: SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.to_string(),
        SocketAddr::V6(address) => format!("[{}]:{}", address.ip(), address.port()),
    }
}

/// Pages of other origins that may use the API.
fn cors(config: &Config) -> Cors {
    Cors {
        allow_origins: config.management.cors_origins.clone(),
        max_age_s: Some(config.management.cors_max_age),
    }
}

fn path_prefix(config: &Config) -> PathPrefix {
    PathPrefix::new(&config.management.path_prefix)
}

/// The API, and who gets the lines of the log.
fn api(server: &Server, web: &Web, token: &str, loaded: &Arc<Loaded>, log: Begun) -> Api {
    let config = &loaded.config;
    let shared = server.shared();
    let mut listeners: Vec<_> = web
        .public()
        .map(|address| ("http", address))
        .into_iter()
        .collect();
    listeners.extend(web.prometheus().map(|address| ("http/prometheus", address)));
    listeners.extend(web.encrypted().map(|address| ("https", address)));
    let prometheus = web.encrypted_prometheus();
    listeners.extend(prometheus.map(|address| ("https/prometheus", address)));
    listeners.extend(server.addresses().iter().map(|address| ("amqp", *address)));
    let encrypted = server.tls_addresses().iter();
    listeners.extend(encrypted.map(|address| ("amqp/ssl", *address)));
    let api = Api::new(Arc::clone(shared), token, listeners)
        .cors(cors(config))
        .with_path_prefix(path_prefix(config))
        .with_settings(Arc::clone(loaded))
        .with_log_levels(log.levels);
    let api = match &config.plugins {
        Some(plugins) => api.with_plugins(plugins.clone()),
        None => api,
    };
    tokio::spawn(logging::hand_on(log.lines, Arc::clone(shared), api.clone()));
    api
}

/// The process counts with what it is now: from here on, messages come on top.
fn memory_limit(config: &Config, compat: &Compat) -> MemoryLimit {
    let limit = config
        .memory
        .unwrap_or(Memory::Fraction(compat.memory_watermark));
    MemoryLimit {
        limit_bytes: match limit {
            Memory::Fraction(fraction) => memory::share_bytes(fraction),
            Memory::Bytes(bytes) => bytes,
        },
        own_bytes: memory::resident_bytes(),
    }
}

pub(super) fn addresses(listener: Listener) -> Vec<SocketAddr> {
    let everywhere = vec![
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    ];
    let hosts = listener.ip.map_or(everywhere, |host| vec![host]);
    hosts
        .into_iter()
        .map(|host| SocketAddr::new(host, listener.port))
        .collect()
}
