//! Files by absolute path, for what lies outside the safe sequences of the volume: logs that grow, and the file commands
//! of Flamenco's tasks. Nothing here erases or overwrites anything.

use crate::base::time::Timestamp;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Makes a folder and those above it with `mode`, less the umask; fine if it is there.
pub fn make_folders(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Whether anything lies at `path`, be it a link to nowhere.
pub fn exists(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok()
}

/// When the contents of `path` changed last.
pub fn modified(path: &Path) -> io::Result<Timestamp> {
    let time = std::fs::metadata(path)?.modified()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_unix(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)))
}

/// The names in a folder, unordered; none if it is not there.
pub fn names(folder: &Path) -> io::Result<Vec<OsString>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => entries.map(|entry| entry.map(|e| e.file_name())).collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Renames `from` to `to` in one step; an error if `to` is taken or on another device.
pub fn rename_to_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some network file systems know no NOREPLACE: the best left is to look first.
        Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !exists(to) => std::fs::rename(from, to),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(()),
    }
}

/// Copies a regular file to a name that must be free. What a killed copy leaves is `<to>.farm-part`, never `to`.
pub fn copy_to_new(from: &Path, to: &Path) -> io::Result<u64> {
    let mut source = File::open(from)?;
    if !source.metadata()?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut part = to.as_os_str().to_owned();
    part.push(".farm-part");
    let part = PathBuf::from(part);
    let mut copy = OpenOptions::new().write(true).create(true).truncate(true).open(&part)?;
    let bytes = io::copy(&mut source, &mut copy)?;
    copy.sync_all()?;
    rename_to_new(&part, to)?;
    Ok(bytes)
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

/// All bytes of a file; `None` if it is not there.
pub fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    found(std::fs::read(path))
}

/// At most the last `limit` bytes of a file; `None` if it is not there.
pub fn read_tail(path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let Some(mut file) = found(File::open(path))? else { return Ok(None) };
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a"), folder.path().join("b"));
        Appender::open(&a).unwrap().append(b"one").unwrap();
        Appender::open(&b).unwrap().append(b"two").unwrap();
        assert_eq!(rename_to_new(&a, &b).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert!(copy_to_new(&a, &b).is_err());
        assert_eq!(read(&b).unwrap().unwrap(), b"two");
        let c = folder.path().join("c");
        assert_eq!(copy_to_new(&a, &c).unwrap(), 3);
        assert_eq!(read(&c).unwrap().unwrap(), b"one");
        assert!(copy_to_new(folder.path(), &folder.path().join("d")).is_err());
    }

    #[test]
    fn tails_are_bounded_and_absence_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert_eq!(read_tail(&path, 4).unwrap(), None);
        assert_eq!(names(&folder.path().join("none")).unwrap(), Vec::<OsString>::new());
        let mut log = Appender::open(&path).unwrap();
        log.append(b"hello").unwrap();
        log.append(b" there").unwrap();
        assert_eq!(read_tail(&path, 5).unwrap().unwrap(), b"there");
        assert_eq!(read_tail(&path, 50).unwrap().unwrap(), b"hello there");
    }
}
