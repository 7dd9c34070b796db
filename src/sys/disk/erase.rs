//! The only place that erases. It accepts three things, each by a type or a name that says so:
//!
//! * what lies in a [`TrashFolder`] ([`purge`]);
//! * farm's own temporary files and probes, known by their names ([`temporary`], [`probe`]);
//! * a name whose file is safe elsewhere: the source of a verified copy, or one of two names of one file.
//!
//! Folders are walked by descriptor; no link is followed and no other device entered.

use super::call::retry;
use super::dir::Dir;
use super::entry::{Attributes, Entry, Kind};
use super::error::DiskError;
use super::list::MAX_DEPTH;
use super::part::{self, is_part_name};
use super::read::OpenFile;
use crate::base::rel_path::RelPath;
use rustix::fs::AtFlags;
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};

/// Where a volume keeps its trash.
const TRASH: &str = ".farm/trash";
/// Farm's own folder of a volume.
const OWN: &str = ".farm";
/// Where `dist/` and `archives/` keep theirs when they are mounts of their own.
const TRASH_OF_A_MOUNT: &str = ".farm-trash";

/// A folder that is a trash, and nothing else: only its path makes it one.
#[derive(Debug, Clone)]
pub struct TrashFolder(Dir);

impl TrashFolder {
    /// The path of the trash below the root of a volume.
    pub fn of_volume() -> RelPath {
        RelPath::new(TRASH).expect("a plain path")
    }

    /// The path of the trash below the root of a mounted `dist/` or `archives/`.
    pub fn of_mount() -> RelPath {
        RelPath::new(TRASH_OF_A_MOUNT).expect("a plain path")
    }

    /// `dir` as a trash, if its path says that it is one.
    pub fn new(dir: Dir) -> Result<TrashFolder, DiskError> {
        match dir.rel().as_str() {
            TRASH | TRASH_OF_A_MOUNT => Ok(TrashFolder(dir)),
            _ => Err(DiskError::NotErasable { path: dir.path(), why: "it is not a trash folder" }),
        }
    }

    /// The folder itself.
    pub fn dir(&self) -> &Dir {
        &self.0
    }
}

/// What a purge did.
#[derive(Debug, Default)]
pub struct Purged {
    /// Files and links erased.
    pub files: u64,
    /// Folders erased.
    pub folders: u64,
    /// Bytes that no other name holds.
    pub bytes: u64,
    /// What could not be erased, and is still there.
    pub left: Vec<DiskError>,
}

/// Erases `name` in the trash with all that is in it. What fails is reported and left; the rest goes.
pub fn purge(trash: &TrashFolder, name: impl AsRef<OsStr>) -> Result<Purged, DiskError> {
    let name = trash.0.checked(name.as_ref())?;
    let mut purged = Purged::default();
    if let Some(attributes) = trash.0.stat(name)? {
        purge_entry(&trash.0, &Entry { name: name.to_owned(), kind: attributes.kind }, &mut purged, MAX_DEPTH);
    }
    trash.0.sync()?;
    Ok(purged)
}

fn purge_entry(dir: &Dir, entry: &Entry, purged: &mut Purged, depth: usize) {
    let outcome = match entry.kind {
        Kind::Folder => purge_folder(dir, &entry.name, purged, depth),
        _ => purge_file(dir, &entry.name, purged),
    };
    if let Err(error) = outcome {
        purged.left.push(error);
    }
}

fn purge_file(dir: &Dir, name: &OsStr, purged: &mut Purged) -> Result<(), DiskError> {
    let Some(attributes) = dir.stat(name)? else { return Ok(()) };
    unlink(dir, name, AtFlags::empty())?;
    purged.files += 1;
    purged.bytes += if attributes.links == 1 { attributes.size } else { 0 };
    Ok(())
}

fn purge_folder(dir: &Dir, name: &OsStr, purged: &mut Purged, depth: usize) -> Result<(), DiskError> {
    let Some(folder) = dir.child(name)? else { return Ok(()) };
    if depth == 0 {
        return Err(DiskError::NotErasable { path: folder.path(), why: "the folders are nested too deep" });
    }
    for entry in folder.list()? {
        purge_entry(&folder, &entry, purged, depth - 1);
    }
    unlink(dir, name, AtFlags::REMOVEDIR)?;
    purged.folders += 1;
    Ok(())
}

