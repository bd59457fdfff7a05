//! A client that holds each write back until it knows that the one before it arrived.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use leveret::server::{Stream, Writer};
use leveret::session::Endpoints;
use leveret::session::egress::Sink;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

use super::server;
use crate::support::frames;

/// What the two ends of the client's socket share.
#[derive(Default)]
struct Socket {
    /// Writes, the next one first; and who is to know that it may go out.
    held: Mutex<(VecDeque<Vec<u8>>, bool, Option<Waker>)>,
    acknowledged: AtomicU64,
    all_sent: Notify,
}

impl Socket {
    /// The client learns that what it sent arrived.
    fn go_on(&self) {
        let mut held = self.held.lock().unwrap();
        held.1 = true;
        if let Some(waker) = held.2.take() {
            waker.wake();
        }
    }
}

struct Client(Arc<Socket>);

impl AsyncRead for Client {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut held = self.0.held.lock().unwrap();
        let next = if held.1 { held.0.pop_front() } else { None };
        let Some(write) = next else {
            held.2 = Some(context.waker().clone());
            if held.0.is_empty() {
                self.0.all_sent.notify_one();
            }
            return Poll::Pending;
        };
        held.1 = false;
        buffer.put_slice(&write);
        Poll::Ready(Ok(()))
    }
}

struct Answers(Arc<Socket>);

impl Sink for Answers {
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.go_on();
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }
}

impl Writer for Answers {
    async fn writable(&self) -> io::Result<()> {
        Ok(())
    }

    fn acknowledge(&self) {
        self.0.acknowledged.fetch_add(1, Relaxed);
        self.0.go_on();
    }
}

impl Stream for Client {
    type Reader = Self;
    type Writer = Answers;

    fn into_halves(self) -> (Self, Answers) {
        let answers = Answers(Arc::clone(&self.0));
        (self, answers)
    }
}

#[tokio::test(start_paused = true)]
async fn who_holds_writes_back_is_told_at_once_that_they_arrived() {
    const PUBLISHES: usize = 3;
    let server = server();
    let publish = frames::publish("amq.fanout", "", frames::PERSISTENT, b"x");
    let mut writes: VecDeque<_> = frames::log_in(0).into_iter().collect();
    writes.push_back(frames::open_channel(1));
    writes.extend(std::iter::repeat_n(publish, PUBLISHES));
    let socket = Arc::new(Socket::default());
    *socket.held.lock().unwrap() = (writes, true, None);
    let at = "127.0.0.1:5672".parse().unwrap();
    let endpoints = Endpoints {
        peer: at,
        local: at,
    };
    let started = tokio::time::Instant::now();
    server.serve(Client(Arc::clone(&socket)), endpoints).await;
    let sent = socket.all_sent.notified();
    tokio::time::timeout(Duration::from_secs(1), sent)
        .await
        .expect("the client waits");
    assert_eq!(
        socket.acknowledged.load(Relaxed),
        1 + PUBLISHES as u64,
        "tune-ok, and what is published"
    );
    assert!(started.elapsed() < Duration::from_millis(10), "of 40");
}
