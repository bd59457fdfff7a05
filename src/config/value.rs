//! Typed values: what may stand for a key, and RabbitMQ's words where it may not.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use super::files;
use super::keys::Key;
use crate::broker::pattern::Pattern;

/// Largest message that may be allowed.
const MESSAGE_BYTES_MAX: i128 = 536_870_912;

/// A value that fits its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An integer; sizes in bytes, durations in milliseconds.
    Number(i128),
    /// A fraction.
    Float(f64),
    /// A string, or one of several words.
    Text(String),
    /// An address with a port.
    Address(SocketAddr),
}

/// Why a value does not fit.
#[derive(Debug, PartialEq)]
pub struct Misfit {
    /// RabbitMQ's words.
    pub text: String,
    /// What would fit.
    pub expected: String,
}

impl Value {
    /// From what stands in a file.
    pub fn read(key: &Key, name: &str, text: &str) -> Result<Self, Misfit> {
        let types: Vec<&str> = key.types.split('|').collect();
        let words: Vec<&str> = types
            .iter()
            .copied()
            .filter(|word| !word.starts_with(char::is_uppercase))
            .collect();
        let mut value = words.contains(&text).then(|| Self::Text(text.to_owned()));
        let mut why = Vec::new();
        if value.is_none() && !words.is_empty() {
            why.push(match words.as_slice() {
                [word] => format!("\"{text}\" is not accepted value: {word}"),
                _ => format!(
                    "\"{text}\" is not a valid enum value, acceptable values are: {}",
                    words.join(", ")
                ),
            });
        }
        for kind in types
            .iter()
            .filter(|kind| kind.starts_with(char::is_uppercase))
        {
            if value.is_none() {
                match read_as(kind, text) {
                    Ok(read) => value = Some(read),
                    Err(reason) => why.push(reason),
                }
            }
        }
        let Some(value) = value else {
            return Err(Misfit {
                text: format!(
                    "Error transforming datatype for: {name}\n{}",
                    why.join("\n")
                ),
                expected: expectation(key),
            });
        };
        for check in key.checks.split(',').filter(|check| !check.is_empty()) {
            if let Some(reason) = refusal(check, &value) {
                return Err(Misfit {
                    text: format!("{name} invalid, {reason}"),
                    expected: reason.to_owned(),
                });
            }
        }
        Ok(value)
    }

    /// As an integer; zero when it is none.
    pub fn number(&self) -> i128 {
        match self {
            Self::Number(number) => *number,
            _ => 0,
        }
    }

    /// As text, whatever it is.
    pub fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Float(float) => float.to_string(),
            Self::Text(text) => text.clone(),
            Self::Address(address) => address.to_string(),
        }
    }

    /// `true` or `on`.
    pub fn is_true(&self) -> bool {
        matches!(self, Self::Text(text) if text == "true" || text == "on")
    }
}

/// A value of one type, or why it is none.
fn read_as(kind: &str, text: &str) -> Result<Value, String> {
    let cannot = |what: &str| format!("\"{text}\" cannot be converted to a(n) {what}");
    let (name, bounds) = kind.split_once('(').unwrap_or((kind, ""));
    match name {
        "Integer" | "Byte" => {
            let number = text.parse::<i128>().map_err(|_| cannot("integer"))?;
            let bounds = if name == "Byte" { "0..255)" } else { bounds };
            within(number, bounds).map(Value::Number)
        }
        "Float" => match text.parse::<f64>() {
            // As in Erlang: without a point it is none.
            Ok(float) if text.contains('.') && float.is_finite() => Ok(Value::Float(float)),
            _ => Err(cannot("float")),
        },
        "Boolean" => match text {
            "true" | "false" => Ok(Value::Text(text.to_owned())),
            _ => Err(cannot("boolean")),
        },
        "Flag" => match text {
            "on" | "off" => Ok(Value::Text(text.to_owned())),
            _ => Err(format!(
                "\"{text}\" is not a valid enum value, acceptable values are: on, off"
            )),
        },
        "Size" => size(text, false)
            .map(Value::Number)
            .ok_or_else(|| cannot("bytesize")),
        "Duration" => duration(text)
            .map(Value::Number)
            .ok_or_else(|| format!("Invalid duration value: {text}")),
        // Sockets that are files are listened on by none, with a warning.
        "Address" if is_socket_file(text) => Ok(Value::Text(text.to_owned())),
        "Address" => address(text)
            .map(Value::Address)
            .ok_or_else(|| cannot("IP")),
        _ => Ok(Value::Text(text.to_owned())),
    }
}

