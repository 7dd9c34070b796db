//! Copies: onto the volume, and beside a file that has to stay.

use super::call::{at, call, retry};
use super::dir::Dir;
use super::error::DiskError;
use super::move_file::{keep_times_and_mode, read_back};
use super::part::{Target, Temporary, Written};
use super::read::{OpenFile, PIECE};
use crate::base::digest::{Digest, Hasher};
use rustix::fs::Mode;
use rustix::io::Errno;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;

/// What a program may be: run by everybody, written by its owner.
const PROGRAM: Mode = Mode::from_raw_mode(0o755);
/// The most one `copy_file_range` is asked for.
const RANGE: usize = 1 << 30;

impl Dir {
    /// Copies `source`, from anywhere, to `name`.
    ///
    /// The source is hashed first, which fills the page cache, then copied by the kernel, which shares the blocks where
    /// the file system can: together less than a read-hash-write loop. That the copy has the digest follows from the
    /// source's being unchanged (identity, size, mtime, ctime) from its opening until after the copy, and from the
    /// count of bytes copied; the copy is not read again. Nothing is erased on the strength of this copy; where a
    /// source goes, [`super::move_new`] reads its copy back.
    pub fn copy_in(&self, source: &OpenFile, name: impl AsRef<OsStr>, target: Target) -> Result<Written, DiskError> {
        let (digest, _) = source.digest()?;
        self.copy_known(source, digest, name, target)
    }

    /// The same for a source whose digest was computed before, and that was not written to since: the caller compares
    /// [`OpenFile::attributes`] with those of that time.
    pub fn copy_known(
        &self,
        source: &OpenFile,
        digest: Digest,
        name: impl AsRef<OsStr>,
        target: Target,
    ) -> Result<Written, DiskError> {
        self.copy_as(source, digest, self.checked(name.as_ref())?, target, None)
    }

    /// Copies a program, whose digest is known, to `name`, in place of an old one. Everybody may run it.
    pub fn copy_program(
        &self,
        source: &OpenFile,
        digest: Digest,
        name: impl AsRef<OsStr>,
    ) -> Result<Written, DiskError> {
        self.copy_as(source, digest, self.checked(name.as_ref())?, Target::Replace, Some(PROGRAM))
    }

    fn copy_as(
        &self,
        source: &OpenFile,
        digest: Digest,
        name: &OsStr,
        target: Target,
        mode: Option<Mode>,
    ) -> Result<Written, DiskError> {
        let bytes = source.attributes().size;
        let (temporary, file) = Temporary::create(self, name)?;
        if let Some(mode) = mode {
            call("set the mode of", || self.path_of(name), || rustix::fs::fchmod(&file, mode))?;
        }
        let copied = copy_range(source, &file, &temporary)?;
        source.check_unchanged()?;
        if copied != bytes {
            return Err(DiskError::Changed { path: source.path().to_owned() });
        }
        temporary.publish(&file, name, target)?;
        Ok(Written { digest, bytes })
    }
}

/// Gives the file `name` of `from` a second place, `new_name` in `to`, with its own times and mode: a copy that shares the
/// blocks where the file system can, and that is read back. No hard link: whoever writes the one would write the other.
/// A file that is not what its `digest` says is not copied.
pub fn copy_new(
    from: &Dir,
    name: impl AsRef<OsStr>,
    to: &Dir,
    new_name: impl AsRef<OsStr>,
    digest: Digest,
) -> Result<Written, DiskError> {
    let (name, new_name) = (from.checked(name.as_ref())?, to.checked(new_name.as_ref())?);
    let missing = || DiskError::Io { op: "open", path: from.path_of(name), source: Errno::NOENT.into() };
    let source = from.open_read(name)?.ok_or_else(missing)?;
    if to.stat(new_name)?.is_some() {
        return Err(DiskError::Exists { path: to.path_of(new_name) });
    }
    let (temporary, file) = Temporary::create(to, new_name)?;
    let written = Written { digest, bytes: copy_range(&source, &file, &temporary)? };
    keep_times_and_mode(&file, source.attributes());
    call("sync", || to.path_of(new_name), || rustix::fs::fsync(&file))?;
    let copy = match read_back(file, to, new_name, written) {
        // A renderer wrote it anew before it was opened: the disk is not to blame.
        Err(DiskError::Differs { .. }) if source.digest()?.0 != digest => {
            return Err(DiskError::Changed { path: from.path_of(name) });
        }
        copy => copy?,
    };
    source.check_unchanged()?;
    temporary.publish(&copy, new_name, Target::New)?;
    Ok(written)
}

