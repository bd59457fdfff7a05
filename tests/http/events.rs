//! `/dev/events` over a real socket.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::api::Api;
use super::dev::{GET, add_user, declare, publish};

/// A stream of events.
#[derive(Debug)]
struct Watch {
    lines: BufReader<TcpStream>,
    status: u16,
    last_id: String,
}

impl Watch {
    /// With what `query` asks for, and this user's password, or without one.
    fn open(api: &Api, user: Option<&str>, query: &str) -> Self {
        let mut stream = TcpStream::connect(api.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let login = user.map(|user| STANDARD.encode(format!("{user}:{user}")));
        let login = login.map(|login| format!("authorization: Basic {login}\r\n"));
        let login = login.unwrap_or_default();
        write!(
            stream,
            "GET /dev/events?{query} HTTP/1.1\r\nhost: x\r\n{login}\r\n"
        )
        .unwrap();
        let mut lines = BufReader::new(stream);
        let mut head = String::new();
        lines.read_line(&mut head).unwrap();
        Self {
            lines,
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            last_id: String::new(),
        }
    }

    /// The next event: its name and what it says. `None` at the end.
    fn next(&mut self) -> Option<(String, Value)> {
        let mut name = String::new();
        loop {
            let mut line = String::new();
            if self.lines.read_line(&mut line).unwrap() == 0 || line == "0\r\n" {
                return None;
            }
            let line = line.trim_end();
            match line.split_once(": ") {
                Some(("event", it)) => it.clone_into(&mut name),
                Some(("id", it)) => it.clone_into(&mut self.last_id),
                Some(("data", it)) => return Some((name, serde_json::from_str(it).unwrap())),
                _ => {}
            }
        }
    }

    /// What the next event of this name says.
    #[track_caller]
    fn until(&mut self, wanted: &str) -> Value {
        loop {
            let (name, data) = self.next().unwrap();
            if name == wanted {
                return data;
            }
        }
    }
}

#[test]
fn a_publish_is_told() {
    let api = Api::start();
    declare(&api, "q", &json!({}));
    let mut watch = Watch::open(&api, Some("guest"), "");
    watch.until("ready");
    publish(&api, "q", "a", &json!({}));
    let told = watch.until("queues");
    let row = &told["rows"][0];
    let numbers = ["name", "messages", "messages_ready"].map(|key| row[key].clone());
    assert_eq!(numbers, [json!("q"), json!(1), json!(1)]);
    assert_eq!(row["message_stats"]["publish"], json!(1));
    let overview = watch.until("overview");
    assert_eq!(overview["queue_totals"]["messages"], json!(1));
    api.request("guest", "DELETE", "/api/queues/%2F/q", &GET);
    let told = watch.until("topology");
    let row = &told["rows"][0];
    assert_eq!(
        (&row["event"], &row["name"]),
        (&json!("queue.deleted"), &json!("q"))
    );
    let told = watch.until("queues");
    assert_eq!(told["gone"], json!([{ "vhost": "/", "name": "q" }]));
}

#[test]
fn a_stream_goes_on_where_it_was() {
    let api = Api::start();
    declare(&api, "q", &json!({}));
    let mut watch = Watch::open(&api, Some("guest"), "topics=queues");
    watch.until("ready");
    let id = watch.last_id.clone();
    publish(&api, "q", "a", &json!({}));
    let told = watch.until("queues");
    drop(watch);
    let query = format!("topics=queues&last_event_id={id}");
    let mut again = Watch::open(&api, Some("guest"), &query);
    again.until("ready");
    assert_eq!(again.until("queues"), told);
    for unknown in ["1-1", "nonsense"] {
        let query = format!("last_event_id={unknown}");
        let mut fresh = Watch::open(&api, Some("guest"), &query);
        assert_eq!(fresh.next().unwrap().0, "reset");
    }
}

#[test]
fn what_happens_after_a_ticket_was_given_is_not_missed() {
    let api = Api::start();
    let (_, answer) = api.request("guest", "POST", "/dev/ticket", &GET);
    declare(&api, "q", &json!({ "x-max-length": 7 }));
    let [ticket, position] = ["ticket", "position"].map(|key| answer[key].as_str().unwrap());
    let query = format!("topics=queues&ticket={ticket}&last_event_id={position}");
    let mut watch = Watch::open(&api, None, &query);
    assert_eq!(watch.next().unwrap().0, "ready");
    // Of what is new everything is told that lists show.
    let told = watch.until("queues");
    let row = &told["rows"][0];
    assert_eq!(row["arguments"]["x-max-length"], json!(7));
    let (_, list) = api.request("guest", "GET", "/api/queues", &GET);
    let keys = |row: &Value| row.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(row), keys(&list[0]));
}

