//! The management API against what a real RabbitMQ 4.0.5 answered.
//!
//! Each file in `golden/` holds the requests of one family in the order in which they were made,
//! and the answers. `setup.json` brings a fresh broker to where the real one was.

use serde::Deserialize;
use serde_json::{Value, json};

use api::Api;
use compare::masked;

mod access;
mod api;
mod client;
mod compare;
mod conventions;
mod definitions;
mod dev;
mod events;
mod families;
mod fuzz;
mod kinds;
mod known;
mod listing;
mod live;
mod metrics;
mod rates;
mod settings;
mod shapes;

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
        // Where RabbitMQ fails over a value, it is refused.
        let (want, is_told) = match record.status {
            500 => (400, true),
            status => (status, told.0 == told.1),
        };
        if got.0 != want || !is_told {
            let request = &record.request;
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
