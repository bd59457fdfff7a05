//! Logging in: start, tune, open, and what they are refused for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use leveret_proto::capability::{self, ClientCapabilities};
use leveret_proto::code::ReplyCode;
use leveret_proto::exception::{Exception, Scope};
use leveret_proto::method::connection;
use leveret_proto::sasl::{self, SaslError};
use leveret_proto::value::FieldTable;

use super::diary::End;
use super::{AllowedCache, Core, Open, Session, Verdict};
use crate::broker::authority::{Question, Ruling};
use crate::broker::connection::{Connection, Traffic};
use crate::broker::event::Change;
use crate::broker::tls::PeerCertificate;
use crate::broker::user::User;
use crate::broker::vhost::VirtualHost;
use crate::sync::Ranked;

/// What a connection knows before it is open.
#[derive(Debug, Default)]
pub(super) struct Login {
    user: Option<Arc<User>>,
    mechanism: String,
    client_properties: FieldTable,
    /// It was refused, and is not told before its time.
    refusal: Option<Refusal>,
}

/// What a client that fails to log in again and again is told, and when.
#[derive(Debug)]
struct Refusal {
    at: Instant,
    /// `None` just closes the socket.
    exception: Option<Exception>,
}

impl Login {
    pub(super) fn refused_at(&self) -> Option<Instant> {
        self.refusal.as_ref().map(|refusal| refusal.at)
    }
}

impl Session {
    pub(super) fn send_start(&mut self) {
        let broker = &self.core.broker;
        let mut properties = FieldTable::new();
        properties.insert("capabilities", capability::server());
        properties.insert("cluster_name", broker.cluster_name().as_str());
        properties.insert("copyright", "Copyright (c) the Leveret authors");
        properties.insert("information", "In-memory broker for development and tests");
        properties.insert("platform", concat!("Leveret ", env!("CARGO_PKG_VERSION")));
        let settings = &broker.settings;
        let product = settings.product_name.as_deref().unwrap_or("RabbitMQ");
        properties.insert("product", product);
        let version = settings.product_version.as_deref();
        properties.insert("version", version.unwrap_or(broker.compat.version));
        let mechanisms = self.core.mechanisms().join(" ");
        let machine = &self.machine;
        self.core
            .egress
            .write(|out| machine.send_start(out, properties, &mechanisms));
    }

    pub(super) fn on_start_ok(
        &mut self,
        start_ok: connection::StartOk,
    ) -> Result<Verdict, Exception> {
        let mechanism = start_ok.mechanism.to_string();
        let own_name = start_ok.client_properties.get("connection_name");
        self.core.log_client_name(own_name);
        self.core.login.client_properties = start_ok.client_properties;
        if !self.core.mechanisms().contains(&mechanism.as_str()) {
            return Ok(Verdict::Hangup);
        }
        let login = match sasl::decode(&mechanism, &start_ok.response) {
            Ok(login) => login,
            Err(SaslError::NotText) => return self.refuse_login(&mechanism),
            // What is not of the mechanism's form gets no answer from RabbitMQ either.
            Err(SaslError::UnknownMechanism | SaslError::Malformed) => return Ok(Verdict::Hangup),
        };
        let user = match (self.core.asking.login.take(), login) {
            (Some(found), login) => self.core.found(&mechanism, &login, found),
            (None, login) => self.core.log_in_by(&mechanism, login),
        };
        let Some(user) = user else {
            return self.refuse_login(&mechanism);
        };
        let core = &self.core;
        core.announce_login(&mechanism, &user.name, None);
        self.core.login.user = Some(user);
        self.core.login.mechanism = mechanism;
        let machine = &self.machine;
        self.core.egress.write(|out| machine.send_tune(out));
        Ok(Verdict::Open)
    }

