//! [`Fault`]: what is wrong with definitions, where, and how RabbitMQ puts it.

use std::fmt;

use crate::broker::compat::Compat;
use crate::broker::error::BrokerError;
use crate::broker::policy::InvalidPolicy;
use crate::broker::shown::DefinitionsLine;
use crate::broker::term::binary;

/// One step into JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Into an object.
    Key(String),
    /// Into a list.
    Index(usize),
}

/// A place in definitions: `queues[3].arguments.x-max-length`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct At(pub Vec<Segment>);

impl At {
    /// Further into an object.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.0.clone();
        path.push(Segment::Key(key.to_owned()));
        Self(path)
    }

    /// Further into a list.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.0.clone();
        path.push(Segment::Index(index));
        Self(path)
    }
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (depth, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if depth == 0 => f.write_str(key)?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// Why definitions are not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where.
    pub at: At,
    /// In RabbitMQ's words, as far as it has some.
    pub reason: String,
    /// In words that say more than RabbitMQ's, where those say nothing.
    pub detail: &'static str,
    /// RabbitMQ fails over it without a word.
    pub crash: bool,
}

impl Fault {
    /// Refused in RabbitMQ's words.
    pub fn new(at: At, reason: impl Into<String>) -> Self {
        Self {
            at,
            reason: reason.into(),
            detail: "",
            crash: false,
        }
    }

    /// Refused with an Erlang term that says little.
    pub(super) fn terse(at: At, reason: &str, detail: &'static str) -> Self {
        Self {
            detail,
            ..Self::new(at, reason)
        }
    }

    /// What makes RabbitMQ fail.
    pub(super) fn crash(at: At, detail: &'static str) -> Self {
        Self {
            crash: true,
            ..Self::new(at, detail)
        }
    }

    pub(super) fn no_vhost(at: At, vhost: &str) -> Self {
        let text =
            format!("Please create virtual host \"{vhost}\" prior to importing definitions.");
        Self::new(at, text)
    }

    pub(super) fn no_user(at: At, user: &str) -> Self {
        Self::new(at, format!("{{no_such_user,{}}}", binary(user.as_bytes())))
    }

    /// What the checks of declarations say of an entry; an argument is pointed at.
    pub(super) fn declared(at: &At, error: &BrokerError, compat: &Compat) -> Self {
        let text = error.to_string();
        let argument = text
            .strip_prefix("invalid arg '")
            .and_then(|rest| rest.split_once('\''));
        let at = argument.map_or_else(|| at.clone(), |(key, _)| at.key("arguments").key(key));
        let code = match error {
            BrokerError::ExchangeType(_) if !compat.bad_exchange_type_is_soft => "command_invalid",
            BrokerError::Denied(_) => "internal_error",
            BrokerError::NotImplemented(_) => "not_implemented",
            _ => "precondition_failed",
        };
        Self::new(at, format!("{code}: {text}"))
    }

    /// A runtime parameter or policy that is not valid. `of` tells which one it is: names, each
    /// with what it is the name of.
    pub(super) fn invalid(
        at: At,
        invalid: InvalidPolicy,
        of: &[(&str, &str)],
        compat: &Compat,
    ) -> Self {
        match invalid {
            InvalidPolicy::Crash => Self::crash(at, "the definition cannot be read"),
            InvalidPolicy::Faults(faults) => {
                let text = format!("Validation failed\n\n{}\n", faults.join("\n"));
                Self::new(at, parameter(&text, of, compat))
            }
        }
    }
}

/// What is said of a runtime parameter, and of which one.
pub(super) fn parameter(text: &str, of: &[(&str, &str)], compat: &Compat) -> String {
    if compat.shown.definitions == DefinitionsLine::Lean {
        let named: Vec<String> = of
            .iter()
            .map(|(what, name)| format!("{what}: \"{name}\""))
            .collect();
        let between = if of.len() > 2 { " / " } else { " " };
        return format!("{text} ({})", named.join(between));
    }
    // The older lines show the text as an Erlang term, and written as in a page.
    let names: Vec<&str> = of.iter().map(|(_, name)| *name).collect();
    let text = match compat.escapes_policy_faults {
        true => text
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;"),
        false => text.to_owned(),
    };
    let whole = format!("{text} ({})", names.join("/"));
    let quoted = whole
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("<<\"{quoted}\">>")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at.0.is_empty() {
            true => f.write_str(&self.reason)?,
            false => write!(f, "{}: {}", self.at, self.reason)?,
        }
        match self.detail {
            "" => Ok(()),
            detail => write!(f, " ({detail})"),
        }
    }
}
