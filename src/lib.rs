//! Leveret: an in-memory AMQP 0-9-1 broker for development and tests, in place of rabbitmq-server.
//!
//! # Layout
//! - [`broker`]: the model. No sockets, no runtime, no clock.
//! - [`session`]: AMQP on one side, the model on the other, for one connection.
//! - [`server`]: sockets, tasks, timers.
//! - [`clock`], [`sync`]: time and locks.

pub mod broker;
pub mod clock;
pub mod server;
pub mod session;
pub mod sync;
