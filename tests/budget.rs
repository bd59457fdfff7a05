//! What one message may cost, counted: allocations, locks, writes, wakes. Counts do not flutter on
//! a busy machine, times do. What a feature costs that is not used, or used, is stated here too.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]
#![allow(unsafe_code, reason = "a global allocator cannot be written without")]

#[path = "support/frames.rs"]
#[allow(dead_code, reason = "shared with tests and benches that use the rest")]
mod frames;
#[path = "support/pipe.rs"]
#[allow(dead_code, reason = "shared with benches that use the rest")]
mod pipe;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use leveret::broker::Broker;
use leveret::broker::event::Event;
use leveret_proto::value::{FieldTable, FieldValue};

use self::pipe::{Client, Peer, broker, connected};

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    static ALLOCATED_BYTES: Cell<usize> = const { Cell::new(0) };
}

/// Counts what this thread allocates.
struct Counting;

// SAFETY: every call is handed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        ALLOCATED_BYTES.set(ALLOCATED_BYTES.get() + layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Messages of one read.
const PER_READ: u64 = 64;
/// Reads of one measurement.
const READS: u64 = 100;

/// A publisher, a consumer, and what their sockets saw.
struct Pair {
    broker: Arc<Broker>,
    publisher: Client,
    consumer: Client,
    out: Arc<Peer>,
    back: Arc<Peer>,
}

impl Pair {
    /// Of a queue `q` with these arguments.
    fn of(arguments: &[(&str, FieldValue)], no_ack: bool) -> Self {
        let broker = broker();
        let (out, back) = (Arc::<Peer>::default(), Arc::<Peer>::default());
        let (publisher, mut consumer) = (connected(&broker, &back), connected(&broker, &out));
        let arguments: FieldTable = arguments.iter().cloned().collect();
        consumer.send(&frames::declare("q", &arguments));
        consumer.send(&frames::consume("q", no_ack));
        Self {
            broker,
            publisher,
            consumer,
            out,
            back,
        }
    }

    /// What a hundred rounds cost, after one that warms up.
    fn cost(&mut self, mut round: impl FnMut(&mut Self)) -> Cost {
        round(self);
        let before = self.count();
        (0..READS).for_each(|_| round(self));
        let after = self.count();
        let [allocations, locks, writes, confirms, wakes] =
            std::array::from_fn(|at| after[at] - before[at]);
        Cost {
            allocations,
            locks,
            writes,
            confirms,
            wakes,
        }
    }

    fn count(&self) -> [u64; 5] {
        let ([writes, _, wakes], [confirms, _, woken]) = (self.out.counts(), self.back.counts());
        [ALLOCATIONS.get(), locks(), writes, confirms, wakes + woken]
    }
}

#[derive(Debug)]
struct Cost {
    allocations: u64,
    locks: u64,
    /// To the consumer.
    writes: u64,
    /// Writes to the publisher.
    confirms: u64,
    wakes: u64,
}

impl Cost {
    /// The budget of every flow: one allocation a message, and that many locks besides those of
    /// a read; one write a read to each who gets something, and nobody is woken for it.
    #[track_caller]
    fn is_within(&self, locks_per_message: u64, confirms_per_read: u64) {
        let messages = READS * PER_READ;
        assert!(self.allocations <= messages + messages / 100, "{self:?}");
        assert!(
            self.locks <= locks_per_message * messages + LOCKS_PER_READ * READS,
            "{self:?}"
        );
        assert_eq!(self.writes, READS, "{self:?}");
        assert_eq!(self.confirms, confirms_per_read * READS, "{self:?}");
        assert_eq!(self.wakes, 0, "{self:?}");
    }
}

/// Locks of a read, however many messages it has: the flush of each who gets something, counters.
const LOCKS_PER_READ: u64 = 8;

/// Locks taken by this thread; only debug builds count them.
fn locks() -> u64 {
    #[cfg(debug_assertions)]
    return leveret::sync::acquisitions();
    #[cfg(not(debug_assertions))]
    0
}

/// One read full of publishes of 128 bytes.
fn publishes(exchange: &str, key: &str, properties: &[u8]) -> Vec<u8> {
    frames::publish(exchange, key, properties, &[b'x'; 128]).repeat(PER_READ as usize)
}

#[test]
fn a_message_costs_one_allocation_two_locks_and_a_share_of_a_write() {
    let mut pair = Pair::of(&[], true);
    let read = publishes("", "q", frames::PERSISTENT);
    let octets = pair.out.octets.load(Ordering::Relaxed);
    let cost = pair.cost(|pair| pair.publisher.send(&read));
    cost.is_within(2, 0);
    let octets = pair.out.octets.load(Ordering::Relaxed) - octets;
    assert!(octets > READS * PER_READ * 128, "they arrived");
}