/// Bounds are written `1..65535)`, and either may be missing.
fn within(number: i128, bounds: &str) -> Result<i128, String> {
    let (least, most) = bounds
        .trim_end_matches(')')
        .split_once("..")
        .unwrap_or_default();
    match (least.parse::<i128>(), most.parse::<i128>()) {
        (Ok(least), _) if number < least => Err(format!(
            "{number} is below the minimum allowed value of {least}"
        )),
        (_, Ok(most)) if number > most => Err(format!(
            "{number} exceeds the maximum allowed value of {most}"
        )),
        _ => Ok(number),
    }
}

/// `128KB` and the like. Sizes of RabbitMQ's memory settings know more units than others.
pub fn size(text: &str, with_binary_units: bool) -> Option<i128> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number = number.parse::<i128>().ok()?;
    let unit = unit.to_ascii_lowercase();
    let factor = match (unit.as_str(), with_binary_units) {
        ("" | "b", _) => 1,
        ("kb", false) => 1 << 10,
        ("mb", false) => 1 << 20,
        ("gb", false) => 1 << 30,
        ("kb", true) => 1_000,
        ("mb", true) => 1_000_000,
        ("gb", true) => 1_000_000_000,
        ("tb", true) => 1_000_000_000_000,
        ("k" | "kib", true) => 1 << 10,
        ("m" | "mib", true) => 1 << 20,
        ("g" | "gib", true) => 1 << 30,
        ("t" | "tib", true) => 1 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// `1h30m`, in milliseconds; a number alone is milliseconds already.
fn duration(text: &str) -> Option<i128> {
    if let Ok(number) = text.parse::<i128>() {
        return Some(number);
    }
    let (mut total, mut rest) = (0_i128, text);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.len() - after.trim_start_matches(char::is_alphabetic).len();
        let (unit, after) = after.split_at_checked(letters)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "f" => 1_209_600_000,
            _ => return None,
        };
        total = total.checked_add(number.parse::<i128>().ok()?.checked_mul(factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then_some(total)
}

/// `127.0.0.1:5672` or `::1:5672`: the last colon is before the port, and there are no brackets.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.rsplit_once(':')?;
    Some(SocketAddr::new(
        ip.parse::<IpAddr>().ok()?,
        port.parse().ok()?,
    ))
}

/// `unix:/run/x:0` or `local:/run/x:0`.
pub(super) fn is_socket_file(text: &str) -> bool {
    let path = text
        .strip_prefix("unix:")
        .or_else(|| text.strip_prefix("local:"));
    path.is_some_and(|path| path.starts_with('/') && path.ends_with(":0"))
}

/// Why a check of that name refuses a value, in RabbitMQ's words.
fn refusal(check: &str, value: &Value) -> Option<&'static str> {
    let number = match value {
        Value::Number(number) => Some(*number),
        _ => None,
    };
    let outside =
        |range: std::ops::RangeInclusive<i128>| number.is_some_and(|n| !range.contains(&n));
    let path = || {
        Path::new(match value {
            Value::Text(text) => text.as_str(),
            _ => "",
        })
    };
    let (refused, text) = match check {
        "non_negative_integer" => (
            outside(0..=i128::MAX),
            "number should be greater or equal to zero",
        ),
        "non_zero_positive_integer" => (
            outside(1..=i128::MAX),
            "number should be greater or equal to one",
        ),
        "port" => (outside(0..=65_535), "Invalid port number"),
        "byte" => (outside(0..=255), "Integer must be in the range [0, 255]"),
        "max_message_size" => (
            outside(1..=MESSAGE_BYTES_MAX),
            "Max message size should be between 0 and 512MB",
        ),
        "is_ip" => (
            value.text().parse::<IpAddr>().is_err(),
            "value should be a valid IP address",
        ),
        "valid_regex" => (
            Pattern::new(&value.text()).is_err(),
            "must be a valid regular expression",
        ),
        "is_supported_information_unit" => (
            number.is_none() && size(&value.text(), true).is_none(),
            "supported formats: 500MB, 500MiB, 10GB, 10GiB, 2TB, 2TiB, 10000000000",
        ),
        "file_accessible" => (
            std::fs::metadata(path()).is_err(),
            "file does not exist or cannot be read by the node",
        ),
        "pem_file" => (
            !holds_pem(path()),
            "PEM file does not exist, cannot be read, or does not contain valid PEM-encoded X.509 \
             certificate or private key data",
        ),
        "https_uri" => (
            !value.text().starts_with("https://"),
            "According to the JWT Specification, Key Server URL must be https.",
        ),
        _ => return None,
    };
    refused.then_some(text)
}

fn holds_pem(path: &Path) -> bool {
    // Whatever the path is: a device would never end.
    let is_file = std::fs::metadata(path).is_ok_and(|facts| facts.is_file());
    is_file && files::read_text(path).is_ok_and(|text| text.contains("-----BEGIN"))
}

