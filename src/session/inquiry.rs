//! What a session must have asked before it goes on: who a client is and what it may, where that is
//! not decided here.
//!
//! The frame that needs an answer stays in the input until the answer is known, so nothing is ever
//! half done; the task that owns the socket asks, as only it can wait. Users of this broker's own
//! never come here: they cost one branch per frame.

use std::sync::Arc;
use std::time::{Duration, Instant};

use leveret_proto::code::ReplyCode;
use leveret_proto::exception::Exception;
use leveret_proto::method::{Method, connection};
use leveret_proto::sasl;
use leveret_proto::value::{FieldTable, FieldValue};

use super::core::Core;
use super::{Now, Session, Verdict};
use crate::broker::authority::{Authority, Question, Ruling};
use crate::broker::error::Resource;
use crate::broker::exchange::ExchangeKind;
use crate::broker::name::Name;
use crate::broker::permission::Access;
use crate::broker::queue::QueueKind;
use crate::broker::user::User;

/// What is to be asked.
#[derive(Clone, Debug)]
pub enum Inquiry {
    /// Who is this? A certificate has no password.
    Login {
        /// The name, empty where only the password says it.
        name: String,
        /// The password, or a token.
        password: Option<String>,
    },
    /// What may it?
    Rule(Arc<User>, Vec<Question>),
    /// Is this token good for that user, too?
    Refresh(Arc<User>, String),
}

/// What a user may with another token and its tags, or why that token is refused.
pub type Refreshed = Result<(Arc<dyn Authority>, Vec<String>), String>;

/// What was found out.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Who it is, or why it is not let in.
    Login(Result<Arc<User>, String>),
    /// The user's authority knows now.
    Ruled,
    /// What the user may from now on, or why the token is refused.
    Refreshed(Refreshed),
}

/// Where a session stands with that.
#[derive(Debug, Default)]
pub(super) struct Asking {
    pending: Option<Inquiry>,
    /// It was handed out and is not answered yet.
    is_asked: bool,
    pub(super) login: Option<Result<Arc<User>, String>>,
    refreshed: Option<Refreshed>,
    /// The name of a queue that is to be declared without one.
    pub(super) generated: Option<Name>,
    /// When the credentials are void.
    expires: Option<Instant>,
}

impl Asking {
    pub(super) fn expires(&self) -> Option<Instant> {
        self.expires
    }
}

impl Session {
    /// What to ask, once. Until [`Session::answer`] nothing more is taken from the input.
    pub fn inquiry(&mut self) -> Option<Inquiry> {
        let asking = &mut self.core.asking;
        if asking.is_asked {
            return None;
        }
        asking.is_asked = asking.pending.is_some();
        asking.pending.clone()
    }

    /// It was answered: hand in the input again.
    pub fn answer(&mut self, answer: Answer, now: Now) {
        self.machine.resume_reading(now.instant);
        let asking = &mut self.core.asking;
        asking.pending = None;
        asking.is_asked = false;
        match answer {
            Answer::Login(login) => asking.login = Some(login),
            Answer::Ruled => {}
            Answer::Refreshed(refreshed) => asking.refreshed = Some(refreshed),
        }
    }

    /// Whether it waits for an answer.
    pub fn is_asking(&self) -> bool {
        self.core.asking.pending.is_some()
    }

    /// Whether to stop before the frame at the front of `input`.
    pub(super) fn must_ask_before(&mut self, input: &[u8]) -> bool {
        if self.core.asking.pending.is_none() {
            let Some((channel, method)) = self.machine.peek_method(input) else {
                return false;
            };
            self.core.asking.pending = self.core.needs(channel, &method);
            if self.core.asking.pending.is_some() {
                // What the client sends waits in the socket, heartbeats too.
                self.machine.pause_reading();
            }
        }
        self.core.asking.pending.is_some()
    }

    /// The credentials are void, if they are.
    pub(super) fn on_expiry(&mut self, now: Instant) -> Option<Verdict> {
        let asking = &mut self.core.asking;
        asking.expires.take_if(|expires| *expires <= now)?;
        self.core.now.instant = now;
        self.core.log_expired();
        self.close("credential expired");
        Some(Verdict::Open)
    }
}

impl Core {
    /// Frames are looked at before they are acted on.
    pub(super) fn asks(&self) -> bool {
        match &self.open {
            Some(open) => open.user.is_foreign,
            None => self.broker.settings.asks_elsewhere,
        }
    }

