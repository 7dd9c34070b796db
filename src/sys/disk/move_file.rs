//! Moving without ever replacing: on one device by a rename, to another by a verified copy.

use super::call::{call, retry};
use super::copy::copy_hashing;
use super::dir::Dir;
use super::entry::{Attributes, Kind};
use super::erase::{self, VerifiedCopy};
use super::error::DiskError;
use super::part::{Target, Temporary, Written};
use super::read::OpenFile;
use crate::base::digest::Digest;
use rustix::fs::{AtFlags, Mode, RenameFlags, Timespec, Timestamps};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;

/// How a file came to its new place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It was given the new name, in one step.
    Renamed,
    /// It was copied to another device, read back, and the original erased.
    Copied(Written),
    /// The new name was already one of the same file. Nothing was done, and the old name is still there.
    SameFile,
}

/// Moves the file `name` of `from` to `new_name` in `to`. A taken name is [`DiskError::Exists`], and both stay.
///
/// On one device this is one system call. The folders are not synced: the caller does that once per batch, before it
/// writes into its journal that the batch is done ([`Dir::sync`]).
pub fn move_new(
    from: &Dir,
    name: impl AsRef<OsStr>,
    to: &Dir,
    new_name: impl AsRef<OsStr>,
) -> Result<Moved, DiskError> {
    move_checked(from, name.as_ref(), to, new_name.as_ref(), None)
}

/// The same for a file whose bytes had this digest: where it has to be copied, other bytes are [`DiskError::Changed`], and
/// stay where they are.
pub fn move_known(
    from: &Dir,
    name: impl AsRef<OsStr>,
    to: &Dir,
    new_name: impl AsRef<OsStr>,
    digest: Digest,
) -> Result<Moved, DiskError> {
    move_checked(from, name.as_ref(), to, new_name.as_ref(), Some(digest))
}

fn move_checked(
    from: &Dir,
    name: &OsStr,
    to: &Dir,
    new_name: &OsStr,
    digest: Option<Digest>,
) -> Result<Moved, DiskError> {
    let (name, new_name) = (from.checked(name)?, to.checked(new_name)?);
    match take_name(from, name, to, new_name) {
        Ok(()) => Ok(Moved::Renamed),
        Err(Errno::EXIST) if is_same_file(from, name, to, new_name)? => Ok(Moved::SameFile),
        Err(Errno::XDEV) => copy_across(from, name, to, new_name, digest).map(Moved::Copied),
        Err(errno) => Err(failed(from, name, to, new_name, errno)),
    }
}

/// Gives anything, also a whole folder, another place on the same device. A link is moved as a link. A file that has both
/// names, for an earlier move was killed between the two, loses the old one.
pub fn rename_new(from: &Dir, name: impl AsRef<OsStr>, to: &Dir, new_name: impl AsRef<OsStr>) -> Result<(), DiskError> {
    let (name, new_name) = (from.checked(name.as_ref())?, to.checked(new_name.as_ref())?);
    match take_name(from, name, to, new_name) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) if is_same_file(from, name, to, new_name)? => erase::second_name(from, name, to, new_name),
        Err(Errno::XDEV) => Err(DiskError::OtherDevice { path: to.path_of(new_name) }),
        Err(errno) => Err(failed(from, name, to, new_name, errno)),
    }
}

/// Ends a move that was killed before the old name went: takes it away if the new one is that of the same file, or of
/// another with the same bytes (both are read). `false` if they differ, and nothing was done.
pub fn finish_move(
    from: &Dir,
    name: impl AsRef<OsStr>,
    to: &Dir,
    new_name: impl AsRef<OsStr>,
) -> Result<bool, DiskError> {
    let (name, new_name) = (from.checked(name.as_ref())?, to.checked(new_name.as_ref())?);
    if is_same_file(from, name, to, new_name)? {
        return erase::second_name(from, name, to, new_name).map(|()| true);
    }
    let (Some(source), Some(copy)) = (from.open_read(name)?, to.open_read(new_name)?) else { return Ok(false) };
    if source.attributes().size != copy.attributes().size || source.digest()? != copy.digest()? {
        return Ok(false);
    }
    // It may be another's copy, which nobody has put on disk yet.
    call("sync", || to.path_of(new_name), || rustix::fs::fsync(&copy))?;
    to.sync()?;
    source.check_unchanged()?;
    confirm_and_erase(VerifiedCopy::new(from, name, &source), to, new_name, &copy).map(|()| true)
}

fn failed(from: &Dir, name: &OsStr, to: &Dir, new_name: &OsStr, errno: Errno) -> DiskError {
    match errno {
        Errno::EXIST => DiskError::Exists { path: to.path_of(new_name) },
        errno => DiskError::Io { op: "move", path: from.path_of(name), source: errno.into() },
    }
}

