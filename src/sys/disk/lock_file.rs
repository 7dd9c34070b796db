//! A file that at most one process holds, on any file system: made by a name that must be free, taken from the dead by
//! a rename. What it says and when an owner counts as dead is its user's to know.

use super::call::{Crossing, at, open_beneath, retry};
use super::dir::Dir;
use super::erase;
use super::error::DiskError;
use super::move_file::take_name;
use super::part::{Target, Temporary, part_name};
use rustix::fs::{FlockOperation, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::time::Duration;

/// The most a lock file may say, in bytes.
const MAX_CONTENT: u64 = 64 << 10;
/// How often and how long another process's short change of the folder is waited for.
const TURN_TRIES: u32 = 100;
const TURN_PAUSE: Duration = Duration::from_millis(10);

/// The lock file that this process made. It stays open, so that a heartbeat writes into the own file whatever bears
/// the name by now. Dropping it does not release it.
#[derive(Debug)]
pub struct LockFile {
    dir: Dir,
    name: String,
    file: File,
}

impl LockFile {
    /// Makes the lock file, if its name is free; `None` if it is not.
    pub fn place(dir: &Dir, name: &str, content: &[u8]) -> Result<Option<LockFile>, DiskError> {
        let (temporary, file) = Temporary::create(dir, dir.checked(OsStr::new(name))?)?;
        file.write_all_at(content, 0).map_err(at("write", &dir.path_of(name)))?;
        match temporary.publish(&file, OsStr::new(name), Target::New) {
            Ok(()) => Ok(Some(LockFile { dir: dir.clone(), name: name.to_owned(), file })),
            Err(error) if error.is_exists() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What the lock file of that name says now; `None` if there is none.
    pub fn read(dir: &Dir, name: &str) -> Result<Option<Vec<u8>>, DiskError> {
        dir.read(name, MAX_CONTENT)
    }

    /// Takes the name over from a lock that says exactly `judged` and was found dead. `None` if it says something else
    /// by now, or somebody else was faster.
    pub fn take_over(dir: &Dir, name: &str, judged: &[u8], content: &[u8]) -> Result<Option<LockFile>, DiskError> {
        let _turn = turn(dir);
        if !set_aside(dir, name, judged)? {
            return Ok(None);
        }
        LockFile::place(dir, name, content)
    }

    /// Writes `content` into the own file, under whatever name it is now.
    pub fn rewrite(&self, content: &[u8]) -> Result<(), DiskError> {
        let path = self.dir.path_of(&self.name);
        self.file.write_all_at(content, 0).map_err(at("write", &path))?;
        self.file.set_len(content.len() as u64).map_err(at("write", &path))?;
        self.file.sync_data().map_err(at("sync", &path))
    }

    /// Gives the lock back, if it still says `content`: `false` if it was somebody else's by now and was left.
    pub fn release(&self, content: &[u8]) -> Result<bool, DiskError> {
        let _turn = turn(&self.dir);
        set_aside(&self.dir, &self.name, content)
    }
}

/// Takes the lock away if it says `expected`.
///
/// Reading and taking away are two steps: it is renamed first, which only one can do, then read, and put back if it
/// turns out to be another's. For that moment its owner finds it missing, and stops: the safe side.
fn set_aside(dir: &Dir, name: &str, expected: &[u8]) -> Result<bool, DiskError> {
    let is_expected = |found: Option<Vec<u8>>| found.is_some_and(|found| found == expected);
    if !is_expected(LockFile::read(dir, name)?) {
        return Ok(false);
    }
    let aside = part_name(OsStr::new(name));
    let failed = |errno: Errno| DiskError::Io { op: "take over", path: dir.path_of(name), source: errno.into() };
    // The new name is nobody's, so a plain rename is enough; and only that moves one name once on every file system.
    match retry(|| rustix::fs::renameat(dir, name, dir, &aside)) {
        Err(Errno::NOENT) => return Ok(false),
        other => other.map_err(failed)?,
    }
    let taken = is_expected(dir.read(&aside, MAX_CONTENT)?);
    if !taken {
        match take_name(dir, &aside, dir, OsStr::new(name)) {
            Ok(()) => return Ok(false),
            // A third took the free name: the one set aside has lost, its owner's next look tells it.
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    erase::temporary(dir, &aside)?;
    Ok(taken)
}

/// One process of this host at a time changes locks, where the file system can do that. Where not, or where somebody
/// stands still in the middle, the renames alone decide: this only keeps them from meeting.
fn turn(dir: &Dir) -> Option<OwnedFd> {
    // A descriptor of its own: what is shared between threads would not keep them apart.
    let flags = OFlags::RDONLY | OFlags::DIRECTORY;
    let fd = open_beneath(dir, OsStr::new("."), flags, Mode::empty(), Crossing::Refused).ok()?;
    for _ in 0..TURN_TRIES {
        match retry(|| rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive)) {
            Ok(()) => return Some(fd),
            Err(Errno::WOULDBLOCK) => std::thread::sleep(TURN_PAUSE),
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn folder() -> (tempfile::TempDir, Dir) {
        let temp = tempfile::tempdir().expect("temp");
        let dir = Dir::open_root(temp.path()).expect("open");
        (temp, dir)
    }

    #[test]
    fn a_lock_is_placed_once_and_released_by_its_owner() {
        let (_temp, dir) = folder();
        let lock = LockFile::place(&dir, "l", b"me").expect("place").expect("free");
        assert!(LockFile::place(&dir, "l", b"you").expect("place").is_none());
        lock.rewrite(b"me again").expect("rewrite");
        assert_eq!(LockFile::read(&dir, "l").expect("read").as_deref(), Some(&b"me again"[..]));
        assert!(!lock.release(b"somebody else").expect("release"));
        assert!(lock.release(b"me again").expect("release"));
        assert!(dir.is_empty().expect("list"));
    }

    #[test]
    fn a_lost_lock_is_neither_overwritten_nor_released() {
        let (_temp, dir) = folder();
        let old = LockFile::place(&dir, "l", b"old").expect("place").expect("free");
        assert!(LockFile::take_over(&dir, "l", b"other words", b"new").expect("no error").is_none());
        let _new = LockFile::take_over(&dir, "l", b"old", b"new").expect("take").expect("dead");
        old.rewrite(b"OLD").expect("writes into its own file");
        assert!(!old.release(b"old").expect("release"));
        assert_eq!(LockFile::read(&dir, "l").expect("read").as_deref(), Some(&b"new"[..]));
    }

    /// Many find the same dead lock; one gets it.
    #[test]
    fn of_many_heirs_one_inherits() {
        for _ in 0..20 {
            let (_temp, dir) = folder();
            LockFile::place(&dir, "l", b"dead").expect("place").expect("free");
            let heirs = AtomicUsize::new(0);
            std::thread::scope(|scope| {
                for i in 0..16 {
                    let (dir, heirs) = (&dir, &heirs);
                    scope.spawn(move || {
                        let mine = format!("heir {i}");
                        if LockFile::take_over(dir, "l", b"dead", mine.as_bytes()).expect("no error").is_some() {
                            heirs.fetch_add(1, Ordering::SeqCst);
                        }
                    });
                }
            });
            assert_eq!(heirs.load(Ordering::SeqCst), 1);
            assert!(erase::temporaries(&dir).expect("list").is_empty());
        }
    }
}
