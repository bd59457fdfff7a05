//! What is wrong with a pattern, in the words of the library that RabbitMQ compiles it with.

/// Why a pattern is none. The two libraries of RabbitMQ's release lines word it differently, and
/// count differently where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPattern {
    /// The pattern.
    pub pattern: String,
    fault: Fault,
    at: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Fault {
    GroupOpen,
    GroupNotOpened,
    GroupName,
    ClassOpen,
    NothingToRepeat,
    TrailingBackslash,
    Other(String),
}

impl InvalidPattern {
    pub(super) fn other(pattern: &str, text: &str) -> Self {
        Self::new(pattern, Fault::Other(text.to_owned()), 0)
    }

    fn new(pattern: &str, fault: Fault, at: usize) -> Self {
        let pattern = pattern.to_owned();
        Self { pattern, fault, at }
    }

    /// The text, and where; `pcre2` is the newer library.
    pub fn words(&self, pcre2: bool) -> (&str, usize) {
        match (&self.fault, pcre2) {
            (Fault::GroupOpen, false) => ("missing )", self.at),
            (Fault::GroupOpen, true) => ("missing closing parenthesis", self.at),
            (Fault::GroupNotOpened, false) => ("unmatched parentheses", self.at),
            (Fault::GroupNotOpened, true) => ("unmatched closing parenthesis", self.at + 1),
            (Fault::GroupName, false) => ("unrecognized character after (?<", self.at),
            (Fault::GroupName, true) => ("subpattern name expected", self.at),
            (Fault::NothingToRepeat, false) => ("nothing to repeat", self.at),
            (Fault::NothingToRepeat, true) => {
                let text = "quantifier does not follow a repeatable item";
                (text, self.at + 1)
            }
            (Fault::ClassOpen, _) => ("missing terminating ] for character class", self.at),
            (Fault::TrailingBackslash, _) => (r"\ at end of pattern", self.at),
            (Fault::Other(text), _) => (text, self.at),
        }
    }
}

/// The first fault that every library finds; what is left is for the compiler.
pub(super) fn find(pattern: &str) -> Option<InvalidPattern> {
    let bytes = pattern.as_bytes();
    let found = |fault, at| Some(InvalidPattern::new(pattern, fault, at));
    let (mut at, mut depth) = (0, 0_usize);
    // Whether a quantifier may stand here, and whether the last thing was one.
    let (mut repeatable, mut quantified) = (false, false);
    while let Some(byte) = bytes.get(at) {
        let next = bytes.get(at + 1);
        let (was_repeatable, was_quantified) = (repeatable, quantified);
        (repeatable, quantified) = (true, false);
        match byte {
            b'\\' if next.is_none() => return found(Fault::TrailingBackslash, bytes.len()),
            b'\\' => at += 1,
            b'[' => match class_end(bytes, at) {
                Some(end) => at = end,
                None => return found(Fault::ClassOpen, bytes.len()),
            },
            b'(' if is_nameless(bytes, at) => return found(Fault::GroupName, at + 3),
            b'(' => {
                depth += 1;
                repeatable = false;
                // What follows is an option or a verb.
                at += usize::from(matches!(next, Some(b'?' | b'*')));
            }
            b')' if depth == 0 => return found(Fault::GroupNotOpened, at),
            b')' => depth -= 1,
            b'|' => repeatable = false,
            // Lazy or possessive.
            b'?' | b'+' if was_quantified => repeatable = false,
            b'*' | b'+' | b'?' if !was_repeatable => return found(Fault::NothingToRepeat, at),
            b'*' | b'+' | b'?' => (repeatable, quantified) = (false, true),
            _ => {}
        }
        at += 1;
    }
    match depth {
        0 => None,
        _ => found(Fault::GroupOpen, bytes.len()),
    }
}

/// Whether `(?<` is followed neither by a name nor by what looks behind.
fn is_nameless(bytes: &[u8], at: usize) -> bool {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.strip_prefix(b"(?<").is_some_and(|rest| {
        let first = rest.first().copied().unwrap_or_default();
        !(first.is_ascii_alphabetic() || matches!(first, b'_' | b'=' | b'!'))
    })
}

/// Where the `]` of a class is that begins at `from`; one at its very beginning is a member.
fn class_end(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from + 1 + usize::from(bytes.get(from + 1) == Some(&b'^'));
    at += usize::from(bytes.get(at) == Some(&b']'));
    loop {
        match bytes.get(at)? {
            b']' => return Some(at),
            b'\\' => at += 2,
            b'[' if bytes.get(at + 1) == Some(&b':') => {
                let rest = bytes.get(at + 2..)?;
                let end = rest.windows(2).position(|two| two == b":]");
                at += end.map_or(1, |end| end + 4);
            }
            _ => at += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn faults_are_worded_as_the_libraries_word_them() {
        let words = |pattern, pcre2| {
            let invalid = find(pattern).unwrap();
            let (text, at) = invalid.words(pcre2);
            (text.to_owned(), at)
        };
        for (pattern, old, new) in [
            ("(", ("missing )", 1), ("missing closing parenthesis", 1)),
            (
                "a)",
                ("unmatched parentheses", 1),
                ("unmatched closing parenthesis", 2),
            ),
            (
                "*",
                ("nothing to repeat", 0),
                ("quantifier does not follow a repeatable item", 1),
            ),
            (
                "a**",
                ("nothing to repeat", 2),
                ("quantifier does not follow a repeatable item", 3),
            ),
        ] {
            assert_eq!(words(pattern, false), (old.0.to_owned(), old.1));
            assert_eq!(words(pattern, true), (new.0.to_owned(), new.1));
        }
        let text = ("subpattern name expected".to_owned(), 3);
        assert_eq!(words("(?<", true), text);
        assert_eq!(
            words("[a", true).0,
            "missing terminating ] for character class"
        );
        assert_eq!(words(r"a\", true), (r"\ at end of pattern".to_owned(), 2));
    }

    #[test]
    fn what_is_right_has_no_fault() {
        for pattern in [
            "",
            ".*",
            "^q\\.",
            "(?i)a",
            "(?:a|b)*+",
            "[]a]",
            "[^]]x",
            "[[:alpha:]]+?",
            "\\(",
            "a*?b",
            "(?<!x)y",
            "x{2}+",
            "()|",
            "^*",
        ] {
            assert_eq!(find(pattern), None, "{pattern}");
        }
    }
}
