//! [`VirtualHost`]: a world of its own with exchanges, queues, bindings and a clock.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use leveret_proto::value::FieldTable;

use super::arguments;
use super::compat::{Compat, denied};
use super::connection::ConnectionId;
use super::deprecation::Deprecated;
use super::effects::Effects;
use super::error::{BrokerError, Resource, Subject};
use super::event::Change;
use super::exchange::{Binding, Destination, DestinationId, Exchange, ExchangeKind, ExchangeSpec};
use super::limit::{Limits, MAX_QUEUES};
use super::name::Name;
use super::policy::{Policies, Target};
use super::publish::Post;
use super::queue::{CloseIf, CloseRefused, Queue, QueueKind, QueueSpec};
use super::random::Random;
use super::registry::Registry;
use super::tick::Tick;
use super::totals::Totals;
use super::trace::{TRACE_EXCHANGE, Tracer};
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

/// Which exchanges have bindings to a thing, so that they go when it goes.
#[derive(Debug, Default)]
struct Topology {
    sources: HashMap<DestinationId, BTreeMap<Name, Arc<Exchange>>>,
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

    /// Make a queue, or find that it is there already as described. Whether it is new.
    pub fn declare_queue(
        &self,
        mut spec: QueueSpec,
        connection: Option<ConnectionId>,
        now: Tick,
        fx: &mut Effects,
    ) -> Result<(Arc<Queue>, bool), BrokerError> {
        fill_queue_type(&mut spec, self.default_queue_type(), &self.compat);
        let _topology = self.topology.lock();
        let subject = self.subject(Resource::Queue, &spec.name);
        if self.queues.contains(&spec.name) {
            let there = self.queue(&spec.name, connection)?;
            same_queue(&subject, &there.spec, &spec, &self.compat)?;
            there.touch(now, fx);
            return Ok((there, false));
        }
        let kind = arguments::check_queue(&subject, &spec.arguments, &self.compat)?;
        let (durable, exclusive) = (spec.durable, spec.owner.is_some());
        if !durable && !exclusive && !self.compat.transient_nonexcl_queues {
            return Err(BrokerError::Denied(denied("transient_nonexcl_queues")));
        }
        arguments::check_properties(&subject, kind, durable, exclusive, spec.auto_delete)?;
        self.check_queue_limit(&spec.name)?;
        let applied = self.applied(Target::Queue(kind, &spec.name));
        let queue = Arc::new(Queue::new(spec, applied, &self.compat, now));
        self.queues.insert(queue.name().clone(), Arc::clone(&queue));
        self.changed();
        queue.touch(now, fx);
        let shows_type = self.compat.fills_queue_type;
        fx.note(|by| Change::queue_created(&queue, &self.node, shows_type, by));
        Ok((queue, true))
    }

    /// The type of queues that do not say theirs.
    pub fn default_queue_type(&self) -> QueueKind {
        let own = self.metadata.lock().default_queue_type;
        own.unwrap_or(self.default_queue_type)
    }

    /// Whether so many more queues are within the limit.
    pub(super) fn check_more_queues(&self, more: usize) -> Result<(), BrokerError> {
        let (there, limits) = (self.queues.len(), self.limits.lock());
        let after = there.saturating_add(more).saturating_sub(1);
        match limits.reached(MAX_QUEUES, || after) {
            Some(limit) => Err(BrokerError::Limit(format!(
                "Adding {more} queue(s) to virtual host \"{}\" would exceed the limit of {limit} \
                 queue(s).\n\nThis virtual host currently has {there} queue(s) defined.\n\nImport \
                 aborted!",
                self.name
            ))),
            None => Ok(()),
        }
    }

    fn check_queue_limit(&self, name: &Name) -> Result<(), BrokerError> {
        let limits = self.limits.lock();
        match limits.reached(MAX_QUEUES, || self.queues.len()) {
            Some(limit) => Err(BrokerError::Precondition(format!(
                "cannot declare queue '{name}': queue limit in vhost '{}' ({limit}) is reached",
                self.name
            ))),
            None => Ok(()),
        }
    }

