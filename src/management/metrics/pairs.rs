//! Metrics of a channel and an exchange, a channel and a queue, an exchange and a queue. One by one
//! they are counted with `rates_mode = detailed` only; their sums always are.

use std::sync::Arc;

use super::objects::{Form, Labelled, Metric, metrics};
use super::snapshot::{ChannelSample, Snapshot};
use super::text::Kind::Counter;
use super::text::Labels;
use crate::broker::connection::ChannelStats;
use crate::broker::exchange::Exchange;
use crate::broker::name::Name;
use crate::broker::pairs::ChannelPairs;

type Counts = [u64; ChannelStats::NAMES.len()];

/// Counters of a channel, in the order of [`ChannelStats::NAMES`]; all, or those with one other end.
#[derive(Debug)]
pub(super) struct PairSample {
    channel: String,
    vhost: Name,
    /// The label, and the name.
    other: Option<(&'static str, Name)>,
    pub(super) counts: Counts,
}

impl Labelled for PairSample {
    fn with_labels(&self, write: &mut dyn FnMut(Labels<'_>)) {
        let (channel, vhost) = (&self.channel, &self.vhost);
        if let Some((key, name)) = &self.other {
            write(&[("channel", channel), ("vhost", vhost), (key, name)]);
        }
    }
}

impl PairSample {
    fn of(channel: &ChannelSample, other: Option<(&'static str, Name)>, counts: Counts) -> Self {
        Self {
            channel: channel.name.clone(),
            vhost: channel.vhost.clone(),
            other,
            counts,
        }
    }

    fn whole(channel: &ChannelSample) -> Self {
        Self::of(channel, None, channel.counts)
    }
}

/// What channels do to exchanges.
pub(super) fn by_exchange(form: Form, all: &Snapshot) -> Vec<PairSample> {
    if form == Form::Summed {
        return all.channels.iter().map(PairSample::whole).collect();
    }
    let of = |channel| {
        let pairs = pairs(channel, |pairs| pairs.published.sorted());
        pairs.into_iter().map(move |(name, pair)| {
            let [confirm, dropped, publish, returned] = pair.read();
            let counts = [publish, confirm, returned, dropped, 0, 0, 0, 0, 0, 0, 0];
            PairSample::of(channel, Some(("exchange", name)), counts)
        })
    };
    all.channels.iter().flat_map(of).collect()
}

/// What they do to queues.
pub(super) fn by_queue(form: Form, all: &Snapshot) -> Vec<PairSample> {
    if form == Form::Summed {
        return all.channels.iter().map(PairSample::whole).collect();
    }
    let of = |channel| {
        let pairs = pairs(channel, |pairs| pairs.delivered.sorted());
        pairs.into_iter().map(move |(name, pair)| {
            let [
                ack,
                deliver,
                _,
                deliver_no_ack,
                get,
                empty,
                get_no_ack,
                again,
            ] = pair.read();
            let taken = [deliver, deliver_no_ack, get, get_no_ack, empty, ack, again];
            let mut counts = [0; ChannelStats::NAMES.len()];
            let places = counts.iter_mut().skip(4);
            places.zip(taken).for_each(|(place, count)| *place = count);
            PairSample::of(channel, Some(("queue", name)), counts)
        })
    };
    all.channels.iter().flat_map(of).collect()
}

fn pairs<T>(channel: &ChannelSample, of: impl Fn(&ChannelPairs) -> Vec<T>) -> Vec<T> {
    channel.info.pairs.as_deref().map(of).unwrap_or_default()
}

/// What an exchange put into a queue.
#[derive(Debug)]
pub(super) struct RoutedSample {
    vhost: Name,
    exchange: Name,
    queue: Name,
    count: u64,
}

impl Labelled for RoutedSample {
    fn with_labels(&self, write: &mut dyn FnMut(Labels<'_>)) {
        let (vhost, exchange) = (&self.vhost, &self.exchange);
        write(&[
            ("vhost", vhost),
            ("exchange", exchange),
            ("queue", &self.queue),
        ]);
    }
}

pub(super) const ROUTED: &[Metric<RoutedSample>] = metrics! {
    "queue_exchange_messages_published_total", Counter, "Messages that came into queues through exchanges",
        |it| it.count;
};

/// What exchanges put into queues.
pub(super) fn routed(all: &Snapshot) -> Vec<RoutedSample> {
    let of = |exchange: &Arc<Exchange>| {
        let (vhost, name) = (exchange.spec.vhost.clone(), exchange.name().clone());
        let pairs = exchange.routed.sorted().into_iter();
        pairs.map(move |(queue, pair)| RoutedSample {
            vhost: vhost.clone(),
            exchange: name.clone(),
            queue,
            count: pair.read()[0],
        })
    };
    all.exchanges.iter().flat_map(of).collect()
}
