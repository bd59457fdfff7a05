//! What clients did while the tools were asked: queues, messages and connections of the scenes.

use std::io::Write as _;
use std::net::TcpStream;

use bytes::BytesMut;
use leveret_proto::value::{FieldTable, FieldValue};

use super::super::Ended;
use super::Record;
use crate::support::frames::{
    self, PERSISTENT, confirm_select, method, open_channel, publish, qos, short,
};
use crate::wire::socket::{logged_in_with, read_frame};

/// The clients of a scene.
#[derive(Debug)]
pub(super) struct Clients {
    port: u16,
    open: Vec<Client>,
    /// How the tool named the connection when it was last asked for nothing else.
    pid: Option<String>,
}

impl Clients {
    pub(super) fn new(port: u16) -> Self {
        Self {
            port,
            open: Vec::new(),
            pid: None,
        }
    }

    /// The ports they speak from.
    pub(super) fn ports(&self) -> impl Iterator<Item = u16> {
        let port = |client: &Client| client.0.local_addr().unwrap().port();
        self.open.iter().map(port)
    }

    pub(super) fn pid(&self) -> Option<&str> {
        self.pid.as_deref()
    }

    /// Keeps what a tool said that a later command line repeats.
    pub(super) fn heard(&mut self, record: &Record, ended: &Ended) {
        if record.line() == "rabbitmqctl list_connections pid -s" {
            self.pid = Some(ended.stdout.trim().to_owned());
        }
    }

    /// What the client says, where that is what was recorded.
    pub(super) fn seen(&mut self, record: &Record) -> Option<Ended> {
        if record.line() != "(the client saw)" {
            return None;
        }
        let close = self.open.first_mut()?.receive(CONNECTION_CLOSE);
        let code = u16::from_be_bytes([close[4], close[5]]);
        let text = String::from_utf8_lossy(&close[7..7 + usize::from(close[6])]);
        let stdout = format!(
            "{{\"code\": {code}, \"text\": \"{text}\", \"class_id\": 0, \"method_id\": 0}}\n"
        );
        Some(Ended {
            exit: 0,
            stdout,
            stderr: String::new(),
        })
    }

    /// So many connections that do nothing.
    pub(super) fn connect(&mut self, count: usize) {
        self.open.clear();
        self.open = (0..count).map(|_| Client::new(self.port, None)).collect();
    }

    pub(super) fn declare_topology(&mut self) {
        let mut client = Client::new(self.port, None);
        client.call(&open_channel(1), CHANNEL_OPEN_OK);
        client.call(&open_channel(2), CHANNEL_OPEN_OK);
        client.declare("q.one", DURABLE, &[]);
        client.declare(
            "q.two",
            0,
            &[
                ("x-max-length", 10.into()),
                ("x-message-ttl", 60_000.into()),
            ],
        );
        client.declare("q.quorum", DURABLE, &[("x-queue-type", "quorum".into())]);
        client.declare("q.stream", DURABLE, &[("x-queue-type", "stream".into())]);
        client.declare("shs", DURABLE, &[]);
        client.declare("shd", DURABLE, &[]);
        client.declare("q.excl", EXCLUSIVE, &[]);
        client.declare_exchange("ex.one", "topic", DURABLE, &[]);
        client.declare_exchange(
            "ex.two",
            "fanout",
            AUTO_DELETE,
            &[("alternate-exchange", "ex.one".into())],
        );
        let k = table(&[("k", "v".into())]);
        let names = [short("q.one"), short("ex.one"), short("a.#")].concat();
        client.call(
            &method(1, 50, 20, &[b"\0\0", &names, b"\0", &k]),
            QUEUE_BIND_OK,
        );
        let names = [short("ex.one"), short("ex.two"), short("")].concat();
        client.call(
            &method(1, 40, 30, &[b"\0\0", &names, b"\0\0\0\0\0"]),
            EXCHANGE_BIND_OK,
        );
        client.publish("q.one", b"message", 5);
        client.call(&qos(2), QOS_OK);
        client.consume("q.excl", "excl-tag", NO_ACK, &[]);
        client.consume("q.one", "cli-tag", 0, &[("x-priority", 1.into())]);
        client.receive(DELIVER);
        client.receive(DELIVER);
        self.open.push(client);
    }

    /// Queues that the tools ask about, and a client that is connected.
    pub(super) fn declare_a_few(&mut self) {
        let mut client = Client::new(self.port, None);
        client.call(&open_channel(1), CHANNEL_OPEN_OK);
        for queue in ["shs", "shd"] {
            client.declare(queue, DURABLE, &[]);
        }
        for kind in ["quorum", "stream"] {
            client.declare(
                &format!("q.{kind}"),
                DURABLE,
                &[("x-queue-type", kind.into())],
            );
        }
        self.open.push(client);
    }

