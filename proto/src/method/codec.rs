//! How the fields of a method go to and from the wire.

use bytes::{BufMut, Bytes, BytesMut};

use crate::parse::{DecodeError, Reader};
use crate::put::Put;
use crate::value::{FieldTable, ShortString};

/// Consecutive bits share an octet (AMQP 0-9-1, 4.2.5.2); anything else ends it.
#[derive(Debug, Default)]
pub(crate) struct Bits {
    octet: u8,
    used: u8,
}

/// A field of a method.
pub(crate) trait Field: Sized {
    fn read(from: &mut Reader<'_>, bits: &mut Bits) -> Result<Self, DecodeError>;
    fn write(&self, out: &mut BytesMut, bits: &mut Bits);
}

impl Bits {
    fn read(&mut self, from: &mut Reader<'_>) -> Result<bool, DecodeError> {
        if self.used == 0 {
            self.octet = from.u8()?;
        }
        let flag = self.octet >> self.used & 1 == 1;
        self.used = (self.used + 1) % 8;
        Ok(flag)
    }

    fn write(&mut self, flag: bool, out: &mut BytesMut) {
        self.octet |= u8::from(flag) << self.used;
        self.used += 1;
        if self.used == 8 {
            self.end(out);
        }
    }

    /// Write the octet begun, if any.
    pub(crate) fn end(&mut self, out: &mut BytesMut) {
        if self.used > 0 {
            out.put_u8(self.octet);
            *self = Self::default();
        }
    }
}

impl Field for bool {
    fn read(from: &mut Reader<'_>, bits: &mut Bits) -> Result<Self, DecodeError> {
        bits.read(from)
    }

    fn write(&self, out: &mut BytesMut, bits: &mut Bits) {
        bits.write(*self, out);
    }
}

macro_rules! plain_field {
    ($type:ty, $from:ident => $read:expr, $value:ident $out:ident => $write:expr) => {
        impl Field for $type {
            fn read($from: &mut Reader<'_>, bits: &mut Bits) -> Result<Self, DecodeError> {
                *bits = Bits::default();
                $read
            }

            fn write(&self, $out: &mut BytesMut, bits: &mut Bits) {
                bits.end($out);
                let $value = self;
                $write;
            }
        }
    };
}

plain_field!(u8, from => from.u8(), value out => out.put_u8(*value));
plain_field!(u16, from => from.u16(), value out => out.put_u16(*value));
plain_field!(u32, from => from.u32(), value out => out.put_u32(*value));
plain_field!(u64, from => from.u64(), value out => out.put_u64(*value));
plain_field!(Bytes, from => from.long_bytes(), value out => out.put_long(value));
plain_field!(ShortString, from => from.short_str().map(Into::into),
    value out => out.put_short(value.as_str().as_bytes()));
plain_field!(FieldTable, from => Self::decode(from.long()?), value out => value.encode(out));

macro_rules! kind {
    (octet) => {
        u8
    };
    (short) => {
        u16
    };
    (long) => {
        u32
    };
    (longlong) => {
        u64
    };
    (shortstr) => {
        ShortString
    };
    (longstr) => {
        Bytes
    };
    (table) => {
        FieldTable
    };
    (bit) => {
        bool
    };
}

macro_rules! method_struct {
    ($name:ident, $wire:literal, ($($field:ident : $kind:ident),*)) => {
        #[doc = concat!("`", $wire, "`")]
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct $name {
            $(pub $field: $crate::method::codec::kind!($kind),)*
        }

        impl $name {
            #[allow(unused_variables, unused_mut, reason = "some methods have no fields")]
            pub(crate) fn decode(from: &mut $crate::parse::Reader<'_>) -> Result<Self, $crate::DecodeError> {
                let mut bits = $crate::method::codec::Bits::default();
                Ok(Self { $($field: $crate::method::Field::read(from, &mut bits)?,)* })
            }

            #[allow(unused_variables, unused_mut, reason = "some methods have no fields")]
            pub(crate) fn encode(&self, out: &mut bytes::BytesMut) {
                let mut bits = $crate::method::codec::Bits::default();
                $($crate::method::Field::write(&self.$field, out, &mut bits);)*
                bits.end(out);
            }
        }
    };
}

pub(crate) use {kind, method_struct};
