//! A renderer's private folder for temporary files, and the sweeping of those that dead workers left.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The folder of one attempt; it goes away with this value.
#[derive(Debug)]
pub struct Scratch {
    // Dropped first to last: the contents, then nothing else is left to do.
    folder: TempDir,
}

impl Scratch {
    /// Makes `<base>/<mark>.<random>`. Only its owner may enter (mkdtemp(3)).
    pub fn create(base: &Path, mark: &str) -> io::Result<Self> {
        crate::sys::files::make_folders(base, 0o777)?;
        TempDir::with_prefix_in(format!("{mark}."), base).map(|folder| Scratch { folder })
    }

    /// The same in the system's folder for temporary files, away from the volume.
    pub fn in_system_folder(mark: &str) -> io::Result<Self> {
        Self::create(&std::env::temp_dir(), mark)
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
        let Some((mark, _)) = name.to_str().and_then(|name| name.split_once('.')) else { continue };
        let path = base.join(&name);
        if !is_live(mark) && remove(base, &path)? {
            swept.push(path);
        }
    }
    Ok(swept)
}

/// The folders beneath `base`, for [`sweep`].
pub fn list(base: &Path) -> io::Result<Vec<OsString>> {
    crate::sys::files::names(base)
}

/// Moves the folder into a new temporary one and lets that go away: of two sweepers only one gets it, and the one
/// that loses it sees no error. The new name has no mark, so it is `sweep`'s again if this process is killed here.
fn remove(base: &Path, path: &Path) -> io::Result<bool> {
    let grave = TempDir::with_prefix_in("swept.", base)?;
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
