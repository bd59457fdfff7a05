//! A load generator for comparing brokers: one publisher connection, one consumer connection, blocking
//! sockets, frames encoded by hand once and sent again and again.
//!
//! It shares no code with the broker, so that it can be an independent judge, and it is cheap, so that on a
//! small machine most of the processor is left to the broker. It prints messages per second and, given the
//! broker's process ids, the processor time that the broker spent on each message.
#![allow(
    clippy::print_stdout,
    reason = "a program whose result is what it prints"
)]

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

fn main() -> io::Result<()> {
    let Some(options) = Options::from_arguments(env::args().skip(1))? else {
        println!("{USAGE}");
        return Ok(());
    };
    let queue = format!("load-{}-{}", options.mode.name(), options.size);
    let mut setup = Connection::open(&options)?;
    setup.call(&queue_declare(&queue), (50, 11))?;
    setup.call(&queue_purge(&queue), (50, 31))?;

    let broker_before = cpu_seconds(&options.broker_pids)?;
    let own_before = own_cpu_seconds()?;
    let elapsed = match options.mode {
        Mode::Autoack => stream(&options, &queue, false)?,
        Mode::Confirm => stream(&options, &queue, true)?,
        Mode::Rpc => one_by_one(&options, &queue)?,
    };
    let broker_cpu = cpu_seconds(&options.broker_pids)? - broker_before;
    let own_cpu = own_cpu_seconds()? - own_before;

    setup.call(&queue_delete(&queue), (50, 41))?;
    report(&options, elapsed, broker_cpu, own_cpu);
    Ok(())
}

fn report(options: &Options, elapsed: Duration, broker_cpu: f64, own_cpu: f64) {
    let messages = options.messages as f64;
    println!(
        "{{\"mode\":\"{}\",\"size\":{},\"messages\":{},\"seconds\":{:.3},\"messages_per_second\":{:.0},\
         \"broker_cpu_us_per_message\":{:.3},\"generator_cpu_us_per_message\":{:.3}}}",
        options.mode.name(),
        options.size,
        options.messages,
        elapsed.as_secs_f64(),
        messages / elapsed.as_secs_f64(),
        broker_cpu * 1e6 / messages,
        own_cpu * 1e6 / messages,
    );
}

/// Publisher and consumer at full speed, each in a thread; with `confirmed`, the publisher waits for
/// confirms and the consumer acknowledges, otherwise neither does.
fn stream(options: &Options, queue: &str, confirmed: bool) -> io::Result<Duration> {
    let mut consumer = Connection::open(options)?;
    if confirmed {
        consumer.call(&basic_qos(WINDOW), (60, 11))?;
    }
    consumer.call(&basic_consume(queue, !confirmed), (60, 21))?;
    let mut publisher = Connection::open(options)?;
    if confirmed {
        publisher.call(&confirm_select(), (85, 11))?;
    }

    let total = options.messages;
    let received = Arc::new(Progress::default());
    let seen = Arc::clone(&received);
    let started = Instant::now();
    let consuming = thread::spawn(move || {
        let result = consume(&mut consumer, total, confirmed, &seen);
        // Whatever happened, a publisher that waits must not wait for ever.
        seen.reach(u64::MAX);
        result
    });
    let frame = publish(queue, options);
    if confirmed {
        publish_confirmed(&mut publisher, &frame, total)?;
    } else {
        publish_freely(&mut publisher, &frame, total, &received)?;
    }
    consuming
        .join()
        .map_err(|_| io::Error::other("the consumer panicked"))??;
    Ok(started.elapsed())
}

/// Publish without confirms, never more than `AHEAD` messages before the consumer: this measures a
/// queue through which messages flow, not one that grows.
fn publish_freely(
    out: &mut Connection,
    frame: &[u8],
    total: u64,
    received: &Progress,
) -> io::Result<()> {
    let batch = frame.repeat(BATCH as usize);
    let mut sent = 0;
    while sent < total {
        received.wait_for((sent + BATCH).saturating_sub(AHEAD));
        let n = BATCH.min(total - sent);
        out.send(&batch[..frame.len() * n as usize])?;
        sent += n;
    }
    Ok(())
}

