//! `name=value` words as the body and the path of a request.

use serde_json::{Map, Value, json};

use super::End;
use super::call::Call;
use super::things::Thing;
use crate::cli::http::segment;

impl Call<'_> {
    /// `name=value` words, checked against what a thing takes, as the body of a request.
    pub(super) fn arguments(
        &self,
        thing: &Thing,
        words: &[&str],
    ) -> Result<Map<String, Value>, End> {
        let mut body = Map::new();
        for (name, default) in thing.optional {
            if let Some(default) = default {
                body.insert((*name).to_owned(), value(thing, name, default)?);
            }
        }
        for word in words {
            let (name, given) = word.split_once('=').ok_or_else(|| {
                End::usage(format!("Argument \"{word}\" not in the name=value format"))
            })?;
            let is_mandatory = thing
                .mandatory
                .iter()
                .any(|one| one.split('|').any(|one| one == name));
            let is_optional = thing.optional.iter().any(|(one, _)| *one == name);
            if !is_mandatory && !is_optional {
                return Err(End::usage(format!("Argument \"{name}\" is not recognised")));
            }
            body.insert(name.to_owned(), value(thing, name, given)?);
        }
        for mandatory in thing.mandatory {
            if !mandatory.split('|').any(|name| body.contains_key(name)) {
                return Err(End::usage(missing(mandatory)));
            }
        }
        body.entry("vhost").or_insert_with(|| json!(self.vhost()));
        if let Some(kind) = body.get("queue_type").cloned()
            && let Some(Value::Object(arguments)) = body.get_mut("arguments")
        {
            arguments.insert("x-queue-type".to_owned(), kind);
        }
        Ok(body)
    }
}

fn missing(mandatory: &str) -> String {
    let either: Vec<String> = mandatory
        .split('|')
        .map(|name| format!("'{name}'"))
        .collect();
    match either.as_slice() {
        [_] => format!("mandatory argument \"{mandatory}\" is required"),
        several => {
            let names = several.join(", ");
            format!("one of mandatory arguments \"[{names}]\" is required")
        }
    }
}

fn value(thing: &Thing, name: &str, text: &str) -> Result<Value, End> {
    if !thing.json.contains(&name) {
        return Ok(json!(text));
    }
    serde_json::from_str(text).map_err(|_| End {
        text: format!("ERROR: Could not parse JSON:\n  {text}\n"),
        exit: 1,
    })
}

/// The path with its `{argument}`s filled in.
pub(super) fn path(thing: &Thing, body: &Map<String, Value>) -> String {
    let fill = |part: &str| match part
        .strip_prefix('{')
        .and_then(|part| part.strip_suffix('}'))
    {
        None => part.to_owned(),
        Some("destination_char") => {
            let kind = body.get("destination_type").and_then(Value::as_str);
            kind.and_then(|kind| kind.chars().next())
                .map(String::from)
                .unwrap_or_default()
        }
        Some(name) => segment(body.get(name).and_then(Value::as_str).unwrap_or_default()),
    };
    thing
        .path
        .split('/')
        .map(fill)
        .collect::<Vec<_>>()
        .join("/")
}

#[cfg(test)]
mod tests {
    use super::super::options::Given;
    use super::super::things::DECLARED;
    use super::*;

    fn call(line: &str) -> Given {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        Given::parse(&words).unwrap()
    }

    fn declared(line: &str) -> Result<(String, Value), String> {
        let given = call(line);
        let call = Call::new(&given).unwrap();
        let words: Vec<&str> = given.words.iter().map(String::as_str).collect();
        let thing = DECLARED
            .iter()
            .find(|thing| thing.name == words[1])
            .unwrap();
        let body = call.arguments(thing, &words[2..]).map_err(|end| end.text)?;
        Ok((path(thing, &body), Value::Object(body)))
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        let (path, body) = declared("declare queue name=a/b queue_type=stream").unwrap();
        let want = json!({
            "name": "a/b", "vhost": "/", "auto_delete": "false", "durable": "true",
            "queue_type": "stream", "arguments": { "x-queue-type": "stream" },
        });
        assert_eq!((path.as_str(), body), ("queues/%2F/a%2Fb", want));
        let (path, _) =
            declared("-V v declare binding source=s destination=d destination_type=exchange")
                .unwrap();
        assert_eq!(path, "bindings/v/e/s/e/d");
    }

    #[test]
    fn what_is_wrong_is_told() {
        let complaint = declared("declare queue durable=true").unwrap_err();
        assert!(complaint.contains("ERROR: mandatory argument \"name\" is required"));
        let complaint = declared("declare queue name=q arguments={").unwrap_err();
        assert_eq!(complaint, "ERROR: Could not parse JSON:\n  {\n");
    }
}
