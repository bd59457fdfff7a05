//! `x-max-age`: how long a stream keeps what is in it.

use crate::broker::compat::Compat;

/// Milliseconds of `7D`: a number above 0, then one of the units Y, M, D, h, m, s.
pub fn max_age_ms(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(at);
    let seconds: u64 = match unit {
        "Y" => 365 * 86_400,
        "M" => 30 * 86_400,
        "D" => 86_400,
        "h" => 3_600,
        "m" => 60,
        "s" => 1,
        _ => return None,
    };
    let number: u64 = number.parse().ok().filter(|number| *number > 0)?;
    number.checked_mul(seconds * 1_000)
}

/// The older lines fail over an age that does not begin with a number.
pub(super) fn fails_on(age: &str, compat: &Compat) -> bool {
    compat.fails_on_bad_age && !age.starts_with(|c: char| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::max_age_ms;

    #[test]
    fn a_number_and_a_unit() {
        assert_eq!(max_age_ms("7D"), Some(7 * 86_400_000));
        assert_eq!(max_age_ms("5s"), Some(5_000));
        for bad in [
            "",
            "D",
            "5",
            "5X",
            "0s",
            "-1D",
            "5 s",
            "99999999999999999999D",
        ] {
            assert_eq!(max_age_ms(bad), None, "{bad}");
        }
    }
}
