//! Trying whether a folder can be written to, without leaving a trace: not even the folder's time changes.

use super::call::call;
use super::dir::Dir;
use super::entry::Attributes;
use super::error::DiskError;
use super::part::PartFile;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

impl Dir {
    /// Writes a byte into a file that never gets a name, and returns its attributes: its time is that of the file
    /// system's clock, which on a share is the server's.
    ///
    /// Where the file system knows no nameless files (NFS) the file bears a temporary name for a moment.
    pub fn try_write(&self) -> Result<Attributes, DiskError> {
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        match rustix::fs::openat(self, ".", flags, Mode::from_raw_mode(0o600)) {
            Ok(fd) => {
                call("write a test file in", || self.path(), || rustix::io::write(&fd, b"."))?;
                call("look at a test file in", || self.path(), || rustix::fs::fstat(&fd)).map(|stat| (&stat).into())
            }
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::INVAL | Errno::NOSYS) => self.try_write_named(),
            Err(errno) => Err(DiskError::Io { op: "write a test file in", path: self.path(), source: errno.into() }),
        }
    }

    /// The folder's own time says when the name was given. Dropping the file takes the name away.
    fn try_write_named(&self) -> Result<Attributes, DiskError> {
        let _held: PartFile = self.new_file("trial")?;
        self.attributes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::clock;

    #[test]
    fn a_trial_leaves_nothing() {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open_root(temp.path()).unwrap();
        let before = dir.attributes().unwrap();
        let made = dir.try_write().unwrap();
        assert!(clock::now().since(made.mtime).as_secs() < 60);
        assert!(dir.is_empty().unwrap());
        assert_eq!(dir.attributes().unwrap().mtime, before.mtime);
        let named = dir.try_write_named().unwrap();
        assert!(clock::now().since(named.mtime).as_secs() < 60);
        assert!(dir.is_empty().unwrap());
    }

    #[test]
    fn a_folder_that_cannot_be_written_to_is_named() {
        let Ok(proc) = Dir::open_root(std::path::Path::new("/proc/self")) else { return };
        let error = proc.try_write().unwrap_err().to_string();
        assert!(error.contains("/proc/self"), "{error}");
    }
}