    fn needs(&mut self, channel: u16, method: &Method) -> Option<Inquiry> {
        match method {
            Method::ConnectionStartOk(it) => self.needs_login(it),
            Method::ConnectionUpdateSecret(it) if self.asking.refreshed.is_none() => {
                let user = Arc::clone(&self.open.as_ref()?.user);
                user.authority()?.expires_at_s()?;
                let token = String::from_utf8_lossy(&it.new_secret).into_owned();
                Some(Inquiry::Refresh(user, token))
            }
            Method::ConnectionOpen(it) => {
                let user = self.login_user().filter(|user| user.is_foreign)?;
                let question = Question::Vhost(it.virtual_host.as_str().into());
                unknown(user, vec![question], false)
            }
            other => {
                let questions = self.questions(channel, other);
                let any = match other {
                    Method::ExchangeDeclare(it) => it.passive,
                    Method::QueueDeclare(it) => it.passive,
                    _ => false,
                };
                unknown(&self.open.as_ref()?.user, questions, any)
            }
        }
    }

    fn needs_login(&self, it: &connection::StartOk) -> Option<Inquiry> {
        let mechanism = it.mechanism.as_str();
        if self.asking.login.is_some() || !self.mechanisms().contains(&mechanism) {
            return None;
        }
        let settings = &self.broker.settings;
        let (name, password) = match sasl::decode(mechanism, &it.response).ok()? {
            sasl::Login::Password { user, password } => (user, Some(password)),
            sasl::Login::Anonymous => {
                let name = settings.anonymous_user.clone()?;
                (name, Some(settings.anonymous_pass.clone()))
            }
            sasl::Login::External => (self.certificate()?.login.clone()?, None),
        };
        Some(Inquiry::Login { name, password })
    }

    /// What the model will ask when it acts on this method; in the order in which it does.
    fn questions(&mut self, channel: u16, method: &Method) -> Vec<Question> {
        use Access::{Configure, Read, Write};
        use Resource::{Exchange, Queue};
        let all = match method {
            Method::ExchangeDeclare(it) if it.passive => {
                self.passive(Exchange, it.exchange.as_str())
            }
            Method::ExchangeDeclare(it) => {
                let name = it.exchange.as_str();
                with_other(Exchange, name, &it.arguments, "alternate-exchange")
            }
            Method::ExchangeDelete(it) => vec![(Configure, Exchange, it.exchange.to_string())],
            Method::ExchangeBind(it) => {
                let ends = (it.destination.as_str(), it.source.as_str());
                return self.of_binding(Exchange, ends, it.routing_key.as_str());
            }
            Method::ExchangeUnbind(it) => {
                let ends = (it.destination.as_str(), it.source.as_str());
                return self.of_binding(Exchange, ends, it.routing_key.as_str());
            }
            Method::QueueDeclare(it) if it.passive => self.passive(Queue, it.queue.as_str()),
            Method::QueueDeclare(it) => {
                let name = self.name_to_declare(it.queue.as_str(), &it.arguments);
                with_other(Queue, &name, &it.arguments, "x-dead-letter-exchange")
            }
            Method::QueueDelete(it) => {
                vec![(
                    Configure,
                    Queue,
                    self.last_queue(channel, it.queue.as_str()),
                )]
            }
            Method::QueuePurge(it) => {
                vec![(Read, Queue, self.last_queue(channel, it.queue.as_str()))]
            }
            Method::QueueBind(it) => {
                let name = self.last_queue(channel, it.queue.as_str());
                let key = it.routing_key.as_str();
                return self.of_binding(Queue, (&name, it.exchange.as_str()), key);
            }
            Method::QueueUnbind(it) => {
                let name = self.last_queue(channel, it.queue.as_str());
                let key = it.routing_key.as_str();
                return self.of_binding(Queue, (&name, it.exchange.as_str()), key);
            }
            Method::BasicPublish(it) => {
                let exchange = it.exchange.as_str();
                let mut all = self.named(vec![(Write, Exchange, exchange.to_owned())]);
                all.extend(self.of_topic(exchange, it.routing_key.as_str(), Write));
                return all;
            }
            Method::BasicConsume(it) => {
                vec![(Read, Queue, self.last_queue(channel, it.queue.as_str()))]
            }
            Method::BasicGet(it) => {
                vec![(Read, Queue, self.last_queue(channel, it.queue.as_str()))]
            }
            _ => Vec::new(),
        };
        self.named(all)
    }

    /// A passive declare asks for any of the three, where it asks.
    fn passive(&self, kind: Resource, name: &str) -> Vec<(Access, Resource, String)> {
        if !self.broker.compat.passive_needs_permission {
            return Vec::new();
        }
        let all = [Access::Write, Access::Read, Access::Configure];
        all.map(|access| (access, kind, name.to_owned())).into()
    }