#[test]
fn which_way_messages_go_is_told() {
    let api = Api::start();
    declare(&api, "q", &json!({}));
    let mut watch = Watch::open(&api, Some("guest"), "topics=flows");
    watch.until("ready");
    publish(&api, "q", "a", &json!({}));
    let told = watch.until("flows");
    assert_eq!(
        told["rows"],
        json!([{ "vhost": "/", "exchange": "", "queue": "q", "messages": 1 }])
    );
    let message = json!({
        "routing_key": "nowhere",
        "payload": "a",
        "payload_encoding": "string",
        "properties": {},
    });
    let path = "/api/exchanges/%2F/amq.default/publish";
    let (_, answer) = api.request("guest", "POST", path, &message);
    assert_eq!(answer["routed"], json!(false));
    let told = watch.until("flows");
    assert_eq!(
        told["rows"],
        json!([{ "vhost": "/", "exchange": "", "routing_key": "nowhere", "messages": 1 }])
    );
}

#[test]
fn a_ticket_opens_one_stream() {
    let api = Api::start();
    let (status, answer) = api.request("guest", "POST", "/dev/ticket", &GET);
    assert_eq!(status, 200);
    let query = format!("ticket={}", answer["ticket"].as_str().unwrap());
    let mut watch = Watch::open(&api, None, &query);
    assert_eq!(watch.status, 200);
    watch.until("ready");
    assert_eq!(Watch::open(&api, None, &query).status, 401);
    assert_eq!(Watch::open(&api, None, "").status, 401);
    assert_eq!(Watch::open(&api, Some("nobody"), "").status, 401);
    assert_eq!(
        Watch::open(&api, Some("guest"), "topics=weather").status,
        400
    );
    assert_eq!(Watch::open(&api, Some("guest"), "vhost=nosuch").status, 404);
}

#[test]
fn everybody_sees_their_own_virtual_hosts_only() {
    let api = Api::start();
    add_user(&api, "worker", "management", Some(["", "", ".*"]));
    assert_eq!(
        api.request("guest", "PUT", "/api/vhosts/hidden", &GET).0,
        201
    );
    let mut watch = Watch::open(&api, Some("worker"), "topics=queues,topology");
    watch.until("ready");
    let queue = |path: &str| {
        let (status, answer) = api.request("guest", "PUT", path, &json!({ "durable": true }));
        assert_eq!(status, 201, "{answer}");
    };
    queue("/api/queues/hidden/h");
    queue("/api/queues/%2F/q");
    let told = watch.until("topology");
    assert_eq!(told["rows"][0]["name"], json!("q"));
    let told = watch.until("queues");
    assert_eq!(told["rows"][0]["name"], json!("q"));
    assert_eq!(
        Watch::open(&api, Some("worker"), "vhost=hidden").status,
        401
    );
    // Whose user is gone sees nothing any more.
    api.request("guest", "DELETE", "/api/users/worker", &GET);
    while watch.next().is_some() {}
}

#[test]
fn streams_are_few_and_end_with_the_broker() {
    let api = Api::start();
    let mut all: Vec<Watch> = (0..100)
        .map(|_| Watch::open(&api, Some("guest"), ""))
        .collect();
    assert!(all.iter().all(|watch| watch.status == 200));
    assert_eq!(Watch::open(&api, Some("guest"), "").status, 503);
    assert_eq!(api.request("guest", "POST", "/dev/stop", &GET).0, 204);
    for watch in &mut all {
        while watch.next().is_some() {}
    }
}
