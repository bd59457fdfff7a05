//! Arguments of `basic.consume`, by queue type.

use leveret_proto::value::{FieldTable, FieldValue};

use super::{Check, UNLIMITED, check_value, fails_on, invalid, max_age_ms, unknown};
use crate::broker::compat::Compat;
use crate::broker::error::{BrokerError, Subject};
use crate::broker::queue::{Filter, Offset, QueueKind, Reading};
use crate::broker::tick::Tick;

/// Which queue types know which argument, in the order in which RabbitMQ finds fault with them.
const KNOWN: &[(&str, &[QueueKind])] = &[
    ("x-cancel-on-ha-failover", &[QueueKind::Classic]),
    ("x-stream-offset", &[QueueKind::Stream]),
    ("x-stream-filter", &[QueueKind::Stream]),
    ("x-stream-match-unfiltered", &[QueueKind::Stream]),
    ("x-consumer-timeout", &[QueueKind::Quorum]),
    ("x-priority", &[QueueKind::Classic, QueueKind::Quorum]),
];

/// Check the arguments of `basic.consume`; the priority they ask for.
pub fn check_consume(
    subject: &Subject,
    kind: QueueKind,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<i64, BrokerError> {
    for (key, kinds) in KNOWN {
        let is_known = kinds.contains(&kind) || compat.ignored_arguments.contains(key);
        if arguments.get(key).is_some() && !is_known {
            return Err(unknown(key, subject, kind));
        }
    }
    for (key, check) in [
        ("x-cancel-on-ha-failover", Check::Bool),
        ("x-consumer-timeout", Check::Integer(0, UNLIMITED)),
    ] {
        if let Some(value) = arguments.get(key)
            && !compat.ignored_arguments.contains(&key)
        {
            check_value(check, key, value, subject)?;
        }
    }
    let Some(value) = arguments.get("x-priority") else {
        return Ok(0);
    };
    check_value(
        Check::Integer(i64::MIN, UNLIMITED),
        "x-priority",
        value,
        subject,
    )?;
    Ok(value.as_i64().unwrap_or(0))
}

/// What a consumer of a stream asks for, besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct ReaderTerms {
    /// Deliveries count as settled at once.
    pub no_ack: bool,
    /// Its own limit, not the channel's.
    pub prefetch: u16,
    /// On the virtual host's clock.
    pub now: Tick,
    /// Milliseconds since 1970 at tick 0.
    pub wall_start_ms: u64,
}

/// Check what a consumer of a stream asks for; where it begins and what it wants to see.
pub fn check_reader(
    subject: &Subject,
    terms: ReaderTerms,
    arguments: &FieldTable,
    compat: &Compat,
) -> Result<Reading, BrokerError> {
    let is_short = compat.stream_refusals_are_short;
    if terms.prefetch == 0 {
        let of = match is_short {
            true => format!("stream {subject}"),
            false => format!("'{subject}'"),
        };
        return Err(BrokerError::Precondition(format!(
            "consumer prefetch count is not set for {of}"
        )));
    }
    if terms.no_ack {
        let of = if is_short { "stream" } else { "stream queues" };
        return Err(BrokerError::NotImplemented(format!(
            "automatic acknowledgement not supported by {of} {subject}"
        )));
    }
    Ok(Reading {
        offset: offset(subject, terms, arguments.get("x-stream-offset"), compat)?,
        filter: filter(arguments, compat)?,
    })
}

fn offset(
    subject: &Subject,
    terms: ReaderTerms,
    value: Option<&FieldValue>,
    compat: &Compat,
) -> Result<Offset, BrokerError> {
    let since_ms = |wall_ms: u64| {
        let ms = wall_ms.saturating_sub(terms.wall_start_ms);
        Offset::Since(Tick::from_ms(ms))
    };
    let raw = match value {
        None => return Ok(Offset::Next),
        Some(FieldValue::Timestamp(seconds)) => return Ok(since_ms(seconds.saturating_mul(1000))),
        Some(FieldValue::LongString(raw) | FieldValue::Bytes(raw)) => raw,
        Some(value) => {
            let number = value.as_i64().ok_or_else(internal)?;
            return Ok(Offset::Number(u64::try_from(number).unwrap_or(0)));
        }
    };
    let text = String::from_utf8_lossy(raw);
    match &*text {
        "first" => Ok(Offset::First),
        "last" => Ok(Offset::Last),
        "next" => Ok(Offset::Next),
        text => match max_age_ms(text) {
            Some(age) => {
                let now_ms = terms.wall_start_ms.saturating_add(terms.now.ms());
                Ok(since_ms(now_ms.saturating_sub(age)))
            }
            None if fails_on(text, compat) => Err(internal()),
            None => {
                let reason = format!("{{invalid_stream_offset_arg,{{longstr,<<\"{text}\">>}}}}");
                Err(invalid("x-stream-offset", subject, &shown(&reason)))
            }
        },
    }
}

/// An empty binary is written without quotes.
fn shown(reason: &str) -> String {
    reason.replace("<<\"\">>", "<<>>")
}

/// What is neither text nor a list of texts filters nothing.
fn filter(arguments: &FieldTable, compat: &Compat) -> Result<Option<Filter>, BrokerError> {
    if compat.ignored_arguments.contains(&"x-stream-filter") {
        return Ok(None);
    }
    let unfiltered = matches!(
        arguments.get("x-stream-match-unfiltered"),
        Some(FieldValue::Bool(true))
    );
    let values: Vec<&str> = match arguments.get("x-stream-filter") {
        Some(FieldValue::Array(values)) => values.iter().filter_map(FieldValue::as_str).collect(),
        Some(value) => match value.as_str() {
            Some(text) => vec![text],
            None => return Ok(None),
        },
        None => return Ok(None),
    };
    if values.is_empty() {
        return Err(internal());
    }
    Ok(Some(Filter::new(values.into_iter(), unfiltered)))
}

/// RabbitMQ's reader crashes.
fn internal() -> BrokerError {
    BrokerError::Denied(String::new())
}
