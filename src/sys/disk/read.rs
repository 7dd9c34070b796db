//! Reading: regular files only, whatever else bears the name.

use super::call::{Crossing, at, open_beneath};
use super::dir::Dir;
use super::entry::{Attributes, Kind};
use super::error::DiskError;
use crate::base::digest::{Digest, Hasher};
use crate::base::rel_path::RelPath;
use crate::base::size::Bytes;
use rustix::fs::{Advice, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The piece in which files are read, hashed and copied.
pub(super) const PIECE: usize = 1 << 20;

/// A regular file, open for reading, with what was known of it when it was opened.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    attributes: Attributes,
    path: PathBuf,
}

impl Dir {
    /// Opens `name` for reading; `None` if there is no such name. Anything but a regular file is a typed error and is
    /// not waited for.
    pub fn open_read(&self, name: impl AsRef<OsStr>) -> Result<Option<OpenFile>, DiskError> {
        let name = self.checked(name.as_ref())?;
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        match open_beneath(self, name, flags, Mode::empty(), Crossing::Refused) {
            Ok(fd) => OpenFile::checked(File::from(fd), self.path_of(name)).map(Some),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.not_a_file(name, errno)),
        }
    }

    /// Opens the file at `rel`, however deep, for reading; `None` if there is nothing.
    pub fn open_read_at(&self, rel: &RelPath) -> Result<Option<OpenFile>, DiskError> {
        let (folder, name) = rel.split().unwrap_or((RelPath::ROOT, ""));
        match self.dir(&folder)? {
            Some(dir) => dir.open_read(name),
            None => Ok(None),
        }
    }

    /// The bytes of `name`, at most `max`; `None` if there is no such name.
    pub fn read(&self, name: impl AsRef<OsStr>, max: u64) -> Result<Option<Vec<u8>>, DiskError> {
        self.open_read(name)?.map(|mut file| file.read_all(max)).transpose()
    }

    fn not_a_file(&self, name: &OsStr, errno: Errno) -> DiskError {
        let path = self.path_of(name);
        let kind = self.stat(name).ok().flatten().map_or(Kind::Unknown, |attributes| attributes.kind);
        match errno {
            Errno::NOSYS => DiskError::NoConfinement { path },
            Errno::XDEV => DiskError::OtherDevice { path },
            Errno::LOOP if kind == Kind::Link => DiskError::Link { path },
            // A socket cannot be opened at all.
            Errno::NXIO => DiskError::NotAFile { path, kind },
            errno => DiskError::Io { op: "open", path, source: errno.into() },
        }
    }
}

impl OpenFile {
    pub(in crate::sys) fn checked(file: File, path: PathBuf) -> Result<OpenFile, DiskError> {
        let stat = rustix::fs::fstat(&file).map_err(io::Error::from).map_err(at("look at", &path))?;
        let attributes = Attributes::from(&stat);
        match attributes.kind {
            Kind::File => Ok(OpenFile { file, attributes, path }),
            kind => Err(DiskError::NotAFile { path, kind }),
        }
    }

    /// What was known when it was opened: size, times, identity.
    pub fn attributes(&self) -> &Attributes {
        &self.attributes
    }

    /// Its path, for messages.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads all bytes from the present position, if they are at most `max`.
    pub fn read_all(&mut self, max: u64) -> Result<Vec<u8>, DiskError> {
        let too_large = || DiskError::TooLarge { path: self.path.clone(), max: Bytes(max) };
        if self.attributes.size > max {
            return Err(too_large());
        }
        let mut bytes = Vec::with_capacity(usize::try_from(self.attributes.size).unwrap_or_default());
        // It may grow while it is read.
        (&self.file).take(max.saturating_add(1)).read_to_end(&mut bytes).map_err(at("read", &self.path))?;
        if bytes.len() as u64 > max { Err(too_large()) } else { Ok(bytes) }
    }

    /// The digest of the whole file, and how many bytes that were. The position stays where it was.
    pub fn digest(&self) -> Result<(Digest, u64), DiskError> {
        let mut hasher = Hasher::new();
        let mut piece = vec![0; PIECE];
        let mut offset = 0;
        loop {
            match self.file.read_at(&mut piece, offset) {
                Ok(0) => return Ok((hasher.finish(), offset)),
                Ok(count) => {
                    hasher.update(&piece[..count]);
                    offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(at("read", &self.path)(error)),
            }
        }
    }

    /// Fills `buffer` from `offset` on; the end of the file leaves the rest and is no error.
    pub fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<usize, DiskError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.file.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(at("read", &self.path)(error)),
            }
        }
        Ok(filled)
    }

    /// Refuses if anything was written to the file since it was opened.
    pub fn check_unchanged(&self) -> Result<(), DiskError> {
        let stat = rustix::fs::fstat(&self.file).map_err(io::Error::from).map_err(at("look at", &self.path))?;
        let now = Attributes::from(&stat);
        if now.is_unchanged_since(&self.attributes) {
            Ok(())
        } else {
            Err(DiskError::Changed { path: self.path.clone() })
        }
    }

    /// Lets the next read come from the disk, not from memory. Some file systems ignore it.
    pub(super) fn forget_cached(&self) {
        // Advice: a verification out of memory is still a verification.
        let _ = rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed);
    }
}

impl AsFd for OpenFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Errors bear the path.
impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => error,
            _ => at("read", &self.path)(error).into(),
        })
    }
}

impl Seek for OpenFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn only_regular_files_are_read() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let path = |name: &str| temp.path().join(name);
        std::fs::write(path("file"), b"bytes").expect("temp");
        std::fs::create_dir(path("folder")).expect("temp");
        symlink("file", path("link")).expect("temp");
        rustix::fs::mknodat(&root, "pipe", rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("temp");
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).expect("temp");
        assert_eq!(root.read("file", 5).expect("read").as_deref(), Some(&b"bytes"[..]));
        assert!(matches!(root.read("file", 4), Err(DiskError::TooLarge { .. })));
        assert!(matches!(root.read("folder", 9), Err(DiskError::NotAFile { kind: Kind::Folder, .. })));
        assert!(matches!(root.read("link", 9), Err(DiskError::Link { .. })));
        assert!(matches!(root.read("pipe", 9), Err(DiskError::NotAFile { kind: Kind::Pipe, .. })));
        assert!(matches!(root.read("socket", 9), Err(DiskError::NotAFile { kind: Kind::Socket, .. })));
        assert!(root.read("nothing", 9).expect("no error").is_none());
        for bad in ["", ".", "..", "a/b", "/etc/passwd", "a\0b"] {
            assert!(matches!(root.read(bad, 9), Err(DiskError::Name { .. })), "{bad:?}");
        }
    }

    #[test]
    fn a_digest_is_of_the_whole_file_and_a_change_is_seen() {
        let temp = tempfile::tempdir().expect("temp");
        let bytes = vec![7; PIECE + 3];
        std::fs::write(temp.path().join("f"), &bytes).expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let file = root.open_read("f").expect("open").expect("there");
        assert_eq!(file.digest().expect("read"), (Digest::of(&bytes), bytes.len() as u64));
        file.check_unchanged().expect("unchanged");
        std::fs::write(temp.path().join("f"), b"other").expect("temp");
        assert!(matches!(file.check_unchanged(), Err(DiskError::Changed { .. })));
    }
}
