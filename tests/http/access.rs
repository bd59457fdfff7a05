//! Who may do what, by tag and permission: every request by every kind of user.
//!
//! The numbers of queues and bindings are the recorded ones without two exclusive queues, which
//! went with their connections; lists of connections are left out.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::api::{Api, Reply, login};

/// A request, and what became of it by who made it.
#[derive(Debug, Deserialize)]
struct Record {
    method: String,
    path: String,
    #[serde(default)]
    request: Value,
    status: BTreeMap<String, u16>,
    reason: BTreeMap<String, Value>,
    #[serde(default)]
    items: BTreeMap<String, usize>,
}

/// Requests that are answered in another way, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "/api/connections/{connection name}",
        "no client is connected",
    ),
    (
        "/api/channels/{connection name}%20%281%29",
        "no client is connected",
    ),
    (
        "/api/connections/no%20such",
        "who may not see it gets 401, not 500",
    ),
    ("/api/health/checks/port-listener/5672", "another port"),
    (
        "/api/health/checks/node-is-quorum-critical",
        "as in its own recording",
    ),
    ("/api/extensions", "other pages"),
    ("/api/feature-flags", "other flags"),
    ("/api/queues/detailed", "not there"),
    ("/api/queues/quorum/%2F/q.quorum/status", "not there"),
    ("/api/queues/%2F/acc.q/actions", "not there"),
    ("/api/parameters", "there are no shovels"),
    ("/api/parameters/shovel", "there are no shovels"),
    ("/api/parameters/shovel/%2F", "there are no shovels"),
    ("/api/parameters/shovel/%2F/sh1", "there are no shovels"),
    ("/api/parameters/shovel/%2F/acc", "there are no shovels"),
    ("/api/shovels", "there are no shovels"),
    ("/api/shovels/%2F", "there are no shovels"),
];

fn ask(api: &Api, caller: &str, record: &Record) -> Reply {
    let login = login(caller, caller);
    let mut headers = vec![("content-type", "application/json")];
    if caller != "nobody" {
        headers.push(("authorization", login.as_str()));
    }
    let body = match &record.request {
        Value::Null => String::new(),
        request => request.to_string(),
    };
    api.call(&record.method, &record.path, &headers, body.as_bytes())
}

#[test]
fn tags_decide_who_may_do_what() {
    let api = Api::populated();
    api.prepare(include_str!("golden/topology.json"));
    let records: Vec<Record> = serde_json::from_str(include_str!("golden/access.json")).unwrap();
    let mut wrong = String::new();
    let is_same = |it: &&Record| DIFFERENT.iter().all(|(path, _)| *path != it.path);
    for record in records.iter().filter(is_same) {
        for caller in [
            "nobody",
            "u-none",
            "u-management",
            "u-policymaker",
            "u-monitoring",
            "u-administrator",
            "u-impersonator",
        ] {
            let reply = ask(&api, caller, record);
            let body = reply.json();
            let reason = body.get("reason");
            let items = body.as_array().map(Vec::len);
            let told = (reply.status, reason, record.items.get(caller).and(items));
            let reason = record.reason.get(caller);
            let want = (
                record.status[caller],
                reason,
                record.items.get(caller).copied(),
            );
            if told != want {
                wrong += &format!(
                    "{caller}: {} {}: {told:?}, not {want:?}\n",
                    record.method, record.path
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

/// As 4.0.5 and 4.3.6 answer: over HTTP, too, it is AMQP that refuses.
#[test]
fn publishing_needs_permissions_for_the_exchange_and_the_topic() {
    let api = Api::start();
    let put = |path: &str, body: Value| {
        let (status, _) = api.request("guest", "PUT", path, &body);
        assert!(status < 300, "{path}: {status}");
    };
    let permit = |write: &str| {
        let all = json!({ "configure": "", "write": write, "read": "" });
        put("/api/permissions/%2F/u", all);
    };
    let publish = |key: &str| {
        let message = json!({
            "properties": {}, "routing_key": key, "payload": "x", "payload_encoding": "string"
        });
        api.request(
            "u",
            "POST",
            "/api/exchanges/%2F/amq.topic/publish",
            &message,
        )
    };
    let refused = |what: &str| {
        let reason = format!("403 ACCESS_REFUSED - write access to {what} refused for user 'u'");
        (400, json!({ "error": "bad_request", "reason": reason }))
    };
    put(
        "/api/users/u",
        json!({ "password": "u", "tags": "management" }),
    );
    permit("^x");
    assert_eq!(publish("k.a"), refused("exchange 'amq.topic' in vhost '/'"));
    permit(".*");
    let sent = (200, json!({ "routed": false }));
    assert_eq!(publish("k.a"), sent);
    let topics = json!({ "exchange": "amq.topic", "write": "^z", "read": "" });
    put("/api/topic-permissions/%2F/u", topics);
    assert_eq!(
        publish("k.a"),
        refused("topic 'k.a' in exchange 'amq.topic' in vhost '/'")
    );
    assert_eq!(publish("z"), sent);
}
