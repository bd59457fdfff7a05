//! What the metrics are made of: the model as it is at one scrape.

use std::sync::Arc;

use super::super::Api;
use super::super::rates::{self, AllTraffic};
use super::Query;
use crate::broker::connection::{ChannelInfo, ChannelStats, Connection};
use crate::broker::exchange::Exchange;
use crate::broker::name::Name;
use crate::broker::queue::{Queue, QueueKind, QueueStats, QueueView};

/// A queue and what it holds.
#[derive(Debug)]
pub(super) struct QueueSample {
    pub(super) queue: Arc<Queue>,
    pub(super) view: QueueView,
}

/// A channel.
#[derive(Debug)]
pub(super) struct ChannelSample {
    pub(super) name: String,
    pub(super) vhost: Name,
    pub(super) info: Arc<ChannelInfo>,
    /// In the order of [`ChannelStats::NAMES`].
    pub(super) counts: [u64; ChannelStats::NAMES.len()],
}

/// A connection.
#[derive(Debug)]
pub(super) struct ConnectionSample {
    pub(super) connection: Arc<Connection>,
    pub(super) octets: [u64; 2],
    pub(super) writes: u64,
    pub(super) channels: u64,
}

/// Everything.
#[derive(Debug)]
pub(super) struct Snapshot {
    /// Those that were asked for.
    pub(super) queues: Vec<QueueSample>,
    pub(super) exchanges: Vec<Arc<Exchange>>,
    pub(super) channels: Vec<ChannelSample>,
    pub(super) connections: Vec<ConnectionSample>,
    /// Queues tell what is on disk only.
    pub(super) shows_paged_out: bool,
    /// What all queues that there are and were have counted, by type.
    pub(super) by_kind: [QueueStats; QueueKind::ALL.len()],
    /// What all channels that there are and were have counted.
    pub(super) traffic: [u64; ChannelStats::NAMES.len()],
}

impl Snapshot {
    /// Of all, and in the lists only of what the query names.
    pub(super) fn take(api: &Api, query: &Query) -> Self {
        let broker = api.broker();
        let (mut queues, mut exchanges) = (Vec::new(), Vec::new());
        let mut by_kind = QueueKind::ALL.map(|kind| broker.totals.queues(kind));
        for vhost in broker.vhosts.sorted() {
            for queue in vhost.queues.sorted() {
                let view = queue.view();
                if let Some(sum) = by_kind.get_mut(queue.kind as usize) {
                    sum.add(&view.stats);
                }
                if query.names(&vhost.name, queue.name()) {
                    queues.push(QueueSample { queue, view });
                }
            }
            if query.names_vhost(&vhost.name) {
                exchanges.extend(vhost.exchanges.sorted());
            }
        }
        let connections = broker.connections.sorted();
        Self {
            queues,
            exchanges,
            channels: connections.iter().flat_map(channels).collect(),
            connections: connections.into_iter().map(connection).collect(),
            shows_paged_out: broker.compat.shown.paged_out,
            by_kind,
            traffic: AllTraffic::read(broker).broker.channels,
        }
    }

    /// A sum over the queues that are listed.
    pub(super) fn sum(&self, of: impl Fn(&QueueSample) -> u64) -> u64 {
        self.queues.iter().map(of).sum()
    }
}

fn channels(connection: &Arc<Connection>) -> Vec<ChannelSample> {
    let sample = |info: Arc<ChannelInfo>| ChannelSample {
        name: format!("{} ({})", connection.name, info.number),
        vhost: connection.vhost.clone(),
        counts: info.stats.read(),
        info,
    };
    connection.channel_infos().into_iter().map(sample).collect()
}

fn connection(connection: Arc<Connection>) -> ConnectionSample {
    let (_, writes) = connection.outlet.traffic();
    ConnectionSample {
        octets: rates::of_connection(&connection),
        writes,
        channels: connection.channel_infos().len() as u64,
        connection,
    }
}