#[test]
fn confirms_share_a_write_and_acknowledgements_cost_locks_only() {
    let mut pair = Pair::of(&[], false);
    pair.publisher.send(&frames::confirm_select());
    let read = publishes("", "q", frames::PERSISTENT);
    // Up to here, all at once: the ledger is taken from and the queue told once.
    let mut acks = (1..).map(|at| frames::ack(at * PER_READ, true));
    settled(&mut pair, &read, &mut acks).is_within(2, 1);
    // Each alone: ledger, queue, and a look whether somebody waits for room.
    let mut acks = (READS + 1..).map(|at| {
        let tags = (at * PER_READ + 1)..=(at + 1) * PER_READ;
        tags.flat_map(|tag| frames::ack(tag, false)).collect()
    });
    settled(&mut pair, &read, &mut acks).is_within(2 + 3, 1);
    assert_eq!(
        pair.broker
            .vhost("/")
            .unwrap()
            .queue("q", None)
            .unwrap()
            .view()
            .unacked,
        0
    );
}

/// The cost of reads of publishes, each followed by one of acknowledgements.
fn settled(pair: &mut Pair, read: &[u8], acks: &mut dyn Iterator<Item = Vec<u8>>) -> Cost {
    let acks: Vec<_> = acks.take(1 + READS as usize).collect();
    let mut acks = acks.iter();
    pair.cost(|pair| {
        pair.publisher.send(read);
        pair.consumer.send(acks.next().unwrap());
    })
}

#[test]
fn what_is_not_used_costs_nothing() {
    let expiring = [("x-message-ttl", FieldValue::I32(60_000))];
    let prioritised = [("x-max-priority", FieldValue::I32(10))];
    let limited = [("x-max-length", FieldValue::I32(1_000_000))];
    for arguments in [&expiring, &prioritised, &limited] {
        let mut pair = Pair::of(arguments, true);
        // Priority 5 and an expiration of their own, besides persistent.
        let properties = b"\x19\0\x02\x05\x0560000";
        let read = publishes("", "q", properties);
        pair.cost(|pair| pair.publisher.send(&read)).is_within(2, 0);
    }
}

#[test]
fn who_listens_costs_no_allocation_a_message() {
    let mut pair = Pair::of(&[], true);
    let heard = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&heard);
    pair.broker.events.listen(Arc::new(move |events: &[Event]| {
        let is_publish = |event: &&Event| matches!(event, Event::Published { .. });
        let publishes = events.iter().filter(is_publish).count();
        count.fetch_add(publishes as u64, Ordering::Relaxed);
    }));
    let read = publishes("", "q", frames::PERSISTENT);
    let cost = pair.cost(|pair| pair.publisher.send(&read));
    let messages = READS * PER_READ;
    // The list of listeners is copied for every read.
    let most = messages + messages / 100 + 2 * READS;
    assert!(cost.allocations <= most, "{cost:?}");
    assert!(heard.load(Ordering::Relaxed) >= messages);
}

#[test]
fn headers_in_order_cost_a_look_and_others_a_constant() {
    let mut pair = Pair::of(&[], true);
    // Headers and delivery mode.
    let properties = |headers: &[u8]| [b"\x30\0\0\0\0\x08", headers, b"\x02"].concat();
    let read = publishes("", "q", &properties(b"\x01at\x01\x02bcV"));
    pair.cost(|pair| pair.publisher.send(&read)).is_within(2, 0);
    let read = publishes("", "q", &properties(b"\x02bcV\x01at\x01"));
    let cost = pair.cost(|pair| pair.publisher.send(&read));
    let messages = READS * PER_READ;
    // A copy, a list of fields, the table and the properties anew, besides the message.
    assert!(
        cost.allocations <= messages * 5 + messages / 100,
        "{cost:?}"
    );
}

#[test]
fn a_route_is_found_once_whatever_the_exchange() {
    for exchange in ["amq.direct", "amq.fanout", "amq.topic"] {
        let mut pair = Pair::of(&[], true);
        pair.consumer.send(&frames::bind("q", exchange, "a.b.c"));
        let read = publishes(exchange, "a.b.c", frames::PERSISTENT);
        pair.cost(|pair| pair.publisher.send(&read)).is_within(2, 0);
    }
}

