//! Which policies are valid, in RabbitMQ's words.

use leveret_proto::value::{FieldTable, FieldValue};

use super::{ApplyTo, Layer, Policy};
use crate::broker::arguments::max_age_ms;
use crate::broker::compat::Compat;
use crate::broker::name::Name;
use crate::broker::pattern::Pattern;
use crate::broker::term::json::{broken, pairs, quoted, term};

/// Why a policy is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InvalidPolicy {
    /// Each fault with a sentence.
    Faults(Vec<String>),
    /// RabbitMQ fails over it without a word.
    Crash,
}

/// How the value of a key is checked.
#[derive(Clone, Copy, Debug)]
enum Check {
    /// An integer of at least the first and at most the second number.
    Integer(i64, i64),
    /// A string.
    Text,
    /// One of these strings.
    OneOf(&'static [&'static str]),
    /// A number and a unit of time.
    MaxAge,
}

/// A key, its check, what follows a value that fails it, and whether operators may use it.
type Known = (&'static str, Check, &'static str, bool);

const COUNT: Check = Check::Integer(0, i64::MAX);
const ABOVE_ZERO: Check = Check::Integer(1, i64::MAX);
const ANY: Check = Check::Integer(i64::MIN, i64::MAX);
/// Largest segment of a stream.
const SEGMENT: Check = Check::Integer(0, 3_000_000_000);
const OVERFLOWS: &[&str] = &["drop-head", "reject-publish", "reject-publish-dlx"];
const STRATEGIES: &[&str] = &["at-most-once", "at-least-once"];
const LEADERS: &[&str] = &["client-local", "balanced"];
const MASTERS: &[&str] = &["client-local", "min-masters", "random"];
const MODES: &[&str] = &["all", "exactly", "nodes"];
const RETRIES: &[&str] = &["all", "failed", "returned", "disabled"];

const HA_MODE: &str = "ha-mode";

#[rustfmt::skip]
const KNOWN: &[Known] = &[
    ("alternate-exchange", Check::Text, "is not a valid alternate exchange name", false),
    ("consumer-disconnected-timeout", COUNT, "is not a valid consumer disconnected timeout", false),
    ("consumer-timeout", COUNT, "is not a valid consumer timeout", false),
    ("dead-letter-exchange", Check::Text, "is not a valid dead letter exchange name", false),
    ("dead-letter-routing-key", Check::Text, "is not a valid dead letter routing key", false),
    ("dead-letter-strategy", Check::OneOf(STRATEGIES), "is not a valid dead letter strategy", false),
    ("delayed-retry-max", ABOVE_ZERO, "is not a valid delayed retry maximum delay. Must be a positive integer", true),
    ("delayed-retry-min", ABOVE_ZERO, "is not a valid delayed retry minimum delay. Must be a positive integer", true),
    ("delayed-retry-type", Check::OneOf(RETRIES), "is not a valid delayed retry type. Must be one of: all, failed, returned, disabled", true),
    ("delivery-limit", ANY, "is not a valid delivery limit", true),
    ("expires", ABOVE_ZERO, "is not a valid queue expiry", true),
    (HA_MODE, Check::OneOf(MODES), "is not a valid ha-mode value", false),
    ("ha-params", ANY, "is not a valid ha-params value", false),
    ("ha-promote-on-failure", Check::Text, "is not a valid ha-promote-on-failure value", false),
    ("ha-promote-on-shutdown", Check::Text, "is not a valid ha-promote-on-shutdown value", false),
    ("ha-sync-batch-size", ABOVE_ZERO, "is not a valid ha-sync-batch-size value", false),
    ("ha-sync-mode", Check::Text, "is not a valid ha-sync-mode value", false),
    ("initial-cluster-size", COUNT, "is not a valid cluster size", false),
    ("max-age", Check::MaxAge, "is not a valid max age", false),
    ("max-in-memory-bytes", COUNT, "is not a valid maximum memory in bytes", true),
    ("max-in-memory-length", COUNT, "is not a valid maximum memory in bytes", true),
    ("max-length", COUNT, "is not a valid maximum length", true),
    ("max-length-bytes", COUNT, "is not a valid maximum length in bytes", true),
    ("message-ttl", COUNT, "is not a valid message TTL", true),
    ("overflow", Check::OneOf(OVERFLOWS), "is not a valid overflow value", true),
    ("queue-leader-locator", Check::OneOf(LEADERS), "is not a valid queue leader locator value", false),
    ("queue-master-locator", Check::OneOf(MASTERS), "", true),
    ("queue-mode", Check::OneOf(&["default", "lazy"]), "is not a valid queue-mode value", false),
    ("queue-version", Check::Integer(1, 2), "is not a valid queue-version value", true),
    ("stream-filter-size-bytes", Check::Integer(16, 255), "is not a valid filter size. Valid range is 16-255", false),
    ("stream-max-segment-size-bytes", SEGMENT, "is not a valid segment size", false),
    ("target-group-size", ABOVE_ZERO, "is not a valid qq target count value", true),
];

