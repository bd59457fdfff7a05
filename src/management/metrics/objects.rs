//! Metrics of queues, channels, connections and exchanges: summed up, or one by one.

use std::sync::Arc;

use super::channels::{
    CHANNEL, CHANNEL_EXCHANGE, CHANNEL_PROCESS, CHANNEL_QUEUE, CONNECTION, CONNECTION_COARSE,
    EXCHANGE,
};
use super::pairs;
use super::queues::{
    QUEUE, QUEUE_COARSE, QUEUE_CONSUMERS, QUEUE_DELIVERY, QUEUE_EXCHANGE, QUEUE_ONE_BY_ONE,
    QUEUE_PAGED_OUT, QUEUE_PUBLISHED,
};
use super::snapshot::{ChannelSample, ConnectionSample, QueueSample, Snapshot};
use super::text::Kind::{self, Counter, Gauge};
use super::text::{Labels, Text};
use crate::broker::exchange::Exchange;

/// A metric of one kind of object.
pub(super) struct Metric<T> {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) help: &'static str,
    pub(super) value: fn(&T) -> u64,
}

/// A table of metrics: name, kind, help, and how the value is found.
macro_rules! metrics {
    ($($name:literal, $kind:ident, $help:literal, $value:expr;)*) => {
        &[$(Metric { name: $name, kind: $kind, help: $help, value: $value }),*]
    };
}
pub(super) use metrics;

/// An object that has labels.
pub(super) trait Labelled {
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
            if all.shows_paged_out {
                put(text, prefix, form, QUEUE_PAGED_OUT, queues);
            }
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
        "channel_exchange_metrics" => {
            let pairs = pairs::by_exchange(form, all);
            put(text, prefix, form, CHANNEL_EXCHANGE, &pairs);
        }
        "channel_queue_metrics" => {
            let pairs = pairs::by_queue(form, all);
            put(text, prefix, form, CHANNEL_QUEUE, &pairs);
        }
        // All three together are not counted: the sum only.
        "channel_queue_exchange_metrics" if form == Form::Summed => {
            put(text, prefix, form, QUEUE_PUBLISHED, queues);
        }
        "queue_exchange_metrics" => match form {
            Form::Summed => put(text, prefix, form, QUEUE_EXCHANGE, queues),
            Form::Each => put(text, prefix, form, pairs::ROUTED, &pairs::routed(all)),
        },
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

/// The type of each queue, by its labels.
pub(super) fn queue_info(text: &mut Text, prefix: &str, all: &Snapshot) {
    let help = "1, with the type of a queue, and what its copy on this node is";
    text.begin(prefix, "queue_info", Gauge, help);
    for QueueSample { queue, .. } in &all.queues {
        let kind = format!("rabbit_{}_queue", queue.kind.as_str());
        let labels = [
            ("vhost", &*queue.spec.vhost),
            ("queue", &*queue.spec.name),
            ("queue_type", &kind),
            ("membership", "leader"),
        ];
        text.sample(prefix, "queue_info", &labels, 1);
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