/// Erases a temporary file of farm's own; anything of another name is refused.
pub fn temporary(dir: &Dir, name: &OsStr) -> Result<(), DiskError> {
    if !is_part_name(name) {
        return Err(DiskError::NotErasable { path: dir.path_of(name), why: "it is no temporary file of farm's" });
    }
    unlink(dir, dir.checked(name)?, AtFlags::empty())
}

/// What the names of probes begin with: empty folders by which farm finds out whether somebody else sees a volume.
pub const PROBE: &str = "probe-";

/// Erases a probe in farm's own folder; anything else, and one that is not empty, is refused.
pub fn probe(own: &Dir, name: &OsStr) -> Result<(), DiskError> {
    if own.rel().as_str() != OWN || !is_probe(name) {
        return Err(DiskError::NotErasable { path: own.path_of(name), why: "it is no probe of farm's" });
    }
    unlink(own, own.checked(name)?, AtFlags::REMOVEDIR)
}

/// Whether `name` is one that farm gives to probes.
pub fn is_probe(name: &OsStr) -> bool {
    name.to_str().is_some_and(|name| name.starts_with(PROBE))
}

/// Whether `name` is one that farm gives to files in the making.
pub fn is_temporary(name: &OsStr) -> bool {
    is_part_name(name)
}

/// Whether the process that made the temporary file of this name is proved to have ended. `false` tells nothing.
pub fn is_abandoned(name: &OsStr) -> bool {
    part::is_abandoned(name)
}

/// The temporary files of farm in `dir`: in the making somewhere, or left by a killed run. Whoever holds the lock over
/// the folder knows that nobody else is making them.
pub fn temporaries(dir: &Dir) -> Result<Vec<(OsString, Attributes)>, DiskError> {
    let mut found = Vec::new();
    for Entry { name, kind } in dir.list()? {
        if kind == Kind::File && is_part_name(&name) {
            found.extend(dir.stat(&name)?.map(|attributes| (name, attributes)));
        }
    }
    Ok(found)
}

/// A source whose copy was read back and compared. Only [`super::move_new`] makes one.
pub(super) struct VerifiedCopy<'a> {
    from: &'a Dir,
    name: &'a OsStr,
    source: &'a OpenFile,
}

impl<'a> VerifiedCopy<'a> {
    pub(super) fn new(from: &'a Dir, name: &'a OsStr, source: &'a OpenFile) -> Self {
        VerifiedCopy { from, name, source }
    }
}

/// Erases the source of a verified copy, unless its name is that of another file by now, or it was written to.
pub(super) fn verified_source(copy: VerifiedCopy<'_>) -> Result<(), DiskError> {
    match copy.from.stat(copy.name)? {
        None => Ok(()),
        Some(found) if found.is_unchanged_since(copy.source.attributes()) => {
            unlink(copy.from, copy.name, AtFlags::empty())
        }
        Some(_) => Err(DiskError::Changed { path: copy.source.path().to_owned() }),
    }
}

/// Erases the name `name` of a file that also bears `other` in `there`.
///
/// Two names in one folder that differ only in case may be one entry: then nothing is erased.
pub(super) fn second_name(dir: &Dir, name: &OsStr, there: &Dir, other: &OsStr) -> Result<(), DiskError> {
    let Some(first) = dir.stat(name)? else { return Ok(()) };
    let is_second = there.stat(other)?.is_some_and(|second| second.is_same_file(&first) && first.links > 1);
    let one_entry = dir.attributes()?.is_same_file(&there.attributes()?) && name.eq_ignore_ascii_case(other);
    if !is_second || one_entry {
        return Err(DiskError::NotErasable { path: dir.path_of(name), why: "it is the file's only name" });
    }
    unlink(dir, name, AtFlags::empty())
}

/// Takes away a folder that holds nothing.
pub(super) fn empty_folder(dir: &Dir, name: &OsStr) -> Result<(), DiskError> {
    unlink(dir, name, AtFlags::REMOVEDIR)
}