/// Publish with at most `WINDOW` messages unconfirmed.
fn publish_confirmed(out: &mut Connection, frame: &[u8], total: u64) -> io::Result<()> {
    let batch = frame.repeat(BATCH as usize);
    let (mut sent, mut confirms) = (0, Confirms::default());
    while sent < total {
        while sent + BATCH > confirms.settled() + u64::from(WINDOW) {
            confirms.take(&out.method()?)?;
        }
        let n = BATCH.min(total - sent);
        out.send(&batch[..frame.len() * n as usize])?;
        sent += n;
    }
    while confirms.settled() < total {
        confirms.take(&out.method()?)?;
    }
    Ok(())
}

/// How many publishes are settled. A broker may confirm one by one and out of order, or many at once.
#[derive(Default)]
struct Confirms {
    /// All up to this one are settled,
    up_to: u64,
    /// and these beyond.
    beyond: BTreeSet<u64>,
}

impl Confirms {
    fn settled(&self) -> u64 {
        self.up_to + self.beyond.len() as u64
    }

    fn take(&mut self, method: &Method) -> io::Result<()> {
        if (method.class, method.id) != (60, 80) {
            return Err(method.unexpected("basic.ack"));
        }
        let tag = method.u64_at(0)?;
        if method.arguments.get(8) == Some(&1) {
            self.up_to = self.up_to.max(tag);
            self.beyond = self.beyond.split_off(&(tag + 1));
        } else {
            self.beyond.insert(tag);
        }
        while self.beyond.remove(&(self.up_to + 1)) {
            self.up_to += 1;
        }
        Ok(())
    }
}

fn consume(
    from: &mut Connection,
    total: u64,
    acknowledge: bool,
    received: &Progress,
) -> io::Result<()> {
    let (mut count, mut tag) = (0, 0);
    while count < total {
        tag = from.delivery()?;
        count += 1;
        if count % ACK_EVERY == 0 {
            received.reach(count);
            if acknowledge {
                from.send(&basic_ack(tag, true))?;
            }
        }
    }
    if acknowledge {
        from.send(&basic_ack(tag, true))?;
    }
    Ok(())
}

/// One message at a time: publish, wait for it, acknowledge, wait for the confirm.
fn one_by_one(options: &Options, queue: &str) -> io::Result<Duration> {
    let mut publisher = Connection::open(options)?;
    publisher.call(&confirm_select(), (85, 11))?;
    let mut consumer = Connection::open(options)?;
    consumer.call(&basic_qos(1), (60, 11))?;
    consumer.call(&basic_consume(queue, false), (60, 21))?;
    let frame = publish(queue, options);
    let mut confirms = Confirms::default();
    let started = Instant::now();
    for _ in 0..options.messages {
        publisher.send(&frame)?;
        let tag = consumer.delivery()?;
        consumer.send(&basic_ack(tag, false))?;
        confirms.take(&publisher.method()?)?;
    }
    Ok(started.elapsed())
}

/// How far the consumer is; the publisher waits for it to come near.
#[derive(Default)]
struct Progress {
    count: Mutex<u64>,
    grew: Condvar,
}

impl Progress {
    fn reach(&self, count: u64) {
        *self.count.lock().unwrap_or_else(PoisonError::into_inner) = count;
        self.grew.notify_one();
    }

