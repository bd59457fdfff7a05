//! What the release lines do differently, seen from a client.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;

use leveret::broker::Broker;
use leveret::broker::compat::Compat;
use leveret::broker::permission::Permission;
use leveret::broker::user::{HashingAlgorithm, PasswordHash, User};
use leveret::server::Server;
use leveret_proto::code::ReplyCode;
use leveret_proto::method::{Method, basic, queue};
use leveret_proto::value::FieldValue;

use super::socket::{logged_in_with, method, read_frame, with};

const GUEST: &[u8] = b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US";
const READER: &[u8] = b"\0\x0a\0\x0b\0\0\0\0\x05PLAIN\0\0\0\x0a\0reader\0pw\x05en_US";
const REPLY_TO: &str = "amq.rabbitmq.reply-to";

fn speaking(line: &str, test: impl FnOnce(u16, &Arc<Broker>)) {
    let compat = Compat::named(line, false).unwrap();
    with(Server::builder().compat(compat), test);
}

/// A client with channel 1 open.
fn client(port: u16, start_ok: &[u8]) -> TcpStream {
    let mut stream = logged_in_with(port, start_ok);
    stream.write_all(&method(1, b"\0\x14\0\x0a\0")).unwrap();
    read_frame(&mut stream);
    stream
}

fn send(stream: &mut TcpStream, it: &Method) {
    let mut payload = bytes::BytesMut::new();
    it.encode(&mut payload);
    stream.write_all(&method(1, &payload)).unwrap();
}

fn next(stream: &mut TcpStream) -> Method {
    Method::decode(&read_frame(stream).1).unwrap()
}

fn call(stream: &mut TcpStream, it: &Method) -> Method {
    send(stream, it);
    next(stream)
}

fn declare(name: &str, passive: bool) -> Method {
    Method::QueueDeclare(queue::Declare {
        queue: name.into(),
        passive,
        durable: true,
        ..queue::Declare::default()
    })
}

/// The code and the text that a channel or the connection is closed with, and the method at fault.
fn refusal(answer: Method) -> (u16, String, u16) {
    match answer {
        Method::ChannelClose(it) => (it.reply_code, it.reply_text.to_string(), it.class_id),
        Method::ConnectionClose(it) => (it.reply_code, it.reply_text.to_string(), it.class_id),
        other => panic!("{other:?}"),
    }
}

/// A user who may read what begins with `q`, and no more.
fn add_reader(broker: &Broker) {
    let password = PasswordHash::new(HashingAlgorithm::default(), "pw", [0; 4]);
    let user = Arc::new(User::new("reader".into(), password, Vec::new()));
    let permission = Arc::new(Permission::new("^$", "^$", "^q").unwrap());
    user.change(|state| state.permissions.insert("/".into(), permission));
    broker.users.insert("reader".into(), user);
}

#[test]
fn a_passive_declare_needs_some_permission_in_the_newest_line_only() {
    for (line, is_checked) in [("4.0", false), ("4.3", true)] {
        speaking(line, |port, broker| {
            add_reader(broker);
            let mut guest = client(port, GUEST);
            call(&mut guest, &declare("q", false));
            call(&mut guest, &declare("other", false));
            let mut reader = client(port, READER);
            let answer = call(&mut reader, &declare("q", true));
            assert!(matches!(answer, Method::QueueDeclareOk(_)), "{answer:?}");
            let answer = call(&mut reader, &declare("other", true));
            if is_checked {
                let text = "ACCESS_REFUSED - configure access to queue 'other' in vhost '/' \
                            refused for user 'reader'";
                assert_eq!(refusal(answer), (403, text.to_owned(), 50));
            } else {
                assert!(matches!(answer, Method::QueueDeclareOk(_)), "{answer:?}");
            }
        });
    }
}

fn publish_mandatory(stream: &mut TcpStream, key: &str) {
    let publish = basic::Publish {
        routing_key: key.into(),
        mandatory: true,
        ..basic::Publish::default()
    };
    send(stream, &Method::BasicPublish(publish));
    let mut header = method(1, b"\0\x3c\0\0\0\0\0\0\0\0\0\0\0\0");
    header[0] = 2;
    stream.write_all(&header).unwrap();
}

/// Consume replies on a fresh connection; where they are to be sent.
fn requester(port: u16, broker: &Broker) -> (TcpStream, String) {
    let mut stream = client(port, GUEST);
    let consume = basic::Consume {
        queue: REPLY_TO.into(),
        no_ack: true,
        ..basic::Consume::default()
    };
    call(&mut stream, &Method::BasicConsume(consume));
    let replies = broker.vhost("/").unwrap().replies.snapshot();
    let address = replies.first().unwrap().name().to_string();
    (stream, address)
}

