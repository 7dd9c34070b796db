//! What the tests stand on: a sealed room for the program, a stand-in for Blender, frames, pictures of folders.

pub(crate) mod fake_blender;
pub(crate) mod output;
pub(crate) mod png;
pub(crate) mod sealed_room;
pub(crate) mod strace;
pub(crate) mod tree;
pub(crate) mod volume_builder;

pub(crate) use output::Outcome;
pub(crate) use sealed_room::Room;
pub(crate) use tree::Tree;
pub(crate) use volume_builder::Farm;

use std::io::Write;
use std::path::PathBuf;

/// A file of `tests/fixtures`.
pub(crate) fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// Says, past the test harness, that a test could not run here and why.
pub(crate) fn skipped(test: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "SKIPPED {test}: {why}");
}
