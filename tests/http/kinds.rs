//! Values of another kind than is expected: refused with a reason, as a real 4.3.6 refuses them (and
//! where that fails over them, too), and nothing is done.

use serde_json::{Value, json};

use super::Api;

/// What is asked, and the reason that RabbitMQ gives, where it gives one.
const WRONG: &[(&str, &str, &str, &str)] = &[
    ("PUT", "/api/queues/%2F/w", r#"{"node": 1}"#, ""),
    ("PUT", "/api/queues/%2F/w", r#"{"exclusive": "a"}"#, ""),
    (
        "PUT",
        "/api/queues/%2F/w",
        r#"{"durable": 1}"#,
        r#"["not_boolean",1]"#,
    ),
    ("PUT", "/api/queues/%2F/w", r#"{"arguments": "a"}"#, ""),
    ("PUT", "/api/exchanges/%2F/w", r#"{"type": {}}"#, ""),
    (
        "PUT",
        "/api/exchanges/%2F/w",
        r#"{"internal": []}"#,
        r#"["not_boolean",[]]"#,
    ),
    (
        "POST",
        "/api/bindings/%2F/e/amq.topic/q/q",
        r#"{"routing_key": 1}"#,
        "",
    ),
    (
        "POST",
        "/api/exchanges/%2F/amq.topic/publish",
        r#"{"routing_key": "a", "payload": "b", "payload_encoding": true, "properties": {}}"#,
        r#"["unsupported_encoding",true]"#,
    ),
    (
        "POST",
        "/api/exchanges/%2F/amq.topic/publish",
        r#"{"routing_key": "a", "payload": 1, "payload_encoding": "string", "properties": {}}"#,
        r#""payload_not_string""#,
    ),
    (
        "POST",
        "/api/queues/%2F/q/get",
        r#"{"count": 1, "ackmode": "ack_requeue_true", "encoding": 1}"#,
        r#""Unsupported encoding. Please use auto or base64.""#,
    ),
    (
        "POST",
        "/api/queues/%2F/q/get",
        r#"{"count": 1, "ackmode": [], "encoding": "auto"}"#,
        "",
    ),
    ("PUT", "/api/vhosts/w", r#"{"tags": 1}"#, ""),
    (
        "PUT",
        "/api/vhosts/w",
        r#"{"default_queue_type": [1]}"#,
        r#""[1] is not a valid default_queue_type value""#,
    ),
    (
        "PUT",
        "/api/vhosts/w",
        r#"{"default_queue_type": ""}"#,
        r#""default_queue_type must not be an empty string""#,
    ),
    ("PUT", "/api/users/w", r#"{"password": 1, "tags": ""}"#, ""),
    ("PUT", "/api/users/w", r#"{"password": "a", "tags": 1}"#, ""),
    (
        "PUT",
        "/api/users/w",
        r#"{"password_hash": {"a": 1}, "tags": ""}"#,
        r#"["not_base64",{"a":1}]"#,
    ),
    (
        "PUT",
        "/api/topic-permissions/%2F/guest",
        r#"{"exchange": 1.5, "write": "", "read": ""}"#,
        r#"["no_such_exchange",1.5]"#,
    ),
    ("POST", "/api/users/bulk-delete", r#"{"users": [1]}"#, ""),
    (
        "GET",
        "/api/vhosts?page=a",
        "",
        r#""Pagination parameters are invalid""#,
    ),
];

#[test]
fn are_refused_with_a_reason() {
    let api = Api::of("4.3", leveret::management::Cors::default());
    api.request("guest", "PUT", "/api/queues/%2F/q", &json!({}));
    let exported = || {
        api.request("guest", "GET", "/api/definitions", &Value::Null)
            .1
    };
    let before = exported();
    for (method, path, body, reason) in WRONG {
        let body = serde_json::from_str(body).unwrap_or_default();
        let (status, answer) = api.request("guest", method, path, &body);
        assert_eq!(status, 400, "{method} {path} {body}");
        let told = &answer["reason"];
        let expected = serde_json::from_str(reason).unwrap_or(told.clone());
        assert!(
            !told.is_null() && *told == expected,
            "{method} {path} {body}: {told}"
        );
    }
    assert_eq!(exported(), before);
}
