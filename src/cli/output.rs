//! What a command answers, and the forms it can be printed in.
//!
//! Everything the tools print goes through here: standard output may be a pipe that nobody reads
//! any more, which must not become a panic.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write};
use std::process::Command as Process;

use serde_json::{Value, json};

use super::value::{Cell, atom};

/// What a command has to say when it succeeded.
#[derive(Debug)]
pub(crate) enum Output {
    /// The banner said it all.
    Nothing,
    /// One message.
    Text(String),
    /// Rows and columns.
    Listing(Listing),
    /// The same, drawn as a table unless another form is asked for.
    Drawn(Listing),
    /// A text for people and a document for programs, such as a health check.
    Report { text: String, json: Value },
}

/// Rows under named columns.
#[derive(Debug)]
pub(crate) struct Listing {
    pub(crate) columns: Vec<&'static str>,
    pub(crate) rows: Vec<Vec<Cell>>,
    /// Whether RabbitMQ prints it row by row: then an empty listing prints nothing at all, while
    /// one that was collected first prints an empty line (and `[]` in JSON).
    pub(crate) streamed: bool,
}

/// The forms of `--formatter`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Format {
    #[default]
    Table,
    PrettyTable,
    Json,
    Csv,
    Erlang,
}

impl Format {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "table" | "string" | "plugins" => Self::Table,
            "pretty_table" => Self::PrettyTable,
            "json" | "json_stream" => Self::Json,
            "csv" => Self::Csv,
            "erlang" => Self::Erlang,
            _ => return None,
        })
    }

    /// Whether a program reads it, so that nothing else may be printed.
    pub(crate) fn is_for_programs(self) -> bool {
        matches!(self, Self::Json | Self::Csv)
    }
}

impl Output {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The whole answer, with its final newline, as it goes to standard output.
    pub(crate) fn render(&self, format: Format, headers: bool) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Text(text) => render_text(text, format),
            Self::Listing(listing) => listing.render(format, headers),
            Self::Drawn(listing) => match format {
                Format::Table => listing.render(Format::PrettyTable, headers),
                _ => listing.render(format, headers),
            },
            Self::Report { text, json } => match format {
                Format::Json => format!("{json}\n"),
                _ if text.is_empty() => String::new(),
                _ => render_text(text, format),
            },
        }
    }
}

fn render_text(text: &str, format: Format) -> String {
    match format {
        Format::Json => format!("{}\n", json!({ "message": text })),
        Format::PrettyTable => pretty(&["Output"], &[vec![text.to_owned()]]),
        Format::Erlang => format!("<<{text:?}>>\n"),
        Format::Table | Format::Csv => format!("{text}\n"),
    }
}

impl Listing {
    fn render(&self, format: Format, headers: bool) -> String {
        if self.rows.is_empty() {
            return self.render_empty(format);
        }
        match format {
            Format::Table => self.render_table(headers),
            Format::Csv => self.render_csv(),
            Format::Json => self.render_json(),
            Format::Erlang => self.render_erlang(),
            Format::PrettyTable => {
                let cells = |row: &Vec<Cell>| row.iter().map(Cell::pretty).collect();
                pretty(
                    &self.columns,
                    &self.rows.iter().map(cells).collect::<Vec<_>>(),
                )
            }
        }
    }

    fn render_empty(&self, format: Format) -> String {
        match (format, self.streamed) {
            (Format::Json, true) => "[\n]\n".to_owned(),
            (Format::Erlang, _) | (Format::Json, false) => "[]\n".to_owned(),
            (_, true) => String::new(),
            (Format::Csv, false) => "\n\n\n".to_owned(),
            (Format::Table, false) => "\n".to_owned(),
            (Format::PrettyTable, false) => pretty(&["Output"], &[vec!["[]".to_owned()]]),
        }
    }

    fn render_table(&self, headers: bool) -> String {
        let mut text = String::new();
        if headers {
            text.push_str(&self.columns.join("\t"));
            text.push('\n');
        }
        for row in &self.rows {
            text.push_str(&row.iter().map(Cell::plain).collect::<Vec<_>>().join("\t"));
            text.push('\n');
        }
        text
    }

    fn render_csv(&self) -> String {
        let quote = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
        let mut lines = vec![
            self.columns
                .iter()
                .map(|name| quote(name))
                .collect::<Vec<_>>(),
        ];
        for row in &self.rows {
            lines.push(row.iter().map(|cell| quote(&cell.plain())).collect());
        }
        lines.iter().map(|line| line.join(",") + "\n").collect()
    }

    fn render_json(&self) -> String {
        let object = |row: &Vec<Cell>| {
            let pair = |(name, cell): (&&str, &Cell)| format!("{name:?}:{}", cell.json());
            let pairs: Vec<_> = self.columns.iter().zip(row).map(pair).collect();
            format!("{{{}}}\n", pairs.join(","))
        };
        format!(
            "[\n{}]\n",
            self.rows.iter().map(object).collect::<Vec<_>>().join(",")
        )
    }

    fn render_erlang(&self) -> String {
        let list = |row: &Vec<Cell>| {
            let pair =
                |(name, cell): (&&str, &Cell)| format!("{{{},{}}}", atom(name), cell.erlang());
            let pairs: Vec<_> = self.columns.iter().zip(row).map(pair).collect();
            format!("[{}]", pairs.join(","))
        };
        format!(
            "[{}]\n",
            self.rows.iter().map(list).collect::<Vec<_>>().join(",\n ")
        )
    }
}

