//! Leveret: an in-memory AMQP 0-9-1 broker for development and tests, in place of rabbitmq-server.
//!
//! # Layout
//! - [`broker`]: the model. No sockets, no runtime, no clock.
//! - [`session`]: AMQP on one side, the model on the other, for one connection.
//! - [`server`]: sockets, tasks, timers.
//! - [`management`]: the HTTP API.
//! - [`cli`]: the command line.
//! - [`config`]: settings, from files, the environment and options.
//! - [`clock`], [`sync`], [`log`]: time, locks, how much is logged.

mod auth;
pub mod broker;
pub mod cli;
pub mod clock;
pub mod config;
pub mod log;
pub mod management;
pub mod server;
pub mod session;
pub mod sync;
