//! [`Exchange`]: where messages are published, and the bindings that lead them on.

mod headers;
mod route;
mod topic;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use leveret_proto::value::{FieldTable, FieldValue};

use self::headers::HeadersTable;
pub use self::headers::InvalidMatch;
pub use self::route::{Route, route};
use self::topic::TopicTrie;
use super::name::Name;
use super::policy::Applied;
use super::queue::Queue;
use crate::sync::{BINDINGS, LEAF, Ranked};

/// How an exchange chooses among its bindings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExchangeKind {
    /// Binding key equals routing key.
    Direct,
    /// Every binding.
    Fanout,
    /// Binding key is a pattern of words, `*` one and `#` any number.
    Topic,
    /// Binding arguments match the message's headers.
    Headers,
}

impl ExchangeKind {
    /// As it stands in `exchange.declare`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Fanout => "fanout",
            Self::Topic => "topic",
            Self::Headers => "headers",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Direct, Self::Fanout, Self::Topic, Self::Headers]
            .into_iter()
            .find(|kind| kind.as_str() == name)
    }
}

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
    /// Messages it routed to queues.
    pub published_out: AtomicU64,
    applied: Ranked<Applied, LEAF>,
    bindings: Ranked<Bindings, BINDINGS>,
}

/// Where a binding leads.
#[derive(Clone)]
pub enum Destination {
    /// To a queue.
    Queue(Arc<Queue>),
    /// To another exchange.
    Exchange(Arc<Exchange>),
}

/// Which thing a destination is: two may have the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DestinationId {
    /// A queue of this name.
    Queue(Name),
    /// An exchange of this name.
    Exchange(Name),
}

impl DestinationId {
    /// The name.
    pub const fn name(&self) -> &Name {
        match self {
            Self::Queue(name) | Self::Exchange(name) => name,
        }
    }
}

impl Destination {
    /// What identifies it.
    pub fn id(&self) -> DestinationId {
        match self {
            Self::Queue(queue) => DestinationId::Queue(queue.name().clone()),
            Self::Exchange(exchange) => DestinationId::Exchange(exchange.spec.name.clone()),
        }
    }
}

/// A binding as listings show it.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// The exchange it leads away from.
    pub source: Name,
    /// Where it leads.
    pub destination: DestinationId,
    /// The key it matches.
    pub binding_key: Name,
    /// Its arguments.
    pub arguments: FieldTable,
}

/// A binding is the same as another if destination, key and arguments are.
type BindingId = (DestinationId, Name, Vec<u8>);

#[derive(Debug)]
struct Bindings {
    all: BTreeMap<BindingId, Binding>,
    table: Table,
}

/// Bindings, arranged for the kind's way of matching.
#[derive(Debug)]
enum Table {
    Direct(HashMap<Name, Vec<Destination>>),
    Fanout(Vec<Destination>),
    Topic(TopicTrie),
    Headers(HeadersTable),
}

impl Exchange {
    /// An exchange without bindings.
    pub fn new(spec: ExchangeSpec) -> Self {
        let table = match spec.kind {
            ExchangeKind::Direct => Table::Direct(HashMap::new()),
            ExchangeKind::Fanout => Table::Fanout(Vec::new()),
            ExchangeKind::Topic => Table::Topic(TopicTrie::default()),
            ExchangeKind::Headers => Table::Headers(HeadersTable::default()),
        };
        Self {
            spec,
            published_in: AtomicU64::new(0),
            published_out: AtomicU64::new(0),
            applied: Ranked::default(),
            bindings: Ranked::new(Bindings {
                all: BTreeMap::new(),
                table,
            }),
        }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.spec.name
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

    /// Whether it is the nameless one that leads to every queue by its name.
    pub fn is_default(&self) -> bool {
        self.spec.name.is_empty()
    }

    /// Bind; `false` when the same binding is there already.
    pub fn bind(
        &self,
        to: Destination,
        key: &Name,
        arguments: &FieldTable,
    ) -> Result<bool, InvalidMatch> {
        let mut bindings = self.bindings.lock();
        let id = binding_id(&to, key, arguments);
        if bindings.all.contains_key(&id) {
            return Ok(false);
        }
        match &mut bindings.table {
            Table::Direct(by_key) => by_key.entry(key.clone()).or_default().push(to),
            Table::Fanout(all) => all.push(to),
            Table::Topic(trie) => trie.insert(key, to),
            Table::Headers(table) => table.insert(arguments, to)?,
        }
        let binding = Binding {
            source: self.spec.name.clone(),
            destination: id.0.clone(),
            binding_key: key.clone(),
            arguments: arguments.clone(),
        };
        bindings.all.insert(id, binding);
        Ok(true)
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

    /// Forget all bindings: it is being deleted.
    pub fn clear(&self) -> Vec<Binding> {
        let mut bindings = self.bindings.lock();
        bindings.table.clear();
        std::mem::take(&mut bindings.all).into_values().collect()
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

    /// Call `found` for each destination of a message. May name one twice.
    fn matches(
        &self,
        routing_key: &str,
        headers: &FieldTable,
        found: &mut dyn FnMut(&Destination),
    ) {
        let bindings = self.bindings.lock();
        match &bindings.table {
            Table::Direct(by_key) => {
                by_key
                    .get(routing_key)
                    .into_iter()
                    .flatten()
                    .for_each(found);
            }
            Table::Fanout(all) => all.iter().for_each(found),
            Table::Topic(trie) => trie.matches(routing_key, found),
            Table::Headers(table) => table.matches(headers, found),
        }
    }
}

impl Bindings {
    fn leading_to(&self, destination: &DestinationId) -> impl Iterator<Item = &BindingId> {
        let from = (destination.clone(), Name::from(""), Vec::new());
        self.all
            .range(from..)
            .map(|(id, _)| id)
            .take_while(move |id| id.0 == *destination)
    }
}

impl Table {
    fn remove(&mut self, binding: &Binding) {
        match self {
            Self::Direct(by_key) => {
                if let Some(there) = by_key.get_mut(&binding.binding_key) {
                    remove_one(there, &binding.destination);
                    if there.is_empty() {
                        by_key.remove(&binding.binding_key);
                    }
                }
            }
            Self::Fanout(all) => remove_one(all, &binding.destination),
            Self::Topic(trie) => trie.remove(&binding.binding_key, &binding.destination),
            Self::Headers(table) => table.remove(&binding.arguments, &binding.destination),
        }
    }

    fn clear(&mut self) {
        match self {
            Self::Direct(by_key) => by_key.clear(),
            Self::Fanout(all) => all.clear(),
            Self::Topic(trie) => *trie = TopicTrie::default(),
            Self::Headers(table) => *table = HeadersTable::default(),
        }
    }
}

/// Remove one of possibly several equal destinations: bindings may differ in arguments only.
fn remove_one(all: &mut Vec<Destination>, gone: &DestinationId) {
    if let Some(at) = all.iter().position(|there| there.id() == *gone) {
        all.swap_remove(at);
    }
}

fn binding_id(to: &Destination, key: &Name, arguments: &FieldTable) -> BindingId {
    (to.id(), key.clone(), encoded(arguments))
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

impl fmt::Debug for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id(), f)
    }
}
