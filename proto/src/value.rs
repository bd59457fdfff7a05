//! Field tables and their values, with RabbitMQ's type octets.

use std::borrow::Borrow;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::parse::{DecodeError, Reader};
use crate::put::Put;

/// Deepest nesting of tables and arrays that is taken.
pub const DEPTH_MAX: usize = 64;

/// A string of at most 255 bytes.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShortString(Box<str>);

impl ShortString {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for ShortString {
    /// Cut to 255 bytes, between characters.
    fn from(text: &str) -> Self {
        let max = text.len().min(usize::from(u8::MAX));
        let end = (0..=max)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        Self(text.get(..end).unwrap_or_default().into())
    }
}

impl Borrow<str> for ShortString {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ShortString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl fmt::Display for ShortString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A field value; the type octets are RabbitMQ's, where they differ from the specification's.
#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// `t`
    Bool(bool),
    /// `b`
    I8(i8),
    /// `B`
    U8(u8),
    /// `s`
    I16(i16),
    /// `u`
    U16(u16),
    /// `I`
    I32(i32),
    /// `i`
    U32(u32),
    /// `l`
    I64(i64),
    /// `f`
    F32(f32),
    /// `d`
    F64(f64),
    /// `D`: `value / 10^scale`
    Decimal {
        /// Decimal places.
        scale: u8,
        /// The digits.
        value: u32,
    },
    /// `S`: bytes, usually text
    LongString(Bytes),
    /// `x`
    Bytes(Bytes),
    /// `A`
    Array(Vec<Self>),
    /// `T`: seconds since 1970
    Timestamp(u64),
    /// `F`
    Table(FieldTable),
    /// `V`
    Void,
}

impl FieldValue {
    /// RabbitMQ's name of the type, as its error texts have it.
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::I8(_) => "byte",
            Self::U8(_) => "unsignedbyte",
            Self::I16(_) => "short",
            Self::U16(_) => "unsignedshort",
            Self::I32(_) => "signedint",
            Self::U32(_) => "unsignedint",
            Self::I64(_) => "long",
            Self::F32(_) => "float",
            Self::F64(_) => "double",
            Self::Decimal { .. } => "decimal",
            Self::LongString(_) => "longstr",
            Self::Bytes(_) => "binary",
            Self::Array(_) => "array",
            Self::Timestamp(_) => "timestamp",
            Self::Table(_) => "table",
            Self::Void => "void",
        }
    }

    /// Any integer's value.
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I8(n) => Some(n.into()),
            Self::U8(n) => Some(n.into()),
            Self::I16(n) => Some(n.into()),
            Self::U16(n) => Some(n.into()),
            Self::I32(n) => Some(n.into()),
            Self::U32(n) => Some(n.into()),
            Self::I64(n) => Some(n),
            _ => None,
        }
    }

    /// A long string's text, if it is UTF-8.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::LongString(raw) => std::str::from_utf8(raw).ok(),
            _ => None,
        }
    }

    fn decode(from: &mut Reader<'_>, depth: usize) -> Result<Self, DecodeError> {
        Ok(match from.u8()? {
            b't' => Self::Bool(from.u8()? != 0),
            b'b' => Self::I8(from.u8()?.cast_signed()),
            b'B' => Self::U8(from.u8()?),
            b's' => Self::I16(from.u16()?.cast_signed()),
            b'u' => Self::U16(from.u16()?),
            b'I' => Self::I32(from.u32()?.cast_signed()),
            b'i' => Self::U32(from.u32()?),
            // RabbitMQ takes the unsigned one too, and sends it back as `l`.
            b'l' | b'L' => Self::I64(from.u64()?.cast_signed()),
            b'f' => Self::F32(f32::from_bits(from.u32()?)),
            b'd' => Self::F64(f64::from_bits(from.u64()?)),
            b'D' => Self::Decimal {
                scale: from.u8()?,
                value: from.u32()?,
            },
            b'S' => Self::LongString(from.long_bytes()?),
            b'x' => Self::Bytes(from.long_bytes()?),
            b'A' => Self::Array(array(from.long()?, deeper(depth)?)?),
            b'T' => Self::Timestamp(from.u64()?),
            b'F' => Self::Table(FieldTable::at_depth(from.long()?, deeper(depth)?)?),
            b'V' => Self::Void,
            tag => return Err(DecodeError::UnknownType(tag)),
        })
    }

    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Bool(flag) => out.put_slice(&[b't', u8::from(*flag)]),
            Self::I8(n) => out.put_slice(&[b'b', n.cast_unsigned()]),
            Self::U8(n) => out.put_slice(&[b'B', *n]),
            Self::I16(n) => tagged(out, b's', &n.to_be_bytes()),
            Self::U16(n) => tagged(out, b'u', &n.to_be_bytes()),
            Self::I32(n) => tagged(out, b'I', &n.to_be_bytes()),
            Self::U32(n) => tagged(out, b'i', &n.to_be_bytes()),
            Self::I64(n) => tagged(out, b'l', &n.to_be_bytes()),
            Self::F32(n) => tagged(out, b'f', &n.to_be_bytes()),
            Self::F64(n) => tagged(out, b'd', &n.to_be_bytes()),
            Self::Decimal { scale, value } => {
                out.put_slice(&[b'D', *scale]);
                out.put_u32(*value);
            }
            Self::LongString(raw) => tagged_long(out, b'S', raw),
            Self::Bytes(raw) => tagged_long(out, b'x', raw),
            Self::Array(values) => {
                out.put_u8(b'A');
                out.put_sized(|out| values.iter().for_each(|value| value.encode(out)));
            }
            Self::Timestamp(seconds) => tagged(out, b'T', &seconds.to_be_bytes()),
            Self::Table(table) => {
                out.put_u8(b'F');
                table.encode(out);
            }
            Self::Void => out.put_u8(b'V'),
        }
    }
}

