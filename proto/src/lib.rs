//! AMQP 0-9-1 with RabbitMQ's extensions, sans I/O: it opens no socket and reads no clock.
//!
//! # Layout
//! - [`code`], [`exception`]: reply codes and what is raised with them.
//! - [`value`], [`content`]: field tables; message properties.
//! - [`method`]: every method, one table per class.
//! - [`connection`]: bytes in, events out: the server side's state machine.
//! - [`outbuf`]: frames out.
//! - [`sasl`], [`capability`]: what a client logs in with, and what it understands.

pub mod capability;
pub mod code;
pub mod connection;
pub mod content;
pub mod exception;
pub mod method;
pub mod outbuf;
mod parse;
mod put;
pub mod sasl;
pub mod value;

pub use parse::DecodeError;

/// Type octets of frames (AMQP 0-9-1, 4.2.3).
pub mod frame {
    /// A method.
    pub const METHOD: u8 = 1;
    /// A content header.
    pub const HEADER: u8 = 2;
    /// A content body.
    pub const BODY: u8 = 3;
    /// A heartbeat.
    pub const HEARTBEAT: u8 = 8;
    /// Ends every frame.
    pub const END: u8 = 0xCE;
    /// Octets of a frame that are not payload: type, channel, size and end.
    pub const OVERHEAD: usize = 8;
    /// Octets before the payload.
    pub const HEAD: usize = 7;
}
