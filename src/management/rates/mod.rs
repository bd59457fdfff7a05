//! Rates and history of counters: a sample every five seconds, kept here and not in the model.
//!
//! Counters are read when asked for; a rate is told from the last samples to this very moment.

mod counters;
mod details;
mod range;
mod series;
pub(super) mod show;

use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

pub(super) use self::counters::*;
pub(super) use self::details::{Details, Window};
pub(super) use self::range::{Range, RangeQuery, Ranges};
use self::series::{INTERVAL_MS, Moment, Series};
use super::Api;
use crate::broker::Broker;
use crate::broker::connection::{ChannelInfo, Connection};
use crate::broker::exchange::Exchange;
use crate::broker::name::Name;
use crate::broker::pairs::{ChannelPairs, Counts};
use crate::broker::queue::{Queue, QueueView};
use crate::broker::vhost::VirtualHost;
use crate::sync::{LEAF, Ranked};

/// Objects of a kind with a full history; what comes later has one of a minute.
const FULL_HISTORIES_MAX: usize = 1000;

/// The samples of everything.
#[derive(Debug, Default)]
pub(super) struct Rates {
    inner: Ranked<Inner, LEAF>,
}

#[derive(Debug, Default)]
struct Inner {
    queues: Family<Queue, 12>,
    exchanges: Family<Exchange, 2>,
    connections: Family<Connection, 2>,
    channels: Family<ChannelInfo, 12>,
    published: Family<Counts<4>, 4>,
    delivered: Family<Counts<8>, 8>,
    routed: Family<Counts<1>, 1>,
    vhosts: Family<VirtualHost, 17>,
    broker: Family<Broker, 22>,
    node: Family<Broker, 5>,
}

/// The series of one kind of object, by the object's address: it stays taken while it is here.
#[derive(Debug)]
struct Family<T, const N: usize>(HashMap<usize, (Weak<T>, Series<N>)>);

impl<T, const N: usize> Default for Family<T, N> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<T, const N: usize> Family<T, N> {
    /// Nothing is kept of what has not begun to count.
    fn record(&mut self, object: &Arc<T>, at: Moment, values: [u64; N]) {
        let address = Arc::as_ptr(object) as usize;
        let is_short = self.0.len() >= FULL_HISTORIES_MAX;
        if let Some((_, series)) = self.0.get_mut(&address) {
            series.record(at, values);
        } else if values != [0; N] {
            let mut series = Series::new(is_short);
            series.record(at, values);
            self.0.insert(address, (Arc::downgrade(object), series));
        }
    }

    fn get(&self, object: &T) -> Option<&Series<N>> {
        let address = std::ptr::from_ref(object) as usize;
        self.0.get(&address).map(|(_, series)| series)
    }

    fn forget_gone(&mut self) {
        self.0.retain(|_, (object, _)| object.strong_count() > 0);
    }

    fn forget_past(&mut self) {
        let all = self.0.values_mut();
        all.for_each(|(_, series)| series.forget_past());
    }
}

impl<const N: usize> Family<Counts<N>, N> {
    fn record_pairs(&mut self, pairs: &[Pair<N>], at: Moment) {
        for (_, pair) in pairs {
            self.record(pair, at, pair.read());
        }
    }
}

/// The other end, and what is counted.
type Pair<const N: usize> = (Name, Arc<Counts<N>>);

/// The pairs of a channel; what is gone is forgotten.
fn live_pairs(pairs: &ChannelPairs, vhost: &VirtualHost) -> (Vec<Pair<4>>, Vec<Pair<8>>) {
    pairs
        .published
        .retain(|name| vhost.exchanges.contains(name));
    pairs.delivered.retain(|name| vhost.queues.contains(name));
    (pairs.published.sorted(), pairs.delivered.sorted())
}

/// Details of `COUNT` counters that stand together in a series, from `from` on.
fn details<const N: usize, const COUNT: usize>(
    window: Window,
    series: Option<&Series<N>>,
    from: usize,
    current: [u64; COUNT],
) -> [Details; COUNT] {
    let mut counter = from;
    current.map(|now| {
        let details = window.details(series, counter, now);
        counter += 1;
        details
    })
}

/// Rates at the time of one request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    rates: &'a Rates,
    now_ms: u64,
    ranges: Ranges,
}

