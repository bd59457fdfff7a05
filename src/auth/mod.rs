//! Who decides elsewhere who a user is and what it may: a service over HTTP, or a token. Asked by
//! whoever can wait: the task of a connection, or a request of the management API.

#[cfg(feature = "auth-http")]
mod cache;
#[cfg(any(feature = "auth-http", feature = "auth-oauth2"))]
mod client;
#[cfg(feature = "auth-http")]
mod http;
#[cfg(feature = "auth-oauth2")]
mod oauth2;

use std::io;
use std::net::IpAddr;
use std::sync::Arc;

use crate::broker::Broker;
use crate::broker::authority::{Authority, Question, Ruling};
use crate::broker::name::Name;
use crate::broker::user::User;
use crate::config::auth::{Auth as Settings, Backend};
use crate::session::inquiry::{Answer, Inquiry, Refreshed};

/// What is remembered of one login; beyond that it starts over.
#[cfg(feature = "auth-http")]
const ANSWERS_MAX: usize = 4096;

/// The backends, in the order in which they are tried.
#[derive(Debug)]
pub(crate) struct Auth {
    chain: Vec<(Backend, Backend)>,
    #[cfg(feature = "auth-http")]
    http: http::Service,
    #[cfg(feature = "auth-oauth2")]
    oauth2: oauth2::Tokens,
}

/// Who a backend says it is.
#[derive(Debug)]
enum Found {
    /// One of this broker's own.
    Own(Arc<User>),
    /// One with these tags.
    #[cfg_attr(
        not(any(feature = "auth-http", feature = "auth-oauth2")),
        expect(dead_code, reason = "nobody else is asked")
    )]
    Other(Name, Vec<String>, Option<Arc<dyn Authority>>),
}

impl Auth {
    /// Read what the settings name: keys, certificates.
    pub(crate) fn new(settings: &Settings) -> io::Result<Self> {
        let chain = settings.chain();
        for backend in chain.iter().flat_map(|(authn, authz)| [authn, authz]) {
            let is_here = match backend {
                Backend::Internal => true,
                Backend::Http => cfg!(feature = "auth-http"),
                Backend::OAuth2 => cfg!(feature = "auth-oauth2"),
            };
            if !is_here {
                let text = format!("this Leveret was built without {}", backend.module());
                return Err(io::Error::new(io::ErrorKind::Unsupported, text));
            }
        }
        Ok(Self {
            #[cfg(feature = "auth-http")]
            http: http::Service::new(&settings.http, settings.cache())?,
            #[cfg(feature = "auth-oauth2")]
            oauth2: oauth2::Tokens::new(
                &settings.oauth2,
                chain.iter().any(|one| one.0 == Backend::OAuth2),
            )?,
            chain,
        })
    }

    /// Whether tokens are taken.
    pub(crate) fn takes_tokens(&self) -> bool {
        self.chain
            .iter()
            .any(|(authn, _)| *authn == Backend::OAuth2)
    }

    /// Find out what a session wants to know.
    pub(crate) async fn answer(
        &self,
        broker: &Broker,
        inquiry: Inquiry,
        ip: IpAddr,
        now_ms: u64,
    ) -> Answer {
        match inquiry {
            Inquiry::Login { name, password } => {
                let found = self
                    .log_in(broker, &name, password.as_deref(), ip, now_ms)
                    .await;
                Answer::Login(found)
            }
            Inquiry::Rule(user, questions) => {
                self.rule(broker, &user, questions, ip, now_ms).await;
                Answer::Ruled
            }
            Inquiry::Refresh(user, token) => {
                Answer::Refreshed(self.refresh(&user, &token, now_ms).await)
            }
        }
    }

    /// Try all backends in order; the last one's refusal counts.
    pub(crate) async fn log_in(
        &self,
        broker: &Broker,
        name: &str,
        password: Option<&str>,
        ip: IpAddr,
        now_ms: u64,
    ) -> Result<Arc<User>, String> {
        let is_local = ip.to_canonical().is_loopback();
        if broker.settings.any_credentials.accept(is_local) {
            let user = broker.let_in(name, password.unwrap_or_default(), is_local);
            return user.ok_or_else(|| format!("user '{name}' - invalid credentials"));
        }
        let mut why = String::new();
        for (authn, authz) in &self.chain {
            let found = self
                .authenticate(*authn, broker, name, password, now_ms)
                .await;
            let made = match found {
                Ok(found) => self.authorise(*authn, *authz, broker, found),
                Err(reason) => Err(reason),
            };
            match made {
                Ok(user) if !is_local && !broker.settings.is_remote_allowed(&user.name) => {
                    return Err(format!(
                        "user '{}' can only connect via localhost",
                        user.name
                    ));
                }
                Ok(user) => return Ok(user),
                Err(reason) => why = reason,
            }
        }
        Err(why)
    }

