//! Leveret: an in-memory AMQP 0-9-1 broker.

pub mod cli;