impl Look<'_> {
    fn window(&self, range: Option<Range>) -> Window {
        Window {
            now_ms: self.now_ms,
            range,
        }
    }

    /// Of a queue: numbers of messages, and what happens to them. `None` where all of it is zero
    /// and has been.
    pub(super) fn queue(
        &self,
        queue: &Queue,
        view: &QueueView,
    ) -> Option<([Details; 3], [Details; 9])> {
        let (lengths, messages) = (queue_lengths(view), queue_messages(&view.stats));
        let inner = self.rates.inner.lock();
        let series = inner.queues.get(queue);
        let tells_nothing = self.ranges.lengths.is_none() && self.ranges.messages.is_none();
        if series.is_none() && tells_nothing && lengths == [0; 3] && messages == [0; 9] {
            return None;
        }
        let lengths = details(self.window(self.ranges.lengths), series, 0, lengths);
        let messages = details(self.window(self.ranges.messages), series, 3, messages);
        Some((lengths, messages))
    }

    /// Of an exchange.
    pub(super) fn exchange(&self, exchange: &Exchange) -> [Details; 2] {
        let inner = self.rates.inner.lock();
        let series = inner.exchanges.get(exchange);
        let window = self.window(self.ranges.messages);
        details(window, series, 0, of_exchange(exchange))
    }

    /// Of a connection.
    pub(super) fn connection(&self, connection: &Connection) -> [Details; 2] {
        let current = of_connection(connection);
        let inner = self.rates.inner.lock();
        let series = inner.connections.get(connection);
        details(self.window(self.ranges.data), series, 0, current)
    }

    /// Of a channel.
    pub(super) fn channel(&self, channel: &ChannelInfo) -> [Details; 12] {
        let inner = self.rates.inner.lock();
        let series = inner.channels.get(channel);
        let window = self.window(self.ranges.messages);
        details(window, series, 0, of_channel(channel))
    }

    /// Of a channel and an exchange.
    pub(super) fn published(&self, pair: &Counts<4>) -> [Details; 4] {
        let inner = self.rates.inner.lock();
        let window = self.window(self.ranges.messages);
        details(window, inner.published.get(pair), 0, pair.read())
    }

    /// Of a channel and a queue.
    pub(super) fn delivered(&self, pair: &Counts<8>) -> [Details; 8] {
        let inner = self.rates.inner.lock();
        let window = self.window(self.ranges.messages);
        details(window, inner.delivered.get(pair), 0, pair.read())
    }

    /// Of an exchange and a queue.
    pub(super) fn routed(&self, pair: &Counts<1>) -> [Details; 1] {
        let inner = self.rates.inner.lock();
        let window = self.window(self.ranges.messages);
        details(window, inner.routed.get(pair), 0, pair.read())
    }

    /// Of a virtual host: messages' fates, their numbers, octets.
    pub(super) fn vhost(
        &self,
        vhost: &VirtualHost,
        messages: [u64; 12],
        lengths: [u64; 3],
        octets: [u64; 2],
    ) -> ([Details; 12], [Details; 3], [Details; 2]) {
        let inner = self.rates.inner.lock();
        let series = inner.vhosts.get(vhost);
        (
            details(self.window(self.ranges.messages), series, 0, messages),
            details(self.window(self.ranges.lengths), series, 12, lengths),
            details(self.window(self.ranges.data), series, 15, octets),
        )
    }

    /// Of the process.
    pub(super) fn node(&self, broker: &Broker, current: [u64; 5]) -> [Details; 5] {
        let inner = self.rates.inner.lock();
        let series = inner.node.get(broker);
        details(self.window(self.ranges.node), series, 0, current)
    }

    /// Of what comes and goes, as the node shows it.
    pub(super) fn churn(&self, broker: &Broker) -> [Details; 7] {
        let current = of_churn(&broker.churn);
        let inner = self.rates.inner.lock();
        let series = inner.broker.get(broker);
        details(self.window(self.ranges.node), series, 15, current)
    }

    /// Of what a node shows that is always zero here.
    pub(super) fn nothing<const N: usize>(&self) -> [Details; N] {
        details(self.window(self.ranges.node), None::<&Series<1>>, 0, [0; N])
    }

    /// Of the broker: messages' fates, their numbers, what comes and goes.
    pub(super) fn broker(
        &self,
        broker: &Broker,
        messages: [u64; 12],
        lengths: [u64; 3],
    ) -> ([Details; 12], [Details; 3], [Details; 7]) {
        let churn = of_churn(&broker.churn);
        let inner = self.rates.inner.lock();
        let series = inner.broker.get(broker);
        (
            details(self.window(self.ranges.messages), series, 0, messages),
            details(self.window(self.ranges.lengths), series, 12, lengths),
            details(self.window(self.ranges.messages), series, 15, churn),
        )
    }
}

