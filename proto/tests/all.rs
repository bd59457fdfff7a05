//! Tests of the protocol, in one binary.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should say where"
)]

mod fuzz_bodies;
mod limits;
mod roundtrip;
mod seeds;
mod states;
mod vectors;
