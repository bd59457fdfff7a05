//! The `leveret` binary: a broker, and its command line under the names scripts call it by.

use std::process::ExitCode;

fn main() -> ExitCode {
    leveret::cli::run(std::env::args().collect())
}