impl Rates {
    /// Look at them, at the time of day `now_ms`.
    pub(super) fn look(&self, now_ms: u64, ranges: Ranges) -> Look<'_> {
        Look {
            rates: self,
            now_ms,
            ranges,
        }
    }

    /// Forget all samples but one of this moment, so that history begins anew and nothing jumps.
    pub(super) fn reset(&self, broker: &Arc<Broker>, now_ms: u64) {
        self.sample(broker, now_ms);
        self.inner.lock().forget_past();
    }

    /// Take a sample of everything.
    pub(super) fn sample(&self, broker: &Arc<Broker>, now_ms: u64) {
        let at = Moment::before_ms(now_ms);
        let traffic = AllTraffic::read(broker);
        let mut sums = [0; 3];
        for vhost in broker.vhosts.snapshot() {
            sums = sum(sums, self.sample_vhost(&vhost, &traffic, at));
        }
        for connection in broker.connections.snapshot() {
            let channels = connection.channel_infos();
            let pairs = channels.iter().filter_map(|it| it.pairs.as_deref());
            let pairs = broker.vhosts.get(&connection.vhost).map(|vhost| {
                let all = pairs.map(|pairs| live_pairs(pairs, &vhost));
                all.collect::<Vec<_>>()
            });
            let octets = of_connection(&connection);
            let mut inner = self.inner.lock();
            inner.connections.record(&connection, at, octets);
            for channel in channels {
                inner.channels.record(&channel, at, of_channel(&channel));
            }
            for (published, delivered) in pairs.into_iter().flatten() {
                inner.published.record_pairs(&published, at);
                inner.delivered.record_pairs(&delivered, at);
            }
        }
        let counts = messages(traffic.broker.channels);
        let numbers: [u64; 15] = joined(counts, sums);
        let all = joined(numbers, of_churn(&broker.churn));
        let node = of_node(broker);
        let mut inner = self.inner.lock();
        inner.broker.record(broker, at, all);
        inner.node.record(broker, at, node);
        inner.forget_gone();
    }

    /// The numbers of messages in it.
    fn sample_vhost(&self, vhost: &Arc<VirtualHost>, traffic: &AllTraffic, at: Moment) -> [u64; 3] {
        let mut sums = [0; 3];
        for queue in vhost.queues.snapshot() {
            let (lengths, stats) = queue.counters();
            sums = sum(sums, lengths);
            let values = joined(lengths, queue_messages(&stats));
            self.inner.lock().queues.record(&queue, at, values);
        }
        let exchanges = vhost.exchanges.snapshot();
        let routed = exchanges.iter().flat_map(|exchange| {
            exchange.routed.retain(|name| vhost.queues.contains(name));
            exchange.routed.sorted()
        });
        let routed: Vec<_> = routed.collect();
        let traffic = traffic.of(&vhost.name);
        let numbers: [u64; 15] = joined(messages(traffic.channels), sums);
        let mut inner = self.inner.lock();
        for exchange in exchanges {
            inner
                .exchanges
                .record(&exchange, at, of_exchange(&exchange));
        }
        inner.routed.record_pairs(&routed, at);
        inner
            .vhosts
            .record(vhost, at, joined(numbers, traffic.octets));
        sums
    }
}

impl Inner {
    /// What was is forgotten, what counters say now is where they begin.
    fn forget_past(&mut self) {
        self.queues.forget_past();
        self.exchanges.forget_past();
        self.connections.forget_past();
        self.channels.forget_past();
        self.published.forget_past();
        self.delivered.forget_past();
        self.routed.forget_past();
        self.vhosts.forget_past();
        self.broker.forget_past();
        self.node.forget_past();
    }

    fn forget_gone(&mut self) {
        self.queues.forget_gone();
        self.exchanges.forget_gone();
        self.connections.forget_gone();
        self.channels.forget_gone();
        self.published.forget_gone();
        self.delivered.forget_gone();
        self.routed.forget_gone();
        self.vhosts.forget_gone();
    }
}

/// Take samples for as long as this is polled, each at a full five seconds of the day.
pub(super) async fn keep_sampling(api: Api) {
    let clock = &api.shared.clock;
    let to_next = INTERVAL_MS - clock.now().wall_ms % INTERVAL_MS;
    let first = Instant::now() + Duration::from_millis(to_next);
    let mut timer = tokio::time::interval_at(first, Duration::from_millis(INTERVAL_MS));
    timer.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        timer.tick().await;
        api.rates.sample(api.broker(), clock.now().wall_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broker::compat::Compat;
    use crate::broker::connection::add;
    use crate::server::Server;

    fn minute() -> Ranges {
        let query: RangeQuery =
            serde_json::from_str(r#"{"msg_rates_age":"60","msg_rates_incr":"5"}"#).unwrap();
        query.ranges().unwrap()
    }

    #[tokio::test]
    async fn an_exchange_has_rates_and_is_forgotten_when_it_is_gone() {
        let server = Server::builder().compat(Compat::default()).start().unwrap();
        let broker = &server.shared().broker;
        let (rates, vhost) = (Rates::default(), broker.vhost("/").unwrap());
        let exchange = vhost.exchange("amq.direct").unwrap();
        rates.sample(broker, 1_000_000);
        assert!(
            rates.inner.lock().exchanges.0.is_empty(),
            "nothing happened"
        );
        add(&exchange.published_in, 10);
        rates.sample(broker, 1_005_000);
        add(&exchange.published_in, 5);
        let [published, _] = rates.look(1_007_500, minute()).exchange(&exchange);
        assert!((published.rate - 2.0).abs() < 1e-9);
        let history = published.history.unwrap();
        assert_eq!(history.samples[..2], [(1_005_000, 10), (1_000_000, 0)]);
        assert_eq!(history.samples.len(), 13);
        vhost.exchanges.remove("amq.direct");
        drop(exchange);
        rates.sample(broker, 1_010_000);
        assert!(rates.inner.lock().exchanges.0.is_empty());
    }
}
