//! Dead letters: a message that left its queue unconsumed goes to the queue's dead-letter
//! exchange, with its history in `x-death`. Where only the broker's own history counts (RabbitMQ
//! 4), it is kept beside the message, and what a client put into that header is replaced.

use std::sync::Arc;

use bytes::BytesMut;
use leveret_proto::value::{FieldTable, FieldValue};

use super::compat::Compat;
use super::effects::{Dead, DeathReason, Effects, Receipt};
use super::exchange::{extra_keys, route};
use super::message::{Message, Parts};
use super::publish::publish;
use super::queue::Queue;
use super::tick::Tick;
use super::vhost::VirtualHost;

/// One row of `x-death`: how often a message died in a queue for a reason.
#[derive(Clone, Debug)]
pub struct Death(FieldTable);

impl Death {
    /// The first death in that queue for that reason; `time` in seconds since 1970.
    fn new(dead: &Dead, time: u64) -> Self {
        let message = &dead.message;
        let mut routing_keys = vec![FieldValue::from(message.routing_key())];
        if let Some(FieldValue::Array(more)) = message.headers().get("CC")
            && !message.left_its_keys
        {
            routing_keys.extend(more.iter().cloned());
        }
        let mut row = FieldTable::new();
        let expiration = message.decoded().ok().and_then(|it| it.expiration);
        if let Some(expiration) = expiration {
            row.insert("original-expiration", expiration.as_str());
        }
        row.insert("count", 1_i64);
        row.insert("reason", dead.reason.as_str());
        row.insert("queue", dead.queue.name().as_str());
        row.insert("time", FieldValue::Timestamp(time));
        row.insert("exchange", message.exchange());
        row.insert("routing-keys", FieldValue::Array(routing_keys));
        Self(row)
    }

    fn text(&self, key: &str) -> &str {
        self.0
            .get(key)
            .and_then(FieldValue::as_str)
            .unwrap_or_default()
    }

    fn is_of(&self, queue: &str, reason: DeathReason) -> bool {
        self.text("queue") == queue && self.text("reason") == reason.as_str()
    }

    fn again(mut self) -> Self {
        let count = self.0.get("count").and_then(FieldValue::as_i64);
        self.0
            .insert("count", count.unwrap_or_default().saturating_add(1));
        self
    }
}

/// Publish a dead message to its queue's dead-letter exchange. One that does not exist swallows
/// it, as RabbitMQ's does, unless its queue keeps it until it has arrived. No lock is held on entry.
pub(super) fn publish_dead(vhost: &VirtualHost, mut dead: Dead, now: Tick, fx: &mut Effects) {
    let kept = dead.kept.take();
    let (message, queues) = match addressed(vhost, &dead, now, fx) {
        Some((message, queues)) => (message, queues),
        None => (Arc::clone(&dead.message), Vec::new()),
    };
    match kept {
        None => drop(publish(&queues, &message, now, fx)),
        Some(mut receipt) => {
            let is_delivered = deliver_missing(&mut receipt, &queues, &message, now, fx);
            dead.queue.dead_letter_tried(receipt, is_delivered, now, fx);
        }
    }
}

/// Whether all queues have it now, and there is one.
fn deliver_missing(
    receipt: &mut Receipt,
    queues: &[Arc<Queue>],
    message: &Arc<Message>,
    now: Tick,
    fx: &mut Effects,
) -> bool {
    let mut is_delivered = !queues.is_empty();
    for queue in queues {
        if receipt.taken_by.contains(queue.name()) {
            continue;
        }
        if publish(std::slice::from_ref(queue), message, now, fx).overflowed {
            is_delivered = false;
        } else {
            receipt.taken_by.push(queue.name().clone());
        }
    }
    is_delivered
}

