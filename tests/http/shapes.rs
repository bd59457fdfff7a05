//! Keys and kinds of values of the answers of each release line, against those of real ones.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::families::{is_statistic, kind};
use super::live::Live;

/// What one line answers.
#[derive(Debug, Deserialize)]
struct Answer {
    status: u16,
    /// Paths of keys, each with the kinds of its values, `|` between them.
    shape: BTreeMap<String, String>,
}

/// Differences that stay: beginning of the path in the API, part of the difference, why.
const KNOWN: &[(&str, &str, &str)] = &[
    (
        "/api",
        "idle_since missing",
        "nothing has been idle long enough here",
    ),
    (
        "/api/queues",
        "owner_pid_details",
        "lists tell the owner too: the command line shows it",
    ),
    (
        "/api/users/guest/queues",
        "owner_pid_details",
        "as in other lists",
    ),
    (
        "/api",
        ".protocol missing",
        "of the listener of a plugin that is part of the API here",
    ),
    (
        "/api/vhosts/{v}/deletion/protection",
        "status 405",
        "RabbitMQ fails over GET, or has no such path",
    ),
];

fn shape(value: &Value, place: &str, found: &mut BTreeMap<String, BTreeSet<&'static str>>) {
    let here = if place.is_empty() { "." } else { place };
    match value {
        Value::Object(fields) => {
            found.entry(here.to_owned()).or_default().insert("object");
            for (key, value) in fields.iter().filter(|(key, _)| !is_left_out(key)) {
                let is_number = !key.is_empty() && key.bytes().all(|it| it.is_ascii_digit());
                let key = if is_number { "<number>" } else { key };
                shape(value, &format!("{place}.{key}"), found);
            }
        }
        Value::Array(items) => {
            found.entry(here.to_owned()).or_default().insert("array");
            for item in items {
                shape(item, &format!("{place}[]"), found);
            }
        }
        other => drop(
            found
                .entry(place.to_owned())
                .or_default()
                .insert(kind(other)),
        ),
    }
}

fn is_left_out(key: &str) -> bool {
    is_statistic(key) || ["backing_queue_status", "client_properties", "stats"].contains(&key)
}

fn check(live: &Live, path: &str, want: &Answer) -> Vec<String> {
    let (name, _) = &live.names[0];
    let name = name.replace(' ', "%20").replace('>', "%3E");
    let asked = path
        .replace("{v}", "shapes")
        .replace("{node}", "rabbit@localhost")
        .replace("{chn}", &format!("{name}%20(2)"))
        .replace("{cn}", &name);
    let (status, answer) = live.api.request("guest", "GET", &asked, &Value::Null);
    if status != want.status {
        return vec![format!("status {status}, not {}", want.status)];
    }
    let mut got = BTreeMap::new();
    if status < 300 {
        shape(&answer, "", &mut got);
    }
    let is_open = |place: &str| {
        // What has no items here can have none of their keys.
        let list = place.rsplit_once("[]").map(|(list, _)| format!("{list}[]"));
        list.is_some_and(|list| !got.contains_key(&list))
    };
    let missing = want.shape.keys();
    let missing = missing.filter(|key| !got.contains_key(*key) && !is_open(key));
    let mut found: Vec<_> = missing.map(|key| format!("{key} missing")).collect();
    for (key, kinds) in &got {
        let Some(allowed) = want.shape.get(key) else {
            found.push(format!("{key} too much"));
            continue;
        };
        let wrong = kinds
            .iter()
            .find(|it| !allowed.split('|').any(|one| one == **it));
        found.extend(wrong.map(|it| format!("{key} {it}, not {allowed}")));
    }
    found
}

#[track_caller]
fn compare(line: &'static str) {
    let live = Live::of(line);
    let all: BTreeMap<String, BTreeMap<String, Answer>> =
        serde_json::from_str(include_str!("golden/shapes.json")).unwrap();
    let mut wrong = String::new();
    for (path, lines) in &all {
        let mut found = check(&live, path, &lines[line]);
        found.retain(|it| {
            let is =
                |(at, part, _): &&(&str, &str, &str)| path.starts_with(at) && it.contains(part);
            !KNOWN.iter().any(|known| is(&known))
        });
        for it in found {
            wrong += &format!("\n{path}: {it}");
        }
    }
    assert!(wrong.is_empty(), "{line}{wrong}");
}

#[test]
fn line_3_10() {
    compare("3.10");
}

#[test]
fn line_4_0() {
    compare("4.0");
}

#[test]
fn line_4_3() {
    compare("4.3");
}
