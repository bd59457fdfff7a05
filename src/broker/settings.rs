//! [`Settings`]: what whoever starts a broker may choose besides the release line.
//!
//! Names and defaults are those of RabbitMQ's settings file.

use super::credentials::CredentialValidator;
use super::interceptors::Interceptors;
use super::user::HashingAlgorithm;
use super::vhost_defaults::VhostDefaults;

/// See the module. `None` is what the release line has.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Seconds between heartbeats, as offered to clients.
    pub heartbeat: u16,
    /// Largest frame offered to clients.
    pub frame_max: u32,
    /// Largest frame before that is agreed on.
    pub initial_frame_max: Option<u32>,
    /// Most channels of a connection, as offered to clients.
    pub channel_max: u16,
    /// Most channels of all connections.
    pub channel_max_per_node: Option<u64>,
    /// Most consumers of a channel.
    pub consumer_max_per_channel: Option<u64>,
    /// Most queues of all virtual hosts.
    pub cluster_queue_limit: Option<u64>,
    /// Exchanges in all virtual hosts together, those that are there at first too.
    pub cluster_exchange_limit: Option<u64>,
    /// Publishes that may wait for one commit.
    pub channel_tx_message_max: Option<u64>,
    /// Quorum queues may be declared again as classic ones.
    pub relaxes_redeclaration: bool,
    /// How passwords are kept.
    pub hashing: HashingAlgorithm,
    /// Most virtual hosts.
    pub vhost_max: Option<u64>,
    /// Largest message.
    pub max_message_size: Option<u64>,
    /// Longest handshake, in milliseconds; 0 is without end.
    pub handshake_timeout_ms: u64,
    /// Whether anybody is let in, whatever the name and password.
    pub any_credentials: AnyCredentials,
    /// Others than this broker are asked who users are and what they may.
    pub asks_elsewhere: bool,
    /// Users that may connect from this machine only.
    pub loopback_users: Vec<String>,
    /// Who is logged in without a name; `None` is nobody.
    pub anonymous_user: Option<String>,
    /// Its password.
    pub anonymous_pass: String,
    /// Offered ways to log in; `None` are all there are.
    pub auth_mechanisms: Option<Vec<String>>,
    /// The user there is at first.
    pub default_user: DefaultUser,
    /// The virtual host there is at first.
    pub default_vhost: String,
    /// What new virtual hosts begin with.
    pub vhost_defaults: VhostDefaults,
    /// What the cluster is called; `None` is as the node.
    pub cluster_name: Option<String>,
    /// The product that clients are told.
    pub product_name: Option<String>,
    /// Its version.
    pub product_version: Option<String>,
    /// Which counters of messages are told (`management.rates_mode`).
    pub rates_mode: RatesMode,
    /// What `/api/overview` tells of the cluster, by name.
    pub cluster_tags: Vec<(String, String)>,
    /// Likewise of the node.
    pub node_tags: Vec<(String, String)>,
    /// Which passwords users may have.
    pub credentials: CredentialValidator,
    /// What is added to messages that come in.
    pub interceptors: Interceptors,
    /// Deprecated features that are permitted or denied whatever the release line says.
    pub permitted_features: Vec<(String, bool)>,
}

/// Which counters of messages are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RatesMode {
    /// Of each queue, exchange and channel.
    #[default]
    Basic,
    /// Also from which channel to which exchange and queue.
    Detailed,
    /// Only how many messages there are.
    None,
}

impl RatesMode {
    /// RabbitMQ's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Detailed => "detailed",
            Self::None => "none",
        }
    }
}

/// From where any name and password will do; for development only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AnyCredentials {
    /// From nowhere: names and passwords count.
    #[default]
    Off,
    /// From this machine.
    Local,
    /// From everywhere.
    Everywhere,
}

impl AnyCredentials {
    /// Whether they will do for a client that is on this machine or is not.
    pub fn accept(self, is_local: bool) -> bool {
        match self {
            Self::Off => false,
            Self::Local => is_local,
            Self::Everywhere => true,
        }
    }
}

/// The user there is at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DefaultUser {
    /// Its name.
    pub name: String,
    /// Its password.
    pub password: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// What it may configure, write and read in the default virtual host.
    pub permissions: [String; 3],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat: 60,
            frame_max: 131_072,
            initial_frame_max: None,
            channel_max: 2047,
            channel_max_per_node: None,
            consumer_max_per_channel: None,
            cluster_queue_limit: None,
            cluster_exchange_limit: None,
            channel_tx_message_max: None,
            relaxes_redeclaration: false,
            hashing: HashingAlgorithm::default(),
            vhost_max: None,
            max_message_size: None,
            handshake_timeout_ms: 10_000,
            any_credentials: AnyCredentials::default(),
            asks_elsewhere: false,
            loopback_users: vec!["guest".to_owned()],
            anonymous_user: Some("guest".to_owned()),
            anonymous_pass: "guest".to_owned(),
            auth_mechanisms: None,
            default_user: DefaultUser::default(),
            default_vhost: "/".to_owned(),
            vhost_defaults: VhostDefaults::default(),
            cluster_name: None,
            product_name: None,
            product_version: None,
            rates_mode: RatesMode::default(),
            cluster_tags: Vec::new(),
            node_tags: Vec::new(),
            credentials: CredentialValidator::default(),
            interceptors: Interceptors::default(),
            permitted_features: Vec::new(),
        }
    }
}

impl Default for DefaultUser {
    fn default() -> Self {
        let all = || ".*".to_owned();
        Self {
            name: "guest".to_owned(),
            password: "guest".to_owned(),
            tags: vec!["administrator".to_owned()],
            permissions: [all(), all(), all()],
        }
    }
}

/// How clients may log in, in the order in which they are offered.
pub(super) fn mechanisms(with_anonymous: bool) -> &'static [&'static str] {
    match with_anonymous {
        true => &["ANONYMOUS", "PLAIN", "AMQPLAIN"],
        false => &["AMQPLAIN", "PLAIN"],
    }
}

impl Settings {
    /// Whether clients may log in by this way.
    pub fn offers(&self, mechanism: &str) -> bool {
        let chosen = self.auth_mechanisms.as_ref();
        chosen.is_none_or(|chosen| chosen.iter().any(|own| own == mechanism))
    }

    /// Whether a user may connect from another machine.
    pub fn is_remote_allowed(&self, user: &str) -> bool {
        !self.loopback_users.iter().any(|local| local == user)
    }
}
