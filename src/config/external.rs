//! Erlang's external term format, in which a value is that is encrypted.

use super::place::Place;
use super::term::{DEPTH_MAX, Term, TermKind};

/// Longest string that is written as one.
const STRING_MAX: usize = 65_535;

const VERSION: u8 = 131;
const NEW_FLOAT: u8 = 70;
const SMALL_INTEGER: u8 = 97;
const INTEGER: u8 = 98;
const ATOM: u8 = 100;
const SMALL_TUPLE: u8 = 104;
const LARGE_TUPLE: u8 = 105;
const NIL: u8 = 106;
const STRING: u8 = 107;
const LIST: u8 = 108;
const BINARY: u8 = 109;
const SMALL_BIG: u8 = 110;
const SMALL_ATOM: u8 = 115;
const MAP: u8 = 116;
const ATOM_UTF8: u8 = 118;
const SMALL_ATOM_UTF8: u8 = 119;

/// The bytes of a term; `None` for a number that is too large.
pub fn write(kind: &TermKind) -> Option<Vec<u8>> {
    let mut out = vec![VERSION];
    put(&mut out, kind)?;
    Some(out)
}

fn put(out: &mut Vec<u8>, kind: &TermKind) -> Option<()> {
    match kind {
        TermKind::Atom(name) => {
            out.push(ATOM_UTF8);
            out.extend(u16::try_from(name.len()).ok()?.to_be_bytes());
            out.extend(name.bytes());
        }
        TermKind::Text(text) => put_text(out, text)?,
        TermKind::Binary(text) => {
            put_length(out, BINARY, text.len())?;
            out.extend(text.bytes());
        }
        TermKind::Number(text) => put_number(out, text)?,
        TermKind::List(terms) if terms.is_empty() => out.push(NIL),
        TermKind::List(terms) => {
            put_length(out, LIST, terms.len())?;
            terms.iter().try_for_each(|term| put(out, &term.kind))?;
            out.push(NIL);
        }
        TermKind::Tuple(terms) => {
            put_length(out, LARGE_TUPLE, terms.len())?;
            terms.iter().try_for_each(|term| put(out, &term.kind))?;
        }
        TermKind::Map(pairs) => {
            put_length(out, MAP, pairs.len())?;
            for (key, value) in pairs {
                put(out, &key.kind)?;
                put(out, &value.kind)?;
            }
        }
    }
    Some(())
}

fn put_length(out: &mut Vec<u8>, tag: u8, length: usize) -> Option<()> {
    out.push(tag);
    out.extend(u32::try_from(length).ok()?.to_be_bytes());
    Some(())
}

/// Short text of Latin letters is written in one piece, other text as a list of numbers.
fn put_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
    match latin.filter(|latin| latin.len() <= STRING_MAX) {
        Some(latin) if latin.is_empty() => out.push(NIL),
        Some(latin) => {
            out.push(STRING);
            out.extend(u16::try_from(latin.len()).ok()?.to_be_bytes());
            out.extend(latin);
        }
        None => {
            put_length(out, LIST, text.chars().count())?;
            for c in text.chars() {
                out.push(INTEGER);
                out.extend(u32::from(c).to_be_bytes());
            }
            out.push(NIL);
        }
    }
    Some(())
}

fn put_number(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let Ok(number) = text.parse::<i128>() else {
        out.push(NEW_FLOAT);
        out.extend(text.parse::<f64>().ok()?.to_be_bytes());
        return Some(());
    };
    if let Ok(byte) = u8::try_from(number) {
        out.extend([SMALL_INTEGER, byte]);
    } else if let Ok(number) = i32::try_from(number) {
        out.push(INTEGER);
        out.extend(number.to_be_bytes());
    } else {
        let digits = number.unsigned_abs().to_le_bytes();
        let length = digits.len() - digits.iter().rev().take_while(|byte| **byte == 0).count();
        out.extend([SMALL_BIG, u8::try_from(length).ok()?]);
        out.push(u8::from(number < 0));
        out.extend(digits.iter().take(length));
    }
    Some(())
}

