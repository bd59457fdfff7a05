//! Every family of the recorded answers, on a broker with clients at work: the same status, keys
//! and kinds of values, and the same values where they do not depend on machine or traffic.

use leveret_proto::method::Method;
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

/// Items of the same object; what has no name is itself, or just the next. Pairs go by their
/// other end.
fn identity(item: &Value) -> String {
    let ends = ["queue", "exchange", "channel_details"];
    match item {
        Value::Object(fields) if fields.contains_key("stats") => {
            let end = ends.iter().find_map(|end| fields.get(*end));
            end.map(identity).unwrap_or_default()
        }
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

/// What is recorded without a client of ours: the client that is closed is told so.
#[test]
fn connections_are_closed_with_a_reason() {
    let mut live = Live::start();
    let (name, _) = live.names.iter().find(|it| it.1 == "{exclusive}").unwrap();
    let path = format!(
        "/api/connections/{}",
        name.replace(' ', "%20").replace('>', "%3E")
    );
    let close = |live: &Live, user: &str, path: &str, reason: &str| {
        let login = super::api::login(user, user);
        let headers = [("authorization", login.as_str()), ("x-reason", reason)];
        live.api.call("DELETE", path, &headers, b"").status
    };
    assert_eq!(close(&live, "u-management", &path, "because"), 401);
    assert_eq!(close(&live, "guest", &path, "because"), 204);
    let told = |method| match method {
        Method::ConnectionClose(close) => (close.reply_code, close.reply_text.as_str().to_owned()),
        other => panic!("{other:?}"),
    };
    let forced = |reason: &str| (320, format!("CONNECTION_FORCED - {reason}"));
    assert_eq!(told(live.told("{exclusive}")), forced("because"));
    let of_user = "/api/connections/username/u-management";
    let (_, listed) = live.api.request("guest", "GET", of_user, &Value::Null);
    let keys = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(&listed[0]), ["name", "node", "user", "vhost"]);
    assert_eq!(close(&live, "guest", of_user, "all of them"), 204);
    assert_eq!(told(live.told("{app-tx}")), forced("all of them"));
    assert_eq!(close(&live, "guest", of_user, "all of them"), 204);
}

/// The recorded answer is an empty one: what counts is that nothing else is forgotten.
#[test]
fn reset_forgets_statistics_only() {
    let live = Live::start();
    let request = |method: &str, path: &str| live.api.request("guest", method, path, &Value::Null);
    let ranges = "msg_rates_age=60&msg_rates_incr=5&lengths_age=60&lengths_incr=5";
    let queue = format!("/api/queues/%2F/q.classic?{ranges}");
    let (_, before) = request("GET", &queue);
    assert!(before["message_stats"]["publish_details"]["rate"].as_f64() > Some(0.0));
    assert_eq!(request("DELETE", "/api/reset"), (204, Value::Null));
    let (_, after) = request("GET", &queue);
    let (published, details) = (
        &after["message_stats"]["publish"],
        &after["message_stats"]["publish_details"],
    );
    assert_eq!(published, &before["message_stats"]["publish"]);
    assert_eq!(details["rate"], 0.0);
    let samples = details["samples"].as_array().unwrap();
    assert!(samples.iter().all(|it| it["sample"] == *published));
    let node = "/api/reset/rabbit@localhost";
    assert_eq!(request("DELETE", node), (204, Value::Null));
    assert_eq!(request("DELETE", "/api/reset/rabbit@nowhere").0, 404);
}

#[test]
fn pairs_of_channel_exchange_and_queue_are_counted() {
    let live = Live::start();
    let get = |path: &str| {
        let (status, answer) = live.api.request("guest", "GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}");
        named(&live, answer)
    };
    let queue = get("/api/queues/%2F/q.classic");
    assert_eq!(queue["incoming"][0]["exchange"]["name"], "ex.direct");
    assert_eq!(queue["incoming"][0]["stats"]["publish"], 6);
    let delivery = &queue["deliveries"][0];
    assert_eq!(
        (
            &delivery["channel_details"]["name"],
            &delivery["stats"]["deliver_get"]
        ),
        (&Value::from("{app-consumer} (1)"), &Value::from(6))
    );
    let exchange = get("/api/exchanges/%2F/ex.direct");
    let outgoing = exchange["outgoing"].as_array().unwrap();
    let to = outgoing
        .iter()
        .find(|it| it["queue"]["name"] == "q.classic");
    assert_eq!(to.unwrap()["stats"]["publish"], 6);
    let from = &exchange["incoming"][0];
    assert_eq!(from["channel_details"]["name"], "{app-publisher} (1)");
    assert_eq!(
        (&from["stats"]["publish"], &from["stats"]["confirm"]),
        (&Value::from(6), &Value::from(6))
    );
    assert_eq!(get("/api/overview")["rates_mode"], "detailed");
}

#[test]
fn what_does_nothing_tells_since_when() {
    let live = Live::start();
    let get = |path: &str| live.api.request("guest", "GET", path, &Value::Null).1;
    let busy = get("/api/queues/%2F/q.idle");
    let later = serde_json::json!({ "vhost": "/", "advance_ms": 1500 });
    let (status, _) = live.api.request("guest", "POST", "/dev/clock", &later);
    assert_eq!(status, 204);
    let idle = get("/api/queues/%2F/q.idle");
    assert!(busy.get("idle_since").is_none() && idle["idle_since"].is_string());
    let quorum = get("/api/queues/%2F/q.quorum");
    assert!(quorum.get("idle_since").is_none(), "as on RabbitMQ");
    assert!(get("/api/channels")[0]["idle_since"].is_string());
    let listed = get("/api/queues");
    let told = listed.as_array().unwrap().iter();
    assert_eq!(told.filter(|it| it.get("idle_since").is_some()).count(), 0);
}

families! {
    overview nodes connections channels consumers exchanges queues_get_messages queues bindings
    health
}
