//! Totals since the start, which never go down: `rabbitmq_global_*`.

use super::super::Api;
use super::snapshot::Snapshot;
use super::text::Kind::{Counter, Gauge, Histogram};
use super::text::Text;
use crate::broker::effects::DeathReason;
use crate::broker::message_size::{BOUNDS, Sizes};
use crate::broker::queue::{QueueKind, QueueStats};
use crate::broker::totals::{Burials, DeadLetterStrategy};

const PREFIX: &str = "rabbitmq_global_";

/// What RabbitMQ has counters for; only the first is spoken here.
const PROTOCOLS: [&str; 3] = ["amqp091", "amqp10", "stream"];

pub(super) fn write(text: &mut Text, api: &Api, all: &Snapshot) {
    let [publish, confirm, returned, dropped, ..] = all.traffic;
    let routed = all.by_kind.iter().map(|stats| stats.publish).sum();
    let published = |one: &&super::snapshot::ChannelSample| one.counts[0] > 0;
    let publishers = all.channels.iter().filter(published).count() as u64;
    let counters = [
        (
            "messages_received_total",
            "Messages that clients published",
            publish,
        ),
        (
            "messages_received_confirm_total",
            "Messages published to be confirmed",
            confirm,
        ),
        ("messages_routed_total", "Messages put into queues", routed),
        ("messages_confirmed_total", "Publishes confirmed", confirm),
        (
            "messages_unroutable_returned_total",
            "Mandatory messages that came back for want of a queue",
            returned,
        ),
        (
            "messages_unroutable_dropped_total",
            "Other messages dropped for want of a queue",
            dropped,
        ),
    ];
    for (name, help, count) in counters {
        text.begin(PREFIX, name, Counter, help);
        by_protocol(text, name, count);
    }
    text.begin(PREFIX, "publishers", Gauge, "Channels that have published");
    by_protocol(text, "publishers", publishers);
    text.begin(PREFIX, "consumers", Gauge, "Consumers there are");
    by_protocol(text, "consumers", all.sum(|it| it.view.consumers as u64));
    deliveries(text, all);
    dead_letters(text, &api.broker().totals.burials());
}

/// How large the messages are that clients publish.
pub(super) fn sizes(text: &mut Text, sizes: &Sizes) {
    let (prefix, name) = ("rabbitmq_", "message_size_bytes");
    text.begin(prefix, name, Histogram, "Sizes of published messages");
    let spoken = (PROTOCOLS[0], *sizes);
    for (protocol, sizes) in [(PROTOCOLS[1], Sizes::default()), spoken] {
        let counts = sizes.up_to();
        let bounds = BOUNDS.iter().map(u64::to_string);
        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(counts) {
            let labels = [("protocol", protocol), ("le", &*bound)];
            text.sample(prefix, "message_size_bytes_bucket", &labels, count);
        }
        let (labels, all) = ([("protocol", protocol)], counts.last().unwrap_or(&0));
        text.sample(prefix, "message_size_bytes_count", &labels, all);
        text.sample(prefix, "message_size_bytes_sum", &labels, sizes.bytes());
    }
}

fn by_protocol(text: &mut Text, name: &str, count: u64) {
    for protocol in PROTOCOLS {
        let count = if protocol == "amqp091" { count } else { 0 };
        text.sample(PREFIX, name, &[("protocol", protocol)], count);
    }
}

type Counted = (&'static str, &'static str, fn(&QueueStats) -> u64);

/// By type of queue.
const DELIVERIES: [Counted; 8] = [
    (
        "messages_delivered_total",
        "Messages handed out in any way",
        QueueStats::deliver_get,
    ),
    (
        "messages_delivered_consume_manual_ack_total",
        "Deliveries to consumers that acknowledge",
        |it| it.deliver,
    ),
    (
        "messages_delivered_consume_auto_ack_total",
        "Deliveries to consumers that do not",
        |it| it.deliver_no_ack,
    ),
    (
        "messages_delivered_get_manual_ack_total",
        "Messages got, to be acknowledged",
        |it| it.get,
    ),
    (
        "messages_delivered_get_auto_ack_total",
        "Messages got, with nothing to acknowledge",
        |it| it.get_no_ack,
    ),
    (
        "messages_get_empty_total",
        "Gets that found nothing",
        |it| it.get_empty,
    ),
    (
        "messages_redelivered_total",
        "Deliveries of what was delivered before",
        |it| it.redeliver,
    ),
    ("messages_acknowledged_total", "Acknowledgements", |it| {
        it.ack
    }),
];

fn deliveries(text: &mut Text, all: &Snapshot) {
    for (name, help, count) in DELIVERIES {
        text.begin(PREFIX, name, Counter, help);
        for protocol in PROTOCOLS {
            for (kind, stats) in QueueKind::ALL.into_iter().zip(&all.by_kind) {
                if protocol == "stream" && kind != QueueKind::Stream {
                    continue;
                }
                let count = if protocol == "amqp091" {
                    count(stats)
                } else {
                    0
                };
                let labels = [("protocol", protocol), ("queue_type", kind.module())];
                text.sample(PREFIX, name, &labels, count);
            }
        }
    }
}

const REASONS: [(&str, DeathReason, &str); 4] = [
    (
        "messages_dead_lettered_maxlen_total",
        DeathReason::MaxLength,
        "Messages that left a queue that was too long",
    ),
    (
        "messages_dead_lettered_rejected_total",
        DeathReason::Rejected,
        "Messages that consumers rejected",
    ),
    (
        "messages_dead_lettered_expired_total",
        DeathReason::Expired,
        "Messages whose time was up",
    ),
    (
        "messages_dead_lettered_delivery_limit_total",
        DeathReason::DeliveryLimit,
        "Messages that came back too often",
    ),
];

fn dead_letters(text: &mut Text, burials: &Burials) {
    use DeadLetterStrategy::{AtLeastOnce, AtMostOnce, Disabled};
    for (name, reason, help) in REASONS {
        text.begin(PREFIX, name, Counter, help);
        for kind in [QueueKind::Classic, QueueKind::Quorum] {
            for how in [AtLeastOnce, AtMostOnce, Disabled] {
                if can_be(kind, how, reason) {
                    let strategy = ("dead_letter_strategy", how.as_str());
                    let labels = [("queue_type", kind.module()), strategy];
                    text.sample(PREFIX, name, &labels, burials.count(kind, how, reason));
                }
            }
        }
    }
    let name = "messages_dead_lettered_confirmed_total";
    text.begin(
        PREFIX,
        name,
        Counter,
        "Dead letters that are known to have arrived",
    );
    let queue = ("queue_type", QueueKind::Quorum.module());
    let labels = [queue, ("dead_letter_strategy", AtLeastOnce.as_str())];
    text.sample(PREFIX, name, &labels, burials.confirmed);
}

/// Only quorum queues have a delivery limit and keep dead letters, and none of those that are too
/// long: they may not drop their heads then.
fn can_be(kind: QueueKind, how: DeadLetterStrategy, why: DeathReason) -> bool {
    let keeps = how == DeadLetterStrategy::AtLeastOnce;
    match why {
        DeathReason::MaxLength => !keeps,
        DeathReason::DeliveryLimit => kind == QueueKind::Quorum,
        DeathReason::Rejected | DeathReason::Expired => !keeps || kind == QueueKind::Quorum,
    }
}
