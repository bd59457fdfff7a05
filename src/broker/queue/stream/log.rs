//! [`Log`]: the messages of a stream in the order of arrival. What is in never changes; it leaves
//! by retention, a whole segment at a time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::super::super::message::Message;
use super::super::super::tick::Tick;
use super::super::settings::Settings;
use super::filter::{Filter, Labels};
use super::offset::Offset;

/// Size of a segment without `x-stream-max-segment-size-bytes`.
const SEGMENT_BYTES: u64 = 500_000_000;
/// Most chunks of a segment.
const SEGMENT_CHUNKS_MAX: usize = 256_000;
/// Most messages of a chunk.
const CHUNK_MESSAGES_MAX: u64 = 4096;
/// What RabbitMQ writes for a chunk and for a message besides its route, properties and body, about:
/// it makes segments hold as many messages here as there.
const CHUNK_OVERHEAD: u64 = 64;
const MESSAGE_OVERHEAD: u64 = 82;
/// How long RabbitMQ waits before it looks again for what is too old, when nothing arrives.
const EVALUATION_INTERVAL_MS: u64 = 3_600_000;

/// What is appended.
#[derive(Debug)]
pub(super) struct Record {
    /// As readers get it: its offset stands in its headers.
    pub(super) message: Arc<Message>,
    /// `x-stream-filter-value`.
    pub(super) label: Option<Box<str>>,
    /// Bytes of route, properties and body as published.
    pub(super) bytes: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Log {
    segments: VecDeque<Segment>,
    next: u64,
    /// Of all segments.
    bytes: u64,
    /// When retention was last looked at.
    evaluated: Tick,
}

#[derive(Debug)]
struct Segment {
    first: u64,
    messages: Vec<Arc<Message>>,
    chunks: Vec<Chunk>,
    bytes: u64,
}

/// What arrived at once: RabbitMQ's unit of time, of filters and of `last`.
#[derive(Debug)]
struct Chunk {
    first: u64,
    arrived: Tick,
    labels: Labels,
}

impl Log {
    /// Messages in it.
    pub(super) fn len(&self) -> u64 {
        self.next - self.first()
    }

    /// Their bytes, about as many as RabbitMQ's files would have.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// RabbitMQ has one from the beginning.
    pub(super) fn segments(&self) -> usize {
        self.segments.len().max(1)
    }

    /// When the oldest message arrived.
    pub(super) fn first_arrival(&self) -> Option<Tick> {
        Some(self.segments.front()?.chunks.first()?.arrived)
    }

    /// The offset that the next message will have.
    pub(super) fn next_offset(&self) -> u64 {
        self.next
    }

    fn first(&self) -> u64 {
        self.segments
            .front()
            .map_or(self.next, |segment| segment.first)
    }

    /// Add a message; what is beyond the limits goes when a segment is full.
    pub(super) fn append(&mut self, record: Record, settings: &Settings, now: Tick) {
        let is_new_segment = self.make_room(settings, now);
        let Some(segment) = self.segments.back_mut() else {
            return;
        };
        let bytes = record.bytes + MESSAGE_OVERHEAD;
        segment.bytes += bytes;
        self.bytes += bytes;
        if let Some(chunk) = segment.chunks.last_mut() {
            chunk.labels.add(record.label.as_deref());
        }
        segment.messages.push(record.message);
        self.next += 1;
        if is_new_segment {
            self.retain(settings, now);
        }
    }

    /// See that the last chunk is the one to append to. Whether it began a segment.
    fn make_room(&mut self, settings: &Settings, now: Tick) -> bool {
        let next = self.next;
        let bytes_max = settings.segment_bytes_max.unwrap_or(SEGMENT_BYTES);
        let mut arrived = now;
        if let Some(chunk) = self.segments.back().and_then(|last| last.chunks.last()) {
            // Connections read the clock before they wait for the queue.
            arrived = now.max(chunk.arrived);
            if arrived == chunk.arrived && next - chunk.first < CHUNK_MESSAGES_MAX {
                return false;
            }
        }
        let is_full =
            |last: &Segment| last.bytes >= bytes_max || last.chunks.len() >= SEGMENT_CHUNKS_MAX;
        let begins = self.segments.back().is_none_or(is_full);
        if begins {
            self.segments.push_back(Segment::starting_at(next));
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes += CHUNK_OVERHEAD;
            self.bytes += CHUNK_OVERHEAD;
            segment.chunks.push(Chunk {
                first: next,
                arrived,
                labels: Labels::default(),
            });
        }
        begins
    }

