//! `erlang:phash2`, by which RabbitMQ tells bindings with arguments apart and chooses the
//! destinations of its hash exchanges.
//!
//! The terms are what a field table is in RabbitMQ: a list of `{Key, Type, Value}`, by key.

use leveret_proto::value::{FieldTable, FieldValue, ShortString};

/// The golden ratio; each kind of term mixes in a multiple of it.
const GOLDEN: u32 = 0x9e37_79b9;

/// The empty list, alone and as the end of one.
const NIL: u32 = 3_468_870_702;
const END_OF_LIST: u32 = 2;

/// Largest and smallest integers that are hashed as one word.
const SMALL: std::ops::Range<i128> = -(1 << 27)..(1 << 27);

/// Bits of a hash of which Erlang was not asked for a range.
const BITS: u32 = (1 << 27) - 1;

/// The hash of a binding's arguments, with all its bits.
pub fn arguments(table: &FieldTable) -> u32 {
    Hash::of(|hash| hash.table(table))
}

/// The hash of a binary.
pub fn binary(raw: &[u8]) -> u32 {
    Hash::of(|hash| hash.binary(raw)) & BITS
}

/// The hash of a list of binaries.
pub fn binaries(texts: &[&str]) -> u32 {
    let list = Hash::of(|hash| {
        for text in texts {
            hash.binary(text.as_bytes());
        }
        hash.end(texts.is_empty());
    });
    list & BITS
}

/// The hash of what is not there.
pub fn undefined() -> u32 {
    bare(&FieldValue::Void)
}

/// The hash of a value without its type.
pub fn bare(value: &FieldValue) -> u32 {
    Hash::of(|hash| hash.value(value)) & BITS
}

/// The hash of a value with its type.
pub fn typed(value: &FieldValue) -> u32 {
    let pair = Hash::of(|hash| {
        hash.tuple(2);
        hash.typed(value);
    });
    pair & BITS
}

/// The hash of an entry of a table.
pub fn field(key: &ShortString, value: &FieldValue) -> u32 {
    Hash::of(|hash| hash.field(key, value)) & BITS
}

/// A hash in the making.
struct Hash(u32);

impl Hash {
    fn of(mix: impl FnOnce(&mut Self)) -> u32 {
        let mut hash = Self(0);
        mix(&mut hash);
        hash.0
    }

    fn field(&mut self, key: &ShortString, value: &FieldValue) {
        self.tuple(3);
        self.binary(key.as_str().as_bytes());
        self.typed(value);
    }

    fn table(&mut self, table: &FieldTable) {
        let mut fields: Vec<_> = table.iter().collect();
        fields.sort_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
        for (key, value) in &fields {
            self.field(key, value);
        }
        self.end(fields.is_empty());
    }

    fn typed(&mut self, value: &FieldValue) {
        self.atom(value.type_name());
        self.value(value);
    }

    fn value(&mut self, value: &FieldValue) {
        if let Some(number) = value.as_i64() {
            return self.integer(number.into());
        }
        match value {
            FieldValue::Bool(flag) => self.atom(if *flag { "true" } else { "false" }),
            FieldValue::F32(number) => self.float(f64::from(*number)),
            FieldValue::F64(number) => self.float(*number),
            FieldValue::Decimal { scale, value } => {
                self.tuple(2);
                self.integer((*scale).into());
                self.integer((*value).into());
            }
            FieldValue::LongString(raw) | FieldValue::Bytes(raw) => self.binary(raw),
            FieldValue::Array(values) => {
                for value in values {
                    self.tuple(2);
                    self.typed(value);
                }
                self.end(values.is_empty());
            }
            FieldValue::Timestamp(seconds) => self.integer((*seconds).into()),
            FieldValue::Table(table) => self.table(table),
            _ => self.atom("undefined"),
        }
    }

    fn tuple(&mut self, arity: u32) {
        self.words(arity, 0, 9);
    }

    fn end(&mut self, is_empty: bool) {
        match is_empty && self.0 == 0 {
            true => self.0 = NIL,
            false => self.words(END_OF_LIST, 0, 2),
        }
    }

    /// One that nothing comes before is not mixed.
    fn atom(&mut self, name: &str) {
        match self.0 {
            0 => self.0 = atom(name),
            _ => self.words(atom(name), 0, 3),
        }
    }

    fn binary(&mut self, raw: &[u8]) {
        self.0 = self.0.wrapping_add(GOLDEN.wrapping_mul(13));
        if !raw.is_empty() {
            self.0 = block(raw, self.0);
        }
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the words of a number"
    )]
    fn integer(&mut self, number: i128) {
        let size = number.unsigned_abs();
        match (SMALL.contains(&number), number < 0) {
            (true, false) => self.words(size as u32, 0, 1),
            (true, true) => {
                self.words(size as u32, 0, 1);
                self.words(number as u32, 0, 1);
            }
            (false, is_negative) => {
                let kind = if is_negative { 10 } else { 11 };
                self.words(size as u32, (size >> 32) as u32, kind);
            }
        }
    }

    #[allow(clippy::cast_possible_truncation, reason = "the words of a number")]
    fn float(&mut self, number: f64) {
        let bits = (number + 0.0).to_bits();
        self.words((bits >> 32) as u32, bits as u32, 12);
    }

    /// Mix two words in, as a term of this kind.
    fn words(&mut self, one: u32, other: u32, kind: u32) {
        let kind = GOLDEN.wrapping_mul(kind);
        let mixed = mix([one.wrapping_add(kind), other.wrapping_add(kind), self.0]);
        self.0 = mixed[2];
    }
}

