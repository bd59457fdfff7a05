//! All tests in Rust, in one binary.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod cli;
mod http;
mod model;
mod sim;
mod support;
mod tidy;
mod wire;
