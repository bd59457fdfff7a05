//! Users that are known elsewhere: to a service over HTTP, or by a token.

use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use leveret::config::auth::{Auth, Backend, Cached, HttpAuth, OAuth2, Pair};
use leveret::management;
use leveret::server::Server;
use leveret_proto::value::FieldTable;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::login::{begin, is_refused, open};
use crate::support::frames;
use crate::support::memory::{Client, reason};

/// What a service answers to a path and a form.
type Rule = fn(&str, &str) -> &'static str;

/// A service that keeps what it was asked.
struct Service {
    address: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Service {
    async fn start(rule: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&asked);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut bytes = Vec::new();
                while !is_whole(&bytes) {
                    assert!(socket.read_buf(&mut bytes).await.unwrap() > 0);
                }
                let text = String::from_utf8(bytes).unwrap();
                let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
                let (_, form) = text.split_once("\r\n\r\n").unwrap();
                kept.lock()
                    .unwrap()
                    .push(format!("{path} {form}").trim().to_owned());
                let answer = rule(&path, form);
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n",
                    answer.len()
                );
                socket
                    .write_all(format!("{head}{answer}").as_bytes())
                    .await
                    .unwrap();
            }
        });
        Self { address, asked }
    }

    fn settings(&self) -> HttpAuth {
        let path = |name: &str| format!("{}/{name}", self.address);
        HttpAuth {
            is_post: true,
            user_path: path("user"),
            vhost_path: path("vhost"),
            resource_path: path("resource"),
            topic_path: path("topic"),
            discloses: true,
            ..HttpAuth::default()
        }
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

/// The head has come, and as many octets as it says.
fn is_whole(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

fn backends(all: &[Backend]) -> Auth {
    let pair = |backend: &Backend| Pair {
        authn: Some(*backend),
        authz: Some(*backend),
    };
    let numbered = (1..).map(|number: u32| number.to_string());
    Auth {
        backends: numbered.zip(all.iter().map(pair)).collect(),
        ..Auth::default()
    }
}

fn server(auth: Auth) -> Server {
    Server::builder().auth(auth).start().unwrap()
}

fn over_http(service: &Service) -> Server {
    server(Auth {
        http: service.settings(),
        ..backends(&[Backend::Internal, Backend::Http])
    })
}

/// Log in with all frames at once, as a client that does not wait.
async fn log_in(client: &mut Client, user: &str) {
    begin(client, "PLAIN", &format!("\0{user}\0p w")).await;
    open(client).await;
    client.call(&frames::open_channel(1), 20, 11).await;
}

#[tokio::test]
async fn a_service_is_asked_rabbitmqs_questions_and_only_once() {
    let service = Service::start(|path, _| match path {
        "/user" => "allow management x",
        _ => "allow",
    })
    .await;
    let server = over_http(&service);
    let mut client = Client::connect(&server).await;
    log_in(&mut client, "bob").await;
    assert_eq!(
        service.asked(),
        [
            "/user username=bob&password=p+w",
            "/vhost username=bob&vhost=%2F&ip=127.0.0.1&tags=management+x",
        ]
    );
    let none = FieldTable::new();
    // All at once: what comes later waits for the answers, and order is kept.
    let declare = frames::declare("q", &none);
    let publish = frames::publish("", "q", frames::PERSISTENT, b"x");
    client
        .send(&[declare, publish.clone(), publish].concat())
        .await;
    client.expect(50, 11).await;
    client.call(&frames::get("q"), 60, 71).await;
    assert_eq!(
        service.asked(),
        [
            "/resource username=bob&vhost=%2F&resource=queue&name=q&permission=configure&tags=management+x",
            "/resource username=bob&vhost=%2F&resource=exchange&name=amq.default&permission=write&tags=management+x",
            "/resource username=bob&vhost=%2F&resource=queue&name=q&permission=read&tags=management+x",
        ]
    );
    // Who is known here is not asked about there.
    let mut guest = Client::connect(&server).await;
    begin(&mut guest, "PLAIN", "\0guest\0guest").await;
    open(&mut guest).await;
    assert!(service.asked().is_empty());
}

#[tokio::test]
#[allow(clippy::too_many_lines, reason = "a list of all methods that ask")]
async fn every_method_has_its_questions_asked() {
    let service = Service::start(|_, _| "allow").await;
    let server = over_http(&service);
    let mut client = Client::connect(&server).await;
    log_in(&mut client, "bob").await;
    service.asked();
    let mut dead = FieldTable::new();
    dead.insert("x-dead-letter-exchange", "amq.fanout");
    let mut other = FieldTable::new();
    other.insert("alternate-exchange", "amq.fanout");
    let mut table = bytes::BytesMut::new();
    other.encode(&mut table);
    let name = |text: &str| frames::short(text);
    let empty: &[u8] = &[0, 0, 0, 0];
    let calls: [(Vec<u8>, u8, u8); 12] = [
        (frames::declare("q", &dead), 50, 11),
        (frames::declare("", &FieldTable::new()), 50, 11),
        (
            frames::method(1, 50, 10, &[b"\0\0", &name("q"), b"\x01", empty]),
            50,
            11,
        ),
        (
            frames::method(
                1,
                40,
                10,
                &[b"\0\0", &name("t"), &name("topic"), b"\x02", &table],
            ),
            40,
            11,
        ),
        (
            frames::method(
                1,
                40,
                10,
                &[b"\0\0", &name("t"), &name("topic"), b"\x01", empty],
            ),
            40,
            11,
        ),
        (
            frames::method(
                1,
                50,
                20,
                &[b"\0\0", &name("q"), &name("t"), &name("a.b"), b"\0", empty],
            ),
            50,
            21,
        ),
        (
            frames::method(
                1,
                40,
                30,
                &[
                    b"\0\0",
                    &name("amq.fanout"),
                    &name("t"),
                    &name("c"),
                    b"\0",
                    empty,
                ],
            ),
            40,
            31,
        ),
        (
            frames::method(
                1,
                40,
                40,
                &[
                    b"\0\0",
                    &name("amq.fanout"),
                    &name("t"),
                    &name("c"),
                    b"\0",
                    empty,
                ],
            ),
            40,
            51,
        ),
        (
            frames::method(
                1,
                50,
                50,
                &[b"\0\0", &name("q"), &name("t"), &name("a.b"), empty],
            ),
            50,
            51,
        ),
        (
            frames::method(1, 50, 30, &[b"\0\0", &name(""), b"\0"]),
            50,
            31,
        ),
        (frames::consume("q", true), 60, 21),
        (
            frames::method(1, 50, 40, &[b"\0\0", &name("q"), b"\0"]),
            50,
            41,
        ),
    ];
    for (frame, class, method) in &calls {
        client.call(frame, *class, *method).await;
    }
    let asked = service.asked();
    let topics: Vec<_> = asked
        .iter()
        .filter(|one| one.starts_with("/topic"))
        .collect();
    assert_eq!(
        topics[0],
        "/topic username=bob&vhost=%2F&resource=topic&name=t&permission=read&tags=&routing_key=a.b&\
         variable_map.username=bob&variable_map.vhost=%2F"
    );
    assert!(
        asked.iter().any(|one| one.contains("name=amq.gen-")),
        "{asked:?}"
    );
    client
        .send(&frames::publish("t", "z", frames::PERSISTENT, b"x"))
        .await;
    client
        .call(
            &frames::method(1, 40, 20, &[b"\0\0", &name("t"), b"\0"]),
            40,
            21,
        )
        .await;
    let publishes = service.asked();
    assert!(
        publishes
            .iter()
            .any(|one| one.contains("permission=write&tags=&routing_key=z")),
        "{publishes:?}"
    );
}

#[tokio::test]
async fn what_a_service_refuses_is_refused() {
    let service = Service::start(|path, form| match path {
        "/user" if form.contains("username=eve") => "deny she is not",
        "/vhost" if form.contains("username=mallory") => "deny",
        "/resource" if form.contains("name=secret") => "deny it is secret",
        _ => "ALLOW",
    })
    .await;
    let server = over_http(&service);
    let mut client = Client::connect(&server).await;
    begin(&mut client, "PLAIN", "\0eve\0x").await;
    is_refused(&mut client, "PLAIN").await;
    let mut client = Client::connect(&server).await;
    begin(&mut client, "PLAIN", "\0mallory\0x").await;
    client.expect(10, 30).await;
    let [_, _, tune_ok, open] = frames::log_in(0);
    let close = client.call(&[tune_ok, open].concat(), 10, 50).await;
    let text = "NOT_ALLOWED - access to vhost '/' refused for user 'mallory'";
    assert_eq!(reason(&close), (530, text.to_owned()));
    let mut client = Client::connect(&server).await;
    log_in(&mut client, "bob").await;
    let close = client
        .call(&frames::declare("secret", &FieldTable::new()), 20, 40)
        .await;
    let text = "ACCESS_REFUSED - configure access to queue 'secret' in vhost '/' refused for user 'bob' by \
                backend rabbit_auth_backend_http: it is secret";
    assert_eq!(reason(&close), (403, text.to_owned()));
}

#[tokio::test]
async fn a_service_that_is_gone_lets_nobody_in() {
    let service = Service {
        address: "http://127.0.0.1:1".to_owned(),
        asked: Arc::default(),
    };
    let server = over_http(&service);
    let mut client = Client::connect(&server).await;
    begin(&mut client, "PLAIN", "\0bob\0x").await;
    is_refused(&mut client, "PLAIN").await;
    let mut guest = Client::connect(&server).await;
    begin(&mut guest, "PLAIN", "\0guest\0guest").await;
    open(&mut guest).await;
}

/// What the service was asked while a client logged in and left.
async fn asked_by_login(server: &Server, service: &Service, user: &str) -> Vec<String> {
    let mut client = Client::connect(server).await;
    begin(&mut client, "PLAIN", &format!("\0{user}\0p")).await;
    if user == "bob" {
        open(&mut client).await;
    } else {
        is_refused(&mut client, "PLAIN").await;
    }
    let asked = service.asked();
    asked
        .into_iter()
        .map(|one| one.split(' ').next().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_cache_keeps_what_a_service_allowed_for_its_time() {
    let rule: Rule = |path, form| match path {
        "/user" if form.contains("=eve&") => "deny",
        _ => "allow",
    };
    let over = |service: &Service, keeps_refusals| {
        let both = Some(Backend::Http);
        server(Auth {
            backends: [("1".to_owned(), Pair::default())].into(),
            cached: Pair {
                authn: both,
                authz: both,
            },
            cache: Cached {
                keeps_refusals,
                ..Cached::default()
            },
            http: service.settings(),
            ..Auth::default()
        })
    };
    let service = Service::start(rule).await;
    let server = over(&service, false);
    let (all, none): (&[&str], &[&str]) = (&["/user", "/vhost"], &[]);
    assert_eq!(asked_by_login(&server, &service, "bob").await, all);
    assert_eq!(asked_by_login(&server, &service, "bob").await, none);
    for _ in 0..2 {
        assert_eq!(asked_by_login(&server, &service, "eve").await, ["/user"]);
    }
    server.shared().broker.advance_ms(None, 15_000).unwrap();
    assert_eq!(asked_by_login(&server, &service, "bob").await, all);
    assert_eq!(asked_by_login(&server, &service, "bob").await, none);
    let strict = Service::start(rule).await;
    let server = over(&strict, true);
    assert_eq!(asked_by_login(&server, &strict, "eve").await, ["/user"]);
    assert_eq!(asked_by_login(&server, &strict, "eve").await, none);
}

const SECRET: &[u8] = b"a secret of thirty-two octets !!";

/// A broker that takes tokens signed with the secret.
fn with_tokens() -> Server {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let name = format!("leveret-keys-{}-{number}.json", std::process::id());
    let path = std::env::temp_dir().join(name);
    let key = URL_SAFE_NO_PAD.encode(SECRET);
    let keys = format!(r#"{{"keys":[{{"kid":"k","kty":"oct","k":"{key}"}}]}}"#);
    std::fs::write(&path, keys).unwrap();
    let mut oauth2 = OAuth2::default();
    oauth2.own.id = "rabbitmq".to_owned();
    oauth2.provider.jwks_uri = Some(format!("file://{}", path.display()));
    server(Auth {
        oauth2,
        ..backends(&[Backend::OAuth2])
    })
}

/// A token of a user that is good for so many seconds from the broker's now.
fn token(server: &Server, user: &str, seconds: u64, scope: &str) -> String {
    let expires = server.shared().clock.now().wall_ms / 1000 + seconds;
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","kid":"k"}"#);
    let claims =
        format!(r#"{{"aud":"rabbitmq","sub":"{user}","exp":{expires},"scope":"{scope}"}}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(claims));
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET);
    let signature = ring::hmac::sign(&key, signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

fn update_secret(token: &str) -> Vec<u8> {
    let length = u32::try_from(token.len()).unwrap().to_be_bytes();
    frames::method(
        0,
        10,
        70,
        &[&length, token.as_bytes(), &frames::short("renewed")],
    )
}

const SCOPE: &str = "rabbitmq.configure:*/q* rabbitmq.write:*/* rabbitmq.tag:monitoring";

#[tokio::test(start_paused = true)]
async fn a_token_says_who_it_is_and_what_it_may_and_ends() {
    let server = with_tokens();
    let first = token(&server, "bob", 60, SCOPE);
    let mut client = Client::connect(&server).await;
    begin(&mut client, "PLAIN", &format!("\0ignored\0{first}")).await;
    open(&mut client).await;
    client.call(&frames::open_channel(1), 20, 11).await;
    let connection = server.shared().broker.connections.snapshot().remove(0);
    assert_eq!(connection.user.name.as_str(), "bob");
    assert!(connection.user.has_tag("monitoring"));
    client
        .call(&frames::declare("q", &FieldTable::new()), 50, 11)
        .await;
    let close = client.call(&frames::get("q"), 20, 40).await;
    let text = "ACCESS_REFUSED - read access to queue 'q' in vhost '/' refused for user 'bob'";
    assert_eq!(reason(&close), (403, text.to_owned()));
    client.send(&frames::method(1, 20, 41, &[])).await;
    // Another token: another end, and other permissions.
    let second = token(
        &server,
        "bob",
        90,
        "rabbitmq.read:*/* rabbitmq.configure:*/*",
    );
    client.call(&update_secret(&second), 10, 71).await;
    client.call(&frames::open_channel(1), 20, 11).await;
    client.call(&frames::get("q"), 60, 72).await;
    let begun = tokio::time::Instant::now();
    let close = client.expect(10, 50).await;
    assert_eq!(
        reason(&close),
        (320, "CONNECTION_FORCED - credential expired".to_owned())
    );
    assert!(
        (88..=90).contains(&begun.elapsed().as_secs()),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_does_not_renew() {
    let server = with_tokens();
    for (user, seconds) in [("eve", 60), ("bob", 0)] {
        let first = token(&server, "bob", 60, SCOPE);
        let mut client = Client::connect(&server).await;
        begin(&mut client, "PLAIN", &format!("\0\0{first}")).await;
        open(&mut client).await;
        let other = token(&server, user, seconds, SCOPE);
        let close = client.call(&update_secret(&other), 10, 50).await;
        let text = "NOT_ALLOWED - New secret was refused by one of the backends";
        assert_eq!(reason(&close), (530, text.to_owned()));
    }
    let mut client = Client::connect(&server).await;
    begin(&mut client, "PLAIN", "\0guest\0guest").await;
    is_refused(&mut client, "PLAIN").await;
}

#[tokio::test]
async fn the_management_api_tells_that_a_user_is_not_one_of_its_own() {
    let server = with_tokens();
    let token = token(&server, "bob", 60, "rabbitmq.tag:management");
    let api = management::Api::new(Arc::clone(server.shared()), "t", Vec::new());
    let (mut client, stream) = tokio::io::duplex(64 * 1024);
    let peer = "127.0.0.1:1".parse().unwrap();
    tokio::spawn(management::serve_stream(stream, peer, api));
    let request = format!(
        "GET /api/whoami HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    );
    client.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("\"name\":\"bob\""), "{answer}");
    assert!(answer.contains("\"is_internal_user\":false"), "{answer}");
}
