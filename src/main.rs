//! The `leveret` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    leveret::cli::run(std::env::args_os(), leveret::cli::serve::not_linked)
}
