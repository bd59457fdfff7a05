//! Users: who may log in, with which tags and permissions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use super::authority::{Authority, Question, Ruling};
use super::error::Resource;
use super::limit::Limits;
use super::name::Name;
use super::permission::{Access, Permission, TopicPermission};
use super::secret;
use crate::sync::{LEAF, Ranked};

const SALT_LEN: usize = 4;

/// How a password is hashed; names are RabbitMQ's, as definitions files carry them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashingAlgorithm {
    /// Salted SHA-256, the default.
    #[default]
    Sha256,
    /// Salted SHA-512.
    Sha512,
    /// Salted MD5, from definitions of old brokers.
    Md5,
}

impl HashingAlgorithm {
    /// As definitions files name it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "rabbit_password_hashing_sha256",
            Self::Sha512 => "rabbit_password_hashing_sha512",
            Self::Md5 => "rabbit_password_hashing_md5",
        }
    }

    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512, Self::Md5]
            .into_iter()
            .find(|one| one.as_str() == name)
    }

    fn digest(self, salt: &[u8], password: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::new()
                .chain_update(salt)
                .chain_update(password)
                .finalize()
                .to_vec(),
            Self::Sha512 => Sha512::new()
                .chain_update(salt)
                .chain_update(password)
                .finalize()
                .to_vec(),
            Self::Md5 => Md5::new()
                .chain_update(salt)
                .chain_update(password)
                .finalize()
                .to_vec(),
        }
    }
}

/// A stored password: four bytes of salt, then the digest. Empty means that no password fits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PasswordHash {
    bytes: Vec<u8>,
    /// How it was made.
    pub algorithm: HashingAlgorithm,
}

impl PasswordHash {
    /// Hash `password` with `salt`.
    pub fn new(algorithm: HashingAlgorithm, password: &str, salt: [u8; SALT_LEN]) -> Self {
        let digest = algorithm.digest(&salt, password.as_bytes());
        Self {
            bytes: [salt.as_slice(), &digest].concat(),
            algorithm,
        }
    }

    /// From a definitions file: Base64 of salt and digest.
    pub fn from_base64(text: &str, algorithm: HashingAlgorithm) -> Option<Self> {
        STANDARD
            .decode(text)
            .ok()
            .map(|bytes| Self { bytes, algorithm })
    }

    /// For a definitions file.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(&self.bytes)
    }

    /// Whether `password` is the one. Takes the same time wherever the first difference is.
    pub fn verify(&self, password: &str) -> bool {
        let Some((salt, stored)) = self.bytes.split_at_checked(SALT_LEN) else {
            return false;
        };
        let digest = self.algorithm.digest(salt, password.as_bytes());
        !password.is_empty() && secret::is_same(&digest, stored)
    }
}

/// A user.
#[derive(Debug)]
pub struct User {
    /// Its name.
    pub name: Name,
    /// What it may is decided elsewhere.
    pub is_foreign: bool,
    revision: AtomicU64,
    deleted: AtomicBool,
    state: Ranked<UserState, LEAF>,
}

/// What can be changed about a user.
#[derive(Clone, Debug, Default)]
pub struct UserState {
    /// Its password.
    pub password: PasswordHash,
    /// Its tags: `administrator`, `monitoring`, `policymaker`, `management`, `impersonator`, any.
    pub tags: Vec<String>,
    /// What it may open.
    pub limits: Limits,
    /// By virtual host.
    pub permissions: BTreeMap<Name, Arc<Permission>>,
    /// By virtual host and exchange.
    pub topic_permissions: BTreeMap<(Name, Name), Arc<TopicPermission>>,
    /// Who decides instead of these.
    pub authority: Option<Arc<dyn Authority>>,
}

impl User {
    /// A user without permissions.
    pub fn new(name: Name, password: PasswordHash, tags: Vec<String>) -> Self {
        let state = UserState {
            password,
            tags,
            ..UserState::default()
        };
        Self {
            name,
            is_foreign: false,
            revision: AtomicU64::new(0),
            deleted: AtomicBool::new(false),
            state: Ranked::new(state),
        }
    }

    /// A user that is known elsewhere.
    pub fn foreign(name: Name, tags: Vec<String>, authority: Arc<dyn Authority>) -> Self {
        let user = Self::new(name, PasswordHash::default(), tags);
        user.change(|state| state.authority = Some(authority));
        Self {
            is_foreign: true,
            ..user
        }
    }

