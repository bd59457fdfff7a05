//! [`Registry`]: things by name. Only ever hands out `Arc`s, so no guard of the map escapes.

use std::hash::Hash;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

/// A concurrent map of shared values.
#[derive(Debug)]
pub struct Registry<K: Eq + Hash, V>(DashMap<K, Arc<V>>);

impl<K: Eq + Hash + Clone, V> Registry<K, V> {
    /// An empty registry. Few shards: a broker for tests must be small, and writes are rare.
    pub fn new() -> Self {
        Self(DashMap::with_shard_amount(4))
    }

    /// The value called `key`.
    pub fn get<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.get(key).map(|entry| Arc::clone(entry.value()))
    }

    /// Whether `key` is there.
    pub fn contains<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> bool
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.contains_key(key)
    }

    /// Put `value` there; what stood there before is returned.
    pub fn insert(&self, key: K, value: Arc<V>) -> Option<Arc<V>> {
        self.0.insert(key, value)
    }

    /// Put `value` there unless something is: then that is the `Err`.
    pub fn insert_new(&self, key: K, value: Arc<V>) -> Result<(), Arc<V>> {
        match self.0.entry(key) {
            Entry::Occupied(there) => Err(Arc::clone(there.get())),
            Entry::Vacant(place) => {
                place.insert(value);
                Ok(())
            }
        }
    }

    /// Take `key` out.
    pub fn remove<Q: ?Sized + Eq + Hash>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: std::borrow::Borrow<Q>,
    {
        self.0.remove(key).map(|(_, value)| value)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All of them as they are now, in no order.
    pub fn snapshot(&self) -> Vec<Arc<V>> {
        self.0
            .iter()
            .map(|entry| Arc::clone(entry.value()))
            .collect()
    }
}

impl<K: Eq + Hash + Clone + Ord, V> Registry<K, V> {
    /// All of them as they are now, by key.
    pub fn sorted(&self) -> Vec<Arc<V>> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .map(|entry| (entry.key().clone(), Arc::clone(entry.value())))
            .collect();
        all.sort_by(|(a, _), (b, _)| a.cmp(b));
        all.into_iter().map(|(_, value)| value).collect()
    }
}

impl<K: Eq + Hash + Clone, V> Default for Registry<K, V> {
    fn default() -> Self {
        Self::new()
    }
}
