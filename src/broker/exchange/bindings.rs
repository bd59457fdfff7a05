//! What an exchange's lock guards: its bindings, arranged for the kind's way of matching.

use std::collections::{BTreeMap, HashMap};

use leveret_proto::value::FieldTable;

use super::super::compat::Compat;
use super::super::error::BrokerError;
use super::super::name::Name;
use super::super::random::Random;
use super::destination::{Binding, Destination, DestinationId, remove_one};
use super::hash::{HashOn, Weighted, insert_sorted, modulus};
use super::headers::HeadersTable;
use super::kind::ExchangeKind;
use super::route::Letter;
use super::topic::TopicTrie;

/// A binding is the same as another if destination, key and arguments are.
pub(super) type BindingId = (DestinationId, Name, Vec<u8>);

#[derive(Debug)]
pub(super) struct Bindings {
    pub(super) all: BTreeMap<BindingId, Binding>,
    pub(super) table: Table,
}

/// One kind's way of matching.
#[derive(Debug)]
pub(super) enum Table {
    Direct(HashMap<Name, Vec<Destination>>),
    Fanout(Vec<Destination>),
    Topic(TopicTrie),
    Headers(HeadersTable),
    Weighted(HashOn, Weighted),
    Modulus(Vec<Destination>),
    Random(Vec<Destination>),
}

impl Bindings {
    pub(super) fn new(kind: ExchangeKind, arguments: &FieldTable, compat: &Compat) -> Self {
        Self {
            all: BTreeMap::new(),
            table: Table::new(kind, arguments, compat),
        }
    }

    pub(super) fn leading_to(
        &self,
        destination: &DestinationId,
    ) -> impl Iterator<Item = &BindingId> {
        let from = (destination.clone(), Name::from(""), Vec::new());
        self.all
            .range(from..)
            .map(|(id, _)| id)
            .take_while(move |id| id.0 == *destination)
    }
}

impl Table {
    fn new(kind: ExchangeKind, arguments: &FieldTable, compat: &Compat) -> Self {
        match kind {
            ExchangeKind::Direct => Self::Direct(HashMap::new()),
            ExchangeKind::Topic => Self::Topic(TopicTrie::default()),
            ExchangeKind::Headers => Self::Headers(HeadersTable::new(compat.equal_floats)),
            ExchangeKind::ConsistentHash => {
                let on = HashOn::from_arguments(arguments, compat.headers.hash_types);
                Self::Weighted(on, Weighted::default())
            }
            ExchangeKind::ModulusHash => Self::Modulus(Vec::new()),
            ExchangeKind::Random | ExchangeKind::LocalRandom => Self::Random(Vec::new()),
            // A delayed exchange is arranged as its other type; that it has one was checked.
            ExchangeKind::Fanout
            | ExchangeKind::RecentHistory
            | ExchangeKind::Deduplication
            | ExchangeKind::Delayed => Self::Fanout(Vec::new()),
        }
    }

    pub(super) fn insert(
        &mut self,
        key: &Name,
        arguments: &FieldTable,
        to: Destination,
    ) -> Result<(), BrokerError> {
        match self {
            Self::Direct(by_key) => by_key.entry(key.clone()).or_default().push(to),
            Self::Fanout(all) | Self::Random(all) => all.push(to),
            Self::Modulus(all) => insert_sorted(all, to),
            Self::Topic(trie) => trie.insert(key, to),
            Self::Headers(table) => table.insert(arguments, to)?,
            Self::Weighted(_, table) => table.insert(weight(key), to),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, binding: &Binding) {
        let gone = &binding.destination;
        match self {
            Self::Direct(by_key) => {
                if let Some(there) = by_key.get_mut(&binding.binding_key) {
                    remove_one(there, gone);
                    if there.is_empty() {
                        by_key.remove(&binding.binding_key);
                    }
                }
            }
            Self::Fanout(all) | Self::Modulus(all) | Self::Random(all) => remove_one(all, gone),
            Self::Topic(trie) => trie.remove(&binding.binding_key, gone),
            Self::Headers(table) => table.remove(&binding.arguments, gone),
            Self::Weighted(_, table) => table.remove(weight(&binding.binding_key), gone),
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Self::Direct(by_key) => by_key.clear(),
            Self::Fanout(all) | Self::Modulus(all) | Self::Random(all) => all.clear(),
            Self::Topic(trie) => *trie = TopicTrie::default(),
            Self::Headers(table) => table.clear(),
            Self::Weighted(_, table) => *table = Weighted::default(),
        }
    }

    /// Whether more than the routing key decides.
    pub(super) fn asks_content(&self) -> bool {
        match self {
            Self::Direct(_) | Self::Fanout(_) | Self::Topic(_) | Self::Modulus(_) => false,
            Self::Weighted(on, _) => *on != HashOn::Key,
            Self::Headers(_) | Self::Random(_) => true,
        }
    }

    /// Call `found` for each destination. May name one twice.
    pub(super) fn matches(
        &self,
        keys: &[&str],
        letter: Option<&Letter<'_>>,
        random: &Random,
        found: &mut dyn FnMut(&Destination),
    ) {
        match self {
            Self::Direct(by_key) => keys
                .iter()
                .filter_map(|key| by_key.get(*key))
                .flatten()
                .for_each(found),
            Self::Fanout(all) => all.iter().for_each(found),
            Self::Topic(trie) => keys.iter().for_each(|key| trie.matches(key, found)),
            Self::Headers(table) => {
                if let Some(letter) = letter {
                    table.matches(&letter.headers, found);
                }
            }
            // Of several keys the message's own decides.
            Self::Weighted(on, table) => {
                let key = keys.first().copied().unwrap_or_default();
                let hash = match letter {
                    Some(letter) => on.hash(key, Some(letter.message), &letter.headers),
                    None => on.hash(key, None, &FieldTable::new()),
                };
                table.pick(hash).into_iter().for_each(found);
            }
            Self::Modulus(all) => modulus(all, keys).into_iter().for_each(found),
            Self::Random(all) => all.get(random.below(all.len())).into_iter().for_each(found),
        }
    }
}

/// The binding key was found to be a weight when the binding was made.
fn weight(key: &str) -> u32 {
    key.parse().unwrap_or(1)
}
