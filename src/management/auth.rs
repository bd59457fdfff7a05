//! Who asks, and what they may: users and tags are the AMQP side's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Api;
use super::error::ApiError;
use super::http::Who;
use crate::broker::authority::Question;
use crate::broker::error::Resource;
use crate::broker::name::Name;
use crate::broker::permission::Access;
use crate::broker::secret;
use crate::broker::user::User;
use crate::broker::vhost::VirtualHost;

/// Tags that let a user in, each with what is above it.
const MANAGEMENT: &[&str] = &["management", "policymaker", "monitoring", "administrator"];
const POLICYMAKER: &[&str] = &["policymaker", "administrator"];
const MONITORING: &[&str] = &["monitoring", "administrator"];

/// Who asks.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// A user with a tag that lets it in.
    User(Arc<User>),
    /// The command line of the user that runs this broker.
    Local,
}

/// The middleware has found out who asks.
impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let found = parts.extensions.get::<Self>().cloned();
        found.ok_or(ApiError::NoCredentials)
    }
}

impl Caller {
    /// Who asks, if it is one that may.
    pub(super) async fn authorised(
        api: &Api,
        shown: &Credentials,
        who: Who,
        vhost: Option<&str>,
    ) -> Result<Self, ApiError> {
        let caller = Self::authenticated(api, shown).await?;
        caller.ask(api, shown, vhost).await;
        match who {
            Who::Anyone | Who::Management => {}
            Who::Member => caller.member(api, vhost)?,
            Who::Policymaker => caller.policymaker(api, vhost)?,
            Who::Monitoring => caller.monitor()?,
            Who::Administrator => caller.administrator()?,
        }
        Ok(caller)
    }

    async fn authenticated(api: &Api, shown: &Credentials) -> Result<Self, ApiError> {
        let header = shown.header.as_ref().ok_or(ApiError::NoCredentials)?;
        let malformed = || ApiError::Bare(400);
        let text = header.to_str().map_err(|_| malformed())?;
        let (scheme, value) = text.split_once(' ').ok_or_else(malformed)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            return match secret::is_same(value.as_bytes(), api.token.as_bytes()) {
                true => Ok(Self::Local),
                // The token says who it is.
                false if api.shared.auth.takes_tokens() => {
                    Self::log_in(api, "", value, shown.peer).await
                }
                false => Err(ApiError::Unauthenticated),
            };
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(ApiError::Unauthenticated);
        }
        Self::basic(api, value, shown.peer).await
    }

    /// What the handler is going to ask about a user that is known elsewhere.
    async fn ask(&self, api: &Api, shown: &Credentials, vhost: Option<&str>) {
        let Self::User(user) = self else { return };
        if !user.is_foreign {
            return;
        }
        let ip = shown.peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let now_ms = api.shared.clock.now().wall_ms;
        let all = api.broker().vhosts.snapshot();
        let vhosts = all.iter().map(|one| Question::Vhost(one.name.clone()));
        let named = objects(&shown.path, vhost.unwrap_or_default());
        // One by one, as a refusal ends a row of them.
        for question in vhosts.chain(named) {
            let auth = &api.shared.auth;
            auth.rule(api.broker(), user, vec![question], ip, now_ms)
                .await;
        }
    }

    /// One more question, of which only the body of the request tells.
    pub(super) async fn ask_also(&self, api: &Api, question: Question) {
        let Self::User(user) = self else { return };
        let (auth, now_ms) = (&api.shared.auth, api.shared.clock.now().wall_ms);
        // Where it comes from is said with the virtual host only.
        let ip = IpAddr::V4(Ipv4Addr::LOCALHOST);
        auth.rule(api.broker(), user, vec![question], ip, now_ms)
            .await;
    }
}

/// What a request shows of who asks.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    header: Option<HeaderValue>,
    peer: Option<IpAddr>,
    path: String,
}

impl Credentials {
    pub(super) fn of(request: &Request) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
        Self {
            header: request.headers().get(AUTHORIZATION).cloned(),
            peer: peer.map(|peer| peer.0.ip()),
            path: request.uri().path().to_owned(),
        }
    }
}

