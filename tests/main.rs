//! Tests of the whole program, by area.

mod cli;
mod support;
