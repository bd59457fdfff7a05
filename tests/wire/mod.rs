//! The whole server with raw frames: over a pipe in memory and with the time stopped, except where
//! the socket itself is what is tested.

mod alarm;
#[cfg(all(feature = "auth-http", feature = "auth-oauth2"))]
mod auth;
mod bounds;
mod compat;
mod headers;
mod limits;
mod login;
mod nagle;
mod proxy;
mod reads;
#[cfg(feature = "tls")]
mod revocation;
pub(crate) mod socket;
mod time;
mod timeout;
#[cfg(feature = "tls")]
mod tls;

use leveret::server::Server;

use crate::support::frames;
use crate::support::memory::{Client, reason};

/// A server that nobody else talks to.
fn server() -> Server {
    Server::builder().start().unwrap()
}

#[tokio::test(start_paused = true)]
async fn another_protocol_gets_our_header_and_the_connection_closes() {
    let server = server();
    let mut client = Client::connect(&server).await;
    client.send(b"GET / HTTP/1.1\r\n").await;
    assert_eq!(client.rest().await, b"AMQP\x03\x01\0\0");
}

#[tokio::test(start_paused = true)]
async fn guessing_passwords_gets_slow() {
    let server = server();
    let wrong = b"\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0wrong\x05en_US";
    let begun = tokio::time::Instant::now();
    for attempt in 1..=22 {
        let mut client = Client::connect(&server).await;
        client.call(frames::PROTOCOL_HEADER, 10, 10).await;
        // What comes behind it is not looked at.
        let start_ok = frames::method(0, 10, 11, &[wrong]);
        let tune_ok = &frames::log_in(0)[2];
        client.send(&[start_ok, tune_ok.clone()].concat()).await;
        assert!(client.rest().await.is_empty());
        let expected = u64::saturating_sub(attempt, 20);
        assert_eq!(begun.elapsed().as_secs(), expected, "attempt {attempt}");
    }
    assert_eq!(server.shared().broker.logins.amqp.totals(), (0, 22));
    Client::logged_in(&server, 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_queue_closes_the_channel() {
    let server = server();
    let mut client = Client::logged_in(&server, 0).await;
    let passive = frames::method(1, 50, 10, &[b"\0\0\x01q\x01\0\0\0\0"]);
    let close = client.call(&passive, 20, 40).await;
    let text = "NOT_FOUND - no queue 'q' in vhost '/'";
    assert_eq!(reason(&close), (404, text.to_owned()));
}
