//! [`Message`]: what was published, immutable and shared by every queue that holds it.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use leveret_proto::DecodeError;
use leveret_proto::content::{self, Properties};
use leveret_proto::outbuf::{BodyRef, ContentRef};
use leveret_proto::value::FieldTable;

use super::dead_letter::Death;
use super::tick::Tick;

/// Bodies up to this size are packed beside the routing key and the properties; a larger body
/// stays in the buffer it arrived in.
pub const PACKED_BODY_MAX: usize = 2048;
/// Packed messages share allocations of this size, so that one message costs one allocation.
const CHUNK: usize = 64 * 1024;

/// A published message.
///
/// Its routing facts stand as they go out on the wire (exchange and routing key as short strings,
/// then the raw properties, then a small body), so that delivering is copying.
#[derive(Clone, Debug)]
pub struct Message {
    packed: Bytes,
    large: Option<Bytes>,
    exchange_len: u8,
    key_len: u8,
    properties_len: u32,
    /// What the properties say that queues must know.
    pub facts: Facts,
    /// When it was published, on its virtual host's clock.
    pub published: Tick,
    /// How often it died, the latest death first.
    pub deaths: Option<Vec<Death>>,
    /// How often its deliveries failed in the queues that it died in.
    pub failures: u32,
    /// Its `CC` counts no more: it was dead-lettered with another routing key.
    pub left_its_keys: bool,
}

/// What the properties say that queues must know, read once at the edge.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// 2 is persistent; 0 when it is not said.
    pub delivery_mode: u8,
    /// `None` when it is not said.
    pub priority: Option<u8>,
    /// The message's own TTL.
    pub expiration_ms: Option<u64>,
    /// Where the headers stand in the properties.
    pub headers: Option<Range<usize>>,
}

/// Properties that a publish is refused for.
#[derive(Clone, Debug, PartialEq)]
pub enum BadProperties {
    /// They do not decode.
    Malformed(DecodeError),
    /// `expiration` is no number of milliseconds: the value, and what is wrong with it.
    Expiration(String, String),
}

impl std::fmt::Display for BadProperties {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Malformed(error) => error.fmt(f),
            Self::Expiration(text, reason) => write!(f, "invalid expiration '{text}': {reason}"),
        }
    }
}

impl Facts {
    /// Read them from property flags and values as received.
    pub fn read(properties: &[u8]) -> Result<Self, BadProperties> {
        let found = content::scan(properties).map_err(BadProperties::Malformed)?;
        Self::of(&found, properties)
    }

    /// Likewise, from a scan that was made already.
    pub fn of(found: &content::Facts, properties: &[u8]) -> Result<Self, BadProperties> {
        let expiration = found
            .expiration
            .clone()
            .and_then(|range| properties.get(range));
        Ok(Self {
            delivery_mode: found.delivery_mode,
            priority: found.priority,
            expiration_ms: expiration.map(expiration_ms).transpose()?,
            headers: found.headers.clone(),
        })
    }

    /// Whether it survives a restart, where anything does.
    pub const fn is_persistent(&self) -> bool {
        self.delivery_mode == 2
    }
}

/// RabbitMQ reads a decimal number and complains about the rest in Erlang's words.
fn expiration_ms(raw: &[u8]) -> Result<u64, BadProperties> {
    let text = String::from_utf8_lossy(raw);
    let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let end = digits
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(digits.len());
    let (number, rest) = digits.split_at(end);
    let bad = |reason: String| Err(BadProperties::Expiration(text.to_string(), reason));
    match (number.parse::<u64>(), rest) {
        (Err(_), _) => bad("no_integer".to_owned()),
        (Ok(_), rest) if !rest.is_empty() => bad(format!("{{leftover_string,\"{rest}\"}}")),
        (Ok(number), _) if text.starts_with('-') && number > 0 => {
            bad(format!("{{value_negative,-{number}}}"))
        }
        (Ok(number), _) => Ok(number),
    }
}

/// The bytes of a message about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// Where it was published.
    pub exchange: &'a str,
    /// Its routing key.
    pub routing_key: &'a str,
    /// Property flags and values as received.
    pub properties: &'a [u8],
}

impl Message {
    /// Pack a message whose body is borrowed. Properties that do not decode are an error.
    pub fn pack(
        packer: &mut Packer,
        parts: Parts<'_>,
        facts: Facts,
        body: &[u8],
        now: Tick,
    ) -> Self {
        let inline = body.len() <= PACKED_BODY_MAX;
        let packed = packer.pack(parts, if inline { body } else { &[] });
        let large = (!inline).then(|| Bytes::copy_from_slice(body));
        Self::build(parts, packed, large, facts, now)
    }

