//! [`Pattern`]: the regular expressions of permissions and policies.

mod fault;

use std::fmt;

use fancy_regex::Regex;

pub use self::fault::InvalidPattern;

/// Longest pattern taken, in bytes: matching happens on the publishing path.
const PATTERN_BYTES_MAX: usize = 64 * 1024;

/// A regular expression as RabbitMQ takes it: PCRE, not anchored, and empty matches nothing but
/// the empty name.
pub struct Pattern {
    text: String,
    matcher: Matcher,
}

/// The two commonest patterns need no automaton: most brokers never compile one.
enum Matcher {
    Everything,
    Empty,
    Regex(Box<Regex>),
}

impl Pattern {
    /// Compile it.
    pub fn new(text: &str) -> Result<Self, InvalidPattern> {
        if text.len() > PATTERN_BYTES_MAX {
            return Err(InvalidPattern::other(
                text,
                "regular expression is too large",
            ));
        }
        if let Some(invalid) = fault::find(text) {
            return Err(invalid);
        }
        let matcher = match text {
            ".*" => Matcher::Everything,
            "" | "^$" => Matcher::Empty,
            text => Matcher::Regex(Box::new(
                Regex::new(text)
                    .map_err(|error| InvalidPattern::other(text, &error.to_string()))?,
            )),
        };
        let text = text.to_owned();
        Ok(Self { text, matcher })
    }

    /// Whether it matches somewhere in `name`.
    pub fn matches(&self, name: &str) -> bool {
        match &self.matcher {
            Matcher::Everything => true,
            Matcher::Empty => name.is_empty(),
            // An expression that runs away (the backtracking limit) grants nothing.
            Matcher::Regex(regex) => regex.is_match(name).unwrap_or(false),
        }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}
