//! Target `table`: what decodes, encodes to something that decodes to the same.

use bytes::BytesMut;
use leveret_proto::content::{self, Facts, Properties};
use leveret_proto::method::Method;
use leveret_proto::sasl;
use leveret_proto::value::{FieldTable, FieldValue, ShortString};

/// The first byte says as what the rest is read.
pub(crate) fn run(input: &[u8]) {
    let Some((kind, raw)) = input.split_first() else {
        return;
    };
    match kind % 4 {
        0 => table(raw),
        1 => properties(raw),
        2 => method(raw),
        _ => login(raw),
    }
}

fn table(raw: &[u8]) {
    sent_on(raw);
    let Ok(decoded) = FieldTable::decode(raw) else {
        return;
    };
    let encoded = encode(|out| decoded.encode(out));
    let (len, contents) = encoded.split_first_chunk::<4>().unwrap();
    assert_eq!(u32::from_be_bytes(*len) as usize, contents.len());
    assert_eq!(FieldTable::decode(contents).as_ref(), Ok(&decoded));
    assert!(contents.len() == raw.len() || decoded.iter().any(is_renamed));
}

/// Keys that are not text are made text, and cut where that makes them too long.
fn is_renamed((key, value): (&ShortString, &FieldValue)) -> bool {
    let key = key.as_str();
    key.contains('\u{fffd}') || key.len() > 252 || has_renamed(value)
}

fn has_renamed(value: &FieldValue) -> bool {
    match value {
        FieldValue::Table(table) => table.iter().any(is_renamed),
        FieldValue::Array(values) => values.iter().any(has_renamed),
        _ => false,
    }
}

/// As it is sent on, it would be sent on again.
fn sent_on(raw: &[u8]) {
    let Ok(changed) = FieldTable::canonical(raw) else {
        assert!(FieldTable::decode(raw).is_err());
        return;
    };
    let sent = changed.unwrap_or_else(|| raw.into());
    assert!(sent.len() <= raw.len());
    assert_eq!(FieldTable::canonical(&sent), Ok(None));
}

fn properties(raw: &[u8]) {
    let facts = content::scan(raw);
    let Ok(decoded) = Properties::decode(raw) else {
        return;
    };
    agree(&facts.unwrap(), &decoded, raw);
    let encoded = encode(|out| decoded.encode(out));
    assert_eq!(Properties::decode(&encoded).as_ref(), Ok(&decoded));
    agree(&content::scan(&encoded).unwrap(), &decoded, &encoded);
}

/// What is scanned is what is decoded.
fn agree(facts: &Facts, decoded: &Properties, raw: &[u8]) {
    let text = |place: &Option<std::ops::Range<usize>>| place.clone().map(|place| &raw[place]);
    let same = |place, value: &Option<ShortString>| {
        assert_eq!(
            text(place),
            value.as_ref().map(|value| value.as_str().as_bytes())
        );
    };
    same(&facts.reply_to, &decoded.reply_to);
    same(&facts.expiration, &decoded.expiration);
    same(&facts.message_id, &decoded.message_id);
    same(&facts.user_id, &decoded.user_id);
    assert_eq!(facts.delivery_mode, decoded.delivery_mode.unwrap_or(0));
    assert_eq!(facts.priority, decoded.priority);
    assert_eq!(facts.timestamp, decoded.timestamp);
    let headers = text(&facts.headers).map(|raw| FieldTable::decode(raw).unwrap());
    assert_eq!(headers, decoded.headers);
}

fn method(raw: &[u8]) {
    let Ok(decoded) = Method::decode(raw) else {
        return;
    };
    let encoded = encode(|out| decoded.encode(out));
    assert_eq!(Method::decode(&encoded).as_ref(), Ok(&decoded));
    assert_eq!(encoded.get(..4), raw.get(..4));
}

fn login(raw: &[u8]) {
    for mechanism in ["PLAIN", "AMQPLAIN", "EXTERNAL", "ANONYMOUS", "plain"] {
        let login = sasl::decode(mechanism, raw);
        if let Ok(sasl::Login::Password { user, password }) = login {
            assert!(raw.len() >= user.len() + password.len());
        }
    }
}

fn encode(write: impl FnOnce(&mut BytesMut)) -> BytesMut {
    let mut out = BytesMut::new();
    write(&mut out);
    out
}
