//! What lies outside a volume, by path: scenes and textures wherever their owner keeps them, logs, configuration. Only
//! ever read. Symbolic links are followed, because artists' folders are full of them.

use super::disk::{Attributes, Dir, DiskError, Entry, OpenFile};
use rustix::fs::{Mode, OFlags};
use rustix::io::{Errno, retry_on_intr};
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// Opens the regular file at `path`; `None` if there is nothing. Anything else is a typed error and is not waited for.
pub fn open(path: &Path) -> Result<Option<OpenFile>, DiskError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    match retry_on_intr(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(fd) => OpenFile::checked(File::from(fd), path.to_owned()).map(Some),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(not_opened(path, errno)),
    }
}

/// A socket cannot be opened at all; it is said what it is.
fn not_opened(path: &Path, errno: Errno) -> DiskError {
    match stat(path) {
        Ok(Some(Attributes { kind, .. })) if errno == Errno::NXIO => {
            DiskError::NotAFile { path: path.to_owned(), kind }
        }
        _ => DiskError::Io { op: "open", path: path.to_owned(), source: errno.into() },
    }
}

/// The attributes of whatever `path` leads to; `None` if nothing.
pub fn stat(path: &Path) -> Result<Option<Attributes>, DiskError> {
    match retry_on_intr(|| rustix::fs::stat(path)) {
        Ok(stat) => Ok(Some((&stat).into())),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(DiskError::Io { op: "look at", path: path.to_owned(), source: errno.into() }),
    }
}

/// Whether anything lies at `path`, be it a link to nowhere.
pub fn exists(path: &Path) -> bool {
    retry_on_intr(|| rustix::fs::lstat(path)).is_ok()
}

/// The names in `folder`, sorted.
pub fn list(folder: &Path) -> Result<Vec<Entry>, DiskError> {
    Dir::open_root(folder)?.list()
}

/// The bytes of the file at `path`, at most `max`; `None` if there is none.
pub fn read(path: &Path, max: u64) -> Result<Option<Vec<u8>>, DiskError> {
    open(path)?.map(|mut file| file.read_all(max)).transpose()
}

/// At most the last `count` bytes of the file at `path`; `None` if there is none.
pub fn read_tail(path: &Path, count: usize) -> Result<Option<Vec<u8>>, DiskError> {
    let Some(file) = open(path)? else { return Ok(None) };
    let mut tail = vec![0; count];
    let length = file.read_at(&mut tail, file.attributes().size.saturating_sub(count as u64))?;
    tail.truncate(length);
    Ok(Some(tail))
}

/// The text of the file at `path`, at most `max` bytes; `None` if there is none.
pub fn read_text(path: &Path, max: u64) -> Result<Option<String>, DiskError> {
    let Some(bytes) = read(path, max)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|_| DiskError::NotText { path: path.to_owned() })
}

/// `path` with every link resolved; something must be there.
pub fn resolve(path: &Path) -> Result<PathBuf, DiskError> {
    std::fs::canonicalize(path).map_err(|source| DiskError::Io { op: "find", path: path.to_owned(), source })
}

/// The absolute form of `path`, without touching links or `..`.
pub fn absolute(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// A path from the bytes a scene holds, which need not be UTF-8.
pub fn path_from_bytes(bytes: &[u8]) -> PathBuf {
    PathBuf::from(OsString::from_vec(bytes.to_vec()))
}

/// The bytes of a path.
pub fn bytes_of(path: &Path) -> &[u8] {
    path.as_os_str().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::disk::Kind;
    use std::io::Read;

    #[test]
    fn only_regular_files_open_and_nothing_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a.txt"), "abc").unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, path("pipe"), rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0)
            .unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        for (path, kind) in [
            (folder.path().to_owned(), Kind::Folder),
            (path("pipe"), Kind::Pipe),
            (path("socket"), Kind::Socket),
            ("/dev/null".into(), Kind::Device),
        ] {
            let error = open(&path).unwrap_err();
            assert!(matches!(error, DiskError::NotAFile { kind: found, .. } if found == kind), "{error}");
        }
        assert!(open(&path("gone")).unwrap().is_none() && open(&path("a.txt/b")).unwrap().is_none());
        let mut text = String::new();
        open(&path("a.txt")).unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), stat(&path("a.txt")).unwrap().unwrap().size), ("abc", 3));
    }

    #[test]
    fn names_come_sorted_and_links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("b"), "").unwrap();
        std::os::unix::fs::symlink("b", path("a")).unwrap();
        std::os::unix::fs::symlink("nowhere", path("c")).unwrap();
        let names: Vec<_> = list(folder.path()).unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["a", "b", "c"]);
        let [a, b] = ["a", "b"].map(|name| stat(&path(name)).unwrap().unwrap());
        assert!(a.is_same_file(&b));
        assert!(stat(&path("c")).unwrap().is_none() && exists(&path("c")));
        assert!(!exists(&path("d")) && list(&path("d")).unwrap_err().is_missing());
        assert_eq!(resolve(&path("a")).unwrap(), resolve(&path("b")).unwrap());
    }

    #[test]
    fn what_is_read_is_bounded_and_absence_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        assert!(read(&path, 9).unwrap().is_none() && read_tail(&path, 4).unwrap().is_none());
        std::fs::write(&path, "hello there").unwrap();
        assert_eq!(read_tail(&path, 5).unwrap().unwrap(), b"there");
        assert_eq!(read_tail(&path, 50).unwrap().unwrap(), b"hello there");
        assert_eq!(read_text(&path, 11).unwrap().unwrap(), "hello there");
        assert!(matches!(read_text(&path, 10), Err(DiskError::TooLarge { .. })));
        std::fs::write(&path, b"\xff").unwrap();
        assert!(matches!(read_text(&path, 10), Err(DiskError::NotText { .. })));
    }
}
