//! Reading files that lie outside the volume: scenes and what they need, wherever the artist keeps them.
//!
//! Reads, but for what a user asks to be written to a path. Symbolic links are followed, because artists' folders are full of them.

use crate::base::time::Timestamp;
use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A pipe, a socket or a device: nothing that a scene can be read from.
    Other,
}

/// What is known of a path without opening it, symbolic links followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// File, folder or neither.
    pub kind: Kind,
    /// Size in bytes.
    pub bytes: u64,
    /// When it was last written.
    pub modified: Timestamp,
    /// The same for two paths exactly when they lead to the same file.
    pub identity: (u64, u64),
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// The name, without its folder.
    pub name: OsString,
    /// The whole path.
    pub path: PathBuf,
}

/// A regular file that is open for reading.
#[derive(Debug)]
pub struct Source(File);

/// Opens the regular file at `path`; a folder, pipe or device is refused without waiting for it.
pub fn open(path: &Path) -> io::Result<Source> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::CLOEXEC;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    match kind_of(&file.metadata()?) {
        Kind::File => Ok(Source(file)),
        Kind::Folder => Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder")),
        Kind::Other => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

/// Looks at `path`, following symbolic links.
pub fn look(path: &Path) -> io::Result<Look> {
    let data = fs::metadata(path)?;
    Ok(Look {
        kind: kind_of(&data),
        bytes: data.len(),
        modified: Timestamp::from_unix(data.mtime()),
        identity: (data.dev(), data.ino()),
    })
}

/// The names in `folder`, sorted.
pub fn list(folder: &Path) -> io::Result<Vec<Entry>> {
    let entries = fs::read_dir(folder)?.map(|entry| entry.map(|e| Entry { name: e.file_name(), path: e.path() }));
    let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

/// The text of the file at `path`; `None` if there is none. More than `limit` bytes, or bytes that are no text, are
/// errors.
pub fn read_text(path: &Path, limit: u64) -> io::Result<Option<String>> {
    let source = match open(path) {
        Ok(source) => source,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    source.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it is larger than {limit} bytes")));
    }
    String::from_utf8(bytes).map(Some).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Writes a file that the user asked for by its path (a plan, a manual page): whole or not at all, replacing an old one.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
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

fn kind_of(data: &Metadata) -> Kind {
    match data.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Folder,
        _ => Kind::Other,
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Seek for Source {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_open() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(open(folder.path()).unwrap_err().kind(), io::ErrorKind::IsADirectory);
        assert_eq!(open(&folder.path().join("gone")).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert!(open(Path::new("/dev/null")).is_err());
        let file = folder.path().join("a.txt");
        fs::write(&file, "abc").unwrap();
        let mut text = String::new();
        open(&file).unwrap().read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), look(&file).unwrap().bytes), ("abc", 3));
    }

    #[test]
    fn names_come_sorted_and_links_are_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("b"), "").unwrap();
        std::os::unix::fs::symlink("b", folder.path().join("a")).unwrap();
        let names: Vec<_> = list(folder.path()).unwrap().into_iter().map(|e| e.name).collect();
        assert_eq!(names, ["a", "b"]);
        let looks = ["a", "b"].map(|name| look(&folder.path().join(name)).unwrap().identity);
        assert_eq!(looks[0], looks[1]);
    }
}