    fn wait_for(&self, count: u64) {
        let mut now = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        while *now < count {
            now = self.grew.wait(now).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// An open connection with channel 1 open, and what has been read from it but not yet looked at.
struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Connection {
    fn open(options: &Options) -> io::Result<Self> {
        let socket = TcpStream::connect((options.host.as_str(), options.port))?;
        socket.set_nodelay(true)?;
        // A broker that falls silent must end the run.
        socket.set_read_timeout(Some(Duration::from_secs(30)))?;
        let mut connection = Self {
            socket,
            buffer: vec![0; 256 * 1024],
            start: 0,
            end: 0,
        };
        connection.send(b"AMQP\x00\x00\x09\x01")?;
        connection.expect((10, 10))?;
        connection.call(&start_ok(&options.user, &options.password), (10, 30))?;
        connection.send(&tune_ok())?;
        connection.call(&connection_open(&options.vhost), (10, 41))?;
        connection.call(&method(1, 20, 10, &short_string("")), (20, 11))?;
        Ok(connection)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }

    fn call(&mut self, request: &[u8], answer: (u16, u16)) -> io::Result<()> {
        self.send(request)?;
        self.expect(answer)
    }

    fn expect(&mut self, answer: (u16, u16)) -> io::Result<()> {
        let method = self.method()?;
        if (method.class, method.id) == answer {
            return Ok(());
        }
        Err(method.unexpected(&format!("method {answer:?}")))
    }

    /// The next method; frames of other kinds (heartbeats) are passed over.
    fn method(&mut self) -> io::Result<Method> {
        loop {
            let (kind, payload) = self.frame()?;
            if kind == FRAME_METHOD {
                return Method::parse(payload);
            }
        }
    }

    /// Read one whole delivery; its delivery tag.
    fn delivery(&mut self) -> io::Result<u64> {
        let method = self.method()?;
        if (method.class, method.id) != (60, 60) {
            return Err(method.unexpected("basic.deliver"));
        }
        let consumer_tag = usize::from(method.arguments.first().copied().unwrap_or(0));
        let tag = method.u64_at(1 + consumer_tag)?;
        let (_, header) = self.frame()?;
        let mut left = read_u64(header, 4)?;
        while left > 0 {
            let (kind, body) = self.frame()?;
            if kind != FRAME_BODY {
                return Err(io::Error::other(format!(
                    "frame type {kind} in the middle of a body"
                )));
            }
            left -= body.len() as u64;
        }
        Ok(tag)
    }

    /// The type and the payload of the next frame.
    fn frame(&mut self) -> io::Result<(u8, &[u8])> {
        self.fill(FRAME_HEADER)?;
        let kind = self.buffer[self.start];
        let size = &self.buffer[self.start + 3..self.start + FRAME_HEADER];
        let size = size.iter().fold(0, |n, &b| n << 8 | usize::from(b));
        self.fill(FRAME_HEADER + size + 1)?;
        let from = self.start + FRAME_HEADER;
        self.start = from + size + 1;
        if self.buffer[from + size] != FRAME_END {
            return Err(io::Error::other("a frame without its end"));
        }
        Ok((kind, &self.buffer[from..from + size]))
    }

    /// Make sure that `n` bytes are in the buffer, reading as much as there is at once.
    fn fill(&mut self, n: usize) -> io::Result<()> {
        while self.end - self.start < n {
            if self.start + n > self.buffer.len() {
                self.buffer.copy_within(self.start..self.end, 0);
                self.end -= self.start;
                self.start = 0;
                if n > self.buffer.len() {
                    self.buffer.resize(n, 0);
                }
            }
            match self.socket.read(&mut self.buffer[self.end..])? {
                0 => return Err(io::Error::other("the broker closed the socket")),
                read => self.end += read,
            }
        }
        Ok(())
    }
}

struct Method {
    class: u16,
    id: u16,
    arguments: Vec<u8>,
}

impl Method {
    fn parse(payload: &[u8]) -> io::Result<Self> {
        let [a, b, c, d, arguments @ ..] = payload else {
            return Err(io::Error::other("a method frame without a method"));
        };
        let (class, id) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        Ok(Self {
            class,
            id,
            arguments: arguments.to_vec(),
        })
    }

    fn u64_at(&self, at: usize) -> io::Result<u64> {
        read_u64(&self.arguments, at)
    }

    fn unexpected(&self, wanted: &str) -> io::Error {
        let text = String::from_utf8_lossy(&self.arguments);
        io::Error::other(format!(
            "not {wanted} but method ({}, {}): {text:?}",
            self.class, self.id
        ))
    }
}

fn read_u64(bytes: &[u8], at: usize) -> io::Result<u64> {
    let part = bytes.get(at..at + 8).and_then(|b| b.try_into().ok());
    part.map(u64::from_be_bytes)
        .ok_or_else(|| io::Error::other("a method that is too short"))
}

// --- what is sent ---

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(channel.to_be_bytes());
    out.extend((payload.len() as u32).to_be_bytes());
    out.extend(payload);
    out.push(FRAME_END);
    out
}

fn method(channel: u16, class: u16, id: u16, arguments: &[u8]) -> Vec<u8> {
    let head = [class.to_be_bytes(), id.to_be_bytes()].concat();
    frame(FRAME_METHOD, channel, &[&head, arguments].concat())
}

fn short_string(text: &str) -> Vec<u8> {
    [&[text.len() as u8], text.as_bytes()].concat()
}

fn long_string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn start_ok(user: &str, password: &str) -> Vec<u8> {
    let plain = format!("\0{user}\0{password}");
    let parts = [
        long_string(b""),
        short_string("PLAIN"),
        long_string(plain.as_bytes()),
        short_string("en_US"),
    ];
    method(0, 10, 11, &parts.concat())
}

/// 2047 channels, frames of up to 128 KiB, no heartbeats.
fn tune_ok() -> Vec<u8> {
    method(0, 10, 31, &[0x07, 0xff, 0, 2, 0, 0, 0, 0])
}

fn connection_open(vhost: &str) -> Vec<u8> {
    method(
        0,
        10,
        40,
        &[short_string(vhost), short_string(""), vec![0]].concat(),
    )
}

/// Durable, because every release line accepts that.
fn queue_declare(queue: &str) -> Vec<u8> {
    method(
        1,
        50,
        10,
        &[
            vec![0, 0],
            short_string(queue),
            vec![0b10],
            long_string(b""),
        ]
        .concat(),
    )
}

fn queue_purge(queue: &str) -> Vec<u8> {
    method(
        1,
        50,
        30,
        &[vec![0, 0], short_string(queue), vec![0]].concat(),
    )
}

fn queue_delete(queue: &str) -> Vec<u8> {
    method(
        1,
        50,
        40,
        &[vec![0, 0], short_string(queue), vec![0]].concat(),
    )
}

fn basic_qos(count: u16) -> Vec<u8> {
    method(
        1,
        60,
        10,
        &[&[0; 4][..], &count.to_be_bytes(), &[0]].concat(),
    )
}

fn basic_consume(queue: &str, no_ack: bool) -> Vec<u8> {
    let flags = if no_ack { 0b10 } else { 0 };
    let parts = [
        vec![0, 0],
        short_string(queue),
        short_string("load"),
        vec![flags],
        long_string(b""),
    ];
    method(1, 60, 20, &parts.concat())
}

fn confirm_select() -> Vec<u8> {
    method(1, 85, 10, &[0])
}

fn basic_ack(tag: u64, multiple: bool) -> Vec<u8> {
    method(
        1,
        60,
        80,
        &[&tag.to_be_bytes()[..], &[u8::from(multiple)]].concat(),
    )
}

/// A whole message to the default exchange: method, content header with delivery-mode only, body.
fn publish(queue: &str, options: &Options) -> Vec<u8> {
    let arguments = [vec![0, 0], short_string(""), short_string(queue), vec![0]].concat();
    let mut header = vec![0, 60, 0, 0];
    header.extend((options.size as u64).to_be_bytes());
    header.extend([0x10, 0x00, if options.persistent { 2 } else { 1 }]);
    let mut out = method(1, 60, 40, &arguments);
    out.extend(frame(FRAME_HEADER_KIND, 1, &header));
    for part in vec![b'x'; options.size].chunks(100_000) {
        out.extend(frame(FRAME_BODY, 1, part));
    }
    out
}

// --- processor time ---

fn cpu_seconds(pids: &[u32]) -> io::Result<f64> {
    pids.iter().map(|pid| stat_cpu(&pid.to_string())).sum()
}

fn own_cpu_seconds() -> io::Result<f64> {
    stat_cpu("self")
}

/// utime + stime of a process with all its threads. The name, in parentheses, may contain anything.
fn stat_cpu(pid: &str) -> io::Result<f64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok());
    Ok(ticks.sum::<u64>() as f64 / TICKS_PER_SECOND)
}

