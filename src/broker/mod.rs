//! The model: virtual hosts, exchanges, queues, users. No sockets, no runtime, no clock.
//!
//! Whoever calls it hands in the time and an `Effects`, and afterwards calls `Broker::settle` with
//! no lock held.

mod admission;
pub mod alarm;
pub mod arguments;
pub mod authority;
pub mod compat;
pub mod connection;
pub mod credentials;
pub mod dead_letter;
pub mod definitions;
pub mod deprecation;
pub mod effects;
pub mod error;
pub mod event;
pub mod event_exchange;
pub mod exchange;
pub mod faults;
pub mod feature_flag;
pub mod guesses;
pub mod interceptors;
pub mod json;
pub mod limit;
pub mod logins;
pub mod message;
pub mod message_size;
pub mod name;
pub mod outlet;
pub mod pairs;
pub mod pattern;
pub mod permission;
pub mod policy;
pub mod publish;
pub mod queue;
pub mod random;
pub mod registry;
mod restart;
pub mod secret;
pub mod settings;
pub mod shown;
pub mod sockets;
pub mod term;
pub mod tick;
pub mod tls;
pub mod totals;
pub mod trace;
pub mod transfer;
pub mod user;
pub mod vhost;
pub mod vhost_defaults;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use leveret_proto::value::{FieldTable, FieldValue};

use self::alarm::{Alarm, MemoryLimit};
use self::compat::Compat;
use self::connection::{Connection, ConnectionId};
use self::effects::Effects;
use self::error::BrokerError;
use self::event::{Change, EventBus};
use self::event_exchange::SystemExchanges;
use self::faults::Faults;
use self::guesses::Guesses;
use self::logins::Logins;
use self::message_size::SizeTotals;
use self::name::Name;
use self::outlet::Notice;
use self::permission::Permission;
use self::queue::QueueKind;
use self::random::Random;
use self::registry::Registry;
use self::settings::{AnyCredentials, Settings};
use self::sockets::Sockets;
use self::tick::{Tick, Ticked};
use self::totals::Totals;
use self::user::{PasswordHash, User};
use self::vhost::{VhostMetadata, VirtualHost};
use crate::sync::{LEAF, Ranked};

/// The global parameter that holds the name of the cluster, once it has one.
pub const CLUSTER_NAME: &str = "cluster_name";

/// Where queues and exchanges register the time at which they want a tick.
pub trait Timer: Debug + Send + Sync {
    /// Call `tick` of each at its time, on its virtual host's clock.
    fn arm(&self, deadlines: &mut Vec<(Tick, Arc<dyn Ticked>)>);
    /// A clock was moved: look again.
    fn moved(&self);
}

/// The whole model.
#[derive(Debug)]
pub struct Broker {
    /// What the emulated release line does its own way.
    pub compat: Arc<Compat>,
    /// What was chosen besides.
    pub settings: Settings,
    /// `rabbit@host`: told to clients and tools.
    pub node: Name,
    /// By name.
    pub vhosts: Registry<Name, VirtualHost>,
    /// By name.
    pub users: Registry<Name, User>,
    /// Open connections.
    pub connections: Registry<ConnectionId, Connection>,
    /// How many clients there are, and may be.
    pub sockets: Sockets,
    /// Who hears what happens.
    pub events: EventBus,
    /// Where faults may be injected.
    pub faults: Faults,
    /// Whether messages hold too much memory.
    pub alarm: Alarm,
    /// Which of the broker's own exchanges there are.
    pub system: SystemExchanges,
    /// See [`BrokerSpec::consumer_timeout_ms`].
    pub consumer_timeout_ms: Option<u64>,
    /// Totals of what came and went.
    pub churn: Churn,
    /// How large the messages are that clients publish.
    pub message_sizes: SizeTotals,
    /// Counters of what is gone.
    pub totals: Arc<Totals>,
    /// Who logged in, and who was refused.
    pub logins: Logins,
    /// Who fails to log in too often.
    pub guesses: Guesses,
    /// Global parameters: values that tools keep here.
    pub parameters: Ranked<BTreeMap<Name, FieldValue>, LEAF>,
    /// What was imported last, to tell whether it comes again.
    imported: Ranked<Option<definitions::Digest>, LEAF>,
    /// What a queue is where neither its declaration nor its virtual host says.
    pub default_queue_type: QueueKind,
    /// Connections are let in one at a time, so that they can be counted.
    admission: Ranked<(), LEAF>,
    timer: Arc<dyn Timer>,
    wall_start_ms: u64,
    random: Arc<Random>,
    next_connection: AtomicU64,
}