/// The term in `bytes`, said to stand at `place`; `None` when it is none that is known here.
pub fn read(bytes: &[u8], place: &Place) -> Option<Term> {
    let mut reader = Reader { bytes, place };
    match reader.byte()? {
        VERSION => reader.term(0),
        _ => None,
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    place: &'a Place,
}

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(length)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }

    fn short(&mut self) -> Option<usize> {
        self.array().map(u16::from_be_bytes).map(usize::from)
    }

    fn long(&mut self) -> Option<usize> {
        let length = self.array().map(u32::from_be_bytes)?;
        usize::try_from(length).ok()
    }

    fn term(&mut self, depth: usize) -> Option<Term> {
        if depth > DEPTH_MAX {
            return None;
        }
        let kind = match self.byte()? {
            SMALL_INTEGER => TermKind::Number(self.byte()?.to_string()),
            INTEGER => TermKind::Number(i32::from_be_bytes(self.array()?).to_string()),
            SMALL_BIG => TermKind::Number(self.big()?.to_string()),
            // As Erlang shows a fraction: with a point.
            NEW_FLOAT => TermKind::Number(format!("{:?}", f64::from_be_bytes(self.array()?))),
            ATOM | ATOM_UTF8 => {
                let length = self.short()?;
                TermKind::Atom(utf8(self.take(length)?))
            }
            SMALL_ATOM | SMALL_ATOM_UTF8 => {
                let length = self.byte()?;
                TermKind::Atom(utf8(self.take(length.into())?))
            }
            STRING => {
                let length = self.short()?;
                TermKind::Text(latin(self.take(length)?))
            }
            BINARY => {
                let length = self.long()?;
                TermKind::Binary(utf8(self.take(length)?))
            }
            NIL => TermKind::List(Vec::new()),
            LIST => {
                let length = self.long()?;
                let terms = self.terms(length, depth)?;
                // Lists that end in something else are no lists here.
                (self.byte()? == NIL).then_some(TermKind::List(terms))?
            }
            SMALL_TUPLE => {
                let length = self.byte()?;
                TermKind::Tuple(self.terms(length.into(), depth)?)
            }
            LARGE_TUPLE => {
                let length = self.long()?;
                TermKind::Tuple(self.terms(length, depth)?)
            }
            MAP => {
                let length = self.long()?;
                let pair = |_| Some((self.term(depth + 1)?, self.term(depth + 1)?));
                TermKind::Map((0..length).map(pair).collect::<Option<_>>()?)
            }
            _ => return None,
        };
        let place = self.place.clone();
        Some(Term { kind, place })
    }

    /// It ends where the bytes do, however many are said to come.
    fn terms(&mut self, length: usize, depth: usize) -> Option<Vec<Term>> {
        (0..length).map(|_| self.term(depth + 1)).collect()
    }

    fn big(&mut self) -> Option<i128> {
        let length = self.byte()?;
        let is_negative = self.byte()? != 0;
        let mut number: i128 = 0;
        for byte in self.take(length.into())?.iter().rev() {
            number = number.checked_mul(256)?.checked_add(i128::from(*byte))?;
        }
        Some(if is_negative { -number } else { number })
    }
}

/// What is no UTF-8 was written in an older alphabet.
fn utf8(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => latin(bytes),
    }
}

fn latin(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::place::SourceText;
    use crate::config::{erlang, term};

    fn place() -> Place {
        let source = SourceText::of(Path::new("x"), String::new());
        Place::new(&source, 0..0)
    }

    #[test]
    fn terms_come_back_as_they_went() {
        for text in [
            "secret",
            "\"secret\"",
            "<<\"secret\">>",
            "\"日本\"",
            "<<\"ü\">>",
            "'A b'",
            "[a,{b,1},-5,300,-70000,99999999999,-99999999999,2.5]",
            "#{a => 1,<<\"b\">> => [\"c\"]}",
            "{}",
        ] {
            let term = term::parse(Path::new("x"), format!("{text}.")).unwrap();
            let bytes = write(&term.kind).unwrap();
            let again = read(&bytes, &place()).unwrap();
            match text {
                // A string of such letters is a list of numbers, as in Erlang.
                "\"日本\"" => assert_eq!(erlang::shown(&again.kind), "[26085,26412]"),
                _ => assert_eq!(again, term, "{text}"),
            }
        }
    }

    /// As RabbitMQ 4.3.6 wrote `{a,[1,-5,300,2.5,<<"x">>,"str",[],{},#{a=>1}]}` and others.
    #[test]
    fn the_bytes_of_erlang_are_understood() {
        let shown = |bytes: &[u8]| read(bytes, &place()).map(|term| erlang::shown(&term.kind));
        let tuple = b"\x83h\x02w\x01al\0\0\0\x03a\x01b\xff\xff\xff\xfbk\0\x03strj";
        assert_eq!(shown(tuple).unwrap(), "{a,[1,-5,\"str\"]}");
        assert_eq!(shown(b"\x83w\x06secret").unwrap(), "secret");
        assert_eq!(shown(b"\x83d\0\x01a").unwrap(), "a");
        assert_eq!(shown(b"\x83m\0\0\0\x02\x01\x02").unwrap(), "<<1,2>>");
        assert_eq!(shown(b"\x83k\0\x02\x01\x02").unwrap(), "[1,2]");
        for wrong in [
            &b""[..],
            b"\x83",
            b"\x82a\x01",
            b"\x83z",
            b"\x83m\xff\xff\xff\xffa",
            b"\x83l\xff\xff\xff\xffj",
            b"\x83l\0\0\0\x01a\x01a\x02",
            b"\x83n\x20\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
              \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        ] {
            assert_eq!(shown(wrong), None, "{wrong:?}");
        }
        let deep = [&b"\x83"[..], &b"h\x01".repeat(1000), b"j"].concat();
        assert_eq!(shown(&deep), None);
    }
}
