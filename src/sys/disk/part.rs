//! A file in the making: written under a temporary name, given its final one when it is whole and on disk.

use super::call::{Crossing, at, call, open_beneath};
use super::dir::Dir;
use super::erase;
use super::error::DiskError;
use super::move_file::take_name;
use crate::base::digest::{Digest, Hasher};
use crate::sys::process::tag;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::AsFd;
use uuid::Uuid;

/// How every temporary name of farm begins…
pub(super) const PART_PREFIX: &str = ".farm-";
/// …and ends.
pub(super) const PART_SUFFIX: &str = ".part";

/// Hexadecimal digits in a temporary name: the maker's tag and six random ones…
const SIGNED: usize = tag::LENGTH + 6;
/// …or random ones alone, where the kernel does not tell who the maker is.
const UNSIGNED: usize = 16;

/// The longest name most file systems take, in bytes.
const MAX_NAME: usize = 255;
/// Small writes are gathered.
const BUFFER: usize = 256 << 10;

/// What is to happen when the final name is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// It is an error, and what is there stays.
    New,
    /// What is there is replaced in one step: a reader sees the old or the new, whole.
    Replace,
}

/// What was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Written {
    /// The digest of the bytes.
    pub digest: Digest,
    /// How many.
    pub bytes: u64,
}

/// A file in the making. Dropped before [`PartFile::finish`], it leaves nothing behind.
pub struct PartFile {
    out: BufWriter<HashingFile>,
    temporary: Temporary,
    name: OsString,
}

struct HashingFile {
    file: File,
    hasher: Hasher,
    bytes: u64,
}

/// The temporary name; erased when dropped, unless it was given away.
#[derive(Debug)]
pub(super) struct Temporary {
    pub(super) dir: Dir,
    pub(super) name: OsString,
    owned: bool,
}

impl Dir {
    /// Begins the file `name`. Nothing of that name is touched before [`PartFile::finish`].
    pub fn new_file(&self, name: impl AsRef<OsStr>) -> Result<PartFile, DiskError> {
        let name = self.checked(name.as_ref())?.to_owned();
        let (temporary, file) = Temporary::create(self, &name)?;
        let file = HashingFile { file, hasher: Hasher::new(), bytes: 0 };
        Ok(PartFile { out: BufWriter::with_capacity(BUFFER, file), temporary, name })
    }
}

impl PartFile {
    /// Puts the file on disk under its final name, and the name too.
    pub fn finish(mut self, target: Target) -> Result<Written, DiskError> {
        self.out.flush().map_err(at("write", &self.temporary.dir.path_of(&self.name)))?;
        let HashingFile { file, hasher, bytes } = self.out.get_mut();
        let (file, written) = (&*file, Written { digest: std::mem::take(hasher).finish(), bytes: *bytes });
        self.temporary.publish(file, &self.name, target)?;
        Ok(written)
    }
}

impl Write for PartFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes);
        count.map_err(|error| at("write", &self.temporary.dir.path_of(&self.name))(error).into())
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(|error| at("write", &self.temporary.dir.path_of(&self.name))(error).into())
    }
}

impl Write for HashingFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Temporary {
    /// A new empty file under a name that nobody else uses.
    pub(super) fn create(dir: &Dir, name: &OsStr) -> Result<(Temporary, File), DiskError> {
        let temporary = part_name(name);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let open = || open_beneath(dir, &temporary, flags, Mode::from_raw_mode(0o666), Crossing::Refused);
        let fd = call("create", || dir.path_of(name), open)?;
        Ok((Temporary { dir: dir.clone(), name: temporary, owned: true }, File::from(fd)))
    }

    /// fsync, final name, fsync of the folder.
    pub(super) fn publish(mut self, file: impl AsFd, name: &OsStr, target: Target) -> Result<(), DiskError> {
        let path = || self.dir.path_of(name);
        call("sync", path, || rustix::fs::fsync(&file))?;
        match target {
            Target::New => take_name(&self.dir, &self.name, &self.dir, name).map_err(|errno| match errno {
                Errno::EXIST => DiskError::Exists { path: path() },
                errno => DiskError::Io { op: "create", path: path(), source: errno.into() },
            })?,
            Target::Replace => {
                call("replace", path, || rustix::fs::renameat(&self.dir, &self.name, &self.dir, name))?;
            }
        }
        self.owned = false;
        self.dir.sync()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if self.owned {
            // What cannot be erased now is found by its name later.
            let _ = erase::temporary(&self.dir, &self.name);
        }
    }
}

/// `.farm-<maker and random digits>-<name>.part`, shortened where the name leaves no room.
pub(super) fn part_name(name: &OsStr) -> OsString {
    let random = Uuid::new_v4().simple().to_string();
    let tag = match tag::own() {
        Some(maker) => format!("{maker}{}", &random[..SIGNED - tag::LENGTH]),
        None => random[..UNSIGNED].to_owned(),
    };
    let room = MAX_NAME - PART_PREFIX.len() - PART_SUFFIX.len() - tag.len() - 1;
    let name = name.to_str().filter(|name| name.len() <= room).unwrap_or("long");
    format!("{PART_PREFIX}{tag}-{name}{PART_SUFFIX}").into()
}

/// Whether `name` is one that farm gave to a file in the making.
pub(super) fn is_part_name(name: &OsStr) -> bool {
    tag_of(name).is_some()
}

/// Whether the process that gave this temporary name is proved to have ended.
pub(super) fn is_abandoned(name: &OsStr) -> bool {
    tag_of(name).filter(|tag| tag.len() == SIGNED).is_some_and(|tag| tag::has_ended(&tag[..tag::LENGTH]))
}

fn tag_of(name: &OsStr) -> Option<&str> {
    let inner = name.to_str()?.strip_prefix(PART_PREFIX)?.strip_suffix(PART_SUFFIX)?;
    let (tag, rest) = inner.split_once('-')?;
    let is_tag = [SIGNED, UNSIGNED].contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_tag && !rest.is_empty()).then_some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temporary_names_tell_their_maker() {
        let name = part_name(OsStr::new("A.0001.png"));
        assert!(is_part_name(&name) && !is_abandoned(&name), "{name:?}");
        let tag = tag::own().expect("/proc");
        assert!(name.to_str().is_some_and(|name| name.starts_with(&format!("{PART_PREFIX}{tag}"))), "{name:?}");
        assert!(part_name(OsStr::new(&"x".repeat(MAX_NAME))).len() <= MAX_NAME);
        let unsigned = OsStr::new(".farm-0123456789abcdef-a.part");
        assert!(is_part_name(unsigned) && !is_abandoned(unsigned));
    }
}