    /// Who decides what it may, if not its permissions.
    pub fn authority(&self) -> Option<Arc<dyn Authority>> {
        self.read(|state| state.authority.clone())
    }

    /// The ruling of whoever decides elsewhere: what nobody asked for is refused.
    pub fn ruling(&self, question: &Question) -> Ruling {
        let known = self.authority().and_then(|all| all.known(question));
        known.unwrap_or_else(|| Ruling::from_bool(false))
    }

    /// Whether it may use a virtual host.
    pub fn may_enter(&self, vhost: &Name) -> bool {
        match self.is_foreign {
            true => self.ruling(&Question::Vhost(vhost.clone())) == Ruling::Allowed,
            false => self.permission(vhost).is_some(),
        }
    }

    /// Whether it may do this to a queue or an exchange.
    pub fn may(&self, vhost: &Name, kind: Resource, name: &str, access: Access) -> bool {
        match self.is_foreign {
            true => self.ruling(&Question::of(vhost, kind, name, access)) == Ruling::Allowed,
            false => {
                let permission = self.permission(vhost);
                permission.is_some_and(|permission| permission.allows(access, name))
            }
        }
    }

    /// Changes whenever anything about the user does: caches compare it.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Relaxed)
    }

    /// Look at it under its lock.
    pub fn read<T>(&self, look: impl FnOnce(&UserState) -> T) -> T {
        look(&self.state.lock())
    }

    /// Change it.
    pub fn change<T>(&self, change: impl FnOnce(&mut UserState) -> T) -> T {
        let result = change(&mut self.state.lock());
        self.revision.fetch_add(1, Ordering::Relaxed);
        result
    }

    /// Whether it carries `tag`.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.read(|state| state.tags.iter().any(|there| there == tag))
    }

    /// Its permissions in a virtual host.
    pub fn permission(&self, vhost: &str) -> Option<Arc<Permission>> {
        self.read(|state| state.permissions.get(vhost).cloned())
    }

    /// Whether it may use a routing key at a topic exchange: where it has no permission for that, it may.
    pub fn topic_ruling(&self, vhost: &Name, exchange: &Name, key: &str, access: Access) -> Ruling {
        if self.is_foreign {
            let (vhost, exchange) = (vhost.clone(), exchange.clone());
            return self.ruling(&Question::Topic(vhost, exchange, key.to_owned(), access));
        }
        let permission = self.topic_permission(vhost, exchange);
        Ruling::from_bool(permission.is_none_or(|own| own.allows(access, key, &self.name, vhost)))
    }

    /// Its topic permission for an exchange.
    pub fn topic_permission(&self, vhost: &Name, exchange: &Name) -> Option<Arc<TopicPermission>> {
        self.read(|state| {
            state
                .topic_permissions
                .get(&(vhost.clone(), exchange.clone()))
                .cloned()
        })
    }

    /// Whether there is no such user any more.
    pub fn is_deleted(&self) -> bool {
        self.deleted.load(Ordering::Relaxed)
    }

    /// It was deleted: its connections must end.
    pub fn delete(&self) {
        self.deleted.store(true, Ordering::Relaxed);
        self.revision.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::{HashingAlgorithm, PasswordHash};

    #[test]
    fn a_hash_of_rabbitmq_verifies() {
        // The worked example of RabbitMQ's password guide: salt 908D C60A, password "test12".
        let hash = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR";
        let hash = PasswordHash::from_base64(hash, HashingAlgorithm::Sha256).unwrap();
        assert!(hash.verify("test12"));
        assert!(!hash.verify("test13"));
    }

    #[test]
    fn an_empty_password_never_fits() {
        assert!(!PasswordHash::default().verify(""));
        assert!(!PasswordHash::new(HashingAlgorithm::default(), "", [1, 2, 3, 4]).verify(""));
    }

    #[test]
    fn base64_round_trip() {
        let hash = PasswordHash::new(HashingAlgorithm::default(), "hello", [9, 8, 7, 6]);
        assert!(hash.verify("hello"));
        assert_eq!(
            PasswordHash::from_base64(&hash.to_base64(), hash.algorithm),
            Some(hash)
        );
    }
}
