//! The log for others than the terminal: the management API shows the latest lines, and with
//! `--log-exchange` every line goes to `amq.rabbitmq.log` too.
//!
//! A line may be written while the model's locks are held, so it only enters a short list here; a
//! task hands on what stands there. When the list is full, lines are left out.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use tokio::sync::mpsc::{self, Receiver, Sender};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::Context;

use crate::management::Api;
use crate::server::Shared;

/// Lines that may wait to be handed on.
const LINES_MAX: usize = 1024;
/// What publishing itself may write.
const OWN_TARGET: &str = "leveret::sync";

/// A level and a line.
type Line = (&'static str, String);

/// Takes the lines down.
#[derive(Debug)]
pub(super) struct LogLayer(Sender<Line>);

/// Where they come out.
pub(super) type Lines = Receiver<Line>;

/// Both ends.
pub(super) fn pipe() -> (LogLayer, Lines) {
    let (sender, lines) = mpsc::channel(LINES_MAX);
    (LogLayer(sender), lines)
}

/// Hand on lines for as long as there is a log.
pub(super) async fn hand_on(mut lines: Lines, shared: Arc<Shared>, api: Api) {
    let is_published = shared.broker.system.log;
    while let Some((level, line)) = lines.recv().await {
        if is_published {
            let now = shared.clock.now().tick;
            shared.broker.publish_log(level, &line, now);
        }
        api.log_line(level, &line);
    }
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        if !metadata.target().starts_with(OWN_TARGET) {
            let level = level(*metadata.level());
            // A full list loses lines; that is better than to wait here.
            let _ = self.0.try_send((level, line(level, event)));
        }
    }
}

/// RabbitMQ's name of a level.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        _ => "debug",
    }
}

/// As RabbitMQ writes it, but that there is no process to name.
fn line(level: &str, event: &Event<'_>) -> String {
    let mut time = String::new();
    // Writing to a string does not fail.
    let _ = SystemTime.format_time(&mut Writer::new(&mut time));
    let time = time.replace('T', " ").replace('Z', "+00:00");
    let mut text = Text::default();
    event.record(&mut text);
    format!("{time} [{level}] <0.0.0> {}{}\n", text.message, text.fields)
}

#[derive(Debug, Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a string does not fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::layer::SubscriberExt as _;

    use super::{OWN_TARGET, pipe};

    #[test]
    fn a_line_has_time_level_message_and_fields() {
        let (layer, mut lines) = pipe();
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(user = "guest", "login refused");
            tracing::debug!(target: OWN_TARGET, "left out");
        });
        let (level, line) = lines.try_recv().unwrap();
        assert_eq!(level, "warning");
        let (time, rest) = line.split_once(" [").unwrap();
        assert!(
            time.ends_with("+00:00") && time.as_bytes()[10] == b' ',
            "{time}"
        );
        assert_eq!(rest, "warning] <0.0.0> login refused user=\"guest\"\n");
        assert!(lines.try_recv().is_err());
    }
}
