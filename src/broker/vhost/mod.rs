//! [`VirtualHost`]: a world of its own with exchanges, queues, bindings and a clock.

mod bindings;
mod equivalence;
mod queues;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use leveret_proto::value::FieldTable;

use self::bindings::Topology;
pub(super) use self::equivalence::{same_exchange, same_queue};
pub(super) use self::queues::fill_queue_type;
use crate::broker::arguments;
use crate::broker::compat::Compat;
use crate::broker::connection::ConnectionId;
use crate::broker::deprecation::Deprecated;
use crate::broker::effects::Effects;
use crate::broker::error::{BrokerError, Resource, Subject};
use crate::broker::event::Change;
use crate::broker::exchange::{DestinationId, Exchange, ExchangeKind, ExchangeSpec};
use crate::broker::limit::Limits;
use crate::broker::name::Name;
use crate::broker::policy::{Policies, Target};
use crate::broker::queue::{Queue, QueueKind};
use crate::broker::random::Random;
use crate::broker::registry::Registry;
use crate::broker::tick::Tick;
use crate::broker::totals::Totals;
use crate::broker::trace::{TRACE_EXCHANGE, Tracer};
use crate::sync::{LEAF, Ranked, TOPOLOGY};

/// A virtual host.
#[derive(Debug)]
pub struct VirtualHost {
    /// Its name.
    pub name: Name,
    /// Description, tags, default queue type.
    pub metadata: Ranked<VhostMetadata, LEAF>,
    /// By name; the default exchange has the empty one.
    pub exchanges: Registry<Name, Exchange>,
    /// By name.
    pub queues: Registry<Name, Queue>,
    /// Hidden queues of direct reply-to, by address.
    pub replies: Registry<Name, Queue>,
    /// What it may hold.
    pub limits: Ranked<Limits, LEAF>,
    /// Of users and operators; a change goes by way of [`VirtualHost::set_policy`].
    pub policies: Ranked<Policies, LEAF>,
    /// Counters of what is gone.
    pub totals: Totals,
    /// The broker's.
    pub(super) random: Arc<Random>,
    default_queue_type: QueueKind,
    /// Uses of what RabbitMQ gives up.
    pub deprecated: Deprecated,
    pub(super) compat: Arc<Compat>,
    node: Name,
    topology: Ranked<Topology, TOPOLOGY>,
    epoch: AtomicU64,
    skew: AtomicU64,
    tracing: AtomicBool,
}

/// What the virtual hosts of a broker have in common.
#[derive(Clone, Debug)]
pub struct Shared {
    /// What the emulated release line does its own way.
    pub compat: Arc<Compat>,
    /// The type of queues where neither declaration nor virtual host says.
    pub default_queue_type: QueueKind,
    /// The node's name.
    pub node: Name,
    /// The one source of randomness.
    pub random: Arc<Random>,
    /// The broker's counters of what is gone.
    pub totals: Arc<Totals>,
}

/// What an administrator says about a virtual host.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VhostMetadata {
    /// Free text.
    pub description: String,
    /// Free words.
    pub tags: Vec<String>,
    /// What a queue is where its declaration does not say.
    pub default_queue_type: Option<QueueKind>,
    /// It cannot be deleted.
    pub protected_from_deletion: bool,
}

impl VirtualHost {
    /// A virtual host with the exchanges that every one has.
    pub fn new(name: Name, metadata: VhostMetadata, shared: &Shared) -> Self {
        let vhost = Self {
            name,
            metadata: Ranked::new(metadata),
            exchanges: Registry::new(),
            queues: Registry::new(),
            replies: Registry::new(),
            limits: Ranked::default(),
            policies: Ranked::default(),
            totals: Totals::within(&shared.totals),
            random: Arc::clone(&shared.random),
            default_queue_type: shared.default_queue_type,
            compat: Arc::clone(&shared.compat),
            node: shared.node.clone(),
            deprecated: Deprecated::default(),
            topology: Ranked::new(Topology::default()),
            epoch: AtomicU64::new(0),
            skew: AtomicU64::new(0),
            tracing: AtomicBool::new(false),
        };
        for (name, kind, internal) in PREDECLARED {
            vhost.predeclare(name, kind, internal);
        }
        vhost
    }

    fn predeclare(&self, name: &str, kind: ExchangeKind, internal: bool) {
        let spec = predeclared(&self.name, name, kind, internal);
        let exchange = Exchange::new(spec, &self.compat);
        self.exchanges
            .insert(exchange.name().clone(), Arc::new(exchange));
    }

    /// Counts changes of topology: a route found at one epoch holds until the next.
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    fn changed(&self) {
        self.epoch.fetch_add(1, Ordering::Release);
    }

    /// Change what routes and queues depend on, with nobody declaring or binding meanwhile.
    pub(super) fn change_topology<T>(&self, change: impl FnOnce() -> T) -> T {
        let _topology = self.topology.lock();
        let result = change();
        self.changed();
        result
    }

    /// The broker's time at this host's time `now`.
    pub(super) fn real(&self, now: Tick) -> Tick {
        Tick(now.0.saturating_sub(self.skew.load(Ordering::Relaxed)))
    }

    /// Make an exchange of the broker's own that only some brokers have.
    pub(super) fn predeclare_internal(&self, name: &str) {
        self.predeclare(name, ExchangeKind::Topic, true);
    }

    /// This host's time at the broker's time `now`.
    pub fn now(&self, now: Tick) -> Tick {
        Tick(now.0.saturating_add(self.skew.load(Ordering::Relaxed)))
    }

