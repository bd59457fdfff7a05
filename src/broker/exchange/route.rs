//! Routing: from an exchange and a key to the queues, over other exchanges and alternates.

use std::sync::Arc;

use leveret_proto::value::{FieldTable, FieldValue};

use super::super::effects::Effects;
use super::super::message::Message;
use super::super::name::Name;
use super::super::queue::Queue;
use super::super::random::Random;
use super::super::tick::Tick;
use super::super::vhost::VirtualHost;
use super::delayed::{Delayed, delay_ms};
use super::trace::{Itinerary, Step, Visit};
use super::{Binding, Destination, Exchange};

/// Where a message goes.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Each queue once.
    pub queues: Vec<Arc<Queue>>,
    /// An exchange that delays could not take it.
    pub is_refused: bool,
    /// An exchange that delays has taken it.
    pub is_held: bool,
}

/// A message on its way, where more than the key decides.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    pub(super) message: &'a Arc<Message>,
    pub(super) headers: FieldTable,
}

/// The queues that every message with this key reaches, while nothing changes. `None` when
/// something else about the message decides too, or chance, or time.
pub fn fixed_route(
    vhost: &VirtualHost,
    exchange: &Arc<Exchange>,
    routing_key: &str,
) -> Option<Vec<Arc<Queue>>> {
    let mut walk = Walk::new(vhost, vec![routing_key]);
    walk.run(exchange, None);
    walk.is_fixed.then_some(walk.route.queues)
}

/// Route a message with its own key and `extra_keys`. Exchanges that remember take note of it.
/// No lock is held on entry.
pub fn route(
    vhost: &VirtualHost,
    exchange: &Arc<Exchange>,
    message: &Arc<Message>,
    extra_keys: &[Name],
    now: Tick,
    fx: &mut Effects,
) -> Route {
    let mut keys = vec![message.routing_key()];
    keys.extend(extra_keys.iter().map(Name::as_str));
    let letter = Letter {
        message,
        headers: message.headers(),
    };
    let mut walk = Walk::new(vhost, keys);
    walk.run(exchange, Some((&letter, now, fx)));
    walk.route
}

/// Where a message would go, on paper: no exchange takes note of it. No lock is held on entry.
pub fn dry_route(
    vhost: &VirtualHost,
    exchange: &Arc<Exchange>,
    message: &Arc<Message>,
    extra_keys: &[Name],
    now: Tick,
) -> Itinerary {
    let mut keys = vec![message.routing_key()];
    keys.extend(extra_keys.iter().map(Name::as_str));
    let letter = Letter {
        message,
        headers: message.headers(),
    };
    let mut walk = Walk::new(vhost, keys);
    walk.visits = Some(Vec::new());
    walk.run(exchange, Some((&letter, now, &mut Effects::default())));
    Itinerary {
        route: walk.route,
        visits: walk.visits.unwrap_or_default(),
    }
}

/// One routing on its way.
struct Walk<'a> {
    vhost: &'a VirtualHost,
    keys: Vec<&'a str>,
    /// Exchanges seen: bindings may form a cycle.
    visited: Vec<Arc<Exchange>>,
    pending: Vec<Arc<Exchange>>,
    route: Route,
    is_fixed: bool,
    /// On paper: what was seen on the way.
    visits: Option<Vec<Visit>>,
}