#[test]
fn a_message_for_two_is_one_message() {
    let mut pair = Pair::of(&[], true);
    let other = Arc::<Peer>::default();
    let mut second = connected(&pair.broker, &other);
    second.send(&frames::declare("r", &FieldTable::new()));
    second.send(&frames::consume("r", true));
    for queue in ["q", "r"] {
        second.send(&frames::bind(queue, "amq.fanout", ""));
    }
    let [before, ..] = other.counts();
    let read = publishes("amq.fanout", "", frames::PERSISTENT);
    pair.cost(|pair| pair.publisher.send(&read)).is_within(4, 0);
    let [after, ..] = other.counts();
    assert_eq!(
        after - before,
        READS + 1,
        "one write a read to the other, too"
    );

    // A large body is not even copied: both are given the same bytes.
    pair.publisher.send(&frames::publish(
        "amq.fanout",
        "",
        frames::PERSISTENT,
        &[b'x'; 8192],
    ));
    let place = |peer: &Peer| peer.large_slice.load(Ordering::Relaxed);
    assert_ne!(place(&other), 0);
    assert_eq!(place(&pair.out), place(&other));
}

#[test]
fn an_owner_is_woken_once_when_its_socket_is_full() {
    let mut pair = Pair::of(&[], true);
    let read = publishes("", "q", frames::PERSISTENT);
    pair.out.is_full.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        pair.publisher.send(&read);
        let [.., wakes] = pair.out.counts();
        assert_eq!(wakes, 1, "until it has written");
    }
}

/// What a table may be in memory for each of its bytes on the wire: a value of one byte takes a
/// place for any value, in a list that doubles as it grows.
const TABLE_FACTOR: usize = 256;

#[track_caller]
fn table_is_bounded(raw: &[u8]) {
    let before = ALLOCATED_BYTES.get();
    let decoded = FieldTable::decode(raw);
    let allocated = ALLOCATED_BYTES.get() - before;
    let most = TABLE_FACTOR * (raw.len() + 1);
    assert!(allocated <= most, "{allocated} bytes for {}", raw.len());
    drop(decoded);
}

#[test]
fn lengths_that_lie_reserve_nothing() {
    table_is_bounded(b"\x01kS\xff\xff\xff\xff");
    table_is_bounded(b"\x01kA\x7f\xff\xff\xffV");
    table_is_bounded(b"\x01kF\xff\xff\xff\xff\x01kV");
    table_is_bounded(&b"\0V".repeat(60_000));
    let array = [&b"\x01kA\0\0\xea\x60"[..], &[b'V'; 60_000]].concat();
    table_is_bounded(&array);
}

#[test]
fn a_promised_body_reserves_nothing() {
    const CHANNELS: u16 = 200;
    let broker = broker();
    let mut client = connected(&broker, &Arc::default());
    // Method and header, which promises 16 MiB; the body does not come.
    let promise = |channel: u16| {
        let method = frames::method(channel, 60, 40, &[&[0, 0, 0, 1, b'q', 0]]);
        let size = (16 * 1024 * 1024_u64).to_be_bytes();
        let header = [&[0, 60, 0, 0][..], &size, &[0, 0]].concat();
        [method, frames::frame(2, channel, &header)].concat()
    };
    let opened: Vec<u8> = (2..CHANNELS).flat_map(frames::open_channel).collect();
    let promised: Vec<u8> = (2..CHANNELS).flat_map(promise).collect();
    client.send(&opened);
    let before = ALLOCATED_BYTES.get();
    client.send(&promised);
    let allocated = ALLOCATED_BYTES.get() - before;
    assert!(allocated <= 32 * promised.len(), "{allocated} bytes");
}

#[test]
fn a_further_reader_of_a_stream_costs_no_allocation_and_no_copy() {
    let allocations = |readers: usize| {
        let broker = broker();
        let mut publisher = connected(&broker, &Arc::default());
        let arguments = [("x-queue-type", "stream")].into_iter().collect();
        publisher.send(&frames::declare("q", &arguments));
        let outs: Vec<_> = (0..readers).map(|_| Arc::<Peer>::default()).collect();
        for out in &outs {
            let mut reader = connected(&broker, out);
            reader.send(&frames::qos(u16::MAX));
            reader.send(&frames::consume("q", false));
        }
        let read = publishes("", "q", frames::PERSISTENT);
        publisher.send(&read);
        let before = ALLOCATIONS.get();
        (0..READS).for_each(|_| publisher.send(&read));
        let allocated = ALLOCATIONS.get() - before;
        publisher.send(&frames::publish("", "q", frames::PERSISTENT, &[b'x'; 8192]));
        let place = |peer: &Arc<Peer>| peer.large_slice.load(Ordering::Relaxed);
        assert!(outs.iter().all(|out| place(out) == place(&outs[0])));
        assert_ne!(place(&outs[0]), 0);
        allocated
    };
    let (one, three) = (allocations(1), allocations(3));
    assert!(three < one + READS * PER_READ / 20, "{one}, {three}");
}
