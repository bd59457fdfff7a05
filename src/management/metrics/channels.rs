//! Metrics of exchanges, channels and connections.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::objects::{Metric, metrics};
use super::pairs::PairSample;
use super::snapshot::{ChannelSample, ConnectionSample};
use super::text::Kind::{Counter, Gauge};
use crate::broker::exchange::Exchange;

pub(super) const EXCHANGE: &[Metric<Arc<Exchange>>] = metrics! {
    "exchange_messages_published_total", Counter, "Messages published to an exchange",
        |it| it.published_in.load(Ordering::Relaxed);
};

pub(super) const CHANNEL: &[Metric<ChannelSample>] = metrics! {
    "channel_consumers", Gauge, "Consumers on a channel",
        |it| it.info.consumers.load(Ordering::Relaxed);
    "channel_messages_unacked", Gauge, "Deliveries on a channel that are not settled",
        |it| it.info.unacked.load(Ordering::Relaxed);
    "channel_messages_unconfirmed", Gauge, "Publishes on a channel that are not confirmed",
        |it| it.info.unconfirmed.load(Ordering::Relaxed);
    "channel_messages_uncommitted", Gauge, "Publishes of a transaction that goes on",
        |it| it.info.uncommitted.load(Ordering::Relaxed);
    "channel_acks_uncommitted", Gauge, "Acknowledgements of a transaction that goes on",
        |it| it.info.acks_uncommitted.load(Ordering::Relaxed);
    "consumer_prefetch", Gauge, "Limit of unsettled deliveries of new consumers",
        |it| u64::from(it.info.prefetch_count.load(Ordering::Relaxed));
    "channel_prefetch", Gauge, "Limit of unsettled deliveries of the whole channel",
        |it| u64::from(it.info.global_prefetch_count.load(Ordering::Relaxed));
};

pub(super) const CHANNEL_PROCESS: &[Metric<ChannelSample>] = metrics! {
    "channel_process_reductions_total", Counter, "Work of Erlang processes: there are none", |_| 0;
};

pub(super) const CHANNEL_EXCHANGE: &[Metric<PairSample>] = metrics! {
    "channel_messages_published_total", Counter, "Messages published on open channels",
        |it| it.counts[0];
    "channel_messages_confirmed_total", Counter, "Publishes confirmed on open channels",
        |it| it.counts[1];
    "channel_messages_unroutable_returned_total", Counter, "Mandatory messages that came back for want of a queue",
        |it| it.counts[2];
    "channel_messages_unroutable_dropped_total", Counter, "Other messages that were dropped for want of a queue",
        |it| it.counts[3];
};

pub(super) const CHANNEL_QUEUE: &[Metric<PairSample>] = metrics! {
    "channel_get_ack_total", Counter, "Messages got on open channels, to be acknowledged",
        |it| it.counts[6];
    "channel_get_total", Counter, "Messages got on open channels, with nothing to acknowledge",
        |it| it.counts[7];
    "channel_messages_delivered_ack_total", Counter, "Deliveries on open channels that want an acknowledgement",
        |it| it.counts[4];
    "channel_messages_delivered_total", Counter, "Deliveries on open channels that want none",
        |it| it.counts[5];
    "channel_messages_redelivered_total", Counter, "Deliveries on open channels of what was delivered before",
        |it| it.counts[10];
    "channel_messages_acked_total", Counter, "Acknowledgements on open channels", |it| it.counts[9];
    "channel_get_empty_total", Counter, "Gets on open channels that found nothing",
        |it| it.counts[8];
};

pub(super) const CONNECTION_COARSE: &[Metric<ConnectionSample>] = metrics! {
    "connection_incoming_bytes_total", Counter, "Bytes that clients sent", |it| it.octets[0];
    "connection_outgoing_bytes_total", Counter, "Bytes that clients were sent", |it| it.octets[1];
    "connection_process_reductions_total", Counter, "Work of Erlang processes: there are none",
        |_| 0;
};

pub(super) const CONNECTION: &[Metric<ConnectionSample>] = metrics! {
    "connection_incoming_packets_total", Counter, "Reads from clients' sockets",
        |it| it.connection.traffic.reads.load(Ordering::Relaxed);
    "connection_outgoing_packets_total", Counter, "Writes to clients' sockets", |it| it.writes;
    "connection_pending_packets", Gauge, "What waits to be sent: not counted in packets", |_| 0;
    "connection_channels", Gauge, "Channels of a connection", |it| it.channels;
};
