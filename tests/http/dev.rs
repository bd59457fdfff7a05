//! `/dev/*`: what only this broker has.

use serde_json::{Value, json};

use super::api::Api;
use super::client::Client;
use crate::support::frames;

pub(super) const GET: Value = Value::Null;

/// Publish by way of the API, with these properties.
pub(super) fn publish(api: &Api, key: &str, payload: &str, properties: &Value) {
    let message = json!({
        "routing_key": key, "payload": payload, "payload_encoding": "string", "properties": properties,
    });
    let path = "/api/exchanges/%2F/amq.default/publish";
    let (status, answer) = api.request("guest", "POST", path, &message);
    assert_eq!((status, &answer["routed"]), (200, &json!(true)), "{answer}");
}

pub(super) fn declare(api: &Api, queue: &str, arguments: &Value) {
    let request = json!({ "durable": true, "arguments": arguments });
    let path = format!("/api/queues/%2F/{queue}");
    let (status, answer) = api.request("guest", "PUT", &path, &request);
    assert!([201, 204].contains(&status), "{answer}");
}

/// A user whose password is its name; with a permission, that is what it may configure, write and
/// read in the virtual host `/`.
pub(super) fn add_user(api: &Api, name: &str, tags: &str, permission: Option<[&str; 3]>) {
    let send = |path: String, request: Value| {
        let (status, answer) = api.request("guest", "PUT", &path, &request);
        assert_eq!(status, 201, "{answer}");
    };
    let user = json!({ "password": name, "tags": tags });
    send(format!("/api/users/{name}"), user);
    if let Some([configure, write, read]) = permission {
        let permission = json!({ "configure": configure, "write": write, "read": read });
        send(format!("/api/permissions/%2F/{name}"), permission);
    }
}

#[test]
fn peek_shows_a_message_whole() {
    let api = Api::start();
    declare(&api, "q", &json!({ "x-message-ttl": 60_000 }));
    let properties = json!({ "content_type": "text/plain", "headers": { "n": 1, "t": "x", "deep": { "b": true } } });
    publish(&api, "q", "a body", &properties);
    let path = "/dev/queues/%2F/q/peek?payload_bytes=3";
    let (status, answer) = api.request("guest", "GET", path, &GET);
    assert_eq!(status, 200, "{answer}");
    assert_eq!(
        answer["messages"],
        json!({ "ready": 1, "unacked": 0, "delayed": 0 })
    );
    let row = &answer["items"][0];
    let body = [
        "payload",
        "payload_encoding",
        "payload_bytes",
        "payload_truncated",
    ];
    let want = [json!("a b"), json!("string"), json!(6), json!(true)];
    assert_eq!(body.map(|key| row[key].clone()), want);
    assert_eq!(row["properties"], properties);
    assert_eq!(row["headers"]["n"]["value"], json!(1));
    assert_eq!(
        row["headers"]["t"],
        json!({ "type": "longstr", "value": "x" })
    );
    let deep = json!({ "type": "table", "value": { "b": { "type": "bool", "value": true } } });
    assert_eq!(row["headers"]["deep"], deep);
    let left = row["expires_in_ms"].as_u64().unwrap();
    assert!((1..=60_000).contains(&left), "{left}");
    assert_eq!((&row["state"], &row["seq"]), (&json!("ready"), &json!(1)));
}

