//! Tables as RabbitMQ 4 sends them on, without decoding them: by key, of a key the first, and `L`
//! as `l`.

use bytes::{BufMut, BytesMut};

use super::FieldTable;
use super::wire::{DEPTH_MAX, finite};
use crate::parse::{DecodeError, Reader};

impl FieldTable {
    /// The bytes of a table (without the length) as RabbitMQ 4 sends them on; `None` when they are
    /// so already. That is found out without an allocation. Keys need not be text.
    ///
    /// # Errors
    /// As of [`FieldTable::decode`], but a table may have any number of values.
    pub fn canonical(raw: &[u8]) -> Result<Option<BytesMut>, DecodeError> {
        let mut walk = Walk {
            all: raw,
            depth: 0,
            longs: Vec::new(),
        };
        let is_ascending = walk.table(raw).map_err(|error| match error {
            DecodeError::Truncated => DecodeError::MalformedTable,
            other => other,
        })?;
        if is_ascending && walk.longs.is_empty() {
            return Ok(None);
        }
        let mut renamed = raw.to_vec();
        for at in walk.longs {
            if let Some(tag) = renamed.get_mut(at) {
                *tag = b'l';
            }
        }
        by_key(&renamed).map(Some)
    }

    /// By key; what has the same key stays in its order.
    pub fn sort(&mut self) {
        self.0
            .sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    }
}

fn by_key(raw: &[u8]) -> Result<BytesMut, DecodeError> {
    let mut walk = Walk {
        all: raw,
        depth: 0,
        longs: Vec::new(),
    };
    let mut from = Reader(raw);
    let mut fields = Vec::new();
    while !from.0.is_empty() {
        let whole = from.0;
        let key = from.short()?;
        walk.value(&mut from)?;
        let len = whole.len() - from.0.len();
        fields.push((key, whole.get(..len).unwrap_or_default()));
    }
    fields.sort_by_key(|(key, _)| *key);
    fields.dedup_by_key(|(key, _)| *key);
    let mut out = BytesMut::with_capacity(raw.len());
    fields.iter().for_each(|(_, field)| out.put_slice(field));
    Ok(out)
}

/// A look at every value.
struct Walk<'a> {
    all: &'a [u8],
    depth: usize,
    /// Where `L` stands.
    longs: Vec<usize>,
}

impl<'a> Walk<'a> {
    /// Whether each key is greater than the one before it.
    fn table(&mut self, raw: &'a [u8]) -> Result<bool, DecodeError> {
        let mut from = Reader(raw);
        let mut last = None;
        let mut is_ascending = true;
        while !from.0.is_empty() {
            let key = from.short()?;
            is_ascending &= last.is_none_or(|last| last < key);
            last = Some(key);
            self.value(&mut from)?;
        }
        Ok(is_ascending)
    }

    fn array(&mut self, raw: &'a [u8]) -> Result<bool, DecodeError> {
        let mut from = Reader(raw);
        while !from.0.is_empty() {
            self.value(&mut from)?;
        }
        Ok(true)
    }

    fn value(&mut self, from: &mut Reader<'a>) -> Result<(), DecodeError> {
        let at = from.0.as_ptr().addr() - self.all.as_ptr().addr();
        match from.u8()? {
            b't' | b'b' | b'B' => drop(from.u8()?),
            b's' | b'u' => drop(from.u16()?),
            b'I' | b'i' => drop(from.u32()?),
            b'l' | b'T' => drop(from.u64()?),
            b'L' => {
                from.u64()?;
                self.longs.push(at);
            }
            b'f' => drop(finite(f32::from_bits(from.u32()?), f32::is_finite)?),
            b'd' => drop(finite(f64::from_bits(from.u64()?), f64::is_finite)?),
            b'D' => {
                from.u8()?;
                from.u32()?;
            }
            b'S' | b'x' => drop(from.long()?),
            b'A' => self.deeper(from.long()?, Self::array)?,
            b'F' => self.deeper(from.long()?, Self::table)?,
            b'V' => {}
            tag => return Err(DecodeError::UnknownType(tag)),
        }
        Ok(())
    }