fn is_same_file(from: &Dir, name: &OsStr, to: &Dir, new_name: &OsStr) -> Result<bool, DiskError> {
    Ok(match (from.stat(name)?, to.stat(new_name)?) {
        (Some(old), Some(new)) => old.is_same_file(&new),
        _ => false,
    })
}

/// The new name for the old one, only if it is free: `renameat2`, or what comes nearest where the file system does not
/// know "no replace" (NFS answers EINVAL).
pub(super) fn take_name(from: &Dir, name: &OsStr, to: &Dir, new_name: &OsStr) -> Result<(), Errno> {
    match retry(|| rustix::fs::renameat_with(from, name, to, new_name, RenameFlags::NOREPLACE)) {
        Err(refused @ (Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP)) => {
            take_name_by_link(from, name, to, new_name, refused)
        }
        done => done,
    }
}

/// A second name fails if it is taken, then the first goes. A folder has only one name: an empty folder is made, which
/// fails if the name is taken, and the rename replaces that.
fn take_name_by_link(from: &Dir, name: &OsStr, to: &Dir, new_name: &OsStr, refused: Errno) -> Result<(), Errno> {
    let stat = retry(|| rustix::fs::statat(from, name, AtFlags::SYMLINK_NOFOLLOW))?;
    if Attributes::from(&stat).kind == Kind::Folder {
        retry(|| rustix::fs::mkdirat(to, new_name, Mode::from_raw_mode(0o700)))?;
        return retry(|| rustix::fs::renameat(from, name, to, new_name)).inspect_err(|_| {
            // Only if it is still empty, as it was made.
            let _ = erase::empty_folder(to, new_name);
        });
    }
    match retry(|| rustix::fs::linkat(from, name, to, new_name, AtFlags::empty())) {
        // No hard links either: then no safe way, and the first answer says most.
        Err(Errno::PERM | Errno::OPNOTSUPP) => return Err(refused),
        linked => linked?,
    }
    erase::second_name(from, name, to, new_name)
        .map_err(|error| error.errno().map_or(Errno::IO, Errno::from_raw_os_error))
}

/// Copy to a temporary name, sync, source unchanged?, read back, final name, sync the folder, only then erase.
///
/// The copy is compared before it gets its final name: whatever goes wrong, no wrong bytes are ever under it.
fn copy_across(
    from: &Dir,
    name: &OsStr,
    to: &Dir,
    new_name: &OsStr,
    digest: Option<Digest>,
) -> Result<Written, DiskError> {
    let missing = || DiskError::Io { op: "move", path: from.path_of(name), source: Errno::NOENT.into() };
    let source = from.open_read(name)?.ok_or_else(missing)?;
    if to.stat(new_name)?.is_some() {
        return Err(DiskError::Exists { path: to.path_of(new_name) });
    }
    let (temporary, file) = Temporary::create(to, new_name)?;
    let written = copy_hashing(&source, &file, &temporary)?;
    if digest.is_some_and(|digest| digest != written.digest) {
        return Err(DiskError::Changed { path: from.path_of(name) });
    }
    keep_times_and_mode(&file, source.attributes());
    call("sync", || to.path_of(new_name), || rustix::fs::fsync(&file))?;
    let copy = read_back(file, to, new_name, written)?;
    source.check_unchanged()?;
    temporary.publish(&copy, new_name, Target::New)?;
    match confirm_and_erase(VerifiedCopy::new(from, name, &source), to, new_name, &copy) {
        // What was asked for is in its place. What was written since stays where it is, as something new.
        Ok(()) | Err(DiskError::Changed { .. }) => Ok(written),
        Err(error) => Err(error),
    }
}

/// What a rename would have kept. Some shares refuse either; the bytes count.
pub(super) fn keep_times_and_mode(file: &File, source: &Attributes) {
    let time = |time: crate::base::time::Timestamp| Timespec {
        tv_sec: time.0.as_second(),
        tv_nsec: time.0.subsec_nanosecond().into(),
    };
    let times = Timestamps { last_access: time(source.mtime), last_modification: time(source.mtime) };
    let _ = rustix::fs::fchmod(file, Mode::from_raw_mode(source.mode & 0o777));
    let _ = rustix::fs::futimens(file, &times);
}

pub(super) fn read_back(file: File, to: &Dir, new_name: &OsStr, written: Written) -> Result<OpenFile, DiskError> {
    let copy = OpenFile::checked(file, to.path_of(new_name))?;
    copy.forget_cached();
    if copy.digest()? == (written.digest, written.bytes) {
        Ok(copy)
    } else {
        Err(DiskError::Differs { path: to.path_of(new_name) })
    }
}