    /// A client that can take it hears why; any other sees the socket close.
    fn refuse_login(&mut self, mechanism: &str) -> Result<Verdict, Exception> {
        let text = format!(
            "Login was refused using authentication mechanism {mechanism}. For details see the \
             broker logfile."
        );
        let core = &mut self.core;
        let exception = core
            .capabilities()
            .authentication_failure_close
            .then(|| Exception::new(ReplyCode::ACCESS_REFUSED, text).with_scope(Scope::Connection));
        let ip = core.endpoints.peer.ip();
        core.diary.ends(End::Orderly);
        match core.broker.guesses.failed(ip, core.now.tick) {
            0 => exception.map_or(Ok(Verdict::Hangup), Err),
            ms => {
                let at = core.now.instant + Duration::from_millis(ms);
                core.login.refusal = Some(Refusal { at, exception });
                Ok(Verdict::Open)
            }
        }
    }

    /// The time of a refusal has come, if it has.
    pub(super) fn on_refusal(&mut self, now: Instant) -> Option<Verdict> {
        let refusal = &mut self.core.login.refusal;
        let due = refusal.take_if(|refusal| refusal.at <= now)?;
        let Some(exception) = due.exception else {
            return Some(Verdict::Hangup);
        };
        self.core.now.instant = now;
        self.refuse(0, &exception);
        Some(Verdict::Open)
    }

    pub(super) fn on_open(&mut self, vhost: &str) -> Result<(), Exception> {
        let (frame_max, channel_max) = (self.machine.frame_max(), self.machine.channel_max());
        let heartbeat = self.machine.heartbeat();
        let opened = self.core.open(vhost, (frame_max, channel_max, heartbeat));
        opened.map_err(|exception| exception.on(10, 40))?;
        self.core.egress.lock().frame_max = frame_max;
        let machine = &mut self.machine;
        self.core.egress.write(|out| machine.send_open_ok(out));
        Ok(())
    }
}

impl Core {
    fn capabilities(&self) -> ClientCapabilities {
        ClientCapabilities::of(&self.login.client_properties)
    }

    /// What the client showed to the transport.
    pub(super) fn certificate(&self) -> Option<&PeerCertificate> {
        self.tls.as_ref().and_then(|tls| tls.peer.as_ref())
    }

    fn announce_login(&self, mechanism: &str, user: &str, refusal: Option<&str>) {
        let ends = (
            canonical(self.endpoints.peer),
            canonical(self.endpoints.local),
        );
        self.broker.announce(self.now.tick, || {
            Change::authentication(ends, self.tls.is_some(), mechanism, user, refusal)
        });
    }

