//! [`Exception`]: what closes a channel or a connection, and what its client is told.

use crate::code::ReplyCode;
pub use crate::code::Scope;
use crate::method::{channel, connection};
use crate::value::ShortString;

/// Longest reply text: a short string's.
const TEXT_MAX: usize = 255;

/// An error with all that `close` carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exception {
    /// What it closes.
    pub scope: Scope,
    /// Its code.
    pub code: ReplyCode,
    /// The text without the code's name.
    pub text: String,
    /// The class of the method at fault, 0 if none is.
    pub class_id: u16,
    /// The method at fault, 0 if none is.
    pub method_id: u16,
}

impl Exception {
    /// An exception with its code's scope, no method's fault.
    pub fn new(code: ReplyCode, text: impl Into<String>) -> Self {
        Self {
            scope: code.scope(),
            code,
            text: text.into(),
            class_id: 0,
            method_id: 0,
        }
    }

    /// The method at fault.
    #[must_use]
    pub fn on(self, class_id: u16, method_id: u16) -> Self {
        Self {
            class_id,
            method_id,
            ..self
        }
    }

    /// Whether RabbitMQ's own code fails there: such an exception names no method.
    pub fn is_crash(&self) -> bool {
        self.code == ReplyCode::INTERNAL_ERROR && self.text.is_empty()
    }

    /// Another scope than the code's own: a refused login closes the connection.
    #[must_use]
    pub fn with_scope(self, scope: Scope) -> Self {
        Self { scope, ..self }
    }

    /// The text as the client sees it: `NOT_FOUND - no queue 'q' in vhost '/'`.
    pub fn reply_text(&self) -> ShortString {
        let name = self.code.name();
        if self.text.is_empty() {
            return name.into();
        }
        let mut text = format!("{name} - {}", self.text);
        if text.len() > TEXT_MAX {
            let end = (0..=TEXT_MAX - 3)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(0);
            text.truncate(end);
            text.push_str("...");
        }
        text.as_str().into()
    }

    pub(crate) fn connection_close(&self) -> connection::Close {
        connection::Close {
            reply_code: self.code.number(),
            reply_text: self.reply_text(),
            class_id: self.class_id,
            method_id: self.method_id,
        }
    }

    pub(crate) fn channel_close(&self) -> channel::Close {
        channel::Close {
            reply_code: self.code.number(),
            reply_text: self.reply_text(),
            class_id: self.class_id,
            method_id: self.method_id,
        }
    }
}
