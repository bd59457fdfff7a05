//! The log: to the terminal, a file, those who watch it over HTTP, and the exchange
//! `amq.rabbitmq.log`; in RabbitMQ's form.
//!
//! A line may be written while the model's locks are held, so for the latter it only enters a
//! short list here; a task hands on what stands there. When the list is full, lines are left out.

use std::fmt::{self, Write as _};
use std::fs::{self, File, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::Log;
use crate::log::{CATEGORIES, Level, Levels};
use crate::management::Api;
use crate::server::Shared;

/// Lines that may wait to be published.
const LINES_MAX: usize = 1024;
/// What publishing itself may write.
const OWN_TARGET: &str = "leveret::sync";

/// A line for others than the terminal and files.
#[derive(Debug)]
pub(super) struct Line {
    level: Level,
    category: &'static str,
    text: String,
    /// The exchange gets it too.
    publish: bool,
}

/// Where these come out.
pub(super) type Lines = Receiver<Line>;

/// Hand on lines for as long as there is a log: to those who watch it over HTTP, and where that is
/// wanted to the exchange.
pub(super) async fn hand_on(mut lines: Lines, shared: Arc<Shared>, api: Api) {
    while let Some(Line {
        level,
        category,
        text,
        publish,
    }) = lines.recv().await
    {
        if publish {
            let now = shared.clock.now().tick;
            shared.broker.publish_log(level.as_str(), &text, now);
        }
        api.log_line(level.as_str(), category, &text);
    }
}

/// A log that has begun.
#[derive(Debug)]
pub(super) struct Begun {
    /// How much of what is logged; may be changed.
    pub(super) levels: Arc<Levels>,
    /// For others.
    pub(super) lines: Lines,
}

/// Begin to log.
///
/// # Errors
/// When the file cannot be opened.
pub(super) fn begin(log: &Log, node: &str) -> io::Result<Begun> {
    let (layer, begun) = LogLayer::new(log, node)?;
    tracing_subscriber::registry().with(layer).init();
    Ok(begun)
}

/// Where lines go.
#[derive(Debug)]
enum Target {
    Stdout,
    Stderr,
    File(File),
    Others {
        sender: Sender<Line>,
        /// From which level on the exchange gets them.
        publish_from: Level,
    },
}

#[derive(Debug)]
struct Sink {
    target: Target,
    level: Level,
    json: bool,
    colors: bool,
}

#[derive(Debug)]
struct LogLayer {
    levels: Arc<Levels>,
    sinks: Vec<Sink>,
}

impl LogLayer {
    fn new(log: &Log, node: &str) -> io::Result<(Self, Begun)> {
        let levels = Arc::new(Levels::default());
        for category in CATEGORIES {
            levels.set(category, log.level_of(category));
        }
        let mut sinks = Vec::new();
        sinks.extend(console(log));
        if let Some(path) = log.path(node) {
            sinks.push(Sink {
                target: Target::File(open(&path)?),
                level: log.file_level,
                json: log.file_json,
                colors: false,
            });
        }
        let (sender, lines) = mpsc::channel(LINES_MAX);
        let publish_from = match log.exchange {
            true => log.exchange_level,
            false => Level::None,
        };
        sinks.push(Sink {
            target: Target::Others {
                sender,
                publish_from,
            },
            level: Level::Debug,
            json: false,
            colors: false,
        });
        let begun = Begun {
            levels: Arc::clone(&levels),
            lines,
        };
        Ok((Self { levels, sinks }, begun))
    }

    /// From which level on lines from `target` are written: the broker's by their category, those
    /// of libraries when something is wrong.
    fn level_of(&self, target: &str) -> Level {
        match CATEGORIES.contains(&target) || target.starts_with("leveret") {
            true => self.levels.of(target),
            false => self.levels.of("default").max(Level::Warning),
        }
    }
}

fn console(log: &Log) -> Option<Sink> {
    if log.console == Some(false) {
        return None;
    }
    let stdout = log.is_on_stdout();
    let is_terminal = match stdout {
        true => io::stdout().is_terminal(),
        false => io::stderr().is_terminal(),
    };
    Some(Sink {
        target: if stdout {
            Target::Stdout
        } else {
            Target::Stderr
        },
        level: log.console_level,
        json: log.console_json,
        colors: log.colors.unwrap_or(true) && is_terminal,
    })
}

fn open(path: &Path) -> io::Result<File> {
    let because = |error: io::Error| {
        let text = format!("cannot write the log to {}: {error}", path.display());
        io::Error::new(error.kind(), text)
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(because)?;
    }
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(because)
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        match gravity(*metadata.level()) >= self.level_of(metadata.target()) {
            true => Interest::always(),
            false => Interest::never(),
        }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        gravity(*metadata.level()) >= self.level_of(metadata.target())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match self.levels.least() {
            Level::Debug => LevelFilter::TRACE,
            Level::Info | Level::Notice => LevelFilter::INFO,
            Level::Warning => LevelFilter::WARN,
            Level::Error => LevelFilter::ERROR,
            Level::Critical | Level::Alert | Level::Emergency | Level::None => LevelFilter::OFF,
        })
    }

    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let metadata = event.metadata();
        let record = Record::of(event);
        for sink in &self.sinks {
            let is_own = metadata.target().starts_with(OWN_TARGET);
            if record.level >= sink.level
                && !(is_own && matches!(sink.target, Target::Others { .. }))
            {
                sink.write(&record);
            }
        }
    }
}

