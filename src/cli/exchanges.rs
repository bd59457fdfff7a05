//! Exchanges and bindings.

use serde_json::Value;

use super::command::{Command, Group::Observability};
use super::failure::Failure;
use super::output::Output;
use super::session::Session;
use super::value::Cell;

pub(super) const COMMANDS: &[Command] = &[
    Command::new(
        "list_exchanges",
        Observability,
        "Lists exchanges",
        list_exchanges,
    )
    .usage(
        (0, 0),
        "[--vhost <vhost>] [--no-table-headers] [<column> ...] [--timeout <timeout>]",
    )
    .columns(
        &[
            "arguments",
            "auto_delete",
            "durable",
            "internal",
            "name",
            "policy",
            "type",
        ],
        &["name", "type"],
    )
    .banner(|s| format!("Listing exchanges for vhost {} ...", s.vhost())),
    Command::new(
        "list_bindings",
        Observability,
        "Lists bindings",
        list_bindings,
    )
    .usage(
        (0, 0),
        "[--vhost <vhost>] [--no-table-headers] [<column> ...] [--timeout <timeout>]",
    )
    .columns(BINDING_COLUMNS, BINDING_COLUMNS)
    .banner(|s| format!("Listing bindings for vhost {}...", s.vhost())),
];

fn list_exchanges(s: &Session<'_>) -> Result<Output, Failure> {
    let exchanges = s.list(&format!("/api/exchanges/{}", s.vhost_segment()))?;
    Ok(s.listing(&exchanges, exchange_cell))
}

fn exchange_cell(exchange: &Value, column: &str) -> Cell {
    match column {
        "type" => Cell::atom(exchange.get(column)),
        "arguments" => Cell::table(exchange.get(column)),
        _ => Cell::of(exchange.get(column)),
    }
}

fn list_bindings(s: &Session<'_>) -> Result<Output, Failure> {
    let bindings = s.list(&format!("/api/bindings/{}", s.vhost_segment()))?;
    Ok(s.listing(&bindings, binding_cell))
}

fn binding_cell(binding: &Value, column: &str) -> Cell {
    match column {
        "source_name" => Cell::of(binding.get("source")),
        "source_kind" => Cell::Atom("exchange".to_owned()),
        "destination_name" => Cell::of(binding.get("destination")),
        "destination_kind" => Cell::atom(binding.get("destination_type")),
        "arguments" => Cell::table(binding.get(column)),
        _ => Cell::of(binding.get(column)),
    }
}

const BINDING_COLUMNS: &[&str] = &[
    "source_name",
    "source_kind",
    "destination_name",
    "destination_kind",
    "routing_key",
    "arguments",
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_binding() {
        let binding = json!({
            "source": "ex.one", "vhost": "/", "destination": "q.one", "destination_type": "queue",
            "routing_key": "a.#", "arguments": {"k": "v"}, "properties_key": "x",
        });
        let row: Vec<_> = BINDING_COLUMNS
            .iter()
            .map(|column| binding_cell(&binding, column).plain())
            .collect();
        assert_eq!(
            row,
            [
                "ex.one",
                "exchange",
                "q.one",
                "queue",
                "a.#",
                "[{\"k\",\"v\"}]"
            ]
        );
    }
}
