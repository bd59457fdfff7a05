//! `certificates`: what AMQP's listeners over TLS show, as Erlang prints maps.

use std::path::Path;

use serde_json::{Value, json};

use super::failure::Failure;
use super::listeners::{Listener, listeners};
use super::output::{Format, Listing, Output};
use super::session::Session;
use super::value::Cell;

/// Columns that a line of Erlang's printer has.
const WIDTH: usize = 80;

/// A file, as it is now.
enum Pem {
    Unset,
    Read(Vec<u8>),
    Unreadable(&'static str),
}

impl Pem {
    fn read(path: Option<&str>) -> Self {
        let Some(path) = path else { return Self::Unset };
        match std::fs::read(Path::new(path)) {
            Ok(bytes) => Self::Read(bytes),
            Err(error) => Self::Unreadable(match error.kind() {
                std::io::ErrorKind::NotFound => "enoent",
                std::io::ErrorKind::PermissionDenied => "eacces",
                _ => "eio",
            }),
        }
    }

    fn term(&self) -> String {
        match self {
            Self::Unset => "nil".to_owned(),
            Self::Read(bytes) => binary(bytes),
            Self::Unreadable(why) => format!("{{error,{why}}}"),
        }
    }

    fn cell(&self, format: Format) -> Cell {
        match self {
            Self::Unset if format == Format::Json => Cell::text("nil"),
            Self::Unset => Cell::Empty,
            Self::Read(bytes) => Cell::text(String::from_utf8_lossy(bytes)),
            Self::Unreadable(_) => Cell::text(self.term()),
        }
    }
}

/// What the command answers.
pub(super) fn shown(s: &Session<'_>) -> Result<Output, Failure> {
    let overview = s.get("/api/overview")?.unwrap_or_default();
    let rows = overview["listeners"].as_array();
    let mut found: Vec<_> = listeners(&overview)
        .into_iter()
        .zip(rows.into_iter().flatten())
        .filter(|(listener, _)| listener.protocol == "amqp/ssl")
        .collect();
    found.sort_by_key(|(listener, _)| listener.port);
    let found = found.into_iter().map(|(listener, row)| {
        let file = |name: &str| Pem::read(row["socket_opts"][name].as_str());
        (listener, [file("cacertfile"), file("certfile")])
    });
    let found: Vec<_> = found.collect();
    Ok(match s.format {
        _ if found.is_empty() => Output::Report {
            text: "#{}".to_owned(),
            json: json!([]),
        },
        Format::Table => {
            let maps: Vec<_> = found.iter().map(|(one, files)| map(one, files)).collect();
            Output::text(format!("[{}]", maps.join(",\n ")))
        }
        format => Output::Listing(Listing {
            columns: vec![
                "node",
                "port",
                "protocol",
                "interface",
                "cacertfile",
                "certfile",
                "purpose",
            ],
            rows: found
                .iter()
                .map(|(one, files)| cells(one, files, format))
                .collect(),
            streamed: true,
        }),
    })
}

fn cells(one: &Listener, [signers, own]: &[Pem; 2], format: Format) -> Vec<Cell> {
    vec![
        Cell::text(&one.node),
        Cell::of(Some(&Value::from(one.port))),
        Cell::text(&one.protocol),
        Cell::text(&one.interface),
        signers.cell(format),
        own.cell(format),
        Cell::text(one.purpose()),
    ]
}

fn map(one: &Listener, [signers, own]: &[Pem; 2]) -> String {
    filled(&[
        ("node", atom(&one.node)),
        ("port", one.port.to_string()),
        ("protocol", atom(&one.protocol)),
        ("interface", binary(one.interface.as_bytes())),
        ("cacertfile", signers.term()),
        ("certfile", own.term()),
        ("purpose", binary(one.purpose().as_bytes())),
    ])
}

/// As many pairs in a line as fit; a value that fits in none has one of its own. It stands in a list.
fn filled(pairs: &[(&str, String)]) -> String {
    let (indent, mut text, mut column) = (3, "#{".to_owned(), 3);
    for (number, (key, value)) in pairs.iter().enumerate() {
        let pair = format!("{key} => {value}");
        let width = pair.chars().count() + 1;
        if number > 0 {
            text.push(',');
            if column + width >= WIDTH {
                text += &format!("\n{:indent$}", "");
                column = indent;
            }
        }
        if column + width >= WIDTH {
            text += &format!("{key} =>\n{:1$}{value}", "", indent + 4);
            // Nothing comes behind it.
            column = WIDTH;
        } else {
            text += &pair;
            column += width;
        }
    }
    text + "}"
}

/// With quotes where it needs them.
fn atom(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@'));
    match is_plain {
        true => name.to_owned(),
        false => format!("'{name}'"),
    }
}

/// As text, if it looks like it, in Latin 1.
fn binary(bytes: &[u8]) -> String {
    let is_text = |byte: &u8| matches!(byte, 8..=13 | 27 | 32..=126 | 160..=255);
    if !bytes.iter().all(is_text) {
        let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
        return format!("<<{}>>", numbers.join(","));
    }
    let mut text = String::with_capacity(bytes.len() + 6);
    for byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(*byte)]),
            8 => text += "\\b",
            b'\t' => text += "\\t",
            b'\n' => text += "\\n",
            11 => text += "\\v",
            12 => text += "\\f",
            b'\r' => text += "\\r",
            27 => text += "\\e",
            other => text.push(char::from(*other)),
        }
    }
    format!("<<\"{text}\">>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listener(port: u64, interface: &str) -> Listener {
        Listener {
            node: "rabbit@localhost".to_owned(),
            protocol: "amqp/ssl".to_owned(),
            interface: interface.to_owned(),
            port,
        }
    }

    /// Recorded on RabbitMQ 4.3.6.
    #[test]
    fn maps_are_filled_as_erlang_fills_them() {
        let short = Pem::Read("short \"quoted\"\tü\n".into());
        assert_eq!(
            map(&listener(5670, "[::]"), &[Pem::Unset, short]),
            "#{node => rabbit@localhost,port => 5670,protocol => 'amqp/ssl',\n   \
             interface => <<\"[::]\">>,cacertfile => nil,\n   \
             certfile => <<\"short \\\"quoted\\\"\\tÃ¼\\n\">>,\n   \
             purpose => <<\"AMQP 0-9-1 and AMQP 1.0 over TLS\">>}"
        );
        let long = Pem::Read(vec![b'x'; 100]);
        assert_eq!(
            map(
                &listener(5671, "127.0.0.1"),
                &[long, Pem::Unreadable("enoent")]
            ),
            format!(
                "#{{node => rabbit@localhost,port => 5671,protocol => 'amqp/ssl',\n   \
                 interface => <<\"127.0.0.1\">>,\n   cacertfile =>\n       <<\"{}\">>,\n   \
                 certfile => {{error,enoent}},\n   \
                 purpose => <<\"AMQP 0-9-1 and AMQP 1.0 over TLS\">>}}",
                "x".repeat(100)
            )
        );
        assert_eq!(binary(&[0, 200]), "<<0,200>>");
    }
}