/// What comes before the answer to a `basic.qos`, if anything does.
fn is_returned(stream: &mut TcpStream, key: &str) -> bool {
    publish_mandatory(stream, key);
    match call(stream, &Method::BasicQos(basic::Qos::default())) {
        Method::BasicReturn(it) => {
            assert_eq!(it.reply_code, ReplyCode::NO_ROUTE.number());
            read_frame(stream);
            assert!(matches!(next(stream), Method::BasicQosOk(_)));
            true
        }
        Method::BasicQosOk(_) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_mandatory_reply_was_returned_always_and_later_never() {
    for (line, returned) in [("3.10", true), ("4.0", true), ("4.3", false)] {
        speaking(line, |port, broker| {
            let (mut requester, address) = requester(port, broker);
            let mut responder = client(port, GUEST);
            assert_eq!(is_returned(&mut responder, &address), returned, "{line}");
            assert!(matches!(next(&mut requester), Method::BasicDeliver(_)));
            drop(requester);
            while !broker.vhost("/").unwrap().replies.snapshot().is_empty() {
                std::thread::yield_now();
            }
            assert_eq!(is_returned(&mut responder, &address), returned, "{line}");
            assert!(is_returned(&mut responder, "amq.rabbitmq.reply-to.x"));
        });
    }
}

#[test]
fn the_newest_line_fails_over_a_malformed_reply_address() {
    let bogus = declare("amq.rabbitmq.reply-to.bogus", true);
    for (line, code, class) in [("4.0", 404, 50), ("4.3", 541, 0)] {
        speaking(line, |port, broker| {
            let mut guest = client(port, GUEST);
            let (_requester, address) = requester(port, broker);
            assert_eq!(address.len(), 87);
            let answer = call(&mut guest, &declare(&address, true));
            assert!(matches!(answer, Method::QueueDeclareOk(_)), "{answer:?}");
            let (found, _, at) = refusal(call(&mut guest, &bogus));
            assert_eq!((found, at), (code, class), "{line}");
        });
    }
}

fn declare_quorum(name: &str, single_active: bool) -> Method {
    let arguments = [
        ("x-queue-type", FieldValue::from("quorum")),
        ("x-single-active-consumer", FieldValue::Bool(single_active)),
    ];
    Method::QueueDeclare(queue::Declare {
        queue: name.into(),
        durable: true,
        arguments: arguments.into_iter().collect(),
        ..queue::Declare::default()
    })
}

/// What the last of these methods is answered with, after a quorum queue `q` was declared.
fn refused_by_quorum(line: &str, single_active: bool, methods: &[Method]) -> (u16, String, u16) {
    let mut refused = None;
    speaking(line, |port, _| {
        let mut stream = client(port, GUEST);
        call(&mut stream, &declare_quorum("q", single_active));
        let answers = methods.iter().map(|it| call(&mut stream, it));
        refused = answers.last().map(refusal);
    });
    refused.unwrap()
}

#[test]
fn quorum_queues_with_a_single_active_consumer_have_no_get() {
    let get = [Method::BasicGet(basic::Get {
        queue: "q".into(),
        ..basic::Get::default()
    })];
    for (line, kind) in [
        ("3.10", "quorum"),
        ("4.0", "quorum"),
        ("4.3", "<<\"quorum\">>"),
    ] {
        let text = format!(
            "RESOURCE_LOCKED - cannot obtain access to locked queue 'q' in vhost '/'. basic.get \
             operations are not supported by {kind} queues with single active consumer"
        );
        assert_eq!(refused_by_quorum(line, true, &get), (405, text, 60));
    }
}

#[test]
fn quorum_queues_know_no_global_prefetch() {
    let methods = [
        Method::BasicQos(basic::Qos {
            prefetch_count: 1,
            global: true,
            ..basic::Qos::default()
        }),
        Method::BasicConsume(basic::Consume {
            queue: "q".into(),
            ..basic::Consume::default()
        }),
    ];
    let text = "NOT_IMPLEMENTED - queue 'q' in vhost '/' does not support global qos".to_owned();
    assert_eq!(refused_by_quorum("4.0", false, &methods), (540, text, 60));
}

#[test]
fn quorum_queues_are_not_deleted_on_a_condition() {
    let delete = [Method::QueueDelete(queue::Delete {
        queue: "q".into(),
        if_unused: true,
        ..queue::Delete::default()
    })];
    let text = "NOT_IMPLEMENTED - cannot delete queue 'q' in vhost '/'. queue.delete operations \
                with if-unused flag set are not supported by quorum queues"
        .to_owned();
    assert_eq!(refused_by_quorum("4.3", false, &delete), (540, text, 50));
}

#[test]
fn an_exclusive_queue_is_never_durable() {
    speaking("4.3", |port, broker| {
        let mut guest = client(port, GUEST);
        for durable in [true, false] {
            let declare = Method::QueueDeclare(queue::Declare {
                queue: "q".into(),
                durable,
                exclusive: true,
                ..queue::Declare::default()
            });
            let answer = call(&mut guest, &declare);
            assert!(matches!(answer, Method::QueueDeclareOk(_)), "{answer:?}");
        }
        let there = broker.vhost("/").unwrap().queues.get("q").unwrap();
        assert!(!there.spec.durable);
    });
}

#[test]
fn only_3_10_looks_at_what_a_consumer_says_of_mirrors() {
    for (line, is_checked) in [("3.10", true), ("4.0", false), ("4.3", false)] {
        speaking(line, |port, _| {
            let mut stream = client(port, GUEST);
            call(&mut stream, &declare("q", false));
            let consume = Method::BasicConsume(basic::Consume {
                queue: "q".into(),
                arguments: [("x-cancel-on-ha-failover", FieldValue::I32(1))]
                    .into_iter()
                    .collect(),
                ..basic::Consume::default()
            });
            match (call(&mut stream, &consume), is_checked) {
                (Method::BasicConsumeOk(_), false) => {}
                (answer, _) => {
                    let text = "PRECONDITION_FAILED - invalid arg 'x-cancel-on-ha-failover' for \
                                queue 'q' in vhost '/': {unacceptable_type,signedint}";
                    assert_eq!(refusal(answer), (406, text.to_owned(), 60), "{line}");
                    assert!(is_checked, "{line}");
                }
            }
        });
    }
}
