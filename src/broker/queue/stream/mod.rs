//! [`Stream`]: a queue that is a log. Readers hold a position in it, an acknowledgement only
//! returns credit, and a message leaves by retention alone. All readers share the messages.

mod convert;
mod filter;
mod log;
mod offset;

use std::sync::Arc;

use self::log::Log;
use super::super::compat::Compat;
use super::super::effects::Effects;
use super::super::error::{BrokerError, Resource, Subject};
use super::super::event::Event;
use super::super::message::Message;
use super::super::outlet::{Delivered, Delivery};
use super::super::tick::Tick;
use super::super::trace;
use super::consumers::{ConsumerKey, Consumers};
use super::entry::Entry;
use super::settings::Settings;
use super::settle::Settlement;
use super::state::State;
use super::stats::{QueueStats, StreamView};
use super::{Enqueued, Queue, QueueKind};

pub use self::filter::Filter;
pub use self::offset::Offset;

/// What a consumer of a stream asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Where it begins.
    pub offset: Offset,
    /// What it wants to see; all, if `None`.
    pub filter: Option<Filter>,
}

/// The inside of a stream, beside the consumers that every queue has.
#[derive(Debug)]
pub(super) struct Stream {
    log: Log,
    readers: Vec<Reader>,
    /// See [`Compat::stream_converts_fully`].
    converts_fully: bool,
    /// See [`Compat::stream_delivers_whole_chunks`].
    whole_chunks: bool,
}

#[derive(Debug)]
struct Reader {
    key: ConsumerKey,
    position: u64,
    filter: Option<Filter>,
}

impl Stream {
    pub(super) fn new(compat: &Compat) -> Self {
        Self {
            log: Log::default(),
            readers: Vec::new(),
            converts_fully: compat.stream_converts_fully,
            whole_chunks: compat.stream_delivers_whole_chunks,
        }
    }

    /// Messages in it.
    pub(super) fn len(&self) -> u64 {
        self.log.len()
    }

    /// Messages from an offset on, to look at.
    pub(super) fn read(&self, offset: u64, limit: usize) -> Vec<Entry> {
        let mut position = offset;
        let next = || {
            let message = self.log.find(&mut position, None)?;
            let found = entry(position, message);
            position += 1;
            Some(found)
        };
        std::iter::from_fn(next).take(limit).collect()
    }

    pub(super) fn view(&self) -> StreamView {
        StreamView {
            bytes: self.log.bytes(),
            segments: self.log.segments(),
            first_arrival: self.log.first_arrival(),
        }
    }

    /// A consumer was added: it begins to read there.
    pub(super) fn add_reader(&mut self, key: ConsumerKey, reading: Reading) {
        self.readers.push(Reader {
            key,
            position: self.log.start(reading.offset),
            filter: reading.filter,
        });
    }

    pub(super) fn remove_reader(&mut self, key: ConsumerKey) {
        self.readers.retain(|reader| reader.key != key);
    }

    /// When to look again for what is too old.
    pub(super) fn next_evaluation(&self, settings: &Settings) -> Tick {
        self.log.next_evaluation(settings)
    }

    /// Bring every reader as far as it has room. Bounded by prefetch and the room of outlets.
    fn serve(
        &mut self,
        queue: &Arc<Queue>,
        consumers: &mut Consumers,
        stats: &mut QueueStats,
        fx: &mut Effects,
    ) {
        for reader in &mut self.readers {
            let mut chunk_end = 0;
            while consumers.has_room(reader.key) || reader.position < chunk_end {
                let filter = reader.filter.as_ref();
                let Some(message) = self.log.find(&mut reader.position, filter) else {
                    break;
                };
                if self.whole_chunks {
                    chunk_end = self.log.chunk_end(reader.position);
                }
                let entry = entry(reader.position, message);
                if !deliver(queue, consumers, reader.key, entry, fx) {
                    break;
                }
                reader.position += 1;
                stats.deliver += 1;
            }
        }
    }
}

fn entry(offset: u64, message: &Arc<Message>) -> Entry {
    Entry {
        seq: offset,
        message: Arc::clone(message),
        expires: Tick::NEVER,
        returns: 0,
        failures: 0,
        bytes: u32::try_from(message.bytes()).unwrap_or(u32::MAX),
        redelivered: false,
        priority: 0,
    }
}

/// Write one message to a reader. Whether its outlet took it.
fn deliver(
    queue: &Arc<Queue>,
    consumers: &mut Consumers,
    key: ConsumerKey,
    entry: Entry,
    fx: &mut Effects,
) -> bool {
    let Some(spec) = consumers.spec(key) else {
        return false;
    };
    let delivery = Delivery {
        queue,
        consumer: key,
        channel: spec.channel,
        consumer_tag: &spec.tag,
        no_ack: false,
        now: fx.now,
    };
    let seq = entry.seq;
    let traced = fx.tracer.is_some().then(|| Arc::clone(&entry.message));
    let (first, full) = match spec.outlet.deliver(delivery, entry) {
        Delivered::Sent { first } => (first, false),
        Delivered::Filled { first } => (first, true),
        Delivered::Refused(_) => {
            consumers.refused(key);
            return false;
        }
    };
    if first {
        fx.flush.push(Arc::clone(&spec.outlet));
    }
    fx.record(|| {
        queue.event(|vhost, queue| Event::Delivered {
            vhost,
            queue,
            seq,
            consumer_tag: spec.tag.clone(),
            redelivered: false,
        })
    });
    if let Some(message) = traced {
        trace::delivered(spec.origin.as_ref().into(), queue, &message, false, fx);
    }
    consumers.delivered(key, full);
    true
}

impl State {
    /// Serve the readers of a stream.
    pub(super) fn serve_readers(&mut self, queue: &Arc<Queue>, fx: &mut Effects) {
        if let Some(stream) = &mut self.stream {
            stream.serve(queue, &mut self.consumers, &mut self.stats, fx);
        }
    }

    /// Drop what is too old or too much for a stream.
    pub(super) fn retain(&mut self, now: Tick) {
        if let Some(stream) = &mut self.stream {
            stream.log.retain(&self.settings, now);
        }
    }

    /// However a reader settles, it only gets credit: the message was never taken.
    pub(super) fn settle_reader(&mut self, consumer: ConsumerKey, how: Settlement) {
        self.stats.ack += u64::from(how == Settlement::Ack);
        self.consumers.settled(consumer);
    }
}

impl Queue {
    /// A message arrives at a stream.
    pub(super) fn append(
        self: &Arc<Self>,
        message: &Message,
        now: Tick,
        fx: &mut Effects,
    ) -> Enqueued {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        // A deleted one has no log any more.
        let Some(stream) = &mut state.stream else {
            return Enqueued::Gone;
        };
        let (offset, full) = (stream.log.next_offset(), stream.converts_fully);
        let Some(record) = convert::record(message, offset, full, &mut fx.packer, now) else {
            return Enqueued::Failed;
        };
        state.stats.publish += 1;
        stream.log.append(record, &state.settings, now);
        state.serve_readers(self, fx);
        state.arm(self, fx);
        Enqueued::Taken
    }

    /// A stream cannot do `what`; every other queue can.
    pub fn refuse_if_stream(&self, what: &str) -> Result<(), BrokerError> {
        if self.kind != QueueKind::Stream {
            return Ok(());
        }
        let subject = Subject {
            kind: Resource::Queue,
            name: self.spec.name.clone(),
            vhost: self.spec.vhost.clone(),
        };
        Err(BrokerError::NotImplemented(format!(
            "{what} not supported by stream queues {subject}"
        )))
    }
}
