//! Files that are not on the volume: scenes and textures wherever their owner keeps them. Only ever read.

use super::call::{call, retry};
use super::entry::Attributes;
use super::error::DiskError;
use super::read::OpenFile;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Opens the regular file at `path`, following links: its owner put them there. `None` if there is nothing.
pub fn open(path: &Path) -> Result<Option<OpenFile>, DiskError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    match retry(|| rustix::fs::open(path, flags, Mode::empty())) {
        Ok(fd) => OpenFile::checked(File::from(fd), path.to_owned()).map(Some),
        Err(Errno::NOENT) => Ok(None),
        Err(errno) => Err(DiskError::Io { op: "open", path: path.to_owned(), source: errno.into() }),
    }
}

/// The attributes of whatever `path` leads to, links followed; `None` if nothing.
pub fn stat(path: &Path) -> Result<Option<Attributes>, DiskError> {
    match retry(|| rustix::fs::stat(path)) {
        Ok(stat) => Ok(Some((&stat).into())),
        Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
        Err(errno) => Err(DiskError::Io { op: "look at", path: path.to_owned(), source: errno.into() }),
    }
}

/// `path` with every link resolved.
pub fn resolve(path: &Path) -> Result<PathBuf, DiskError> {
    std::fs::canonicalize(path).map_err(|source| DiskError::Io { op: "resolve", path: path.to_owned(), source })
}

/// Makes the folder `path` where its parent exists already, or finds it there: a volume has to begin somewhere.
pub fn make_root(path: &Path) -> Result<(), DiskError> {
    match retry(|| rustix::fs::mkdir(path, Mode::from_raw_mode(0o775))) {
        Ok(()) | Err(Errno::EXIST) => Ok(()),
        Err(errno) => Err(DiskError::Io { op: "make the folder", path: path.to_owned(), source: errno.into() }),
    }?;
    let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) else { return Ok(()) };
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let parent_fd = call("open", || parent, || rustix::fs::open(parent, flags, Mode::empty()))?;
    call("sync the folder", || parent, || rustix::fs::fsync(&parent_fd))
}

/// The home folders that this machine's own list of users names: of people (number 1000 and up) and of root.
pub fn home_folders() -> Vec<PathBuf> {
    let passwd = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let home = |line: &str| {
        let fields: Vec<&str> = line.split(':').collect();
        let number: u32 = fields.get(2)?.parse().ok()?;
        let is_person = number == 0 || (1000..65_534).contains(&number);
        fields.get(5).filter(|home| is_person && !home.is_empty()).map(PathBuf::from)
    };
    passwd.lines().filter_map(home).collect()
}

/// The number of the user to whom what this process writes will belong.
pub fn user_id() -> u32 {
    rustix::process::geteuid().as_raw()
}
