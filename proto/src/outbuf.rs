//! [`Outbuf`]: frames on their way out. Small pieces are copied together, large bodies chained.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Bytes, BytesMut};

use crate::frame::{BODY, END, HEADER, HEARTBEAT, METHOD, OVERHEAD};
use crate::method::Method;

/// Room kept after a burst.
const KEPT_BYTES: usize = 256 * 1024;
/// Written bytes at the front are dropped once they are this many.
const COMPACT_BYTES: usize = 64 * 1024;
/// Bits of `basic.ack` and `basic.nack`.
const MULTIPLE: u8 = 1;
const REQUEUE: u8 = 2;
/// Class `basic`, then weight 0: how every content header begins.
const BASIC_HEADER: [u8; 4] = [0, 60, 0, 0];

/// A message as the outbound buffer wants it.
#[derive(Clone, Copy, Debug)]
pub struct ContentRef<'a> {
    /// Exchange and routing key as short strings, one behind the other.
    pub route: &'a [u8],
    /// Property flags and values.
    pub properties: &'a [u8],
    /// The body.
    pub body: BodyRef<'a>,
}

/// A body, to be copied or to be chained.
#[derive(Clone, Copy, Debug)]
pub enum BodyRef<'a> {
    /// Small: copied behind its header.
    Copy(&'a [u8]),
    /// Large: shared.
    Chain(&'a Bytes),
}

impl BodyRef<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Copy(body) => body.len(),
            Self::Chain(body) => body.len(),
        }
    }
}

/// What `basic.deliver` says besides the message.
#[derive(Clone, Copy, Debug)]
pub struct DeliverHead<'a> {
    /// The consumer's tag.
    pub consumer_tag: &'a [u8],
    /// The delivery's tag.
    pub delivery_tag: u64,
    /// It was delivered before.
    pub redelivered: bool,
}

/// Outbound bytes: chunks that are closed, then one that grows.
#[derive(Debug, Default)]
pub struct Outbuf {
    chunks: VecDeque<Bytes>,
    chunk_bytes: usize,
    tail: Vec<u8>,
    /// Bytes at the front of `tail` that are written already.
    written: usize,
}