    /// Move this host's clock forward by `ms`. The timekeeper must be told.
    pub fn advance_ms(&self, ms: u64) {
        self.skew
            .fetch_add(ms.saturating_mul(1000), Ordering::Relaxed);
    }

    /// Whether what happens here is published to `amq.rabbitmq.trace`.
    pub fn is_tracing(&self) -> bool {
        self.tracing.load(Ordering::Relaxed)
    }

    /// Begin or end tracing: every connection minds it from its next read on.
    pub fn set_tracing(&self, on: bool) {
        self.tracing.store(on, Ordering::Relaxed);
    }

    /// What traces, while that is on.
    pub(super) fn tracer(&self) -> Option<Arc<Tracer>> {
        if !self.is_tracing() {
            return None;
        }
        let exchange = self.exchanges.get(TRACE_EXCHANGE)?;
        let node = self.node.clone();
        Some(Arc::new(Tracer { node, exchange }))
    }

    /// An exchange or queue of this host, as error texts name it.
    pub fn subject(&self, kind: Resource, name: &str) -> Subject {
        Subject {
            kind,
            name: name.into(),
            vhost: self.name.clone(),
        }
    }

    /// The exchange of that name.
    pub fn exchange(&self, name: &str) -> Result<Arc<Exchange>, BrokerError> {
        let missing = || BrokerError::NotFound(self.subject(Resource::Exchange, name));
        self.exchanges.get(name).ok_or_else(missing)
    }

    /// The queue of that name, if `connection` may use it.
    pub fn queue(
        &self,
        name: &str,
        connection: Option<ConnectionId>,
    ) -> Result<Arc<Queue>, BrokerError> {
        let missing = || BrokerError::NotFound(self.subject(Resource::Queue, name));
        let queue = self.queues.get(name).ok_or_else(missing)?;
        match queue.spec.owner {
            Some(owner) if connection.is_some_and(|connection| connection != owner) => {
                Err(BrokerError::Locked(self.subject(Resource::Queue, name)))
            }
            _ => Ok(queue),
        }
    }

    /// Make an exchange, or find that it is there already as described.
    pub fn declare_exchange(
        &self,
        spec: ExchangeSpec,
        fx: &mut Effects,
    ) -> Result<(), BrokerError> {
        let _topology = self.topology.lock();
        let subject = self.subject(Resource::Exchange, &spec.name);
        if let Some(there) = self.exchanges.get(&spec.name) {
            return same_exchange(&subject, &there.spec, &spec);
        }
        if spec.name.is_reserved() {
            return Err(BrokerError::Reserved(Resource::Exchange, spec.name));
        }
        arguments::check_exchange(&subject, spec.kind, &spec.arguments, &self.compat)?;
        let name = spec.name.clone();
        let exchange = Arc::new(Exchange::new(spec, &self.compat));
        exchange.reconfigure(self.applied(Target::Exchange(&name)));
        fx.note(|by| Change::exchange_created(&exchange, by));
        self.exchanges.insert(name, exchange);
        self.changed();
        Ok(())
    }

    /// Delete an exchange and the bindings from and to it. One that is not there is no error.
    pub fn delete_exchange(
        &self,
        name: &str,
        if_unused: bool,
        fx: &mut Effects,
    ) -> Result<(), BrokerError> {
        if name.is_empty() {
            return Err(BrokerError::DefaultExchange);
        }
        let subject = self.subject(Resource::Exchange, name);
        if subject.name.is_reserved() {
            return Err(BrokerError::SystemExchange(subject));
        }
        let mut topology = self.topology.lock();
        let Some(exchange) = self.exchanges.get(name) else {
            return Ok(());
        };
        if if_unused && !exchange.is_unbound() {
            return Err(BrokerError::InUse(subject));
        }
        self.drop_exchange(&mut topology, &exchange, fx);
        Ok(())
    }

    fn drop_exchange(&self, topology: &mut Topology, exchange: &Arc<Exchange>, fx: &mut Effects) {
        self.exchanges.remove(exchange.name());
        for binding in exchange.clear() {
            topology.forget(&binding.destination, exchange);
            self.note_unbound(&binding, fx);
        }
        let name = exchange.name().clone();
        self.drop_bindings_to(topology, &DestinationId::Exchange(name), fx);
        self.changed();
        fx.note(|by| Change::exchange_deleted(exchange, by));
    }
}

/// The exchanges that every virtual host has.
const PREDECLARED: [(&str, ExchangeKind, bool); 7] = [
    ("", ExchangeKind::Direct, false),
    ("amq.direct", ExchangeKind::Direct, false),
    ("amq.fanout", ExchangeKind::Fanout, false),
    ("amq.headers", ExchangeKind::Headers, false),
    ("amq.match", ExchangeKind::Headers, false),
    (TRACE_EXCHANGE, ExchangeKind::Topic, true),
    ("amq.topic", ExchangeKind::Topic, false),
];

fn predeclared(vhost: &Name, name: &str, kind: ExchangeKind, internal: bool) -> ExchangeSpec {
    ExchangeSpec {
        name: name.into(),
        vhost: vhost.clone(),
        kind,
        durable: true,
        auto_delete: false,
        internal,
        arguments: FieldTable::new(),
        created_by: "rmq-internal".into(),
    }
}

/// What a new virtual host of that name begins with.
pub(super) fn first_exchanges(vhost: &Name) -> impl Iterator<Item = ExchangeSpec> {
    PREDECLARED
        .into_iter()
        .map(|(name, kind, internal)| predeclared(vhost, name, kind, internal))
}