/// How often things were opened and closed since the start.
#[derive(Debug, Default)]
#[allow(
    missing_docs,
    reason = "the names say it, and are the management API's"
)]
pub struct Churn {
    pub connection_created: AtomicU64,
    pub connection_closed: AtomicU64,
    pub channel_created: AtomicU64,
    pub channel_closed: AtomicU64,
    pub queue_declared: AtomicU64,
    pub queue_created: AtomicU64,
    pub queue_deleted: AtomicU64,
}

/// How a broker is made.
#[derive(Clone, Debug)]
pub struct BrokerSpec {
    /// See [`Broker::compat`].
    pub compat: Compat,
    /// See [`Broker::settings`].
    pub settings: Settings,
    /// See [`Broker::node`].
    pub node: Name,
    /// Seed of all randomness; `None` takes one from the system.
    pub seed: Option<u64>,
    /// Wall clock at the start, ms since 1970.
    pub wall_start_ms: u64,
    /// Which of the broker's own exchanges there are besides the usual.
    pub system: SystemExchanges,
    /// When publishers are paused.
    pub memory: MemoryLimit,
    /// See [`Broker::default_queue_type`].
    pub default_queue_type: QueueKind,
    /// How long deliveries may be out where no queue says it; `None` is for ever.
    pub consumer_timeout_ms: Option<u64>,
}

impl Default for BrokerSpec {
    fn default() -> Self {
        Self {
            compat: Compat::default(),
            settings: Settings::default(),
            node: "rabbit@localhost".into(),
            seed: None,
            wall_start_ms: 0,
            memory: MemoryLimit::default(),
            default_queue_type: QueueKind::default(),
            system: SystemExchanges::default(),
            consumer_timeout_ms: Some(30 * 60 * 1000),
        }
    }
}

impl Broker {
    /// A broker as RabbitMQ is on its first start: virtual host `/`, administrator guest.
    pub fn new(spec: BrokerSpec, timer: Arc<dyn Timer>) -> Self {
        let mut compat = spec.compat;
        compat.permit(&spec.settings.permitted_features);
        compat.relaxes_redeclaration = spec.settings.relaxes_redeclaration;
        let broker = Self {
            compat: Arc::new(compat),
            settings: spec.settings,
            node: spec.node,
            vhosts: Registry::new(),
            users: Registry::new(),
            connections: Registry::new(),
            sockets: Sockets::default(),
            events: EventBus::default(),
            faults: Faults::default(),
            alarm: Alarm::new(spec.memory),
            system: spec.system,
            consumer_timeout_ms: spec.consumer_timeout_ms,
            message_sizes: SizeTotals::default(),
            churn: Churn::default(),
            totals: Arc::default(),
            logins: Logins::default(),
            guesses: Guesses::default(),
            parameters: Ranked::default(),
            imported: Ranked::default(),
            default_queue_type: spec.default_queue_type,
            admission: Ranked::default(),
            timer,
            wall_start_ms: spec.wall_start_ms,
            random: Arc::new(Random::new(spec.seed)),
            next_connection: AtomicU64::new(1),
        };
        broker.add_defaults();
        broker
    }

