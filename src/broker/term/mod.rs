//! Field values as RabbitMQ prints them: Erlang terms, in error texts and events; and their hash.

pub mod hash;
pub mod json;

use leveret_proto::value::{FieldTable, FieldValue};

/// A value as Erlang prints it.
pub fn term(value: &FieldValue) -> String {
    match value {
        FieldValue::Bool(flag) => flag.to_string(),
        FieldValue::F32(number) => format!("{number:?}"),
        FieldValue::F64(number) => format!("{number:?}"),
        FieldValue::Decimal { scale, value } => format!("{{{scale},{value}}}"),
        FieldValue::LongString(raw) | FieldValue::Bytes(raw) => binary(raw),
        FieldValue::Array(values) => {
            let values: Vec<String> = values.iter().map(typed).collect();
            format!("[{}]", values.join(","))
        }
        FieldValue::Timestamp(seconds) => seconds.to_string(),
        FieldValue::Table(table) => format!("[{}]", rows(table).join(",")),
        FieldValue::Void => "undefined".to_owned(),
        integer => integer.as_i64().unwrap_or_default().to_string(),
    }
}

/// The rows of a table, each with its key, type and value.
pub fn rows(table: &FieldTable) -> Vec<String> {
    let row = |(key, value): (&leveret_proto::value::ShortString, &FieldValue)| {
        let key = binary(key.as_str().as_bytes());
        format!("{{{key},{},{}}}", value.type_name(), term(value))
    };
    table.iter().map(row).collect()
}

fn typed(value: &FieldValue) -> String {
    format!("{{{},{}}}", value.type_name(), term(value))
}

/// Text in quotes, else the bytes as numbers.
pub fn binary(raw: &[u8]) -> String {
    match std::str::from_utf8(raw) {
        Ok("") => "<<>>".to_owned(),
        Ok(text) if !text.contains(char::is_control) => {
            format!(
                "<<\"{}\">>",
                text.replace('\\', "\\\\").replace('"', "\\\"")
            )
        }
        _ => {
            let bytes: Vec<String> = raw.iter().map(u8::to_string).collect();
            format!("<<{}>>", bytes.join(","))
        }
    }
}
