//! This executable as the guard of renderers and as a worker process, so that the suite needs no other.

use farm::sys::process::{Guard, exec_guarded};
use std::ffi::OsString;

const SEPARATOR: &str = "guard-entry-arguments";

/// Not a test of its own: with the separator among its arguments, this process becomes a renderer.
#[test]
fn guard_entry() {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let Some(at) = arguments.iter().position(|word| word == SEPARATOR) else { return };
    let (code, message) = exec_guarded(arguments[at + 1..].iter().cloned());
    eprintln!("{message}");
    #[expect(clippy::disallowed_methods, reason = "this process is a guard, not a test")]
    std::process::exit(i32::from(code));
}

/// The guard that `guard_entry` is.
pub(crate) fn guard() -> Guard {
    Guard::with_prefix("/proc/self/exe", ["--exact", "guard::guard_entry", "--nocapture", SEPARATOR])
}
