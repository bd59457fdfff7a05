//! Values and tables from and to the wire.

use bytes::{BufMut, BytesMut};

use super::{FieldTable, FieldValue};
use crate::parse::{DecodeError, Reader};
use crate::put::Put;

/// Deepest nesting of tables and arrays that is taken. RabbitMQ knows no limit; no client nests so deep.
pub const DEPTH_MAX: usize = 64;
/// Most values in one table, nested ones counted: as many as a frame of the usual size can hold,
/// so that it bounds what a larger frame makes of its bytes.
pub const VALUES_MAX: usize = 131_072;

/// What may still come while one table is decoded.
struct Decoder {
    depth: usize,
    values_left: usize,
}

impl Decoder {
    const fn new() -> Self {
        Self {
            depth: 0,
            values_left: VALUES_MAX,
        }
    }

    fn table(&mut self, raw: &[u8]) -> Result<FieldTable, DecodeError> {
        let mut from = Reader(raw);
        let mut table = FieldTable::new();
        while !from.0.is_empty() {
            // RabbitMQ does not ask whether a key is text.
            let key = String::from_utf8_lossy(from.short()?);
            table.0.push((key.as_ref().into(), self.value(&mut from)?));
        }
        Ok(table)
    }

    fn array(&mut self, raw: &[u8]) -> Result<Vec<FieldValue>, DecodeError> {
        let mut from = Reader(raw);
        let mut values = Vec::new();
        while !from.0.is_empty() {
            values.push(self.value(&mut from)?);
        }
        Ok(values)
    }

    fn value(&mut self, from: &mut Reader<'_>) -> Result<FieldValue, DecodeError> {
        let left = self.values_left.checked_sub(1);
        self.values_left = left.ok_or(DecodeError::TooManyValues)?;
        match from.u8()? {
            b'A' => self
                .deeper(from.long()?, Self::array)
                .map(FieldValue::Array),
            b'F' => self
                .deeper(from.long()?, Self::table)
                .map(FieldValue::Table),
            tag => scalar(tag, from),
        }
    }

    fn deeper<T>(
        &mut self,
        raw: &[u8],
        decode: impl FnOnce(&mut Self, &[u8]) -> Result<T, DecodeError>,
    ) -> Result<T, DecodeError> {
        if self.depth == DEPTH_MAX {
            return Err(DecodeError::TooDeep);
        }
        self.depth += 1;
        let decoded = decode(self, raw);
        self.depth -= 1;
        decoded
    }
}

/// A value that holds no others.
fn scalar(tag: u8, from: &mut Reader<'_>) -> Result<FieldValue, DecodeError> {
    Ok(match tag {
        b't' => FieldValue::Bool(from.u8()? != 0),
        b'b' => FieldValue::I8(from.u8()?.cast_signed()),
        b'B' => FieldValue::U8(from.u8()?),
        b's' => FieldValue::I16(from.u16()?.cast_signed()),
        b'u' => FieldValue::U16(from.u16()?),
        b'I' => FieldValue::I32(from.u32()?.cast_signed()),
        b'i' => FieldValue::U32(from.u32()?),
        // `L` is the specification's octet for what RabbitMQ calls, and sends as, `l`.
        b'l' | b'L' => FieldValue::I64(from.u64()?.cast_signed()),
        b'f' => FieldValue::F32(finite(f32::from_bits(from.u32()?), f32::is_finite)?),
        b'd' => FieldValue::F64(finite(f64::from_bits(from.u64()?), f64::is_finite)?),
        b'D' => FieldValue::Decimal {
            scale: from.u8()?,
            value: from.u32()?,
        },
        b'S' => FieldValue::LongString(from.long_bytes()?),
        b'x' => FieldValue::Bytes(from.long_bytes()?),
        b'T' => FieldValue::Timestamp(from.u64()?),
        b'V' => FieldValue::Void,
        tag => return Err(DecodeError::UnknownType(tag)),
    })
}

/// Erlang has neither infinities nor NaN, so RabbitMQ cannot read them.
pub(super) fn finite<T: Copy>(number: T, is_finite: fn(T) -> bool) -> Result<T, DecodeError> {
    if is_finite(number) {
        Ok(number)
    } else {
        Err(DecodeError::NotFinite)
    }
}

impl FieldTable {
    /// From its bytes without the length.
    ///
    /// # Errors
    /// Bytes that end too early are [`DecodeError::MalformedTable`]: RabbitMQ tells them from a
    /// method whose own fields do.
    pub fn decode(raw: &[u8]) -> Result<Self, DecodeError> {
        Decoder::new().table(raw).map_err(|error| match error {
            DecodeError::Truncated => DecodeError::MalformedTable,
            other => other,
        })
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

impl FieldValue {
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