// --- the command line ---

#[derive(Clone, Copy)]
enum Mode {
    Autoack,
    Confirm,
    Rpc,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Autoack => "autoack",
            Self::Confirm => "confirm",
            Self::Rpc => "rpc",
        }
    }
}

struct Options {
    host: String,
    port: u16,
    user: String,
    password: String,
    vhost: String,
    mode: Mode,
    size: usize,
    messages: u64,
    persistent: bool,
    broker_pids: Vec<u32>,
}

impl Options {
    /// None when no mode is given: then the usage is wanted.
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> io::Result<Option<Self>> {
        let mut options = Self {
            host: "127.0.0.1".to_owned(),
            port: 5672,
            user: "guest".to_owned(),
            password: "guest".to_owned(),
            vhost: "/".to_owned(),
            mode: Mode::Autoack,
            size: 16,
            messages: 200_000,
            persistent: false,
            broker_pids: Vec::new(),
        };
        let mut wanted = false;
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--persistent" => options.persistent = true,
                "--help" | "--bench" => return Ok(None),
                _ => {
                    wanted |= name == "--mode";
                    let value = arguments.next().ok_or_else(|| wrong(&name))?;
                    options.set(&name, value)?;
                }
            }
        }
        Ok(wanted.then_some(options))
    }

    fn set(&mut self, name: &str, value: String) -> io::Result<()> {
        match name {
            "--host" => self.host = value,
            "--port" => self.port = number(name, &value)?,
            "--user" => self.user = value,
            "--password" => self.password = value,
            "--vhost" => self.vhost = value,
            "--size" => self.size = number(name, &value)?,
            "--messages" => self.messages = number(name, &value)?,
            "--broker-pid" => {
                self.broker_pids = value
                    .split(',')
                    .map(|p| number(name, p))
                    .collect::<io::Result<_>>()?;
            }
            "--mode" => {
                let modes = [Mode::Autoack, Mode::Confirm, Mode::Rpc];
                let found = modes.into_iter().find(|m| m.name() == value);
                self.mode = found.ok_or_else(|| wrong(name))?;
            }
            _ => return Err(wrong(name)),
        }
        Ok(())
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> io::Result<T> {
    value.parse().map_err(|_| wrong(name))
}

fn wrong(name: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{name}: wrong, or without its value\n{USAGE}"),
    )
}

const USAGE: &str = "compare-load --mode autoack|confirm|rpc [--host H] [--port P] [--user U] [--password P] [--vhost V]
             [--size BYTES] [--messages N] [--persistent] [--broker-pid PID[,PID…]]";

const FRAME_METHOD: u8 = 1;
const FRAME_HEADER_KIND: u8 = 2;
const FRAME_BODY: u8 = 3;
const FRAME_END: u8 = 0xce;
/// Type, channel and size.
const FRAME_HEADER: usize = 7;

/// Messages written with one write.
const BATCH: u64 = 100;
/// The consumer's acknowledgements, and its news to the publisher, come this seldom.
const ACK_EVERY: u64 = 100;
/// Unconfirmed publishes at most, and the consumer's prefetch.
const WINDOW: u16 = 1000;
/// Without confirms: how far the publisher may be ahead of the consumer.
const AHEAD: u64 = 20_000;

/// USER_HZ, which Linux has fixed at 100 for what /proc shows.
const TICKS_PER_SECOND: f64 = 100.0;
