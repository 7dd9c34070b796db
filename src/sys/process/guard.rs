//! The guard: farm itself, started under a hidden first argument, that becomes the renderer.
//!
//! Between its start and the `exec` it does what only the new process can do for itself: it asks the kernel for SIGKILL
//! at its parent's death, makes sure that the parent still lives, and waits for leave on its standard input, so that no
//! renderer runs before its identity was written down.

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};
use std::ffi::{OsStr, OsString};
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

/// The hidden first argument: `farm internal-exec PARENT -- PROGRAM ARGUMENT…`.
pub const GUARD_ARGUMENT: &str = "internal-exec";

/// Exit code when the program cannot be started (as a shell's).
const CANNOT_START: u8 = 126;
/// Exit code when there is no such program (as a shell's).
const NOT_FOUND: u8 = 127;
/// Exit code when the worker is gone, or took its leave back.
const ORPHANED: u8 = 125;

/// How to start the guard.
#[derive(Debug, Clone)]
pub struct Guard {
    program: PathBuf,
    prefix: Vec<OsString>,
}

impl Guard {
    /// `farm`, whose `main` hands `internal-exec` to [`exec_guarded`].
    pub fn new(farm: impl Into<PathBuf>) -> Self {
        Guard { program: farm.into(), prefix: vec![GUARD_ARGUMENT.into()] }
    }

    /// The running executable, which is farm: also after its file was replaced by a newer version.
    pub fn this_executable() -> Self {
        // Resolved by the new process for itself, which is a copy of this one then (proc(5)).
        Guard::new("/proc/self/exe")
    }

    /// Another executable that calls [`exec_guarded`] when it sees `prefix`.
    pub fn with_prefix(program: impl Into<PathBuf>, prefix: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Guard { program: program.into(), prefix: prefix.into_iter().map(Into::into).collect() }
    }

    /// The command that becomes `program` once it got leave.
    pub(super) fn command(&self, program: &OsStr, arguments: &[OsString]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg0("farm")
            .args(&self.prefix)
            .arg(std::process::id().to_string())
            .arg("--")
            .arg(program)
            .args(arguments);
        command
    }
}

/// Becomes the program that `arguments` (those behind `internal-exec`) name. Returns only if it could not: the exit
/// code, and what to say on standard error, which is the task's log.
pub fn exec_guarded(arguments: impl IntoIterator<Item = OsString>) -> (u8, String) {
    let mut arguments = arguments.into_iter();
    let parent = arguments.next().and_then(|text| text.to_str()?.parse().ok()).and_then(Pid::from_raw);
    let (Some(parent), Some(_separator), Some(program)) = (parent, arguments.next(), arguments.next()) else {
        return (2, format!("farm: {GUARD_ARGUMENT} is started by farm's own worker only"));
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return (CANNOT_START, format!("farm: cannot bind the renderer to its worker: {error}"));
    }
    // The signal is sent at a death from now on; an earlier one shows as another parent.
    if getppid() != Some(parent) || !got_leave() {
        return (ORPHANED, "farm: the worker of this renderer is gone".into());
    }
    let error = Command::new(&program).args(arguments).exec();
    let code = if error.kind() == std::io::ErrorKind::NotFound { NOT_FOUND } else { CANNOT_START };
    (code, format!("farm: cannot start {}: {error}", program.display()))
}

/// Waits for one byte; the end of the input means that there will be none.
fn got_leave() -> bool {
    let mut byte = [0];
    // Read past std's buffer: nothing but this byte is ever sent, and the renderer sees the end of its input.
    matches!(std::io::stdin().lock().read(&mut byte), Ok(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrong_arguments_start_nothing() {
        for words in [&[][..], &["x"], &["1"], &["1", "--"], &["0", "--", "true"]] {
            let (code, message) = exec_guarded(words.iter().map(OsString::from));
            assert_eq!(code, 2, "{message}");
        }
    }
}
