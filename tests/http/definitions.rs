//! Definitions over HTTP.

use serde_json::{Value, json};

use super::Record;
use super::api::Api;
use super::compare::masked;

/// Where the fault is tells only this broker.
fn without_place(answer: &Value) -> Value {
    let mut answer = answer.clone();
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("at");
        answer.remove("detail");
    }
    masked(&answer)
}

/// The first record brings the broker to where the real one was: it is what that one exported.
#[test]
fn answers_are_those_of_rabbitmq() {
    let api = Api::start();
    let records: Vec<Record> =
        serde_json::from_str(include_str!("golden/definitions.json")).unwrap();
    let mut wrong = String::new();
    for record in &records {
        let (method, path, user) = (&record.method, &record.path, &record.user);
        let got = match &record.raw {
            Some((kind, body)) => api.send(user, method, path, kind, body),
            None => api.request(user, method, path, &record.request),
        };
        let told = (without_place(&got.1), without_place(&record.answer));
        // Where RabbitMQ fails without a word, there is more to read here.
        let is_told = record.status == 500 || told.0 == told.1;
        let want = if record.status == 500 {
            400
        } else {
            record.status
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
fn a_fault_is_told_with_its_place() {
    let api = Api::start();
    let queue = |arguments: Value| json!({ "name": "q", "vhost": "/", "arguments": arguments });
    let request = json!({ "queues": [queue(json!({})), { "name": "p", "vhost": "/",
        "arguments": { "x-max-length": -1 } }] });
    let (status, answer) = api.request("guest", "POST", "/api/definitions", &request);
    let reason = "precondition_failed: invalid arg 'x-max-length' for queue 'p' in vhost '/': \
                  {value_negative,-1}";
    let want = json!({ "error": "bad_request", "reason": reason,
        "at": "queues[1].arguments.x-max-length" });
    assert_eq!((status, answer), (400, want));
    let (status, _) = api.request("guest", "GET", "/api/queues/%2F/q", &Value::Null);
    assert_eq!(status, 404, "nothing is half applied");
}

#[test]
fn only_administrators_and_only_two_types_of_bodies() {
    let api = Api::populated();
    for user in ["u-management", "u-policymaker", "u-monitoring"] {
        for (method, path) in [
            ("GET", "/api/definitions"),
            ("GET", "/api/definitions/nosuch"),
            ("POST", "/api/definitions"),
            ("POST", "/api/definitions/%2F"),
            ("POST", "/dev/definitions/preview"),
        ] {
            let (status, answer) = api.request(user, method, path, &json!({}));
            let reason = answer["reason"].as_str();
            assert_eq!((status, reason), (401, Some("Not administrator user")));
        }
    }
    let status = |kind: &str, body: &str| {
        let path = "/api/definitions";
        api.send("guest", "POST", path, kind, body).0
    };
    assert_eq!(status("application/json; charset=utf-8", "{}"), 204);
    assert_eq!(status("application/json", ""), 204);
    assert_eq!(status("application/json", "{}{}"), 400);
    assert_eq!(status("application/x-www-form-urlencoded", "{}"), 415);
    assert_eq!(status("multipart/form-data", "{}"), 400);
    assert_eq!(status("multipart/form-data; boundary=x", "nonsense"), 400);
    let part = |name: &str, text: &str| {
        format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let kind = "multipart/form-data; boundary=x";
    let (file, redirect) = (part("file", "{}"), part("redirect", "../#/done"));
    assert_eq!(status(kind, &format!("{file}{redirect}--x--\r\n")), 303);
    assert_eq!(status(kind, &format!("{redirect}--x--\r\n")), 400);
}

#[test]
fn a_preview_tells_what_would_change_and_changes_nothing() {
    let api = Api::populated();
    let request = json!({
        "vhosts": [{ "name": "v2" }, { "name": "new" }],
        "queues": [
            { "name": "a", "vhost": "new" },
            { "name": "amq.b", "vhost": "new" },
        ],
        "policies": [{ "name": "p.v2", "vhost": "v2", "pattern": ".*", "apply-to": "all",
            "definition": { "expires": 86_400_000 }, "priority": 0 }],
    });
    let before = api.request("guest", "GET", "/api/definitions", &Value::Null);
    let path = "/dev/definitions/preview";
    let (status, told) = api.request("guest", "POST", path, &request);
    assert_eq!((status, &told["changes_anything"]), (200, &json!(true)));
    let of = |name: &str| {
        let all = told["sections"].as_array().unwrap();
        all.iter().find(|one| one["section"] == name).unwrap()
    };
    assert_eq!(of("vhosts")["added"], json!(["new"]));
    assert_eq!(of("vhosts")["changed"], json!(["v2"]));
    assert_eq!(of("policies")["unchanged"], json!(["p.v2 in v2"]));
    assert_eq!(of("queues")["added"], json!(["a in new"]));
    let why = "names that begin with amq. are reserved";
    let skipped = json!([{ "name": "amq.b in new", "at": "queues[1]", "why": why }]);
    assert_eq!(of("queues")["skipped"], skipped);
    assert_eq!(
        api.request("guest", "GET", "/api/definitions", &Value::Null),
        before
    );
    let nosuch = api.request(
        "guest",
        "POST",
        "/dev/definitions/preview?vhost=x",
        &json!({}),
    );
    assert_eq!(nosuch.0, 404);
}

#[test]
fn the_same_definitions_can_be_skipped() {
    let api = Api::start();
    let request = json!({ "queues": [{ "name": "q", "vhost": "/" }] });
    let import = |path: &str| api.request("guest", "POST", path, &request).0;
    let is_there = || {
        let path = "/api/queues/%2F/q";
        api.request("guest", "GET", path, &Value::Null).0 == 200
    };
    assert_eq!(import("/api/definitions?skip_if_unchanged=true"), 204);
    assert!(is_there());
    api.request("guest", "DELETE", "/api/queues/%2F/q", &Value::Null);
    assert_eq!(import("/api/definitions?skip_if_unchanged=true"), 204);
    assert!(!is_there(), "it was imported before");
    assert_eq!(import("/api/definitions"), 204);
    assert!(is_there());
}
