//! Settings as Erlang prints them: what RabbitMQ's tools show of a node's environment.

use std::collections::BTreeMap;

use super::effective::Row;
use super::keys;
use super::term::{Term, TermKind};

/// A setting or, where keys go on, more of them.
#[derive(Debug)]
enum Node {
    Leaf(String),
    Branch(BTreeMap<String, Self>),
}

/// Applications of RabbitMQ's that have settings of their own; all others are `rabbit`'s.
const APPLICATIONS: [(&str, &str); 4] = [
    ("auth_oauth2", "rabbitmq_auth_backend_oauth2"),
    ("auth_http", "rabbitmq_auth_backend_http"),
    ("management", "rabbitmq_management"),
    ("prometheus", "rabbitmq_prometheus"),
];

/// Settings whose keys end in the names that are listed: as binaries, or as atoms.
const NAMES: [(&str, bool); 2] = [("loopback_users", true), ("default_user_tags", false)];

/// All rows, by application. Variables without a key are left out.
pub fn text(rows: &[Row]) -> String {
    let mut all = BTreeMap::new();
    for row in rows.iter().filter(|row| !row.name.starts_with("RABBITMQ_")) {
        let mut segments: Vec<&str> = row.name.split('.').collect();
        let first = segments.first().copied().unwrap_or_default();
        let named = APPLICATIONS.iter().find(|(prefix, _)| *prefix == first);
        let application = match named {
            Some((_, application)) => {
                segments.remove(0);
                application
            }
            None => "rabbit",
        };
        let value = value(&row.name, &row.value);
        put(
            &mut all,
            std::iter::once(application).chain(segments),
            value,
        );
    }
    format!("{}\n", list(&all, 0))
}

fn put<'a>(
    at: &mut BTreeMap<String, Node>,
    mut path: impl Iterator<Item = &'a str>,
    value: String,
) {
    let Some(first) = path.next() else { return };
    let rest: Vec<&str> = path.collect();
    if rest.is_empty() {
        at.insert(first.to_owned(), Node::Leaf(value));
        return;
    }
    let empty = || Node::Branch(BTreeMap::new());
    let below = at.entry(first.to_owned()).or_insert_with(empty);
    // `log.file` has a value, and `log.file.formatter` too.
    if let Node::Leaf(own) = below {
        let own = Node::Leaf(std::mem::take(own));
        *below = Node::Branch(BTreeMap::from([("value".to_owned(), own)]));
    }
    if let Node::Branch(more) = below {
        put(more, rest.into_iter(), value);
    }
}

/// A number, an atom or a string, by the type of its key.
fn value(name: &str, text: &str) -> String {
    let segments: Vec<String> = name.split('.').map(str::to_owned).collect();
    let types = keys::find(&segments).map_or("String", |key| key.types);
    let is_word = !text.is_empty()
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '@');
    if text.parse::<f64>().is_ok() || (is_word && !types.contains("String")) {
        return text.to_owned();
    }
    string(text)
}

fn string(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    format!("\"{}\"", text.replace('\n', "\\n").replace('\t', "\\t"))
}

/// A term as `~p` prints it, but in one line.
pub fn shown(kind: &TermKind) -> String {
    let all = |terms: &[Term]| {
        let terms: Vec<String> = terms.iter().map(|term| shown(&term.kind)).collect();
        terms.join(",")
    };
    let numbers = |text: &str| {
        let numbers: Vec<String> = text.chars().map(|c| u32::from(c).to_string()).collect();
        numbers.join(",")
    };
    let is_text = |text: &str| {
        text.chars()
            .all(|c| !c.is_control() || matches!(c, '\n' | '\t'))
    };
    match kind {
        TermKind::Atom(name) => atom(name),
        TermKind::Text(text) if text.is_empty() => "[]".to_owned(),
        TermKind::Text(text) if is_text(text) => string(text),
        TermKind::Text(text) => format!("[{}]", numbers(text)),
        TermKind::Binary(text) if text.is_empty() => "<<>>".to_owned(),
        TermKind::Binary(text) if is_text(text) => format!("<<{}>>", string(text)),
        TermKind::Binary(text) => format!("<<{}>>", numbers(text)),
        TermKind::Number(text) => text.clone(),
        TermKind::List(terms) => format!("[{}]", all(terms)),
        TermKind::Tuple(terms) => format!("{{{}}}", all(terms)),
        TermKind::Map(pairs) => {
            let pair = |(key, value): &(Term, Term)| {
                format!("{} => {}", shown(&key.kind), shown(&value.kind))
            };
            let pairs: Vec<String> = pairs.iter().map(pair).collect();
            format!("#{{{}}}", pairs.join(","))
        }
    }
}

fn atom(name: &str) -> String {
    let is_plain = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '@');
    match is_plain {
        true => name.to_owned(),
        false => format!("'{}'", name.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

fn named(setting: &str) -> Option<bool> {
    let found = NAMES.iter().find(|(name, _)| *name == setting);
    found.map(|(_, binary)| *binary)
}

fn element(name: &str, binary: bool) -> String {
    match binary {
        true => format!("<<{}>>", string(name)),
        false => atom(name),
    }
}

fn list(nodes: &BTreeMap<String, Node>, depth: usize) -> String {
    let indent = " ".repeat(depth + 1);
    let node = |(name, node): (&String, &Node)| match (node, named(name)) {
        (Node::Leaf(_), Some(_)) => format!("{{{},[]}}", atom(name)),
        (Node::Branch(more), Some(binary)) => {
            let names: Vec<String> = more.keys().map(|name| element(name, binary)).collect();
            format!("{{{},[{}]}}", atom(name), names.join(","))
        }
        (Node::Leaf(value), None) => format!("{{{},{value}}}", atom(name)),
        (Node::Branch(more), None) => {
            let below = " ".repeat(depth + 5);
            format!("{{{},\n{below}{}}}", atom(name), list(more, depth + 5))
        }
    };
    let all: Vec<String> = nodes.iter().map(node).collect();
    format!("[{}]", all.join(&format!(",\n{indent}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_terms() {
        let row = |name: &str, value: &str| Row {
            name: name.to_owned(),
            value: value.to_owned(),
            origin: "default".to_owned(),
        };
        let rows = [
            row("heartbeat", "60"),
            row("default_vhost", "/"),
            row("connection_max", "infinity"),
            row("listeners.tcp.default", "5672"),
            row("loopback_users.guest", "true"),
            row("default_user_tags", "none"),
            row("management.tcp.port", "15672"),
            row("RABBITMQ_NODENAME", "x"),
        ];
        let want = r#"[{rabbit,
     [{connection_max,infinity},
      {default_user_tags,[]},
      {default_vhost,"/"},
      {heartbeat,60},
      {listeners,
          [{tcp,
               [{default,5672}]}]},
      {loopback_users,[<<"guest">>]}]},
 {rabbitmq_management,
     [{tcp,
          [{port,15672}]}]}]
"#;
        assert_eq!(text(&rows), want);
        let text = text(&super::super::effective::rows(
            &super::super::Loaded::default(),
        ));
        super::super::term::parse(std::path::Path::new("x"), format!("{text}.")).unwrap();
    }
}
