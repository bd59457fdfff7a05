//! `leveret`: run the broker in the foreground.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::log_exchange::{self, Lines};
use super::memory::Limit;
use super::output::{print, print_error};
use super::runtime_file::{self, RuntimeFile};
use super::web::Web;
use crate::broker::alarm::MemoryLimit;
use crate::broker::compat::Compat;
use crate::broker::event_exchange::SystemExchanges;
use crate::broker::queue::QueueKind;
use crate::management::Api;
use crate::server::{Definitions, Server, memory};

/// An in-memory AMQP 0-9-1 broker, in place of rabbitmq-server for development and tests.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "leveret",
    version,
    after_help = "Also:\n  leveret ctl COMMAND        what rabbitmqctl does (leveret ctl help)\n  \
                  leveret install-links DIR  link rabbitmqctl, rabbitmq-server … to this binary"
)]
pub(super) struct ServeOptions {
    /// Port for AMQP clients; 0 picks a free one
    #[arg(
        long,
        default_value_t = 5672,
        value_name = "PORT",
        env = "LEVERET_PORT"
    )]
    port: u16,
    /// Port of the management API; 0 picks a free one
    #[arg(
        long,
        default_value_t = 15672,
        value_name = "PORT",
        env = "LEVERET_MANAGEMENT_PORT"
    )]
    management_port: u16,
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
    compat: String,
    /// Deny the deprecated features that the line denies as released
    #[arg(long)]
    strict: bool,
    /// Memory that may be used before publishers are paused: a share of the machine's (0.6) or an
    /// amount (512MB)
    #[arg(long, value_name = "LIMIT", value_parser = Limit::parse, env = "LEVERET_MEMORY_LIMIT")]
    memory_limit: Option<Limit>,
    /// Milliseconds that a delivery may be out unacknowledged; 0 is for ever
    #[arg(
        long,
        default_value_t = 1_800_000,
        value_name = "MS",
        env = "LEVERET_CONSUMER_TIMEOUT"
    )]
    consumer_timeout: u64,
    /// Name of the node, as tools know it (default: rabbit@HOSTNAME)
    #[arg(long, value_name = "NAME", env = "RABBITMQ_NODENAME")]
    node: Option<String>,
    /// What a queue is that does not say: classic, quorum or stream
    #[arg(
        long,
        default_value = "classic",
        value_name = "TYPE",
        value_parser = queue_kind,
        env = "LEVERET_DEFAULT_QUEUE_TYPE"
    )]
    default_queue_type: QueueKind,
    /// Threads that serve connections
    #[arg(long, default_value_t = 1, value_name = "N", env = "LEVERET_THREADS")]
    threads: usize,
    /// Refuse clients beyond this many (default: no limit)
    #[arg(long, value_name = "N", env = "LEVERET_CONNECTION_MAX")]
    connection_max: Option<u64>,
    /// What to log: error, warn, info, debug or trace
    #[arg(
        long,
        default_value = "info",
        value_name = "LEVEL",
        env = "LEVERET_LOG"
    )]
    log_level: String,
    /// Have the exchange amq.rabbitmq.event, which tells what is made, changed and deleted
    #[arg(long, env = "LEVERET_EVENT_EXCHANGE")]
    event_exchange: bool,
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
    ports_file: Option<PathBuf>,
    /// Make all that is random repeatable
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

fn queue_kind(name: &str) -> Result<QueueKind, String> {
    QueueKind::from_name(name).ok_or_else(|| "there are classic, quorum and stream".to_owned())
}

/// Serve until stopped.
pub(super) fn run(options: &ServeOptions) -> ExitCode {
    let begun = Instant::now();
    let lines = begin_log(options);
    let Some(compat) = Compat::named(&options.compat, options.strict) else {
        print_error(&format!(
            "no release line '{}': there are 3.10, 4.0 and 4.3\n",
            options.compat
        ));
        return ExitCode::from(64);
    };
    match runtime(options.threads)
        .and_then(|runtime| runtime.block_on(serve(options, compat, lines, begun)))
    {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print_error(&format!("{error}\n"));
            ExitCode::FAILURE
        }
    }
}

/// The log goes to the terminal, and in lines to others.
fn begin_log(options: &ServeOptions) -> Lines {
    let filter = EnvFilter::try_new(&options.log_level).unwrap_or_else(|_| EnvFilter::new("info"));
    let terminal = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false);
    let (layer, lines) = log_exchange::pipe();
    tracing_subscriber::registry()
        .with(filter)
        .with(terminal)
        .with(layer)
        .init();
    lines
}

