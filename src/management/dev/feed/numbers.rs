//! The numbers of objects that change while they are in use, under the names that lists have.

use std::sync::atomic::Ordering;

use serde_json::{Map, Value, json};

use super::super::super::auth::Caller;
use super::super::super::rates::{self, AllTraffic};
use super::super::super::{Api, connections};
use crate::broker::connection::{ChannelInfo, Connection};
use crate::broker::exchange::Exchange;
use crate::broker::queue::Queue;

fn named<const N: usize>(names: [&str; N], counts: [u64; N]) -> Value {
    let pairs = names.iter().zip(counts);
    let row = pairs.map(|(name, count)| ((*name).to_owned(), count.into()));
    Value::Object(row.collect::<Map<_, _>>())
}

pub(super) fn of_queue(queue: &Queue) -> Value {
    let (spec, view) = (&queue.spec, queue.view());
    json!({
        "vhost": spec.vhost.as_str(),
        "name": spec.name.as_str(),
        "messages": view.messages(),
        "messages_ready": view.ready,
        "messages_unacknowledged": view.unacked,
        "message_bytes": view.ready_bytes + view.unacked_bytes,
        "consumers": view.consumers,
        "message_stats": named(rates::QUEUE_MESSAGES, rates::queue_messages(&view.stats)),
    })
}

pub(super) fn of_exchange(exchange: &Exchange) -> Value {
    let spec = &exchange.spec;
    json!({
        "vhost": spec.vhost.as_str(),
        "name": spec.name.as_str(),
        "message_stats": named(rates::EXCHANGE, rates::of_exchange(exchange)),
    })
}

pub(super) fn of_connection(api: &Api, connection: &Connection, channels: usize) -> Value {
    let mut row = named(rates::OCTETS, rates::of_connection(connection));
    row["name"] = json!(connection.name.as_str());
    row["vhost"] = json!(connection.vhost.as_str());
    row["user"] = json!(connection.user.name.as_str());
    row["state"] = json!(connections::state(api, connection));
    row["channels"] = json!(channels);
    row
}

pub(super) fn of_channel(connection: &Connection, info: &ChannelInfo) -> Value {
    json!({
        "name": format!("{} ({})", connection.name, info.number),
        "vhost": connection.vhost.as_str(),
        "user": connection.user.name.as_str(),
        "confirm": info.confirm.load(Ordering::Relaxed),
        "transactional": info.transactional.load(Ordering::Relaxed),
        "prefetch_count": info.prefetch_count.load(Ordering::Relaxed),
        "global_prefetch_count": info.global_prefetch_count.load(Ordering::Relaxed),
        "consumer_count": info.consumers.load(Ordering::Relaxed),
        "messages_unacknowledged": info.unacked.load(Ordering::Relaxed),
        "message_stats": named(rates::MESSAGES, rates::of_channel(info)),
    })
}

/// What `/api/overview` counts, for this user.
pub(in super::super) fn of_all(api: &Api, caller: &Caller) -> Value {
    let broker = api.broker();
    let counts = rates::messages(AllTraffic::read(broker).broker.channels);
    let every = broker.vhosts.snapshot();
    let lengths = every.iter().map(|vhost| rates::vhost_lengths(vhost));
    let (vhosts, seen) = (caller.vhosts(api), connections::seen(api, caller));
    let channels = seen.iter().map(|one| one.channel_infos().len());
    let queues = vhosts.iter().flat_map(|vhost| vhost.queues.snapshot());
    let consumers = queues.map(|queue| queue.view().consumers);
    json!({
        "message_stats": named(rates::MESSAGES, counts),
        "queue_totals": named(rates::LENGTHS, lengths.fold([0; 3], rates::sum)),
        "churn_rates": named(rates::CHURN, rates::of_churn(&broker.churn)),
        "object_totals": {
            "connections": seen.len(),
            "channels": channels.sum::<usize>(),
            "consumers": consumers.sum::<usize>(),
            "exchanges": vhosts.iter().map(|vhost| vhost.exchanges.len()).sum::<usize>(),
            "queues": vhosts.iter().map(|vhost| vhost.queues.len()).sum::<usize>(),
        },
    })
}
