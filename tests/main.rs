//! Tests of the whole program, by area.

#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

mod cli;
mod support;