impl Policy {
    /// From its parts as the management API and definitions files carry them: `pattern`,
    /// `definition`, and, where they are not left out, `priority` and `apply-to`.
    pub fn read(
        name: Name,
        parts: &FieldTable,
        layer: Layer,
        compat: &Compat,
    ) -> Result<Self, InvalidPolicy> {
        let Some(FieldValue::Table(definition)) = parts.get("definition") else {
            return Err(InvalidPolicy::Crash);
        };
        let mut faults = Vec::new();
        let priority = priority(parts.get("priority"));
        let pattern = pattern(parts.get("pattern"), compat);
        let apply_to = apply_to(parts.get("apply-to"), compat)?;
        // In this order RabbitMQ tells them.
        faults.extend(check_definition(definition, layer, compat)?.err());
        faults.extend(apply_to.as_ref().err().cloned());
        faults.extend(pattern.as_ref().err().cloned());
        faults.extend(priority.as_ref().err().cloned());
        match (priority, pattern, apply_to) {
            (Ok(priority), Ok(pattern), Ok(apply_to)) if faults.is_empty() => Ok(Self {
                name,
                pattern,
                apply_to,
                priority,
                definition: definition.clone(),
            }),
            _ => Err(InvalidPolicy::Faults(faults)),
        }
    }
}

impl Policy {
    /// As a runtime parameter carries it: there nothing but `apply-to` may be left out.
    pub fn read_parameter(
        name: Name,
        value: &FieldValue,
        layer: Layer,
        compat: &Compat,
    ) -> Result<Self, InvalidPolicy> {
        let nothing = FieldTable::new();
        let parts = match value {
            FieldValue::Table(parts) => parts,
            _ => &nothing,
        };
        let faults: Vec<String> = ["priority", "pattern", "definition"]
            .into_iter()
            .filter(|key| parts.get(key).is_none())
            .map(|key| format!("Key \"{key}\" not found in {name}"))
            .collect();
        match faults.is_empty() {
            true => Self::read(name, parts, layer, compat),
            false => Err(InvalidPolicy::Faults(faults)),
        }
    }
}

fn priority(value: Option<&FieldValue>) -> Result<f64, String> {
    match value {
        None => Ok(0.0),
        Some(FieldValue::F64(number)) => Ok(*number),
        #[allow(clippy::cast_precision_loss, reason = "an order is all it is for")]
        Some(value) => value.as_i64().map(|number| number as f64).ok_or_else(|| {
            let value = term(value);
            format!("priority should be a number, actually was {value}")
        }),
    }
}

fn pattern(value: Option<&FieldValue>, compat: &Compat) -> Result<Pattern, String> {
    let value = value.unwrap_or(&FieldValue::Void);
    let not_text = || format!("pattern should be a binary but was {}", term(value));
    Pattern::new(value.as_str().ok_or_else(not_text)?).map_err(|invalid| {
        let (text, at) = invalid.words(compat.pcre2);
        let lead = "pattern should be regular expression but is invalid: ";
        let why = broken("{", &[quoted(text), at.to_string()], "}", lead.len());
        format!("{lead}{why}")
    })
}

fn apply_to(
    value: Option<&FieldValue>,
    compat: &Compat,
) -> Result<Result<ApplyTo, String>, InvalidPolicy> {
    let Some(value) = value else {
        return Ok(Ok(ApplyTo::default()));
    };
    let name = value.as_str().ok_or(InvalidPolicy::Crash)?;
    let is_known =
        |it: &ApplyTo| compat.policies_by_queue_type || !matches!(it, ApplyTo::QueuesOf(_));
    let choice = match compat.policies_by_queue_type {
        true => {
            "one of: 'queues', 'classic_queues',  'quorum_queues', 'streams', 'exchanges', or 'all'"
        }
        false => "'queues', 'exchanges' or 'all'",
    };
    Ok(ApplyTo::from_name(name)
        .filter(is_known)
        .ok_or_else(|| format!("apply-to '{name}' unrecognised; should be {choice}")))
}

