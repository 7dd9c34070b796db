//! Starting the program.

use crate::{Sizes, rounds};
use rounds::{Entry, measure, table};
use std::process::{Command, Stdio};

/// Many starts of `farm --version` against another small Rust program, where there is one.
pub(crate) fn run(sizes: Sizes) {
    let starts = |program: &str, argument: &str| {
        for _ in 0..sizes.starts {
            let status = Command::new(program).arg(argument).stdin(Stdio::null()).stdout(Stdio::null()).status();
            assert!(status.is_ok_and(|status| status.success()), "{program} {argument}");
        }
    };
    let farm = env!("CARGO_BIN_EXE_farm");
    let other = ["fdfind", "fd", "/bin/true"]
        .into_iter()
        .find(|program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok())
        .unwrap_or("/bin/true");
    let entries = [
        Entry::new(other, || {}, || starts(other, "--version")),
        Entry::new("farm --version", || {}, || starts(farm, "--version")),
        Entry::new("farm --help", || {}, || starts(farm, "--help")),
    ];
    let times = measure(&entries, sizes.rounds);
    let title = format!("{} starts", sizes.starts);
    print!("{}", table(&title, &times, &times[0], "farm --version at most 1.0 x fd --version"));
}
