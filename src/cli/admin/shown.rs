//! Lists as `rabbitmqadmin` prints them: tables and the like, with Python's way to write values.

use std::fmt::Write as _;

use serde_json::{Map, Value};

/// The forms there are.
pub(super) const FORMATS: &[&str] = &[
    "raw_json",
    "pretty_json",
    "tsv",
    "long",
    "table",
    "kvp",
    "bash",
];

/// Columns, and rows of texts.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) columns: Vec<String>,
    pub(super) rows: Vec<Vec<String>>,
}

/// How to make rows of objects.
#[derive(Debug)]
pub(super) struct Shape<'a> {
    /// Those that are wanted; without any, all there are.
    pub(super) columns: &'a [String],
    /// How deep to go into objects.
    pub(super) depth: usize,
    /// The column that is shown as JSON.
    pub(super) json: &'a str,
}

/// Columns that come first.
const FIRST: [&str; 7] = [
    "vhost",
    "name",
    "type",
    "source",
    "destination",
    "destination_type",
    "routing_key",
];

impl Shape<'_> {
    pub(super) fn rows(&self, items: &[Value]) -> Rows {
        let flat: Vec<Map<String, Value>> = items.iter().map(|item| self.flat(item)).collect();
        let columns = match self.columns {
            [] => all_columns(&flat),
            named => named.to_vec(),
        };
        let cell = |item: &Map<String, Value>, column: &String| {
            item.get(column).map_or_else(String::new, text)
        };
        let row =
            |item: &Map<String, Value>| columns.iter().map(|column| cell(item, column)).collect();
        Rows {
            rows: flat.iter().map(row).collect(),
            columns,
        }
    }

    fn flat(&self, item: &Value) -> Map<String, Value> {
        let mut flat = Map::new();
        self.flatten(item, "", 1, &mut flat);
        flat
    }

    fn flatten(&self, item: &Value, prefix: &str, depth: usize, flat: &mut Map<String, Value>) {
        for (key, value) in item.as_object().into_iter().flatten() {
            let column = format!("{prefix}{key}");
            // A column that is named may be deeper.
            let is_named = self
                .columns
                .iter()
                .any(|named| named.starts_with(&format!("{column}.")));
            match value {
                _ if column == self.json => {
                    flat.insert(column, Value::String(python_json(value)));
                }
                Value::Object(_) if depth < self.depth || is_named => {
                    self.flatten(value, &format!("{column}."), depth + 1, flat);
                }
                Value::Object(_) => {}
                value => {
                    flat.insert(column, value.clone());
                }
            }
        }
    }
}

fn all_columns(flat: &[Map<String, Value>]) -> Vec<String> {
    let mut columns: Vec<String> = flat.iter().flat_map(Map::keys).cloned().collect();
    columns.sort_unstable();
    columns.dedup();
    let place = |column: &String| {
        FIRST
            .iter()
            .position(|first| first == column)
            .unwrap_or(FIRST.len())
    };
    columns.sort_by_key(place);
    columns
}

/// As Python writes a value.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => String::new(),
        Value::Array(items) if items.iter().any(Value::is_object) => python_json(value),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(" "),
        other => other.to_string(),
    }
}

/// JSON with a blank behind commas and colons.
fn python_json(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pair = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), python_json(value))
            };
            format!(
                "{{{}}}",
                map.iter().map(pair).collect::<Vec<_>>().join(", ")
            )
        }
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(python_json).collect::<Vec<_>>().join(", ")
            )
        }
        other => other.to_string(),
    }
}

/// Likewise, as Python writes a list of its own.
pub(super) fn python_list(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let item = |item: &Value| match item {
                Value::String(text) => format!("'{text}'"),
                other => text(other),
            };
            format!(
                "[{}]",
                items.iter().map(item).collect::<Vec<_>>().join(", ")
            )
        }
        other => text(other),
    }
}

