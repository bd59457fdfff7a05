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

mod connection;
mod cpu;
mod frames;
mod options;

use std::collections::BTreeSet;
use std::env;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use connection::{Connection, Method};
use cpu::{cpu_seconds, own_cpu_seconds};
use frames::{
    basic_ack, basic_consume, basic_qos, confirm_select, plain, publish, queue_declare,
    queue_declare_exclusive, queue_delete, queue_purge, reply, request,
};
use options::{Mode, Options, USAGE};

/// Messages written with one write.
const BATCH: u64 = 100;
/// The consumer's acknowledgements, and its news to the publisher, come this seldom.
const ACK_EVERY: u64 = 100;
/// Unconfirmed publishes at most, and the consumer's prefetch.
const WINDOW: u16 = 1000;
/// Without confirms: how far the publisher may be ahead of the consumer.
const AHEAD: u64 = 20_000;

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
        Mode::Single => one_by_one(&options, &queue)?,
        Mode::Rpc => request_and_reply(&options, &queue)?,
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
    let frame = publish(queue, &plain(options.persistent), options.size);
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
    let frame = publish(queue, &plain(options.persistent), options.size);
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

/// A client with an exclusive reply queue, and a server that takes one request at a time, replies and
/// acknowledges. The client does not acknowledge replies, and nothing is confirmed.
fn request_and_reply(options: &Options, queue: &str) -> io::Result<Duration> {
    let mut server = Connection::open(options)?;
    server.call(&basic_qos(1), (60, 11))?;
    server.call(&basic_consume(queue, false), (60, 21))?;
    let mut client = Connection::open(options)?;
    let reply_to = format!("{queue}-replies");
    client.call(&queue_declare_exclusive(&reply_to), (50, 11))?;
    client.call(&basic_consume(&reply_to, true), (60, 21))?;
    let asked = publish(queue, &request(options.persistent, &reply_to), options.size);
    let answered = publish(&reply_to, &reply(options.persistent), options.size);
    let started = Instant::now();
    for _ in 0..options.messages {
        client.send(&asked)?;
        let tag = server.delivery()?;
        server.send(&answered)?;
        server.send(&basic_ack(tag, false))?;
        client.delivery()?;
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
