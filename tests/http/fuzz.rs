//! Requests that make no sense, many of them: an answer each, no failure, and nothing half done.

use serde_json::{Value, json};

use super::api::{Api, login};

/// Requests of one run.
const REQUESTS: usize = 800;

/// Paths and bodies to begin with.
const SEEDS: &[(&str, &str, &str)] = &[
    (
        "PUT",
        "/api/queues/%2F/q",
        r#"{"durable":true,"arguments":{"x-max-length":5,"x-queue-type":"quorum"}}"#,
    ),
    (
        "PUT",
        "/api/exchanges/%2F/x",
        r#"{"type":"topic","durable":true,"arguments":{"alternate-exchange":"a"}}"#,
    ),
    (
        "POST",
        "/api/bindings/%2F/e/amq.topic/q/q",
        r#"{"routing_key":"a.#","arguments":{"x":1}}"#,
    ),
    (
        "POST",
        "/api/exchanges/%2F/amq.topic/publish",
        r#"{"routing_key":"a","payload":"x","payload_encoding":"string","properties":{"headers":{"a":1},"priority":2}}"#,
    ),
    (
        "POST",
        "/api/queues/%2F/q/get",
        r#"{"count":1,"ackmode":"ack_requeue_true","encoding":"auto","truncate":5}"#,
    ),
    (
        "PUT",
        "/api/policies/%2F/p",
        r#"{"pattern":"^a","definition":{"max-length":1},"priority":0,"apply-to":"all"}"#,
    ),
    (
        "PUT",
        "/api/operator-policies/%2F/p",
        r#"{"pattern":"^a","definition":{"max-length":1}}"#,
    ),
    (
        "PUT",
        "/api/users/u",
        r#"{"password":"x","tags":"management"}"#,
    ),
    (
        "PUT",
        "/api/permissions/%2F/guest",
        r#"{"configure":".*","write":".*","read":".*"}"#,
    ),
    (
        "PUT",
        "/api/topic-permissions/%2F/guest",
        r#"{"exchange":"amq.topic","write":".*","read":".*"}"#,
    ),
    (
        "PUT",
        "/api/vhosts/v",
        r#"{"description":"d","tags":"a,b","default_queue_type":"classic","tracing":false}"#,
    ),
    (
        "PUT",
        "/api/parameters/vhost-limits/%2F/limits",
        r#"{"value":{"max-queues":50}}"#,
    ),
    (
        "PUT",
        "/api/global-parameters/g",
        r#"{"value":{"a":[1,2]}}"#,
    ),
    (
        "PUT",
        "/api/vhost-limits/%2F/max-queues",
        r#"{"value":100}"#,
    ),
    (
        "PUT",
        "/api/user-limits/guest/max-channels",
        r#"{"value":100}"#,
    ),
    (
        "POST",
        "/api/definitions",
        r#"{"queues":[{"name":"d","vhost":"/","durable":true,"auto_delete":false,"arguments":{}}]}"#,
    ),
    ("POST", "/api/users/bulk-delete", r#"{"users":["nobody"]}"#),
    ("PUT", "/api/cluster-name", r#"{"name":"c"}"#),
    ("POST", "/dev/clock", r#"{"advance_ms":1}"#),
    ("POST", "/dev/definitions/preview", r#"{"users":[]}"#),
    (
        "GET",
        "/api/queues?page=1&page_size=5&name=q&use_regex=true&sort=name&columns=name,a.b",
        "",
    ),
    ("GET", "/api/overview?lengths_age=60&lengths_incr=5", ""),
    ("GET", "/dev/queues/%2F/q/peek?offset=0&limit=5", ""),
    ("GET", "/api/health/checks/port-listener/5672", ""),
    ("DELETE", "/api/queues/%2F/q?if-empty=true", ""),
    ("DELETE", "/api/connections/x", ""),
];

const VALUES: &[&str] = &[
    "null",
    "true",
    "-1",
    "1e400",
    "18446744073709551616",
    "1.5",
    "\"\"",
    "\"x\"",
    "[]",
    "{}",
    "[[]]",
    "{\"a\":null}",
    "\"(\"",
    "\"\\u0000\"",
    "\"%\"",
    "\"amq.x\"",
    "[1,\"a\"]",
];

const PIECES: &[&str] = &[
    "%00",
    "%ff",
    "%",
    "..",
    "/",
    "//",
    "?",
    "&",
    "=",
    "%252F",
    "amq.default",
    "é",
    "x",
    "0",
    "-1",
];

fn mutated(random: &mut fastrand::Rng, text: &str, pieces: &[&str]) -> String {
    let mut text: Vec<char> = text.chars().collect();
    for _ in 0..random.usize(0..3) {
        let at = random.usize(0..=text.len());
        let end = text.len().min(at + random.usize(0..6));
        let piece = pieces[random.usize(..pieces.len())];
        text.splice(at..end, piece.chars());
    }
    // A head has no spaces and no lines.
    text.into_iter().filter(|it| !it.is_whitespace()).collect()
}

/// One value in the body becomes another; or the text itself is broken.
fn body(random: &mut fastrand::Rng, text: &str) -> String {
    let Ok(mut whole) = serde_json::from_str::<Value>(text) else {
        return String::new();
    };
    if random.u8(0..4) == 0 {
        return mutated(random, text, VALUES);
    }
    if let Some(object) = whole.as_object_mut() {
        let keys: Vec<String> = object.keys().cloned().collect();
        let key = keys[random.usize(..keys.len())].clone();
        let value = VALUES[random.usize(..VALUES.len())];
        match serde_json::from_str(value) {
            Ok(value) if random.bool() => drop(object.insert(key, value)),
            Ok(value) => object[&key] = json!({ "inner": value }),
            Err(_) => drop(object.remove(&key)),
        }
    }
    whole.to_string()
}

fn exported(api: &Api) -> Value {
    api.request("guest", "GET", "/api/definitions", &Value::Null)
        .1
}

/// The clock, statistics and messages are in no export: all else that is refused changes nothing.
#[test]
fn nonsense_is_refused_and_changes_nothing() {
    let api = Api::populated();
    let mut random = fastrand::Rng::with_seed(0x1e7e_2e70);
    let guest = login("guest", "guest");
    let headers = [
        ("authorization", guest.as_str()),
        ("content-type", "application/json"),
    ];
    let mut before = exported(&api);
    let (mut refused, mut wrong) = (0, String::new());
    for at in 0..REQUESTS {
        let (method, path, seed) = SEEDS[random.usize(..SEEDS.len())];
        let method = if random.u8(0..8) == 0 {
            "DELETE"
        } else {
            method
        };
        let path = if random.bool() {
            path.to_owned()
        } else {
            mutated(&mut random, path, PIECES)
        };
        // Who asks must stay, and the broker too.
        if path.contains("/users/guest")
            || path.contains("/permissions/%2F/guest")
            || path.contains("stop")
        {
            continue;
        }
        let body = body(&mut random, seed);
        let path = if path.starts_with('/') {
            path
        } else {
            format!("/{path}")
        };
        let reply = api.call(method, &path, &headers, body.as_bytes());
        let now = exported(&api);
        let is_refused = reply.status >= 400;
        refused += usize::from(is_refused);
        let is_failure = reply.status >= 500 && reply.status != 503;
        if is_failure || !now.is_object() || (is_refused && now != before) {
            wrong += &format!("{at}: {method} {path} {body}: {}\n", reply.status);
        }
        before = now;
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(refused > REQUESTS / 4, "{refused} were refused");
}
