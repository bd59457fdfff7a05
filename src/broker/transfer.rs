//! Messages moved or copied from a queue to another place by hand, a part at a time. What the other
//! place does not take stays where it was.

use std::sync::Arc;

use bytes::BytesMut;

use super::effects::Effects;
use super::exchange::{Exchange, extra_keys, route};
use super::message::{Message, Parts};
use super::name::Name;
use super::publish::publish;
use super::queue::{Lifted, Page, Queue, Which};
use super::tick::Tick;
use super::vhost::VirtualHost;

/// Messages that are on their way at a time.
pub const PART: usize = 256;

/// Headers that tell of deaths.
const DEATH_HEADERS: [&str; 7] = [
    "x-death",
    "x-first-death-exchange",
    "x-first-death-queue",
    "x-first-death-reason",
    "x-last-death-exchange",
    "x-last-death-queue",
    "x-last-death-reason",
];

/// Where messages go.
#[derive(Clone, Debug)]
pub enum Target {
    /// Into a queue, as they are.
    Queue(Arc<Queue>),
    /// To an exchange, with this key or their own.
    Exchange(Arc<Exchange>, Option<Name>),
}

/// What is moved where.
#[derive(Clone, Debug)]
pub struct Transfer {
    /// Where they are.
    pub from: Arc<Queue>,
    /// Where they go.
    pub to: Target,
    /// They come without their history of deaths.
    pub forgets_deaths: bool,
}

/// Why a message went nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// A queue refuses it for its length, or is gone.
    Refused,
    /// It leads to no queue.
    Unroutable,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Messages that arrived.
    pub count: u64,
    /// Why the next one did not.
    pub obstacle: Option<Obstacle>,
}

impl Transfer {
    /// Move at most `max` messages, in delivery order. No lock is held on entry.
    pub fn move_some(
        &self,
        vhost: &VirtualHost,
        which: &Which,
        max: usize,
        now: Tick,
        fx: &mut Effects,
    ) -> Transferred {
        let mut lifted = self.from.lift(which, max.min(PART), now, fx);
        let mut obstacle = None;
        let arrived = lifted.iter().position(|one| {
            obstacle = self.offer(vhost, one.message(), now, fx).err();
            obstacle.is_some()
        });
        let rest: Vec<Lifted> = lifted.split_off(arrived.unwrap_or(lifted.len()));
        self.from.let_go(&lifted, fx);
        self.from.restore(rest, now, fx);
        fx.settle(vhost, now);
        Transferred {
            count: lifted.len() as u64,
            obstacle,
        }
    }

    /// Copy the messages of a page. No lock is held on entry.
    pub fn copy_some(
        &self,
        vhost: &VirtualHost,
        page: Page,
        is_meant: impl Fn(u64) -> bool,
        now: Tick,
        fx: &mut Effects,
    ) -> Transferred {
        let mut done = Transferred::default();
        for entry in self.from.peek(page) {
            if !is_meant(entry.seq) {
                continue;
            }
            match self.offer(vhost, &entry.message, now, fx) {
                Ok(()) => done.count += 1,
                Err(obstacle) => {
                    done.obstacle = Some(obstacle);
                    break;
                }
            }
        }
        fx.settle(vhost, now);
        done
    }

    fn offer(
        &self,
        vhost: &VirtualHost,
        message: &Arc<Message>,
        now: Tick,
        fx: &mut Effects,
    ) -> Result<(), Obstacle> {
        let message = self.addressed(message, now, fx);
        let (queues, is_held) = match &self.to {
            Target::Queue(queue) => (vec![Arc::clone(queue)], false),
            Target::Exchange(exchange, key) => {
                let more = match key {
                    Some(_) => Vec::new(),
                    None => extra_keys(&message.headers()),
                };
                let found = route(vhost, exchange, &message, &more, now, fx);
                if found.is_refused {
                    return Err(Obstacle::Refused);
                }
                (found.queues, found.is_held)
            }
        };
        if queues.is_empty() {
            return is_held.then_some(()).ok_or(Obstacle::Unroutable);
        }
        // Half of the queues must not get it: it would come to them twice with the next try.
        if queues.iter().any(|queue| queue.would_refuse(&message)) {
            return Err(Obstacle::Refused);
        }
        match publish(&queues, &message, now, fx).routed || is_held {
            true => Ok(()),
            false => Err(Obstacle::Refused),
        }
    }

    /// As it is published: the body is shared.
    fn addressed(&self, message: &Arc<Message>, now: Tick, fx: &mut Effects) -> Arc<Message> {
        let (exchange, key) = match &self.to {
            Target::Queue(_) if !self.forgets_deaths => return Arc::clone(message),
            Target::Queue(_) => (message.exchange(), message.routing_key()),
            Target::Exchange(exchange, key) => {
                let key = key.as_deref().unwrap_or(message.routing_key());
                (exchange.name().as_str(), key)
            }
        };
        let own;
        let properties = match self.forgets_deaths {
            false => message.properties(),
            true => {
                own = without_deaths(message);
                &own
            }
        };
        let parts = Parts {
            exchange,
            routing_key: key,
            properties,
        };
        let copy = message.rewritten(&mut fx.packer, parts, now);
        Arc::new(match (&message.deaths, self.forgets_deaths) {
            (Some(deaths), false) => copy.with_deaths(deaths.clone(), message.failures),
            _ => copy,
        })
    }
}

fn without_deaths(message: &Message) -> BytesMut {
    let mut properties = message.decoded().unwrap_or_default();
    if let Some(headers) = &mut properties.headers {
        for header in DEATH_HEADERS {
            headers.remove(header);
        }
    }
    let mut raw = BytesMut::new();
    properties.encode(&mut raw);
    raw
}
