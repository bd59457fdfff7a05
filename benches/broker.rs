//! The whole broker without sockets: a publisher's bytes go in, a consumer's come out.
#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot go on should say where"
)]

#[allow(dead_code, reason = "shared with the other benches")]
mod support;

use std::hint::black_box;
use std::sync::Arc;

use criterion::{BenchmarkId, Criterion, Throughput};
use leveret_proto::value::FieldTable;
use support::pipe::{Client, Peer, broker, connected};
use support::{BATCH, criterion, frames};

/// `basic.ack` of the next deliveries, one by one: written once, numbered again and again.
struct Acks {
    frames: Vec<u8>,
    next: u64,
}

/// Octets of such a frame, and where in it the tag stands.
const ACK_LEN: usize = 21;
const TAG_AT: std::ops::Range<usize> = 11..19;

impl Acks {
    fn new() -> Self {
        let frames = (0..BATCH).flat_map(|_| frames::ack(0, false)).collect();
        Self { frames, next: 1 }
    }

    fn next(&mut self) -> &[u8] {
        for ack in self.frames.chunks_exact_mut(ACK_LEN) {
            ack[TAG_AT].copy_from_slice(&self.next.to_be_bytes());
            self.next += 1;
        }
        &self.frames
    }
}

/// A publisher and a consumer of one queue.
struct Flow {
    publisher: Client,
    consumer: Client,
    out: Arc<Peer>,
    back: Arc<Peer>,
    read: Vec<u8>,
    acks: Option<Acks>,
}

impl Flow {
    /// With confirms and acknowledgements, or without either.
    fn new(body_bytes: usize, safe: bool) -> Self {
        let broker = broker();
        let (out, back) = (Peer::keeping(), Peer::keeping());
        let (mut publisher, mut consumer) = (connected(&broker, &back), connected(&broker, &out));
        consumer.send(&frames::declare("q", &FieldTable::new()));
        consumer.send(&frames::consume("q", !safe));
        if safe {
            publisher.send(&frames::confirm_select());
        }
        let body = vec![b'x'; body_bytes];
        let publish = frames::publish("", "q", frames::PERSISTENT, &body);
        let read = publish.repeat(BATCH as usize);
        let acks = safe.then(Acks::new);
        Self {
            publisher,
            consumer,
            out,
            back,
            read,
            acks,
        }
    }

    /// One read of publishes, and what follows from it; octets that came out.
    fn round(&mut self) -> usize {
        self.publisher.send(&self.read);
        if let Some(acks) = &mut self.acks {
            self.consumer.send(acks.next());
        }
        self.out.take(<[u8]>::len) + self.back.take(<[u8]>::len)
    }
}

fn main() {
    let mut criterion: Criterion = criterion();
    let mut group = criterion.benchmark_group("broker");
    group.throughput(Throughput::Elements(BATCH));
    for (name, safe) in [("auto-ack", false), ("confirmed and acked", true)] {
        for body_bytes in [16, 1024] {
            let mut flow = Flow::new(body_bytes, safe);
            group.bench_function(BenchmarkId::new(name, body_bytes), |bencher| {
                bencher.iter(|| black_box(flow.round()));
            });
        }
    }
    group.finish();
    criterion.final_summary();
}
