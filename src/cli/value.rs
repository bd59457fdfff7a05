//! One cell of a listing, and how each output form writes it.
//!
//! RabbitMQ's tools print Erlang terms, and scripts parse what they print: the same argument table
//! is `[{"k","v"}]` in a table, `[["k","longstr","v"]]` in JSON and `{<<"k">>,longstr,<<"v">>}` in
//! a pretty table. The management API gives plain JSON; the column decides which [`Cell`] it is.

use std::net::IpAddr;

use serde_json::{Map, Value};

/// A value together with what it was in RabbitMQ's own terms.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// Nothing: an absent key or null.
    Empty,
    /// A string, number or boolean that prints as itself.
    Plain(Value),
    /// An AMQP table (arguments, client properties); the wire types are told from the values.
    Table(Map<String, Value>),
    /// A word that is an atom in Erlang: the type of an exchange.
    Atom(String),
    /// A list of atoms: tags, cluster members.
    Atoms(Vec<String>),
    /// Keys that are atoms, with atoms as values: the state of a virtual host per node.
    States(Vec<(String, String)>),
    /// Keys that are strings, with plain values: the effective policy.
    Definition(Map<String, Value>),
    /// An address of a socket.
    Address(String),
    /// A tuple of small numbers: the protocol version.
    Version(Vec<u8>),
    /// The identifier of a connection or channel, as in `<rabbit@host.1.49152.0>`.
    Pid(String),
}

impl Cell {
    /// A plain cell; null and absence are empty.
    pub(crate) fn of(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::Empty,
            Some(value) => Self::Plain(value.clone()),
        }
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Plain(Value::String(text.into()))
    }

    pub(crate) fn table(value: Option<&Value>) -> Self {
        // An empty table reaches us as `[]` from servers written in Erlang.
        Self::Table(
            value
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        )
    }

    pub(crate) fn definition(value: Option<&Value>) -> Self {
        Self::Definition(
            value
                .and_then(Value::as_object)
                .cloned()
                .unwrap_or_default(),
        )
    }

    pub(crate) fn atoms(value: Option<&Value>) -> Self {
        let Some(list) = value.and_then(Value::as_array) else {
            return Self::Empty;
        };
        Self::Atoms(list.iter().map(bare).collect())
    }

    pub(crate) fn atom(value: Option<&Value>) -> Self {
        let text = value.and_then(Value::as_str);
        text.map_or(Self::Empty, |text| Self::Atom(text.to_owned()))
    }

    pub(crate) fn address(value: Option<&Value>) -> Self {
        value
            .and_then(Value::as_str)
            .map_or(Self::Empty, |text| Self::Address(text.to_owned()))
    }

    /// As the table and CSV forms write it.
    pub(crate) fn plain(&self) -> String {
        match self {
            Self::Empty => String::new(),
            Self::Plain(value) => bare(value),
            Self::Table(table) => plain_table(table),
            Self::Atoms(atoms) => format!("[{}]", atoms.join(", ")),
            Self::States(states) => {
                let pairs: Vec<_> = states
                    .iter()
                    .map(|(k, v)| format!("{{{k}, {v}}}"))
                    .collect();
                format!("[{}]", pairs.join(", "))
            }
            Self::Definition(map) => {
                let pair = |(k, v): (&String, &Value)| format!("{{<<{k:?}>>, {}}}", bare(v));
                format!("[{}]", map.iter().map(pair).collect::<Vec<_>>().join(", "))
            }
            Self::Address(text) | Self::Pid(text) | Self::Atom(text) => text.clone(),
            Self::Version(numbers) => tuple(numbers),
        }
    }

    /// As the JSON form writes it.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Empty => Value::String(String::new()),
            Self::Plain(value) => value.clone(),
            Self::Table(table) => typed_table(table),
            Self::Atoms(atoms) => atoms.clone().into(),
            Self::States(states) => states
                .iter()
                .map(|(k, v)| (k.clone(), Value::from(v.clone())))
                .collect(),
            // A map, as on 4.3; 4.0 writes an empty one as a list.
            Self::Definition(map) => Value::Object(map.clone()),
            Self::Address(text) => octets(text).map_or_else(|| text.clone().into(), Value::from),
            Self::Version(numbers) => numbers.clone().into(),
            Self::Pid(text) | Self::Atom(text) => text.clone().into(),
        }
    }

    /// As the pretty table writes it: lists run together, strings inside terms are binaries.
    pub(crate) fn pretty(&self) -> String {
        match self {
            Self::Empty | Self::Plain(_) | Self::Pid(_) | Self::Atom(_) => self.plain(),
            Self::Atoms(atoms) => atoms.concat(),
            Self::States(states) => states.iter().map(|(k, v)| format!("{{{k},{v}}}")).collect(),
            Self::Table(table) => typed(table).map(|entry| erlang_tuple(&entry)).collect(),
            Self::Definition(map) => map
                .iter()
                .map(|(k, v)| format!("{{<<{k:?}>>,{}}}", erlang(v)))
                .collect(),
            Self::Address(text) => octets(text).map_or_else(|| text.clone(), |o| tuple(&o)),
            Self::Version(numbers) => tuple(numbers),
        }
    }

    /// As the Erlang form writes it.
    pub(crate) fn erlang(&self) -> String {
        let list = |items: Vec<String>| format!("[{}]", items.join(","));
        match self {
            Self::Empty => "[]".to_owned(),
            Self::Plain(value) => erlang(value),
            Self::Atom(text) => atom(text),
            Self::Atoms(atoms) => list(atoms.clone()),
            Self::States(states) => list(
                states
                    .iter()
                    .map(|(k, v)| format!("{{'{k}',{v}}}"))
                    .collect(),
            ),
            Self::Table(table) => list(typed(table).map(|entry| erlang_tuple(&entry)).collect()),
            Self::Definition(map) => list(
                map.iter()
                    .map(|(k, v)| format!("{{<<{k:?}>>,{}}}", erlang(v)))
                    .collect(),
            ),
            Self::Address(_) | Self::Version(_) | Self::Pid(_) => self.pretty(),
        }
    }
}

