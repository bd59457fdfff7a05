//! A client in memory: frames go straight into a session, what the session writes is decoded.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::BytesMut;
use leveret::broker::Broker;
use leveret::broker::outlet::Parked;
use leveret::session::egress::{Doorbell, Egress, Pending, Sink};
use leveret::session::{Endpoints, Now, Session, Verdict};
use leveret_proto::connection::Config;
use leveret_proto::content::Properties;
use leveret_proto::method::{Method, channel, connection};

/// What a client hears, as far as the simulation cares.
#[derive(Debug, PartialEq)]
pub(crate) enum Heard {
    /// A delivery, or what `basic.get` brought (without a consumer tag).
    Message {
        channel: u16,
        consumer: Option<String>,
        tag: u64,
        redelivered: bool,
        id: u64,
    },
    /// A confirm; whether it is positive.
    Confirm {
        channel: u16,
        tag: u64,
        multiple: bool,
        positive: bool,
    },
    /// Anything else.
    Other(u16, Method),
}

/// A socket that takes everything, or nothing while it is stalled.
#[derive(Debug, Default)]
struct Wire {
    stalled: AtomicBool,
    rung: AtomicBool,
    bytes: Mutex<Vec<u8>>,
}

struct Socket(Arc<Wire>);

impl Sink for Socket {
    fn try_write_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        if self.0.stalled.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut bytes = self.0.bytes.lock().unwrap();
        let before = bytes.len();
        slices
            .iter()
            .for_each(|slice| bytes.extend_from_slice(slice));
        Ok(bytes.len() - before)
    }
}

impl Doorbell for Socket {
    fn ring(&self) {
        self.0.rung.store(true, Ordering::Relaxed);
    }
}

pub(crate) struct Client {
    session: Session,
    egress: Arc<Egress>,
    wire: Arc<Wire>,
    parked: Vec<Parked>,
}

impl Client {
    /// Connected, with these channels open.
    pub(crate) fn connect(broker: &Arc<Broker>, channels: u16, now: Now) -> Self {
        let wire = Arc::<Wire>::default();
        let socket = |wire: &Arc<Wire>| Arc::new(Socket(Arc::clone(wire)));
        let egress = Arc::new(Egress::new(socket(&wire), socket(&wire)));
        let address: SocketAddr = "127.0.0.1:5672".parse().unwrap();
        let endpoints = Endpoints {
            peer: address,
            local: address,
        };
        let (broker, out) = (Arc::clone(broker), Arc::clone(&egress));
        let session = Session::new(broker, out, endpoints, Config::default(), now);
        let mut client = Self {
            session,
            egress,
            wire,
            parked: Vec::new(),
        };
        client.log_in(channels, now);
        client
    }

    fn log_in(&mut self, channels: u16, now: Now) {
        self.bytes(b"AMQP\0\0\x09\x01", now);
        let capabilities = [("consumer_cancel_notify", true)].into_iter().collect();
        let mut client_properties = leveret_proto::value::FieldTable::new();
        client_properties.insert(
            "capabilities",
            leveret_proto::value::FieldValue::Table(capabilities),
        );
        let start_ok = connection::StartOk {
            client_properties,
            mechanism: "PLAIN".into(),
            response: "\0guest\0guest".into(),
            locale: "en_US".into(),
        };
        self.send(0, &Method::ConnectionStartOk(start_ok), now);
        let tune_ok = connection::TuneOk {
            channel_max: 2047,
            frame_max: 131_072,
            heartbeat: 0,
        };
        self.send(0, &Method::ConnectionTuneOk(tune_ok), now);
        let open = connection::Open {
            virtual_host: "/".into(),
            ..connection::Open::default()
        };
        self.send(0, &Method::ConnectionOpen(open), now);
        (1..=channels).for_each(|number| self.open_channel(number, now));
        self.heard();
    }

    pub(crate) fn open_channel(&mut self, number: u16, now: Now) {
        self.send(number, &Method::ChannelOpen(channel::Open::default()), now);
    }

    /// Send one method.
    pub(crate) fn send(&mut self, channel: u16, method: &Method, now: Now) {
        let mut payload = BytesMut::new();
        method.encode(&mut payload);
        self.bytes(&frame(1, channel, &payload), now);
    }