    pub(super) fn declare_columns(&mut self) {
        self.connect(2);
        let mut client = Client::new(self.port, Some("cli-capture"));
        client.call(&open_channel(1), CHANNEL_OPEN_OK);
        client.call(&confirm_select(), CONFIRM_SELECT_OK);
        let single = ("x-single-active-consumer", FieldValue::Bool(true));
        client.declare("q.one", DURABLE, &[]);
        client.declare(
            "q.two",
            0,
            &[
                ("x-max-length", 10.into()),
                ("x-message-ttl", 60_000.into()),
            ],
        );
        for queue in ["q", "m"] {
            client.declare(
                &format!("{queue}.stream"),
                DURABLE,
                &[("x-queue-type", "stream".into())],
            );
        }
        client.declare("q.quorum", DURABLE, &[("x-queue-type", "quorum".into())]);
        client.declare(
            "m.quorum",
            DURABLE,
            &[("x-queue-type", "quorum".into()), single],
        );
        client.declare("m.one", DURABLE, &[]);
        client.declare("m.excl", EXCLUSIVE, &[]);
        client.publish("q.one", b"message", 13);
        client.publish("q.one", b"end", 1);
        for queue in ["m.stream", "m.excl", "m.one", "m.quorum"] {
            client.publish(queue, b"m", 4);
        }
        client.call(&qos(2), QOS_OK);
        for (queue, tag) in [("m.one", "t1"), ("m.quorum", "t2")] {
            client.consume(queue, tag, 0, &[]);
            client.receive(DELIVER);
            client.receive(DELIVER);
        }
        self.open.push(client);
    }
}

/// One connection, which works on its channel 1.
#[derive(Debug)]
struct Client(TcpStream);

impl Client {
    fn new(port: u16, name: Option<&str>) -> Self {
        let mut properties = FieldTable::default();
        properties.insert("product", "rawamqp");
        let mut capabilities = FieldTable::default();
        for name in frames::CAPABILITIES {
            capabilities.insert(name, FieldValue::Bool(true));
        }
        properties.insert("capabilities", FieldValue::Table(capabilities));
        if let Some(name) = name {
            properties.insert("connection_name", name);
        }
        let mut start_ok = BytesMut::from(&b"\0\x0a\0\x0b"[..]);
        properties.encode(&mut start_ok);
        start_ok.extend_from_slice(b"\x05PLAIN\0\0\0\x0c\0guest\0guest\x05en_US");
        Self(logged_in_with(port, &start_ok))
    }

    /// The next method of that kind; others that come before it are passed over.
    fn receive(&mut self, wanted: [u8; 4]) -> Vec<u8> {
        loop {
            let (_, payload) = read_frame(&mut self.0);
            if payload.starts_with(&wanted) {
                return payload;
            }
        }
    }

    fn call(&mut self, frame: &[u8], answer: [u8; 4]) {
        self.0.write_all(frame).unwrap();
        self.receive(answer);
    }

    fn declare(&mut self, queue: &str, bits: u8, arguments: &[(&str, FieldValue)]) {
        let declare = [b"\0\0", &short(queue)[..], &[bits], &table(arguments)].concat();
        self.call(&method(1, 50, 10, &[&declare]), QUEUE_DECLARE_OK);
    }

    fn declare_exchange(
        &mut self,
        name: &str,
        kind: &str,
        bits: u8,
        arguments: &[(&str, FieldValue)],
    ) {
        let names = [short(name), short(kind)].concat();
        let declare = [b"\0\0", &names[..], &[bits], &table(arguments)].concat();
        self.call(&method(1, 40, 10, &[&declare]), EXCHANGE_DECLARE_OK);
    }

    fn publish(&mut self, queue: &str, body: &[u8], times: usize) {
        let message = publish("", queue, PERSISTENT, body);
        self.0.write_all(&message.repeat(times)).unwrap();
    }

    fn consume(&mut self, queue: &str, tag: &str, bits: u8, arguments: &[(&str, FieldValue)]) {
        let names = [short(queue), short(tag)].concat();
        let consume = [b"\0\0", &names[..], &[bits], &table(arguments)].concat();
        self.call(&method(1, 60, 20, &[&consume]), CONSUME_OK);
    }
}

fn table(entries: &[(&str, FieldValue)]) -> Vec<u8> {
    let mut table = FieldTable::default();
    for (key, value) in entries {
        table.insert(key, value.clone());
    }
    let mut encoded = BytesMut::new();
    table.encode(&mut encoded);
    encoded.to_vec()
}

const DURABLE: u8 = 2;
const EXCLUSIVE: u8 = 4;
/// Of an exchange.
const AUTO_DELETE: u8 = 4;
const NO_ACK: u8 = 2;
const CONNECTION_CLOSE: [u8; 4] = [0, 10, 0, 50];
const CHANNEL_OPEN_OK: [u8; 4] = [0, 20, 0, 11];
const EXCHANGE_DECLARE_OK: [u8; 4] = [0, 40, 0, 11];
const EXCHANGE_BIND_OK: [u8; 4] = [0, 40, 0, 31];
const QUEUE_DECLARE_OK: [u8; 4] = [0, 50, 0, 11];
const QUEUE_BIND_OK: [u8; 4] = [0, 50, 0, 21];
const QOS_OK: [u8; 4] = [0, 60, 0, 11];
const CONSUME_OK: [u8; 4] = [0, 60, 0, 21];
const DELIVER: [u8; 4] = [0, 60, 0, 60];
const CONFIRM_SELECT_OK: [u8; 4] = [0, 85, 0, 11];
