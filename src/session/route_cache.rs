//! [`RouteCache`]: where a channel's messages went before, valid while nothing changed.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::broker::event::Routed;
use crate::broker::exchange::Exchange;
use crate::broker::name::Name;
use crate::broker::queue::Queue;

/// Routes remembered by one channel; beyond that it starts over.
const ROUTES_MAX: usize = 512;

/// A route that was found and allowed.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) exchange: Arc<Exchange>,
    /// `None` when more than the routing key decides: it must be routed anew.
    pub(super) queues: Option<Vec<Arc<Queue>>>,
    /// From the headers `CC` and `BCC`; a route that has some is not remembered.
    pub(super) extra_keys: Vec<Name>,
    /// The route's names, once somebody listened to a message that took it.
    pub(super) told: OnceLock<Routed>,
}

impl Known {
    /// The names of the route that a message took.
    pub(super) fn routed(&self, key: &str, queues: &[Arc<Queue>]) -> Routed {
        match &self.queues {
            Some(queues) => self.told.get_or_init(|| Routed::new(key, queues)).clone(),
            None => Routed::new(key, queues),
        }
    }
}

/// Routes by exchange and routing key.
#[derive(Debug, Default)]
pub(super) struct RouteCache {
    /// The state of the world in which the routes hold: virtual host's epoch, user's revision.
    world: (u64, u64),
    by_key: HashMap<String, Arc<Known>>,
    last: Option<(String, Arc<Known>)>,
    scratch: String,
}

impl RouteCache {
    /// The route, if it is known and still holds.
    pub(super) fn get(
        &mut self,
        world: (u64, u64),
        exchange: &str,
        key: &str,
    ) -> Option<&Arc<Known>> {
        if self.world != world {
            self.by_key.clear();
            self.last = None;
            self.world = world;
            return None;
        }
        if !self
            .last
            .as_ref()
            .is_some_and(|(last, _)| is_route(last, exchange, key))
        {
            self.scratch.clear();
            self.scratch.extend([exchange, SEPARATOR, key]);
            let known = Arc::clone(self.by_key.get(&self.scratch)?);
            self.last = Some((self.scratch.clone(), known));
        }
        self.last.as_ref().map(|(_, known)| known)
    }

    /// Remember a route found in the world that `get` was asked about.
    pub(super) fn put(&mut self, exchange: &str, key: &str, known: Known) -> Arc<Known> {
        if self.by_key.len() >= ROUTES_MAX {
            self.by_key.clear();
        }
        let known = Arc::new(known);
        let name = [exchange, SEPARATOR, key].concat();
        self.by_key.insert(name.clone(), Arc::clone(&known));
        self.last = Some((name, Arc::clone(&known)));
        known
    }
}

/// Cannot be confused: an exchange's name is looked up before anything is remembered.
const SEPARATOR: &str = "\0";

fn is_route(route: &str, exchange: &str, key: &str) -> bool {
    route.len() == exchange.len() + 1 + key.len()
        && route.starts_with(exchange)
        && route.ends_with(key)
        && route.as_bytes().get(exchange.len()) == Some(&0)
}
