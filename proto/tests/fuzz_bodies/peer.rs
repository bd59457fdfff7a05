//! [`Peer`]: a connection with whoever owns it: answers what must be answered, and checks that
//! events come only where they may.

use std::collections::BTreeMap;
use std::io::IoSlice;
use std::time::{Duration, Instant};

use leveret_proto::code::ReplyCode;
use leveret_proto::connection::{
    Body, Config, Connection, Control, Event, Failure, Publish, Step, Timeout,
};
use leveret_proto::exception::Exception;
use leveret_proto::method::Method;
use leveret_proto::outbuf::Outbuf;
use leveret_proto::value::FieldTable;

/// An event, without what it borrows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Publish {
        channel: u16,
        exchange: String,
        routing_key: String,
        bits: (bool, bool),
        properties: Vec<u8>,
        body: Vec<u8>,
    },
    Control(String),
    Refused(String),
    HungUp,
}

/// How far it has come, told by its events alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Silent,
    Started,
    LoggedIn,
    Tuned,
    Running,
    Closing,
    Gone,
}

/// See the module.
pub(crate) struct Peer {
    pub(crate) machine: Connection,
    pub(crate) out: Outbuf,
    pub(crate) now: Instant,
    pub(crate) stage: Stage,
    pub(crate) seen: Vec<Seen>,
    /// Channels that are not free; true is open, false waits for `close-ok`.
    pub(crate) channels: BTreeMap<u16, bool>,
    pub(crate) config: Config,
    /// Bytes that are not a whole frame yet.
    pub(crate) input: Vec<u8>,
    /// The place of the next frame is not known any more.
    pub(crate) is_lost: bool,
}

/// What one look at the input came to.
enum Look {
    Nothing,
    Consumed(usize, Option<Seen>, Option<Control>),
    Failed(Failure),
}

impl Peer {
    pub(crate) fn new(config: Config) -> Self {
        let now = Instant::now();
        Self {
            machine: Connection::new(config.clone(), now),
            out: Outbuf::new(),
            now,
            stage: Stage::Silent,
            seen: Vec::new(),
            channels: BTreeMap::new(),
            config,
            input: Vec::new(),
            is_lost: false,
        }
    }

    /// One that runs, with those channels open, its greetings taken out.
    pub(crate) fn running(config: Config, channels: &[u16]) -> Self {
        let mut peer = Self::new(config);
        for step in handshake(&peer.config) {
            peer.feed(&step);
        }
        for channel in channels {
            peer.feed(&super::wire::frame(1, *channel, &[0, 20, 0, 10, 0]));
        }
        assert!(peer.machine.is_open());
        peer.seen.clear();
        peer.take_out();
        peer
    }

