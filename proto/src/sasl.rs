//! What a client logs in with: decoding only, nobody is looked up here.

use crate::parse::DecodeError;
use crate::value::{FieldTable, FieldValue};

/// A login as the client put it.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// `PLAIN` and `AMQPLAIN`.
    Password {
        /// The user's name.
        user: String,
        /// The password.
        password: String,
    },
    /// `EXTERNAL`: the transport says who it is.
    External,
    /// `ANONYMOUS`.
    Anonymous,
}

/// Why there is no login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaslError {
    /// No such mechanism; RabbitMQ drops the connection.
    UnknownMechanism,
    /// The response is not of the mechanism's form; RabbitMQ drops the connection.
    Malformed,
    /// Name or password is not UTF-8: nobody is called that, so the login is refused as any other.
    NotText,
}

impl From<DecodeError> for SaslError {
    fn from(_: DecodeError) -> Self {
        Self::Malformed
    }
}

/// Decode the response of `start-ok`.
pub fn decode(mechanism: &str, response: &[u8]) -> Result<Login, SaslError> {
    match mechanism {
        "PLAIN" => plain(response),
        "AMQPLAIN" => amqplain(response),
        "EXTERNAL" => Ok(Login::External),
        "ANONYMOUS" => Ok(Login::Anonymous),
        _ => Err(SaslError::UnknownMechanism),
    }
}

/// RFC 4616, but RabbitMQ takes no authorization identity, and no NUL in the password.
fn plain(response: &[u8]) -> Result<Login, SaslError> {
    let mut parts = response.split(|byte| *byte == 0);
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some([]), Some(user), Some(password), None) => login(user, password),
        _ => Err(SaslError::Malformed),
    }
}

/// A field table without its length, with `LOGIN` and `PASSWORD`; of several the first counts.
fn amqplain(response: &[u8]) -> Result<Login, SaslError> {
    let table = FieldTable::decode(response)?;
    match (octets(&table, "LOGIN"), octets(&table, "PASSWORD")) {
        (Some(user), Some(password)) => login(user, password),
        _ => Err(SaslError::Malformed),
    }
}

fn octets<'a>(table: &'a FieldTable, key: &str) -> Option<&'a [u8]> {
    match table.get(key)? {
        FieldValue::LongString(raw) | FieldValue::Bytes(raw) => Some(raw),
        _ => None,
    }
}

fn login(user: &[u8], password: &[u8]) -> Result<Login, SaslError> {
    let text = |raw| {
        std::str::from_utf8(raw)
            .map(str::to_owned)
            .map_err(|_| SaslError::NotText)
    };
    Ok(Login::Password {
        user: text(user)?,
        password: text(password)?,
    })
}

impl std::fmt::Debug for Login {
    /// Without the password: it must not get into a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Password { user, .. } => write!(f, "Password({user:?})"),
            Self::External => f.write_str("External"),
            Self::Anonymous => f.write_str("Anonymous"),
        }
    }
}
