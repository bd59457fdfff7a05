//! Which samples a request asks for: `lengths_age`, `lengths_incr` and the like, in seconds.

use serde::Deserialize;

use super::super::error::ApiError;

/// Samples in one answer for one counter.
const SAMPLES_MAX: u64 = 500;

/// How far to look back, and in which steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(super) age_ms: u64,
    pub(super) step_ms: u64,
}

/// What is asked for, by what is counted. Without a range only rates are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    /// Of numbers of messages.
    pub(crate) lengths: Option<Range>,
    /// Of what happens to messages.
    pub(crate) messages: Option<Range>,
    /// Of octets.
    pub(crate) data: Option<Range>,
    /// Of the node.
    pub(crate) node: Option<Range>,
}

/// Query parameters of whatever has rates.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct RangeQuery {
    lengths_age: Option<String>,
    lengths_incr: Option<String>,
    msg_rates_age: Option<String>,
    msg_rates_incr: Option<String>,
    data_rates_age: Option<String>,
    data_rates_incr: Option<String>,
    node_stats_age: Option<String>,
    node_stats_incr: Option<String>,
}

impl RangeQuery {
    /// The ranges, for one object.
    pub(crate) fn ranges(&self) -> Result<Ranges, ApiError> {
        self.read().map_err(ApiError::bad_request)
    }

    /// The ranges, for a list: RabbitMQ calls the error by another name there.
    pub(crate) fn list_ranges(&self) -> Result<Ranges, ApiError> {
        let error = |text| ApiError::Bad("invalid_range_parameters", text);
        self.read().map_err(error)
    }

    fn read(&self) -> Result<Ranges, String> {
        Ok(Ranges {
            lengths: range(self.lengths_age.as_deref(), self.lengths_incr.as_deref())?,
            messages: range(
                self.msg_rates_age.as_deref(),
                self.msg_rates_incr.as_deref(),
            )?,
            data: range(
                self.data_rates_age.as_deref(),
                self.data_rates_incr.as_deref(),
            )?,
            node: range(
                self.node_stats_age.as_deref(),
                self.node_stats_incr.as_deref(),
            )?,
        })
    }
}

/// What is no pair of numbers is not looked at.
fn range(age: Option<&str>, incr: Option<&str>) -> Result<Option<Range>, String> {
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<i64>().ok());
    let (Some(age), Some(incr)) = (number(age), number(incr)) else {
        return Ok(None);
    };
    let wrong = || format!("Invalid range parameters: age {age}, incr {incr}");
    let positive = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
    let (Some(age), Some(incr)) = (positive(age), positive(incr)) else {
        return Err(wrong());
    };
    if age / incr > SAMPLES_MAX {
        return Err(wrong());
    }
    Ok(Some(Range {
        age_ms: age.saturating_mul(1000),
        step_ms: incr.saturating_mul(1000),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_checked_as_rabbitmq_checks_them() {
        let of = |age, incr| range(Some(age), Some(incr));
        let minute = Range {
            age_ms: 60_000,
            step_ms: 5000,
        };
        assert_eq!(of("60", "5"), Ok(Some(minute)));
        assert_eq!(of("abc", "5"), Ok(None));
        assert_eq!(of("1.5", "5"), Ok(None));
        assert_eq!(range(Some("60"), None), Ok(None));
        for (age, incr) in [("60", "0"), ("-60", "5"), ("0", "5"), ("600", "1")] {
            let text = format!("Invalid range parameters: age {age}, incr {incr}");
            assert_eq!(of(age, incr), Err(text));
        }
    }
}