/// A value without quotes.
pub(crate) fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// `[{"x-max-length",10},{"x-queue-type","classic"}]`
fn plain_table(table: &Map<String, Value>) -> String {
    let entry = |(key, value): (&String, &Value)| format!("{{{key:?},{}}}", plain_value(value));
    format!(
        "[{}]",
        table.iter().map(entry).collect::<Vec<_>>().join(",")
    )
}

fn plain_value(value: &Value) -> String {
    match value {
        Value::Object(table) => plain_table(table),
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(plain_value).collect::<Vec<_>>().join(",")
            )
        }
        Value::Null => "undefined".to_owned(),
        other => other.to_string(),
    }
}

/// `[["x-max-length","signedint",10]]`
fn typed_table(table: &Map<String, Value>) -> Value {
    typed(table).collect()
}

/// One `[key, type, value]` per entry.
fn typed(table: &Map<String, Value>) -> impl Iterator<Item = Value> {
    table.iter().map(|(key, value)| {
        let (kind, value) = typed_value(value);
        Value::from(vec![key.clone().into(), kind.into(), value])
    })
}

fn typed_value(value: &Value) -> (&'static str, Value) {
    let array = |items: &Vec<Value>| {
        let pair = |item| {
            let (kind, value) = typed_value(item);
            Value::from(vec![kind.into(), value])
        };
        items.iter().map(pair).collect()
    };
    match value {
        Value::Object(table) => ("table", typed_table(table)),
        Value::Array(items) => ("array", array(items)),
        Value::String(_) => ("longstr", value.clone()),
        Value::Bool(_) => ("bool", value.clone()),
        Value::Null => ("void", "undefined".into()),
        Value::Number(number) => (number_type(number), value.clone()),
    }
}

fn number_type(number: &serde_json::Number) -> &'static str {
    match number.as_i64() {
        Some(small) if i32::try_from(small).is_ok() => "signedint",
        Some(_) => "long",
        None => "double",
    }
}

/// A `[key, type, value]` entry as an Erlang tuple: the type is an atom, so not a binary.
fn erlang_tuple(entry: &Value) -> String {
    let item = |index: usize| entry.get(index).unwrap_or(&Value::Null);
    let value = match item(2) {
        Value::Array(entries) if item(1) == "table" => {
            format!(
                "[{}]",
                entries
                    .iter()
                    .map(erlang_tuple)
                    .collect::<Vec<_>>()
                    .join(",")
            )
        }
        other => erlang(other),
    };
    format!("{{{},{},{value}}}", erlang(item(0)), bare(item(1)))
}

fn erlang(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "<<>>".to_owned(),
        Value::String(text) => format!("<<{text:?}>>"),
        Value::Array(items) => {
            format!(
                "[{}]",
                items.iter().map(erlang).collect::<Vec<_>>().join(",")
            )
        }
        Value::Object(map) => {
            let pair = |(k, v): (&String, &Value)| format!("<<{k:?}>> => {}", erlang(v));
            format!(
                "#{{{}}}",
                map.iter().map(pair).collect::<Vec<_>>().join(",")
            )
        }
        other => other.to_string(),
    }
}

