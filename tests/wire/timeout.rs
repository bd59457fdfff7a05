//! Consumer timeouts, as each release line has them.

use leveret::broker::compat::Compat;
use leveret::server::Server;
use leveret_proto::value::{FieldTable, FieldValue};
use tokio::time::Instant;

use crate::support::frames;
use crate::support::memory::{Client, reason};

/// A start-ok of a client that wants to hear of cancelled consumers.
const CANCEL_NOTIFY: &[u8] =
    b"\0\0\0\x2b\x0ccapabilitiesF\0\0\0\x19\x16consumer_cancel_notifyt\x01\
                               \x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US";

fn server(line: &str) -> Server {
    let compat = Compat::named(line, false).unwrap();
    Server::builder().compat(compat).start().unwrap()
}

/// A client that hears of cancelled consumers, or one that does not.
async fn client(server: &Server, hears: bool) -> Client {
    if !hears {
        return Client::logged_in(server, 0).await;
    }
    let mut client = Client::connect(server).await;
    let [header, _, tune_ok, open] = frames::log_in(0);
    client.call(&header, 10, 10).await;
    let start_ok = frames::method(0, 10, 11, &[CANCEL_NOTIFY]);
    client.call(&start_ok, 10, 30).await;
    client.call(&[tune_ok, open].concat(), 10, 41).await;
    client.call(&frames::open_channel(1), 20, 11).await;
    client
}

/// A queue of that type with a message, which the client gets.
async fn deliver(client: &mut Client, kind: &str, timeout_ms: Option<i64>) {
    let timeout = timeout_ms.map(|ms| ("x-consumer-timeout", FieldValue::I64(ms)));
    let arguments: FieldTable = [("x-queue-type", FieldValue::from(kind))]
        .into_iter()
        .chain(timeout)
        .collect();
    client.call(&frames::declare("q", &arguments), 50, 11).await;
    client
        .send(&frames::publish("", "q", frames::PERSISTENT, b"x"))
        .await;
    client.call(&frames::consume("q", false), 60, 21).await;
    delivered(client).await;
}

async fn delivered(client: &mut Client) {
    client.expect(60, 60).await;
    client.frame().await;
    client.frame().await;
}

/// Whole seconds until the channel closes, and why.
async fn closes(client: &mut Client) -> (u64, String) {
    let begun = Instant::now();
    let (code, text) = reason(&client.expect(20, 40).await);
    assert_eq!(code, 406);
    (begun.elapsed().as_secs(), text)
}

fn text(ms: i64) -> String {
    format!(
        "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: \
         {ms} ms. This timeout value can be configured, see consumers doc guide to learn more"
    )
}

#[tokio::test(start_paused = true)]
async fn before_4_3_a_channel_looks_once_a_minute_and_closes() {
    let server = server("4.0");
    let mut client = client(&server, true).await;
    deliver(&mut client, "classic", Some(5000)).await;
    let (seconds, why) = closes(&mut client).await;
    assert!((59..=60).contains(&seconds), "{seconds} s");
    assert_eq!(why, text(5000));
    let mut other = Client::logged_in(&server, 0).await;
    other.call(&frames::get("q"), 60, 71).await;
    other.frame().await;
    other.frame().await;
    other.send(&frames::ack(1, false)).await;
    other.call(&frames::get("q"), 60, 72).await;
    assert_eq!(closes(&mut client).await, (60, text(5000)), "unanswered");
    let close_ok = frames::method(1, 20, 41, &[]);
    client.send(&close_ok).await;
    client.call(&frames::open_channel(1), 20, 11).await;
    let broker = &server.shared().broker;
    broker.advance_ms(None, 300 * 1000).unwrap();
    client.call(&frames::get("q"), 60, 72).await;
}

#[tokio::test(start_paused = true)]
async fn on_3_10_only_the_brokers_setting_counts() {
    let server = server("3.10");
    let mut client = client(&server, false).await;
    deliver(&mut client, "classic", Some(5000)).await;
    let (seconds, why) = closes(&mut client).await;
    assert!((1800..=1860).contains(&seconds), "{seconds} s");
    assert_eq!(why, text(1_800_000));
}

#[tokio::test(start_paused = true)]
async fn a_late_delivery_of_a_quorum_queue_goes_back_and_its_consumer_is_cancelled() {
    let server = server("4.3");
    let mut client = client(&server, true).await;
    deliver(&mut client, "quorum", Some(5000)).await;
    let begun = Instant::now();
    let cancel = client.expect(60, 30).await;
    assert_eq!(cancel, b"\x01c\x01", "consumer tag, nowait");
    assert_eq!(begun.elapsed().as_secs(), 5);
    let passive = frames::method(1, 50, 10, &[b"\0\0\x01q\x01\0\0\0\0"]);
    let declare_ok = client.call(&passive, 50, 11).await;
    assert_eq!(
        declare_ok[2..],
        [0, 0, 0, 1, 0, 0, 0, 1],
        "ready, consumers"
    );

    // Acknowledged late, it is delivered again under the cancelled tag.
    client.send(&frames::ack(1, false)).await;
    delivered(&mut client).await;
    client.send(&frames::ack(1, false)).await;
    let (code, text) = reason(&client.expect(20, 40).await);
    let unknown = "PRECONDITION_FAILED - unknown delivery tag 1";
    assert_eq!((code, &text[..]), (406, unknown));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_cannot_be_told_loses_its_channel() {
    let server = server("4.3");
    let mut client = client(&server, false).await;
    deliver(&mut client, "quorum", Some(5000)).await;
    assert_eq!(closes(&mut client).await, (5, text(-1)));
}

#[tokio::test(start_paused = true)]
async fn since_4_3_classic_queues_wait_for_ever() {
    let server = server("4.3");
    let mut client = client(&server, true).await;
    deliver(&mut client, "classic", None).await;
    let broker = &server.shared().broker;
    broker.advance_ms(None, 24 * 3600 * 1000).unwrap();
    client.send(&frames::ack(1, false)).await;
    client.call(&frames::get("q"), 60, 72).await;
}

#[tokio::test(start_paused = true)]
async fn moving_the_clock_makes_a_delivery_late_at_once() {
    let server = server("4.3");
    let mut client = client(&server, true).await;
    deliver(&mut client, "quorum", None).await;
    let begun = Instant::now();
    let broker = &server.shared().broker;
    broker.advance_ms(Some("/"), 30 * 60 * 1000).unwrap();
    client.expect(60, 30).await;
    assert_eq!(begun.elapsed().as_secs(), 0);
}