    /// Bytes arrive.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        if self.stage == Stage::Gone {
            return;
        }
        self.input.extend_from_slice(bytes);
        let input = std::mem::take(&mut self.input);
        let mut rest = &input[..];
        while self.stage != Stage::Gone {
            match self.look(rest) {
                Look::Nothing => break,
                Look::Consumed(consumed, seen, control) => {
                    rest = &rest[consumed..];
                    self.seen.extend(seen);
                    control.iter().for_each(|it| self.answer(it));
                }
                Look::Failed(failure) => rest = &rest[self.fail(failure, rest.len())..],
            }
        }
        self.input = rest.to_vec();
        self.check();
    }

    fn look(&mut self, input: &[u8]) -> Look {
        match self.machine.next_event(input, self.now) {
            Ok(Step {
                consumed: 0,
                event: Some(event),
            }) => panic!("{event:?} out of nothing"),
            Ok(Step {
                consumed: 0,
                event: None,
            }) => {
                let wanted = self.machine.wanted(input);
                let len = input.len();
                assert!(len < wanted || len == 0, "{len} bytes, it wants {wanted}");
                Look::Nothing
            }
            Ok(Step { consumed, event }) => {
                assert!(consumed <= input.len());
                match event {
                    None => Look::Consumed(consumed, None, None),
                    Some(Event::Publish(it)) => {
                        assert!(it.body.len() as u64 <= self.config.message_bytes_max);
                        assert_eq!(self.channels.get(&it.channel), Some(&true));
                        assert_eq!(self.stage, Stage::Running);
                        Look::Consumed(consumed, Some(published(&it)), None)
                    }
                    Some(Event::Control(it)) => {
                        let seen = Seen::Control(format!("{it:?}"));
                        Look::Consumed(consumed, Some(seen), Some(it))
                    }
                }
            }
            Err(failure) => Look::Failed(failure),
        }
    }

    /// How many bytes that took.
    fn fail(&mut self, failure: Failure, len: usize) -> usize {
        match failure {
            Failure::Hangup { answer } => {
                self.seen.push(Seen::HungUp);
                self.stage = Stage::Gone;
                assert!(answer.is_none() || self.seen.len() == 1);
                len
            }
            Failure::Exception {
                exception,
                consumed,
            } => {
                assert!((1..=len).contains(&consumed));
                let is_running = matches!(self.stage, Stage::Tuned | Stage::Running);
                assert!(is_running, "{exception:?} while {:?}", self.stage);
                self.is_lost = exception.code == ReplyCode::FRAME_ERROR && consumed == len;
                self.seen.push(Seen::Refused(format!("{exception:?}")));
                self.close(&exception);
                consumed
            }
        }
    }

    fn answer(&mut self, control: &Control) {
        let channel = control.channel();
        match *control {
            Control::Header => {
                self.step(Stage::Silent, Stage::Started);
                self.machine
                    .send_start(&mut self.out, FieldTable::new(), "PLAIN");
            }
            Control::StartOk(_) => {
                self.step(Stage::Started, Stage::LoggedIn);
                self.machine.send_tune(&mut self.out);
            }
            Control::TuneOk { .. } => self.step(Stage::LoggedIn, Stage::Tuned),
            Control::Open { .. } => {
                self.step(Stage::Tuned, Stage::Running);
                self.machine.send_open_ok(&mut self.out);
            }
            Control::UpdateSecret(_) => assert_eq!(self.stage, Stage::Running),
            Control::ChannelOpen { channel } => self.open_channel(channel),
            Control::ChannelClose { channel } => {
                assert!(self.channels.remove(&channel).is_some());
                self.machine.send_channel_close_ok(&mut self.out, channel);
            }
            Control::ChannelCloseOk { channel } => {
                assert_eq!(self.channels.remove(&channel), Some(false));
            }
            Control::Method { .. } => self.on_open_channel(channel),
            Control::TooLarge { size, .. } => {
                assert!(size > self.config.message_bytes_max);
                self.on_open_channel(channel);
                self.close_channel(channel);
            }
            Control::Close(_) => {
                let is_open = matches!(self.stage, Stage::Tuned | Stage::Running | Stage::Closing);
                assert!(is_open);
                self.machine
                    .send_connection_close_ok(&mut self.out, self.now);
                self.shut();
            }
            Control::CloseOk => {
                assert_eq!(self.stage, Stage::Closing);
                self.stage = Stage::Gone;
            }
        }
    }

    fn step(&mut self, from: Stage, to: Stage) {
        assert_eq!(self.stage, from);
        self.stage = to;
    }

    fn open_channel(&mut self, channel: u16) {
        assert_ne!(channel, 0);
        assert_eq!(self.stage, Stage::Running);
        assert_eq!(self.channels.insert(channel, true), None);
        let max = self.machine.channel_max();
        assert!(max == 0 || self.channels.len() <= usize::from(max));
        self.machine.send_channel_open_ok(&mut self.out, channel);
    }

    fn on_open_channel(&self, channel: u16) {
        assert_eq!(self.stage, Stage::Running);
        assert_eq!(self.channels.get(&channel), Some(&true));
    }

    /// Close a channel from this side, if it is open.
    pub(crate) fn close_channel(&mut self, channel: u16) {
        if let Some(is_open) = self.channels.get_mut(&channel).filter(|it| **it) {
            *is_open = false;
            let exception = Exception::new(ReplyCode::PRECONDITION_FAILED, "for a test");
            self.machine
                .send_channel_close(&mut self.out, channel, &exception);
        }
    }

    /// Close the connection from this side.
    pub(crate) fn close(&mut self, exception: &Exception) {
        self.machine
            .send_connection_close(&mut self.out, exception, self.now);
        self.shut();
    }

    fn shut(&mut self) {
        self.stage = Stage::Closing;
        self.channels.clear();
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, time: Duration) -> Timeout {
        self.now += time;
        let due = self.machine.poll_timeout();
        let timeout = self.machine.handle_timeout(self.now, &mut self.out);
        let next = self.machine.poll_timeout();
        match timeout {
            Timeout::None => assert!(due.is_none_or(|due| due > self.now)),
            Timeout::SentHeartbeat => {
                assert!(due.is_some_and(|due| due <= self.now));
                assert!(next.is_some_and(|next| next > self.now));
            }
            Timeout::HandshakeExpired => {
                assert!(self.stage < Stage::Running);
                self.stage = Stage::Gone;
            }
            Timeout::PeerSilent | Timeout::CloseExpired => self.stage = Stage::Gone,
        }
        timeout
    }

    fn check(&self) {
        if self.stage != Stage::Gone {
            assert_eq!(self.machine.is_open(), self.stage == Stage::Running);
        }
        // What waits for more bytes is no longer than one frame, where frames have a limit.
        let max = match self.machine.frame_max() {
            0 if self.stage >= Stage::Tuned => usize::MAX - 8,
            agreed => agreed.max(self.config.handshake_frame_max) as usize,
        };
        assert!(self.stage == Stage::Gone || self.input.len() <= max + 8);
    }

    /// What is to be written, as one piece; it must consist of whole frames.
    pub(crate) fn take_out(&mut self) -> Vec<u8> {
        let bytes = drain(&mut self.out);
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (kind, _, payload, behind) = split(rest);
            match kind {
                1 => drop(Method::decode(payload).unwrap()),
                8 => assert!(payload.is_empty()),
                _ => panic!("the machine sent a frame of type {kind}"),
            }
            rest = behind;
        }
        bytes
    }
}