/// The hash that the table of atoms has of a name.
fn atom(name: &str) -> u32 {
    name.bytes().fold(0, |hash: u32, byte| {
        let hash = (hash << 4).wrapping_add(byte.into());
        let top = hash & 0xf000_0000;
        hash ^ (top >> 24) ^ top
    })
}

/// Bob Jenkins' hash of a block of bytes (1996, in the public domain).
fn block(raw: &[u8], seed: u32) -> u32 {
    let mut state = [GOLDEN, GOLDEN, seed];
    let mut chunks = raw.chunks_exact(12);
    for chunk in &mut chunks {
        for (word, bytes) in state.iter_mut().zip(chunk.chunks_exact(4)) {
            *word = word.wrapping_add(little_endian(bytes));
        }
        state = mix(state);
    }
    let [one, two, three] = &mut state;
    let rest = chunks.remainder();
    // The lowest byte of the third word is that of the length.
    *three = three.wrapping_add(u32::try_from(raw.len()).unwrap_or(u32::MAX));
    let mut words = rest.chunks(4).map(little_endian);
    for word in [one, two] {
        *word = word.wrapping_add(words.next().unwrap_or(0));
    }
    *three = three.wrapping_add(words.next().unwrap_or(0) << 8);
    mix(state)[2]
}

fn little_endian(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u32::from(*byte))
}

fn mix([mut a, mut b, mut c]: [u32; 3]) -> [u32; 3] {
    for [one, two, three] in [[13, 8, 13], [12, 16, 5], [3, 10, 15]] {
        a = a.wrapping_sub(b).wrapping_sub(c) ^ (c >> one);
        b = b.wrapping_sub(c).wrapping_sub(a) ^ (a << two);
        c = c.wrapping_sub(a).wrapping_sub(b) ^ (b >> three);
    }
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    #[track_caller]
    fn check(arguments: &[(&str, FieldValue)], hash: &str) {
        let table: FieldTable = arguments.iter().cloned().collect();
        let got = URL_SAFE_NO_PAD.encode(super::arguments(&table).to_be_bytes());
        assert_eq!(got, hash, "{arguments:?}");
    }

    /// As Erlang 27 says of them.
    #[test]
    fn single_terms_are_hashed_as_erlang_does() {
        assert_eq!(binary(b"k0"), 92_414_295);
        assert_eq!(binary(b"k1"), 57_409_138);
        assert_eq!(binary(b""), 13_708_901);
        assert_eq!(undefined(), 45_914_356);
        assert_eq!(typed(&"a".into()), 65_711_459);
        assert_eq!(binaries(&["k0"]), 91_343_558);
        assert_eq!(binaries(&["k1"]), 21_317_394);
    }

    /// As RabbitMQ 4.3.6 names bindings with these arguments.
    #[test]
    fn rabbitmq_hashes_them_the_same() {
        let long = FieldValue::I64;
        check(&[("a", long(1))], "Ajat_Q");
        check(&[("x", FieldValue::Bool(true))], "TmR75w");
        check(&[("b", "x".into()), ("a", long(1))], "TKGQ4A");
        check(&[("note", "with args".into()), ("n", long(1))], "gSlBnw");
        check(&[("a", long(-5))], "1laFvQ");
        check(&[("a", long(200_000_000))], "9Z3IDA");
        check(&[("a", long(-200_000_000))], "JWcmKw");
        check(&[("a", long(5_000_000_000))], "i6WSxw");
        check(&[("a", long(-9_000_000_000_000_000_000))], "YB-3Yg");
        check(&[("a", FieldValue::F64(1.5))], "yo4NAg");
        check(&[("a", FieldValue::F64(0.0))], "ciQPWQ");
        check(&[("a", "".into())], "ZkKYww");
        let text = "a value of more than twelve bytes";
        check(&[("long key name", text.into())], "Bytkaw");
        let array = FieldValue::Array(vec![long(1), "x".into()]);
        check(&[("a", array)], "a2p-qw");
        check(&[("a", FieldValue::Array(Vec::new()))], "jkxtaQ");
        check(&[("a", FieldValue::Table(FieldTable::new()))], "JBz3JQ");
        let inner = [
            ("c", FieldValue::Bool(false)),
            ("b", FieldValue::F64(-1.25)),
        ];
        let inner = FieldValue::Table(inner.into_iter().collect());
        check(&[("a", inner)], "iG5g5A");
    }
}
