//! Message properties: scanned for the facts the broker needs, decoded only on demand.

use std::ops::Range;

use bytes::{BufMut, BytesMut};

use crate::parse::{DecodeError, Reader};
use crate::put::Put;
use crate::value::{FieldTable, ShortString};

const CONTENT_TYPE: u16 = 1 << 15;
const CONTENT_ENCODING: u16 = 1 << 14;
const HEADERS: u16 = 1 << 13;
const DELIVERY_MODE: u16 = 1 << 12;
const PRIORITY: u16 = 1 << 11;
const CORRELATION_ID: u16 = 1 << 10;
const REPLY_TO: u16 = 1 << 9;
const EXPIRATION: u16 = 1 << 8;
const MESSAGE_ID: u16 = 1 << 7;
const TIMESTAMP: u16 = 1 << 6;
const TYPE: u16 = 1 << 5;
const USER_ID: u16 = 1 << 4;
const APP_ID: u16 = 1 << 3;
const CLUSTER_ID: u16 = 1 << 2;
/// Another flag word follows; none is defined, so it is skipped.
const CONTINUATION: u16 = 1;

/// What the properties say, as places in them: nothing is copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// 0 when it is not said.
    pub delivery_mode: u8,
    /// Said or not.
    pub priority: Option<u8>,
    /// The contents of the headers table, without its length.
    pub headers: Option<Range<usize>>,
    /// The text.
    pub reply_to: Option<Range<usize>>,
    /// The text.
    pub expiration: Option<Range<usize>>,
    /// The text.
    pub message_id: Option<Range<usize>>,
    /// Seconds since 1970.
    pub timestamp: Option<u64>,
    /// The text.
    pub user_id: Option<Range<usize>>,
}

/// A position in the properties while they are scanned.
struct Scan<'a> {
    all: &'a [u8],
    rest: Reader<'a>,
}

impl Scan<'_> {
    fn place(&self, len: usize) -> Range<usize> {
        let end = self.all.len() - self.rest.0.len();
        end - len..end
    }

    fn short(&mut self, is_there: bool) -> Result<Option<Range<usize>>, DecodeError> {
        if !is_there {
            return Ok(None);
        }
        let len = self.rest.short()?.len();
        Ok(Some(self.place(len)))
    }

    fn long(&mut self, is_there: bool) -> Result<Option<Range<usize>>, DecodeError> {
        if !is_there {
            return Ok(None);
        }
        let len = self.rest.long()?.len();
        Ok(Some(self.place(len)))
    }
}

/// Find what the broker must know in flag words and values as received. Allocates nothing.
pub fn scan(properties: &[u8]) -> Result<Facts, DecodeError> {
    let mut scan = Scan {
        all: properties,
        rest: Reader(properties),
    };
    let flags = flags(&mut scan.rest)?;
    let has = |flag| flags & flag != 0;
    let mut facts = Facts::default();
    scan.short(has(CONTENT_TYPE))?;
    scan.short(has(CONTENT_ENCODING))?;
    facts.headers = scan.long(has(HEADERS))?;
    if has(DELIVERY_MODE) {
        facts.delivery_mode = scan.rest.u8()?;
    }
    if has(PRIORITY) {
        facts.priority = Some(scan.rest.u8()?);
    }
    scan.short(has(CORRELATION_ID))?;
    facts.reply_to = scan.short(has(REPLY_TO))?;
    facts.expiration = scan.short(has(EXPIRATION))?;
    facts.message_id = scan.short(has(MESSAGE_ID))?;
    if has(TIMESTAMP) {
        facts.timestamp = Some(scan.rest.u64()?);
    }
    scan.short(has(TYPE))?;
    facts.user_id = scan.short(has(USER_ID))?;
    scan.short(has(APP_ID))?;
    scan.short(has(CLUSTER_ID))?;
    Ok(facts)
}

fn flags(from: &mut Reader<'_>) -> Result<u16, DecodeError> {
    let first = from.u16()?;
    let mut last = first;
    // RabbitMQ minds neither further words nor that one announced does not come.
    while last & CONTINUATION != 0 {
        let Ok(next) = from.u16() else { break };
        last = next;
    }
    Ok(first & !CONTINUATION)
}

