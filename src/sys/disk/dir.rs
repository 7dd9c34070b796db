//! An open folder beneath a root: what every change of a volume starts from.

use super::call::{Crossing, call, open_beneath, retry};
use super::entry::{Attributes, Kind};
use super::error::DiskError;
use crate::base::rel_path::RelPath;
use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An open folder. It stays the same folder whatever happens to its name. Cheap to clone.
#[derive(Clone)]
pub struct Dir(Arc<Opened>);

struct Opened {
    fd: OwnedFd,
    /// The root's path as the user gave it, made absolute: what renderers and people are told.
    root: Arc<PathBuf>,
    rel: RelPath,
}

impl Dir {
    /// Opens `path` as a root. Links on the way to it are followed: which folder is the root is the user's to say.
    pub fn open_root(path: &Path) -> Result<Dir, DiskError> {
        let failed = |source| DiskError::Io { op: "open", path: path.to_owned(), source };
        let root = std::path::absolute(path).map_err(failed)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = call("open", || root.clone(), || rustix::fs::open(&root, flags, Mode::empty()))?;
        Ok(Dir(Arc::new(Opened { fd, root: Arc::new(root), rel: RelPath::ROOT })))
    }

    /// The path beneath the root.
    pub fn rel(&self) -> &RelPath {
        &self.0.rel
    }

    /// The whole path, for people and for renderers; farm itself never opens it again.
    pub fn path(&self) -> PathBuf {
        match self.0.rel.as_str() {
            // Joining nothing would leave a slash at the end.
            "" => self.0.root.to_path_buf(),
            rel => self.0.root.join(rel),
        }
    }

    /// The whole path of `name` in this folder.
    pub fn path_of(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let (name, rel) = (name.as_ref(), self.0.rel.as_str());
        // One allocation: this is done for each file that is opened.
        let mut path = PathBuf::with_capacity(self.0.root.as_os_str().len() + rel.len() + name.len() + 2);
        path.push(self.0.root.as_path());
        if !rel.is_empty() {
            path.push(rel);
        }
        path.push(name);
        path
    }

    /// Opens the folder at `rel` below this one; `None` if there is nothing of that name.
    pub fn dir(&self, rel: &RelPath) -> Result<Option<Dir>, DiskError> {
        if rel.as_str().is_empty() {
            return Ok(Some(self.clone()));
        }
        let opened = self.open(rel, Crossing::Refused)?;
        Ok(opened.map(|fd| Dir(Arc::new(Opened { fd, root: self.0.root.clone(), rel: self.below(rel) }))))
    }

    /// Opens `rel`, where another file system may be mounted, as a root of its own.
    pub fn mounted_root(&self, rel: &RelPath) -> Result<Option<Dir>, DiskError> {
        let opened = self.open(rel, Crossing::Mount)?;
        let root = || Arc::new(self.path_of(rel.as_str()));
        Ok(opened.map(|fd| Dir(Arc::new(Opened { fd, root: root(), rel: RelPath::ROOT }))))
    }

    /// Opens the folder `name`, of any bytes, in this one. Where the name is no UTF-8, the shown path replaces it.
    pub(super) fn child(&self, name: &OsStr) -> Result<Option<Dir>, DiskError> {
        let shown = RelPath::new(&self.checked(name)?.to_string_lossy()).map_err(|_| self.bad_name(name))?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        match open_beneath(self, name, flags, Mode::empty(), Crossing::Refused) {
            Ok(fd) => Ok(Some(Dir(Arc::new(Opened { fd, root: self.0.root.clone(), rel: self.below(&shown) })))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.obstacle(&shown, errno)),
        }
    }

    fn open(&self, rel: &RelPath, crossing: Crossing) -> Result<Option<OwnedFd>, DiskError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY;
        match open_beneath(self, OsStr::new(rel.as_str()), flags, Mode::empty(), crossing) {
            Ok(fd) => Ok(Some(fd)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(self.obstacle(rel, errno)),
        }
    }

    /// Opens the folder at `rel`, making what is missing of it. What is made is on disk when this returns.
    ///
    /// The user's umask decides who may write, but a shared folder (set-group-id and writable for the group) stays
    /// shared below.
    pub fn make_dir(&self, rel: &RelPath) -> Result<Dir, DiskError> {
        if let Some(dir) = self.dir(rel)? {
            return Ok(dir);
        }
        let mut here = self.clone();
        for part in rel.parts() {
            here = here.make_child(part)?;
        }
        Ok(here)
    }