/// The message with its history, and the queues it goes to.
fn addressed(
    vhost: &VirtualHost,
    dead: &Dead,
    now: Tick,
    fx: &mut Effects,
) -> Option<(Arc<Message>, Vec<Arc<Queue>>)> {
    let settings = dead.queue.settings();
    let exchange = settings.dead_letter_exchange.as_deref()?;
    let exchange = vhost.exchanges.get(exchange)?;
    let other_key = settings.dead_letter_routing_key.as_deref();
    let routing_key = other_key.unwrap_or(dead.message.routing_key());
    let letter = Letter::of(
        dead,
        &vhost.compat,
        fx.wall_start_ms / 1000 + now.ms() / 1000,
    );
    let parts = Parts {
        exchange: exchange.name(),
        routing_key,
        properties: &letter.properties(other_key.is_some()),
    };
    let message = dead.message.rewritten(&mut fx.packer, parts, now);
    let left_its_keys = other_key.is_some() || dead.message.left_its_keys;
    let extra_keys = match left_its_keys {
        true => Vec::new(),
        false => extra_keys(&message.headers()),
    };
    let mut message = message.with_deaths(letter.deaths, dead.failures);
    message.left_its_keys = left_its_keys;
    let message = Arc::new(message);
    let mut queues = route(vhost, &exchange, &message, &extra_keys, now, fx).queues;
    let deaths = message.deaths.as_deref().unwrap_or_default();
    queues.retain(|queue| !is_cycle(queue, dead.reason, deaths));
    Some((message, queues))
}

/// A message comes round without anybody having rejected it: it would do so for ever.
fn is_cycle(queue: &Queue, reason: DeathReason, deaths: &[Death]) -> bool {
    if reason == DeathReason::Rejected {
        return false;
    }
    let name = queue.name().as_str();
    let seen = deaths.iter().position(|death| death.text("queue") == name);
    let since = seen.and_then(|at| deaths.get(..=at));
    since.is_some_and(|since| {
        let rejected = DeathReason::Rejected.as_str();
        since.iter().all(|death| death.text("reason") != rejected)
    })
}

/// The deaths before this one, the latest first.
fn before(message: &Message, rules: &Compat) -> Vec<Death> {
    if rules.headers.own_deaths_only {
        return message.deaths.clone().unwrap_or_default();
    }
    let headers = message.headers();
    let Some(FieldValue::Array(rows)) = headers.get("x-death") else {
        return Vec::new();
    };
    let row = |row: &FieldValue| match row {
        FieldValue::Table(row) => Some(Death(row.clone())),
        _ => None,
    };
    rows.iter().filter_map(row).collect()
}

/// With this death: it is counted if there was one of its kind, and comes first.
fn history(mut deaths: Vec<Death>, dead: &Dead, time: u64) -> Vec<Death> {
    let queue = dead.queue.name().as_str();
    let again = deaths.iter().position(|it| it.is_of(queue, dead.reason));
    let death = match again {
        Some(at) => deaths.remove(at).again(),
        None => Death::new(dead, time),
    };
    deaths.insert(0, death);
    deaths
}

/// A message as it is published again: the body is shared, the history added.
struct Letter<'a> {
    message: &'a Message,
    rules: &'a Compat,
    deaths: Vec<Death>,
    is_first: bool,
}

impl<'a> Letter<'a> {
    fn of(dead: &'a Dead, rules: &'a Compat, time: u64) -> Self {
        let before = before(&dead.message, rules);
        Self {
            message: &dead.message,
            rules,
            is_first: before.is_empty(),
            deaths: history(before, dead, time),
        }
    }

    /// Without an expiration of its own, or it would die at once in the next queue.
    fn properties(&self, has_other_key: bool) -> BytesMut {
        let mut properties = self.message.decoded().unwrap_or_default();
        properties.expiration = None;
        let mut headers = properties.headers.take().unwrap_or_default();
        if has_other_key && self.rules.headers.dead_letters_lose_cc {
            headers.remove("CC");
        }
        self.add_history(&mut headers);
        headers.sort();
        properties.headers = Some(headers);
        let mut raw = BytesMut::new();
        properties.encode(&mut raw);
        raw
    }

    fn add_history(&self, headers: &mut FieldTable) {
        let rows = self.deaths.iter().map(|it| FieldValue::Table(it.0.clone()));
        headers.insert("x-death", FieldValue::Array(rows.collect()));
        let Some(latest) = self.deaths.first() else {
            return;
        };
        for (place, is_told) in [
            ("first", self.is_first),
            ("last", self.rules.headers.tell_last_death),
        ] {
            for fact in ["exchange", "queue", "reason"].iter().filter(|_| is_told) {
                headers.insert(&format!("x-{place}-death-{fact}"), latest.text(fact));
            }
        }
    }
}