#[expect(clippy::disallowed_methods, reason = "the one place that erases")]
fn unlink(dir: &Dir, name: &OsStr, flags: AtFlags) -> Result<(), DiskError> {
    match retry(|| rustix::fs::unlinkat(dir, name, flags)) {
        // Somebody else was faster, or a network share repeated the request.
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(DiskError::Io { op: "erase", path: dir.path_of(name), source: errno.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn trash_in(root: &Dir) -> TrashFolder {
        TrashFolder::new(root.make_dir(&TrashFolder::of_volume()).expect("make")).expect("a trash")
    }

    #[test]
    fn only_empty_probes_in_farms_own_folder_go() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let own = root.make_dir(&RelPath::new(OWN).expect("path")).expect("make");
        for name in ["probe-1", "probe-2", "trash"] {
            own.make_dir(&RelPath::new(name).expect("path")).expect("make");
        }
        own.child(OsStr::new("probe-2")).expect("open").expect("there").create("x", b"x").expect("create");
        let erase = |dir: &Dir, name: &str| probe(dir, OsStr::new(name));
        erase(&own, "probe-1").expect("it is one");
        assert!(own.stat("probe-1").expect("stat").is_none());
        assert!(erase(&own, "probe-2").is_err(), "something is in it");
        assert!(matches!(erase(&own, "trash"), Err(DiskError::NotErasable { .. })));
        root.make_dir(&RelPath::new("probe-3").expect("path")).expect("make");
        assert!(matches!(erase(&root, "probe-3"), Err(DiskError::NotErasable { .. })));
    }

    #[test]
    fn only_a_trash_is_a_trash() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        for path in ["releases", ".farm", ".farm/trash/x", "dist/.farm/trash"] {
            let dir = root.make_dir(&RelPath::new(path).expect("path")).expect("make");
            assert!(matches!(TrashFolder::new(dir), Err(DiskError::NotErasable { .. })), "{path}");
        }
        assert!(TrashFolder::new(root.clone()).is_err());
    }

    #[test]
    fn a_purge_takes_the_tree_and_leaves_what_links_lead_to() {
        let temp = tempfile::tempdir().expect("temp");
        let outside = tempfile::tempdir().expect("temp");
        std::fs::write(outside.path().join("precious"), b"1").expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let trash = trash_in(&root);
        let tx = trash.dir().make_dir(&RelPath::new("tx/a/b").expect("path")).expect("make");
        tx.create("f", b"12345").expect("create");
        tx.create(OsStr::new("long-name"), b"1").expect("create");
        symlink(outside.path(), tx.path_of("out")).expect("temp");
        symlink(outside.path().join("precious"), tx.path_of("file-out")).expect("temp");
        symlink(outside.path(), trash.dir().path_of("tx2")).expect("temp");
        let purged = purge(&trash, "tx").expect("purge");
        assert_eq!((purged.files, purged.folders, purged.left.len()), (4, 3, 0));
        purge(&trash, "tx2").expect("a link goes as a link");
        assert!(trash.dir().is_empty().expect("list"));
        assert!(outside.path().join("precious").exists());
        assert_eq!(purge(&trash, "tx").expect("nothing there").files, 0);
        for bad in ["..", "../..", "tx/a", ""] {
            assert!(purge(&trash, bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn bytes_that_another_name_holds_are_not_freed() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        let trash = trash_in(&root);
        trash.dir().create("f", b"12345").expect("create");
        rustix::fs::linkat(trash.dir(), "f", &root, "kept", AtFlags::empty()).expect("link");
        let purged = purge(&trash, "f").expect("purge");
        assert_eq!((purged.files, purged.bytes), (1, 0));
        assert!(root.stat("kept").expect("stat").is_some());
    }

    #[test]
    fn only_farms_temporaries_are_temporary() {
        let temp = tempfile::tempdir().expect("temp");
        let root = Dir::open_root(temp.path()).expect("open");
        for name in [
            "a.png",
            ".farm",
            ".farm-x.part",
            "x.part",
            ".farm-0123456789abcdef-.part",
            ".farm-0123456789abcdeg-a.part",
        ] {
            root.create(name, b"1").expect("create");
            assert!(matches!(temporary(&root, OsStr::new(name)), Err(DiskError::NotErasable { .. })), "{name}");
        }
        root.create(".farm-0123456789abcdef-a.png.part", b"1").expect("create");
        let found = temporaries(&root).expect("list");
        assert_eq!(found.len(), 1);
        temporary(&root, &found[0].0).expect("erase");
        assert!(temporaries(&root).expect("list").is_empty());
        assert_eq!(root.list().expect("list").len(), 6);
    }
}
