//! The command line.
pub mod http;
pub mod runtime_file;