    /// A message whose body is owned already: it is kept, not copied.
    pub fn adopt(
        packer: &mut Packer,
        parts: Parts<'_>,
        facts: Facts,
        body: Bytes,
        now: Tick,
    ) -> Self {
        if body.len() <= PACKED_BODY_MAX {
            return Self::pack(packer, parts, facts, &body, now);
        }
        Self::build(parts, packer.pack(parts, &[]), Some(body), facts, now)
    }

    fn build(
        parts: Parts<'_>,
        packed: Bytes,
        large: Option<Bytes>,
        facts: Facts,
        now: Tick,
    ) -> Self {
        Self {
            packed,
            large,
            exchange_len: short_len(parts.exchange),
            key_len: short_len(parts.routing_key),
            properties_len: u32::try_from(parts.properties.len()).unwrap_or(u32::MAX),
            facts,
            published: now,
            deaths: None,
            failures: 0,
            left_its_keys: false,
        }
    }

    /// A new message with this one's body and other properties or another route: a dead letter.
    pub fn rewritten(&self, packer: &mut Packer, parts: Parts<'_>, now: Tick) -> Self {
        let facts = Facts::read(parts.properties).unwrap_or_default();
        match &self.large {
            Some(body) => Self::adopt(packer, parts, facts, body.clone(), now),
            None => Self::pack(packer, parts, facts, self.body(), now),
        }
    }

    /// With this history.
    #[must_use]
    pub fn with_deaths(self, deaths: Vec<Death>, failures: u32) -> Self {
        Self {
            deaths: Some(deaths),
            failures,
            ..self
        }
    }

    /// Where it was published.
    pub fn exchange(&self) -> &str {
        text(&self.packed, 1, self.exchange_len as usize)
    }

    /// The routing key it was published with.
    pub fn routing_key(&self) -> &str {
        text(
            &self.packed,
            self.exchange_len as usize + 2,
            self.key_len as usize,
        )
    }

    /// Property flags and values as received.
    pub fn properties(&self) -> &[u8] {
        self.part(self.route_len(), self.properties_len as usize)
    }

    /// The properties, decoded.
    pub fn decoded(&self) -> Result<Properties, DecodeError> {
        Properties::decode(self.properties())
    }

    /// The headers, decoded; empty when there are none.
    pub fn headers(&self) -> FieldTable {
        headers(self.properties(), &self.facts)
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        let at = self.route_len() + self.properties_len as usize;
        self.large
            .as_deref()
            .unwrap_or_else(|| self.packed.get(at..).unwrap_or_default())
    }

    /// Bytes of the body: what RabbitMQ counts as `message_bytes`.
    pub fn bytes(&self) -> u64 {
        self.body().len() as u64
    }

    /// As the outbound buffer wants it.
    pub fn content(&self) -> ContentRef<'_> {
        let body = match &self.large {
            Some(large) => BodyRef::Chain(large),
            None => BodyRef::Copy(self.body()),
        };
        ContentRef {
            route: self.part(0, self.route_len()),
            properties: self.properties(),
            body,
        }
    }

    fn route_len(&self) -> usize {
        self.exchange_len as usize + self.key_len as usize + 2
    }

    fn part(&self, at: usize, len: usize) -> &[u8] {
        self.packed.get(at..at + len).unwrap_or_default()
    }
}

/// The headers of raw properties; empty when there are none or they do not decode.
pub fn headers(properties: &[u8], facts: &Facts) -> FieldTable {
    facts
        .headers
        .clone()
        .and_then(|range| properties.get(range))
        .and_then(|raw| FieldTable::decode(raw).ok())
        .unwrap_or_default()
}

/// Makes packed messages out of shared chunks; owned by whoever publishes.
#[derive(Debug, Default)]
pub struct Packer {
    chunk: BytesMut,
}

impl Packer {
    fn pack(&mut self, parts: Parts<'_>, body: &[u8]) -> Bytes {
        let (exchange, key) = (parts.exchange.as_bytes(), parts.routing_key.as_bytes());
        let len = exchange.len() + key.len() + 2 + parts.properties.len() + body.len();
        if self.chunk.capacity() < len {
            self.chunk = BytesMut::with_capacity(CHUNK.max(len));
        }
        self.chunk.extend_from_slice(&[short_len(parts.exchange)]);
        self.chunk.extend_from_slice(exchange);
        self.chunk
            .extend_from_slice(&[short_len(parts.routing_key)]);
        self.chunk.extend_from_slice(key);
        self.chunk.extend_from_slice(parts.properties);
        self.chunk.extend_from_slice(body);
        self.chunk.split().freeze()
    }
}

fn short_len(text: &str) -> u8 {
    // Short strings of the wire hold at most 255 bytes; longer ones do not reach the model.
    u8::try_from(text.len()).unwrap_or(u8::MAX)
}

fn text(packed: &[u8], at: usize, len: usize) -> &str {
    // Both texts were `&str` when they were packed.
    packed
        .get(at..at + len)
        .and_then(|raw| std::str::from_utf8(raw).ok())
        .unwrap_or_default()
}
