//! `rabbitmq-queues peek`: a message of a quorum queue, left where it is.

use serde_json::{Map, Value, json};

use super::failure::{EX_UNAVAILABLE, Failure};
use super::http::segment;
use super::output::{Format, Listing, Output};
use super::replicas::{kind, target};
use super::session::Session;
use super::value::{Cell, bare};

pub(super) fn peek(s: &Session<'_>) -> Result<Output, Failure> {
    let kind = kind(&target(s)?);
    if kind != "quorum" {
        let text = format!("Cannot peek into a {kind} queue");
        return Err(Failure::error(EX_UNAVAILABLE, text));
    }
    let position: usize = s.arg(1).parse().unwrap_or(1);
    let (vhost, queue) = (s.vhost_segment(), segment(s.arg(0)));
    let offset = position.saturating_sub(1);
    let path = format!("/dev/queues/{vhost}/{queue}/peek?offset={offset}&limit=1");
    let found = s.get(&path)?.unwrap_or_default();
    let messages = found.get("items").and_then(Value::as_array);
    let Some(message) = messages.and_then(|all| all.first()) else {
        let text = "Target queue does not have a message at that position";
        return Err(Failure::error(EX_UNAVAILABLE, text));
    };
    let facts = facts(message);
    let row = |(key, value): (&String, &Value)| {
        let value = match value {
            Value::Array(items) => items.iter().map(bare).collect(),
            other => bare(other),
        };
        vec![Cell::text(key), Cell::text(value)]
    };
    let table = Output::Drawn(Listing {
        columns: vec!["keys", "values"],
        rows: facts.iter().map(row).collect(),
        streamed: false,
    });
    Ok(Output::Report {
        text: table.render(Format::Table, true).trim_end().to_owned(),
        json: json!({ "result": "ok", "message": facts }),
    })
}

/// What is told of a message: its properties, where it came from, its first bytes, its headers.
fn facts(message: &Value) -> Map<String, Value> {
    let fact = |key: &str| message.get(key).cloned().unwrap_or_default();
    let properties = message.get("properties").and_then(Value::as_object);
    let mut facts = properties.cloned().unwrap_or_default();
    let headers = facts.remove("headers").unwrap_or_default();
    for (name, value) in headers.as_object().into_iter().flatten() {
        facts.insert(format!("header.{name}"), value.clone());
    }
    facts.insert("header.x-delivery-count".to_owned(), fact("failures"));
    facts.insert("exchange".to_owned(), fact("exchange"));
    facts.insert("routing_keys".to_owned(), json!([fact("routing_key")]));
    let payload: String = bare(&fact("payload")).chars().take(PAYLOAD_MAX).collect();
    facts.insert(format!("payload (max {PAYLOAD_MAX} bytes)"), payload.into());
    facts
}

const PAYLOAD_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_as_the_tool_tells_it() {
        let message = json!({
            "properties": {"content_type": "text/plain", "headers": {"h": 1}}, "failures": 2,
            "exchange": "", "routing_key": "q", "payload": "a".repeat(70),
        });
        let want = json!({
            "content_type": "text/plain", "header.h": 1, "header.x-delivery-count": 2, "exchange": "",
            "routing_keys": ["q"], "payload (max 64 bytes)": "a".repeat(64),
        });
        assert_eq!(Value::Object(facts(&message)), want);
    }
}
