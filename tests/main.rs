//! All tests in Rust, in one binary.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod cli;
#[path = "fuzz/bodies.rs"]
mod fuzz_bodies;
mod http;
mod model;
mod seeds;
mod sim;
mod support;
mod tidy;
mod wire;