    /// Delete a queue and the bindings to it; the messages that were ready.
    pub fn delete_queue(
        &self,
        queue: &Arc<Queue>,
        condition: CloseIf,
        fx: &mut Effects,
    ) -> Result<u64, BrokerError> {
        let mut topology = self.topology.lock();
        let is_there = self
            .queues
            .get(queue.name())
            .is_some_and(|there| Arc::ptr_eq(&there, queue));
        if !is_there {
            return Ok(0);
        }
        check_condition(
            &self.subject(Resource::Queue, queue.name()),
            queue.kind,
            condition,
        )?;
        let messages = queue.close(condition, fx).map_err(|refused| {
            let subject = self.subject(Resource::Queue, queue.name());
            match refused {
                CloseRefused::InUse => BrokerError::InUse(subject),
                CloseRefused::NotEmpty => BrokerError::NotEmpty(subject),
            }
        })?;
        self.queues.remove(queue.name());
        self.totals.retire_queue(queue.kind, &queue.stats());
        self.drop_bindings_to(
            &mut topology,
            &DestinationId::Queue(queue.name().clone()),
            fx,
        );
        self.changed();
        Ok(messages)
    }

    /// Bind. The binding being there already is no error.
    pub fn bind(
        &self,
        source: &Arc<Exchange>,
        to: Destination,
        key: &Name,
        arguments: &FieldTable,
        fx: &mut Effects,
    ) -> Result<(), BrokerError> {
        let mut topology = self.topology.lock();
        let id = to.id();
        let bound = to.clone();
        if source.bind(to, key, arguments)? {
            for message in source.latest() {
                fx.posts.push_back(Post {
                    to: bound.clone(),
                    message,
                    extra_keys: Vec::new(),
                });
            }
            topology.remember(&id, source);
            self.changed();
            fx.note(|by| {
                let binding = Binding {
                    source: source.name().clone(),
                    destination: id,
                    binding_key: key.clone(),
                    arguments: arguments.clone(),
                };
                Change::binding("binding.created", &binding, &self.name, by)
            });
        }
        Ok(())
    }

    /// Unbind; an auto-delete exchange goes with its last binding. Whether there was one.
    pub fn unbind(
        &self,
        source: &Arc<Exchange>,
        from: &DestinationId,
        key: &Name,
        arguments: &FieldTable,
        fx: &mut Effects,
    ) -> bool {
        let mut topology = self.topology.lock();
        if !source.unbind(from, key, arguments) {
            return false;
        }
        if !source.leads_to(from) {
            topology.forget(from, source);
        }
        self.changed();
        self.note_unbound(
            &Binding {
                source: source.name().clone(),
                destination: from.clone(),
                binding_key: key.clone(),
                arguments: arguments.clone(),
            },
            fx,
        );
        self.drop_if_abandoned(&mut topology, source, fx);
        true
    }

    /// All bindings, also those of the default exchange to every queue.
    pub fn bindings(&self) -> Vec<Binding> {
        let implied = self.queues.sorted().into_iter().map(|queue| Binding {
            source: "".into(),
            destination: DestinationId::Queue(queue.name().clone()),
            binding_key: queue.name().clone(),
            arguments: FieldTable::new(),
        });
        let bound = self
            .exchanges
            .sorted()
            .into_iter()
            .flat_map(|exchange| exchange.bindings());
        implied.chain(bound).collect()
    }

    /// End every exclusive queue of a connection that is gone.
    pub fn drop_exclusive(&self, owner: ConnectionId, fx: &mut Effects) {
        for queue in self.queues.snapshot() {
            if queue.spec.owner == Some(owner) {
                // Without a condition it cannot be refused.
                let _ = self.delete_queue(&queue, CloseIf::default(), fx);
            }
        }
    }

