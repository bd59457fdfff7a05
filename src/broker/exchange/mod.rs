//! [`Exchange`]: where messages are published, and the bindings that lead them on.

mod bindings;
mod deduplication;
mod delayed;
mod destination;
mod hash;
mod headers;
mod history;
mod jump;
mod kind;
mod route;
mod topic;
mod trace;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use leveret_proto::value::{FieldTable, FieldValue};

use self::bindings::{BindingId, Bindings};
use self::deduplication::Seen;
pub(super) use self::deduplication::{DEDUPLICATION_HEADER, positive};
use self::delayed::Held;
pub use self::delayed::{DELAYED_MAX, Delayed};
pub use self::destination::{Binding, Destination, DestinationId};
pub(super) use self::hash::{HASH_PROPERTIES, encoded as encoded_value};
use self::history::History;
pub use self::kind::ExchangeKind;
use self::route::Letter;
pub use self::route::{Route, dry_route, extra_keys, fixed_route, route};
pub use self::trace::{Itinerary, Step, Visit};
use super::arguments;
use super::compat::Compat;
use super::effects::Effects;
use super::error::BrokerError;
use super::message::Message;
use super::name::Name;
use super::pairs::Pairs;
use super::policy::Applied;
use super::queue::{Page, Which};
use super::random::Random;
use super::tick::{Tick, Ticked};
use crate::sync::{BINDINGS, LEAF, Ranked};

/// What an exchange is, apart from its bindings.
#[derive(Clone, Debug)]
pub struct ExchangeSpec {
    /// Its name; empty for the default exchange.
    pub name: Name,
    /// Its virtual host's name.
    pub vhost: Name,
    /// How it routes.
    pub kind: ExchangeKind,
    /// Remembered and compared; here nothing survives a restart.
    pub durable: bool,
    /// Goes with its last binding.
    pub auto_delete: bool,
    /// Clients may not publish to it.
    pub internal: bool,
    /// As declared.
    pub arguments: FieldTable,
    /// The user that declared it.
    pub created_by: Name,
}

/// An exchange.
pub struct Exchange {
    /// What it is.
    pub spec: ExchangeSpec,
    /// Messages published to it by clients.
    pub published_in: AtomicU64,
    /// What it put into queues: a message counts in each.
    pub published_out: AtomicU64,
    /// Likewise by queue, with detailed rates.
    pub routed: Pairs<1>,
    /// How it chooses among its bindings; for a delayed exchange that is its `x-delayed-type`.
    routes_as: ExchangeKind,
    /// Whether more than the routing key decides where a message goes.
    asks_content: bool,
    applied: Ranked<Applied, LEAF>,
    bindings: Ranked<Bindings, BINDINGS>,
    memory: Memory,
    held: Option<Held>,
}

/// What an exchange remembers of the messages that passed.
#[derive(Debug)]
enum Memory {
    Nothing,
    Latest(History),
    Seen(Seen),
}

impl ExchangeSpec {
    /// How it chooses among its bindings; its arguments were checked.
    fn routes_as(&self, compat: &Compat) -> ExchangeKind {
        match self.kind {
            ExchangeKind::Delayed => {
                arguments::delayed_kind(&self.arguments, compat).unwrap_or(ExchangeKind::Direct)
            }
            kind => kind,
        }
    }

    /// Whether an exchange like this takes such a binding.
    pub fn check_binding(
        &self,
        to: &DestinationId,
        key: &str,
        arguments: &FieldTable,
        compat: &Compat,
    ) -> Result<(), BrokerError> {
        let kind = self.routes_as(compat);
        arguments::check_binding(kind, key, to)?;
        match kind {
            ExchangeKind::Headers => headers::check(arguments),
            _ => Ok(()),
        }
    }
}