/// A word as Erlang writes it: in quotes where it would be read as something else.
pub(super) fn atom(text: &str) -> String {
    let is_plain = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@'));
    if is_plain {
        text.to_owned()
    } else {
        format!("'{text}'")
    }
}

/// The octets of an IPv4 address; RabbitMQ's tools show addresses as Erlang keeps them.
fn octets(text: &str) -> Option<Vec<u8>> {
    match text.parse().ok()? {
        IpAddr::V4(address) => Some(address.octets().to_vec()),
        IpAddr::V6(_) => None,
    }
}

fn tuple(numbers: &[u8]) -> String {
    format!(
        "{{{}}}",
        numbers
            .iter()
            .map(u8::to_string)
            .collect::<Vec<_>>()
            .join(",")
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn forms(cell: &Cell) -> [String; 4] {
        [
            cell.plain(),
            cell.json().to_string(),
            cell.pretty(),
            cell.erlang(),
        ]
    }

    #[test]
    fn arguments_in_every_form() {
        let cell = Cell::table(Some(
            &json!({"x-max-length": 10, "x-queue-type": "classic"}),
        ));
        let want = [
            r#"[{"x-max-length",10},{"x-queue-type","classic"}]"#,
            r#"[["x-max-length","signedint",10],["x-queue-type","longstr","classic"]]"#,
            r#"{<<"x-max-length">>,signedint,10}{<<"x-queue-type">>,longstr,<<"classic">>}"#,
            r#"[{<<"x-max-length">>,signedint,10},{<<"x-queue-type">>,longstr,<<"classic">>}]"#,
        ];
        assert_eq!(forms(&cell), want);
    }

    #[test]
    fn nested_tables_and_large_numbers() {
        let cell = Cell::table(Some(&json!({"t": {"b": true}, "n": 99_999_999_999_u64})));
        assert_eq!(cell.plain(), r#"[{"n",99999999999},{"t",[{"b",true}]}]"#);
        let want = r#"[["n","long",99999999999],["t","table",[["b","bool",true]]]]"#;
        assert_eq!(cell.json().to_string(), want);
    }

    #[test]
    fn an_empty_table_may_come_as_a_list() {
        assert_eq!(
            forms(&Cell::table(Some(&json!([])))),
            ["[]", "[]", "", "[]"]
        );
    }

    #[test]
    fn effective_policy_in_every_form() {
        let cell = Cell::definition(Some(
            &json!({"max-length": 7, "overflow": "reject-publish"}),
        ));
        let want = [
            r#"[{<<"max-length">>, 7}, {<<"overflow">>, reject-publish}]"#,
            r#"{"max-length":7,"overflow":"reject-publish"}"#,
            r#"{<<"max-length">>,7}{<<"overflow">>,<<"reject-publish">>}"#,
            r#"[{<<"max-length">>,7},{<<"overflow">>,<<"reject-publish">>}]"#,
        ];
        assert_eq!(forms(&cell), want);
    }

    #[test]
    fn tags_states_addresses_and_versions() {
        let tags = Cell::atoms(Some(&json!(["a", "b"])));
        assert_eq!(forms(&tags), ["[a, b]", r#"["a","b"]"#, "ab", "[a,b]"]);
        let states = Cell::States(vec![("r@h".to_owned(), "running".to_owned())]);
        let want = ["[{r@h, running}]", r#"{"r@h":"running"}"#, "{r@h,running}"];
        assert_eq!(forms(&states)[..3], want);
        let address = Cell::Address("127.0.0.1".to_owned());
        assert_eq!(
            forms(&address)[..3],
            ["127.0.0.1", "[127,0,0,1]", "{127,0,0,1}"]
        );
        assert_eq!(
            forms(&Cell::Version(vec![0, 9, 1]))[..2],
            ["{0,9,1}", "[0,9,1]"]
        );
    }

    #[test]
    fn the_type_of_an_exchange_is_an_atom() {
        let cell = |kind: &str| Cell::atom(Some(&json!(kind)));
        assert_eq!(
            forms(&cell("direct")),
            ["direct", r#""direct""#, "direct", "direct"]
        );
        assert_eq!(cell("x-random").erlang(), "'x-random'");
    }

    #[test]
    fn absence_is_an_empty_string() {
        assert_eq!(
            forms(&Cell::of(Some(&Value::Null))),
            ["", r#""""#, "", "[]"]
        );
    }
}
