//! Rates by pairs: which channel publishes to which exchange, which exchange leads to which queue,
//! which queue serves which channel. Counted with `rates_mode = detailed` only, as on RabbitMQ;
//! without it the lists are empty.

use std::sync::Arc;

use serde_json::{Value, json};

use super::Api;
use super::channels::channel_name;
use super::rates::{Look, show};
use crate::broker::connection::{ChannelInfo, Connection};
use crate::broker::exchange::Exchange;
use crate::broker::name::Name;
use crate::broker::pairs::{ChannelPairs, Counts, DELIVERED, PUBLISHED, ROUTED};
use crate::broker::queue::Queue;
use crate::broker::settings::RatesMode;

/// The `deliveries` and `publishes` of a channel.
pub(super) fn of_channel(
    look: &Look<'_>,
    connection: &Connection,
    info: &ChannelInfo,
) -> (Vec<Value>, Vec<Value>) {
    let Some(pairs) = &info.pairs else {
        return (Vec::new(), Vec::new());
    };
    let named = |name: &Name| json!({ "name": name.as_str(), "vhost": connection.vhost.as_str() });
    let deliveries = pairs.delivered.sorted().into_iter();
    let deliveries = deliveries
        .map(|(queue, pair)| json!({ "queue": named(&queue), "stats": delivered(look, &pair) }));
    let publishes = pairs.published.sorted().into_iter();
    let publishes = publishes.map(
        |(exchange, pair)| json!({ "exchange": named(&exchange), "stats": published(look, &pair) }),
    );
    (deliveries.collect(), publishes.collect())
}

/// The `incoming` and `outgoing` of an exchange.
pub(super) fn of_exchange(
    api: &Api,
    look: &Look<'_>,
    exchange: &Exchange,
) -> (Vec<Value>, Vec<Value>) {
    let vhost = &exchange.spec.vhost;
    let incoming = of_channels(api, vhost, |pairs| {
        let pair = pairs.published.get(exchange.name())?;
        Some(published(look, &pair))
    });
    let outgoing = exchange.routed.sorted().into_iter().map(|(queue, pair)| {
        let queue = json!({ "name": queue.as_str(), "vhost": vhost.as_str() });
        json!({ "queue": queue, "stats": routed(look, &pair) })
    });
    (incoming, outgoing.collect())
}

/// The `incoming` and `deliveries` of a queue.
pub(super) fn of_queue(api: &Api, look: &Look<'_>, queue: &Queue) -> (Vec<Value>, Vec<Value>) {
    let vhost = &queue.spec.vhost;
    let host = api.broker().vhosts.get(vhost);
    let exchanges = host.map(|host| host.exchanges.sorted()).unwrap_or_default();
    let incoming = exchanges.iter().filter_map(|exchange| {
        let pair = exchange.routed.get(queue.name())?;
        let exchange = json!({ "name": exchange.name().as_str(), "vhost": vhost.as_str() });
        Some(json!({ "exchange": exchange, "stats": routed(look, &pair) }))
    });
    let deliveries = of_channels(api, vhost, |pairs| {
        let pair = pairs.delivered.get(queue.name())?;
        Some(delivered(look, &pair))
    });
    (incoming.collect(), deliveries)
}

/// The channels that have such a pair, and what it counts.
fn of_channels(
    api: &Api,
    vhost: &Name,
    stats: impl Fn(&ChannelPairs) -> Option<Value>,
) -> Vec<Value> {
    if api.broker().settings.rates_mode != RatesMode::Detailed {
        return Vec::new();
    }
    let connections = api.broker().connections.snapshot();
    let here = connections.iter().filter(|it| it.vhost == *vhost);
    let rows = here.flat_map(|connection| {
        let channels = connection.channel_infos().into_iter();
        let row = |info: Arc<ChannelInfo>| {
            let stats = stats(info.pairs.as_deref()?)?;
            Some(json!({ "channel_details": channel(api, connection, &info), "stats": stats }))
        };
        channels.filter_map(row).collect::<Vec<_>>()
    });
    rows.collect()
}

fn channel(api: &Api, connection: &Connection, info: &ChannelInfo) -> Value {
    json!({
        "connection_name": connection.name.as_str(),
        "name": channel_name(connection, info),
        "node": api.broker().node.as_str(),
        "number": info.number,
        "peer_host": connection.peer.ip().to_canonical().to_string(),
        "peer_port": connection.peer.port(),
        "user": connection.user.name.as_str(),
    })
}

fn published(look: &Look<'_>, pair: &Counts<4>) -> Value {
    show::stats(PUBLISHED, pair.read(), &look.published(pair))
}

fn delivered(look: &Look<'_>, pair: &Counts<8>) -> Value {
    show::stats(DELIVERED, pair.read(), &look.delivered(pair))
}

fn routed(look: &Look<'_>, pair: &Counts<1>) -> Value {
    show::stats(ROUTED, pair.read(), &look.routed(pair))
}