/// What of queues and exchanges a path names, with all that could be done to it.
fn objects(path: &str, vhost: &str) -> Vec<Question> {
    let decoded = |segment: &&str| percent_decode(segment);
    let segments: Vec<String> = path
        .split('/')
        .skip(2)
        .collect::<Vec<_>>()
        .iter()
        .map(decoded)
        .collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let kind = |letter: &str| match letter {
        "e" => Resource::Exchange,
        _ => Resource::Queue,
    };
    let named = match segments.as_slice() {
        ["queues", _, name, ..] => vec![(Resource::Queue, *name)],
        ["exchanges", _, name, ..] => vec![(Resource::Exchange, *name)],
        ["bindings", _, "e", source, letter, target, ..] => {
            vec![(Resource::Exchange, *source), (kind(letter), *target)]
        }
        _ => Vec::new(),
    };
    let vhost = Name::from(vhost);
    let all = [Access::Configure, Access::Write, Access::Read];
    let each =
        |(kind, name): (Resource, &str)| all.map(|access| Question::of(&vhost, kind, name, access));
    named.into_iter().flat_map(each).collect()
}

fn percent_decode(text: &str) -> String {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let [octet, after @ ..] = rest {
        let digits = after
            .first_chunk::<2>()
            .and_then(|two| std::str::from_utf8(two).ok());
        let encoded = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        let (octet, after) = match (octet, encoded) {
            (b'%', Some(encoded)) => (encoded, after.get(2..).unwrap_or_default()),
            (octet, _) => (*octet, after),
        };
        out.push(octet);
        rest = after;
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn name_and_password(decoded: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(decoded).ok()?.split_once(':')
}

fn has_any(user: &User, tags: &[&str]) -> bool {
    user.read(|state| state.tags.iter().any(|tag| tags.contains(&tag.as_str())))
}

impl Caller {
    /// Whose name and password these are, in Base64 with a colon between them.
    pub(super) async fn basic(
        api: &Api,
        value: &str,
        peer: Option<IpAddr>,
    ) -> Result<Self, ApiError> {
        let malformed = || ApiError::Bare(400);
        let decoded = STANDARD.decode(value.trim()).map_err(|_| malformed())?;
        let (name, password) = name_and_password(&decoded).ok_or_else(malformed)?;
        Self::log_in(api, name, password, peer).await
    }

    async fn log_in(
        api: &Api,
        name: &str,
        password: &str,
        peer: Option<IpAddr>,
    ) -> Result<Self, ApiError> {
        let ip = peer.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let broker = api.broker();
        let user = match broker.settings.asks_elsewhere {
            true => {
                let now_ms = api.shared.clock.now().wall_ms;
                let auth = &api.shared.auth;
                auth.log_in(broker, name, Some(password), ip, now_ms)
                    .await
                    .ok()
            }
            false => broker.let_in(name, password, ip.to_canonical().is_loopback()),
        };
        api.broker().logins.http.count(user.is_some());
        let user = user.ok_or(ApiError::Unauthenticated)?;
        match has_any(&user, MANAGEMENT) {
            true => Ok(Self::User(user)),
            false => Err(ApiError::Refused("Not management user")),
        }
    }

    /// Its name, for what it makes.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::User(user) => &user.name,
            Self::Local => "rmq-cli",
        }
    }

    /// Its tags.
    pub(super) fn tags(&self) -> Vec<String> {
        match self {
            Self::User(user) => user.read(|state| state.tags.clone()),
            Self::Local => vec!["administrator".to_owned()],
        }
    }

    pub(super) fn is_administrator(&self) -> bool {
        self.has(&["administrator"])
    }

    pub(super) fn is_monitor(&self) -> bool {
        self.has(MONITORING)
    }

    /// Whether the user was deleted since.
    pub(super) fn is_gone(&self) -> bool {
        match self {
            Self::User(user) => user.is_deleted(),
            Self::Local => false,
        }
    }

    fn has(&self, tags: &[&str]) -> bool {
        match self {
            Self::User(user) => has_any(user, tags),
            Self::Local => true,
        }
    }

    /// Only administrators go on.
    pub(super) fn administrator(&self) -> Result<(), ApiError> {
        if self.is_administrator() {
            Ok(())
        } else {
            Err(ApiError::Refused("Not administrator user"))
        }
    }

    /// Only those who may see the whole node go on.
    pub(super) fn monitor(&self) -> Result<(), ApiError> {
        if self.is_monitor() {
            Ok(())
        } else {
            Err(ApiError::Refused("Not monitor user"))
        }
    }

    /// Only who may use the virtual host goes on; one that is not there is for the handler.
    fn member(&self, api: &Api, vhost: Option<&str>) -> Result<(), ApiError> {
        let is_there = |vhost: &&str| api.broker().vhosts.contains(*vhost);
        match vhost.filter(is_there).is_none_or(|vhost| self.uses(vhost)) {
            true => Ok(()),
            false => Err(ApiError::Refused(
                "User not authorised to access virtual host",
            )),
        }
    }

    /// Only who may set policies and parameters, in a virtual host it may use, goes on.
    pub(super) fn policymaker(&self, api: &Api, vhost: Option<&str>) -> Result<(), ApiError> {
        let exists = vhost.is_none_or(|vhost| api.broker().vhosts.contains(vhost));
        let may_use = vhost.is_none_or(|vhost| self.uses(vhost));
        match self.has(POLICYMAKER) && (may_use || !exists) {
            true => Ok(()),
            false => Err(ApiError::Refused("User not authorised to access object")),
        }
    }

    /// Whether it may use a virtual host, or rule over all.
    fn uses(&self, vhost: &str) -> bool {
        match self {
            Self::Local => true,
            Self::User(user) => user.may_enter(&vhost.into()) || self.is_administrator(),
        }
    }

    /// The virtual host, where monitoring alone does not open it.
    pub(super) fn visible_vhost(
        &self,
        api: &Api,
        name: &str,
    ) -> Result<Arc<VirtualHost>, ApiError> {
        let vhost = api.broker().vhosts.get(name).ok_or(ApiError::NotFound)?;
        match self.uses(name) {
            true => Ok(vhost),
            false => Err(ApiError::Refused(
                "User not authorised to access virtual host",
            )),
        }
    }

    /// The virtual hosts that monitoring alone does not open, by name.
    pub(super) fn visible_vhosts(&self, api: &Api) -> Vec<Arc<VirtualHost>> {
        let all = api.broker().vhosts.sorted();
        all.into_iter()
            .filter(|vhost| self.uses(&vhost.name))
            .collect()
    }

    /// Whether it may see a virtual host's objects.
    pub(super) fn sees(&self, vhost: &str) -> bool {
        match self {
            Self::Local => true,
            Self::User(user) => user.may_enter(&vhost.into()) || self.is_monitor(),
        }
    }

    /// The virtual host, to look at.
    pub(super) fn vhost(&self, api: &Api, name: &str) -> Result<Arc<VirtualHost>, ApiError> {
        let vhost = api.broker().vhosts.get(name).ok_or(ApiError::NotFound)?;
        match self.sees(name) {
            true => Ok(vhost),
            false => Err(ApiError::Refused(
                "User not authorised to access virtual host",
            )),
        }
    }

    /// The virtual host, to change something in it that needs this access.
    pub(super) fn vhost_with(
        &self,
        api: &Api,
        name: &str,
        access: &[(Access, &str)],
    ) -> Result<Arc<VirtualHost>, ApiError> {
        let missing = || ApiError::Missing("vhost_not_found".to_owned());
        let vhost = api.broker().vhosts.get(name).ok_or_else(missing)?;
        let Self::User(user) = self else {
            return Ok(vhost);
        };
        let refused = ApiError::Refused("Access refused.");
        let may = |(access, object): &(Access, &str)| {
            let may = |kind| user.may(&vhost.name, kind, object, *access);
            // Only what the path means was asked for.
            may(Resource::Queue) || (user.is_foreign && may(Resource::Exchange))
        };
        match user.may_enter(&vhost.name) && access.iter().all(may) {
            true => Ok(vhost),
            false => Err(refused),
        }
    }

    /// The virtual hosts it may see, by name.
    pub(super) fn vhosts(&self, api: &Api) -> Vec<Arc<VirtualHost>> {
        let all = api.broker().vhosts.sorted();
        all.into_iter()
            .filter(|vhost| self.sees(&vhost.name))
            .collect()
    }
}
