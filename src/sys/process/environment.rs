//! What a renderer finds around itself, and where programs are found.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The variable that marks every process of one attempt at a task.
pub const MARK: &str = "FARM_ATTEMPT";

/// The item that marks the processes of `attempt` in their environment.
pub(super) fn mark_item(attempt: &str) -> String {
    format!("{MARK}={attempt}")
}

/// This process's environment as a renderer gets it: all but farm's own variables, which hold credentials.
pub(super) fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os().filter(|(name, _)| !name.as_encoded_bytes().starts_with(b"FARM_"))
}

/// The file that `program` would start: itself if it names a folder, else the first hit in `PATH`.
pub fn find_program(program: &str) -> Option<PathBuf> {
    let path = Path::new(program);
    if program.contains('/') {
        return is_executable(path).then(|| path.to_owned());
    }
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|file| is_executable(file))
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|about| about.is_file() && about.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_found_as_a_shell_finds_them() {
        assert!(find_program("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(find_program("/bin/sh"), Some("/bin/sh".into()));
        assert_eq!(find_program("/etc/passwd"), None);
        assert_eq!(find_program("no such program"), None);
        assert_eq!(find_program(""), None);
    }
}
