//! Values that came as JSON, as RabbitMQ prints them: those have no types beside them.

use std::fmt::Write as _;

use leveret_proto::value::{FieldTable, FieldValue, ShortString};

use super::binary;

/// As many columns as RabbitMQ's lines must not have.
const LINE: usize = 79;

/// A value on one line: `<<"text">>`, `5`, `[1,#{<<"a">> => null}]`.
pub fn term(value: &FieldValue) -> String {
    if let Some(number) = value.as_i64() {
        return number.to_string();
    }
    match value {
        FieldValue::Bool(flag) => flag.to_string(),
        FieldValue::F32(number) => format!("{number:?}"),
        FieldValue::F64(number) => format!("{number:?}"),
        FieldValue::LongString(raw) | FieldValue::Bytes(raw) => binary(raw),
        FieldValue::Array(values) => joined("[", values.iter().map(term), "]"),
        FieldValue::Table(table) => {
            let pair = |(key, value): (&ShortString, &FieldValue)| {
                format!("{} => {}", binary(key.as_str().as_bytes()), term(value))
            };
            joined("#{", table.iter().map(pair), "}")
        }
        FieldValue::Timestamp(seconds) => seconds.to_string(),
        _ => "null".to_owned(),
    }
}

/// Keys and values as a list of pairs, which begins at `column` of its line: what does not fit
/// there has a line for each.
pub fn pairs(table: &FieldTable, column: usize) -> String {
    let pair = |key: &str, value| format!("{{{},{}}}", binary(key.as_bytes()), term(value));
    let pairs: Vec<String> = table
        .iter()
        .map(|(key, value)| pair(key.as_str(), value))
        .collect();
    broken("[", &pairs, "]", column)
}

/// A tuple or list of these elements, broken as [`pairs`] is.
pub fn broken(open: &str, elements: &[String], close: &str, column: usize) -> String {
    let flat = joined(open, elements.iter().cloned(), close);
    if column + flat.chars().count() < LINE {
        return flat;
    }
    let indent = " ".repeat(column + open.len());
    format!("{open}{}{close}", elements.join(&format!(",\n{indent}")))
}

/// `"text"`, with what it must not contain escaped.
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                out.push('\\');
                out.push(character);
            }
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // Writing to a string cannot fail.
            control if control.is_control() => drop(write!(out, "\\{:o}", u32::from(control))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn joined(open: &str, elements: impl Iterator<Item = String>, close: &str) -> String {
    let elements: Vec<String> = elements.collect();
    format!("{open}{}{close}", elements.join(","))
}

#[cfg(test)]
mod tests {
    use leveret_proto::value::{FieldTable, FieldValue};

    use super::{pairs, term};

    #[test]
    fn values_are_written_as_erlang_writes_them() {
        let inner: FieldTable = [("a", FieldValue::Void)].into_iter().collect();
        let list = FieldValue::Array(vec![FieldValue::I64(1), inner.into()]);
        assert_eq!(term(&list), "[1,#{<<\"a\">> => null}]");
        assert_eq!(term(&FieldValue::F64(1.5)), "1.5");
        assert_eq!(term(&"a\"\\".into()), r#"<<"a\"\\">>"#);
    }

    #[test]
    fn a_long_list_has_a_line_for_each() {
        let table: FieldTable = [
            ("delayed-retry-max", FieldValue::I64(100)),
            ("delayed-retry-min", FieldValue::I64(500)),
            ("delayed-retry-type", "all".into()),
        ]
        .into_iter()
        .collect();
        let text = "[{<<\"delayed-retry-max\">>,100},\n {<<\"delayed-retry-min\">>,500},\n \
                    {<<\"delayed-retry-type\">>,<<\"all\">>}]";
        assert_eq!(pairs(&table, 0), text);
    }
}
