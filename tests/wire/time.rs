//! What happens when a client lets time pass.

use std::time::Duration;

use leveret_proto::value::{FieldTable, FieldValue};
use tokio::time::Instant;

use super::server;
use crate::support::frames;
use crate::support::memory::Client;

/// How long a future takes, in whole seconds of the stopped clock.
async fn seconds<T>(of: impl Future<Output = T>) -> (u64, T) {
    let begun = Instant::now();
    let value = of.await;
    (begun.elapsed().as_secs(), value)
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_ten_seconds() {
    let server = server();
    let mut silent = Client::connect(&server).await;
    assert_eq!(seconds(silent.rest()).await, (10, Vec::new()));

    let mut slow = Client::connect(&server).await;
    slow.call(frames::PROTOCOL_HEADER, 10, 10).await;
    tokio::time::sleep(Duration::from_secs(7)).await;
    let [_, start_ok, ..] = frames::log_in(0);
    slow.call(&start_ok, 10, 30).await;
    assert_eq!(seconds(slow.rest()).await.0, 3, "ten in all");
}

#[tokio::test(start_paused = true)]
async fn a_silent_client_gets_heartbeats_and_then_the_end() {
    let server = server();
    let mut client = Client::logged_in(&server, 10).await;
    let (waited, heartbeat) = seconds(client.frame()).await;
    assert_eq!(
        (waited, heartbeat),
        (5, (8, 0, Vec::new())),
        "half the time"
    );
    client.send(&frames::frame(8, 0, b"")).await;
    assert_eq!(seconds(client.rest()).await.0, 20, "twice the time");
}

#[tokio::test(start_paused = true)]
async fn what_is_due_in_an_hour_that_is_skipped_happens_at_its_own_time() {
    let server = server();
    let mut client = Client::logged_in(&server, 0).await;
    // Three queues in a row, twenty minutes each.
    for (queue, next) in [("a", "b"), ("b", "c"), ("c", "end")] {
        let arguments = [
            ("x-message-ttl", FieldValue::I32(20 * 60 * 1000)),
            ("x-dead-letter-exchange", "".into()),
            ("x-dead-letter-routing-key", next.into()),
        ];
        let arguments: FieldTable = arguments.into_iter().collect();
        client
            .call(&frames::declare(queue, &arguments), 50, 11)
            .await;
    }
    let none = FieldTable::new();
    client.call(&frames::declare("end", &none), 50, 11).await;
    client.call(&frames::consume("end", true), 60, 21).await;
    client.call(&frames::confirm_select(), 85, 11).await;
    let message = frames::publish("", "a", frames::PERSISTENT, b"x");
    client.call(&message, 60, 80).await;
    let broker = &server.shared().broker;
    broker.advance_ms(None, 61 * 60 * 1000).unwrap();
    assert_eq!(seconds(client.expect(60, 60)).await.0, 0, "no more to wait");
}

#[tokio::test(start_paused = true)]
async fn what_a_silent_client_had_unsettled_goes_back() {
    let server = server();
    let mut good = Client::logged_in(&server, 0).await;
    let mut silent = Client::logged_in(&server, 10).await;
    silent
        .call(&frames::declare("q", &FieldTable::new()), 50, 11)
        .await;
    silent
        .send(&frames::publish("", "q", frames::PERSISTENT, b"x"))
        .await;
    silent.call(&frames::get("q"), 60, 71).await;
    good.call(&frames::get("q"), 60, 72).await;
    tokio::time::sleep(Duration::from_secs(21)).await;
    let got = good.call(&frames::get("q"), 60, 71).await;
    assert_eq!(got[8], 1, "redelivered");
}

#[tokio::test(start_paused = true)]
async fn a_client_has_ten_seconds_to_answer_a_close() {
    let server = server();
    let mut client = Client::logged_in(&server, 0).await;
    client.send(&frames::frame(9, 0, b"")).await;
    client.expect(10, 50).await;
    assert_eq!(seconds(client.rest()).await.0, 10);
}

/// Asking the time is not free, and one read should not see two times.
#[tokio::test(start_paused = true)]
#[cfg(debug_assertions)]
async fn a_read_asks_the_time_once() {
    use std::sync::atomic::Ordering;

    let server = server();
    let mut consumer = Client::logged_in(&server, 60).await;
    consumer
        .call(&frames::declare("q", &FieldTable::new()), 50, 11)
        .await;
    consumer.call(&frames::consume("q", true), 60, 21).await;
    let mut publisher = Client::logged_in(&server, 60).await;
    publisher.call(&frames::confirm_select(), 85, 11).await;
    let reads = || -> u64 {
        let connections = server.shared().broker.connections.snapshot();
        let reads = connections
            .iter()
            .map(|open| open.traffic.reads.load(Ordering::Relaxed));
        reads.sum()
    };
    let publishes = frames::publish("", "q", frames::PERSISTENT, b"x").repeat(64);
    let (asked, begun) = (leveret::clock::reads(), reads());
    for _ in 0..10 {
        publisher.call(&publishes, 60, 80).await;
    }
    assert_eq!(leveret::clock::reads() - asked, reads() - begun);
    assert!(reads() - begun >= 10);
}
