//! `credential_validator`: which passwords users may have.

use super::pattern::Pattern;

/// RabbitMQ's, where nothing is said.
const LENGTH_MIN: usize = 5;

/// By which rule.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Any will do.
    #[default]
    Any,
    /// They have a length.
    Length,
    /// They match a pattern.
    Regexp,
}

/// The rule, and what it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CredentialValidator {
    /// The rule.
    pub rule: Rule,
    /// The least number of characters.
    pub min_length: Option<usize>,
    /// The pattern; without one nothing matches.
    pub regexp: Option<String>,
}

impl CredentialValidator {
    /// Why a password will not do, in RabbitMQ's words.
    pub fn refusal(&self, password: &str) -> Option<String> {
        match self.rule {
            Rule::Any => None,
            Rule::Length => {
                let least = self.min_length.unwrap_or(LENGTH_MIN);
                let is_short = password.chars().count() < least;
                is_short.then(|| format!("minimum required password length is {least}"))
            }
            Rule::Regexp => {
                let pattern = self.regexp.as_deref().map(Pattern::new);
                let fits = pattern
                    .and_then(Result::ok)
                    .is_some_and(|pattern| pattern.matches(password));
                let text = "provided password does not match the validator regular expression";
                (!fits).then(|| text.to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_as_the_rule_wants_them() {
        let mut validator = CredentialValidator {
            min_length: Some(3),
            regexp: Some("^a.*z$".to_owned()),
            ..CredentialValidator::default()
        };
        assert_eq!(validator.refusal(""), None);
        validator.rule = Rule::Length;
        let text = "minimum required password length is 3";
        assert_eq!(validator.refusal("üb").as_deref(), Some(text));
        assert_eq!(validator.refusal("übe"), None);
        validator.rule = Rule::Regexp;
        assert!(validator.refusal("abc").is_some());
        assert_eq!(validator.refusal("a z"), None);
        validator.regexp = None;
        assert!(validator.refusal("a z").is_some());
    }
}