impl Outbuf {
    /// An empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes waiting.
    pub fn len(&self) -> usize {
        self.chunk_bytes + self.tail.len() - self.written
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fill `slices` from the front; how many were filled.
    pub fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>]) -> usize {
        let tail = self.tail.get(self.written..).unwrap_or_default();
        let all = self.chunks.iter().map(|chunk| &chunk[..]).chain([tail]);
        let mut used = 0;
        for (slice, bytes) in slices.iter_mut().zip(all.filter(|bytes| !bytes.is_empty())) {
            *slice = IoSlice::new(bytes);
            used += 1;
        }
        used
    }

    /// The first `n` bytes are written.
    pub fn advance(&mut self, mut n: usize) {
        while let Some(chunk) = self.chunks.front_mut() {
            let step = n.min(chunk.len());
            self.chunk_bytes -= step;
            n -= step;
            if step < chunk.len() {
                bytes::Buf::advance(chunk, step);
                return;
            }
            self.chunks.pop_front();
        }
        self.written = (self.written + n).min(self.tail.len());
        if self.written == self.tail.len() {
            self.tail.clear();
            self.tail.shrink_to(KEPT_BYTES);
            self.written = 0;
        } else if self.written >= COMPACT_BYTES && self.written * 2 >= self.tail.len() {
            self.tail.drain(..self.written);
            self.written = 0;
        }
    }

    /// Bytes as they are: an answer to a protocol header.
    pub fn put_raw(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
    }

    /// A method frame.
    pub fn put_method(&mut self, channel: u16, method: &Method) {
        let mut payload = BytesMut::with_capacity(64);
        method.encode(&mut payload);
        self.open_frame(METHOD, channel, payload.len());
        self.tail.extend_from_slice(&payload);
        self.tail.push(END);
    }

    /// A heartbeat frame.
    pub fn put_heartbeat(&mut self) {
        self.open_frame(HEARTBEAT, 0, 0);
        self.tail.push(END);
    }

    /// `basic.ack`.
    pub fn put_ack(&mut self, channel: u16, delivery_tag: u64, multiple: bool) {
        self.put_settlement(
            channel,
            80,
            delivery_tag,
            if multiple { MULTIPLE } else { 0 },
        );
    }

    /// `basic.nack` of a publish that was refused; all before it were confirmed. RabbitMQ sets
    /// both bits.
    pub fn put_nack(&mut self, channel: u16, delivery_tag: u64) {
        self.put_settlement(channel, 120, delivery_tag, MULTIPLE | REQUEUE);
    }

    fn put_settlement(&mut self, channel: u16, method_id: u8, delivery_tag: u64, bits: u8) {
        self.open_frame(METHOD, channel, 13);
        self.tail.extend_from_slice(&[0, 60, 0, method_id]);
        self.tail.extend_from_slice(&delivery_tag.to_be_bytes());
        self.tail.extend_from_slice(&[bits, END]);
    }

    /// `basic.deliver` and its content.
    pub fn put_deliver(
        &mut self,
        channel: u16,
        head: DeliverHead<'_>,
        content: &ContentRef<'_>,
        frame_max: u32,
    ) {
        let tag = head.consumer_tag;
        self.reserve(tag.len(), content);
        self.open_frame(METHOD, channel, 4 + 1 + tag.len() + 9 + content.route.len());
        self.tail.extend_from_slice(&[0, 60, 0, 60, short_len(tag)]);
        self.tail.extend_from_slice(tag);
        self.tail
            .extend_from_slice(&head.delivery_tag.to_be_bytes());
        self.tail.push(u8::from(head.redelivered));
        self.tail.extend_from_slice(content.route);
        self.tail.push(END);
        self.put_content(channel, content, frame_max);
    }

    /// `basic.get-ok` and its content.
    pub fn put_get_ok(
        &mut self,
        channel: u16,
        delivery_tag: u64,
        redelivered: bool,
        message_count: u32,
        content: &ContentRef<'_>,
        frame_max: u32,
    ) {
        self.reserve(0, content);
        self.open_frame(METHOD, channel, 4 + 9 + content.route.len() + 4);
        self.tail.extend_from_slice(&[0, 60, 0, 71]);
        self.tail.extend_from_slice(&delivery_tag.to_be_bytes());
        self.tail.push(u8::from(redelivered));
        self.tail.extend_from_slice(content.route);
        self.tail.extend_from_slice(&message_count.to_be_bytes());
        self.tail.push(END);
        self.put_content(channel, content, frame_max);
    }

    /// `basic.return` and its content.
    pub fn put_return(
        &mut self,
        channel: u16,
        code: u16,
        text: &str,
        content: &ContentRef<'_>,
        frame_max: u32,
    ) {
        self.reserve(text.len(), content);
        self.open_frame(METHOD, channel, 4 + 3 + text.len() + content.route.len());
        self.tail.extend_from_slice(&[0, 60, 0, 50]);
        self.tail.extend_from_slice(&code.to_be_bytes());
        self.tail.push(short_len(text.as_bytes()));
        self.tail.extend_from_slice(text.as_bytes());
        self.tail.extend_from_slice(content.route);
        self.tail.push(END);
        self.put_content(channel, content, frame_max);
    }

    /// One reservation for all that is copied of a message.
    fn reserve(&mut self, extra: usize, content: &ContentRef<'_>) {
        let copied = match content.body {
            BodyRef::Copy(body) => body.len(),
            BodyRef::Chain(_) => 0,
        };
        // Three frames, and the fixed fields of any of the methods.
        let fixed = 3 * OVERHEAD + 32;
        self.tail
            .reserve(fixed + extra + content.route.len() + content.properties.len() + copied);
    }

    fn put_content(&mut self, channel: u16, content: &ContentRef<'_>, frame_max: u32) {
        let body_len = content.body.len();
        self.open_frame(HEADER, channel, 12 + content.properties.len());
        self.tail.extend_from_slice(&BASIC_HEADER);
        self.tail
            .extend_from_slice(&(body_len as u64).to_be_bytes());
        self.tail.extend_from_slice(content.properties);
        self.tail.push(END);
        let payload_max = match frame_max as usize {
            0 => usize::MAX,
            max => max.saturating_sub(OVERHEAD).max(1),
        };
        match content.body {
            BodyRef::Copy(body) => self.copy_body(channel, body, payload_max),
            BodyRef::Chain(body) => self.chain_body(channel, body, payload_max),
        }
    }

    fn copy_body(&mut self, channel: u16, body: &[u8], payload_max: usize) {
        for payload in body.chunks(payload_max) {
            self.open_frame(BODY, channel, payload.len());
            self.tail.extend_from_slice(payload);
            self.tail.push(END);
        }
    }

    fn chain_body(&mut self, channel: u16, body: &Bytes, payload_max: usize) {
        let mut at = 0;
        while at < body.len() {
            let end = body.len().min(at.saturating_add(payload_max));
            self.open_frame(BODY, channel, end - at);
            self.close_tail();
            self.chunk_bytes += end - at;
            self.chunks.push_back(body.slice(at..end));
            self.tail.push(END);
            at = end;
        }
    }

    /// Turn the growing chunk into a closed one, so that something can be chained behind it.
    fn close_tail(&mut self) {
        let mut tail = Bytes::from(std::mem::take(&mut self.tail));
        bytes::Buf::advance(&mut tail, std::mem::take(&mut self.written));
        self.chunk_bytes += tail.len();
        self.chunks.push_back(tail);
    }

    fn open_frame(&mut self, kind: u8, channel: u16, len: usize) {
        let [high, low] = channel.to_be_bytes();
        let [a, b, c, d] = u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
        self.tail.extend_from_slice(&[kind, high, low, a, b, c, d]);
    }
}

fn short_len(bytes: &[u8]) -> u8 {
    // What reaches a frame came out of a short string.
    u8::try_from(bytes.len()).unwrap_or(u8::MAX)
}
