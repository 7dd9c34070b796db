//! A renderer's private folder for temporary files, and the sweeping of those that dead workers left.

use super::tag;
use crate::sys::{files, outside};
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The mark of no attempt: for a folder that is about to go.
const GRAVE: &str = "swept";

/// The folder of one attempt; it goes away with this value.
#[derive(Debug)]
pub struct Scratch {
    // Dropped first to last: the contents, then nothing else is left to do.
    folder: TempDir,
}

impl Scratch {
    /// Makes `<base>/<mark>.<random>`. Only its owner may enter (mkdtemp(3)).
    pub fn create(base: &Path, mark: &str) -> io::Result<Self> {
        files::make_folders(base, 0o777)?;
        TempDir::with_prefix_in(format!("{mark}."), base).map(|folder| Scratch { folder })
    }

    /// The same in the system's folder for temporary files, away from the volume: `<kind>-<this process>.<random>`.
    /// Folders of this kind whose process was killed go first: nobody else would ever take them away.
    pub fn in_system_folder(kind: &str) -> io::Result<Self> {
        let base = std::env::temp_dir();
        let mark = format!("{kind}-{}", tag::own().unwrap_or_default());
        sweep_kind(&base, kind, &mark);
        Self::create(&base, &mark)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Removes the folders of attempts that `is_live` does not know. Returns their paths.
///
/// Attempts are recorded before their folder is made; so ask `is_live` from records read after `listed`.
pub fn sweep(base: &Path, listed: Vec<OsString>, is_live: impl Fn(&str) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut swept = Vec::new();
    for name in listed {
        let Some((mark, _)) = name.to_str().and_then(|name| name.rsplit_once('.')) else { continue };
        let path = base.join(&name);
        if !is_live(mark) && remove(base, &path, GRAVE)? {
            swept.push(path);
        }
    }
    Ok(swept)
}

/// Removes what dead processes left of `kind`. What cannot be removed (another user's) is in nobody's way.
fn sweep_kind(base: &Path, kind: &str, mark: &str) {
    for name in list(base).unwrap_or_default() {
        let maker = name.to_str().and_then(|name| name.strip_prefix(kind)?.strip_prefix('-')?.split_once('.'));
        if maker.is_some_and(|(maker, _)| tag::has_ended(maker)) {
            let _ = remove(base, &base.join(&name), mark);
        }
    }
}

/// The folders beneath `base`, for [`sweep`]; none if it is not there.
pub fn list(base: &Path) -> io::Result<Vec<OsString>> {
    match outside::list(base) {
        Ok(entries) => Ok(entries.into_iter().map(|entry| entry.name).collect()),
        Err(error) if error.is_missing() => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// Moves the folder into a new temporary one and lets that go away: of two sweepers only one gets it, and the one
/// that loses it sees no error. Its name, `<mark>.<random>`, makes it the next sweeper's if this process is killed here.
fn remove(base: &Path, path: &Path, mark: &str) -> io::Result<bool> {
    let grave = TempDir::with_prefix_in(format!("{mark}."), base)?;
    match std::fs::rename(path, grave.path().join("left")) {
        Ok(()) => grave.close().map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scratch_folder_goes_away_with_what_is_in_it() {
        let base = tempfile::tempdir().unwrap();
        let scratch = Scratch::create(base.path(), "mark").unwrap();
        std::fs::create_dir(scratch.path().join("blender_x")).unwrap();
        std::fs::write(scratch.path().join("blender_x/quit.blend"), b"x").unwrap();
        drop(scratch);
        assert!(list(base.path()).unwrap().is_empty());
    }

    #[test]
    fn folders_of_dead_processes_are_swept() {
        let base = tempfile::tempdir().unwrap();
        let own = tag::own().unwrap();
        // This process's number, given to another that started at another time.
        let dead = format!("{}{:06x}", &own[..12], u64::from_str_radix(&own[12..], 16).unwrap() ^ 1);
        let names = [format!("kind-{own}.a"), "kind-.b".into(), "kind-nonsense.c".into(), format!("other-{dead}.d")];
        for name in names.iter().chain([&format!("kind-{dead}.e")]) {
            std::fs::create_dir_all(base.path().join(name).join("deep")).unwrap();
        }
        sweep_kind(base.path(), "kind", &format!("kind-{own}"));
        let mut left = list(base.path()).unwrap();
        left.sort();
        let mut expected = names.map(OsString::from);
        expected.sort();
        assert_eq!(left, expected);
    }

    #[test]
    fn only_folders_of_dead_attempts_are_swept() {
        let base = tempfile::tempdir().unwrap();
        let live = Scratch::create(base.path(), "live").unwrap();
        for dead in ["dead.abc", "swept.def"] {
            std::fs::create_dir_all(base.path().join(dead).join("deep/er")).unwrap();
        }
        std::fs::create_dir(base.path().join("foreign")).unwrap();
        let swept = sweep(base.path(), list(base.path()).unwrap(), |mark| mark == "live").unwrap();
        assert_eq!(swept.len(), 2, "{swept:?}");
        assert!(live.path().exists());
        assert!(base.path().join("foreign").exists());
        assert_eq!(list(base.path()).unwrap().len(), 2);
    }
}