    fn deeper(
        &mut self,
        raw: &'a [u8],
        walk: impl FnOnce(&mut Self, &'a [u8]) -> Result<bool, DecodeError>,
    ) -> Result<(), DecodeError> {
        if self.depth == DEPTH_MAX {
            return Err(DecodeError::TooDeep);
        }
        self.depth += 1;
        let walked = walk(self, raw);
        self.depth -= 1;
        walked.map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::FieldValue;

    fn raw(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
        let mut raw = Vec::new();
        for (key, value) in pairs {
            raw.push(u8::try_from(key.len()).unwrap());
            raw.extend_from_slice(key);
            raw.extend_from_slice(value);
        }
        raw
    }

    #[test]
    fn a_table_in_order_stays_as_it_is() {
        let nested = b"F\0\0\0\x06\x01zV\x01aV";
        let raw = raw(&[(b"A", b"V"), (b"a", nested), (b"\xff", b"t\x01")]);
        assert_eq!(FieldTable::canonical(&raw), Ok(None));
        assert_eq!(FieldTable::canonical(b""), Ok(None));
    }

    /// As RabbitMQ 4.3.6 sends them on.
    #[test]
    fn keys_are_sorted_by_their_bytes_and_the_first_of_each_stays() {
        let sent = raw(&[
            (b"zz", b"V"),
            (b"b", b"t\x01"),
            (b"\xc3\xa9", b"V"),
            (b"\xff\x01", b"V"),
            (b"b", b"t\0"),
            (b"Z", b"V"),
            (b"", b"V"),
        ]);
        let got = raw(&[
            (b"", b"V"),
            (b"Z", b"V"),
            (b"b", b"t\x01"),
            (b"zz", b"V"),
            (b"\xc3\xa9", b"V"),
            (b"\xff\x01", b"V"),
        ]);
        assert_eq!(FieldTable::canonical(&sent), Ok(Some(got[..].into())));
    }

    #[test]
    fn the_specification_s_long_becomes_rabbitmq_s_at_any_depth() {
        let sent = raw(&[
            (b"a", b"L\0\0\0\0\0\0\0\x05"),
            (b"b", b"F\0\0\0\x10\x01zA\0\0\0\x09L\0\0\0\0\0\0\0L"),
        ]);
        let got = raw(&[
            (b"a", b"l\0\0\0\0\0\0\0\x05"),
            (b"b", b"F\0\0\0\x10\x01zA\0\0\0\x09l\0\0\0\0\0\0\0L"),
        ]);
        assert_eq!(FieldTable::canonical(&sent), Ok(Some(got[..].into())));
    }

    #[test]
    fn what_does_not_decode_is_refused_alike() {
        let mut deep = b"V".to_vec();
        for _ in 0..=DEPTH_MAX {
            let len = u32::try_from(deep.len()).unwrap().to_be_bytes();
            deep = [b"A", &len[..], &deep].concat();
        }
        for value in [
            &b"Z\0"[..],
            b"I\0",
            b"S\0\0\0\x09x",
            b"d\x7f\xf8\0\0\0\0\0\0",
            b"F\0\0\0\x04\x01aI\0",
            b"A\0\0\0\x02I\0",
            &deep,
        ] {
            let raw = raw(&[(b"a", value)]);
            let decoded = FieldTable::decode(&raw).unwrap_err();
            assert_eq!(FieldTable::canonical(&raw), Err(decoded), "{value:?}");
        }
        assert!(FieldTable::canonical(b"\x05a").is_err());
    }

    #[test]
    fn a_decoded_table_keeps_what_stands_twice() {
        let pairs = [("b", 1), ("a", 2), ("b", 3)].map(|(key, n)| (key, FieldValue::I32(n)));
        let mut table: FieldTable = pairs.into_iter().collect();
        table.sort();
        let sorted = [("a", 2), ("b", 1), ("b", 3)].map(|(key, n)| (key, FieldValue::I32(n)));
        assert_eq!(table, sorted.into_iter().collect());
    }
}