    async fn authenticate(
        &self,
        backend: Backend,
        broker: &Broker,
        name: &str,
        password: Option<&str>,
        now_ms: u64,
    ) -> Result<Found, String> {
        let _ = now_ms;
        match backend {
            Backend::Internal => {
                let user = match password {
                    Some(password) => broker.authenticate(name, password),
                    None => broker.users.get(name),
                };
                let wrong = || format!("user '{name}' - invalid credentials");
                user.map(Found::Own).ok_or_else(wrong)
            }
            #[cfg(feature = "auth-http")]
            Backend::Http => {
                let tags = self
                    .http
                    .log_in(name, password, moved(broker, now_ms))
                    .await?;
                Ok(Found::Other(name.into(), tags, None))
            }
            #[cfg(feature = "auth-oauth2")]
            Backend::OAuth2 => {
                let grant = self
                    .oauth2
                    .check(password.unwrap_or_default(), now_ms / 1000)
                    .await?;
                let (name, tags) = (grant.name.as_str().into(), grant.tags.clone());
                Ok(Found::Other(name, tags, Some(Arc::new(grant))))
            }
            #[allow(unreachable_patterns, reason = "that depends on features")]
            _ => Err("not here".to_owned()),
        }
    }

    /// Who decides what a user may that has been found.
    fn authorise(
        &self,
        authn: Backend,
        authz: Backend,
        broker: &Broker,
        found: Found,
    ) -> Result<Arc<User>, String> {
        let (name, tags, authority) = match found {
            Found::Own(user) if authz == Backend::Internal => return Ok(user),
            Found::Own(user) => (
                user.name.clone(),
                user.read(|state| state.tags.clone()),
                None,
            ),
            Found::Other(name, tags, authority) => (name, tags, authority),
        };
        let foreign = |authority| {
            Ok(Arc::new(User::foreign(
                name.clone(),
                tags.clone(),
                authority,
            )))
        };
        match authz {
            Backend::Internal => {
                let user = broker.users.get(name.as_str());
                user.ok_or_else(|| format!("user '{name}' - invalid credentials"))
            }
            #[cfg(feature = "auth-http")]
            Backend::Http => foreign(Arc::new(http::Answers::default()) as _),
            Backend::OAuth2 if authn == Backend::OAuth2 => match authority {
                Some(authority) => foreign(authority),
                None => Err("there is no token".to_owned()),
            },
            #[allow(unreachable_patterns, reason = "that depends on features")]
            _ => Err(format!(
                "{} failed authorizing {name}: there is no token",
                authz.module()
            )),
        }
    }

    /// Ask what a user may, up to the first refusal.
    pub(crate) async fn rule(
        &self,
        broker: &Broker,
        user: &Arc<User>,
        questions: Vec<Question>,
        ip: IpAddr,
        now_ms: u64,
    ) {
        let Some(authority) = user.authority() else {
            return;
        };
        for question in questions {
            if authority.known(&question).is_some() {
                continue;
            }
            #[cfg(feature = "auth-http")]
            let ruling = {
                let now_ms = moved(broker, now_ms);
                self.http.rule(user, &question, ip, now_ms).await
            };
            #[cfg(not(feature = "auth-http"))]
            let ruling = {
                let _ = (broker, ip, now_ms);
                Ruling::from_bool(false)
            };
            let is_over = ruling != Ruling::Allowed;
            authority.learn(question, ruling);
            if is_over {
                return;
            }
        }
    }

    async fn refresh(&self, user: &User, token: &str, now_ms: u64) -> Refreshed {
        #[cfg(feature = "auth-oauth2")]
        {
            let grant = self.oauth2.check(token, now_ms / 1000).await?;
            if grant.name != *user.name {
                return Err("Not allowed to change username on refreshed token".to_owned());
            }
            let tags = grant.tags.clone();
            Ok((Arc::new(grant), tags))
        }
        #[cfg(not(feature = "auth-oauth2"))]
        {
            let _ = (user, token, now_ms);
            Err("there are no tokens".to_owned())
        }
    }
}

/// The time, as far as somebody has moved a clock.
#[cfg(feature = "auth-http")]
fn moved(broker: &Broker, now_ms: u64) -> u64 {
    now_ms.saturating_add(broker.moved_ms())
}
