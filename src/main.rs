//! The program: hands arguments to the library and returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(farm::cli::run(std::env::args_os().collect()))
}