impl Exchange {
    /// An exchange without bindings; its arguments were checked.
    pub fn new(spec: ExchangeSpec, compat: &Compat) -> Self {
        let routes_as = spec.routes_as(compat);
        let memory = match routes_as {
            ExchangeKind::RecentHistory => Memory::Latest(History::new(&spec.arguments)),
            ExchangeKind::Deduplication => Memory::Seen(Seen::new(&spec.arguments)),
            _ => Memory::Nothing,
        };
        let held = (spec.kind == ExchangeKind::Delayed).then(Held::default);
        let bindings = Bindings::new(routes_as, &spec.arguments, compat);
        let asks_content =
            held.is_some() || bindings.table.asks_content() || !matches!(memory, Memory::Nothing);
        Self {
            spec,
            published_in: AtomicU64::new(0),
            published_out: AtomicU64::new(0),
            routed: Pairs::default(),
            routes_as,
            asks_content,
            applied: Ranked::default(),
            bindings: Ranked::new(bindings),
            memory,
            held,
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.spec.name
    }

    /// Whether it is the nameless one that leads to every queue by its name.
    pub fn is_default(&self) -> bool {
        self.spec.name.is_empty()
    }

    /// Where unroutable messages go (`alternate-exchange`): its own argument's word counts, then
    /// the policy's.
    pub fn alternate(&self) -> Option<Name> {
        let key = "alternate-exchange";
        let name = |value: &FieldValue| value.as_str().map(Name::from);
        let own = self.spec.arguments.get(key).and_then(name);
        own.or_else(|| self.applied.lock().definition.get(key).and_then(name))
    }

    /// What the policies come to for it.
    pub fn applied(&self) -> Applied {
        self.applied.lock().clone()
    }

    /// Other policies apply to it now.
    pub fn reconfigure(&self, applied: Applied) {
        *self.applied.lock() = applied;
    }

    /// Bytes that messages waiting and remembered hold: for the memory alarm.
    pub fn held_bytes(&self) -> u64 {
        let remembered = match &self.memory {
            Memory::Latest(history) => history.held_bytes(),
            Memory::Nothing | Memory::Seen(_) => 0,
        };
        remembered + self.held.as_ref().map_or(0, Held::held_bytes)
    }

    /// Messages that wait in a delayed exchange; `None` for every other kind.
    pub fn delayed_count(&self) -> Option<usize> {
        self.held.as_ref().map(Held::len)
    }

    /// The messages that wait in a delayed exchange, each with its number, the next one first.
    pub fn delayed(&self, page: Page) -> Vec<(u64, Delayed)> {
        let held = self.held.as_ref();
        held.map(|held| held.list(page)).unwrap_or_default()
    }

    /// The number of what came last to wait here.
    pub fn last_delayed(&self) -> u64 {
        self.held.as_ref().map_or(0, Held::last_seq)
    }

    /// Route messages that wait here as if their time had come; how many there were.
    pub fn hurry(
        self: &Arc<Self>,
        which: &Which,
        max: usize,
        now: Tick,
        fx: &mut Effects,
    ) -> usize {
        let taken = self.take_delayed(which, max);
        let count = taken.len();
        for one in taken {
            delayed::post(self, one, now, fx);
        }
        count
    }

    /// Take messages that wait here out of it, the next one first.
    pub fn take_delayed(&self, which: &Which, max: usize) -> Vec<Delayed> {
        let held = self.held.as_ref();
        held.map(|held| held.take(which, max)).unwrap_or_default()
    }

    /// Bind; `false` when the same binding is there already.
    pub fn bind(
        &self,
        to: Destination,
        key: &Name,
        arguments: &FieldTable,
    ) -> Result<bool, BrokerError> {
        let id = (to.id(), key.clone(), encoded(arguments));
        arguments::check_binding(self.routes_as, key, &id.0)?;
        let mut bindings = self.bindings.lock();
        if bindings.all.contains_key(&id) {
            return Ok(false);
        }
        bindings.table.insert(key, arguments, to)?;
        let binding = Binding {
            source: self.spec.name.clone(),
            destination: id.0.clone(),
            binding_key: key.clone(),
            arguments: arguments.clone(),
        };
        bindings.all.insert(id, binding);
        Ok(true)
    }

    /// What a new binding is told: the latest messages, where they are remembered.
    pub(super) fn latest(&self) -> Vec<Arc<Message>> {
        match &self.memory {
            Memory::Latest(history) => history.latest(),
            Memory::Nothing | Memory::Seen(_) => Vec::new(),
        }
    }

    /// Unbind; `false` when there is no such binding.
    pub fn unbind(&self, from: &DestinationId, key: &Name, arguments: &FieldTable) -> bool {
        let mut bindings = self.bindings.lock();
        let id = (from.clone(), key.clone(), encoded(arguments));
        let Some(binding) = bindings.all.remove(&id) else {
            return false;
        };
        bindings.table.remove(&binding);
        true
    }

    /// Unbind all that leads to `destination`; the bindings that are gone.
    pub fn unbind_all(&self, destination: &DestinationId) -> Vec<Binding> {
        let mut bindings = self.bindings.lock();
        let ids: Vec<BindingId> = bindings.leading_to(destination).cloned().collect();
        let gone: Vec<Binding> = ids
            .iter()
            .filter_map(|id| bindings.all.remove(id))
            .collect();
        for binding in &gone {
            bindings.table.remove(binding);
        }
        gone
    }

    /// Forget all bindings and what waits: it is being deleted.
    pub fn clear(&self) -> Vec<Binding> {
        if let Some(held) = &self.held {
            held.clear();
        }
        let mut bindings = self.bindings.lock();
        bindings.table.clear();
        std::mem::take(&mut bindings.all).into_values().collect()
    }

    /// Whether a binding with such arguments is there already.
    pub fn has_binding(
        &self,
        to: &DestinationId,
        key: &Name,
        arguments: impl Fn(&FieldTable) -> bool,
    ) -> bool {
        let bindings = self.bindings.lock();
        let from = (to.clone(), key.clone(), Vec::new());
        bindings
            .all
            .range(from..)
            .take_while(|(id, _)| id.0 == *to && id.1 == *key)
            .any(|(_, binding)| arguments(&binding.arguments))
    }

    /// All bindings, ordered by destination and key.
    pub fn bindings(&self) -> Vec<Binding> {
        self.bindings.lock().all.values().cloned().collect()
    }

    /// Whether nothing leads on from it.
    pub fn is_unbound(&self) -> bool {
        self.bindings.lock().all.is_empty()
    }

    /// Whether a binding leads to `destination`.
    pub fn leads_to(&self, destination: &DestinationId) -> bool {
        self.bindings
            .lock()
            .leading_to(destination)
            .next()
            .is_some()
    }

    const fn asks_content(&self) -> bool {
        self.asks_content
    }

    /// Call `found` for each destination of a message. May name one twice.
    fn matches(
        &self,
        keys: &[&str],
        letter: Option<&Letter<'_>>,
        random: &Random,
        found: &mut dyn FnMut(&Destination),
    ) {
        let bindings = self.bindings.lock();
        bindings.table.matches(keys, letter, random, found);
    }

    /// The bindings by which a message comes to `found`: each matches also when it is alone.
    fn matched(
        &self,
        keys: &[&str],
        letter: &Letter<'_>,
        found: &[Destination],
        compat: &Compat,
    ) -> Vec<Binding> {
        let random = Random::new(Some(0));
        let matches = |binding: &Binding| {
            let to = found.iter().find(|to| to.is(&binding.destination));
            to.is_some_and(|to| {
                let mut alone = Bindings::new(self.routes_as, &self.spec.arguments, compat);
                let (key, arguments) = (&binding.binding_key, &binding.arguments);
                let mut is_found = false;
                let table = &mut alone.table;
                if table.insert(key, arguments, to.clone()).is_ok() {
                    table.matches(keys, Some(letter), &random, &mut |_| is_found = true);
                }
                is_found
            })
        };
        let mut all = self.bindings();
        all.retain(matches);
        all
    }

    /// Whether chance decides.
    fn draws(&self) -> bool {
        matches!(
            self.routes_as,
            ExchangeKind::Random | ExchangeKind::LocalRandom
        )
    }

    /// What would hold up a message here.
    fn would_stop(&self, letter: &Letter<'_>, now: Tick) -> Option<Step> {
        if let (Some(_), Some(ms)) = (&self.held, delayed::delay_ms(&letter.headers)) {
            return Some(Step::Held(ms));
        }
        match &self.memory {
            Memory::Seen(seen) if seen.knows(&letter.headers, now) => Some(Step::Duplicate),
            _ => None,
        }
    }

    /// Take note of a message; whether it may pass.
    fn remember(&self, letter: &Letter<'_>, now: Tick, fx: &mut Effects) -> bool {
        match &self.memory {
            Memory::Nothing => true,
            Memory::Latest(history) => {
                history.note(letter.message, &letter.headers, fx);
                true
            }
            Memory::Seen(seen) => seen.is_new(&letter.headers, now),
        }
    }
}

impl Ticked for Exchange {
    fn vhost(&self) -> &Name {
        &self.spec.vhost
    }

    fn tick(self: Arc<Self>, now: Tick, fx: &mut Effects) {
        if let Some(held) = &self.held {
            held.release(&self, now, fx);
        }
    }
}

fn encoded(arguments: &FieldTable) -> Vec<u8> {
    let mut out = bytes::BytesMut::new();
    arguments.encode(&mut out);
    out.to_vec()
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
