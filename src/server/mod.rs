//! Sockets, tasks and timers: the only part of the AMQP side that knows the runtime.
//!
//! [`Server::builder`] embeds a broker in a Rust program or test; many run in one process.

mod application;
mod connection;
mod definitions;
mod gate;
mod listener;
pub mod memory;
mod nagle;
mod proxy;
mod stream;
mod timekeeper;
pub mod tls;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinHandle;

pub use self::definitions::Definitions;
use self::gate::Gate;
use self::listener::Door;
pub use self::stream::{Stream, Writer};
use self::timekeeper::Timekeeper;
use self::tls::{Acceptor, TlsOptions};
use crate::auth::Auth;
use crate::broker::alarm::MemoryLimit;
use crate::broker::compat::Compat;
use crate::broker::event_exchange::SystemExchanges;
use crate::broker::queue::QueueKind;
use crate::broker::settings::Settings;
use crate::broker::{Broker, BrokerSpec};
use crate::clock::Clock;
use crate::session::Endpoints;

/// How long clients may take to answer the close of a stopping broker.
const STOP_PATIENCE: Duration = Duration::from_secs(2);

/// What a stopping broker tells its clients.
const SHUTDOWN_TEXT: &str = "broker forced connection closure with reason 'shutdown'";

/// What all tasks of a server share.
#[derive(Debug)]
pub struct Shared {
    /// The model.
    pub broker: Arc<Broker>,
    /// The time.
    pub clock: Clock,
    stop: watch::Sender<bool>,
    timekeeper: Arc<Timekeeper>,
    handshakes: Arc<Semaphore>,
    gate: Gate,
    /// Who is asked who users are.
    pub(crate) auth: Auth,
}

impl Shared {
    /// Wait until one more client may begin its handshake.
    pub(crate) async fn admit(&self) -> OwnedSemaphorePermit {
        match Arc::clone(&self.handshakes).acquire_owned().await {
            Ok(permit) => permit,
            // It is never closed.
            Err(_) => std::future::pending().await,
        }
    }

    /// Begin to stop: listeners close, clients are told.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }

    /// Wait until somebody calls [`Shared::stop`].
    pub async fn stopped(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.stop.subscribe().wait_for(|stop| *stop).await;
    }
}

/// How a server is started.
#[derive(Clone, Debug)]
pub struct Builder {
    compat: Compat,
    settings: Settings,
    node: String,
    seed: Option<u64>,
    addresses: Vec<SocketAddr>,
    memory: MemoryLimit,
    connection_max: Option<u64>,
    default_queue_type: QueueKind,
    system: SystemExchanges,
    consumer_timeout_ms: Option<u64>,
    definitions: Vec<Definitions>,
    skip_if_unchanged: bool,
    tls: Option<(TlsOptions, Vec<SocketAddr>)>,
    proxy_protocol: bool,
    auth: crate::config::auth::Auth,
}

impl Builder {
    /// Begin with these definitions. If they define users, there is neither the default user nor
    /// the default virtual host but where they define these, too.
    #[must_use]
    pub fn definitions(self, definitions: Vec<Definitions>) -> Self {
        Self {
            definitions,
            ..self
        }
    }

    /// Of definitions that are the same as those before do not import the second.
    #[must_use]
    pub fn skip_if_unchanged(self, skip_if_unchanged: bool) -> Self {
        Self {
            skip_if_unchanged,
            ..self
        }
    }

    /// Refuse clients beyond this many, as RabbitMQ does with its setting of that name.
    #[must_use]
    pub fn connection_max(self, connections: u64) -> Self {
        Self {
            connection_max: Some(connections),
            ..self
        }
    }

    /// Emulate this release line.
    #[must_use]
    pub fn compat(self, compat: Compat) -> Self {
        Self { compat, ..self }
    }

