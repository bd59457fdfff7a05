//! Routing: from an exchange and a key to the queues, over other exchanges and alternates.

use std::sync::Arc;

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::queue::Queue;
use super::super::vhost::VirtualHost;
use super::{Destination, Exchange, ExchangeKind};

/// Where a message goes.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Each queue once.
    pub queues: Vec<Arc<Queue>>,
    /// Whether the same exchange and key lead there again: no headers were asked.
    pub cacheable: bool,
}

/// Route a message. `headers` is asked only where an exchange needs it, and for the extra keys
/// in `CC` and `BCC`.
pub fn route(
    vhost: &VirtualHost,
    exchange: &Arc<Exchange>,
    routing_key: &str,
    headers: Option<&FieldTable>,
) -> Route {
    let no_headers = FieldTable::new();
    let headers = headers.unwrap_or(&no_headers);
    let mut walk = Walk {
        vhost,
        headers,
        visited: Vec::new(),
        route: Route::default(),
    };
    walk.route.cacheable = true;
    walk.from(exchange, routing_key);
    for key in extra_keys(headers) {
        walk.route.cacheable = false;
        walk.visited.clear();
        walk.from(exchange, key);
    }
    walk.route
}

/// One routing on its way.
struct Walk<'a> {
    vhost: &'a VirtualHost,
    headers: &'a FieldTable,
    /// Exchanges seen: bindings may form a cycle.
    visited: Vec<Arc<Exchange>>,
    route: Route,
}

impl Walk<'_> {
    fn from(&mut self, exchange: &Arc<Exchange>, routing_key: &str) {
        let mut pending = vec![Arc::clone(exchange)];
        while let Some(exchange) = pending.pop() {
            if self.visited.iter().any(|seen| Arc::ptr_eq(seen, &exchange)) {
                continue;
            }
            self.visited.push(Arc::clone(&exchange));
            if !self.step(&exchange, routing_key, &mut pending) {
                // Nothing matched here: on to the alternate exchange, if there is one.
                let alternate = exchange.alternate();
                pending.extend(alternate.and_then(|name| self.vhost.exchanges.get(&name)));
            }
        }
    }

    /// Follow the bindings of one exchange; whether any matched.
    fn step(&mut self, exchange: &Exchange, key: &str, pending: &mut Vec<Arc<Exchange>>) -> bool {
        if exchange.is_default() {
            let queue = self
                .vhost
                .queues
                .get(key)
                .or_else(|| self.vhost.replies.get(key));
            let found = queue.is_some();
            queue.into_iter().for_each(|queue| self.reach(&queue));
            return found;
        }
        self.route.cacheable &= exchange.spec.kind != ExchangeKind::Headers;
        let mut found = Vec::new();
        exchange.matches(key, self.headers, &mut |to| found.push(to.clone()));
        for destination in &found {
            match destination {
                Destination::Queue(queue) => self.reach(queue),
                Destination::Exchange(next) => pending.push(Arc::clone(next)),
            }
        }
        !found.is_empty()
    }

    fn reach(&mut self, queue: &Arc<Queue>) {
        if !self
            .route
            .queues
            .iter()
            .any(|there| Arc::ptr_eq(there, queue))
        {
            self.route.queues.push(Arc::clone(queue));
        }
    }
}

/// Further routing keys that the sender put into the headers `CC` and `BCC`.
fn extra_keys(headers: &FieldTable) -> impl Iterator<Item = &str> {
    ["CC", "BCC"]
        .into_iter()
        .filter_map(|key| headers.get(key))
        .flat_map(|value| match value {
            FieldValue::Array(keys) => keys.iter().filter_map(FieldValue::as_str).collect(),
            _ => Vec::new(),
        })
}