    /// How the client may log in: with a certificate it has one way more.
    pub(super) fn mechanisms(&self) -> Vec<&'static str> {
        let mut mechanisms = self.broker.mechanisms();
        if self.certificate().is_some() && self.broker.settings.offers("EXTERNAL") {
            mechanisms.push("EXTERNAL");
        }
        mechanisms
    }

    /// Who gives no name is who the settings say.
    fn log_in_anonymous(&self, mechanism: &str) -> Option<Arc<User>> {
        let broker = Arc::clone(&self.broker);
        let user = broker.settings.anonymous_user.as_deref()?;
        self.log_in(mechanism, user, &broker.settings.anonymous_pass)
    }

    fn log_in_by(&self, mechanism: &str, login: sasl::Login) -> Option<Arc<User>> {
        match login {
            sasl::Login::Password { user, password } => self.log_in(mechanism, &user, &password),
            sasl::Login::Anonymous => self.log_in_anonymous(mechanism),
            sasl::Login::External => self.log_in_certified(mechanism),
        }
    }

    /// Others were asked who it is.
    fn found(
        &self,
        mechanism: &str,
        login: &sasl::Login,
        found: Result<Arc<User>, String>,
    ) -> Option<Arc<User>> {
        self.broker.logins.amqp.count(found.is_ok());
        let name = match login {
            sasl::Login::Password { user, .. } => user.as_str(),
            sasl::Login::Anonymous | sasl::Login::External => "",
        };
        found
            .inspect_err(|reason| self.note_refused(mechanism, name, reason))
            .ok()
    }

    /// Who has logged in.
    pub(super) fn login_user(&self) -> Option<&Arc<User>> {
        self.login.user.as_ref()
    }

    fn log_in(&self, mechanism: &str, name: &str, password: &str) -> Option<Arc<User>> {
        let user = self.broker.let_in(name, password, self.is_local());
        if user.is_none() {
            let is_known = self.broker.authenticate(name, password).is_some();
            let reason = match is_known {
                true => format!("user '{name}' can only connect via localhost"),
                false => format!("user '{name}' - invalid credentials"),
            };
            self.note_refused(mechanism, name, &reason);
        }
        self.broker.logins.amqp.count(user.is_some());
        user
    }

    /// The transport has checked the certificate: whoever it names must only exist.
    fn log_in_certified(&self, mechanism: &str) -> Option<Arc<User>> {
        let name = self.certificate().and_then(|peer| peer.login.as_deref());
        let user = name
            .filter(|name| self.may_come_from_here(name))
            .and_then(|name| self.broker.users.get(name));
        if user.is_none() {
            let reason = match name {
                Some(name) => format!("user '{name}' - not found or not allowed from there"),
                None => "no name found in the certificate".to_owned(),
            };
            self.note_refused(mechanism, name.unwrap_or_default(), &reason);
        }
        self.broker.logins.amqp.count(user.is_some());
        user
    }

    fn note_refused(&self, mechanism: &str, name: &str, reason: &str) {
        self.announce_login(mechanism, name, Some(reason));
        self.log_login_refused(mechanism, reason);
    }

    fn is_local(&self) -> bool {
        self.endpoints.peer.ip().to_canonical().is_loopback()
    }

    /// As RabbitMQ's `loopback_users`: the account that everybody knows is for this machine.
    fn may_come_from_here(&self, name: &str) -> bool {
        self.broker.settings.is_remote_allowed(name) || self.is_local()
    }

    fn open(&mut self, name: &str, limits: (u32, u16, u16)) -> Result<(), Exception> {
        self.broker.sockets.check()?;
        let Some(user) = self.login.user.clone() else {
            return Err(Exception::new(ReplyCode::NOT_ALLOWED, "not logged in"));
        };
        let vhost = self.broker.vhost(name)?;
        self.broker.make_at_home(&user, &vhost.name);
        if !user.may_enter(&vhost.name) {
            let because = match user
                .is_foreign
                .then(|| user.ruling(&Question::Vhost(name.into())))
            {
                Some(Ruling::Refused(because)) => because,
                _ => String::new(),
            };
            let user = &user.name;
            let text = format!("access to vhost '{name}' refused for user '{user}'{because}");
            return Err(Exception::new(ReplyCode::NOT_ALLOWED, text));
        }
        let capabilities = self.capabilities();
        let info = Arc::new(self.connection(&vhost, &user, limits));
        self.tick = vhost.now(self.now.tick);
        self.broker.add_connection(&vhost, &info, &mut self.fx)?;
        self.log_opened(&vhost.name, &user.name);
        self.watch_expiry(&user);
        self.fx.actor = Some(user.name.clone());
        self.open = Some(Open {
            vhost,
            user,
            info,
            allowed: AllowedCache::default(),
            cancel_notify: capabilities.consumer_cancel_notify,
            named_blocked: capabilities.connection_blocked,
        });
        Ok(())
    }

    fn connection(
        &mut self,
        vhost: &VirtualHost,
        user: &Arc<User>,
        limits: (u32, u16, u16),
    ) -> Connection {
        let (frame_max, channel_max, heartbeat) = limits;
        let super::Endpoints { peer, local } = self.endpoints;
        Connection {
            id: self.broker.next_connection_id(),
            name: format!("{} -> {}", canonical(peer), canonical(local)).into(),
            user: Arc::clone(user),
            vhost: vhost.name.clone(),
            peer,
            local,
            tls: self.tls.clone(),
            connected_at_ms: self.now.wall_ms,
            client_properties: std::mem::take(&mut self.login.client_properties),
            auth_mechanism: std::mem::take(&mut self.login.mechanism),
            frame_max,
            channel_max,
            heartbeat,
            outlet: Arc::clone(&self.egress) as _,
            blocked: AtomicBool::new(false),
            traffic: Traffic::default(),
            channels: Ranked::default(),
        }
    }
}

/// IPv4 is shown as such, also where it came in over a dual-stack socket.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}