/// The first fault of a definition. What is not known at all comes last.
fn check_definition(
    definition: &FieldTable,
    layer: Layer,
    compat: &Compat,
) -> Result<Result<(), String>, InvalidPolicy> {
    if definition.is_empty() {
        return Ok(Err("no policy provided".to_owned()));
    }
    let mut unknown = FieldTable::new();
    for (key, value) in definition.iter() {
        let Some((_, check, fault, _)) = known(key.as_str(), layer, compat) else {
            unknown.insert(key.as_str(), value.clone());
            continue;
        };
        if !is_right(*check, value, compat)? {
            let fault = match key.as_str() {
                "queue-master-locator" => compat.master_locator_fault,
                _ => fault,
            };
            return Ok(Err(format!("{} {fault}", term(value))));
        }
    }
    let whole = check_whole(definition, layer, compat);
    if whole.is_err() || unknown.is_empty() {
        return Ok(whole);
    }
    let unknown = pairs(&unknown, 0);
    Ok(Err(format!("{unknown} are not recognised policy settings")))
}

fn known(key: &str, layer: Layer, compat: &Compat) -> Option<&'static Known> {
    let is_operator = layer == Layer::Operator;
    let is_unknown = compat.unknown_policy_keys.contains(&key)
        || (is_operator && compat.unknown_operator_keys.contains(&key));
    KNOWN
        .iter()
        .find(|known| known.0 == key && !is_unknown && (known.3 || !is_operator))
}

fn is_right(check: Check, value: &FieldValue, compat: &Compat) -> Result<bool, InvalidPolicy> {
    Ok(match check {
        Check::Integer(min, max) => value
            .as_i64()
            .is_some_and(|number| (min..=max).contains(&number)),
        Check::Text => value.as_str().is_some(),
        Check::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
        Check::MaxAge => {
            let age = value.as_str().ok_or(InvalidPolicy::Crash)?;
            let is_number = age.starts_with(|c: char| c.is_ascii_digit());
            if !is_number && compat.fails_on_policy_max_age {
                return Err(InvalidPolicy::Crash);
            }
            max_age_ms(age).is_some()
        }
    })
}

/// What keys ask of one another, and of the release line.
fn check_whole(definition: &FieldTable, layer: Layer, compat: &Compat) -> Result<(), String> {
    let number = |key| definition.get(key).and_then(FieldValue::as_i64);
    let text = |key| definition.get(key).and_then(FieldValue::as_str);
    if let Some(limit) = number("delivery-limit").filter(|limit| *limit < 0)
        && !compat.unlimited_deliveries
    {
        return Err(format!("{limit} is not a valid delivery limit"));
    }
    if definition.get("queue-master-locator").is_some() && !compat.queue_master_locator {
        return Err("use of deprecated queue-master-locator argument is not permitted".to_owned());
    }
    let is_ha = |key: &str| key.starts_with("ha-") && known(key, layer, compat).is_some();
    let mut keys = definition.iter().map(|(key, _)| key.as_str());
    match text(HA_MODE) {
        None if keys.any(is_ha) => {
            return Err(
                "ha-mode must be specified to specify ha-params, ha-sync-mode or \
                 ha-promote-on-shutdown"
                    .to_owned(),
            );
        }
        Some("exactly") if is_ha(HA_MODE) && definition.get("ha-params").is_none() => {
            return Err("ha-mode=\"exactly\" takes an integer, none given".to_owned());
        }
        _ => {}
    }
    match compat.unknown_policy_keys.contains(&"delayed-retry-min") {
        true => Ok(()),
        false => check_retries(text("delayed-retry-type"), &number),
    }
}

fn check_retries(
    kind: Option<&str>,
    number: &dyn Fn(&'static str) -> Option<i64>,
) -> Result<(), String> {
    let (min, max) = (number("delayed-retry-min"), number("delayed-retry-max"));
    match (kind, min, max) {
        (_, Some(min), Some(max)) if max < min => Err(format!(
            "delayed-retry-max ({max}) must not be smaller than delayed-retry-min ({min})"
        )),
        (Some(kind @ ("all" | "failed" | "returned")), None, _) => Err(format!(
            "delayed-retry-min is required when delayed-retry-type is {kind}"
        )),
        _ => Ok(()),
    }
}