/// The properties of class `basic`.
#[derive(Clone, Debug, Default, PartialEq)]
#[allow(missing_docs, reason = "names and meanings are the specification's")]
pub struct Properties {
    pub content_type: Option<ShortString>,
    pub content_encoding: Option<ShortString>,
    pub headers: Option<FieldTable>,
    pub delivery_mode: Option<u8>,
    pub priority: Option<u8>,
    pub correlation_id: Option<ShortString>,
    pub reply_to: Option<ShortString>,
    pub expiration: Option<ShortString>,
    pub message_id: Option<ShortString>,
    pub timestamp: Option<u64>,
    pub kind: Option<ShortString>,
    pub user_id: Option<ShortString>,
    pub app_id: Option<ShortString>,
    pub cluster_id: Option<ShortString>,
}

impl Properties {
    /// From flag words and values as received.
    pub fn decode(raw: &[u8]) -> Result<Self, DecodeError> {
        let mut from = Reader(raw);
        let flags = flags(&mut from)?;
        let has = |flag| flags & flag != 0;
        let short = |from: &mut Reader<'_>, flag| match has(flag) {
            true => from.short_str().map(|text| Some(text.into())),
            false => Ok(None),
        };
        Ok(Self {
            content_type: short(&mut from, CONTENT_TYPE)?,
            content_encoding: short(&mut from, CONTENT_ENCODING)?,
            headers: has(HEADERS)
                .then(|| FieldTable::decode(from.long()?))
                .transpose()?,
            delivery_mode: has(DELIVERY_MODE).then(|| from.u8()).transpose()?,
            priority: has(PRIORITY).then(|| from.u8()).transpose()?,
            correlation_id: short(&mut from, CORRELATION_ID)?,
            reply_to: short(&mut from, REPLY_TO)?,
            expiration: short(&mut from, EXPIRATION)?,
            message_id: short(&mut from, MESSAGE_ID)?,
            timestamp: has(TIMESTAMP).then(|| from.u64()).transpose()?,
            kind: short(&mut from, TYPE)?,
            user_id: short(&mut from, USER_ID)?,
            app_id: short(&mut from, APP_ID)?,
            cluster_id: short(&mut from, CLUSTER_ID)?,
        })
    }

    /// As flag word and values.
    pub fn encode(&self, out: &mut BytesMut) {
        let at = out.len();
        out.put_u16(0);
        let mut to = Writer { out, flags: 0 };
        to.short(CONTENT_TYPE, &self.content_type);
        to.short(CONTENT_ENCODING, &self.content_encoding);
        to.put(HEADERS, &self.headers, |headers, out| headers.encode(out));
        to.put(DELIVERY_MODE, &self.delivery_mode, |mode, out| {
            out.put_u8(*mode)
        });
        to.put(PRIORITY, &self.priority, |priority, out| {
            out.put_u8(*priority)
        });
        to.short(CORRELATION_ID, &self.correlation_id);
        to.short(REPLY_TO, &self.reply_to);
        to.short(EXPIRATION, &self.expiration);
        to.short(MESSAGE_ID, &self.message_id);
        to.put(TIMESTAMP, &self.timestamp, |seconds, out| {
            out.put_u64(*seconds)
        });
        to.short(TYPE, &self.kind);
        to.short(USER_ID, &self.user_id);
        to.short(APP_ID, &self.app_id);
        to.short(CLUSTER_ID, &self.cluster_id);
        let flags = to.flags;
        if let Some(place) = out.get_mut(at..at + 2) {
            place.copy_from_slice(&flags.to_be_bytes());
        }
    }
}

/// Writes values that are there, and remembers their flags.
struct Writer<'a> {
    out: &'a mut BytesMut,
    flags: u16,
}

impl Writer<'_> {
    fn put<T>(&mut self, flag: u16, value: &Option<T>, put: impl FnOnce(&T, &mut BytesMut)) {
        if let Some(value) = value {
            put(value, self.out);
            self.flags |= flag;
        }
    }

    fn short(&mut self, flag: u16, text: &Option<ShortString>) {
        self.put(flag, text, |text, out| {
            out.put_short(text.as_str().as_bytes())
        });
    }
}