/// A table drawn with the terminal's line characters (VT100's alternate character set).
fn pretty(columns: &[&str], rows: &[Vec<String>]) -> String {
    let width = |index: usize, name: &str| {
        let cells = rows.iter().filter_map(|row| row.get(index));
        cells
            .flat_map(|cell| cell.lines())
            .map(|line| line.chars().count())
            .fold(name.chars().count(), usize::max)
    };
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, name)| width(index, name))
        .collect();
    let rule = |left: char, middle: &str, right: char| {
        let bars: Vec<_> = widths.iter().map(|width| "q".repeat(width + 2)).collect();
        format!("\x1b(0{left}{}{right}\x1b(B\n", bars.join(middle))
    };
    let mut text = rule('l', "w", 'k');
    for (name, width) in columns.iter().zip(&widths) {
        let pad = width.saturating_sub(name.chars().count());
        let _ = write!(text, "{BAR} \x1b[1m{name}\x1b[0m{:pad$} ", "");
    }
    let _ = writeln!(text, "{BAR}");
    for row in rows {
        text.push_str(&rule('t', "n", 'u'));
        let height = row.iter().map(|cell| cell.lines().count()).max();
        for at in 0..height.unwrap_or_default().max(1) {
            for (cell, width) in row.iter().zip(&widths) {
                let line = cell.lines().nth(at).unwrap_or_default();
                let pad = width.saturating_sub(line.chars().count());
                let _ = write!(text, "{BAR} {line}{:pad$} ", "");
            }
            let _ = writeln!(text, "{BAR}");
        }
    }
    text.push_str(&rule('m', "v", 'j'));
    text
}

/// Writes to standard output; a reader that went away is no error of ours.
pub(crate) fn print(text: &str) {
    let mut output = io::stdout().lock();
    let _ = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
}

/// A line that somebody is asked for, without showing it on their terminal.
pub(super) fn asked(prompt: &str) -> Option<String> {
    print(prompt);
    let terminal = io::stdin().is_terminal();
    let echo = |mode: &str| terminal.then(|| Process::new("stty").arg(mode).status());
    echo("-echo");
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    echo("echo");
    print("\n");
    let is_line = read.is_ok_and(|length| length > 0);
    is_line.then(|| line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Writes to standard error.
pub(crate) fn print_error(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// A vertical line.
const BAR: &str = "\x1b(0x\x1b(B";

#[cfg(test)]
mod tests {
    use super::*;

    fn users(streamed: bool) -> Output {
        let row = |name: &str, tags: Value| vec![Cell::text(name), Cell::atoms(Some(&tags))];
        let rows = vec![row("al", json!(["administrator"])), row("erin", json!([]))];
        Output::Listing(Listing {
            columns: vec!["user", "tags"],
            rows,
            streamed,
        })
    }

    #[test]
    fn a_table() {
        let want = "user\ttags\nal\t[administrator]\nerin\t[]\n";
        assert_eq!(users(false).render(Format::Table, true), want);
        assert_eq!(
            users(false).render(Format::Table, false),
            "al\t[administrator]\nerin\t[]\n"
        );
    }

    #[test]
    fn json_has_one_row_per_line() {
        let want = "[\n{\"user\":\"al\",\"tags\":[\"administrator\"]}\n,{\"user\":\"erin\",\"tags\":[]}\n]\n";
        assert_eq!(users(true).render(Format::Json, true), want);
    }

    #[test]
    fn csv_quotes_everything() {
        let want = "\"user\",\"tags\"\n\"al\",\"[administrator]\"\n\"erin\",\"[]\"\n";
        assert_eq!(users(true).render(Format::Csv, true), want);
    }

    #[test]
    fn a_pretty_table_is_drawn() {
        let want = "\x1b(0lqqqqqqwqqqqqqqqqqqqqqqk\x1b(B\n\
            \x1b(0x\x1b(B \x1b[1muser\x1b[0m \x1b(0x\x1b(B \x1b[1mtags\x1b[0m          \x1b(0x\x1b(B\n\
            \x1b(0tqqqqqqnqqqqqqqqqqqqqqqu\x1b(B\n\
            \x1b(0x\x1b(B al   \x1b(0x\x1b(B administrator \x1b(0x\x1b(B\n\
            \x1b(0tqqqqqqnqqqqqqqqqqqqqqqu\x1b(B\n\
            \x1b(0x\x1b(B erin \x1b(0x\x1b(B               \x1b(0x\x1b(B\n\
            \x1b(0mqqqqqqvqqqqqqqqqqqqqqqj\x1b(B\n";
        assert_eq!(users(true).render(Format::PrettyTable, true), want);
    }

    #[test]
    fn a_text_of_several_lines_is_drawn_in_one_cell() {
        let text = Output::text("Runtime\n\nOS: x").render(Format::PrettyTable, true);
        let lines: Vec<String> = text
            .lines()
            .map(|line| line.replace("\x1b(0x\x1b(B", "|"))
            .collect();
        assert_eq!(lines[3..6], ["| Runtime |", "|         |", "| OS: x   |"]);
    }

    #[test]
    fn an_empty_listing_depends_on_how_it_is_made() {
        let empty = |streamed, format| {
            let listing = Listing {
                columns: vec!["name"],
                rows: Vec::new(),
                streamed,
            };
            Output::Listing(listing).render(format, true)
        };
        assert_eq!(
            [empty(true, Format::Table), empty(false, Format::Table)],
            ["", "\n"]
        );
        assert_eq!(
            [empty(true, Format::Csv), empty(false, Format::Csv)],
            ["", "\n\n\n"]
        );
        assert_eq!(
            [empty(true, Format::Json), empty(false, Format::Json)],
            ["[\n]\n", "[]\n"]
        );
    }

    #[test]
    fn a_message_in_json() {
        let output = Output::text("Ping succeeded");
        assert_eq!(
            output.render(Format::Json, true),
            "{\"message\":\"Ping succeeded\"}\n"
        );
    }
}
