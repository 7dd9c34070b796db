//! What a volume may begin in: a folder that is made for it, and the folders that are never one.

use super::call::{call, retry};
use super::error::DiskError;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::path::{Path, PathBuf};

/// Makes the folder `path` where its parent exists already, or finds it there: a volume has to begin somewhere.
pub fn make_root(path: &Path) -> Result<(), DiskError> {
    match retry(|| rustix::fs::mkdir(path, Mode::from_raw_mode(0o775))) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(errno) => return Err(DiskError::Io { op: "make the folder", path: path.to_owned(), source: errno.into() }),
    }
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
