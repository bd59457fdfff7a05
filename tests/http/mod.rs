//! The management API against what a real RabbitMQ 4.0.5 answered.
//!
//! Each file in `golden/` holds the requests of one family in the order in which they were made,
//! and the answers. `setup.json` brings a fresh broker to where the real one was.

use serde::Deserialize;
use serde_json::{Value, json};

use api::Api;
use compare::masked;

mod api;
mod client;
mod compare;
mod definitions;
mod dev;
mod rates;

/// A request, and what became of it.
#[derive(Debug, Deserialize)]
struct Record {
    method: String,
    path: String,
    user: String,
    #[serde(default)]
    request: Value,
    /// A body that is no JSON, with its type.
    raw: Option<(String, String)>,
    status: u16,
    #[serde(default)]
    answer: Value,
}

/// A request, and what became of it by who made it.
#[derive(Debug, Deserialize)]
struct AccessRecord {
    method: String,
    path: String,
    #[serde(default)]
    request: Value,
    status: std::collections::BTreeMap<String, u16>,
    reason: std::collections::BTreeMap<String, String>,
}

/// Makes the requests of a golden file; fails with every answer that is not the recorded one.
#[track_caller]
fn replay(golden: &str) {
    let api = Api::populated();
    let records: Vec<Record> = serde_json::from_str(golden).unwrap();
    let mut wrong = String::new();
    for record in &records {
        let (method, path) = (&record.method, &record.path);
        let got = match &record.raw {
            Some((kind, body)) => api.send(&record.user, method, path, kind, body),
            None => api.request(&record.user, method, path, &record.request),
        };
        let told = (masked(&got.1), masked(&record.answer));
        if got.0 != record.status || told.0 != told.1 {
            let (want, Record { request, .. }) = (record.status, record);
            wrong += &format!(
                "\n{method} {path} {request}\n got {} {}\nwant {want} {}\n",
                got.0, told.0, told.1
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn policies() {
    replay(include_str!("golden/policies.json"));
}

#[test]
fn parameters() {
    replay(include_str!("golden/parameters.json"));
}

#[test]
fn vhosts() {
    replay(include_str!("golden/vhosts.json"));
}

#[test]
fn users() {
    replay(include_str!("golden/users.json"));
}

#[test]
fn permissions() {
    replay(include_str!("golden/permissions.json"));
}

#[test]
fn tags_decide_who_may_do_what() {
    let api = Api::populated();
    let records: Vec<AccessRecord> =
        serde_json::from_str(include_str!("golden/access.json")).unwrap();
    let callers = [
        "u-none",
        "u-management",
        "u-policymaker",
        "u-monitoring",
        "u-administrator",
        "u-impersonator",
    ];
    let mut wrong = String::new();
    for record in &records {
        for caller in callers {
            let (method, path) = (&record.method, &record.path);
            let (status, answer) = api.request(caller, method, path, &record.request);
            let reason = answer.get("reason").and_then(Value::as_str);
            let want = record.reason.get(caller).map(String::as_str);
            if status != record.status[caller] || reason != want {
                let want = (record.status[caller], want);
                wrong += &format!("{caller}: {method} {path}: {status} {reason:?}, not {want:?}\n");
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_policy_shows_in_rows_and_a_full_queue_refuses() {
    let api = Api::populated();
    let send =
        |method: &str, path: &str, request: Value| api.request("guest", method, path, &request);
    send("PUT", "/api/queues/%2F/q.classic", json!({}));
    let (_, row) = send("GET", "/api/queues/%2F/q.classic", Value::Null);
    assert_eq!(row["durable"], json!(false), "as RabbitMQ takes it");
    assert_eq!(row["policy"], json!("p.queues"));
    assert_eq!(row["operator_policy"], json!("op.queues"));
    let merged =
        json!({ "max-length": 100_000, "max-length-bytes": 50_000_000, "message-ttl": 3_600_000 });
    assert_eq!(row["effective_policy_definition"], merged);
    let full = json!({ "pattern": "^q", "definition": { "max-length": 0, "overflow": "reject-publish" }, "priority": 2 });
    assert_eq!(send("PUT", "/api/policies/%2F/full", full).0, 201);
    let message = json!({ "routing_key": "q.classic", "payload": "a", "payload_encoding": "string", "properties": {} });
    let (status, answer) = send("POST", "/api/exchanges/%2F/amq.default/publish", message);
    let reason = json!("rejected Unable to publish message. Check queue limits.");
    assert_eq!((status, &answer["reason"]), (400, &reason));
}
