//! Tests that cannot run here say so.

use std::io::Write;

/// Says, past the test harness, that a test could not run here and why: `tests/run.sh` lists these lines.
pub(crate) fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}

/// The same by a function that many tests call: each runs in a thread of its name.
pub(crate) fn this_test_is_skipped(why: &str) {
    skipped(std::thread::current().name().unwrap_or("test"), why);
}
