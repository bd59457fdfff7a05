//! An encoder of its own, by the specification's words and the table of methods: what the crate
//! writes and reads is compared with it.

use leveret_proto::method::MethodSpec;

use super::source::Source;

/// A frame of any type.
pub(crate) fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&channel.to_be_bytes());
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
    out.extend_from_slice(payload);
    out.push(0xCE);
    out
}

/// The payload of a header frame of class `basic`.
pub(crate) fn header(size: u64, properties: &[u8]) -> Vec<u8> {
    let mut out = vec![0, 60, 0, 0];
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(properties);
    out
}

pub(crate) fn short(text: &str) -> Vec<u8> {
    let mut out = vec![u8::try_from(text.len()).unwrap()];
    out.extend_from_slice(text.as_bytes());
    out
}

pub(crate) fn long(bytes: &[u8]) -> Vec<u8> {
    let mut out = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    out.extend_from_slice(bytes);
    out
}

/// The payload of a method of that row, its fields chosen by `source`.
pub(crate) fn method(spec: &MethodSpec, source: &mut Source<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend_from_slice(&spec.class_id.to_be_bytes());
    out.extend_from_slice(&spec.method_id.to_be_bytes());
    let mut bits = Vec::new();
    for (_, kind) in spec.fields {
        if *kind == "bit" {
            bits.push(source.u8() & 1);
            continue;
        }
        put_bits(&mut bits, &mut out);
        match *kind {
            "octet" => out.push(source.u8()),
            "short" => out.extend_from_slice(&source.array::<2>()),
            "long" => out.extend_from_slice(&source.array::<4>()),
            "longlong" => out.extend_from_slice(&source.array::<8>()),
            "shortstr" => out.extend(short(&source.text())),
            "longstr" => {
                let len = source.below(40);
                out.extend(long(source.bytes(len)));
            }
            "table" => out.extend(long(&table(source, 3))),
            other => panic!("a field of kind {other}"),
        }
    }
    put_bits(&mut bits, &mut out);
    out
}

/// Consecutive bits, the first lowest.
fn put_bits(bits: &mut Vec<u8>, out: &mut Vec<u8>) {
    for octet in bits.chunks(8) {
        out.push((0..).zip(octet).map(|(at, bit)| bit << at).sum());
    }
    bits.clear();
}

/// A table without its length, at most `depth` deep.
pub(crate) fn table(source: &mut Source<'_>, depth: u8) -> Vec<u8> {
    let mut out = Vec::new();
    for _ in 0..source.below(4) {
        out.extend(short(&source.text()));
        value(source, depth, &mut out);
    }
    out
}

fn value(source: &mut Source<'_>, depth: u8, out: &mut Vec<u8>) {
    const TAGS: &[u8; 17] = b"tbBsuIilfdDSxTVAF";
    let tags = if depth == 0 { &TAGS[..15] } else { &TAGS[..] };
    let tag = tags[source.below(tags.len())];
    out.push(tag);
    match tag {
        b't' => out.push(source.u8() & 1),
        b'b' | b'B' => out.push(source.u8()),
        b's' | b'u' => out.extend_from_slice(&source.array::<2>()),
        b'I' | b'i' => out.extend_from_slice(&source.array::<4>()),
        b'l' | b'T' => out.extend_from_slice(&source.array::<8>()),
        b'f' => out.extend_from_slice(&f32::from(source.u8()).to_be_bytes()),
        b'd' => out.extend_from_slice(&f64::from(source.u8()).to_be_bytes()),
        b'D' => out.extend_from_slice(&source.array::<5>()),
        b'S' | b'x' => {
            let len = source.below(20);
            out.extend(long(source.bytes(len)));
        }
        b'A' => {
            let mut inner = Vec::new();
            for _ in 0..source.below(4) {
                value(source, depth - 1, &mut inner);
            }
            out.extend(long(&inner));
        }
        b'F' => out.extend(long(&table(source, depth - 1))),
        _ => {}
    }
}
