//! The text format of Prometheus, version 0.0.4.
//!
//! Written by hand: RabbitMQ's names do not all keep to Prometheus's conventions (counters without
//! `_total`, samples of type `untyped`), which client libraries insist on.

use std::fmt::{Display, Write as _};

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// How many are not larger than this and that.
    Histogram,
    /// It says something by its labels, or is a flag.
    Untyped,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::Untyped => "untyped",
        }
    }
}

/// An answer that is being written.
#[derive(Debug, Default)]
pub(super) struct Text(String);

/// Labels of a sample.
pub(super) type Labels<'a> = &'a [(&'a str, &'a str)];

impl Text {
    pub(super) fn into_string(self) -> String {
        self.0
    }

    /// Begin a metric; its samples follow.
    pub(super) fn begin(&mut self, prefix: &str, name: &str, kind: Kind, help: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "# TYPE {prefix}{name} {}", kind.as_str());
        let _ = writeln!(self.0, "# HELP {prefix}{name} {help}");
    }

    /// One sample of the metric that was begun.
    pub(super) fn sample(
        &mut self,
        prefix: &str,
        name: &str,
        labels: Labels<'_>,
        value: impl Display,
    ) {
        let out = &mut self.0;
        out.push_str(prefix);
        out.push_str(name);
        for (at, (key, text)) in labels.iter().enumerate() {
            out.push(if at == 0 { '{' } else { ',' });
            out.push_str(key);
            out.push_str("=\"");
            escape(out, text);
            out.push('"');
        }
        if !labels.is_empty() {
            out.push('}');
        }
        let _ = writeln!(out, " {value}");
    }
}

fn escape(out: &mut String, text: &str) {
    if !text.contains(['"', '\\', '\n']) {
        return out.push_str(text);
    }
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            other => out.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_written_as_prometheus_reads_it() {
        let mut text = Text::default();
        text.begin("rabbitmq_", "queues", Kind::Gauge, "Queues there are");
        text.sample("rabbitmq_", "queues", &[], 3);
        let labels = [("vhost", "/"), ("queue", "a\"b\\c\nd")];
        text.sample("rabbitmq_", "queue_messages", &labels, 0.5);
        let lines = "# TYPE rabbitmq_queues gauge\n# HELP rabbitmq_queues Queues there are\n\
                     rabbitmq_queues 3\n\
                     rabbitmq_queue_messages{vhost=\"/\",queue=\"a\\\"b\\\\c\\nd\"} 0.5\n";
        assert_eq!(text.into_string(), lines);
    }
}
