//! Why a command failed: the text for standard error and the exit code, as `sysexits.h` names it.

use super::http::HttpError;

/// Wrong usage.
pub(crate) const EX_USAGE: u8 = 64;
/// An argument that cannot be, or an object that does not exist.
pub(crate) const EX_DATAERR: u8 = 65;
/// A user that does not exist.
pub(crate) const EX_NOUSER: u8 = 67;
/// The broker is not there, or refused.
pub(crate) const EX_UNAVAILABLE: u8 = 69;
/// The broker, or this program, failed.
pub(crate) const EX_SOFTWARE: u8 = 70;
/// It took too long.
pub(crate) const EX_TEMPFAIL: u8 = 75;

/// A command's failure.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: u8,
    /// Everything that goes to standard error, without the final newline.
    pub(crate) text: String,
    /// Whether it is because nobody answered.
    pub(crate) unreachable: bool,
}

impl Failure {
    /// Under the heading most failures have.
    pub(crate) fn error(exit: u8, text: impl std::fmt::Display) -> Self {
        Self::bare(exit, format!("Error:\n{text}"))
    }

    /// Without a heading.
    pub(crate) fn bare(exit: u8, text: impl Into<String>) -> Self {
        Self {
            exit,
            text: text.into(),
            unreachable: false,
        }
    }

    /// A virtual host that is not there, as most commands report it.
    pub(crate) fn no_vhost(name: &str) -> Self {
        Self::bare(EX_DATAERR, format!("Virtual host '{name}' does not exist"))
    }

    /// A queue that is not there.
    pub(crate) fn not_found() -> Self {
        Self::bare(
            EX_DATAERR,
            "Object (queue, stream, exchange, etc) was not found",
        )
    }

    /// No answer within the time given.
    pub(crate) fn timeout(command: &str, node: &str, timeout_ms: i64) -> Self {
        let text = format!(
            "Error: operation {command} on node {node} timed out. Timeout value used: {timeout_ms}"
        );
        Self::bare(EX_TEMPFAIL, text)
    }

    /// Nobody to ask: the node does not run, or this user may not administer it.
    pub(crate) fn unreachable(node: &str, why: &str) -> Self {
        let text = format!(
            "Error: unable to perform an operation on node '{node}'. Please see diagnostics \
             information and suggestions below.\n\n\
             Most common reasons for this are:\n\n \
             * The broker is not running, or runs under another node name (see --node)\n \
             * It runs as another user: this tool reads a file that only the broker's user can read\n \
             * It runs on another machine or in another container (see --url and LEVERET_URL)\n\n\
             DIAGNOSTICS\n===========\n\n\
             attempted to contact: [{node}]\n\n{node}:\n  * {why}\n"
        );
        Self {
            exit: EX_UNAVAILABLE,
            text,
            unreachable: true,
        }
    }

    pub(crate) fn from_http(error: &HttpError, command: &str, node: &str, timeout_ms: i64) -> Self {
        match error {
            HttpError::Timeout => Self::timeout(command, node, timeout_ms),
            HttpError::Unreachable(_) => Self::unreachable(node, &error.to_string()),
            HttpError::Broken(_) => Self::error(EX_SOFTWARE, error),
        }
    }
}