    /// Drop old segments beyond the limits. The newest one always stays.
    pub(super) fn retain(&mut self, settings: &Settings, now: Tick) {
        self.evaluated = now;
        while let Some(oldest) = self.segments.front().filter(|_| self.segments.len() > 1) {
            let is_old = settings
                .max_age_ms
                .is_some_and(|age| oldest.last_arrival().plus_ms(age) < now);
            if !is_old && settings.bytes_max.is_none_or(|max| self.bytes <= max) {
                return;
            }
            self.bytes -= oldest.bytes;
            self.segments.pop_front();
        }
    }

    /// When to look again for what is too old.
    pub(super) fn next_evaluation(&self, settings: &Settings) -> Tick {
        match settings.max_age_ms.filter(|_| self.segments.len() > 1) {
            Some(_) => self.evaluated.plus_ms(EVALUATION_INTERVAL_MS),
            None => Tick::NEVER,
        }
    }

    /// The position at which a reader begins.
    pub(super) fn start(&self, offset: Offset) -> u64 {
        match offset {
            Offset::First => self.first(),
            Offset::Last => self
                .segments
                .back()
                .and_then(|segment| segment.chunks.last())
                .map_or(self.next, |chunk| chunk.first),
            Offset::Next => self.next,
            Offset::Number(number) => number.max(self.first()),
            Offset::Since(time) => self.since(time),
        }
    }

    fn since(&self, time: Tick) -> u64 {
        let at = self
            .segments
            .partition_point(|segment| segment.last_arrival() < time);
        self.segments.get(at).map_or(self.next, |segment| {
            let at = segment.chunks.partition_point(|chunk| chunk.arrived < time);
            segment
                .chunks
                .get(at)
                .map_or(self.next, |chunk| chunk.first)
        })
    }

    /// The first message at or after `position` that `filter` lets through. `position` moves to it,
    /// or to the end when there is none.
    pub(super) fn find(
        &self,
        position: &mut u64,
        filter: Option<&Filter>,
    ) -> Option<&Arc<Message>> {
        *position = (*position).max(self.first());
        let mut at = self.segment_of(*position)?;
        if let Some(filter) = filter {
            while let Some(segment) = self.segments.get(at) {
                if segment.skip_to_match(position, filter) {
                    break;
                }
                at += 1;
            }
        }
        let segment = self.segments.get(at)?;
        segment.messages.get(segment.index(*position)?)
    }

    /// Where the chunk that holds `position` ends.
    pub(super) fn chunk_end(&self, position: u64) -> u64 {
        let segment = self
            .segment_of(position)
            .and_then(|at| self.segments.get(at));
        segment.map_or(position, |segment| {
            let after = segment.chunk_after(position);
            segment.chunk_start(after)
        })
    }

    fn segment_of(&self, position: u64) -> Option<usize> {
        // Most readers are near the end.
        let last = self.segments.len().checked_sub(1)?;
        if self.segments.get(last)?.first <= position {
            return Some(last);
        }
        self.segments
            .partition_point(|segment| segment.first <= position)
            .checked_sub(1)
    }
}

impl Segment {
    const fn starting_at(first: u64) -> Self {
        Self {
            first,
            messages: Vec::new(),
            chunks: Vec::new(),
            bytes: 0,
        }
    }

    fn last_arrival(&self) -> Tick {
        self.chunks.last().map_or(Tick(0), |chunk| chunk.arrived)
    }

    fn end(&self) -> u64 {
        self.first + self.messages.len() as u64
    }

