//! The connection as a machine: what is refused in which state, limits that are agreed on, time,
//! exceptions. What RabbitMQ answers was asked of 4.0.5 and 4.3.6, which agree.

mod exceptions;
mod negotiation;
mod refusals;
mod time;
