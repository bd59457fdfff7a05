//! Permissions: what a user may configure, write and read in a virtual host.

use std::fmt;

use super::error::BrokerError;
use super::error::Subject;
use super::name::Name;
use super::pattern::{InvalidPattern, Pattern};

/// The three rights of AMQP access control.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// Declare and delete.
    Configure,
    /// Publish, bind to.
    Write,
    /// Consume, get, purge, bind from.
    Read,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Configure => "configure",
            Self::Write => "write",
            Self::Read => "read",
        })
    }
}

/// The rights of one user in one virtual host.
#[derive(Debug)]
pub struct Permission {
    /// Names it may declare and delete.
    pub configure: Pattern,
    /// Names it may publish and bind to.
    pub write: Pattern,
    /// Names it may consume and bind from.
    pub read: Pattern,
}

impl Permission {
    /// Compile the three patterns.
    pub fn new(configure: &str, write: &str, read: &str) -> Result<Self, InvalidPattern> {
        Ok(Self {
            configure: Pattern::new(configure)?,
            write: Pattern::new(write)?,
            read: Pattern::new(read)?,
        })
    }

    /// Whether `name` may be accessed so. The default exchange is checked as `amq.default`.
    pub fn allows(&self, access: Access, name: &str) -> bool {
        let name = if name.is_empty() { "amq.default" } else { name };
        match access {
            Access::Configure => self.configure.matches(name),
            Access::Write => self.write.matches(name),
            Access::Read => self.read.matches(name),
        }
    }
}

/// What one user may publish and bind by routing key, at one topic exchange.
#[derive(Debug)]
pub struct TopicPermission {
    /// Keys it may publish with.
    pub write: Pattern,
    /// Keys it may bind with.
    pub read: Pattern,
}

impl TopicPermission {
    /// Compile the patterns.
    pub fn new(write: &str, read: &str) -> Result<Self, InvalidPattern> {
        Ok(Self {
            write: Pattern::new(write)?,
            read: Pattern::new(read)?,
        })
    }

    /// Whether `key` may be used so by `user`. `{username}` and `{vhost}` in the pattern stand
    /// for their values.
    pub fn allows(&self, access: Access, key: &str, user: &str, vhost: &str) -> bool {
        let pattern = if access == Access::Read {
            &self.read
        } else {
            &self.write
        };
        if !pattern.as_str().contains('{') {
            return pattern.matches(key);
        }
        let text = pattern
            .as_str()
            .replace("{username}", user)
            .replace("{vhost}", vhost);
        Pattern::new(&text).is_ok_and(|pattern| pattern.matches(key))
    }
}

/// The refusal's text: `write access to queue 'q' in vhost '/' refused for user 'u'`.
pub fn refused(access: Option<Access>, subject: &Subject, user: &Name) -> BrokerError {
    let access = access
        .map(|access| format!("{access} "))
        .unwrap_or_default();
    let name = if subject.name.is_empty() {
        "amq.default"
    } else {
        subject.name.as_str()
    };
    BrokerError::AccessRefused(format!(
        "{access}access to {} '{name}' in vhost '{}' refused for user '{user}'",
        subject.kind, subject.vhost
    ))
}

/// The same of a routing key at a topic exchange.
pub fn topic_refused(
    access: Option<Access>,
    key: &str,
    exchange: &Subject,
    user: &Name,
) -> BrokerError {
    let access = access
        .map(|access| format!("{access} "))
        .unwrap_or_default();
    BrokerError::AccessRefused(format!(
        "{access}access to topic '{key}' in exchange '{}' in vhost '{}' refused for user '{user}'",
        exchange.name, exchange.vhost
    ))
}

#[cfg(test)]
mod tests {
    use super::{Access, Permission};

    #[test]
    fn look_around_works() {
        let permission = Permission::new("^(?!secret)", "", ".*").unwrap();
        assert!(permission.allows(Access::Configure, "tasks"));
        assert!(!permission.allows(Access::Configure, "secret-tasks"));
        assert!(!permission.allows(Access::Write, "tasks"));
        assert!(permission.allows(Access::Read, "anything"));
    }

    #[test]
    fn patterns_are_not_anchored() {
        let permission = Permission::new("a", "a", "a").unwrap();
        assert!(permission.allows(Access::Write, "banana"));
    }

    #[test]
    fn the_default_exchange_has_a_name() {
        let permission = Permission::new("", r"^amq\.default$", "").unwrap();
        assert!(permission.allows(Access::Write, ""));
    }
}
