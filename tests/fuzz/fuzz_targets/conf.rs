//! Target `conf`: see `tests/fuzz/bodies.rs`.

#![no_main]

#[path = "../bodies.rs"]
mod fuzz_bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| fuzz_bodies::conf(input));