fn gravity(level: tracing::Level) -> Level {
    match level {
        tracing::Level::ERROR => Level::Error,
        tracing::Level::WARN => Level::Warning,
        tracing::Level::INFO => Level::Info,
        _ => Level::Debug,
    }
}

impl Sink {
    fn write(&self, record: &Record) {
        let line = match self.json {
            true => record.json(),
            false => record.line(self.colors),
        };
        // There is nobody to tell that the log cannot be written; a full list loses lines, which
        // is better than to wait.
        let _ = match &self.target {
            Target::Stdout => io::stdout().lock().write_all(line.as_bytes()).is_err(),
            Target::Stderr => io::stderr().lock().write_all(line.as_bytes()).is_err(),
            Target::File(file) => (&*file).write_all(line.as_bytes()).is_err(),
            Target::Others {
                sender,
                publish_from,
            } => {
                let line = Line {
                    level: record.level,
                    category: record.category,
                    text: line,
                    publish: record.level >= *publish_from,
                };
                sender.try_send(line).is_err()
            }
        };
    }
}

/// A line's parts.
#[derive(Debug)]
struct Record {
    time: String,
    level: Level,
    category: &'static str,
    text: String,
}

impl Record {
    fn of(event: &Event<'_>) -> Self {
        let mut time = String::new();
        // Writing to a string does not fail.
        let _ = SystemTime.format_time(&mut Writer::new(&mut time));
        let mut text = Text::default();
        event.record(&mut text);
        let target = event.metadata().target();
        let category = CATEGORIES.into_iter().find(|category| *category == target);
        Self {
            time: time.replace('T', " ").replace('Z', "+00:00"),
            level: gravity(*event.metadata().level()),
            category: category.unwrap_or("default"),
            text: text.message + &text.fields,
        }
    }

    /// As RabbitMQ writes it, but that there is no process to name. Each line of a text is one.
    fn line(&self, colors: bool) -> String {
        let (begin, end) = match colors {
            true => (color(self.level), "\x1b[0m"),
            false => ("", ""),
        };
        let mut lines = String::new();
        for text in self.text.lines() {
            lines += &format!(
                "{begin}{} [{}] <0.0.0> {text}{end}\n",
                self.time, self.level
            );
        }
        lines
    }

    fn json(&self) -> String {
        let record = json!({
            "time": self.time,
            "level": self.level.as_str(),
            "msg": self.text,
            "pid": "<0.0.0>",
            "domain": format!("rabbitmq.{}", self.category),
        });
        format!("{record}\n")
    }
}

fn color(level: Level) -> &'static str {
    match level {
        Level::Debug => "\x1b[36m",
        Level::Info | Level::None => "",
        Level::Notice => "\x1b[32m",
        Level::Warning => "\x1b[33m",
        Level::Error => "\x1b[31m",
        Level::Critical | Level::Alert | Level::Emergency => "\x1b[1;31m",
    }
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
    use super::*;

    #[test]
    fn a_line_has_time_level_message_and_fields() {
        let log = Log {
            exchange: true,
            console: Some(false),
            ..Log::default()
        };
        let (layer, begun) = LogLayer::new(&log, "rabbit@here").unwrap();
        let mut lines = begun.lines;
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(user = "guest", "login refused");
            tracing::warn!(target: OWN_TARGET, "left out");
            tracing::debug!("left out");
        });
        let Line {
            level,
            text: line,
            publish,
            ..
        } = lines.try_recv().unwrap();
        assert_eq!((level, publish), (Level::Warning, true));
        let (time, rest) = line.split_once(" [").unwrap();
        assert!(
            time.ends_with("+00:00") && time.as_bytes()[10] == b' ',
            "{time}"
        );
        assert_eq!(rest, "warning] <0.0.0> login refused user=\"guest\"\n");
        assert!(lines.try_recv().is_err());
    }

    #[test]
    fn levels_may_change_by_category_and_sinks_have_their_own() {
        let log = Log {
            exchange: true,
            exchange_level: Level::Warning,
            console: Some(false),
            categories: vec![("connection".to_owned(), Level::Error)],
            ..Log::default()
        };
        let (layer, begun) = LogLayer::new(&log, "rabbit@here").unwrap();
        let mut lines = begun.lines;
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            let say = || {
                tracing::warn!(target: "connection", "one");
                tracing::warn!(target: "channel", "two");
                tracing::info!(target: "channel", "less");
            };
            say();
            begun.levels.set("connection", Level::Warning);
            say();
        });
        let mut texts = Vec::new();
        while let Ok(line) = lines.try_recv() {
            let word = line.text.rsplit(' ').next().unwrap().trim_end().to_owned();
            texts.push((word, line.publish));
        }
        let (two, one, less) = ("two", "one", "less");
        let want = [
            (two, true),
            (less, false),
            (one, true),
            (two, true),
            (less, false),
        ];
        assert_eq!(
            texts,
            want.map(|(word, publish)| (word.to_owned(), publish))
        );
    }

    #[test]
    fn json_has_a_field_for_each_part() {
        let record = Record {
            time: "t".to_owned(),
            level: Level::Info,
            category: "queue",
            text: "a\nb".to_owned(),
        };
        let json: serde_json::Value = serde_json::from_str(&record.json()).unwrap();
        assert_eq!(
            (json["msg"].as_str(), json["domain"].as_str()),
            (Some("a\nb"), Some("rabbitmq.queue"))
        );
        assert_eq!(
            record.line(false),
            "t [info] <0.0.0> a\nt [info] <0.0.0> b\n"
        );
    }
}
