//! What settings files change of the management API and of metrics, as RabbitMQ 4.3.6 does.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use leveret::broker::compat::Compat;
use leveret::broker::credentials::{CredentialValidator, Rule};
use leveret::broker::settings::Settings;
use leveret::broker::user::User;
use leveret::config::check_text;
use leveret::management::{self, Cors};
use leveret::server::Server;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::api::{Api, login};

#[test]
fn a_password_that_will_not_do_is_refused() {
    let settings = Settings {
        credentials: CredentialValidator {
            rule: Rule::Length,
            min_length: Some(5),
            regexp: None,
        },
        ..Settings::default()
    };
    let api = Api::chosen("4.3", Cors::default(), settings);
    let put = |path: &str, method: &str, body: &Value| api.request("guest", method, path, body);
    let user = |password: &str| json!({ "password": password, "tags": "" });
    let refused = json!({ "error": "bad_request", "reason": "credential_validation_failed" });
    for password in ["", "abcd"] {
        let got = put("/api/users/bob", "PUT", &user(password));
        assert_eq!(got, (400, refused.clone()));
        let users = json!({ "users": [{ "name": "x", "password": password, "tags": "" }] });
        let (status, answer) = put("/api/definitions", "POST", &users);
        assert_eq!((status, &answer["reason"]), (400, &refused["reason"]));
    }
    assert_eq!(put("/api/users/bob", "PUT", &user("abcde")).0, 201);
    let hash = json!({ "password_hash": "", "tags": "" });
    assert_eq!(put("/api/users/eve", "PUT", &hash).0, 201);
}

/// An API as `rabbitmq.conf` wants it, and its broker.
fn configured(conf: &str) -> (Server, management::Api) {
    let loaded = check_text(Path::new("rabbitmq.conf"), conf.to_owned()).unwrap();
    let settings = loaded.config.broker.clone();
    let compat = Compat::named("4.3", false).unwrap();
    let server = Server::builder()
        .compat(compat)
        .settings(settings)
        .start()
        .unwrap();
    let api = management::Api::new(Arc::clone(server.shared()), "token", Vec::new());
    (server, api.with_settings(Arc::new(loaded)))
}

/// What comes back to a request of guest's, with what stands between its path and its body.
async fn asked(api: &management::Api, line: &str, more: &str) -> String {
    let (mut client, theirs) = tokio::io::duplex(64 * 1024);
    let peer = "127.0.0.1:5".parse().unwrap();
    tokio::spawn(management::serve_stream(theirs, peer, api.clone()));
    let login = login("guest", "guest");
    let head = format!(
        "{line} HTTP/1.1\r\nhost: a\r\nauthorization: {login}\r\nconnection: close\r\n{more}"
    );
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn settings_say_what_answers_have_and_requests_may() {
    let (_server, api) = configured(
        "management.hsts.policy = max-age=5\nmanagement.csp.policy = script-src x\n\
         management.headers.frame_options = DENY\nmanagement.http.max_body_size = 10\n\
         management.restrictions.operator_policy_changes.disabled = true\n\
         cluster_tags.region = eu\nnode_tags.zone = a\n",
    );
    let overview = asked(&api, "GET /api/overview", "\r\n").await;
    for line in [
        "strict-transport-security: max-age=5\r\n",
        "content-security-policy: script-src x\r\n",
        "x-frame-options: DENY\r\n",
        r#""cluster_tags":{"region":"eu"}"#,
        r#""node_tags":{"zone":"a"}"#,
        r#""is_op_policy_updating_enabled":false"#,
    ] {
        assert!(overview.contains(line), "{line} is not in {overview}");
    }
    let parameters = asked(&api, "GET /api/global-parameters", "\r\n").await;
    assert!(parameters.contains(r#"{"name":"cluster_tags","value":{"region":"eu"}}"#));
    let long = "content-length: 11\r\n\r\n           ";
    let refused = asked(&api, "PUT /api/queues/%2F/q", long).await;
    assert!(
        refused.ends_with(r#""reason":"Exceeded HTTP request body size limit"}"#),
        "{refused}"
    );
    let locked = r#"{"error":"method_not_allowed","reason":"Broker settings disallow editing of operator policies."}"#;
    for line in [
        "GET /api/operator-policies/%2F/p",
        "DELETE /api/operator-policies/%2F/p",
    ] {
        let refused = asked(&api, line, "\r\n").await;
        assert!(
            refused.starts_with("HTTP/1.1 405 ") && refused.ends_with(locked),
            "{refused}"
        );
    }
    let listed = asked(&api, "GET /api/operator-policies", "\r\n").await;
    assert!(listed.starts_with("HTTP/1.1 200 "), "{listed}");
}

#[tokio::test]
async fn metrics_have_their_own_path_and_objects_where_that_is_set() {
    let (_server, api) =
        configured("prometheus.path = /hare\nprometheus.return_per_object_metrics = true\n");
    let declared = asked(
        &api,
        "PUT /api/queues/%2F/q",
        "content-length: 16\r\n\r\n{\"durable\":true}",
    )
    .await;
    assert!(declared.starts_with("HTTP/1.1 201 "), "{declared}");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = management::serve_metrics(listener, None, api, std::future::pending());
    tokio::spawn(serving);
    for (path, status, want) in [
        (
            "/hare",
            200,
            "rabbitmq_queue_messages_ready{vhost=\"/\",queue=\"q\"} 0",
        ),
        ("/hare/per-object", 200, "rabbitmq_endpoint=\"per-object\""),
        ("/metrics", 404, "Object Not Found"),
        ("/", 404, "Object Not Found"),
    ] {
        let answer = metrics(address, path, "").await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{path}: {answer}"
        );
        assert!(answer.contains(want), "{path}: {answer}");
    }
}

/// What comes back from the port of metrics.
async fn metrics(address: SocketAddr, path: &str, more: &str) -> String {
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\n{more}connection: close\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn metrics_may_be_for_monitors_only() {
    let (server, api) = configured("prometheus.authentication.enabled = true\n");
    let hash = server.shared().broker.hash("plain");
    let plain = User::new("plain".into(), hash, vec!["management".to_owned()]);
    server
        .shared()
        .broker
        .users
        .insert("plain".into(), Arc::new(plain));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = management::serve_metrics(listener, None, api.clone(), std::future::pending());
    tokio::spawn(serving);
    let as_user =
        |name: &str, password: &str| format!("authorization: {}\r\n", login(name, password));
    for (more, status, want) in [
        (String::new(), 401, "www-authenticate: Basic realm="),
        (as_user("guest", "x"), 401, r#""reason":"Not_Authorized"}"#),
        (
            as_user("plain", "plain"),
            401,
            r#""reason":"Not monitor user"}"#,
        ),
        (as_user("guest", "guest"), 200, "rabbitmq_identity_info{"),
    ] {
        for path in ["/metrics", "/metrics/per-object"] {
            let answer = metrics(address, path, &more).await;
            let is_it = answer.starts_with(&format!("HTTP/1.1 {status} "));
            assert!(is_it && answer.contains(want), "{more}: {answer}");
        }
    }
    let here = asked(&api, "GET /metrics", "\r\n").await;
    assert!(here.starts_with("HTTP/1.1 200 "), "{here}");
}
