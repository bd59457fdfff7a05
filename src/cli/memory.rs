//! The memory limit: `rabbitmqctl set_vm_memory_high_watermark`, and how amounts are written.

use serde_json::{Value, json};

use super::command::{Command, Group::Configuration, Invalid};
use super::failure::{EX_DATAERR, Failure};
use super::output::Output;
use super::session::Session;

pub(super) const COMMANDS: &[Command] = &[Command::new(
    "set_vm_memory_high_watermark",
    Configuration,
    "Sets how much memory may be used before publishers are paused",
    set_watermark,
)
.usage((1, 2), "<fraction> | absolute <value>")
.help(&[
    ("<fraction>", "as a share of the machine's memory"),
    ("absolute <value>", "as an amount with a unit: 512MB, 2GiB"),
])
.check(|s| watermark(s.args()).map(drop))
.banner(|s| {
    let node = s.node();
    match s.args() {
        [_, value] => format!("Setting memory threshold on {node} to {value} bytes ..."),
        _ => format!("Setting memory threshold on {node} to {} ...", s.arg(0)),
    }
})];

fn set_watermark(s: &Session<'_>) -> Result<Output, Failure> {
    let limit = watermark(s.args()).map_err(|invalid| Failure::error(EX_DATAERR, invalid.text))?;
    s.must("POST", "/dev/alarm", Some(&limit.body()))?;
    Ok(Output::Nothing)
}

/// How much memory may be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    /// A share of the machine's.
    Fraction(f64),
    /// So many bytes.
    Bytes(u64),
}

impl Limit {
    /// From `0.6` or `512MB`.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.parse::<f64>() {
            Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(Self::Fraction(fraction)),
            Ok(bytes) if bytes < 0.0 => Err("it cannot be negative".to_owned()),
            _ => bytes(text).map(Self::Bytes),
        }
    }

    fn body(self) -> Value {
        match self {
            Self::Fraction(fraction) => json!({ "limit_fraction": fraction }),
            Self::Bytes(bytes) => json!({ "limit_bytes": bytes }),
        }
    }
}

/// What the arguments of the command say.
fn watermark(arguments: &[String]) -> Result<Limit, Invalid> {
    match arguments {
        [word] if word == "absolute" => Err(Invalid::usage("not enough arguments.")),
        [word, value] if word == "absolute" && !value.starts_with(|c: char| c.is_ascii_digit()) => {
            Err(Invalid::bad("Bad argument."))
        }
        [word, value] if word == "absolute" => {
            bytes(value).map(Limit::Bytes).map_err(Invalid::value)
        }
        [fraction] => match fraction.parse::<f64>() {
            Ok(fraction) if (0.0..=1.0).contains(&fraction) => Ok(Limit::Fraction(fraction)),
            Ok(_) => Err(Invalid::value(
                "The threshold should be a fraction between 0.0 and 1.0",
            )),
            Err(_) => Err(Invalid::bad("Bad argument.")),
        },
        _ => Err(Invalid::usage("too many arguments.")),
    }
}

/// An amount of memory with RabbitMQ's units: powers of 1000 with a `B`, else of 1024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: u64 = number
        .parse()
        .map_err(|_| "The threshold should be an integer.".to_owned())?;
    if unit.starts_with('.') {
        return Err("The threshold should be an integer.".to_owned());
    }
    let factor = match unit {
        "" => Some(1),
        "kB" | "KB" => Some(1000),
        "MB" => Some(1_000_000),
        "GB" => Some(1_000_000_000),
        "TB" => Some(1_000_000_000_000),
        "k" | "K" | "kiB" | "KiB" | "ki" | "Ki" => Some(1 << 10),
        "M" | "m" | "MiB" | "Mi" => Some(1 << 20),
        "G" | "g" | "GiB" | "Gi" => Some(1 << 30),
        "T" | "t" | "TiB" | "Ti" => Some(1 << 40),
        _ => None,
    };
    factor
        .and_then(|factor| number.checked_mul(factor))
        .ok_or_else(|| "Invalid units.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Limit, (String, u8)> {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        watermark(&words).map_err(|invalid| (invalid.text, invalid.exit))
    }

    fn refused(line: &str) -> (String, u8) {
        of(line).unwrap_err()
    }

    #[test]
    fn fractions_and_amounts() {
        assert_eq!(of("0.4"), Ok(Limit::Fraction(0.4)));
        assert_eq!(of("1"), Ok(Limit::Fraction(1.0)));
        assert_eq!(of("absolute 100MB"), Ok(Limit::Bytes(100_000_000)));
        assert_eq!(of("absolute 2GiB"), Ok(Limit::Bytes(2 << 30)));
        assert_eq!(of("absolute 1048576"), Ok(Limit::Bytes(1_048_576)));
        assert_eq!(Limit::parse("64M"), Ok(Limit::Bytes(64 << 20)));
        assert_eq!(Limit::parse("0"), Ok(Limit::Fraction(0.0)));
        assert!(Limit::parse("-1").is_err() && Limit::parse("much").is_err());
    }

    #[test]
    fn complaints_as_rabbitmqs() {
        let bad = |text: &str| (format!("Bad argument{text}"), 65);
        assert_eq!(
            refused("1.5"),
            bad(": The threshold should be a fraction between 0.0 and 1.0")
        );
        assert_eq!(refused("abc"), bad("."));
        assert_eq!(refused("absolute 100x"), bad(": Invalid units."));
        assert_eq!(
            refused("absolute 100.5MB"),
            bad(": The threshold should be an integer.")
        );
        assert_eq!(refused("absolute").1, 64);
        assert_eq!(refused("0.6 0.7"), ("too many arguments.".to_owned(), 64));
    }
}
