//! `rabbitmqctl set_log_level`: how much is logged, from now on.

use serde_json::json;

use super::command::{Command, Group::Configuration};
use super::failure::{EX_UNAVAILABLE, Failure};
use super::output::{Output, print};
use super::session::Session;

pub(super) const COMMANDS: &[Command] = &[Command::new(
    "set_log_level",
    Configuration,
    "Sets log level in the running node",
    set_log_level,
)
.usage((1, 1), "<log_level>")
.help(&[(
    "<log_level>",
    "new log level; of one category only as connection=debug",
)])];

/// Levels that RabbitMQ's tool knows.
const LEVELS: [&str; 6] = ["debug", "info", "warning", "error", "critical", "none"];

fn set_log_level(s: &Session<'_>) -> Result<Output, Failure> {
    let (category, level) = match s.arg(0).split_once('=') {
        Some((category, level)) => (Some(category), level),
        None => (None, s.arg(0)),
    };
    if !LEVELS.contains(&level) {
        let text = format!(
            "level {level} is not supported. Try one of {}",
            LEVELS.join(", ")
        );
        return Err(Failure::error(EX_UNAVAILABLE, text));
    }
    if !s.is_quiet() {
        print(&format!("Setting log level to \"{}\" ...\n", s.arg(0)));
    }
    let body = json!({ "level": level, "category": category });
    s.must("POST", "/dev/log-level", Some(&body))?;
    Ok(Output::Nothing)
}