    fn named(&self, all: Vec<(Access, Resource, String)>) -> Vec<Question> {
        let Some(open) = &self.open else {
            return Vec::new();
        };
        let vhost = &open.vhost.name;
        let question = |(access, kind, name): (_, _, String)| {
            Question::of(vhost, kind, &Name::cleaned(&name), access)
        };
        all.into_iter().map(question).collect()
    }

    /// Write what is bound, read what it is bound to, and at a topic exchange the key.
    fn of_binding(&self, kind: Resource, ends: (&str, &str), key: &str) -> Vec<Question> {
        let (target, source) = (ends.0.to_owned(), ends.1.to_owned());
        let both = vec![
            (Access::Write, kind, target),
            (Access::Read, Resource::Exchange, source),
        ];
        let mut all = self.named(both);
        all.extend(self.of_topic(ends.1, key, Access::Read));
        all
    }

    fn of_topic(&self, exchange: &str, key: &str, access: Access) -> Option<Question> {
        let open = self.open.as_ref()?;
        let exchange = open.vhost.exchanges.get(exchange)?;
        let name = exchange.name().clone();
        (exchange.spec.kind == ExchangeKind::Topic)
            .then(|| Question::Topic(open.vhost.name.clone(), name, key.to_owned(), access))
    }

    fn last_queue(&mut self, channel: u16, name: &str) -> String {
        let last = match name.is_empty() {
            true => self
                .channels
                .get(channel)
                .and_then(|one| one.last_queue.clone()),
            false => None,
        };
        last.map_or_else(|| name.to_owned(), |last| last.to_string())
    }

    /// A queue without a name gets the one that was asked about.
    fn name_to_declare(&mut self, name: &str, arguments: &FieldTable) -> String {
        if !name.is_empty() || QueueKind::of(arguments) != QueueKind::Classic {
            return name.to_owned();
        }
        let new = || self.broker.generated_name("amq.gen-");
        self.asking.generated.get_or_insert_with(new).to_string()
    }

    /// Act on `connection.update-secret`: a user of this broker's own has nothing to refresh.
    pub(super) fn update_secret(&mut self) -> Result<(), Exception> {
        let not_allowed = |text: String| Exception::new(ReplyCode::NOT_ALLOWED, text);
        if let Some(refreshed) = self.asking.refreshed.take() {
            let user = Arc::clone(&self.opened()?.user);
            let (authority, tags) = refreshed.map_err(|why| {
                tracing::error!(target: "connection", "Secret update was refused for user '{}': {why}", user.name);
                not_allowed("New secret was refused by one of the backends".to_owned())
            })?;
            user.change(|state| {
                state.authority = Some(authority);
                state.tags = tags;
            });
            let vhost = self.opened()?.vhost.name.clone();
            if !user.may_enter(&vhost) {
                let text = format!("access to vhost '{vhost}' refused for user '{}'", user.name);
                return Err(not_allowed(text));
            }
            self.watch_expiry(&user);
        }
        let ok = connection::UpdateSecretOk {};
        self.send(0, &Method::ConnectionUpdateSecretOk(ok));
        Ok(())
    }

    /// From now on the connection lives as long as its credentials.
    pub(super) fn watch_expiry(&mut self, user: &User) {
        let expires_s = user.authority().and_then(|all| all.expires_at_s());
        let Now {
            instant, wall_ms, ..
        } = self.now;
        self.asking.expires = expires_s.and_then(|at| {
            let left = at.saturating_mul(1000).saturating_sub(wall_ms);
            instant.checked_add(Duration::from_millis(left))
        });
    }
}

/// A declaration; with another exchange named in its arguments it is read, and that one written.
fn with_other(
    kind: Resource,
    name: &str,
    arguments: &FieldTable,
    key: &str,
) -> Vec<(Access, Resource, String)> {
    let mut all = vec![(Access::Configure, kind, name.to_owned())];
    if let Some(other) = arguments.get(key).and_then(FieldValue::as_str) {
        all.push((Access::Read, kind, name.to_owned()));
        all.push((Access::Write, Resource::Exchange, other.to_owned()));
    }
    all
}

/// What is not known yet, up to the first refusal, as RabbitMQ asks. Where any of them will do, up
/// to the first leave.
fn unknown(user: &Arc<User>, questions: Vec<Question>, any: bool) -> Option<Inquiry> {
    let authority = user.authority()?;
    let mut open = Vec::new();
    for question in questions {
        match authority.known(&question) {
            Some(ruling) if (ruling == Ruling::Allowed) == any => break,
            Some(_) => {}
            None => open.push(question),
        }
        if any && !open.is_empty() {
            break;
        }
    }
    (!open.is_empty()).then(|| Inquiry::Rule(Arc::clone(user), open))
}
