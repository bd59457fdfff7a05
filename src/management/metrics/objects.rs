//! Metrics of queues, channels, connections and exchanges: summed up, or one by one.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::snapshot::{ChannelSample, ConnectionSample, QueueSample, Snapshot};
use super::text::Kind::{self, Counter, Gauge};
use super::text::{Labels, Text};
use crate::broker::exchange::Exchange;

/// A metric of one kind of object.
pub(super) struct Metric<T> {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&T) -> u64,
}

const fn metric<T>(
    name: &'static str,
    kind: Kind,
    help: &'static str,
    value: fn(&T) -> u64,
) -> Metric<T> {
    Metric {
        name,
        kind,
        help,
        value,
    }
}

/// An object that has labels.
trait Labelled {
    fn with_labels(&self, write: &mut dyn FnMut(Labels<'_>));
}

impl Labelled for QueueSample {
    fn with_labels(&self, write: &mut dyn FnMut(Labels<'_>)) {
        let spec = &self.queue.spec;
        write(&[("vhost", &spec.vhost), ("queue", &spec.name)]);
    }
}

/// RabbitMQ puts a process into this label, for channels and connections alike.
impl Labelled for ChannelSample {
    fn with_labels(&self, write: &mut dyn FnMut(Labels<'_>)) {
        write(&[("channel", &self.name)]);
    }
}

impl Labelled for ConnectionSample {
    fn with_labels(&self, write: &mut dyn FnMut(Labels<'_>)) {
        write(&[("channel", &self.connection.name)]);
    }
}

impl Labelled for Arc<Exchange> {
    fn with_labels(&self, write: &mut dyn FnMut(Labels<'_>)) {
        let spec = &self.spec;
        write(&[("vhost", &spec.vhost), ("exchange", &spec.name)]);
    }
}

/// How objects are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// One sample for all.
    Summed,
    /// One for each.
    Each,
}

/// Families of metrics of objects, by RabbitMQ's names.
pub(super) fn write(text: &mut Text, prefix: &str, family: &str, form: Form, all: &Snapshot) {
    let Snapshot {
        queues, exchanges, ..
    } = all;
    let (channels, connections) = (&all.channels, &all.connections);
    match family {
        "queue_coarse_metrics" => put(text, prefix, form, QUEUE_COARSE, queues),
        "queue_consumer_count" => put(text, prefix, form, QUEUE_CONSUMERS, queues),
        "queue_metrics" => {
            put(text, prefix, form, QUEUE_CONSUMERS, queues);
            if form == Form::Each {
                put(text, prefix, form, QUEUE_ONE_BY_ONE, queues);
            }
            put(text, prefix, form, QUEUE, queues);
        }
        "queue_delivery_metrics" => put(text, prefix, form, QUEUE_DELIVERY, queues),
        "exchange_metrics" => {
            put(text, prefix, form, EXCHANGE, exchanges);
            if form == Form::Summed {
                put_exchange_sums(text, prefix, all);
            }
        }
        "channel_metrics" => put(text, prefix, form, CHANNEL, channels),
        "channel_process_metrics" => put(text, prefix, form, CHANNEL_PROCESS, channels),
        "connection_coarse_metrics" => put(text, prefix, form, CONNECTION_COARSE, connections),
        "connection_metrics" => put(text, prefix, form, CONNECTION, connections),
        // Which channel did what to which queue is not counted: sums only.
        "channel_exchange_metrics" => put_sum(text, prefix, form, CHANNEL_EXCHANGE, channels),
        "channel_queue_metrics" => put_sum(text, prefix, form, CHANNEL_QUEUE, channels),
        "channel_queue_exchange_metrics" => put_sum(text, prefix, form, QUEUE_PUBLISHED, queues),
        "queue_exchange_metrics" => put_sum(text, prefix, form, QUEUE_EXCHANGE, queues),
        _ => {}
    }
}

fn put<T: Labelled>(text: &mut Text, prefix: &str, form: Form, metrics: &[Metric<T>], all: &[T]) {
    for it in metrics {
        text.begin(prefix, it.name, it.kind, it.help);
        match form {
            Form::Summed => {
                let sum: u64 = all.iter().map(it.value).sum();
                text.sample(prefix, it.name, &[], sum);
            }
            Form::Each => {
                for one in all {
                    one.with_labels(&mut |labels| {
                        text.sample(prefix, it.name, labels, (it.value)(one));
                    });
                }
            }
        }
    }
}

fn put_sum<T: Labelled>(
    text: &mut Text,
    prefix: &str,
    form: Form,
    metrics: &[Metric<T>],
    all: &[T],
) {
    match form {
        Form::Summed => put(text, prefix, form, metrics, all),
        Form::Each => {}
    }
}

/// Of single exchanges only what is published is counted.
fn put_exchange_sums(text: &mut Text, prefix: &str, all: &Snapshot) {
    let [_, confirmed, returned, dropped, ..] = all.traffic;
    let sums = [
        (
            "exchange_messages_confirmed_total",
            "Publishes confirmed",
            confirmed,
        ),
        (
            "exchange_messages_unroutable_returned_total",
            "Mandatory messages that came back for want of a queue",
            returned,
        ),
        (
            "exchange_messages_unroutable_dropped_total",
            "Other messages dropped for want of a queue",
            dropped,
        ),
    ];
    for (name, help, sum) in sums {
        text.begin(prefix, name, Counter, help);
        text.sample(prefix, name, &[], sum);
    }
}

const QUEUE_COARSE: &[Metric<QueueSample>] = &[
    metric(
        "queue_messages_ready",
        Gauge,
        "Messages that wait for a consumer",
        |it| it.view.ready,
    ),
    metric(
        "queue_messages_unacked",
        Gauge,
        "Messages that were delivered and are not settled",
        |it| it.view.unacked,
    ),
    metric(
        "queue_messages",
        Gauge,
        "All messages: those that wait and those not settled",
        |it| it.view.messages(),
    ),
    metric(
        "queue_process_reductions_total",
        Counter,
        "Work of Erlang processes: there are none",
        |_| 0,
    ),
];

const QUEUE_CONSUMERS: &[Metric<QueueSample>] = &[metric(
    "queue_consumers",
    Gauge,
    "Consumers of a queue",
    |it| it.view.consumers as u64,
)];

/// What RabbitMQ does not add up.
const QUEUE_ONE_BY_ONE: &[Metric<QueueSample>] = &[
    metric(
        "queue_consumer_capacity",
        Gauge,
        "Whether a consumer could take a message now",
        |it| u64::from(it.view.consumer_capacity > 0.0),
    ),
    metric(
        "queue_messages_persistent_bytes",
        Gauge,
        "Bytes of persistent messages",
        |it| it.view.persistent_bytes,
    ),
];

const QUEUE: &[Metric<QueueSample>] = &[
    metric(
        "queue_consumer_utilisation",
        Gauge,
        "The same as the consumer capacity",
        |it| u64::from(it.view.consumer_capacity > 0.0),
    ),
    metric(
        "queue_process_memory_bytes",
        Gauge,
        "Bytes that the messages of a queue hold",
        |it| it.view.ready_bytes + it.view.unacked_bytes,
    ),
    metric(
        "queue_messages_ram",
        Gauge,
        "Messages in memory: all",
        |it| it.view.ready + it.view.unacked,
    ),
    metric(
        "queue_messages_ram_bytes",
        Gauge,
        "Bytes of messages in memory",
        |it| it.view.ready_bytes + it.view.unacked_bytes,
    ),
    metric(
        "queue_messages_ready_ram",
        Gauge,
        "Waiting messages in memory: all",
        |it| it.view.ready,
    ),
    metric(
        "queue_messages_unacked_ram",
        Gauge,
        "Unsettled messages in memory: all",
        |it| it.view.unacked,
    ),
    metric(
        "queue_messages_persistent",
        Gauge,
        "Persistent messages",
        |it| it.view.persistent,
    ),
    metric(
        "queue_messages_bytes",
        Gauge,
        "Bytes of all messages",
        |it| it.view.ready_bytes + it.view.unacked_bytes,
    ),
    metric(
        "queue_messages_ready_bytes",
        Gauge,
        "Bytes of the messages that wait",
        |it| it.view.ready_bytes,
    ),
    metric(
        "queue_messages_unacked_bytes",
        Gauge,
        "Bytes of the messages not settled",
        |it| it.view.unacked_bytes,
    ),
    metric(
        "queue_messages_paged_out",
        Gauge,
        "Messages on disk only: none",
        |_| 0,
    ),
    metric(
        "queue_messages_paged_out_bytes",
        Gauge,
        "Bytes on disk only: none",
        |_| 0,
    ),
    metric(
        "queue_disk_reads_total",
        Counter,
        "Reads of messages from a disk: none",
        |_| 0,
    ),
    metric(
        "queue_disk_writes_total",
        Counter,
        "Writes of messages to a disk: none",
        |_| 0,
    ),
    metric(
        "stream_segments",
        Counter,
        "Segments that streams are made of",
        |it| it.view.stream.map_or(0, |stream| stream.segments as u64),
    ),
];

const QUEUE_DELIVERY: &[Metric<QueueSample>] = &[
    metric(
        "queue_get_ack_total",
        Counter,
        "Messages got from a queue, to be acknowledged",
        |it| it.view.stats.get,
    ),
    metric(
        "queue_get_total",
        Counter,
        "Messages got from a queue, with nothing to acknowledge",
        |it| it.view.stats.get_no_ack,
    ),
    metric(
        "queue_messages_delivered_ack_total",
        Counter,
        "Deliveries of a queue that want an acknowledgement",
        |it| it.view.stats.deliver,
    ),
    metric(
        "queue_messages_delivered_total",
        Counter,
        "Deliveries of a queue that want none",
        |it| it.view.stats.deliver_no_ack,
    ),
    metric(
        "queue_messages_redelivered_total",
        Counter,
        "Deliveries of what a queue had delivered before",
        |it| it.view.stats.redeliver,
    ),
    metric(
        "queue_messages_acked_total",
        Counter,
        "Acknowledgements of a queue's messages",
        |it| it.view.stats.ack,
    ),
    metric(
        "queue_get_empty_total",
        Counter,
        "Gets that found nothing in a queue",
        |it| it.view.stats.get_empty,
    ),
];

const QUEUE_PUBLISHED: &[Metric<QueueSample>] = &[metric(
    "queue_messages_published_total",
    Counter,
    "Messages that came into queues",
    |it| it.view.stats.publish,
)];

const QUEUE_EXCHANGE: &[Metric<QueueSample>] = &[metric(
    "queue_exchange_messages_published_total",
    Counter,
    "Messages that came into queues through exchanges",
    |it| it.view.stats.publish,
)];

const EXCHANGE: &[Metric<Arc<Exchange>>] = &[metric(
    "exchange_messages_published_total",
    Counter,
    "Messages published to an exchange",
    |it| it.published_in.load(Ordering::Relaxed),
)];

const CHANNEL: &[Metric<ChannelSample>] = &[
    metric("channel_consumers", Gauge, "Consumers on a channel", |it| {
        it.info.consumers.load(Ordering::Relaxed)
    }),
    metric(
        "channel_messages_unacked",
        Gauge,
        "Deliveries on a channel that are not settled",
        |it| it.info.unacked.load(Ordering::Relaxed),
    ),
    metric(
        "channel_messages_unconfirmed",
        Gauge,
        "Publishes on a channel that are not confirmed",
        |it| it.info.unconfirmed.load(Ordering::Relaxed),
    ),
    metric(
        "channel_messages_uncommitted",
        Gauge,
        "Publishes of a transaction that goes on: not counted",
        |_| 0,
    ),
    metric(
        "channel_acks_uncommitted",
        Gauge,
        "Acknowledgements of a transaction that goes on: not counted",
        |_| 0,
    ),
    metric(
        "consumer_prefetch",
        Gauge,
        "Limit of unsettled deliveries of new consumers",
        |it| u64::from(it.info.prefetch_count.load(Ordering::Relaxed)),
    ),
    metric(
        "channel_prefetch",
        Gauge,
        "Limit of unsettled deliveries of the whole channel",
        |it| u64::from(it.info.global_prefetch_count.load(Ordering::Relaxed)),
    ),
];

const CHANNEL_PROCESS: &[Metric<ChannelSample>] = &[metric(
    "channel_process_reductions_total",
    Counter,
    "Work of Erlang processes: there are none",
    |_| 0,
)];

const CHANNEL_EXCHANGE: &[Metric<ChannelSample>] = &[
    metric(
        "channel_messages_published_total",
        Counter,
        "Messages published on open channels",
        |it| it.counts[0],
    ),
    metric(
        "channel_messages_confirmed_total",
        Counter,
        "Publishes confirmed on open channels",
        |it| it.counts[1],
    ),
    metric(
        "channel_messages_unroutable_returned_total",
        Counter,
        "Mandatory messages that came back for want of a queue",
        |it| it.counts[2],
    ),
    metric(
        "channel_messages_unroutable_dropped_total",
        Counter,
        "Other messages that were dropped for want of a queue",
        |it| it.counts[3],
    ),
];

const CHANNEL_QUEUE: &[Metric<ChannelSample>] = &[
    metric(
        "channel_get_ack_total",
        Counter,
        "Messages got on open channels, to be acknowledged",
        |it| it.counts[6],
    ),
    metric(
        "channel_get_total",
        Counter,
        "Messages got on open channels, with nothing to acknowledge",
        |it| it.counts[7],
    ),
    metric(
        "channel_messages_delivered_ack_total",
        Counter,
        "Deliveries on open channels that want an acknowledgement",
        |it| it.counts[4],
    ),
    metric(
        "channel_messages_delivered_total",
        Counter,
        "Deliveries on open channels that want none",
        |it| it.counts[5],
    ),
    metric(
        "channel_messages_redelivered_total",
        Counter,
        "Deliveries on open channels of what was delivered before",
        |it| it.counts[10],
    ),
    metric(
        "channel_messages_acked_total",
        Counter,
        "Acknowledgements on open channels",
        |it| it.counts[9],
    ),
    metric(
        "channel_get_empty_total",
        Counter,
        "Gets on open channels that found nothing",
        |it| it.counts[8],
    ),
];

const CONNECTION_COARSE: &[Metric<ConnectionSample>] = &[
    metric(
        "connection_incoming_bytes_total",
        Counter,
        "Bytes that clients sent",
        |it| it.octets[0],
    ),
    metric(
        "connection_outgoing_bytes_total",
        Counter,
        "Bytes that clients were sent",
        |it| it.octets[1],
    ),
    metric(
        "connection_process_reductions_total",
        Counter,
        "Work of Erlang processes: there are none",
        |_| 0,
    ),
];

const CONNECTION: &[Metric<ConnectionSample>] = &[
    metric(
        "connection_incoming_packets_total",
        Counter,
        "Reads from clients' sockets",
        |it| it.connection.traffic.reads.load(Ordering::Relaxed),
    ),
    metric(
        "connection_outgoing_packets_total",
        Counter,
        "Writes to clients' sockets",
        |it| it.writes,
    ),
    metric(
        "connection_pending_packets",
        Gauge,
        "What waits to be sent: not counted in packets",
        |_| 0,
    ),
    metric(
        "connection_channels",
        Gauge,
        "Channels of a connection",
        |it| it.channels,
    ),
];