#[test]
fn peek_shows_who_has_what_is_out() {
    let api = Api::start();
    declare(&api, "q", &json!({}));
    let mut client = Client::connect(&api);
    for body in ["a", "b", "c"] {
        publish(&api, "q", body, &json!({}));
    }
    client.call(&frames::get("q"), (60, 71));
    client.call(&frames::qos(1), (60, 11));
    client.call(&frames::consume("q", false), (60, 60));
    let peek = |query: &str| {
        let path = format!("/dev/queues/%2F/q/peek?{query}");
        let (status, answer) = api.request("guest", "GET", &path, &GET);
        assert_eq!(status, 200, "{answer}");
        answer["items"].as_array().unwrap().clone()
    };
    let told = |row: &Value| {
        let delivery = &row["delivery"];
        let place = [
            &row["payload"],
            &delivery["delivery_tag"],
            &delivery["consumer_tag"],
        ];
        place.map(Value::clone)
    };
    let out = peek("state=unacked");
    let got = [json!("a"), json!(1), Value::Null];
    let consumed = [json!("b"), json!(2), json!("c")];
    assert_eq!(
        out.iter().map(told).collect::<Vec<_>>(),
        [got, consumed.clone()]
    );
    assert_eq!(out[0]["delivery"]["channel"], json!(1));
    let second = peek("state=unacked&offset=1&limit=1");
    assert_eq!(second.iter().map(told).collect::<Vec<_>>(), [consumed]);
    let states = |rows: Vec<Value>| {
        rows.iter()
            .map(|row| row["state"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(states(peek("state=all")), ["ready", "unacked", "unacked"]);
    assert_eq!(states(peek("state=all&offset=1&limit=1")), ["unacked"]);
    assert_eq!(states(peek("")), ["ready"]);
}

#[test]
fn peek_says_what_it_does_not_take() {
    let api = Api::start();
    add_user(&api, "watcher", "monitoring", None);
    declare(&api, "peeked", &json!({}));
    let status = |user: &str, path: &str| api.request(user, "GET", path, &GET).0;
    assert_eq!(status("guest", "/dev/queues/%2F/nosuch/peek"), 404);
    assert_eq!(status("guest", "/dev/queues/nosuch/q/peek"), 404);
    assert_eq!(
        status("guest", "/dev/queues/%2F/peeked/peek?state=gone"),
        400
    );
    assert_eq!(
        status("guest", "/dev/queues/%2F/peeked/peek?limit=many"),
        400
    );
    assert_eq!(status("watcher", "/dev/queues/%2F/peeked/peek"), 401);
}

#[test]
fn messages_are_moved_and_dropped_by_hand() {
    let api = Api::start();
    for queue in ["from", "to"] {
        declare(&api, queue, &json!({}));
    }
    for body in ["a", "b", "c", "d"] {
        publish(&api, "from", body, &json!({}));
    }
    let send = |path: &str, request: Value| api.request("guest", "POST", path, &request);
    let path = "/dev/queues/%2F/from/move";
    let to = json!({ "queue": "to" });
    let copied = send(path, json!({ "to": to, "which": 1, "copy": true }));
    assert_eq!(copied, (200, json!({ "copied": 1, "stopped": null })));
    let moved = send(path, json!({ "to": to, "which": [3, 1] }));
    assert_eq!(moved, (200, json!({ "moved": 2, "stopped": null })));
    let nowhere = json!({ "exchange": "amq.direct", "routing_key": "none" });
    let stopped = send(path, json!({ "to": nowhere, "which": "all" }));
    assert_eq!(
        stopped,
        (200, json!({ "moved": 0, "stopped": "unroutable" }))
    );
    let gone = send("/dev/queues/%2F/from/discard", json!({ "seq": [2] }));
    assert_eq!(gone, (200, json!({ "discarded": 1 })));
    let shown = |queue: &str| {
        let path = format!("/dev/queues/%2F/{queue}/peek");
        let (_, answer) = api.request("guest", "GET", &path, &GET);
        let items = answer["items"].as_array().unwrap().clone();
        items
            .iter()
            .map(|row| row["payload"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (shown("from"), shown("to")),
        (
            vec!["d".to_owned()],
            vec!["a".to_owned(), "a".into(), "c".into()]
        )
    );
    assert_eq!(send(path, json!({ "to": to })).0, 400);
    assert_eq!(send(path, json!({ "which": "all" })).0, 400);
    assert_eq!(send(path, json!({ "to": {}, "which": "all" })).0, 400);
    assert_eq!(send(path, json!({ "to": to, "which": "some" })).0, 400);
    assert_eq!(
        send(path, json!({ "to": { "queue": "nosuch" }, "which": "all" })).0,
        404
    );
    add_user(&api, "reader", "management", Some(["", "", ".*"]));
    let order = json!({ "to": to, "which": "all" });
    assert_eq!(api.request("reader", "POST", path, &order).0, 401);
}

#[test]
fn what_waits_in_a_delayed_exchange_is_seen_and_let_go() {
    let api = Api::start();
    declare(&api, "q", &json!({}));
    let request =
        json!({ "type": "x-delayed-message", "arguments": { "x-delayed-type": "fanout" } });
    let path = "/api/exchanges/%2F/later";
    assert_eq!(api.request("guest", "PUT", path, &request).0, 201);
    let path = "/api/bindings/%2F/e/later/q/q";
    assert_eq!(api.request("guest", "POST", path, &json!({})).0, 201);
    for (payload, delay) in [("second", 900_000), ("first", 600_000), ("third", 990_000)] {
        let message = json!({
            "routing_key": "k", "payload": payload, "payload_encoding": "string",
            "properties": { "headers": { "x-delay": delay } },
        });
        let path = "/api/exchanges/%2F/later/publish";
        assert_eq!(api.request("guest", "POST", path, &message).0, 200);
    }
    add_user(&api, "reader", "management", Some(["", "", ".*"]));
    let path = "/dev/exchanges/%2F/later";
    let look = || {
        let path = format!("{path}/delayed?limit=2&payload_bytes=3");
        api.request("reader", "GET", &path, &GET).1
    };
    let seen = look();
    assert_eq!(seen["messages"], json!({ "delayed": 3 }));
    let first = &seen["items"][0];
    assert_eq!(
        (
            &first["payload"],
            &first["payload_truncated"],
            &first["seq"]
        ),
        (&json!("fir"), &json!(true), &json!(2))
    );
    assert_eq!(first["headers"]["x-delay"]["value"], json!(600_000));
    assert!(first["due_in_ms"].as_u64().unwrap() > 500_000, "{first}");
    assert_eq!(seen["items"].as_array().unwrap().len(), 2);
    for what in ["deliver", "discard"] {
        let path = format!("{path}/{what}");
        let order = json!({ "seq": "all" });
        assert_eq!(api.request("reader", "POST", &path, &order).0, 401);
        assert_eq!(api.request("guest", "POST", &path, &json!({})).0, 400);
    }
    let send = |what: &str, seq: Value| {
        let path = format!("{path}/{what}");
        api.request("guest", "POST", &path, &json!({ "seq": seq }))
    };
    assert_eq!(send("deliver", json!([1])), (200, json!({ "released": 1 })));
    assert_eq!(
        send("discard", json!([3])),
        (200, json!({ "discarded": 1 }))
    );
    assert_eq!(look()["messages"], json!({ "delayed": 1 }));
    assert_eq!(
        send("deliver", json!("all")),
        (200, json!({ "released": 1 }))
    );
    let (_, row) = api.request("guest", "GET", "/dev/queues/%2F/q/peek", &GET);
    let items = row["items"].as_array().unwrap().iter();
    let bodies: Vec<&str> = items.map(|it| it["payload"].as_str().unwrap()).collect();
    assert_eq!(bodies, ["second", "first"]);
    let nowhere = "/dev/exchanges/%2F/nosuch/delayed";
    assert_eq!(api.request("guest", "GET", nowhere, &GET).0, 404);
}

#[test]
fn a_publish_is_explained_without_being_made() {
    let api = Api::start();
    declare(
        &api,
        "q",
        &json!({ "x-max-length": 1, "x-overflow": "reject-publish" }),
    );
    let put = |path: &str, request: Value| {
        let (status, answer) = api.request("guest", "PUT", path, &request);
        assert_eq!(status, 201, "{answer}");
    };
    put("/api/exchanges/%2F/other", json!({ "type": "fanout" }));
    let spare = json!({ "type": "topic", "arguments": { "alternate-exchange": "other" } });
    put("/api/exchanges/%2F/x", spare);
    let bind = |exchange: &str, key: &str| {
        let path = format!("/api/bindings/%2F/e/{exchange}/q/q");
        let (status, answer) = api.request("guest", "POST", &path, &json!({ "routing_key": key }));
        assert_eq!(status, 201, "{answer}");
    };
    bind("x", "a.*");
    bind("x", "b.#");
    bind("other", "");
    add_user(&api, "reader", "management", Some(["", "", ".*"]));
    let explain = |key: &str, user: &str| {
        let request = json!({ "vhost": "/", "exchange": "x", "routing_key": key, "user": user });
        let (status, answer) = api.request("guest", "POST", "/dev/explain/publish", &request);
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let told = explain("a.b", "guest");
    let matched = &told["exchanges"][0]["bindings"];
    assert_eq!(matched.as_array().unwrap().len(), 1);
    assert_eq!(matched[0]["routing_key"], json!("a.*"));
    assert_eq!(
        (&told["key"], &told["queues"][0]["key"]),
        (&json!("routed"), &json!("waits"))
    );
    let told = explain("c", "guest");
    let first = &told["exchanges"][0];
    assert_eq!(
        (&first["key"], &first["alternate"]),
        (&json!("unmatched"), &json!("other"))
    );
    assert_eq!(told["exchanges"][1]["exchange"], json!("other"));
    let told = explain("a.b", "reader");
    assert_eq!(told["key"], json!("refused"));
    assert!(told["refused"].as_str().unwrap().contains("'x'"), "{told}");
    publish(&api, "q", "full", &json!({}));
    assert_eq!(
        explain("a.b", "guest")["queues"][0]["key"],
        json!("refused")
    );
    let (_, row) = api.request("guest", "GET", "/dev/queues/%2F/q/peek", &GET);
    assert_eq!(row["messages"]["ready"], json!(1), "nothing came of it");
    let unknown = json!({ "vhost": "/", "exchange": "nosuch", "routing_key": "" });
    assert_eq!(
        api.request("guest", "POST", "/dev/explain/publish", &unknown)
            .0,
        404
    );
}

#[test]
fn it_is_explained_why_nobody_consumes() {
    let api = Api::start();
    declare(&api, "q", &json!({}));
    let explain = || {
        let (status, answer) = api.request("guest", "GET", "/dev/explain/queue/%2F/q", &GET);
        assert_eq!(status, 200, "{answer}");
        answer
    };
    assert_eq!(explain()["reasons"][0]["key"], json!("nothing_waits"));
    publish(&api, "q", "a", &json!({}));
    assert_eq!(explain()["reasons"][0]["key"], json!("no_consumers"));
    let mut client = Client::connect(&api);
    client.call(&frames::qos(1), (60, 11));
    client.call(&frames::consume("q", false), (60, 60));
    publish(&api, "q", "b", &json!({}));
    let told = explain();
    assert_eq!(told["reasons"][0]["key"], json!("no_room"));
    let consumer = &told["consumers"][0];
    assert_eq!(
        (&consumer["key"], &consumer["in_flight"]),
        (&json!("prefetch"), &json!(1))
    );
}
