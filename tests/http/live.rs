//! Clients of a broker in the state of the one that was recorded: who publishes, who consumes what.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use leveret_proto::method::{Method, basic, channel, confirm, connection, queue, tx};
use leveret_proto::value::{FieldTable, FieldValue};

use super::api::Api;
use crate::support::frames;

/// A broker with all that was declared on the recorded one, and clients at work.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) api: Api,
    /// Each part of an answer that differs from run to run, and what stands for it.
    pub(super) names: Vec<(String, &'static str)>,
    clients: Vec<Client>,
}

/// A connection. It ends with this value.
#[derive(Debug)]
struct Client(TcpStream);

impl Client {
    fn open(api: &Api, user: &str, vhost: &str, name: Option<&str>, heartbeat: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", api.amqp_port)).unwrap();
        let patience = Some(Duration::from_secs(20));
        stream.set_read_timeout(patience).unwrap();
        let mut client = Self(stream);
        client.0.write_all(frames::PROTOCOL_HEADER).unwrap();
        client.next(0);
        let response = format!("\0{user}\0{user}");
        let start_ok = connection::StartOk {
            client_properties: properties(name),
            mechanism: "PLAIN".into(),
            response: Bytes::from(response),
            locale: "en_US".into(),
        };
        client.call(0, &Method::ConnectionStartOk(start_ok));
        let tune_ok = connection::TuneOk {
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat,
        };
        client.send(0, &Method::ConnectionTuneOk(tune_ok));
        let open = connection::Open {
            virtual_host: vhost.into(),
            reserved_1: "".into(),
            reserved_2: false,
        };
        client.call(0, &Method::ConnectionOpen(open));
        client.channel(1);
        client
    }

    fn channel(&mut self, number: u16) {
        let open = channel::Open {
            reserved_1: "".into(),
        };
        self.call(number, &Method::ChannelOpen(open));
    }

    fn send(&mut self, channel: u16, method: &Method) {
        let mut payload = BytesMut::new();
        method.encode(&mut payload);
        self.0
            .write_all(&frames::frame(1, channel, &payload))
            .unwrap();
    }

    fn call(&mut self, channel: u16, method: &Method) -> Method {
        self.send(channel, method);
        self.next(channel)
    }

    /// The next answer on this channel: not a delivery.
    fn next(&mut self, channel: u16) -> Method {
        loop {
            let mut head = [0; 7];
            self.0.read_exact(&mut head).unwrap();
            let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
            let mut rest = vec![0; size + 1];
            self.0.read_exact(&mut rest).unwrap();
            let on = u16::from_be_bytes([head[1], head[2]]);
            let answers = head[0] == 1 && on == channel && rest.get(..4) != Some(b"\0\x3c\0\x3c");
            if answers {
                return Method::decode(&rest[..size]).unwrap();
            }
        }
    }

    fn qos(&mut self, channel: u16, prefetch_count: u16, global: bool) {
        let qos = basic::Qos {
            prefetch_size: 0,
            prefetch_count,
            global,
        };
        self.call(channel, &Method::BasicQos(qos));
    }

    fn consume(&mut self, channel: u16, queue: &str, tag: &str, how: (bool, bool), of: FieldTable) {
        let consume = basic::Consume {
            reserved_1: 0,
            queue: queue.into(),
            consumer_tag: tag.into(),
            no_local: false,
            no_ack: how.0,
            exclusive: how.1,
            nowait: false,
            arguments: of,
        };
        self.call(channel, &Method::BasicConsume(consume));
    }

    fn exclusive(&mut self, name: &str) -> String {
        let declare = queue::Declare {
            reserved_1: 0,
            queue: name.into(),
            passive: false,
            durable: false,
            exclusive: true,
            auto_delete: false,
            nowait: false,
            arguments: FieldTable::new(),
        };
        match self.call(1, &Method::QueueDeclare(declare)) {
            Method::QueueDeclareOk(ok) => ok.queue.as_str().to_owned(),
            other => panic!("{other:?}"),
        }
    }

    /// As listings call it.
    fn name(&self) -> String {
        let (local, peer) = (self.0.local_addr().unwrap(), self.0.peer_addr().unwrap());
        format!("{local} -> {peer}")
    }
}

fn properties(name: Option<&str>) -> FieldTable {
    let known = [
        ("product", "capture"),
        ("version", "1.0"),
        ("platform", "Python"),
        ("information", "test client"),
    ];
    let capabilities = frames::CAPABILITIES.map(|it| (it, FieldValue::Bool(true)));
    let capabilities = FieldValue::Table(capabilities.into_iter().collect());
    let name = name.map(|name| ("connection_name", FieldValue::from(name)));
    let known = known.map(|(key, value)| (key, FieldValue::from(value)));
    let all = known.into_iter().chain(name);
    all.chain([("capabilities", capabilities)]).collect()
}