    fn drop_bindings_to(&self, topology: &mut Topology, id: &DestinationId, fx: &mut Effects) {
        for source in topology
            .sources
            .remove(id)
            .unwrap_or_default()
            .into_values()
        {
            for binding in source.unbind_all(id) {
                self.note_unbound(&binding, fx);
            }
            self.drop_if_abandoned(topology, &source, fx);
        }
    }

    fn drop_if_abandoned(
        &self,
        topology: &mut Topology,
        exchange: &Arc<Exchange>,
        fx: &mut Effects,
    ) {
        if exchange.spec.auto_delete && exchange.is_unbound() {
            self.drop_exchange(topology, exchange, fx);
        }
    }

    fn note_unbound(&self, binding: &Binding, fx: &mut Effects) {
        fx.note(|by| Change::binding("binding.deleted", binding, &self.name, by));
    }
}

impl Topology {
    fn remember(&mut self, destination: &DestinationId, source: &Arc<Exchange>) {
        let sources = self.sources.entry(destination.clone()).or_default();
        sources.insert(source.name().clone(), Arc::clone(source));
    }

    fn forget(&mut self, destination: &DestinationId, source: &Exchange) {
        if let Some(sources) = self.sources.get_mut(destination) {
            sources.remove(source.name());
            if sources.is_empty() {
                self.sources.remove(destination);
            }
        }
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

/// A declaration without a type asks for the default one, unless its queue cannot be that.
pub(super) fn fill_queue_type(spec: &mut QueueSpec, default: QueueKind, compat: &Compat) {
    let suits = spec.durable && spec.owner.is_none() && !spec.auto_delete;
    if compat.fills_queue_type
        && default != QueueKind::Classic
        && suits
        && spec.arguments.get("x-queue-type").is_none()
    {
        spec.arguments.insert("x-queue-type", default.as_str());
    }
}

/// Quorum queues are deleted without conditions.
fn check_condition(
    subject: &Subject,
    kind: QueueKind,
    condition: CloseIf,
) -> Result<(), BrokerError> {
    let flag = match condition {
        CloseIf { unused: true, .. } => "if-unused",
        CloseIf { empty: true, .. } => "if-empty",
        CloseIf { .. } => return Ok(()),
    };
    match kind {
        QueueKind::Quorum => Err(BrokerError::NotImplemented(format!(
            "cannot delete {subject}. queue.delete operations with {flag} flag set are not \
             supported by quorum queues"
        ))),
        QueueKind::Classic | QueueKind::Stream => Ok(()),
    }
}

pub(super) fn same_exchange(
    subject: &Subject,
    current: &ExchangeSpec,
    received: &ExchangeSpec,
) -> Result<(), BrokerError> {
    let same = |key, current: bool, received: bool| {
        arguments::same(subject, key, &current.to_string(), &received.to_string())
    };
    arguments::same(
        subject,
        "type",
        current.kind.as_str(),
        received.kind.as_str(),
    )?;
    same("durable", current.durable, received.durable)?;
    same("auto_delete", current.auto_delete, received.auto_delete)?;
    same("internal", current.internal, received.internal)?;
    arguments::same_exchange(subject, &current.arguments, &received.arguments)
}

pub(super) fn same_queue(
    subject: &Subject,
    current: &QueueSpec,
    received: &QueueSpec,
    compat: &Compat,
) -> Result<(), BrokerError> {
    if current.owner.is_some() != received.owner.is_some() {
        return Err(BrokerError::Locked(subject.clone()));
    }
    let same = |key, current: bool, received: bool| {
        arguments::same(subject, key, &current.to_string(), &received.to_string())
    };
    same("durable", current.durable, received.durable)?;
    same("auto_delete", current.auto_delete, received.auto_delete)?;
    arguments::same_queue(subject, &current.arguments, &received.arguments, compat)
}