/// The message, and what exchanges that hold it back need.
type Content<'a, 'b> = Option<(&'b Letter<'a>, Tick, &'b mut Effects)>;

impl<'a> Walk<'a> {
    const fn new(vhost: &'a VirtualHost, keys: Vec<&'a str>) -> Self {
        Self {
            vhost,
            keys,
            visited: Vec::new(),
            pending: Vec::new(),
            route: Route {
                queues: Vec::new(),
                is_refused: false,
                is_held: false,
            },
            is_fixed: true,
            visits: None,
        }
    }

    fn run(&mut self, exchange: &Arc<Exchange>, mut content: Content<'_, '_>) {
        self.pending.push(Arc::clone(exchange));
        while let Some(exchange) = self.pending.pop() {
            if self.visited.iter().any(|seen| Arc::ptr_eq(seen, &exchange)) {
                continue;
            }
            self.visited.push(Arc::clone(&exchange));
            if content.is_none() && exchange.asks_content() {
                self.is_fixed = false;
                return;
            }
            if !self.step(&exchange, &mut content) {
                // Nothing matched here: on to the alternate exchange, if there is one.
                let alternate = exchange.alternate();
                let alternate = alternate.and_then(|name| self.vhost.exchanges.get(&name));
                if let Some(visit) = self.visits.as_mut().and_then(|all| all.last_mut()) {
                    visit.alternate = alternate.as_ref().map(|it| it.name().clone());
                }
                self.pending.extend(alternate);
            }
        }
    }

    /// Follow the bindings of one exchange; whether any matched.
    fn step(&mut self, exchange: &Arc<Exchange>, content: &mut Content<'_, '_>) -> bool {
        if exchange.is_default() {
            let is_found = self.by_name();
            let step = if is_found {
                Step::Matched
            } else {
                Step::Unmatched
            };
            self.note(exchange, step, Vec::new());
            return is_found;
        }
        if let (true, Some((letter, now, _))) = (self.visits.is_some(), &*content) {
            return self.step_on_paper(exchange, letter, *now);
        }
        let letter = match content {
            Some((letter, now, fx)) => {
                if !self.may_pass(exchange, letter, *now, fx) {
                    return false;
                }
                Some(*letter)
            }
            None => None,
        };
        let mut found = Vec::new();
        exchange.matches(&self.keys, letter, &self.vhost.random, &mut |to| {
            found.push(to.clone());
        });
        self.follow(&found);
        !found.is_empty()
    }

    /// Likewise, but that nothing is remembered, held back or drawn.
    fn step_on_paper(&mut self, exchange: &Arc<Exchange>, letter: &Letter<'_>, now: Tick) -> bool {
        if let Some(stop) = exchange.would_stop(letter, now) {
            self.note(exchange, stop, Vec::new());
            return false;
        }
        let mut found: Vec<Destination> = Vec::new();
        let lot = Random::new(Some(0));
        exchange.matches(&self.keys, Some(letter), &lot, &mut |to| {
            found.push(to.clone());
        });
        let matched = exchange.matched(&self.keys, letter, &found, &self.vhost.compat);
        let step = match found.is_empty() {
            true => Step::Unmatched,
            false if exchange.draws() => Step::Drawn,
            false => Step::Matched,
        };
        self.note(exchange, step, matched);
        self.follow(&found);
        !found.is_empty()
    }

    fn note(&mut self, exchange: &Arc<Exchange>, step: Step, matched: Vec<Binding>) {
        if let Some(visits) = &mut self.visits {
            visits.push(Visit {
                exchange: Arc::clone(exchange),
                step,
                matched,
                alternate: None,
            });
        }
    }

    fn follow(&mut self, found: &[Destination]) {
        for destination in found {
            match destination {
                Destination::Queue(queue) => self.reach(queue),
                Destination::Exchange(next) => self.pending.push(Arc::clone(next)),
            }
        }
    }

    /// Whether the exchange routes the message now: it may hold it back, or know it already.
    fn may_pass(
        &mut self,
        exchange: &Arc<Exchange>,
        letter: &Letter<'_>,
        now: Tick,
        fx: &mut Effects,
    ) -> bool {
        if let Some(held) = &exchange.held
            && let Some(ms) = delay_ms(&letter.headers)
        {
            let delayed = Delayed {
                message: Arc::clone(letter.message),
                extra_keys: self
                    .keys
                    .iter()
                    .skip(1)
                    .map(|key| Name::from(*key))
                    .collect(),
                due: now.plus_ms(ms),
            };
            match held.hold(delayed, exchange, fx) {
                true => self.route.is_held = true,
                false => self.route.is_refused = true,
            }
            return false;
        }
        exchange.remember(letter, now, fx)
    }

    /// The default exchange leads to every queue by its name.
    fn by_name(&mut self) -> bool {
        let mut is_found = false;
        for at in 0..self.keys.len() {
            let Some(key) = self.keys.get(at).copied() else {
                break;
            };
            let queue = self.vhost.queues.get(key);
            if let Some(queue) = queue.or_else(|| self.vhost.replies.get(key)) {
                is_found = true;
                self.reach(&queue);
            }
        }
        is_found
    }

    fn reach(&mut self, queue: &Arc<Queue>) {
        let queues = &mut self.route.queues;
        if !queues.iter().any(|there| Arc::ptr_eq(there, queue)) {
            queues.push(Arc::clone(queue));
        }
    }
}

/// Further routing keys that the sender put into the headers `CC` and `BCC`.
pub fn extra_keys(headers: &FieldTable) -> Vec<Name> {
    let lists = ["CC", "BCC"].map(|key| headers.get(key));
    let keys = lists.into_iter().flatten().flat_map(|value| match value {
        FieldValue::Array(keys) => keys.as_slice(),
        _ => &[],
    });
    keys.filter_map(FieldValue::as_str)
        .map(Name::from)
        .collect()
}