/// The final name must be the file that was read back, and the source's name the file that was read.
fn confirm_and_erase(source: VerifiedCopy<'_>, to: &Dir, new_name: &OsStr, copy: &OpenFile) -> Result<(), DiskError> {
    let placed = to.stat(new_name)?.is_some_and(|found| found.is_same_file(copy.attributes()));
    if !placed {
        return Err(DiskError::Differs { path: to.path_of(new_name) });
    }
    erase::verified_source(source)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rel_path::RelPath;
    use std::os::unix::fs::{MetadataExt, symlink};
    use tempfile::TempDir;

    /// A folder with `a` and `b` in it, both empty.
    fn two() -> (TempDir, Dir, Dir) {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let make = |name| root.make_dir(&RelPath::new(name).expect("path")).expect("make");
        let (a, b) = (make("a"), make("b"));
        (temp, a, b)
    }

    /// A folder on another device than the temporary one, where this machine has such.
    fn elsewhere(near: &Dir) -> Option<(TempDir, Dir)> {
        let temp = tempfile::tempdir_in("/dev/shm").ok()?;
        let dir = Dir::open_root(temp.path()).ok()?;
        let other = dir.attributes().ok()?.dev != near.attributes().ok()?.dev;
        other.then_some((temp, dir))
    }

    fn content(dir: &Dir, name: &str) -> Option<Vec<u8>> {
        dir.read(name, 1 << 30).expect("read")
    }

    #[test]
    fn a_move_is_a_rename_that_replaces_nothing() {
        let (_temp, a, b) = two();
        a.create("1.png", b"frame").expect("create");
        assert_eq!(move_new(&a, "1.png", &b, "A.0001.png").expect("move"), Moved::Renamed);
        assert_eq!(content(&a, "1.png"), None);
        assert_eq!(content(&b, "A.0001.png").as_deref(), Some(&b"frame"[..]));
        a.create("1.png", b"other").expect("create");
        assert!(move_new(&a, "1.png", &b, "A.0001.png").expect_err("taken").is_exists());
        assert_eq!(content(&a, "1.png").as_deref(), Some(&b"other"[..]));
        assert_eq!(content(&b, "A.0001.png").as_deref(), Some(&b"frame"[..]));
        assert!(move_new(&a, "no", &b, "x").expect_err("missing").is_missing());
        assert!(matches!(move_new(&a, "../b/A.0001.png", &b, "x"), Err(DiskError::Name { .. })));
    }

    #[test]
    fn a_move_between_two_names_of_a_file_is_finished() {
        let (_temp, a, b) = two();
        a.create("x", b"journal").expect("create");
        rustix::fs::linkat(&a, "x", &b, "y", AtFlags::empty()).expect("link");
        rename_new(&a, "x", &b, "y").expect("killed in between, and done again");
        assert_eq!((content(&a, "x"), content(&b, "y").as_deref()), (None, Some(&b"journal"[..])));
        a.create("x", b"another").expect("create");
        assert!(rename_new(&a, "x", &b, "y").expect_err("taken").is_exists());
        assert!(content(&a, "x").is_some());
    }

    #[test]
    fn a_file_moved_onto_itself_stays() {
        let (_temp, a, b) = two();
        a.create("x", b"frame").expect("create");
        rustix::fs::linkat(&a, "x", &b, "y", AtFlags::empty()).expect("link");
        assert_eq!(move_new(&a, "x", &b, "y").expect("no-op"), Moved::SameFile);
        assert_eq!(move_new(&a, "x", &a, "x").expect("no-op"), Moved::SameFile);
        assert!(content(&a, "x").is_some() && content(&b, "y").is_some());
        assert!(finish_move(&a, "x", &b, "y").expect("finish"));
        assert!(content(&a, "x").is_none() && content(&b, "y").is_some());
        assert!(!finish_move(&a, "x", &b, "y").expect("twice is once"));
        a.create("x", b"other").expect("create");
        assert!(!finish_move(&a, "x", &b, "y").expect("they differ"));
        a.write("x", b"frame").expect("write");
        assert!(finish_move(&a, "x", &b, "y").expect("a copy that was made before a kill"));
        assert_eq!((content(&a, "x"), content(&b, "y").as_deref()), (None, Some(&b"frame"[..])));
        assert!(matches!(finish_move(&b, "y", &b, "y"), Err(DiskError::NotErasable { .. })));
        assert!(content(&b, "y").is_some());
    }

    #[test]
    fn without_no_replace_a_link_and_an_unlink_do_it() {
        let (_temp, a, b) = two();
        let by_link =
            |name: &str, new: &str| take_name_by_link(&a, OsStr::new(name), &b, OsStr::new(new), Errno::INVAL);
        a.create("f", b"frame").expect("create");
        a.create("g", b"other").expect("create");
        by_link("f", "F").expect("free");
        assert_eq!(by_link("g", "F"), Err(Errno::EXIST));
        assert_eq!((content(&a, "f"), content(&b, "F").as_deref()), (None, Some(&b"frame"[..])));
        assert!(content(&a, "g").is_some());
        a.make_dir(&RelPath::new("folder/in").expect("path")).expect("make");
        b.make_dir(&RelPath::new("taken").expect("path")).expect("make");
        assert_eq!(by_link("folder", "taken"), Err(Errno::EXIST));
        by_link("folder", "moved").expect("free");
        assert_eq!(
            b.stat_at(&RelPath::new("moved/in").expect("path")).expect("stat").map(|s| s.kind),
            Some(Kind::Folder)
        );
        assert_eq!(a.stat("folder").expect("stat"), None);
    }

    #[test]
    fn to_another_device_a_copy_is_verified_before_the_source_goes() {
        let (_temp, a, _) = two();
        let Some((_other, there)) = elsewhere(&a) else { return };
        let bytes: Vec<u8> = (0..3_000_000u32).map(|i| (i % 253) as u8).collect();
        a.create("1.png", &bytes).expect("create");
        let before = std::fs::metadata(a.path_of("1.png")).expect("stat");
        let Moved::Copied(written) = move_new(&a, "1.png", &there, "A.png").expect("move") else {
            panic!("not copied")
        };
        assert_eq!(written.bytes, bytes.len() as u64);
        assert_eq!(content(&a, "1.png"), None);
        assert_eq!(content(&there, "A.png"), Some(bytes));
        let after = std::fs::metadata(there.path_of("A.png")).expect("stat");
        assert_eq!(
            (before.mtime(), before.mtime_nsec(), before.mode()),
            (after.mtime(), after.mtime_nsec(), after.mode())
        );
        a.create("1.png", b"other").expect("create");
        assert!(move_new(&a, "1.png", &there, "A.png").expect_err("taken").is_exists());
        assert!(content(&a, "1.png").is_some());
        assert_eq!(there.list().expect("list").len(), 1, "no temporary is left");
        let crossing = rename_new(&a, "1.png", &there, "x").expect_err("another device");
        assert!(matches!(crossing, DiskError::OtherDevice { .. }));
    }

    #[test]
    fn between_devices_links_and_pipes_are_refused() {
        let (_temp, a, _) = two();
        let Some((_other, there)) = elsewhere(&a) else { return };
        symlink("/etc/passwd", a.path_of("link")).expect("temp");
        rustix::fs::mknodat(&a, "pipe", rustix::fs::FileType::Fifo, Mode::from_raw_mode(0o600), 0).expect("temp");
        assert!(matches!(move_new(&a, "link", &there, "x"), Err(DiskError::Link { .. })));
        assert!(matches!(move_new(&a, "pipe", &there, "x"), Err(DiskError::NotAFile { kind: Kind::Pipe, .. })));
        assert!(there.is_empty().expect("list"));
    }

    #[test]
    fn whole_folders_are_renamed_and_links_as_links() {
        let (_temp, a, b) = two();
        a.make_dir(&RelPath::new("job/deep").expect("path")).expect("make");
        symlink("/etc", a.path_of("job/out")).expect("temp");
        rename_new(&a, "job", &b, "job").expect("rename");
        symlink("/etc", a.path_of("link")).expect("temp");
        rename_new(&a, "link", &b, "link").expect("rename");
        assert_eq!(b.stat("link").expect("stat").map(|s| s.kind), Some(Kind::Link));
        assert!(std::fs::metadata("/etc/passwd").is_ok());
    }

    /// Each of many threads wants every name; each file ends in exactly one place, and none is lost.
    #[test]
    fn of_many_that_move_to_one_name_one_wins() {
        let (_temp, a, b) = two();
        for i in 0..64 {
            a.create(format!("f{i}"), format!("{i}").as_bytes()).expect("create");
        }
        let won: usize = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..64)
                .map(|i| {
                    let (a, b) = (a.clone(), b.clone());
                    scope.spawn(move || move_new(&a, format!("f{i}"), &b, "final").is_ok())
                })
                .collect();
            tries.into_iter().map(|t| usize::from(t.join().expect("no panic"))).sum()
        });
        assert_eq!(won, 1);
        assert_eq!(a.list().expect("list").len(), 63);
    }
}
