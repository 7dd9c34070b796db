//! `move-directory`: renames a folder. What is at the destination is kept beside it, under its date.

use super::{Halt, Parameters};
use crate::manager::local::attempt::Attempt;
use crate::sys::{clock, files, outside};
use std::io;
use std::path::{Path, PathBuf};

/// Moves `src` to `dest`.
pub(super) fn run(parameters: &Parameters, attempt: &mut Attempt<'_>) -> Result<(), Halt> {
    let (from, to) = (parameters.path("src")?, parameters.path("dest")?);
    if !outside::exists(from) {
        return Err(Halt::Failed(format!("there is no {}, nothing was moved", from.display())));
    }
    if outside::exists(to) {
        let kept = free_name(to)?;
        step(attempt, to, &kept)?;
    }
    step(attempt, from, to)
}

fn step(attempt: &mut Attempt<'_>, from: &Path, to: &Path) -> Result<(), Halt> {
    attempt.say(&format!("moving {} to {}", from.display(), to.display()));
    files::rename_to_new(from, to)
        .map_err(|error| Halt::Failed(format!("cannot move {} to {}: {error}", from.display(), to.display())))
}

/// `path-2026-11-22_143000`, with `-001` and so on behind it if that is taken.
fn free_name(path: &Path) -> io::Result<PathBuf> {
    let modified = outside::stat(path)?.map_or_else(clock::now, |there| there.mtime);
    let mut name = path.as_os_str().to_owned();
    name.push(format!("-{}", clock::local_stamp(modified)));
    let dated = PathBuf::from(&name);
    if !outside::exists(&dated) {
        return Ok(dated);
    }
    let numbered = |number: u32| {
        let mut name = name.clone();
        name.push(format!("-{number:03}"));
        PathBuf::from(name)
    };
    (1..1000)
        .map(numbered)
        .find(|candidate| !outside::exists(candidate))
        .ok_or_else(|| io::Error::other(format!("{} has a thousand older versions", path.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn older_versions_never_take_each_others_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        std::fs::create_dir(&path).unwrap();
        let first = free_name(&path).unwrap();
        std::fs::create_dir(&first).unwrap();
        let second = free_name(&path).unwrap();
        assert_eq!(second.to_string_lossy(), format!("{}-001", first.display()));
        std::fs::create_dir(&second).unwrap();
        assert!(free_name(&path).unwrap().to_string_lossy().ends_with("-002"));
    }
}
