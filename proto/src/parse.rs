//! The wire's primitives, inward: the only file that knows nom.

use std::fmt;

use bytes::Bytes;
use nom::bytes::complete::take;
use nom::error::Error;
use nom::number::complete::{be_u8, be_u16, be_u32, be_u64};
use nom::{IResult, Parser};

/// Why bytes do not decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// They end too early, or a length lies.
    Truncated,
    /// There is something behind the end.
    Trailing,
    /// A short string is not UTF-8.
    MalformedUtf8,
    /// A field value's type octet is not known.
    UnknownType(u8),
    /// A field table's bytes end too early.
    MalformedTable,
    /// A float is infinite or not a number.
    NotFinite,
    /// Tables nest too deep.
    TooDeep,
    /// A table has too many values.
    TooManyValues,
    /// There is no such method: class and method id.
    UnknownMethod(u16, u16),
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("the bytes end too early"),
            Self::Trailing => f.write_str("there are bytes behind the end"),
            Self::MalformedUtf8 => f.write_str("Malformed UTF-8 in shortstr"),
            Self::UnknownType(tag) => write!(f, "unknown field type {tag:#04x}"),
            Self::MalformedTable => f.write_str("a field table ends too early"),
            Self::NotFinite => f.write_str("a float is infinite or not a number"),
            Self::TooDeep => f.write_str("tables nest too deep"),
            Self::TooManyValues => f.write_str("a table has too many values"),
            Self::UnknownMethod(class, method) => write!(f, "unknown method {class}.{method}"),
        }
    }
}

impl std::error::Error for DecodeError {}

/// Reads primitives off the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn run<T>(&mut self, parsed: IResult<&'a [u8], T, Error<&'a [u8]>>) -> Result<T, DecodeError> {
        let (rest, value) = parsed.map_err(|_| DecodeError::Truncated)?;
        self.0 = rest;
        Ok(value)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.run(be_u8(self.0))
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.run(be_u16(self.0))
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.run(be_u32(self.0))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, DecodeError> {
        self.run(be_u64(self.0))
    }

    /// A length octet, then that many bytes.
    pub(crate) fn short(&mut self) -> Result<&'a [u8], DecodeError> {
        let parsed = be_u8
            .flat_map(take::<_, &'a [u8], Error<&'a [u8]>>)
            .parse(self.0);
        self.run(parsed)
    }

    pub(crate) fn short_str(&mut self) -> Result<&'a str, DecodeError> {
        std::str::from_utf8(self.short()?).map_err(|_| DecodeError::MalformedUtf8)
    }

    /// A four-octet length, then that many bytes.
    pub(crate) fn long(&mut self) -> Result<&'a [u8], DecodeError> {
        let parsed = be_u32
            .flat_map(take::<_, &'a [u8], Error<&'a [u8]>>)
            .parse(self.0);
        self.run(parsed)
    }

    pub(crate) fn long_bytes(&mut self) -> Result<Bytes, DecodeError> {
        self.long().map(Bytes::copy_from_slice)
    }

    pub(crate) fn end(&self) -> Result<(), DecodeError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing)
        }
    }
}
