//! The memory alarm: who publishes waits, who consumes goes on.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use leveret::broker::Broker;
use leveret::broker::alarm::MemoryLimit;
use leveret::server::Server;

use super::socket::{self, method, read_frame, with};

const BLOCKED: [u8; 4] = [0, 10, 0, 60];
const UNBLOCKED: [u8; 4] = [0, 10, 0, 61];
const DECLARE_OK: [u8; 4] = [0, 50, 0, 11];
const PUBLISH_TO_Q: &[u8] = b"\0\x3c\0\x28\0\0\0\x01q\0";
const BODY_BYTES: u64 = 100_000;

fn with_limit(limit_bytes: u64, test: impl FnOnce(u16, &Arc<Broker>)) {
    let memory = MemoryLimit {
        limit_bytes,
        own_bytes: 0,
    };
    with(Server::builder().memory(memory), test);
}

/// Logged in as a client that wants to hear of being blocked, with channel 1 open.
fn client(port: u16) -> TcpStream {
    let start_ok = b"\0\x0a\0\x0b\0\0\0\x27\x0ccapabilitiesF\0\0\0\x15\x12connection.blockedt\x01\
                     \x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US";
    let mut stream = socket::logged_in_with(port, start_ok);
    stream.write_all(&method(1, b"\0\x14\0\x0a\0")).unwrap();
    read_frame(&mut stream);
    stream
}

fn call(stream: &mut TcpStream, payload: &[u8]) -> Vec<u8> {
    stream.write_all(&method(1, payload)).unwrap();
    read_frame(stream).1
}

const DECLARE: &[u8] = b"\0\x32\0\x0a\0\0\x01q\x02\0\0\0\0";

/// Declare the queue; how many messages are ready in it.
fn declare(stream: &mut TcpStream) -> u32 {
    let declare_ok = call(stream, DECLARE);
    assert_eq!(declare_ok[..6], [0, 50, 0, 11, 1, b'q']);
    u32::from_be_bytes(declare_ok[6..10].try_into().unwrap())
}

fn frame(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = method(1, payload);
    frame[0] = kind;
    frame
}

fn publish(body: &[u8]) -> Vec<u8> {
    let mut header = b"\0\x3c\0\0".to_vec();
    header.extend((body.len() as u64).to_be_bytes());
    header.extend([0, 0]);
    let frames = [method(1, PUBLISH_TO_Q), frame(2, &header), frame(3, body)];
    frames.concat()
}

/// Publish until the broker says that it takes no more; what is written after that waits in the
/// socket, so another thread writes.
fn publish_much(stream: &TcpStream, count: usize) -> std::thread::JoinHandle<()> {
    let mut stream = stream.try_clone().unwrap();
    let message = publish(&vec![b'x'; usize::try_from(BODY_BYTES).unwrap()]);
    std::thread::spawn(move || (0..count).for_each(|_| stream.write_all(&message).unwrap()))
}

fn is_next(stream: &mut TcpStream, ids: [u8; 4]) {
    assert_eq!(read_frame(stream).1[..4], ids);
}

#[test]
fn a_publisher_over_the_limit_is_paused_until_a_consumer_has_drained() {
    const MESSAGES: usize = 300;
    with_limit(5_000_000, |port, broker| {
        let (mut publisher, mut consumer) = (client(port), client(port));
        declare(&mut publisher);
        let writer = publish_much(&publisher, MESSAGES);
        is_next(&mut publisher, BLOCKED);
        let held = broker.held_bytes();
        assert!((5_000_000..6_000_000).contains(&held), "{held} are held");
        assert!(broker.alarm.is_raised());

        call(&mut consumer, b"\0\x3c\0\x14\0\0\x01q\x01c\x02\0\0\0\0");
        let mut body_bytes = 0;
        while body_bytes < MESSAGES as u64 * BODY_BYTES {
            let (_, payload) = read_frame(&mut consumer);
            if payload[0] == b'x' {
                body_bytes += payload.len() as u64;
            }
        }
        is_next(&mut publisher, UNBLOCKED);
        writer.join().unwrap();
    });
}

#[test]
fn the_message_that_meets_the_alarm_waits_for_its_end() {
    with_limit(u64::MAX, |port, broker| {
        let (mut publisher, mut other) = (client(port), client(port));
        declare(&mut publisher);
        publisher.write_all(&publish(b"before")).unwrap();
        assert_eq!(declare(&mut publisher), 1);

        broker.force_alarm(true);
        // Whoever does not publish is answered, and not told.
        assert_eq!(declare(&mut publisher), 1);
        let during = [publish(b"during"), method(1, DECLARE)].concat();
        publisher.write_all(&during).unwrap();
        is_next(&mut publisher, BLOCKED);
        assert_eq!(declare(&mut other), 1, "the second message waits");

        broker.force_alarm(false);
        is_next(&mut publisher, UNBLOCKED);
        is_next(&mut publisher, DECLARE_OK);
        assert_eq!(declare(&mut other), 2);
    });
}

#[test]
fn who_connects_during_an_alarm_may_do_all_but_publish() {
    with_limit(0, |port, broker| {
        let mut late = client(port);
        declare(&mut late);
        late.write_all(&publish(b"late")).unwrap();
        is_next(&mut late, BLOCKED);
        late.write_all(&method(1, DECLARE)).unwrap();
        broker.set_memory_limit(u64::MAX);
        is_next(&mut late, UNBLOCKED);
        is_next(&mut late, DECLARE_OK);
    });
}

#[test]
fn a_client_without_the_capability_is_paused_without_a_word() {
    with_limit(0, |port, broker| {
        let mut plain = socket::logged_in(port);
        plain.write_all(&method(1, b"\0\x14\0\x0a\0")).unwrap();
        read_frame(&mut plain);
        let all = [publish(b"quiet"), method(1, DECLARE)].concat();
        plain.write_all(&all).unwrap();
        // A connection that publishes and is told shows that the first was read by now.
        let mut told = client(port);
        told.write_all(&publish(b"told")).unwrap();
        is_next(&mut told, BLOCKED);
        broker.set_memory_limit(u64::MAX);
        is_next(&mut plain, DECLARE_OK);
        is_next(&mut told, UNBLOCKED);
    });
}

#[test]
fn a_paused_connection_can_be_closed() {
    with_limit(0, |port, broker| {
        let mut publisher = client(port);
        publisher.write_all(&publish(b"x")).unwrap();
        is_next(&mut publisher, BLOCKED);
        broker.close_connections("enough", |_| true);
        is_next(&mut publisher, [0, 10, 0, 50]);
        publisher.write_all(&method(0, b"\0\x0a\0\x33")).unwrap();
        assert_eq!(publisher.peek(&mut [0]).unwrap(), 0, "the socket is closed");
    });
}
