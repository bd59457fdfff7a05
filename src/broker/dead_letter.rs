//! Dead letters: a message that left its queue unconsumed goes to the queue's dead-letter
//! exchange, with its history in `x-death` (RabbitMQ 4: only the broker's own history counts,
//! what a client put into that header is replaced).

use std::sync::Arc;

use bytes::BytesMut;
use leveret_proto::value::{FieldTable, FieldValue, ShortString};

use super::effects::{Dead, DeathReason, Effects};
use super::exchange::{Exchange, extra_keys, route};
use super::message::{Message, Parts};
use super::name::Name;
use super::publish::publish;
use super::queue::Queue;
use super::tick::Tick;
use super::vhost::VirtualHost;

/// One row of `x-death`: how often a message died in a queue for a reason.
#[derive(Clone, Debug)]
pub struct Death {
    queue: Name,
    reason: DeathReason,
    count: i64,
    /// Seconds since 1970 of the first time.
    time: u64,
    exchange: ShortString,
    routing_keys: Vec<FieldValue>,
    original_expiration: Option<ShortString>,
}

impl Death {
    fn table(&self) -> FieldValue {
        let mut table = FieldTable::new();
        if let Some(expiration) = &self.original_expiration {
            table.insert("original-expiration", expiration.as_str());
        }
        table.insert("count", self.count);
        table.insert("reason", self.reason.as_str());
        table.insert("queue", self.queue.as_str());
        table.insert("time", FieldValue::Timestamp(self.time));
        table.insert("exchange", self.exchange.as_str());
        table.insert("routing-keys", FieldValue::Array(self.routing_keys.clone()));
        FieldValue::Table(table)
    }
}

/// Publish a dead message to its queue's dead-letter exchange. One that does not exist swallows
/// it, as RabbitMQ's does. No lock is held on entry.
pub(super) fn publish_dead(vhost: &VirtualHost, dead: &Dead, now: Tick, fx: &mut Effects) {
    let settings = dead.queue.settings();
    let Some(exchange) = settings.dead_letter_exchange.as_deref() else {
        return;
    };
    let Some(exchange) = vhost.exchanges.get(exchange) else {
        return;
    };
    let other_key = settings.dead_letter_routing_key.as_deref();
    let routing_key = other_key.unwrap_or(dead.message.routing_key());
    let deaths = history(dead, fx.wall_start_ms / 1000 + now.ms() / 1000);
    let message = rewrite(
        dead,
        &exchange,
        routing_key,
        &deaths,
        other_key.is_some(),
        now,
        fx,
    );
    let extra_keys = extra_keys(&message.headers());
    let message = Arc::new(message.with_deaths(deaths));
    let mut queues = route(vhost, &exchange, &message, &extra_keys, now, fx).queues;
    let deaths = message.deaths.as_deref().unwrap_or_default();
    queues.retain(|queue| !is_cycle(queue, dead.reason, deaths));
    publish(&queues, &message, now, fx);
}

/// A message comes round without anybody having rejected it: it would do so for ever.
fn is_cycle(queue: &Queue, reason: DeathReason, deaths: &[Death]) -> bool {
    if reason == DeathReason::Rejected {
        return false;
    }
    let seen = deaths.iter().position(|death| death.queue == *queue.name());
    let since = seen.and_then(|at| deaths.get(..=at));
    since.is_some_and(|since| {
        since
            .iter()
            .all(|death| death.reason != DeathReason::Rejected)
    })
}

/// The message's deaths, the latest first, with this one.
fn history(dead: &Dead, time: u64) -> Vec<Death> {
    let message = &dead.message;
    let mut deaths = message.deaths.clone().unwrap_or_default();
    let queue = dead.queue.name();
    let again = deaths
        .iter()
        .position(|one| one.queue == *queue && one.reason == dead.reason);
    if let Some(at) = again {
        let mut death = deaths.remove(at);
        death.count += 1;
        deaths.insert(0, death);
        return deaths;
    }
    let mut routing_keys = vec![FieldValue::from(message.routing_key())];
    if let Some(FieldValue::Array(more)) = message.headers().get("CC") {
        routing_keys.extend(more.iter().cloned());
    }
    let death = Death {
        queue: queue.clone(),
        reason: dead.reason,
        count: 1,
        time,
        exchange: message.exchange().into(),
        routing_keys,
        original_expiration: message
            .decoded()
            .ok()
            .and_then(|properties| properties.expiration),
    };
    deaths.insert(0, death);
    deaths
}

/// The message as it is published again: the body is shared, the history added, and no
/// expiration of its own, or it would die at once in the next queue.
fn rewrite(
    dead: &Dead,
    exchange: &Exchange,
    routing_key: &str,
    deaths: &[Death],
    has_other_key: bool,
    now: Tick,
    fx: &mut Effects,
) -> Message {
    let message = &dead.message;
    let mut properties = message.decoded().unwrap_or_default();
    properties.expiration = None;
    let mut headers = properties.headers.take().unwrap_or_default();
    if has_other_key {
        // It leaves its old routing behind.
        headers.remove("CC");
    }
    add_history(&mut headers, deaths);
    properties.headers = Some(headers);
    let mut raw = BytesMut::new();
    properties.encode(&mut raw);
    let parts = Parts {
        exchange: exchange.name(),
        routing_key,
        properties: &raw,
    };
    message.rewritten(&mut fx.packer, parts, now)
}

fn add_history(headers: &mut FieldTable, deaths: &[Death]) {
    headers.insert(
        "x-death",
        FieldValue::Array(deaths.iter().map(Death::table).collect()),
    );
    let first_is_there = headers.get("x-first-death-reason").is_some() && deaths.len() > 1;
    let latest = deaths.first();
    for (place, death) in [
        ("first", latest.filter(|_| !first_is_there)),
        ("last", latest),
    ] {
        if let Some(death) = death {
            headers.insert(
                &format!("x-{place}-death-exchange"),
                death.exchange.as_str(),
            );
            headers.insert(&format!("x-{place}-death-queue"), death.queue.as_str());
            headers.insert(&format!("x-{place}-death-reason"), death.reason.as_str());
        }
    }
}