    /// Choose what RabbitMQ's settings file chooses.
    #[must_use]
    pub fn settings(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// The node's name, `rabbit@host`.
    #[must_use]
    pub fn node(self, node: &str) -> Self {
        Self {
            node: node.to_owned(),
            ..self
        }
    }

    /// Make everything random repeatable.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self {
            seed: Some(seed),
            ..self
        }
    }

    /// Pause publishers while messages hold more than this; without it, never.
    #[must_use]
    pub fn memory(self, memory: MemoryLimit) -> Self {
        Self { memory, ..self }
    }

    /// What a queue is where neither its declaration nor its virtual host says.
    #[must_use]
    pub fn default_queue_type(self, default_queue_type: QueueKind) -> Self {
        Self {
            default_queue_type,
            ..self
        }
    }

    /// How long deliveries may be out unacknowledged where no queue says it (half an hour);
    /// `None` is for ever.
    #[must_use]
    pub fn consumer_timeout_ms(self, consumer_timeout_ms: Option<u64>) -> Self {
        Self {
            consumer_timeout_ms,
            ..self
        }
    }

    /// Listen here instead of on a free loopback port.
    #[must_use]
    pub fn listen(self, addresses: Vec<SocketAddr>) -> Self {
        Self { addresses, ..self }
    }

    /// Listen on every interface, IPv6 and IPv4.
    #[must_use]
    pub fn listen_everywhere(self, port: u16) -> Self {
        let everywhere = [
            IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        ];
        self.listen(
            everywhere
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect(),
        )
    }

    /// Speak TLS too, here.
    #[must_use]
    pub fn listen_tls(self, options: TlsOptions, addresses: Vec<SocketAddr>) -> Self {
        Self {
            tls: Some((options, addresses)),
            ..self
        }
    }

    /// Ask others, too, who users are and what they may.
    #[must_use]
    pub fn auth(self, auth: crate::config::auth::Auth) -> Self {
        Self { auth, ..self }
    }

    /// Expect the PROXY protocol's header in front of every AMQP connection.
    #[must_use]
    pub fn proxy_protocol(self, proxy_protocol: bool) -> Self {
        Self {
            proxy_protocol,
            ..self
        }
    }

    /// Have `amq.rabbitmq.event` or `amq.rabbitmq.log`. Who embeds a broker fills the latter with
    /// `Broker::publish_log`.
    #[must_use]
    pub fn system_exchanges(self, system: SystemExchanges) -> Self {
        Self { system, ..self }
    }

    /// Start it in the current runtime. When this returns, clients can connect.
    pub fn start(self) -> io::Result<Server> {
        let timekeeper = Arc::new(Timekeeper::default());
        let clock = Clock::start();
        let spec = BrokerSpec {
            compat: self.compat,
            settings: Settings {
                asks_elsewhere: self.auth.asks_elsewhere(),
                ..self.settings
            },
            node: self.node.as_str().into(),
            seed: self.seed,
            wall_start_ms: clock.start_wall_ms(),
            memory: self.memory,
            default_queue_type: self.default_queue_type,
            system: self.system,
            consumer_timeout_ms: self.consumer_timeout_ms,
        };
        let broker = Arc::new(Broker::new(spec, Arc::clone(&timekeeper) as _));
        broker.sockets.set_max(self.connection_max);
        Definitions::load(&self.definitions, self.skip_if_unchanged, &broker)?;
        let (stop, _) = watch::channel(false);
        let shared = Arc::new(Shared {
            broker,
            clock,
            stop,
            timekeeper,
            handshakes: Arc::new(Semaphore::new(listener::HANDSHAKES_MAX)),
            gate: Gate::default(),
            auth: Auth::new(&self.auth)?,
        });
        let mut server = Server {
            local: Vec::new(),
            local_tls: Vec::new(),
            tasks: vec![tokio::spawn(timekeeper::run(Arc::clone(&shared)))],
            shared,
        };
        let mut door = Door {
            proxy: self.proxy_protocol,
            tls: None,
        };
        server.local = server.listen(&self.addresses, &door)?;
        if let Some((options, addresses)) = &self.tls {
            door.tls = Some(Acceptor::new(options)?);
            server.local_tls = server.listen(addresses, &door)?;
        }
        Ok(server)
    }
}

/// A running broker. It stops when this is dropped.
#[derive(Debug)]
pub struct Server {
    shared: Arc<Shared>,
    local: Vec<SocketAddr>,
    local_tls: Vec<SocketAddr>,
    tasks: Vec<JoinHandle<()>>,
}

impl Server {
    /// A broker as RabbitMQ's latest line is, on a free loopback port.
    pub fn builder() -> Builder {
        Builder {
            compat: Compat::default(),
            settings: Settings::default(),
            node: "rabbit@localhost".to_owned(),
            seed: None,
            default_queue_type: QueueKind::default(),
            addresses: vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))],
            memory: MemoryLimit::default(),
            connection_max: None,
            system: SystemExchanges::default(),
            definitions: Vec::new(),
            skip_if_unchanged: false,
            consumer_timeout_ms: BrokerSpec::default().consumer_timeout_ms,
            tls: None,
            proxy_protocol: false,
            auth: crate::config::auth::Auth::default(),
        }
    }

    fn listen(&mut self, addresses: &[SocketAddr], door: &Door) -> io::Result<Vec<SocketAddr>> {
        let listeners = listener::bind(addresses)?;
        let local = listeners.iter().map(|(_, address)| *address).collect();
        for (listener, address) in listeners {
            let (shared, door) = (Arc::clone(&self.shared), door.clone());
            shared.gate.add();
            let accepting = listener::serve(shared, listener, address, door);
            self.tasks.push(tokio::spawn(accepting));
        }
        Ok(local)
    }

    /// Where it listens.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.local
    }

    /// Where it speaks TLS.
    pub fn tls_addresses(&self) -> &[SocketAddr] {
        &self.local_tls
    }

    /// The port of its first listener.
    pub fn port(&self) -> u16 {
        self.local.first().map_or(0, SocketAddr::port)
    }

    /// What clients on this machine connect to.
    pub fn amqp_url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2F", self.port())
    }

    /// Serve a client that comes by another way than a listener: in memory, for example. Waits
    /// while too many others are in their handshake.
    pub async fn serve(&self, stream: impl Stream, endpoints: Endpoints) {
        let permit = self.shared.admit().await;
        let shared = Arc::clone(&self.shared);
        tokio::spawn(connection::run(shared, stream, endpoints, permit));
    }

    /// What its tasks share: the model, the clock.
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stop: clients get 320, then the sockets close.
    pub async fn stop(self) {
        self.shared.stop();
        self.shared
            .broker
            .close_connections(SHUTDOWN_TEXT, |_| true);
        // Who does not answer in time is cut off when the tasks end.
        self.shared.connections_gone().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.stop();
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}
