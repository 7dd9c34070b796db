//! What a folder holds: by name, with attributes, in sum.

use super::call::call;
use super::dir::Dir;
use super::entry::{Attributes, Entry, Kind};
use super::error::DiskError;
use crate::base::rel_path::RelPath;
use rustix::fs::{FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;

/// How deep a walk goes before it gives up: a descriptor is held per level.
pub(super) const MAX_DEPTH: usize = 200;

/// Bytes of names that are asked for at once: on a network each piece of a listing is a request.
const PIECE: usize = 64 << 10;

/// What lies in a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Measure {
    /// Everything that is not a folder.
    pub files: u64,
    /// Folders, without the one measured.
    pub folders: u64,
    /// Bytes in files.
    pub bytes: u64,
}

impl Dir {
    /// The names in this folder with their kinds, in the order of their bytes. Reads the folder only.
    pub fn list(&self) -> Result<Vec<Entry>, DiskError> {
        let mut entries = Vec::new();
        // A descriptor of its own: the position in the listing belongs to it.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = call("list", || self.path(), || rustix::fs::openat(self, ".", flags, Mode::empty()))?;
        let mut piece = vec![MaybeUninit::uninit(); PIECE];
        let mut listing = RawDir::new(folder, &mut piece);
        while let Some(found) = listing.next() {
            let found = match found {
                Err(Errno::INTR) => continue,
                // Somebody takes the folder away meanwhile: there is nothing more in it.
                Err(Errno::NOENT) => break,
                found => {
                    found.map_err(|errno| DiskError::Io { op: "list", path: self.path(), source: errno.into() })?
                }
            };
            let name = OsStr::from_bytes(found.file_name().to_bytes());
            if matches!(name.as_bytes(), b"." | b"..") {
                continue;
            }
            // Some file systems do not say the kind in the listing.
            let kind = match found.file_type() {
                FileType::Unknown => self.stat(name)?.map(|attributes| attributes.kind),
                kind => Some(kind.into()),
            };
            entries.extend(kind.map(|kind| Entry { name: name.to_owned(), kind }));
        }
        entries.sort_unstable();
        Ok(entries)
    }

    /// The same with the attributes of each, one further call per name. What went away meanwhile is left out.
    pub fn list_attributes(&self) -> Result<Vec<(Entry, Attributes)>, DiskError> {
        let mut found = Vec::new();
        for entry in self.list()? {
            if let Some(attributes) = self.stat(&entry.name)? {
                found.push((entry, attributes));
            }
        }
        Ok(found)
    }

    /// Whether the folder holds nothing at all.
    pub fn is_empty(&self) -> Result<bool, DiskError> {
        self.list().map(|entries| entries.is_empty())
    }

    /// Counts everything below this folder. Follows no link; a mount within is an error.
    pub fn measure(&self) -> Result<Measure, DiskError> {
        let mut sum = Measure::default();
        self.measure_into(&mut sum, MAX_DEPTH)?;
        Ok(sum)
    }

    fn measure_into(&self, sum: &mut Measure, depth: usize) -> Result<(), DiskError> {
        if depth == 0 {
            return Err(DiskError::Io { op: "walk", path: self.path(), source: Errno::NAMETOOLONG.into() });
        }
        for entry in self.list()? {
            match entry.kind {
                Kind::Folder => {
                    sum.folders += 1;
                    if let Some(child) = self.child(&entry.name)? {
                        child.measure_into(sum, depth - 1)?;
                    }
                }
                _ => {
                    sum.files += 1;
                    sum.bytes += self.stat(&entry.name)?.map_or(0, |attributes| attributes.size);
                }
            }
        }
        Ok(())
    }

    /// The attributes of whatever is at `rel`, however deep; `None` if nothing is.
    pub fn stat_at(&self, rel: &RelPath) -> Result<Option<Attributes>, DiskError> {
        let Some((folder, name)) = rel.split() else { return self.attributes().map(Some) };
        match self.dir(&folder)? {
            Some(dir) => dir.stat(name),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plant(root: &std::path::Path) {
        std::fs::create_dir_all(root.join("a/b")).expect("temp");
        std::fs::write(root.join("a/1"), b"one").expect("temp");
        std::fs::write(root.join("a/b/2"), b"four").expect("temp");
        std::os::unix::fs::symlink("/etc", root.join("a/out")).expect("temp");
    }

    #[test]
    fn a_listing_tells_kinds_and_follows_no_link() {
        let temp = tempfile::tempdir().expect("temp");
        plant(temp.path());
        let root = Dir::open_root(temp.path()).expect("open");
        let a = root.dir(&RelPath::new("a").expect("path")).expect("open").expect("there");
        let kinds: Vec<_> =
            a.list().expect("list").into_iter().map(|e| (e.name.into_string().expect("utf-8"), e.kind)).collect();
        assert_eq!(kinds, [("1".into(), Kind::File), ("b".into(), Kind::Folder), ("out".into(), Kind::Link)]);
        let sizes: Vec<_> = a.list_attributes().expect("list").iter().map(|(_, at)| at.kind).collect();
        assert_eq!(sizes, [Kind::File, Kind::Folder, Kind::Link]);
        let sum = root.measure().expect("measure");
        assert_eq!((sum.files, sum.folders), (3, 2));
        assert_eq!(sum.bytes, 3 + 4 + "/etc".len() as u64);
    }

    #[test]
    fn a_folder_that_was_taken_away_is_empty() {
        let temp = tempfile::tempdir().expect("temp");
        std::fs::create_dir(temp.path().join("a")).expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let a = root.dir(&RelPath::new("a").expect("path")).expect("open").expect("there");
        assert!(std::process::Command::new("rmdir").arg(temp.path().join("a")).status().is_ok_and(|s| s.success()));
        assert_eq!(a.list().expect("nothing is no error"), []);
    }

    #[test]
    fn names_that_are_not_utf8_are_listed_and_measured() {
        let temp = tempfile::tempdir().expect("temp");
        let odd = temp.path().join(OsStr::from_bytes(b"odd\xff"));
        std::fs::create_dir(&odd).expect("temp");
        std::fs::write(odd.join("x"), b"12345").expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        assert_eq!(root.list().expect("list")[0].name.as_bytes(), b"odd\xff");
        assert_eq!(root.measure().expect("measure").bytes, 5);
    }
}