    fn index(&self, position: u64) -> Option<usize> {
        usize::try_from(position.checked_sub(self.first)?).ok()
    }

    /// Index of the first chunk that begins after `position`.
    fn chunk_after(&self, position: u64) -> usize {
        self.chunks.partition_point(|chunk| chunk.first <= position)
    }

    /// Where the chunk of that index begins; the end when there is none.
    fn chunk_start(&self, index: usize) -> u64 {
        self.chunks
            .get(index)
            .map_or(self.end(), |chunk| chunk.first)
    }

    /// Move `position` to the first message from there on whose chunk matches; if there is none
    /// here, to the end. A position beyond the end stays.
    fn skip_to_match(&self, position: &mut u64, filter: &Filter) -> bool {
        while *position < self.end() {
            let after = self.chunk_after(*position);
            let chunk = after.checked_sub(1).and_then(|at| self.chunks.get(at));
            if chunk.is_some_and(|chunk| filter.matches(&chunk.labels)) {
                return true;
            }
            *position = self.chunk_start(after);
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{Filter, Log, Message, Offset, Record, Settings, Tick};
    use crate::broker::message::{Facts, Packer, Parts};

    /// What a log should hold, in the simplest form: chunk and label of each offset.
    struct Model {
        chunks: Vec<u64>,
        labels: Vec<&'static str>,
    }

    impl Model {
        fn expected(&self, first: u64, from: u64, label: Option<&str>) -> Vec<u64> {
            let chunk_has = |chunk: u64, label: &str| {
                let mut all = self.chunks.iter().zip(&self.labels);
                all.any(|(there, has)| *there == chunk && *has == label)
            };
            let wanted = |(_, chunk): &(u64, &u64)| label.is_none_or(|it| chunk_has(**chunk, it));
            let all = (0..).zip(&self.chunks).filter(wanted);
            all.map(|(offset, _)| offset)
                .filter(|offset| *offset >= from.max(first))
                .collect()
        }
    }

    fn read(log: &Log, mut position: u64, filter: Option<&Filter>) -> Vec<u64> {
        let mut seen = Vec::new();
        while log.find(&mut position, filter).is_some() {
            seen.push(position);
            position += 1;
        }
        seen
    }

    #[test]
    fn every_reader_sees_what_a_plain_list_says() {
        let parts = Parts {
            exchange: "",
            routing_key: "s",
            properties: &[0, 0],
        };
        let message = Message::pack(
            &mut Packer::default(),
            parts,
            Facts::default(),
            b"",
            Tick(0),
        );
        let message = Arc::new(message);
        let settings = Settings {
            segment_bytes_max: Some(500),
            bytes_max: Some(6000),
            ..Settings::default()
        };
        let (mut log, mut now, mut seed) = (Log::default(), 0, 1_u64);
        let mut model = Model {
            chunks: Vec::new(),
            labels: Vec::new(),
        };
        let mut random = |below: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % below
        };
        for _ in 0..300 {
            now += random(2);
            let label = ["", "a", "b"][usize::try_from(random(3)).unwrap()];
            let record = Record {
                message: Arc::clone(&message),
                label: Some(label.into()),
                bytes: random(100),
            };
            log.append(record, &settings, Tick(now));
            model.chunks.push(now);
            model.labels.push(label);
            let first = log.start(Offset::First);
            let from = random(log.next_offset() + 2);
            for label in [None, Some("a"), Some("b"), Some("")] {
                let filter = label.map(|label| Filter::new([label].into_iter(), false));
                let expected = model.expected(first, from, label);
                assert_eq!(read(&log, from, filter.as_ref()), expected);
            }
            let since = random(now + 2);
            let at = model.chunks.partition_point(|chunk| *chunk < since) as u64;
            assert_eq!(log.start(Offset::Since(Tick(since))), at.max(first));
        }
        assert!(log.start(Offset::First) > 100, "old segments went");
        assert!(log.bytes() <= 6000 + 600);
    }
}
