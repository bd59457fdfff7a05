//! What one message may cost, counted: allocations, writes, wakes, locks. Counts do not flutter
//! on a busy machine, times do.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use leveret::broker::alarm::MemoryLimit;
use leveret::broker::compat::Compat;
use leveret::broker::tick::{Tick, Ticked};
use leveret::broker::{Broker, BrokerSpec, Timer};
use leveret::session::egress::{Doorbell, Egress, Sink};
use leveret::session::{Endpoints, Now, Session, Verdict};
use leveret_proto::connection::Config;

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// Counts what this thread allocates.
struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[derive(Debug)]
struct NoTimer;

impl Timer for NoTimer {
    fn arm(&self, deadlines: &mut Vec<(Tick, Arc<dyn Ticked>)>) {
        deadlines.clear();
    }

    fn moved(&self) {}
}

/// A socket that accepts everything, and counts the writes and what they write.
#[derive(Default)]
struct Counters {
    writes: AtomicU64,
    octets: AtomicU64,
    rings: AtomicU64,
}

struct Socket(Arc<Counters>);

impl Sink for Socket {
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let octets = slices.iter().map(|slice| slice.len()).sum();
        self.0.writes.fetch_add(1, Ordering::Relaxed);
        self.0.octets.fetch_add(octets as u64, Ordering::Relaxed);
        Ok(octets)
    }
}

struct Bell(Arc<Counters>);

impl Doorbell for Bell {
    fn ring(&self) {
        self.0.rings.fetch_add(1, Ordering::Relaxed);
    }
}

fn now() -> Now {
    Now {
        instant: Instant::now(),
        tick: Tick::from_ms(1),
        wall_ms: 0,
    }
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &size, payload, &[0xCE]].concat()
}

fn connected(broker: &Arc<Broker>, counters: &Arc<Counters>) -> Session {
    let sink = Box::new(Socket(Arc::clone(counters)));
    let egress = Arc::new(Egress::new(sink, Box::new(Bell(Arc::clone(counters)))));
    let address: SocketAddr = "127.0.0.1:5672".parse().unwrap();
    let endpoints = Endpoints {
        peer: address,
        local: address,
    };
    let mut session = Session::new(
        Arc::clone(broker),
        egress,
        endpoints,
        Config::default(),
        now(),
    );
    let steps = [
        b"AMQP\0\0\x09\x01".to_vec(),
        frame(
            1,
            0,
            b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US",
        ),
        frame(1, 0, b"\0\x0a\0\x1f\x07\xff\0\x02\0\0\0\0"),
        frame(1, 0, b"\0\x0a\0\x28\x01/\0\0"),
        frame(1, 1, b"\0\x14\0\x0a\0"),
    ];
    for step in steps {
        assert_eq!(session.recv(&step, now()), (step.len(), Verdict::Open));
    }
    session
}

/// One read full of publishes of 128 bytes to the queue `q`.
fn publishes(count: usize) -> Vec<u8> {
    let header = b"\0\x3c\0\0\0\0\0\0\0\0\0\x80\x10\0\x02";
    let one = [
        frame(1, 1, b"\0\x3c\0\x28\0\0\0\x01q\0"),
        frame(2, 1, header),
        frame(3, 1, &[b'x'; 128]),
    ]
    .concat();
    one.repeat(count)
}

#[test]
fn a_message_costs_one_allocation_two_locks_and_a_share_of_a_write() {
    const PER_READ: usize = 64;
    const READS: usize = 100;
    let spec = BrokerSpec {
        compat: Compat::default(),
        node: "rabbit@test".into(),
        seed: Some(1),
        wall_start_ms: 0,
        memory: MemoryLimit::default(),
    };
    let broker = Arc::new(Broker::new(spec, Arc::new(NoTimer)));
    let (producer, consumer) = (Arc::default(), Arc::<Counters>::default());
    let (mut publisher, mut subscriber) =
        (connected(&broker, &producer), connected(&broker, &consumer));
    let declare = frame(1, 1, b"\0\x32\0\x0a\0\0\x01q\x02\0\0\0\0");
    let consume = frame(1, 1, b"\0\x3c\0\x14\0\0\x01q\x01c\x02\0\0\0\0");
    subscriber.recv(&[declare, consume].concat(), now());
    let read = publishes(PER_READ);
    publisher.recv(&read, now());

    let (writes, rings) = (
        consumer.writes.load(Ordering::Relaxed),
        consumer.rings.load(Ordering::Relaxed),
    );
    let octets = consumer.octets.load(Ordering::Relaxed);
    let allocations = ALLOCATIONS.get();
    #[cfg(debug_assertions)]
    let locks = leveret::sync::acquisitions();
    for _ in 0..READS {
        assert_eq!(publisher.recv(&read, now()), (read.len(), Verdict::Open));
    }
    let messages = (READS * PER_READ) as u64;
    let allocated = ALLOCATIONS.get() - allocations;
    assert!(
        allocated <= messages + messages / 100,
        "{allocated} for {messages} messages"
    );
    assert_eq!(
        consumer.writes.load(Ordering::Relaxed) - writes,
        READS as u64,
        "one a read"
    );
    assert_eq!(
        consumer.rings.load(Ordering::Relaxed),
        rings,
        "nobody is woken"
    );
    assert!(consumer.octets.load(Ordering::Relaxed) - octets > messages * 128);
    #[cfg(debug_assertions)]
    {
        let locks = leveret::sync::acquisitions() - locks;
        let per_read = 8;
        assert!(
            locks <= 2 * messages + per_read * READS as u64,
            "{locks} for {messages} messages"
        );
    }
}