    fn make_child(&self, name: &str) -> Result<Dir, DiskError> {
        let path = || self.path_of(name);
        let made = match retry(|| rustix::fs::mkdirat(self, name, Mode::from_raw_mode(0o775))) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(DiskError::Io { op: "make the folder", path: path(), source: errno.into() }),
        };
        let rel = RelPath::new(name).map_err(|_| self.bad_name(OsStr::new(name)))?;
        let gone = || DiskError::Io { op: "open", path: path(), source: Errno::NOENT.into() };
        let child = self.dir(&rel)?.ok_or_else(gone)?;
        if made {
            child.share_with_group(self)?;
            self.sync()?;
        }
        Ok(child)
    }

    fn share_with_group(&self, parent: &Dir) -> Result<(), DiskError> {
        const SHARED: u32 = 0o2020;
        if parent.attributes()?.mode & SHARED != SHARED {
            return Ok(());
        }
        let mode = Mode::from_raw_mode(self.attributes()?.mode | SHARED);
        call("share with its group", || self.path(), || rustix::fs::fchmod(self, mode))
    }

    /// The attributes of this folder itself.
    pub fn attributes(&self) -> Result<Attributes, DiskError> {
        call("look at", || self.path(), || rustix::fs::fstat(self)).map(|stat| (&stat).into())
    }

    /// The attributes of `name`, of a link itself; `None` if there is no such name.
    pub fn stat(&self, name: impl AsRef<OsStr>) -> Result<Option<Attributes>, DiskError> {
        let name = self.checked(name.as_ref())?;
        match retry(|| rustix::fs::statat(self, name, AtFlags::SYMLINK_NOFOLLOW)) {
            Ok(stat) => Ok(Some((&stat).into())),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(DiskError::Io { op: "look at", path: self.path_of(name), source: errno.into() }),
        }
    }

    /// Makes names given, taken and moved in this folder survive a power cut. Moves leave this to the caller: once
    /// per folder and batch.
    pub fn sync(&self) -> Result<(), DiskError> {
        call("sync the folder", || self.path(), || rustix::fs::fsync(self))
    }

    /// Puts on disk whatever was written to its file system, by whom it may be.
    pub fn sync_file_system(&self) -> Result<(), DiskError> {
        call("sync the file system of", || self.path(), || rustix::fs::syncfs(self))
    }

    /// Where the folder really is, links resolved; `None` where the system does not tell.
    pub fn resolved_path(&self) -> Option<PathBuf> {
        use std::os::fd::AsRawFd;
        std::fs::read_link(format!("/proc/self/fd/{}", self.0.fd.as_raw_fd())).ok()
    }

    /// `name`, if it is a plain name: not empty, no `.` or `..`, no `/`, no NUL.
    pub(super) fn checked<'a>(&self, name: &'a OsStr) -> Result<&'a OsStr, DiskError> {
        let bytes = name.as_bytes();
        let plain = !matches!(bytes, b"" | b"." | b"..") && !bytes.iter().any(|byte| matches!(byte, b'/' | 0));
        if plain { Ok(name) } else { Err(self.bad_name(name)) }
    }

    fn bad_name(&self, name: &OsStr) -> DiskError {
        DiskError::Name { name: name.to_string_lossy().chars().take(200).collect(), folder: self.path() }
    }

    fn below(&self, rel: &RelPath) -> RelPath {
        self.0.rel.join(rel.as_str()).expect("both paths are checked")
    }

    /// Why the folder `rel` could not be opened: names the part that is in the way.
    pub(super) fn obstacle(&self, rel: &RelPath, errno: Errno) -> DiskError {
        let path = self.path_of(rel.as_str());
        match errno {
            Errno::NOSYS => DiskError::NoConfinement { path },
            Errno::XDEV => DiskError::OtherDevice { path },
            Errno::LOOP | Errno::NOTDIR => self.first_obstacle(rel).unwrap_or(DiskError::Link { path }),
            errno => DiskError::Io { op: "open", path, source: errno.into() },
        }
    }

    fn first_obstacle(&self, rel: &RelPath) -> Option<DiskError> {
        let mut here = self.clone();
        for part in rel.parts() {
            let path = here.path_of(part);
            match here.stat(part).ok()??.kind {
                Kind::Folder => here = here.dir(&RelPath::new(part).ok()?).ok()??,
                Kind::Link => return Some(DiskError::Link { path }),
                kind => return Some(DiskError::NotAFolder { path, kind }),
            }
        }
        None
    }
}

impl AsFd for Dir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.fd.as_fd()
    }
}

impl fmt::Debug for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dir({:?})", self.path())
    }
}