/// JSON with a line for each member, keys in order.
pub(super) fn pretty_json(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

impl Rows {
    pub(super) fn render(&self, format: &str) -> String {
        match format {
            _ if self.rows.is_empty() => "No items\n".to_owned(),
            "tsv" => self.tsv(),
            "long" => self.long(),
            "kvp" => self.kvp(),
            "bash" => self.bash(),
            _ => self.table(),
        }
    }

    /// Leaves columns out.
    pub(super) fn without(mut self, names: &[&str]) -> Self {
        while let Some(at) = self
            .columns
            .iter()
            .position(|column| names.contains(&column.as_str()))
        {
            self.columns.remove(at);
            for row in &mut self.rows {
                row.remove(at);
            }
        }
        self
    }

    fn tsv(&self) -> String {
        let mut text = self.columns.join("\t") + "\n";
        for row in &self.rows {
            text += &(row.join("\t") + "\n");
        }
        text
    }

    fn long(&self) -> String {
        let width = self
            .columns
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or_default();
        let rule = format!("\n{}\n\n", "-".repeat(80));
        let mut text = rule.clone();
        for row in &self.rows {
            for (name, cell) in self.columns.iter().zip(row) {
                let _ = writeln!(text, "{name:>width$}: {cell}");
            }
            text += &rule;
        }
        text
    }

    fn kvp(&self) -> String {
        let mut text = String::new();
        for row in &self.rows {
            let pairs = self.columns.iter().zip(row);
            let pairs: Vec<String> = pairs
                .map(|(name, cell)| format!("{name}=\"{cell}\""))
                .collect();
            text += &(pairs.join(" ") + "\n");
        }
        text
    }

    /// The names alone, where there are names.
    fn bash(&self) -> String {
        let at = self.columns.iter().position(|column| column == "name");
        let name = |row: &Vec<String>| row.get(at?).cloned();
        let names: Vec<String> = self.rows.iter().filter_map(name).collect();
        match names.is_empty() {
            true => String::new(),
            false => names.join(" ") + "\n",
        }
    }

    fn table(&self) -> String {
        let width = |(at, name): (usize, &String)| {
            let cells = self.rows.iter().filter_map(|row| row.get(at));
            cells
                .map(|cell| cell.chars().count())
                .fold(name.chars().count(), usize::max)
        };
        let widths: Vec<usize> = self.columns.iter().enumerate().map(width).collect();
        let rule: String = widths
            .iter()
            .map(|width| format!("+{}", "-".repeat(width + 2)))
            .collect();
        let rule = rule + "+\n";
        let mut text = rule.clone();
        for (name, width) in self.columns.iter().zip(&widths) {
            let free = width - name.chars().count();
            let (left, right) = (free / 2, free - free / 2);
            let _ = write!(text, "| {:left$}{name}{:right$} ", "", "");
        }
        text += "|\n";
        text += &rule;
        for row in &self.rows {
            for (cell, width) in row.iter().zip(&widths) {
                let _ = write!(text, "| {cell:width$} ");
            }
            text += "|\n";
        }
        text + &rule
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rows(columns: &[&str], depth: usize) -> Rows {
        let columns: Vec<String> = columns.iter().map(|&column| column.to_owned()).collect();
        let items = json!([
            {"name": "q1", "durable": true, "arguments": {"x-a": 1}, "members": ["a", "b"]},
            {"name": "long", "durable": false, "arguments": {}, "vhost": "/"},
        ]);
        let shape = Shape {
            columns: &columns,
            depth,
            json: "",
        };
        shape.rows(items.as_array().unwrap())
    }

    #[test]
    fn a_table_has_centred_names() {
        let want = "+------+---------+\n| name | durable |\n+------+---------+\n| q1   | True    |\n\
                    | long | False   |\n+------+---------+\n";
        assert_eq!(rows(&["name", "durable"], 1).render("table"), want);
    }

    #[test]
    fn objects_open_as_deep_as_wanted() {
        let all = rows(&[], 1);
        assert_eq!(all.columns, ["vhost", "name", "durable", "members"]);
        assert_eq!(
            rows(&[], 2).columns.get(2).map(String::as_str),
            Some("arguments.x-a")
        );
        let want = "name=\"q1\" arguments.x-a=\"1\"\nname=\"long\" arguments.x-a=\"\"\n";
        assert_eq!(rows(&["name", "arguments.x-a"], 1).render("kvp"), want);
    }

    #[test]
    fn other_forms() {
        assert_eq!(rows(&["name"], 1).render("bash"), "q1 long\n");
        assert_eq!(
            rows(&["name", "vhost"], 1).render("tsv"),
            "name\tvhost\nq1\t\nlong\t/\n"
        );
        let long = rows(&["name", "vhost"], 1).render("long");
        assert!(long.contains("\n name: q1\nvhost: \n\n----"), "{long}");
    }
}
