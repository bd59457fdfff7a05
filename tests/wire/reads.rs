//! How much is read at once.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use leveret::server::{Stream, Writer};
use leveret::session::Endpoints;
use leveret::session::egress::Sink;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::sync::Notify;

use super::server;
use crate::support::frames;

/// A client that has all it will ever say ready, and hears nothing.
struct Script {
    left: Vec<u8>,
    reads: Arc<AtomicUsize>,
    read_all: Arc<Notify>,
}

impl AsyncRead for Script {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.left.is_empty() {
            self.read_all.notify_one();
            return Poll::Pending;
        }
        let count = buffer.remaining().min(self.left.len());
        buffer.put_slice(&self.left.drain(..count).collect::<Vec<_>>());
        self.reads.fetch_add(1, Relaxed);
        Poll::Ready(Ok(()))
    }
}

struct Nowhere;

impl Sink for Nowhere {
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(slices.iter().map(|slice| slice.len()).sum())
    }
}

impl Writer for Nowhere {
    async fn writable(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for Script {
    type Reader = Self;
    type Writer = Nowhere;

    fn into_halves(self) -> (Self, Nowhere) {
        (self, Nowhere)
    }
}

/// Each read is a call of the system's, and the flushes that follow it.
#[tokio::test(start_paused = true)]
async fn who_sends_much_is_read_in_large_pieces() {
    const LARGEST: usize = 64 * 1024;
    let server = server();
    let publish = frames::publish("amq.fanout", "", frames::PERSISTENT, &[b'x'; 1024]);
    let said = [
        frames::log_in(0).concat(),
        frames::open_channel(1),
        publish.repeat(2000),
    ]
    .concat();
    let (reads, read_all) = (Arc::<AtomicUsize>::default(), Arc::<Notify>::default());
    let largest = said.len() / LARGEST;
    let script = Script {
        left: said,
        reads: Arc::clone(&reads),
        read_all: Arc::clone(&read_all),
    };
    let at = "127.0.0.1:5672".parse().unwrap();
    let endpoints = Endpoints {
        peer: at,
        local: at,
    };
    server.serve(script, endpoints).await;
    read_all.notified().await;
    let reads = reads.load(Relaxed);
    assert!(reads <= largest + 10, "{reads} reads");
}
