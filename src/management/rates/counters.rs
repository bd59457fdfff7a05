//! Which counters of which objects are sampled, in which order, and how they are read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::broker::connection::{ChannelInfo, ChannelStats, Connection};
use crate::broker::exchange::Exchange;
use crate::broker::name::Name;
use crate::broker::queue::{QueueStats, QueueView};
use crate::broker::totals::Totals;
use crate::broker::vhost::VirtualHost;
use crate::broker::{Broker, Churn};
use crate::server::memory;

/// What happens to messages on channels, and all ways to hand them out together.
pub(crate) const MESSAGES: [&str; 12] = with_deliver_get(ChannelStats::NAMES);
/// What happens to messages in a queue.
pub(crate) const QUEUE_MESSAGES: [&str; 9] = with_deliver_get(QueueStats::NAMES);
/// How many messages there are.
pub(crate) const LENGTHS: [&str; 3] = ["messages", "messages_ready", "messages_unacknowledged"];
/// Octets over the network.
pub(crate) const OCTETS: [&str; 2] = ["recv_oct", "send_oct"];
/// What exchanges count.
pub(crate) const EXCHANGE: [&str; 2] = ["publish_in", "publish_out"];
/// What the process uses.
pub(crate) const NODE: [&str; 5] = [
    "mem_used",
    "fd_used",
    "sockets_used",
    "proc_used",
    "disk_free",
];
/// What comes and goes.
pub(crate) const CHURN: [&str; 7] = [
    "connection_created",
    "connection_closed",
    "channel_created",
    "channel_closed",
    "queue_declared",
    "queue_created",
    "queue_deleted",
];

/// Names and one more.
const fn with_deliver_get<const N: usize, const M: usize>(
    names: [&'static str; N],
) -> [&'static str; M] {
    let mut all = ["deliver_get"; M];
    let mut at = 0;
    while at < N {
        all[at] = names[at];
        at += 1;
    }
    all
}

/// Two groups in one array.
pub(super) fn joined<const A: usize, const B: usize, const N: usize>(
    one: [u64; A],
    other: [u64; B],
) -> [u64; N] {
    let mut all = [0; N];
    let both = one.into_iter().chain(other);
    all.iter_mut().zip(both).for_each(|(to, from)| *to = from);
    all
}

fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Counters of a channel, or a sum of them.
pub(crate) fn messages(counts: [u64; 11]) -> [u64; 12] {
    let [.., deliver, deliver_no_ack, get, get_no_ack, _, _, _] = counts;
    joined(counts, [deliver + deliver_no_ack + get + get_no_ack])
}

/// Of a channel.
pub(crate) fn of_channel(channel: &ChannelInfo) -> [u64; 12] {
    messages(channel.stats.read())
}

/// Of a queue.
pub(crate) fn queue_messages(stats: &QueueStats) -> [u64; 9] {
    joined(stats.shown(), [stats.deliver_get()])
}

/// Of a queue.
pub(crate) fn queue_lengths(view: &QueueView) -> [u64; 3] {
    let messages = view.messages();
    [messages, view.ready, view.unacked]
}

/// Of all queues of a virtual host together.
pub(crate) fn vhost_lengths(vhost: &VirtualHost) -> [u64; 3] {
    let queues = vhost.queues.snapshot();
    let lengths = queues.iter().map(|queue| queue.counters().0);
    lengths.fold([0; 3], sum)
}

pub(crate) fn sum<const N: usize>(mut one: [u64; N], other: [u64; N]) -> [u64; N] {
    one.iter_mut()
        .zip(other)
        .for_each(|(sum, more)| *sum += more);
    one
}

/// Of an exchange.
pub(crate) fn of_exchange(exchange: &Exchange) -> [u64; 2] {
    [load(&exchange.published_in), load(&exchange.published_out)]
}

/// Of a connection.
pub(crate) fn of_connection(connection: &Connection) -> [u64; 2] {
    let (sent, _) = connection.outlet.traffic();
    [load(&connection.traffic.received), sent]
}

/// Of the broker.
pub(crate) fn of_churn(churn: &Churn) -> [u64; 7] {
    [
        load(&churn.connection_created),
        load(&churn.connection_closed),
        load(&churn.channel_created),
        load(&churn.channel_closed),
        load(&churn.queue_declared),
        load(&churn.queue_created),
        load(&churn.queue_deleted),
    ]
}

/// Of the process: memory, files, clients, disk.
pub(crate) fn of_node(broker: &Broker) -> [u64; 5] {
    let clients = broker.connections.len() as u64;
    [
        broker.alarm.used_bytes(broker.held_bytes()),
        memory::descriptors() as u64,
        clients,
        clients,
        memory::free_bytes(),
    ]
}

/// What connections and their channels count, added up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    /// As [`ChannelStats::NAMES`].
    pub(crate) channels: [u64; 11],
    /// As [`OCTETS`].
    pub(crate) octets: [u64; 2],
}

impl Traffic {
    /// Of what is gone.
    pub(crate) fn of(totals: &Totals) -> Self {
        Self {
            channels: totals.channels.read(),
            octets: [load(&totals.received), load(&totals.sent)],
        }
    }

    fn add(&mut self, connection: &Connection) {
        for channel in connection.channel_infos() {
            self.channels = sum(self.channels, channel.stats.read());
        }
        self.octets = sum(self.octets, of_connection(connection));
    }
}

/// The traffic of all virtual hosts, in one walk over the connections.
#[derive(Debug)]
pub(crate) struct AllTraffic {
    /// Of the whole broker.
    pub(crate) broker: Traffic,
    vhosts: HashMap<Name, Traffic>,
}

impl AllTraffic {
    /// Now, with what is gone. That is read first: what ends meanwhile may be missing, but never
    /// counts twice.
    pub(crate) fn read(broker: &Broker) -> Self {
        let vhosts = broker.vhosts.snapshot();
        let mut all = Self {
            broker: Traffic::of(&broker.totals),
            vhosts: vhosts
                .iter()
                .map(|vhost| (vhost.name.clone(), Traffic::of(&vhost.totals)))
                .collect(),
        };
        for connection in broker.connections.snapshot() {
            all.broker.add(&connection);
            if let Some(vhost) = all.vhosts.get_mut(&connection.vhost) {
                vhost.add(&connection);
            }
        }
        all
    }

    /// Of one virtual host.
    pub(crate) fn of(&self, vhost: &Name) -> Traffic {
        self.vhosts.get(vhost).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_hand_out_are_added_up() {
        assert_eq!(MESSAGES[11], "deliver_get");
        let names = ChannelStats::NAMES;
        let handed_out = ["deliver", "deliver_no_ack", "get", "get_no_ack"];
        let counts = names.map(|name| u64::from(handed_out.contains(&name)));
        assert_eq!(messages(counts)[11], 4);
        assert_eq!(QUEUE_MESSAGES[8], "deliver_get");
    }
}
