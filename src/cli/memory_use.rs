//! What a node's memory is used for, as its sections are called on RabbitMQ.

use serde_json::{Map, Value, json};

use super::command::{Command, Group::Observability, Invalid, Opt, Tools};
use super::failure::Failure;
use super::http::segment;
use super::output::Output;
use super::session::Session;
use super::value::bare;

pub(super) const COMMANDS: &[Command] = &[Command::new(
    "memory_breakdown",
    Observability,
    "Shows what memory is used for",
    breakdown,
)
.usage((0, 0), "[--unit <unit>] [--timeout <timeout>]")
.options(&[Opt::text("unit")])
.help(&[(
    "--unit <bytes | mb | mib | gb | gib | tb | tib>",
    "the unit of amounts",
)])
.check(|s| check_unit(s, "bytes, mb, gb"))
.tools(Tools::DIAGNOSTICS)
.banner(|s| format!("Reporting memory breakdown on node {}...", s.node()))];

/// The answer of the API: sections with their bytes, the total, how it was counted.
#[derive(Debug, Default)]
pub(super) struct MemoryUse(Map<String, Value>);

impl MemoryUse {
    pub(super) fn ask(s: &Session<'_>) -> Result<Self, Failure> {
        let path = format!("/api/nodes/{}/memory", segment(&s.node()));
        let answer = s.get(&path)?.unwrap_or_default();
        let memory = answer.get("memory").and_then(Value::as_object);
        Ok(Self(memory.cloned().unwrap_or_default()))
    }

    /// The largest first.
    fn sections(&self) -> Vec<(&str, u64)> {
        let mut sections: Vec<(&str, u64)> = self
            .0
            .iter()
            .filter_map(|(name, value)| Some((name.as_str(), value.as_u64()?)))
            .collect();
        sections.sort_by_key(|(name, bytes)| (std::cmp::Reverse(*bytes), *name));
        sections
    }

    /// A line for each section, its share of all behind it.
    pub(super) fn lines(&self, unit: &str, before_percent: &str) -> Vec<String> {
        let sections = self.sections();
        let total = sections.iter().map(|(_, bytes)| bytes).sum();
        let line = |(name, bytes): &(&str, u64)| {
            let (amount, share) = (amount(*bytes, unit), share(*bytes, total));
            format!("{name}: {amount} ({share:?}{before_percent}%)")
        };
        sections.iter().map(line).collect()
    }

    pub(super) fn strategy(&self) -> String {
        self.0.get("strategy").map(bare).unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

fn breakdown(s: &Session<'_>) -> Result<Output, Failure> {
    let memory = MemoryUse::ask(s)?;
    let sections = memory.sections();
    let total = sections.iter().map(|(_, bytes)| bytes).sum();
    let section = |(name, bytes): &(&str, u64)| {
        let json = json!({ "bytes": bytes, "percentage": share(*bytes, total) });
        ((*name).to_owned(), json)
    };
    let json: Map<String, Value> = sections.iter().map(section).collect();
    let unit = unit(s);
    Ok(Output::Report {
        text: memory.lines(&unit, "").join("\n"),
        json: Value::Object(json),
    })
}

/// Whether there is such a unit; `offered` are those that the complaint names.
pub(super) fn check_unit(s: &Session<'_>, offered: &str) -> Result<(), Invalid> {
    match unit(s).as_str() {
        "bytes" | "mb" | "mib" | "gb" | "gib" | "tb" | "tib" => Ok(()),
        unit => Err(Invalid::usage(format!(
            "\"unit '{unit}' is not supported. Please use one of: {offered}\""
        ))),
    }
}

/// The unit that amounts are shown in.
pub(super) fn unit(s: &Session<'_>) -> String {
    s.option("unit").unwrap_or("gb").to_ascii_lowercase()
}

#[allow(clippy::cast_precision_loss, reason = "shown with two digits")]
fn share(bytes: u64, total: u64) -> f64 {
    (bytes as f64 / total.max(1) as f64 * 1e4).round() / 1e2
}

#[allow(clippy::cast_precision_loss, reason = "shown with four digits")]
pub(super) fn amount(bytes: u64, unit: &str) -> String {
    let (divisor, unit) = match unit {
        "bytes" => return format!("{bytes} bytes"),
        "mb" => (1e6, "mb"),
        "mib" => (1024.0 * 1024.0, "mib"),
        "gib" => (1024.0 * 1024.0 * 1024.0, "gib"),
        "tb" => (1e12, "tb"),
        "tib" => (1024.0 * 1024.0 * 1024.0 * 1024.0, "tib"),
        _ => (1e9, "gb"),
    };
    let rounded = (bytes as f64 / divisor * 1e4).round() / 1e4;
    format!("{rounded:?} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_by_size() {
        let answer = json!({
            "binary": 1_000_000, "code": 3_000_000, "strategy": "rss", "total": {"rss": 4_000_000},
        });
        let memory = MemoryUse(answer.as_object().cloned().unwrap_or_default());
        let want = ["code: 3.0 mb (75.0 %)", "binary: 1.0 mb (25.0 %)"];
        assert_eq!(memory.lines("mb", " "), want);
        assert_eq!(memory.strategy(), "rss");
    }
}