/// One thread serves connections best on few cores: no task switch ever crosses to another.
fn runtime(threads: usize) -> io::Result<tokio::runtime::Runtime> {
    match threads {
        0 | 1 => tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build(),
        threads => tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads)
            .enable_all()
            .build(),
    }
}

async fn serve(
    options: &ServeOptions,
    compat: Compat,
    lines: Lines,
    begun: Instant,
) -> io::Result<()> {
    let node = runtime_file::full_node_name(options.node.as_deref().unwrap_or("rabbit"));
    let mut builder = Server::builder()
        .memory(memory_limit(options, &compat))
        .consumer_timeout_ms(Some(options.consumer_timeout).filter(|ms| *ms > 0))
        .compat(compat)
        .default_queue_type(options.default_queue_type)
        .node(&node)
        .skip_if_unchanged(options.definitions_skip_if_unchanged)
        .system_exchanges(SystemExchanges {
            event: options.event_exchange,
            log: options.log_exchange,
        })
        .listen(addresses(options.host, options.port));
    if let Some(seed) = options.seed {
        builder = builder.seed(seed);
    }
    if let Some(connections) = options.connection_max {
        builder = builder.connection_max(connections);
    }
    if let Some(path) = &options.definitions {
        builder = builder.definitions(Definitions::read(path)?);
    }
    let server = builder.start()?;
    let web = Web::bind(
        options.host,
        options.management_port,
        options.prometheus_port,
    )?;
    let (http_address, prometheus) = (web.management()?, web.prometheus());
    let token = runtime_file::new_token()?;
    let mut listeners = vec![("http", http_address)];
    listeners.extend(prometheus.map(|address| ("http/prometheus", address)));
    listeners.extend(server.addresses().iter().map(|address| ("amqp", *address)));
    let shared = std::sync::Arc::clone(server.shared());
    let api = Api::new(std::sync::Arc::clone(&shared), &token, listeners);
    tokio::spawn(log_exchange::hand_on(
        lines,
        std::sync::Arc::clone(&shared),
        api.clone(),
    ));
    let serving = web.serve(api, &shared)?;
    let file = RuntimeFile {
        node,
        pid: std::process::id(),
        host: "127.0.0.1".to_owned(),
        amqp_port: server.port(),
        management_port: http_address.port(),
        token,
    };
    // Without the file only the command line's way in is missing.
    let guard = runtime_file::write(&file)
        .inspect_err(|error| tracing::warn!(%error, "rabbitmqctl will not find this broker"))
        .ok();
    announce(options, &server, (http_address, prometheus), begun)?;
    wait_for_end(&shared).await?;
    drop(guard);
    server.stop().await;
    serving.finish().await;
    Ok(())
}

/// The process counts with what it is now: from here on, messages come on top.
fn memory_limit(options: &ServeOptions, compat: &Compat) -> MemoryLimit {
    let limit = options
        .memory_limit
        .unwrap_or(Limit::Fraction(compat.memory_watermark));
    MemoryLimit {
        limit_bytes: match limit {
            Limit::Fraction(fraction) => memory::share_bytes(fraction),
            Limit::Bytes(bytes) => bytes,
        },
        own_bytes: memory::resident_bytes(),
    }
}

pub(super) fn addresses(host: Option<IpAddr>, port: u16) -> Vec<SocketAddr> {
    let everywhere = vec![
        IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        IpAddr::V4(Ipv4Addr::UNSPECIFIED),
    ];
    let hosts = host.map_or(everywhere, |host| vec![host]);
    hosts
        .into_iter()
        .map(|host| SocketAddr::new(host, port))
        .collect()
}

fn announce(
    options: &ServeOptions,
    server: &Server,
    (http, prometheus): (SocketAddr, Option<SocketAddr>),
    begun: Instant,
) -> io::Result<()> {
    let (amqp, management) = (server.port(), http.port());
    let prometheus = prometheus.map(|address| address.port());
    if let Some(path) = &options.ports_file {
        let text = json!({
            "amqp": amqp,
            "management": management,
            "prometheus": prometheus,
            "pid": std::process::id(),
        });
        let partial = path.with_extension("partial");
        std::fs::write(&partial, text.to_string())?;
        std::fs::rename(&partial, path)?;
    }
    let version = &server.shared().broker.compat.version;
    print(&format!(
        "Leveret {} is ready in {:.1} ms, as RabbitMQ {version}\n\n  AMQP        {}\n  management  \
         http://guest:guest@localhost:{management}\n",
        env!("CARGO_PKG_VERSION"),
        begun.elapsed().as_secs_f64() * 1000.0,
        server.amqp_url().replace("127.0.0.1", "localhost"),
    ));
    Ok(())
}

async fn wait_for_end(shared: &crate::server::Shared) -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = shared.stopped() => {}
    }
    Ok(())
}
