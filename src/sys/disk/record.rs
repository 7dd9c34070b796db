//! A file that only grows, line by line: journals and records.

use super::call::{Crossing, at, open_beneath};
use super::dir::Dir;
use super::error::DiskError;
use super::read::OpenFile;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// A file open for appending. What [`RecordFile::append`] returned from is on disk.
#[derive(Debug)]
pub struct RecordFile {
    file: File,
    path: PathBuf,
    /// How much of it is whole; what a failed append left behind that is cut off.
    length: u64,
}

impl Dir {
    /// Opens the existing file `name` for appending behind its first `length` bytes; what follows them, a torn line
    /// of a killed run, is cut off at the first append. `None` if there is no such file.
    pub fn open_record(&self, name: impl AsRef<OsStr>, length: u64) -> Result<Option<RecordFile>, DiskError> {
        let name = self.checked(name.as_ref())?;
        let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let path = self.path_of(name);
        let fd = match open_beneath(self, name, flags, Mode::empty(), Crossing::Refused) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(DiskError::Link { path }),
            Err(errno) => return Err(DiskError::Io { op: "open", path, source: errno.into() }),
        };
        let file = File::from(fd);
        OpenFile::checked(file.try_clone().map_err(at("open", &path))?, path.clone())?;
        Ok(Some(RecordFile { file, path, length }))
    }
}

impl RecordFile {
    /// Appends `bytes` (whole lines) and waits until they are on disk.
    ///
    /// After an error the file may hold a torn line; the next append cuts it off first.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let failed = at("write to", &self.path);
        let found = self.file.metadata().map_err(&failed)?.len();
        if found > self.length {
            self.file.set_len(self.length).map_err(&failed)?;
        }
        self.file.write_all(bytes).map_err(&failed)?;
        self.file.sync_data().map_err(&failed)?;
        self.length += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn appends_continue_behind_what_is_whole() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        assert!(root.open_record("j", 0).expect("no error").is_none());
        root.create("j", b"one\nto").expect("create");
        let mut record = root.open_record("j", 4).expect("open").expect("there");
        record.append(b"two\n").expect("append");
        record.append(b"three\n").expect("append");
        assert_eq!(root.read("j", 99).expect("read").as_deref(), Some(&b"one\ntwo\nthree\n"[..]));
    }
}