fn tagged(out: &mut BytesMut, tag: u8, bytes: &[u8]) {
    out.put_u8(tag);
    out.put_slice(bytes);
}

fn tagged_long(out: &mut BytesMut, tag: u8, bytes: &[u8]) {
    out.put_u8(tag);
    out.put_long(bytes);
}

fn deeper(depth: usize) -> Result<usize, DecodeError> {
    if depth < DEPTH_MAX {
        Ok(depth + 1)
    } else {
        Err(DecodeError::TooDeep)
    }
}

fn array(raw: &[u8], depth: usize) -> Result<Vec<FieldValue>, DecodeError> {
    let mut from = Reader(raw);
    let mut values = Vec::new();
    while !from.0.is_empty() {
        values.push(FieldValue::decode(&mut from, depth)?);
    }
    Ok(values)
}

impl From<&str> for FieldValue {
    fn from(text: &str) -> Self {
        Self::LongString(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<bool> for FieldValue {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<i32> for FieldValue {
    fn from(number: i32) -> Self {
        Self::I32(number)
    }
}

impl From<i64> for FieldValue {
    fn from(number: i64) -> Self {
        Self::I64(number)
    }
}

impl From<FieldTable> for FieldValue {
    fn from(table: FieldTable) -> Self {
        Self::Table(table)
    }
}

/// A table, in the order received.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FieldTable(Vec<(ShortString, FieldValue)>);

impl FieldTable {
    /// An empty table.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of `key`; of several the first.
    pub fn get(&self, key: &str) -> Option<&FieldValue> {
        self.0
            .iter()
            .find(|(there, _)| there.as_str() == key)
            .map(|(_, value)| value)
    }

    /// Set `key`, in its old place if it has one.
    pub fn insert(&mut self, key: &str, value: impl Into<FieldValue>) {
        match self.0.iter_mut().find(|(there, _)| there.as_str() == key) {
            Some((_, old)) => *old = value.into(),
            None => self.0.push((key.into(), value.into())),
        }
    }

    /// Take `key` out.
    pub fn remove(&mut self, key: &str) -> Option<FieldValue> {
        let at = self.0.iter().position(|(there, _)| there.as_str() == key)?;
        Some(self.0.remove(at).1)
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&ShortString, &FieldValue)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// From its bytes without the length.
    pub fn decode(raw: &[u8]) -> Result<Self, DecodeError> {
        Self::at_depth(raw, 0)
    }

    fn at_depth(raw: &[u8], depth: usize) -> Result<Self, DecodeError> {
        let mut from = Reader(raw);
        let mut table = Self::new();
        while !from.0.is_empty() {
            let key = from.short_str()?.into();
            table.0.push((key, FieldValue::decode(&mut from, depth)?));
        }
        Ok(table)
    }

    /// With the length before it.
    pub fn encode(&self, out: &mut BytesMut) {
        out.put_sized(|out| {
            for (key, value) in &self.0 {
                out.put_short(key.as_str().as_bytes());
                value.encode(out);
            }
        });
    }
}

impl<K: AsRef<str>, V: Into<FieldValue>> FromIterator<(K, V)> for FieldTable {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(key, value)| (key.as_ref().into(), value.into()))
                .collect(),
        )
    }
}
