//! Files that are written by path, outside the folders of a volume that farm guards: logs that grow, documents that a
//! user asked for, and the file commands of Flamenco's tasks. Whole files are written as on a volume, by the sequences
//! of [`super::disk`]; what a killed run leaves bears the same temporary name.

use super::disk::{Dir, DiskError, Kind, Target, rename_new};
use super::outside;
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes a folder and those above it with `mode`, less the umask; fine if it is there.
pub fn make_folders(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Writes a document that the user asked for by its path: whole or not at all, in place of an old one.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), DiskError> {
    let target = match outside::stat(path)? {
        Some(there) if there.kind != Kind::File => {
            return Err(DiskError::NotAFile { path: path.to_owned(), kind: there.kind });
        }
        // A link to a file stays one.
        Some(_) => outside::resolve(path)?,
        None => path.to_owned(),
    };
    let (folder, name) = place(&target)?;
    folder.write(name, bytes)
}

/// Renames `from` to `to` in one step; an error if `to` is taken or on another device.
pub fn rename_to_new(from: &Path, to: &Path) -> Result<(), DiskError> {
    let ((from_folder, from_name), (to_folder, to_name)) = (place(from)?, place(to)?);
    rename_new(&from_folder, from_name, &to_folder, to_name)
}

/// Copies a regular file, as it is at this moment, to a name that must be free.
pub fn copy_to_new(from: &Path, to: &Path) -> Result<u64, DiskError> {
    let gone = || DiskError::Io { op: "open", path: from.to_owned(), source: io::ErrorKind::NotFound.into() };
    let mut source = outside::open(from)?.ok_or_else(gone)?;
    let (folder, name) = place(to)?;
    let failed = |source| DiskError::Io { op: "copy to", path: to.to_owned(), source };
    let copied = folder.write_with(name, Target::New, |part| io::copy(&mut source, part).map(drop).map_err(failed))?;
    Ok(copied.bytes)
}

/// The open folder of `path`, and the last part of it.
fn place(path: &Path) -> Result<(Dir, &OsStr), DiskError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = Dir::open_root(parent)?;
    match path.file_name() {
        Some(name) => Ok((folder, name)),
        None => Err(DiskError::Name { name: path.display().to_string(), folder: folder.path() }),
    }
}

/// A file that only grows.
#[derive(Debug)]
pub struct Appender(File);

impl Appender {
    /// Opens or creates the file.
    pub fn open(path: &Path) -> io::Result<Self> {
        OpenOptions::new().append(true).create(true).open(path).map(Appender)
    }

    /// Puts `bytes` behind what is there.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = outside::list(folder).unwrap().into_iter().map(|entry| entry.name.into_string().unwrap());
        names.collect()
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        Appender::open(&a).unwrap().append(b"one").unwrap();
        Appender::open(&b).unwrap().append(b"two").unwrap();
        assert!(rename_to_new(&a, &b).unwrap_err().is_exists());
        assert!(copy_to_new(&a, &b).unwrap_err().is_exists());
        assert_eq!(std::fs::read(&b).unwrap(), b"two");
        let c = folder.path().join("c");
        assert_eq!(copy_to_new(&a, &c).unwrap(), 3);
        assert_eq!(std::fs::read(&c).unwrap(), b"one");
        assert!(copy_to_new(folder.path(), &folder.path().join("d")).is_err());
        assert!(copy_to_new(&folder.path().join("gone"), &folder.path().join("d")).unwrap_err().is_missing());
        rename_to_new(&c, &folder.path().join("e")).unwrap();
        assert_eq!(names(folder.path()), ["a", "b", "e"], "no temporary file is left");
    }

    #[test]
    fn documents_are_replaced_whole_and_links_stay() {
        let folder = tempfile::tempdir().unwrap();
        let (plan, link) = (folder.path().join("plan.json"), folder.path().join("link.json"));
        write(&plan, b"old").unwrap();
        std::os::unix::fs::symlink("plan.json", &link).unwrap();
        write(&link, b"new").unwrap();
        assert_eq!(std::fs::read(&plan).unwrap(), b"new");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(matches!(write(folder.path(), b"x"), Err(DiskError::NotAFile { kind: Kind::Folder, .. })));
        assert!(matches!(write(Path::new("/dev/null"), b"x"), Err(DiskError::NotAFile { kind: Kind::Device, .. })));
        assert!(write(&folder.path().join("no/such.json"), b"x").unwrap_err().is_missing());
        assert_eq!(names(folder.path()), ["link.json", "plan.json"]);
    }
}
