//! Every family of the recorded answers, on a broker with clients at work: the same status, keys
//! and kinds of values, and the same values where they do not depend on machine or traffic.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::known::{KNOWN, varies};
use super::live::Live;

/// A request, and what became of it.
#[derive(Debug, Deserialize)]
struct Record {
    method: String,
    path: String,
    user: String,
    #[serde(default)]
    request: Value,
    status: u16,
    location: Option<String>,
    #[serde(default)]
    answer: Value,
}

/// What tells the items of a list apart.
const IDENTITY: [&str; 11] = [
    "name",
    "vhost",
    "user",
    "source",
    "destination",
    "destination_type",
    "properties_key",
    "consumer_tag",
    "protocol",
    "javascript",
    "number",
];

#[track_caller]
fn replay(golden: &str) {
    let live = Live::start();
    let records: Vec<Record> = serde_json::from_str(golden).unwrap();
    let wrong: String = records.iter().map(|record| check(&live, record)).collect();
    assert!(wrong.is_empty(), "{wrong}");
}

fn check(live: &Live, record: &Record) -> String {
    let mut path = record.path.clone();
    for (name, role) in &live.names {
        path = path.replace(role, &name.replace(' ', "%20").replace('>', "%3E"));
    }
    let login = super::api::login(&record.user, &record.user);
    let headers = [
        ("authorization", login.as_str()),
        ("content-type", "application/json"),
    ];
    let body = match &record.request {
        Value::Null => String::new(),
        request => request.to_string(),
    };
    let reply = live
        .api
        .call(&record.method, &path, &headers, body.as_bytes());
    let mut found = Vec::new();
    // Where RabbitMQ fails over a value, it is refused.
    let is_refused = record.status == 500 && (400..500).contains(&reply.status);
    if reply.status != record.status && !is_refused {
        found.push(format!("status: {}, not {}", reply.status, record.status));
    }
    let location = reply.header("location");
    if location != record.location.as_deref() {
        found.push(format!("location: {location:?}, not {:?}", record.location));
    }
    if !is_refused {
        let got = named(live, reply.json());
        differences(&got, &record.answer, "", &mut found);
    }
    let request = format!("{} {}", record.method, record.path);
    found.retain(|it| !KNOWN.iter().any(|known| known.is(&request, it)));
    found.dedup();
    match found.is_empty() {
        true => String::new(),
        false => format!("\n{request} {body}\n  {}", found.join("\n  ")),
    }
}

/// With the names of clients as the golden files have them.
fn named(live: &Live, answer: Value) -> Value {
    match answer {
        Value::String(text) => {
            let named = live.names.iter();
            Value::String(named.fold(text, |text, (name, role)| text.replace(name, role)))
        }
        Value::Array(items) => items.into_iter().map(|item| named(live, item)).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(
                fields
                    .map(|(key, value)| (key, named(live, value)))
                    .collect(),
            )
        }
        other => other,
    }
}

pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Rates have tests of their own.
pub(super) fn is_statistic(key: &str) -> bool {
    let details = [
        "channel_details",
        "connection_details",
        "owner_pid_details",
        "consumer_details",
    ];
    let is_rate = key.ends_with("_details") && !details.contains(&key);
    is_rate
        || [
            "message_stats",
            "garbage_collection",
            "applications",
            "desc",
        ]
        .contains(&key)
}

fn differences(got: &Value, want: &Value, place: &str, found: &mut Vec<String>) {
    match (got, want) {
        (Value::Object(got), Value::Object(want)) => fields(got, want, place, found),
        (Value::Array(got), Value::Array(want)) => items(got, want, place, found),
        (Value::Number(got), Value::Number(want)) if got.as_f64() == want.as_f64() => {}
        (got, want) if got == want => {}
        (got, want) if kind(got) == kind(want) => {
            if !varies(place) {
                found.push(format!("{place}: {got}, not {want}"));
            }
        }
        (got, want) => found.push(format!("{place}: {} {got}, not {want}", kind(got))),
    }
}

fn fields(
    got: &Map<String, Value>,
    want: &Map<String, Value>,
    place: &str,
    found: &mut Vec<String>,
) {
    for (key, want) in want.iter().filter(|(key, _)| !is_statistic(key)) {
        match got.get(key) {
            Some(got) => differences(got, want, &format!("{place}.{key}"), found),
            None => found.push(format!("{place}.{key}: missing")),
        }
    }
    let more = got
        .keys()
        .filter(|key| !is_statistic(key) && !want.contains_key(*key));
    found.extend(more.map(|key| format!("{place}.{key}: too much")));
}

/// The recorded broker had shovels, and clients of theirs.
fn is_of_shovels(item: &Value) -> bool {
    item.get("name") == Some(&Value::from("q.shovel.src"))
}

fn items(got: &[Value], want: &[Value], place: &str, found: &mut Vec<String>) {
    let mut left: Vec<&Value> = got.iter().filter(|item| !is_of_shovels(item)).collect();
    let place = format!("{place}[]");
    for (at, want) in want
        .iter()
        .enumerate()
        .filter(|(_, item)| !is_of_shovels(item))
    {
        let same = |got: &&Value| identity(got) == identity(want);
        match left.iter().position(same) {
            Some(at) => differences(left.remove(at), want, &place, found),
            None => found.push(format!("{place}: {at} missing: {}", identity(want))),
        }
    }
    found.extend(
        left.iter()
            .map(|got| format!("{place}: too much: {}", identity(got))),
    );
}

/// Items of the same object; what has no name is itself, or just the next.
fn identity(item: &Value) -> String {
    match item {
        Value::Object(fields) => {
            let keys = IDENTITY.iter().filter_map(|key| fields.get(*key));
            keys.map(Value::to_string).collect::<Vec<_>>().join(" ")
        }
        Value::Number(_) => String::new(),
        other => other.to_string(),
    }
}

macro_rules! families {
    ($($family:ident)*) => {
        $(
            #[test]
            fn $family() {
                replay(include_str!(concat!("golden/", stringify!($family), ".json")));
            }
        )*
    };
}

families! {
    overview nodes connections channels consumers exchanges queues_get_messages queues bindings
    health
}