/// What a key takes, in a few words.
fn expectation(key: &Key) -> String {
    let one = |kind: &str| {
        let (name, bounds) = kind.split_once('(').unwrap_or((kind, ""));
        let bounds = bounds.trim_end_matches(')');
        match name {
            "Integer" if bounds.is_empty() => "an integer".to_owned(),
            "Integer" => format!("an integer in {bounds}"),
            "Byte" => "an integer in 0..255".to_owned(),
            "Float" => "a number with a point, as 0.6".to_owned(),
            "Boolean" => "true or false".to_owned(),
            "Flag" => "on or off".to_owned(),
            "Size" => "bytes, or a number with KB, MB or GB".to_owned(),
            "Duration" => "milliseconds, or a number with ms, s, m, h, d or w".to_owned(),
            "Address" => "ip:port".to_owned(),
            word => word.to_owned(),
        }
    };
    let all: Vec<String> = key.types.split('|').map(one).collect();
    format!("expected {}", all.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(types: &'static str, checks: &'static str, text: &str) -> Result<Value, String> {
        let key = Key {
            name: "k",
            types,
            checks,
            idle: None,
        };
        Value::read(&key, "k", text).map_err(|misfit| {
            misfit
                .text
                .strip_prefix("Error transforming datatype for: k\n")
                .unwrap_or(&misfit.text)
                .to_owned()
        })
    }

    #[test]
    fn values_of_every_type() {
        assert_eq!(read("Integer", "", "-5"), Ok(Value::Number(-5)));
        assert_eq!(read("Size", "", "128KB"), Ok(Value::Number(131_072)));
        assert_eq!(read("Duration", "", "1h30m"), Ok(Value::Number(5_400_000)));
        assert_eq!(read("Duration", "", "250"), Ok(Value::Number(250)));
        assert_eq!(read("Float", "", "0.6"), Ok(Value::Float(0.6)));
        let address = "[::1]:5674".parse().unwrap();
        assert_eq!(
            read("Integer|Address", "", "::1:5674"),
            Ok(Value::Address(address))
        );
        let infinity = Value::Text("infinity".to_owned());
        assert_eq!(read("infinity|Integer", "", "infinity"), Ok(infinity));
        assert_eq!(size("2GB", true), Some(2_000_000_000));
        assert_eq!(size("2GiB", true), Some(2_147_483_648));
    }

    /// Recorded on RabbitMQ 4.3: types, checks, a value and what is said of it.
    const REFUSALS: &[(&str, &str, &str, &str)] = &[
        (
            "Integer",
            "",
            "abc",
            "\"abc\" cannot be converted to a(n) integer",
        ),
        (
            "Boolean",
            "",
            "1",
            "\"1\" cannot be converted to a(n) boolean",
        ),
        ("Float", "", "5", "\"5\" cannot be converted to a(n) float"),
        (
            "Integer(1..)",
            "",
            "0",
            "0 is below the minimum allowed value of 1",
        ),
        (
            "Byte",
            "",
            "300",
            "300 exceeds the maximum allowed value of 255",
        ),
        ("Duration", "", "5y", "Invalid duration value: 5y"),
        (
            "Flag",
            "",
            "true",
            "\"true\" is not a valid enum value, acceptable values are: on, off",
        ),
        (
            "Integer|Address",
            "",
            "[::1]:5673",
            "\"[::1]:5673\" cannot be converted to a(n) integer\n\"[::1]:5673\" cannot be \
                 converted to a(n) IP",
        ),
        (
            "infinity|Integer",
            "",
            "10s",
            "\"10s\" is not accepted value: infinity\n\"10s\" cannot be converted to a(n) \
                 integer",
        ),
        (
            "String",
            "is_ip",
            "nope",
            "k invalid, value should be a valid IP address",
        ),
        (
            "String",
            "https_uri",
            "http://x/y",
            "k invalid, According to the JWT Specification, Key Server URL must be https.",
        ),
        (
            "Integer",
            "max_message_size",
            "900000000",
            "k invalid, Max message size should be between 0 and 512MB",
        ),
        (
            "String",
            "file_accessible",
            "/nope.json",
            "k invalid, file does not exist or cannot be read by the node",
        ),
        (
            "Integer|String",
            "is_supported_information_unit",
            "2Gx",
            "k invalid, supported formats: 500MB, 500MiB, 10GB, 10GiB, 2TB, 2TiB, 10000000000",
        ),
    ];

    #[test]
    fn refusals_are_in_rabbitmqs_words() {
        for (types, checks, text, want) in REFUSALS {
            assert_eq!(
                read(types, checks, text),
                Err((*want).to_owned()),
                "{types} {text}"
            );
        }
    }
}
