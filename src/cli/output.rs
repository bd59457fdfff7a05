//! What the command line prints, and how it ends.

use std::io::Write as _;
use std::process::ExitCode;

use serde_json::Value;

/// To standard output. A closed pipe is the reader's business.
pub(super) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// To standard error.
pub(super) fn complain(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Why a command failed: RabbitMQ's exit code, and what it prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failed {
    pub(super) code: u8,
    pub(super) text: String,
}

impl Failed {
    /// `Error:` and a text on the next line.
    pub(super) fn error(code: u8, text: &str) -> Self {
        Self {
            code,
            text: format!("Error:\n{text}"),
        }
    }

    /// A text as it is.
    pub(super) fn plain(code: u8, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
        }
    }

    pub(super) fn report(&self) -> ExitCode {
        complain(&self.text);
        ExitCode::from(self.code)
    }
}

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Formatter {
    Tabs,
    Json,
    Csv,
    Pretty,
}

impl Formatter {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "table" | "string" | "report" => Some(Self::Tabs),
            "json" => Some(Self::Json),
            "csv" => Some(Self::Csv),
            "pretty_table" => Some(Self::Pretty),
            _ => None,
        }
    }

    /// Rows under their column names.
    pub(super) fn rows(self, columns: &[String], rows: &[Vec<Value>], headers: bool) -> String {
        match self {
            Self::Json => json_rows(columns, rows),
            Self::Csv => lines(columns, rows, headers, ",", |value| {
                format!("\"{}\"", plain(value))
            }),
            Self::Tabs => lines(columns, rows, headers && !rows.is_empty(), "\t", plain),
            Self::Pretty => pretty(columns, rows),
        }
    }
}

fn lines(
    columns: &[String],
    rows: &[Vec<Value>],
    headers: bool,
    separator: &str,
    show: impl Fn(&Value) -> String,
) -> String {
    let quote = separator == ",";
    let header: Vec<String> = columns
        .iter()
        .map(|name| {
            if quote {
                format!("\"{name}\"")
            } else {
                name.clone()
            }
        })
        .collect();
    let header = headers.then(|| header.join(separator));
    let rows = rows
        .iter()
        .map(|row| row.iter().map(&show).collect::<Vec<_>>().join(separator));
    header
        .into_iter()
        .chain(rows)
        .collect::<Vec<_>>()
        .join("\n")
}

/// One object a line, the comma in front: as the original streams them.
fn json_rows(columns: &[String], rows: &[Vec<Value>]) -> String {
    let object = |row: &Vec<Value>| {
        let fields = columns.iter().zip(row);
        let fields: Vec<String> = fields
            .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
            .collect();
        format!("{{{}}}", fields.join(","))
    };
    match rows {
        [] => "[]".to_owned(),
        rows => {
            let all: Vec<String> = rows.iter().map(object).collect();
            format!("[\n{}\n]", all.join("\n,"))
        }
    }
}

/// A value on a tab-separated line.
pub(super) fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        Value::Array(all) if all.iter().all(Value::is_string) => {
            let all: Vec<String> = all.iter().map(plain).collect();
            format!("[{}]", all.join(", "))
        }
        Value::Object(fields) => {
            let term = |value: &Value| {
                value
                    .as_str()
                    .map_or_else(|| plain(value), |text| format!("\"{text}\""))
            };
            let all: Vec<String> = fields
                .iter()
                .map(|(key, value)| format!("{{\"{key}\",{}}}", term(value)))
                .collect();
            format!("[{}]", all.join(","))
        }
        other => other.to_string(),
    }
}

fn pretty(columns: &[String], rows: &[Vec<Value>]) -> String {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(plain).collect())
        .collect();
    let width = |at: usize| {
        let cells = cells
            .iter()
            .filter_map(|row| row.get(at))
            .chain(columns.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let rule = |left: &str, middle: &str, right: &str| {
        let parts: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}", parts.join(middle))
    };
    let line = |cells: &[String]| {
        let padded: Vec<String> = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!(" {cell:width$} "))
            .collect();
        format!("│{}│", padded.join("│"))
    };
    let mut all = vec![rule("┌", "┬", "┐"), line(columns), rule("├", "┼", "┤")];
    all.extend(cells.iter().map(|row| line(row)));
    all.push(rule("└", "┴", "┘"));
    all.join("\n")
}
