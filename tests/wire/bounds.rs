//! A client that misbehaves costs the broker little, and others nothing.

use std::time::Duration;

use leveret::server::Server;
use leveret::session::egress::FULL_BYTES;
use leveret_proto::value::FieldTable;
use tokio::time::timeout;

use super::server;
use crate::support::frames;
use crate::support::memory::{Client, reason};

/// Clients that may be in their handshake at once: `HANDSHAKES_MAX`.
const HANDSHAKES: usize = 1024;

/// An hour: with the time stopped it only passes when nothing else can happen.
const FOREVER: Duration = Duration::from_secs(3600);

/// A client of this server that works: it can publish and get.
async fn works(server: &Server) {
    let mut client = Client::logged_in(server, 0).await;
    client
        .call(&frames::declare("other", &FieldTable::new()), 50, 11)
        .await;
    client
        .send(&frames::publish("", "other", frames::PERSISTENT, b"x"))
        .await;
    client.call(&frames::get("other"), 60, 71).await;
}

#[tokio::test(start_paused = true)]
async fn clients_beyond_connection_max_are_refused() {
    let server = Server::builder().connection_max(2).start().unwrap();
    let half_open = Client::connect(&server).await;
    let _first = Client::logged_in(&server, 0).await;
    let mut refused = Client::connect(&server).await;
    refused.log_in(0).await;
    let text = "NOT_ALLOWED - connection refused: node connection limit (2) is reached";
    let close = refused.expect(10, 50).await;
    assert_eq!(reason(&close), (530, text.to_owned()));
    assert_eq!(close[close.len() - 4..], [0, 10, 0, 40], "connection.open");
    refused.send(&frames::method(0, 10, 51, &[])).await;
    refused.rest().await;
    drop(half_open);
    works(&server).await;
}

#[tokio::test(start_paused = true)]
async fn handshakes_are_limited_in_number_and_time() {
    let server = server();
    let mut open = Client::logged_in(&server, 0).await;
    let mut silent = Vec::new();
    for _ in 0..HANDSHAKES {
        silent.push(Client::connect(&server).await);
    }
    let next = timeout(Duration::from_secs(9), Client::connect(&server)).await;
    assert!(next.is_err(), "it waits for one of them");
    open.call(&frames::declare("q", &FieldTable::new()), 50, 11)
        .await;
    let late = timeout(Duration::from_secs(2), works(&server)).await;
    assert!(late.is_ok(), "until their ten seconds are over");
}

#[tokio::test(start_paused = true)]
async fn a_consumer_that_stops_reading_is_bounded() {
    let body = [b'x'; 1024];
    let messages = 4 * FULL_BYTES / body.len();
    let server = server();
    let mut stuck = Client::logged_in(&server, 0).await;
    stuck
        .call(&frames::declare("q", &FieldTable::new()), 50, 11)
        .await;
    stuck.call(&frames::consume("q", true), 60, 21).await;
    let mut publisher = Client::logged_in(&server, 0).await;
    publisher.call(&frames::confirm_select(), 85, 11).await;
    for _ in 0..messages {
        publisher
            .send(&frames::publish("", "q", frames::PERSISTENT, &body))
            .await;
    }
    works(&server).await;
    let queue = server.shared().broker.vhost("/").unwrap().queue("q", None);
    let waiting = queue.unwrap().view().ready as usize;
    assert!(waiting > messages / 2, "{waiting} stayed in the queue");
    for at in 0..messages {
        let deliver = stuck.expect(60, 60).await;
        assert_eq!(
            deliver[2..10],
            (at as u64 + 1).to_be_bytes(),
            "none is lost"
        );
        stuck.frame().await;
        assert_eq!(stuck.frame().await.2, body);
    }
}

#[tokio::test(start_paused = true)]
async fn requests_of_a_client_that_stops_reading_wait() {
    let server = server();
    let mut stuck = Client::logged_in(&server, 0).await;
    let mut sent = 0;
    let declare = frames::declare("q", &FieldTable::new()).repeat(1000);
    while timeout(FOREVER, stuck.send(&declare)).await.is_ok() {
        sent += declare.len();
        assert!(sent < 16 * FULL_BYTES, "{sent} bytes were taken");
    }
    assert!(sent > 0);
    works(&server).await;
}

#[tokio::test(start_paused = true)]
async fn garbage_ends_its_own_connection_only() {
    let server = server();
    let mut good = Client::logged_in(&server, 0).await;
    let wrong_end = [&b"\x01\0\x01\0\0\0\x05\0\x3c\0\x50\0"[..], b"garbage"].concat();
    let huge = b"\x01\0\x01\xff\xff\xff\xff".to_vec();
    let unknown_kind = frames::frame(77, 1, b"?");
    for garbage in [wrong_end, huge, unknown_kind] {
        let mut bad = Client::logged_in(&server, 0).await;
        let close = bad.call(&garbage, 10, 50).await;
        assert_eq!(reason(&close).0, 501, "{}", reason(&close).1);
        let rest = timeout(FOREVER, bad.rest()).await;
        assert_eq!(rest.unwrap(), b"", "and the end");
    }
    good.call(&frames::declare("q", &FieldTable::new()), 50, 11)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_of_garbage_is_hung_up_on() {
    let server = server();
    for garbage in [&b"\x01\0\0\xff\xff\xff\xff"[..], &[0; 100], &[0xFF; 9000]] {
        let mut bad = Client::connect(&server).await;
        bad.call(frames::PROTOCOL_HEADER, 10, 10).await;
        bad.send(garbage).await;
        let rest = timeout(Duration::from_secs(11), bad.rest()).await;
        assert!(rest.is_ok());
    }
    works(&server).await;
}
