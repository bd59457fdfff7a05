//! What holds for all routes, against what a real RabbitMQ 4.0.5 answered.

use std::collections::BTreeMap;
use std::sync::Arc;

use leveret::management::{self, Cors};
use leveret::server::Server;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::api::{Api, Reply, login};

/// A request with its headers, and what became of it.
#[derive(Debug, Deserialize)]
struct Record {
    method: String,
    path: String,
    #[serde(default)]
    user: String,
    #[serde(default)]
    password: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    status: u16,
    answer_headers: BTreeMap<String, String>,
    answer: Option<Value>,
}

impl Record {
    fn send(&self, api: &Api) -> Reply {
        let login = login(&self.user, &self.password);
        let mut headers: Vec<(&str, &str)> = self
            .headers
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .collect();
        if !self.user.is_empty() {
            headers.push(("authorization", &login));
        }
        api.call(&self.method, &self.path, &headers, self.body.as_bytes())
    }
}

/// Replays records; fails with every answer that is not the recorded one.
#[track_caller]
fn replay(api: &Api, golden: &str, watched: &[&str]) {
    let records: Vec<Record> = serde_json::from_str(golden).unwrap();
    let mut wrong = String::new();
    for record in &records {
        let reply = record.send(api);
        let headers: BTreeMap<String, String> = reply
            .headers
            .iter()
            .filter(|(key, _)| watched.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.replace("; charset=utf-8", "")))
            .collect();
        let is_body = record
            .answer
            .as_ref()
            .is_none_or(|answer| *answer == reply.json());
        if reply.status != record.status || headers != record.answer_headers || !is_body {
            wrong += &format!(
                "\n{record:?}\n got {} {headers:?} {}\n",
                reply.status,
                reply.json()
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

fn guest() -> String {
    login("guest", "guest")
}

fn get(api: &Api, path: &str, headers: &[(&str, &str)]) -> Reply {
    let login = guest();
    let headers = [headers, &[("authorization", &login)]].concat();
    api.call("GET", path, &headers, b"")
}

#[test]
fn errors() {
    let watched = ["www-authenticate", "location", "allow", "content-type"];
    replay(
        &Api::populated(),
        include_str!("golden/errors.json"),
        &watched,
    );
}

#[test]
fn pages_of_other_origins() {
    let cors = Cors {
        allow_origins: vec!["http://example.com".to_owned()],
        max_age_s: None,
    };
    let watched = [
        "access-control-allow-credentials",
        "access-control-allow-headers",
        "access-control-allow-methods",
        "access-control-allow-origin",
        "access-control-max-age",
        "allow",
        "cache-control",
        "www-authenticate",
    ];
    replay(&Api::with(cors), include_str!("golden/cors.json"), &watched);
    let off = get(
        &Api::start(),
        "/api/whoami",
        &[("origin", "http://example.com")],
    );
    assert_eq!(off.header("access-control-allow-origin"), None);
}

#[test]
fn a_preflight_may_be_kept() {
    let cors = Cors {
        allow_origins: vec!["*".to_owned()],
        max_age_s: Some(1728),
    };
    let asked = [("origin", "http://any.example:8080")];
    let reply = Api::with(cors).call("OPTIONS", "/api/whoami", &asked, b"");
    assert_eq!(reply.header("access-control-max-age"), Some("1728"));
    assert_eq!(
        reply.header("access-control-allow-origin"),
        Some("http://any.example:8080")
    );
}

/// Routes of RabbitMQ that Leveret has not: those of replicas and of shovels.
const NOT_HERE: &[&str] = &[
    "/api/queues/:vhost/:queue/actions",
    "/api/queues/quorum/:vhost/:queue/replicas/add",
    "/api/queues/quorum/:vhost/:queue/replicas/delete",
    "/api/queues/quorum/:vhost/:queue/status",
    "/api/queues/quorum/replicas/on/:node/grow",
    "/api/queues/quorum/replicas/on/:node/shrink",
    "/api/shovels/vhost/:vhost/:name",
    "/api/shovels/vhost/:vhost/:name/restart",
];

#[test]
fn options_tells_what_each_route_allows() {
    #[derive(Deserialize)]
    struct Row {
        route: String,
        allow: String,
    }
    let api = Api::start();
    let rows: Vec<Row> = serde_json::from_str(include_str!("golden/routes.json")).unwrap();
    let mut wrong = String::new();
    for Row { route, allow } in rows {
        let path = route.replace(':', "x");
        let reply = api.call("OPTIONS", &path, &[], b"");
        assert_eq!(reply.status, 200, "{route}");
        let told = reply.header("allow").unwrap_or_default();
        if told != allow && !NOT_HERE.contains(&route.as_str()) {
            wrong += &format!("{route}: {told}, not {allow}\n");
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

#[test]
fn a_method_that_a_route_has_not_is_refused_before_anything_else() {
    let api = Api::start();
    for (method, path, status, allow) in [
        ("POST", "/api/whoami", 405, Some("HEAD, GET, OPTIONS")),
        ("PATCH", "/api/whoami", 405, Some("HEAD, GET, OPTIONS")),
        (
            "GET",
            "/api/queues/%2F/x/contents",
            405,
            Some("DELETE, OPTIONS"),
        ),
        ("HEAD", "/api/queues/%2F/x/get", 405, Some("POST, OPTIONS")),
        ("HEAD", "/api/vhost-limits", 405, Some("GET, OPTIONS")),
        ("DELETE", "/api/nosuch", 405, Some("HEAD, GET, OPTIONS")),
        ("FOO", "/api/whoami", 501, None),
        ("TRACE", "/api/whoami", 501, None),
    ] {
        let reply = api.call(method, path, &[], b"");
        assert_eq!(
            (reply.status, reply.body.len()),
            (status, 0),
            "{method} {path}"
        );
        if allow.is_some() {
            assert_eq!(reply.header("allow"), allow, "{method} {path}");
        }
    }
}

#[test]
fn head_is_a_get_without_its_body() {
    let api = Api::start();
    let login = guest();
    for path in [
        "/api/whoami",
        "/api/queues",
        "/api/nosuch",
        "/api/index.html",
    ] {
        let headers = [("authorization", login.as_str())];
        let got = api.call("GET", path, &headers, b"");
        let head = api.call("HEAD", path, &headers, b"");
        assert_eq!(head.status, got.status, "{path}");
        assert_eq!(
            head.header("content-type"),
            got.header("content-type"),
            "{path}"
        );
        assert_eq!(
            head.header("content-length"),
            got.header("content-length"),
            "{path}"
        );
        assert!(head.body.is_empty() && !got.body.is_empty(), "{path}");
    }
}

#[test]
fn what_a_client_does_not_take_is_not_sent() {
    let api = Api::start();
    for (path, accept, status) in [
        ("/api/whoami", "*/*", 200),
        ("/api/whoami", "application/*", 200),
        (
            "/api/whoami",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            200,
        ),
        ("/api/whoami", "text/html", 406),
        ("/api/whoami", "garbage", 400),
        ("/api/index.html", "application/json", 406),
        ("/api/index.html", "text/html", 200),
    ] {
        let reply = get(&api, path, &[("accept", accept)]);
        assert_eq!(reply.status, status, "{path} {accept}");
    }
}

#[test]
fn paths_mean_what_they_mean_to_rabbitmq() {
    let api = Api::start();
    for (path, status) in [
        ("/api/whoami/", 200),
        ("/api/./whoami", 200),
        ("/api/x/../whoami", 200),
        ("/api/%2e%2e/api/whoami", 200),
        ("/../api/whoami", 200),
        ("//api/whoami", 404),
        ("/api//whoami", 404),
        ("/api/queues/%2F", 200),
        ("/api/queues/%2f/", 200),
        ("/api/queues/%252F", 404),
        ("/api/queues//x", 404),
        ("/api/queues/%2F/a%00b", 404),
        ("/api/queues/%2F/a+b", 404),
        ("/api/queues/%zz", 400),
        ("/api/queues?columns=%zz", 400),
        ("/api/queues/%2F/%ff", 404),
    ] {
        assert_eq!(get(&api, path, &[]).status, status, "{path}");
    }
    let long = format!("/api/queues/%2F/{}", "q".repeat(8000));
    assert_eq!(get(&api, &long, &[]).status, 404);
    let longer = format!("/api/queues/%2F/{}", "q".repeat(100_000));
    assert_eq!(get(&api, &longer, &[]).status, 414);
}

#[test]
fn heads_that_make_no_sense_end_the_connection() {
    let api = Api::start();
    let many = "x: y\r\n".repeat(150);
    let wide = format!("x: {}\r\n", "y".repeat(1_000_000));
    for (bytes, status) in [
        ("GET /api/whoami HTTP/1.1\r\nconnection: close\r\n\r\n".to_owned(), "400"),
        ("GET /api/version HTTP/1.0\r\n\r\n".to_owned(), "200"),
        ("GET /api/whoami HTTP/3.7\r\n\r\n".to_owned(), "400"),
        ("\u{16}\u{3}\u{1}\r\n\r\n".to_owned(), "400"),
        (format!("GET /api/whoami HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{many}\r\n"), "431"),
        (format!("GET /api/whoami HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{wide}\r\n"), "431"),
        ("PUT /api/queues/%2F/q HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_owned(), "400"),
        ("PUT /api/queues/%2F/q HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: -1\r\n\r\n{}".to_owned(), "400"),
    ] {
        let answer = String::from_utf8_lossy(&api.raw(bytes.as_bytes())).into_owned();
        let got = answer.split(' ').nth(1).unwrap_or_default();
        assert_eq!(got, status, "{:.80}: {answer:.200}", bytes);
    }
}

#[test]
fn long_answers_are_compressed_for_who_takes_it() {
    let api = Api::start();
    let plain = get(&api, "/api/exchanges", &[]);
    assert_eq!(plain.header("content-encoding"), None);
    for (accept, want) in [
        ("gzip", Some("gzip")),
        ("deflate, gzip;q=0.5", Some("gzip")),
        ("br", None),
    ] {
        let reply = get(&api, "/api/exchanges", &[("accept-encoding", accept)]);
        assert_eq!(reply.header("content-encoding"), want, "{accept}");
        assert_eq!(
            reply.header("vary"),
            Some("accept, accept-encoding, origin")
        );
        assert_eq!(reply.body.len() < plain.body.len() / 2, want.is_some());
    }
    let short = get(&api, "/api/whoami", &[("accept-encoding", "gzip")]);
    assert_eq!(short.header("content-encoding"), None);
}

#[test]
fn what_a_browser_has_it_is_not_sent_again() {
    let api = Api::start();
    let page = api.call("GET", "/api/index.html", &[], b"");
    let tag = page.header("etag").unwrap();
    assert_eq!(
        page.header("cache-control"),
        Some("public, max-age=0, must-revalidate")
    );
    let again = api.call("GET", "/api/index.html", &[("if-none-match", tag)], b"");
    assert_eq!((again.status, again.body.len()), (304, 0));
    let other = api.call("GET", "/api/index.html", &[("if-none-match", "\"x\"")], b"");
    assert_eq!(other.status, 200);
    assert_eq!(
        get(&api, "/api/whoami", &[]).header("cache-control"),
        Some("no-cache")
    );
}

#[test]
fn a_body_that_is_too_long_is_refused_by_its_limit() {
    let api = Api::start();
    let (login, body) = (guest(), vec![b' '; 20_000_001]);
    let headers = [("authorization", login.as_str())];
    let reply = api.call("PUT", "/api/queues/%2F/long", &headers, &body);
    let want = json!({ "error": "bad_request", "reason": "Exceeded HTTP request body size limit" });
    assert_eq!((reply.status, reply.json()), (400, want));
    assert_eq!(get(&api, "/api/queues/%2F/long", &[]).status, 404);
}

#[test]
fn the_description_is_served() {
    let api = Api::start();
    let document = get(&api, "/dev/openapi.json", &[]).json();
    assert_eq!(document["info"]["version"], json!("4.0.5"));
    let put = &document["paths"]["/api/queues/{vhost}/{name}"]["put"];
    let keys = &put["requestBody"]["content"]["application/json"]["schema"]["properties"];
    assert_eq!(keys["durable"], json!({ "type": "boolean" }));
}

/// What comes back on a connection over which only this is sent, and when, in seconds.
async fn after(sent: &str) -> (String, u64) {
    after_below("", sent).await
}

/// Likewise, with everything below a path.
async fn after_below(prefix: &str, sent: &str) -> (String, u64) {
    let server = Server::builder().start().unwrap();
    let api = management::Api::new(Arc::clone(server.shared()), "token", Vec::new())
        .with_path_prefix(management::PathPrefix::new(prefix));
    let (mut client, theirs) = tokio::io::duplex(64 * 1024);
    let peer = "127.0.0.1:5".parse().unwrap();
    tokio::spawn(management::serve_stream(theirs, peer, api));
    client.write_all(sent.as_bytes()).await.unwrap();
    let begun = tokio::time::Instant::now();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    (answer, begun.elapsed().as_secs())
}

#[tokio::test(start_paused = true)]
async fn slow_clients_are_given_up() {
    assert_eq!(after("").await, (String::new(), 60));
    assert_eq!(
        after("GET /api/whoami HTTP/1.1\r\nhost: a\r\n").await,
        (String::new(), 60)
    );
    let login = guest();
    let slow = format!(
        "PUT /api/queues/%2F/slow HTTP/1.1\r\nhost: a\r\nauthorization: {login}\r\ncontent-length: 9\r\n\r\n{{"
    );
    let (answer, seconds) = after(&slow).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(seconds, 60);
}

#[tokio::test]
async fn everything_is_below_the_prefix_and_nothing_beside_it() {
    let (login, top) = (guest(), Some("/hare/"));
    for (path, accept, status, place) in [
        ("/", "*/*", 301, top),
        ("/hare", "*/*", 200, None),
        ("/hare", "text/html,*/*", 301, top),
        ("/hare/", "text/html,*/*", 200, None),
        ("/hare/ui/app.js", "*/*", 200, None),
        ("/hare/api", "*/*", 301, Some("/hare/api/index.html")),
        ("/hare/api/index.html", "*/*", 200, None),
        ("/hare/api/overview", "*/*", 200, None),
        ("/hare/api/overview/", "*/*", 200, None),
        ("/x/../hare/api/whoami?columns=name", "*/*", 200, None),
        ("/hare/nothing", "*/*", 404, None),
        ("/api/overview", "*/*", 404, None),
        ("/ui/app.js", "*/*", 404, None),
        ("/hares/api/overview", "*/*", 404, None),
    ] {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: a\r\naccept: {accept}\r\nauthorization: {login}\r\n\
             connection: close\r\n\r\n"
        );
        let (answer, _) = after_below("hare/", &request).await;
        let location = answer
            .lines()
            .find_map(|line| line.strip_prefix("location: "));
        let got = (answer.starts_with(&format!("HTTP/1.1 {status} ")), location);
        assert_eq!(got, (true, place), "{path}: {answer}");
    }
    let request = "GET /api HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let (answer, _) = after_below("/hare", request).await;
    let body = answer.rsplit("\r\n").next().unwrap();
    assert_eq!(
        body.trim(),
        r#"{"error":"Object Not Found","reason":"Not Found"}"#
    );
}