    /// Send `basic.publish` with its content.
    pub(crate) fn publish(
        &mut self,
        channel: u16,
        method: &Method,
        properties: &Properties,
        body: &[u8],
        now: Now,
    ) {
        let (mut payload, mut header) = (BytesMut::new(), BytesMut::new());
        method.encode(&mut payload);
        header.extend_from_slice(&[0, 60, 0, 0]);
        header.extend_from_slice(&(body.len() as u64).to_be_bytes());
        properties.encode(&mut header);
        let mut all = frame(1, channel, &payload);
        all.extend(frame(2, channel, &header));
        for part in body.chunks(131_064) {
            all.extend(frame(3, channel, part));
        }
        self.bytes(&all, now);
    }

    fn bytes(&mut self, bytes: &[u8], now: Now) {
        let (taken, verdict) = self.session.recv(bytes, now);
        assert_eq!((taken, verdict), (bytes.len(), Verdict::Open));
    }

    /// Stall the socket, or let it flow again.
    pub(crate) fn stall(&mut self, stalled: bool) {
        self.wire.stalled.store(stalled, Ordering::Relaxed);
    }

    pub(crate) fn is_stalled(&self) -> bool {
        self.wire.stalled.load(Ordering::Relaxed)
    }

    /// What the owning task does when it wakes. Whether there was anything to do.
    pub(crate) fn turn(&mut self, now: Now) -> bool {
        let mut acted = self.wire.rung.swap(false, Ordering::Relaxed);
        if acted {
            self.session.on_notices(now);
        }
        acted &= self.egress.flush_now(&mut self.parked) == Pending::Nothing;
        if !self.parked.is_empty() {
            self.session.resume(&mut self.parked, now);
            acted = true;
        }
        acted
    }

    /// The socket is cut.
    pub(crate) fn end(&mut self, now: Now) {
        self.session.end(now);
    }

    /// All that came since the last look.
    pub(crate) fn heard(&mut self) -> Vec<Heard> {
        let raw = std::mem::take(&mut *self.wire.bytes.lock().unwrap());
        let mut frames: VecDeque<(u8, u16, &[u8])> = frames(&raw).collect();
        let mut heard = Vec::new();
        while let Some((kind, channel, payload)) = frames.pop_front() {
            if kind == 1 {
                heard.push(message(
                    channel,
                    Method::decode(payload).unwrap(),
                    &mut frames,
                ));
            }
        }
        heard
    }
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let size = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&[kind][..], &channel.to_be_bytes(), &size, payload, &[0xCE]].concat()
}

fn frames(mut raw: &[u8]) -> impl Iterator<Item = (u8, u16, &[u8])> {
    std::iter::from_fn(move || {
        let (head, rest) = raw.split_at_checked(7)?;
        let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        raw = &rest[size + 1..];
        let channel = u16::from_be_bytes([head[1], head[2]]);
        Some((head[0], channel, &rest[..size]))
    })
}

fn message(channel: u16, method: Method, frames: &mut VecDeque<(u8, u16, &[u8])>) -> Heard {
    let (consumer, tag, redelivered) = match method {
        Method::BasicDeliver(it) => (
            Some(it.consumer_tag.to_string()),
            it.delivery_tag,
            it.redelivered,
        ),
        Method::BasicGetOk(it) => (None, it.delivery_tag, it.redelivered),
        Method::BasicAck(it) => return confirm(channel, it.delivery_tag, it.multiple, true),
        Method::BasicNack(it) => return confirm(channel, it.delivery_tag, it.multiple, false),
        other => return Heard::Other(channel, other),
    };
    let (_, _, header) = frames.pop_front().unwrap();
    let mut left = u64::from_be_bytes(header[4..12].try_into().unwrap());
    let mut body = Vec::new();
    while left > 0 {
        let (_, _, part) = frames.pop_front().unwrap();
        body.extend_from_slice(part);
        left -= part.len() as u64;
    }
    let id = u64::from_be_bytes(body[..8].try_into().unwrap());
    Heard::Message {
        channel,
        consumer,
        tag,
        redelivered,
        id,
    }
}

fn confirm(channel: u16, tag: u64, multiple: bool, positive: bool) -> Heard {
    Heard::Confirm {
        channel,
        tag,
        multiple,
        positive,
    }
}