    fn add_defaults(&self) {
        let id = self.generated_name("rabbitmq-cluster-id-");
        let mut parameters = self.parameters.lock();
        if self.compat.cluster_tags {
            let mut tags = FieldTable::new();
            for (name, tag) in &self.settings.cluster_tags {
                tags.insert(name, tag.as_str());
            }
            let tags = match tags.is_empty() {
                // As Erlang writes no pairs.
                true => FieldValue::Array(Vec::new()),
                false => FieldValue::Table(tags),
            };
            parameters.insert("cluster_tags".into(), tags);
        }
        parameters.insert("internal_cluster_id".into(), id.as_str().into());
        drop(parameters);
        if let Some(name) = &self.settings.cluster_name {
            let value = FieldValue::from(name.as_str());
            self.parameters.lock().insert(CLUSTER_NAME.into(), value);
        }
        let metadata = VhostMetadata {
            description: "Default virtual host".to_owned(),
            ..VhostMetadata::default()
        };
        self.add_vhost(self.settings.default_vhost.as_str().into(), metadata);
        self.add_system_exchanges();
        self.add_default_user();
    }

    fn add_default_user(&self) {
        let spec = &self.settings.default_user;
        let name = Name::from(spec.name.as_str());
        let user = User::new(name.clone(), self.hash(&spec.password), spec.tags.clone());
        let [configure, write, read] = &spec.permissions;
        // What is no pattern was refused before; without permissions it fits nothing.
        if let Ok(permission) = Permission::new(configure, write, read) {
            let vhost = Name::from(self.settings.default_vhost.as_str());
            user.change(|state| state.permissions.insert(vhost, Arc::new(permission)));
        }
        self.users.insert(name, Arc::new(user));
    }

