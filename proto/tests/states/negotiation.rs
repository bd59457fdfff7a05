//! What is agreed on before a connection runs: the header, limits, capabilities, the login's form.

use leveret_proto::capability::{self, ClientCapabilities};
use leveret_proto::connection::{Config, Connection, Failure};
use leveret_proto::sasl::{self, Login, SaslError};
use leveret_proto::value::{FieldTable, FieldValue};
use std::time::Instant;

use crate::fuzz_bodies::peer::{Peer, Seen, Stage, handshake};
use crate::fuzz_bodies::wire::long;

/// What is answered to a header; `None` when it is taken.
fn answer(header: &[u8; 8]) -> Option<[u8; 8]> {
    let now = Instant::now();
    match Connection::new(Config::default(), now).next_event(header, now) {
        Ok(step) => {
            assert_eq!(step.consumed, 8);
            None
        }
        Err(Failure::Hangup { answer }) => Some(answer.unwrap()),
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn only_our_protocol_is_taken_others_hear_what_it_is() {
    assert_eq!(answer(b"AMQP\0\0\x09\x01"), None);
    assert_eq!(answer(b"AMQP\x01\x01\x00\x09"), None);
    assert_eq!(answer(b"AMQP\0\0\x09\x00"), Some(*b"AMQP\0\0\x09\x01"));
    assert_eq!(answer(b"AMQP\x00\x01\x00\x00"), Some(*b"AMQP\x03\x01\0\0"));
    assert_eq!(answer(b"GET / HT"), Some(*b"AMQP\x03\x01\0\0"));
}

/// Tuned with these limits, or hung up on.
fn is_taken(offered: (u16, u32), asked: (u16, u32)) -> bool {
    let config = |(channel_max, frame_max)| Config {
        channel_max,
        frame_max,
        ..Config::default()
    };
    let mut peer = Peer::new(config(offered));
    for step in &handshake(&config(asked))[..3] {
        peer.feed(step);
    }
    let is_taken = peer.stage == Stage::Tuned;
    if is_taken {
        let agreed = (peer.machine.channel_max(), peer.machine.frame_max());
        assert_eq!(agreed, asked);
    } else {
        assert_eq!(peer.seen.last(), Some(&Seen::HungUp));
    }
    is_taken
}

#[test]
fn tuning_takes_no_more_than_offered_and_no_less_than_the_least() {
    let offered = (2047, 131_072);
    for asked in [(2047, 131_072), (1, 8192), (1000, 100_000)] {
        assert!(is_taken(offered, asked), "{asked:?}");
    }
    for asked in [
        (0, 131_072),
        (2048, 131_072),
        (2047, 0),
        (2047, 131_073),
        (2047, 8191),
    ] {
        assert!(!is_taken(offered, asked), "{asked:?}");
    }
}

#[test]
fn no_limit_may_be_chosen_where_none_was_offered() {
    let offered = (0, 0);
    for asked in [(0, 0), (65_535, u32::MAX), (1, 8192)] {
        assert!(is_taken(offered, asked), "{asked:?}");
    }
    assert!(!is_taken(offered, (0, 8191)));
}

#[test]
fn any_heartbeat_is_taken() {
    for heartbeat in [0, 1, 60, u16::MAX] {
        let config = Config {
            heartbeat,
            ..Config::default()
        };
        let peer = Peer::running(config, &[]);
        assert_eq!(peer.machine.heartbeat(), heartbeat);
    }
}

#[test]
fn capabilities_count_when_they_are_true() {
    let of = |table: FieldTable| {
        let mut properties = FieldTable::new();
        properties.insert("capabilities", table);
        ClientCapabilities::of(&properties)
    };
    assert_eq!(
        ClientCapabilities::of(&FieldTable::new()),
        ClientCapabilities::default()
    );
    let all = of(capability::server());
    assert!(all.authentication_failure_close && all.consumer_cancel_notify);
    assert!(all.connection_blocked);
    let mut some = FieldTable::new();
    some.insert("consumer_cancel_notify", false);
    some.insert("connection.blocked", 1);
    some.insert("authentication_failure_close", true);
    let expected = ClientCapabilities {
        authentication_failure_close: true,
        ..Default::default()
    };
    assert_eq!(of(some), expected);
    let mut odd = FieldTable::new();
    odd.insert("capabilities", "all");
    assert_eq!(ClientCapabilities::of(&odd), ClientCapabilities::default());
}

fn password(user: &str, password: &str) -> Result<Login, SaslError> {
    Ok(Login::Password {
        user: user.to_owned(),
        password: password.to_owned(),
    })
}

#[test]
fn plain_logins() {
    let plain = |response: &[u8]| sasl::decode("PLAIN", response);
    assert_eq!(plain(b"\0guest\0secret"), password("guest", "secret"));
    assert_eq!(plain(b"\0\0"), password("", ""));
    for malformed in [
        &b""[..],
        b"\0",
        b"\0guest",
        b"guest\0secret",
        b"other\0guest\0secret",
        b"\0guest\0sec\0ret",
        b"\0guest\0secret\0",
    ] {
        assert_eq!(plain(malformed), Err(SaslError::Malformed), "{malformed:?}");
    }
    assert_eq!(plain(b"\0gu\xffest\0x"), Err(SaslError::NotText));
    assert_eq!(plain(b"\0guest\0\xff"), Err(SaslError::NotText));
}

#[test]
fn amqplain_logins() {
    let amqplain = |pairs: &[(&str, FieldValue)]| {
        let mut out = bytes::BytesMut::new();
        FieldTable::from_iter(pairs.iter().cloned()).encode(&mut out);
        sasl::decode("AMQPLAIN", &out[4..])
    };
    let (login, secret) = (
        ("LOGIN", FieldValue::from("guest")),
        ("PASSWORD", FieldValue::from("secret")),
    );
    let right = password("guest", "secret");
    assert_eq!(amqplain(&[login.clone(), secret.clone()]), right);
    assert_eq!(amqplain(&[secret.clone(), login.clone()]), right);
    let raw = ("PASSWORD", FieldValue::Bytes(b"secret"[..].into()));
    assert_eq!(amqplain(&[login.clone(), raw]), right);
    let second = ("PASSWORD", FieldValue::from("other"));
    assert_eq!(amqplain(&[login.clone(), secret.clone(), second]), right);
    let number = ("PASSWORD", FieldValue::from(5));
    for malformed in [vec![], vec![login.clone()], vec![login, number]] {
        assert_eq!(amqplain(&malformed), Err(SaslError::Malformed));
    }
    let with_length = sasl::decode("AMQPLAIN", &long(b"\x05LOGINS\0\0\0\0"));
    assert_eq!(with_length, Err(SaslError::Malformed));
}

#[test]
fn logins_without_a_password() {
    for response in [&b""[..], b"someone"] {
        assert_eq!(sasl::decode("EXTERNAL", response), Ok(Login::External));
        assert_eq!(sasl::decode("ANONYMOUS", response), Ok(Login::Anonymous));
    }
    for unknown in ["", "plain", "SCRAM-SHA-256"] {
        let decoded = sasl::decode(unknown, b"\0guest\0secret");
        assert_eq!(decoded, Err(SaslError::UnknownMechanism));
    }
}

#[test]
fn a_login_shows_no_password() {
    let shown = format!("{:?}", password("guest", "secret"));
    assert!(shown.contains("guest") && !shown.contains("secret"));
}