impl Live {
    /// What the client of that name in [`Live::names`] is told next on channel 0.
    pub(super) fn told(&mut self, role: &str) -> Method {
        let is_it = |client: &&mut Client| {
            let mut names = self.names.iter();
            names.any(|(name, its)| *its == role && *name == client.name())
        };
        self.clients.iter_mut().find(is_it).unwrap().next(0)
    }

    /// A broker of a release line with one of each kind of object: virtual host `shapes`.
    pub(super) fn of(line: &'static str) -> Self {
        let api = Api::detailed(line);
        api.prepare(include_str!("golden/shapes-setup.json"));
        let mut client = Client::open(&api, "guest", "shapes", Some("shapes"), 0);
        client.channel(2);
        client.exclusive("excl");
        let select = Method::ConfirmSelect(confirm::Select { nowait: false });
        client.call(1, &select);
        client.qos(2, 1, false);
        for (queue, tag) in [("classic", "ct"), ("quorum", "cq")] {
            client.consume(2, queue, tag, (false, false), FieldTable::new());
        }
        for key in ["k.classic", "k.classic", "k.quorum", "k.quorum", "k.stream"] {
            let message = frames::publish("amq.topic", key, frames::PERSISTENT, b"m");
            client.0.write_all(&message).unwrap();
            client.next(1);
        }
        Self {
            api,
            names: vec![(client.name(), "{cn}")],
            clients: vec![client],
        }
    }

    pub(super) fn start() -> Self {
        let api = Api::detailed("4.0");
        api.prepare(include_str!("golden/live.json"));
        let mut publisher = Client::open(&api, "guest", "/", Some("app-publisher"), 0);
        let select = Method::ConfirmSelect(confirm::Select { nowait: false });
        publisher.call(1, &select);
        publisher.channel(2);
        let consumer = consumer(&api);
        let mut tx = Client::open(&api, "u-management", "v2", Some("app-tx"), 0);
        tx.call(1, &Method::TxSelect(tx::Select {}));
        let lost = frames::publish("", "q.v2", b"\0\0", b"uncommitted");
        tx.0.write_all(&lost).unwrap();
        // What is answered after it shows that it came.
        tx.qos(1, 0, false);
        let mut owner = Client::open(&api, "guest", "/", None, 0);
        let generated = owner.exclusive("");
        owner.exclusive("q.exclusive");
        let mut getter = Client::open(&api, "guest", "/", Some("app-getter"), 0);
        getter.channel(2);
        for _ in 0..6 {
            let message = frames::publish("ex.direct", "k1", frames::PERSISTENT, b"message");
            publisher.0.write_all(&message).unwrap();
            publisher.next(1);
        }
        let clients = [
            (&publisher, "{app-publisher}"),
            (&consumer, "{app-consumer}"),
            (&tx, "{app-tx}"),
            (&owner, "{exclusive}"),
            (&getter, "{app-getter}"),
        ];
        let names = clients.map(|(client, name)| (client.name(), name));
        let names = names.into_iter().chain([(generated, "{generated}")]);
        Self {
            api,
            names: names.collect(),
            clients: vec![publisher, consumer, tx, owner, getter],
        }
    }
}

fn consumer(api: &Api) -> Client {
    let mut client = Client::open(api, "guest", "/", Some("app-consumer"), 30);
    (2..=6).for_each(|number| client.channel(number));
    let one = |key: &str, value: FieldValue| [(key, value)].into_iter().collect();
    client.qos(1, 10, false);
    let priority = one("x-priority", FieldValue::I32(3));
    client.consume(1, "q.classic", "ctag-manual", (false, false), priority);
    let nothing = FieldTable::new;
    client.consume(2, "q.transient", "ctag-auto", (true, false), nothing());
    client.qos(3, 20, false);
    client.consume(3, "q.quorum", "ctag-quorum", (false, false), nothing());
    client.qos(4, 50, false);
    let first = one("x-stream-offset", "first".into());
    client.consume(4, "q.stream", "ctag-stream", (false, false), first);
    client.qos(5, 7, true);
    for tag in ["sac-1", "sac-2"] {
        client.consume(6, "q.quorum.sac", tag, (false, false), nothing());
    }
    client.consume(6, "q.autodelete", "ad", (false, true), nothing());
    client
}