    /// How clients may log in.
    pub fn mechanisms(&self) -> Vec<&'static str> {
        let settings = &self.settings;
        let all = settings::mechanisms(self.compat.anonymous).iter().copied();
        // Without a user who it is to be, nobody is anonymous.
        let is_usable = |one: &str| one != "ANONYMOUS" || settings.anonymous_user.is_some();
        all.filter(|one| settings.offers(one) && is_usable(one))
            .collect()
    }

    /// Largest message that may be published.
    pub fn message_bytes_max(&self) -> u64 {
        let own = self.settings.max_message_size;
        own.unwrap_or(self.compat.message_bytes_max)
    }

    /// The name of the cluster; without one, that of its node.
    pub fn cluster_name(&self) -> Name {
        let parameters = self.parameters.lock();
        let named = parameters.get(CLUSTER_NAME).and_then(FieldValue::as_str);
        named.map_or_else(|| self.node.clone(), Name::from)
    }

    /// The virtual host of that name.
    pub fn vhost(&self, name: &str) -> Result<Arc<VirtualHost>, BrokerError> {
        self.vhosts
            .get(name)
            .ok_or_else(|| BrokerError::NoVhost(name.into()))
    }

    /// Add a virtual host; `false` when it was there already.
    pub fn add_vhost(&self, name: Name, metadata: VhostMetadata) -> bool {
        let shared = vhost::Shared {
            compat: Arc::clone(&self.compat),
            default_queue_type: self.default_queue_type,
            node: self.node.clone(),
            random: Arc::clone(&self.random),
            totals: Arc::clone(&self.totals),
        };
        let vhost = Arc::new(VirtualHost::new(name.clone(), metadata, &shared));
        let is_new = self.vhosts.insert_new(name, Arc::clone(&vhost)).is_ok();
        if is_new {
            self.furnish(&vhost);
        }
        is_new
    }

    /// Delete a virtual host with all that is in it; its connections are closed.
    pub fn delete_vhost(&self, name: &str) -> Result<(), BrokerError> {
        self.vhosts
            .remove(name)
            .ok_or_else(|| BrokerError::NoVhost(name.into()))?;
        for user in self.users.snapshot() {
            user.change(|state| {
                state.permissions.remove(name);
                state
                    .topic_permissions
                    .retain(|(vhost, _), _| *vhost != *name);
            });
        }
        let text = format!("vhost '{name}' is deleted");
        self.close_connections(&text, |connection| connection.vhost == *name);
        Ok(())
    }

    /// Delete a user; its connections are closed. `false` when there is none.
    pub fn delete_user(&self, name: &str) -> bool {
        let Some(user) = self.users.remove(name) else {
            return false;
        };
        user.delete();
        let text = format!("user '{name}' is deleted");
        self.close_connections(&text, |connection| connection.user.name == *name);
        true
    }

    /// The user that may come in with this name and password from this machine, or from another.
    pub fn let_in(&self, name: &str, password: &str, is_local: bool) -> Option<Arc<User>> {
        if self.settings.any_credentials.accept(is_local) && !name.is_empty() {
            return Some(self.welcome(name));
        }
        let user = self.authenticate(name, password);
        user.filter(|_| is_local || self.settings.is_remote_allowed(name))
    }

    /// Whoever it is: who is not known yet is an administrator.
    fn welcome(&self, name: &str) -> Arc<User> {
        self.users.get(name).unwrap_or_else(|| {
            let name = Name::from(name);
            let tags = vec!["administrator".to_owned()];
            let user = Arc::new(User::new(name.clone(), PasswordHash::default(), tags));
            match self.users.insert_new(name, Arc::clone(&user)) {
                Ok(()) => user,
                Err(there) => there,
            }
        })
    }

    /// Where any credentials will do, administrators may use the virtual host that they open.
    pub fn make_at_home(&self, user: &User, vhost: &Name) {
        let is_lost = user.has_tag("administrator") && user.permission(vhost).is_none();
        if self.settings.any_credentials == AnyCredentials::Off || !is_lost {
            return;
        }
        if let Ok(permission) = Permission::new(".*", ".*", ".*") {
            let permission = Arc::new(permission);
            user.change(|state| state.permissions.insert(vhost.clone(), permission));
        }
    }

    /// The user, if the password is right.
    pub fn authenticate(&self, name: &str, password: &str) -> Option<Arc<User>> {
        let user = self.users.get(name)?;
        let hash = user.read(|state| state.password.clone());
        hash.verify(password).then_some(user)
    }

    /// Hash a password with a fresh salt.
    pub fn hash(&self, password: &str) -> PasswordHash {
        let salt = self.random.bits_32().to_be_bytes();
        PasswordHash::new(self.settings.hashing, password, salt)
    }

    /// A generated name: `prefix` and 22 characters of unpadded URL-safe Base64.
    pub fn generated_name(&self, prefix: &str) -> Name {
        use base64::Engine as _;
        let bits = self.random.bits_128().to_be_bytes();
        let text = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bits);
        Name::from(format!("{prefix}{text}"))
    }

    /// A number for a new connection.
    pub fn next_connection_id(&self) -> ConnectionId {
        ConnectionId(self.next_connection.fetch_add(1, Ordering::Relaxed))
    }

    /// A connection is gone, with its exclusive queues.
    pub fn remove_connection(&self, connection: &Connection, fx: &mut Effects) {
        self.connections.remove(&connection.id);
        connection::add(&self.churn.connection_closed, 1);
        let (sent, _) = connection.outlet.traffic();
        match self.vhosts.get(&connection.vhost) {
            Some(vhost) => vhost.totals.retire_connection(&connection.traffic, sent),
            None => self.totals.retire_connection(&connection.traffic, sent),
        }
        if let Some(vhost) = self.vhosts.get(&connection.vhost) {
            vhost.drop_exclusive(connection.id, fx);
        }
        fx.note(|_| Change::connection_closed(connection, &self.node));
    }

    /// Close the connections that `which` picks: they get 320 with this text.
    pub fn close_connections(&self, text: &str, which: impl Fn(&Connection) -> bool) {
        let all = self.connections.snapshot();
        all.iter()
            .filter(|connection| which(connection))
            .for_each(|one| one.close(text));
    }

    /// Let `by` change the model in one virtual host, and settle what that left to do. `now` is
    /// the broker's own time. No lock is held on entry.
    pub fn change<T>(
        &self,
        by: &str,
        vhost: &VirtualHost,
        now: Tick,
        change: impl FnOnce(Tick, &mut Effects) -> T,
    ) -> T {
        let now = vhost.now(now);
        let mut fx = Effects {
            actor: Some(by.into()),
            ..Effects::default()
        };
        self.begin(Some(vhost), &mut fx);
        let result = change(now, &mut fx);
        self.settle(vhost, now, &mut fx);
        result
    }

    /// Tell of a virtual host that is new; it begins with its exchanges.
    pub fn announce_vhost(&self, vhost: &VirtualHost, by: &str, now: Tick) {
        for exchange in vhost.exchanges.sorted() {
            self.announce(now, || Change::exchange_created(&exchange, by));
        }
        self.announce(now, || Change::vhost_created(vhost, &self.node, by));
    }

    /// Effects for one read, tick or request in `vhost`.
    pub fn begin(&self, vhost: Option<&VirtualHost>, fx: &mut Effects) {
        fx.recording = self.events.is_listening();
        fx.tracer = vhost.and_then(VirtualHost::tracer);
        fx.noting = fx.recording || self.system.event;
        fx.wall_start_ms = self.wall_start_ms;
    }

    /// The time of day at `now`: milliseconds since 1970.
    pub fn wall_ms(&self, now: Tick) -> u64 {
        self.wall_start_ms.saturating_add(now.ms())
    }

    /// Do what calls into the model left to do: dead letters, deletions, flushes, deadlines,
    /// events. No lock is held on entry.
    pub fn settle(&self, vhost: &VirtualHost, now: Tick, fx: &mut Effects) {
        fx.settle(vhost, now);
        if !fx.deadlines.is_empty() {
            self.timer.arm(&mut fx.deadlines);
        }
        if !fx.events.is_empty() {
            self.tell(&mut fx.events, vhost.real(now));
        }
        if !fx.burials.is_empty() {
            self.totals.bury(&mut fx.burials);
        }
        let arrived = std::mem::take(&mut fx.arrived_bytes);
        if arrived > 0 && self.alarm.arrived(arrived) {
            self.look_at_alarm();
        }
    }

    /// Move one virtual host's clock, or all of them; what became due happens at once.
    pub fn advance_ms(&self, vhost: Option<&str>, ms: u64) -> Result<(), BrokerError> {
        match vhost {
            Some(name) => self.vhost(name)?.advance_ms(ms),
            None => self
                .vhosts
                .snapshot()
                .iter()
                .for_each(|vhost| vhost.advance_ms(ms)),
        }
        self.timer.moved();
        Ok(())
    }

    /// How far a virtual host's clock was moved, of all the farthest.
    pub fn moved_ms(&self) -> u64 {
        let vhosts = self.vhosts.snapshot();
        let moved = vhosts.iter().map(|vhost| vhost.now(Tick(0)).ms());
        moved.max().unwrap_or_default()
    }

    /// Bytes that all messages hold. One in several queues counts in each; delayed ones count too.
    pub fn held_bytes(&self) -> u64 {
        let vhosts = self.vhosts.snapshot();
        let queues = vhosts
            .iter()
            .flat_map(|vhost| [vhost.queues.snapshot(), vhost.replies.snapshot()])
            .flatten();
        let queued: u64 = queues.map(|queue| queue.held_bytes()).sum();
        let exchanges = vhosts.iter().flat_map(|vhost| vhost.exchanges.snapshot());
        let delayed: u64 = exchanges.map(|exchange| exchange.held_bytes()).sum();
        queued + delayed
    }

    /// Ask the queues what they hold. A connection finds out by itself that the alarm is on, when
    /// it publishes; that it is over it is told. No lock is held on entry.
    pub fn look_at_alarm(&self) {
        if !self.alarm.evaluate(self.held_bytes()) {
            return;
        }
        let node = &self.node;
        if self.alarm.is_raised() {
            tracing::warn!(
                "memory resource limit alarm set on node {node}: publishers are paused until it clears"
            );
            // Somebody has to look when it is over.
            self.timer.moved();
            return;
        }
        tracing::warn!("memory resource limit alarm cleared on node {node}");
        for connection in self.connections.snapshot() {
            connection.outlet.notice(Notice::AlarmEnded);
        }
    }

    /// Pause publishers over this many bytes from now on.
    pub fn set_memory_limit(&self, bytes: u64) {
        self.alarm.set_limit(bytes);
        self.look_at_alarm();
    }

    /// Raise the memory alarm by hand, or leave it to the memory again.
    pub fn force_alarm(&self, on: bool) {
        self.alarm.force(on);
        self.look_at_alarm();
    }
}