/// Copies the whole of `source` into the empty `file`; the kernel does it where it can.
fn copy_range(source: &OpenFile, file: &File, temporary: &Temporary) -> Result<u64, DiskError> {
    let mut offset = 0;
    loop {
        match retry(|| rustix::fs::copy_file_range(source, Some(&mut offset), file, None, RANGE)) {
            Ok(0) => break,
            Ok(_) => {}
            // Another file system, or one that cannot: by hand.
            Err(Errno::XDEV | Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::PERM | Errno::BADF) => break,
            Err(errno) => return Err(at("copy to", &temporary.dir.path_of(&temporary.name))(errno.into())),
        }
    }
    // The kernel may also stop early and say "end" (some network and FUSE file systems do).
    copy_from(source, offset, file, temporary, |_| {})
}

/// Copies `source` from `offset` on piece by piece, shows each piece to `see`, and returns the offset reached.
fn copy_from(
    source: &OpenFile,
    mut offset: u64,
    mut file: &File,
    temporary: &Temporary,
    mut see: impl FnMut(&[u8]),
) -> Result<u64, DiskError> {
    let mut piece = vec![0; PIECE];
    loop {
        let count = source.read_at(&mut piece, offset)?;
        if count == 0 {
            return Ok(offset);
        }
        see(&piece[..count]);
        file.write_all(&piece[..count]).map_err(at("copy to", &temporary.dir.path_of(&temporary.name)))?;
        offset += count as u64;
    }
}

/// Copies in one pass, with the digest of what was read.
pub(super) fn copy_hashing(source: &OpenFile, file: &File, temporary: &Temporary) -> Result<Written, DiskError> {
    let mut hasher = Hasher::new();
    let bytes = copy_from(source, 0, file, temporary, |piece| hasher.update(piece))?;
    Ok(Written { digest: hasher.finish(), bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::digest::Digest;
    use crate::sys::outside;

    #[test]
    fn copies_have_the_digest_and_leave_the_source() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        for (name, size) in [("empty", 0), ("small", 5), ("large", 3 * PIECE + 17)] {
            let bytes: Vec<u8> = (0..size).map(|i| (i * 7 % 251) as u8).collect();
            let elsewhere = tempfile::NamedTempFile::new().expect("temp");
            std::fs::write(elsewhere.path(), &bytes).expect("temp");
            let source = outside::open(elsewhere.path()).expect("open").expect("there");
            let written = root.copy_in(&source, name, Target::New).expect("copy");
            assert_eq!(written, Written { digest: Digest::of(&bytes), bytes: size as u64 });
            assert_eq!(std::fs::read(temp.path().join(name)).expect("read"), bytes);
            assert_eq!(std::fs::read(elsewhere.path()).expect("read"), bytes);
            assert!(root.copy_in(&source, name, Target::New).expect_err("taken").is_exists());
        }
    }

    #[test]
    fn a_source_that_changes_is_not_copied() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        std::fs::write(temp.path().join("source"), b"before").expect("temp");
        let source = root.open_read("source").expect("open").expect("there");
        std::fs::write(temp.path().join("source"), b"after!").expect("temp");
        let error = root.copy_in(&source, "copy", Target::New).expect_err("changed");
        assert!(matches!(error, DiskError::Changed { .. }), "{error}");
        assert_eq!(root.list().expect("list").len(), 1, "neither copy nor temporary");
    }

    #[test]
    fn a_second_place_looks_the_same_and_is_another_file() {
        let temp = tempfile::tempdir().expect("temp");
        let near = Dir::open_root(temp.path()).expect("open");
        let elsewhere = tempfile::tempdir_in("/dev/shm").ok();
        let far = elsewhere.as_ref().map(|other| Dir::open_root(other.path()).expect("open"));
        near.create("a", b"frame").expect("create");
        let file = File::options().write(true).open(temp.path().join("a")).expect("open");
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000)).expect("time");
        for to in [Some(&near), far.as_ref()].into_iter().flatten() {
            let written = copy_new(&near, "a", to, "b", Digest::of(b"frame")).expect("copy");
            assert_eq!(written, Written { digest: Digest::of(b"frame"), bytes: 5 });
            let (source, copy) = (near.stat("a").expect("stat").expect("a"), to.stat("b").expect("stat").expect("b"));
            assert_eq!((source.mtime, source.mode, source.size), (copy.mtime, copy.mode, copy.size));
            assert!(!source.is_same_file(&copy));
            let taken = copy_new(&near, "a", to, "b", Digest::of(b"frame"));
            assert!(taken.expect_err("taken").is_exists());
            let other = copy_new(&near, "a", to, "c", Digest::of(b"other"));
            assert!(matches!(other, Err(DiskError::Changed { .. })));
            assert!(to.stat("c").expect("stat").is_none(), "no wrong bytes under a final name");
        }
    }
}
