//! Metrics of queues.

use super::objects::{Metric, metrics};
use super::snapshot::QueueSample;
use super::text::Kind::{Counter, Gauge};

pub(super) const QUEUE_COARSE: &[Metric<QueueSample>] = metrics! {
    "queue_messages_ready", Gauge, "Messages that wait for a consumer", |it| it.view.ready;
    "queue_messages_unacked", Gauge, "Messages that were delivered and are not settled",
        |it| it.view.unacked;
    "queue_messages", Gauge, "All messages: those that wait and those not settled",
        |it| it.view.messages();
    "queue_process_reductions_total", Counter, "Work of Erlang processes: there are none", |_| 0;
};

pub(super) const QUEUE_CONSUMERS: &[Metric<QueueSample>] = metrics! {
    "queue_consumers", Gauge, "Consumers of a queue", |it| it.view.consumers as u64;
};

/// What RabbitMQ does not add up.
pub(super) const QUEUE_ONE_BY_ONE: &[Metric<QueueSample>] = metrics! {
    "queue_consumer_capacity", Gauge, "Whether a consumer could take a message now",
        |it| u64::from(it.view.consumer_capacity > 0.0);
    "queue_messages_persistent_bytes", Gauge, "Bytes of persistent messages",
        |it| it.view.persistent_bytes;
};

pub(super) const QUEUE: &[Metric<QueueSample>] = metrics! {
    "queue_consumer_utilisation", Gauge, "The same as the consumer capacity",
        |it| u64::from(it.view.consumer_capacity > 0.0);
    "queue_process_memory_bytes", Gauge, "Bytes that the messages of a queue hold",
        |it| it.view.ready_bytes + it.view.unacked_bytes;
    "queue_messages_ram", Gauge, "Messages in memory: all", |it| it.view.ready + it.view.unacked;
    "queue_messages_ram_bytes", Gauge, "Bytes of messages in memory",
        |it| it.view.ready_bytes + it.view.unacked_bytes;
    "queue_messages_ready_ram", Gauge, "Waiting messages in memory: all", |it| it.view.ready;
    "queue_messages_unacked_ram", Gauge, "Unsettled messages in memory: all", |it| it.view.unacked;
    "queue_messages_persistent", Gauge, "Persistent messages", |it| it.view.persistent;
    "queue_messages_bytes", Gauge, "Bytes of all messages",
        |it| it.view.ready_bytes + it.view.unacked_bytes;
    "queue_messages_ready_bytes", Gauge, "Bytes of the messages that wait",
        |it| it.view.ready_bytes;
    "queue_messages_unacked_bytes", Gauge, "Bytes of the messages not settled",
        |it| it.view.unacked_bytes;
    "queue_disk_reads_total", Counter, "Reads of messages from a disk: none", |_| 0;
    "queue_disk_writes_total", Counter, "Writes of messages to a disk: none", |_| 0;
    "stream_segments", Counter, "Segments that streams are made of",
        |it| it.view.stream.map_or(0, |stream| stream.segments as u64);
};

pub(super) const QUEUE_DELIVERY: &[Metric<QueueSample>] = metrics! {
    "queue_get_ack_total", Counter, "Messages got from a queue, to be acknowledged",
        |it| it.view.stats.get;
    "queue_get_total", Counter, "Messages got from a queue, with nothing to acknowledge",
        |it| it.view.stats.get_no_ack;
    "queue_messages_delivered_ack_total", Counter, "Deliveries of a queue that want an acknowledgement",
        |it| it.view.stats.deliver;
    "queue_messages_delivered_total", Counter, "Deliveries of a queue that want none",
        |it| it.view.stats.deliver_no_ack;
    "queue_messages_redelivered_total", Counter, "Deliveries of what a queue had delivered before",
        |it| it.view.stats.redeliver;
    "queue_messages_acked_total", Counter, "Acknowledgements of a queue's messages",
        |it| it.view.stats.ack;
    "queue_get_empty_total", Counter, "Gets that found nothing in a queue",
        |it| it.view.stats.get_empty;
};

pub(super) const QUEUE_PUBLISHED: &[Metric<QueueSample>] = metrics! {
    "queue_messages_published_total", Counter, "Messages that came into queues",
        |it| it.view.stats.publish;
};

pub(super) const QUEUE_EXCHANGE: &[Metric<QueueSample>] = metrics! {
    "queue_exchange_messages_published_total", Counter, "Messages that came into queues through exchanges",
        |it| it.view.stats.publish;
};

/// What is on disk only; newer lines do not tell it.
pub(super) const QUEUE_PAGED_OUT: &[Metric<QueueSample>] = metrics! {
    "queue_messages_paged_out", Gauge, "Messages on disk only: none", |_| 0;
    "queue_messages_paged_out_bytes", Gauge, "Bytes on disk only: none", |_| 0;
};