/// Everything out of a buffer.
pub(crate) fn drain(out: &mut Outbuf) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !out.is_empty() {
        let mut slices = [IoSlice::new(&[]); 4];
        let used = out.slices(&mut slices);
        assert!(used > 0, "{} bytes wait, none is shown", out.len());
        let before = bytes.len();
        slices[..used]
            .iter()
            .for_each(|slice| bytes.extend_from_slice(slice));
        let shown = bytes.len() - before;
        let waiting = out.len();
        out.advance(shown);
        assert_eq!(out.len(), waiting - shown);
    }
    bytes
}

/// Type, channel, payload, and what is behind the frame.
pub(crate) fn split(bytes: &[u8]) -> (u8, u16, &[u8], &[u8]) {
    let (head, rest) = bytes.split_first_chunk::<7>().unwrap();
    let [kind, high, low, len @ ..] = *head;
    let (payload, rest) = rest.split_at(u32::from_be_bytes(len) as usize);
    let (end, rest) = rest.split_first().unwrap();
    assert_eq!(*end, 0xCE);
    (kind, u16::from_be_bytes([high, low]), payload, rest)
}

/// What a client says until its connection runs, step by step.
pub(crate) fn handshake(config: &Config) -> [Vec<u8>; 4] {
    use super::wire::{frame, long, short};
    let start_ok = [
        &[0, 10, 0, 11][..],
        &long(&[]),
        &short("PLAIN"),
        &long(b"\0guest\0guest"),
        &short("en_US"),
    ];
    let tune_ok = [
        &[0, 10, 0, 31][..],
        &config.channel_max.to_be_bytes(),
        &config.frame_max.to_be_bytes(),
        &config.heartbeat.to_be_bytes(),
    ];
    [
        b"AMQP\0\0\x09\x01".to_vec(),
        frame(1, 0, &start_ok.concat()),
        frame(1, 0, &tune_ok.concat()),
        frame(1, 0, &[0, 10, 0, 40, 1, b'/', 0, 0]),
    ]
}

fn published(it: &Publish<'_>) -> Seen {
    Seen::Publish {
        channel: it.channel,
        exchange: it.exchange.to_owned(),
        routing_key: it.routing_key.to_owned(),
        bits: (it.mandatory, it.immediate),
        properties: it.properties.to_vec(),
        body: match &it.body {
            Body::Slice(body) => body.to_vec(),
            Body::Owned(body) => body.to_vec(),
        },
    }
}
