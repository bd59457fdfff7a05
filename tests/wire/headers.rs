//! The headers of a message on their way through.

use leveret::broker::compat::Compat;
use leveret::broker::interceptors::Interceptors;
use leveret::broker::settings::Settings;
use leveret::server::Server;
use leveret_proto::content::Properties;
use leveret_proto::value::{FieldTable, FieldValue};

use crate::support::frames;
use crate::support::memory::{Client, reason};

async fn on_line(line: &str) -> Client {
    with(line, Settings::default()).await
}

async fn with(line: &str, settings: Settings) -> Client {
    let compat = Compat::named(line, false).unwrap();
    let server = Server::builder().compat(compat).settings(settings);
    let server = server.node("rabbit@hare").start().unwrap();
    let mut client = Client::logged_in(&server, 0).await;
    let declare = frames::declare("q", &FieldTable::new());
    client.call(&declare, 50, 11).await;
    client
}

/// Content type, headers, delivery mode.
fn properties(headers: &[u8]) -> Vec<u8> {
    let len = u32::try_from(headers.len()).unwrap().to_be_bytes();
    [b"\xb0\0\x03a/b", &len[..], headers, b"\x02"].concat()
}

/// The properties that come out.
async fn through(client: &mut Client, properties: &[u8]) -> Vec<u8> {
    client
        .send(&frames::publish("", "q", properties, b"x"))
        .await;
    client.call(&frames::get("q"), 60, 71).await;
    let (_, _, header) = client.frame().await;
    client.frame().await;
    header[12..].to_vec()
}

const SENT: &[u8] =
    b"\x01zV\x01bV\x02\xff\x01V\x01bt\x01\x00L\0\0\0\0\0\0\0\x05\x01BF\0\0\0\x06\x01yV\x01aV";
const SORTED: &[u8] =
    b"\x00l\0\0\0\0\0\0\0\x05\x01BF\0\0\0\x06\x01yV\x01aV\x01bV\x01zV\x02\xff\x01V";

#[tokio::test(start_paused = true)]
async fn rabbitmq_4_sorts_them_and_keeps_the_first_of_each() {
    for line in ["4.0", "4.3"] {
        let mut client = on_line(line).await;
        let got = through(&mut client, &properties(SENT)).await;
        assert_eq!(got, properties(SORTED), "{line}");
        let again = through(&mut client, &got).await;
        assert_eq!(again, got, "{line}");
        let empty = properties(b"");
        assert_eq!(through(&mut client, &empty).await, empty, "{line}");
    }
}

#[tokio::test(start_paused = true)]
async fn before_they_came_out_as_they_were_sent() {
    let mut client = on_line("3.10").await;
    let sent = properties(SENT);
    assert_eq!(through(&mut client, &sent).await, sent);
}

#[tokio::test(start_paused = true)]
async fn what_does_not_decode_closes_the_connection() {
    for line in ["3.10", "4.0", "4.3"] {
        for headers in [&b"\x01aZ"[..], b"\x01aF\0\0\0\x04\x01aI\0", b"\x05a"] {
            let mut client = on_line(line).await;
            let publish = frames::publish("", "q", &properties(headers), b"x");
            let close = client.call(&publish, 10, 50).await;
            assert_eq!(reason(&close), (541, "INTERNAL_ERROR".to_owned()));
        }
    }
}

/// What is in the queues `by_cc` and `by_key` after a message with `CC` died twice, the first
/// time with another key: the properties, or nothing.
async fn died_twice(line: &str) -> [Option<Vec<u8>>; 2] {
    let mut client = on_line(line).await;
    let dies = |more: &[(&str, &str)]| -> FieldTable {
        let ttl = ("x-message-ttl", FieldValue::I32(0));
        let more = more
            .iter()
            .map(|(key, value)| (*key, FieldValue::from(*value)));
        more.chain([ttl]).collect()
    };
    let exchange = "x-dead-letter-exchange";
    let first = dies(&[(exchange, ""), ("x-dead-letter-routing-key", "second")]);
    let second = dies(&[(exchange, "amq.direct")]);
    let none = FieldTable::new();
    for (queue, arguments) in [
        ("first", &first),
        ("second", &second),
        ("by_cc", &none),
        ("by_key", &none),
    ] {
        let declare = frames::declare(queue, arguments);
        client.call(&declare, 50, 11).await;
    }
    for (queue, key) in [("by_cc", "cc"), ("by_key", "second")] {
        let bind = frames::bind(queue, "amq.direct", key);
        client.call(&bind, 50, 21).await;
    }
    let sent = properties(b"\x02CCA\0\0\0\x07S\0\0\0\x02cc");
    client
        .send(&frames::publish("", "first", &sent, b"x"))
        .await;
    let mut found = [None, None];
    for (queue, found) in ["by_cc", "by_key"].iter().zip(&mut found) {
        client.send(&frames::get(queue)).await;
        let (_, _, answer) = client.frame().await;
        if answer[..4] == [0, 60, 0, 71] {
            let (_, _, header) = client.frame().await;
            client.frame().await;
            *found = Some(header[12..].to_vec());
        }
    }
    found
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_with_another_key_leaves_its_cc_behind() {
    for (line, is_shown) in [("3.10", false), ("4.0", true), ("4.3", true)] {
        let [by_cc, by_key] = died_twice(line).await;
        assert_eq!(by_cc, None, "{line}");
        let by_key = by_key.unwrap();
        assert_eq!(
            by_key.windows(3).any(|three| three == b"\x02CC"),
            is_shown,
            "{line}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn interceptors_add_the_time_and_the_node() {
    let settings = |overwrite| Settings {
        interceptors: Interceptors {
            timestamp: Some(overwrite),
            routing_node: Some(overwrite),
        },
        ..Settings::default()
    };
    let mut client = with("4.3", settings(false)).await;
    let got = through(&mut client, &properties(b"\x01zV\x01bV")).await;
    let got = Properties::decode(&got).unwrap();
    let headers = got.headers.unwrap();
    let keys: Vec<&str> = headers.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["b", "timestamp_in_ms", "x-routed-by", "z"]);
    assert_eq!(
        headers.get("x-routed-by"),
        Some(&FieldValue::from("rabbit@hare"))
    );
    let Some(FieldValue::I64(ms)) = headers.get("timestamp_in_ms") else {
        panic!("{headers:?}")
    };
    assert_eq!(got.timestamp, u64::try_from(ms / 1000).ok());
    assert_eq!(got.content_type.unwrap().as_str(), "a/b");
    // A publisher's own stays, or it does not.
    let own = properties(b"\x0bx-routed-byS\0\0\0\x02me");
    for (overwrite, node) in [(false, "me"), (true, "rabbit@hare")] {
        let mut client = with("4.3", settings(overwrite)).await;
        let got = through(&mut client, &own).await;
        let headers = Properties::decode(&got).unwrap().headers.unwrap();
        assert_eq!(headers.get("x-routed-by"), Some(&FieldValue::from(node)));
    }
}
