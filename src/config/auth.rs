//! Where users and what they may are asked for: `auth_backends`, `auth_http`, `auth_oauth2`.

use std::collections::BTreeMap;

pub use super::oauth2::OAuth2;
use super::tls::TlsClient;
use super::value::Value;

/// Longest wait for an authentication service that says nothing, in milliseconds.
const TIMEOUT_MS: u64 = 15_000;

/// How long RabbitMQ's cache keeps answers, in milliseconds.
const CACHE_MS: u64 = 15_000;

/// One way to find out who a user is and what it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// This broker's own users.
    Internal,
    /// A service over HTTP.
    Http,
    /// What a token says.
    OAuth2,
}

impl Backend {
    /// By RabbitMQ's names; some of its backends are not here.
    fn from_name(name: &str) -> Result<Option<Self>, String> {
        match name {
            "internal" | "rabbit_auth_backend_internal" => Ok(Some(Self::Internal)),
            "http" | "rabbit_auth_backend_http" => Ok(Some(Self::Http)),
            "oauth" | "oauth2" | "rabbit_auth_backend_oauth2" => Ok(Some(Self::OAuth2)),
            "ldap" | "rabbit_auth_backend_ldap" | "dummy" | "rabbit_auth_backend_dummy" => {
                Err(format!("the backend {name} is not here"))
            }
            "cache" | "rabbit_auth_backend_cache" => Ok(None),
            _ => Err("expected internal, http, oauth2 or cache".to_owned()),
        }
    }

    /// The module that RabbitMQ's texts name.
    pub const fn module(self) -> &'static str {
        match self {
            Self::Internal => "rabbit_auth_backend_internal",
            Self::Http => "rabbit_auth_backend_http",
            Self::OAuth2 => "rabbit_auth_backend_oauth2",
        }
    }
}

/// What is remembered of a backend's answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cached {
    /// For how long, in milliseconds.
    pub ttl_ms: u64,
    /// Refusals too.
    pub keeps_refusals: bool,
}

impl Default for Cached {
    fn default() -> Self {
        Self {
            ttl_ms: CACHE_MS,
            keeps_refusals: false,
        }
    }
}

/// Who says who a user is, and who says what it may; `None` is what `auth_cache` names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pair {
    /// Who it is.
    pub authn: Option<Backend>,
    /// What it may.
    pub authz: Option<Backend>,
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Auth {
    /// By number, tried in order; none are the internal users.
    pub backends: BTreeMap<String, Pair>,
    /// What a `cache` among them stands for.
    pub cached: Pair,
    /// What that cache remembers.
    pub cache: Cached,
    /// The service.
    pub http: HttpAuth,
    /// The tokens.
    pub oauth2: OAuth2,
}

/// The service over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpAuth {
    /// Asked by POST, not by GET.
    pub is_post: bool,
    /// Who is this?
    pub user_path: String,
    /// May it use this virtual host?
    pub vhost_path: String,
    /// May it do this to a queue or an exchange?
    pub resource_path: String,
    /// May it use this routing key?
    pub topic_path: String,
    /// For an answer, in milliseconds.
    pub request_timeout_ms: u64,
    /// Clients are told why they are refused.
    pub discloses: bool,
    /// How `https` is spoken.
    pub tls: TlsClient,
}

impl Default for HttpAuth {
    fn default() -> Self {
        let path = |name: &str| format!("http://localhost:8000/auth/{name}");
        Self {
            is_post: false,
            user_path: path("user"),
            vhost_path: path("vhost"),
            resource_path: path("resource"),
            topic_path: path("topic"),
            request_timeout_ms: TIMEOUT_MS,
            discloses: false,
            tls: TlsClient::default(),
        }
    }
}

impl Auth {
    /// The backends in order, with what a cache stands for put in.
    pub fn chain(&self) -> Vec<(Backend, Backend)> {
        let internal = Backend::Internal;
        if self.backends.is_empty() {
            return vec![(internal, internal)];
        }
        let cached =
            |own: Option<Backend>, cached: Option<Backend>| own.or(cached).unwrap_or(internal);
        let pair = |pair: &Pair| {
            let authn = cached(pair.authn, self.cached.authn);
            (authn, cached(pair.authz, self.cached.authz))
        };
        self.backends.values().map(pair).collect()
    }

    /// The cache, if it is among the backends.
    pub fn cache(&self) -> Option<Cached> {
        let mut pairs = self.backends.values();
        let is_used = pairs.any(|pair| pair.authn.is_none() || pair.authz.is_none());
        is_used.then_some(self.cache)
    }

    /// Whether anybody but the internal users is asked.
    pub fn asks_elsewhere(&self) -> bool {
        let internal = (Backend::Internal, Backend::Internal);
        self.chain().iter().any(|pair| *pair != internal)
    }

    /// Set what a key says.
    pub(super) fn set(&mut self, key: &str, names: &[&str], value: &Value) -> Result<(), String> {
        let (area, field) = key.split_once('.').unwrap_or((key, ""));
        let name = names.first().copied().unwrap_or_default();
        match area {
            "auth_cache" if field == "cache_ttl" => {
                self.cache.ttl_ms = u64::try_from(value.number()).unwrap_or(u64::MAX);
            }
            "auth_cache" if field == "cache_refusals" => {
                self.cache.keeps_refusals = value.is_true();
            }
            "auth_backends" | "auth_cache" => return self.set_backend(area, field, name, value),
            "auth_http" => self.http.set(field, value),
            _ => self.oauth2.set(field, names, value),
        }
        Ok(())
    }

    fn set_backend(
        &mut self,
        area: &str,
        field: &str,
        name: &str,
        value: &Value,
    ) -> Result<(), String> {
        let backend = Backend::from_name(&value.text())?;
        let pair = match area {
            "auth_cache" => &mut self.cached,
            // By number, not by letter: 10 comes after 9.
            _ => self.backends.entry(format!("{name:0>9}")).or_default(),
        };
        if !field.ends_with("authz") {
            pair.authn = backend;
        }
        if !field.ends_with("authn") {
            pair.authz = backend;
        }
        Ok(())
    }
}

impl HttpAuth {
    fn set(&mut self, field: &str, value: &Value) {
        let text = value.text();
        match field {
            "http_method" => self.is_post = text == "post",
            "user_path" => self.user_path = text,
            "vhost_path" => self.vhost_path = text,
            "resource_path" => self.resource_path = text,
            "topic_path" => self.topic_path = text,
            "request_timeout" => {
                let ms = u64::try_from(value.number());
                self.request_timeout_ms = ms.unwrap_or(TIMEOUT_MS);
            }
            "authorization_failure_disclosure" => self.discloses = value.is_true(),
            _ => {
                if let Some(option) = field.strip_prefix("ssl_options.") {
                    self.tls.set(option, value);
                }
            }
        }
    }
}
