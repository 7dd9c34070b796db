//! Files that were being written when their writer died.
//!
//! Whoever holds the lock over a folder knows that nobody else is writing there. farm's own folder has no lock of its
//! own: there the file's name tells which process made it, and that process must be gone. Of a process on another host
//! only the file's age tells: it has to be an hour old, for none is written that long.

use super::{Action, Kind, Means, Verdict};
use crate::base::error::Failure;
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::base::size::Bytes;
use crate::sys::clock;
use crate::sys::disk::{Attributes, DiskError, Kind as FileKind, erase};
use crate::volume::area::Area;
use crate::volume::lock::Scope;
use crate::volume::{Volume, layout};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::time::Duration;

/// How deep folders are looked into.
const MAX_DEPTH: usize = 64;
/// So old is what nobody writes any more.
const OLD: Duration = Duration::from_secs(3600);

/// A temporary file of farm's, or one of the empty folders by which it finds out whether a Manager sees a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Temporary {
    folder: RelPath,
    name: OsString,
    bytes: u64,
    old: bool,
    /// The lock over its folder.
    scope: Option<Scope>,
}

impl fmt::Display for Temporary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = if erase::is_probe(&self.name) { "empty probe" } else { "half-written file" };
        write!(f, "{what} {}/{} ({})", self.folder, self.name.to_string_lossy(), Bytes(self.bytes))
    }
}

impl Temporary {
    /// Whether nobody can be writing it any more: its writer is known to be gone, or it is old.
    pub(super) fn is_abandoned(&self) -> bool {
        self.old || erase::is_abandoned(&self.name)
    }
}

/// Every temporary file that may be left over, by folder.
pub(super) fn survey(volume: &Volume) -> Result<Vec<Temporary>, Failure> {
    let mut found = Vec::new();
    for home in homes(volume)? {
        let scope = Some(Scope::from(&home));
        look(volume, &layout::home_dir(&home), scope.as_ref(), MAX_DEPTH, &mut found)?;
        look(volume, &layout::dist_dir(&home), scope.as_ref(), MAX_DEPTH, &mut found)?;
    }
    // What lies deeper in a trash is not farm's, and not in the making.
    let shallow =
        [layout::own_dir(), layout::lock_dir(), layout::journal_dir(), layout::done_dir(), layout::local_dir()];
    let trashes = volume.trash_folders().into_iter().map(|trash| (trash, 1));
    let own = shallow.into_iter().map(|folder| (folder, 0)).chain(trashes).chain([(layout::verdicts_dir(), 1)]);
    for (folder, depth) in own {
        look(volume, &folder, None, depth, &mut found)?;
    }
    found.extend(probes(volume)?);
    Ok(found)
}

/// Old probes in farm's own folder: asking a Manager takes seconds.
fn probes(volume: &Volume) -> Result<Vec<Temporary>, Failure> {
    let folder = layout::own_dir();
    let Some(own) = volume.dir(&folder)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in own.list()?.into_iter().filter(|entry| entry.kind == FileKind::Folder && erase::is_probe(&entry.name))
    {
        if own.stat(&entry.name)?.is_some_and(|attributes| is_old(&attributes)) {
            found.push(Temporary { folder: folder.clone(), name: entry.name, bytes: 0, old: true, scope: None });
        }
    }
    Ok(found)
}

/// Those that are planned, those of which only frames are left, and `quick/` in any case.
fn homes(volume: &Volume) -> Result<BTreeSet<Home>, Failure> {
    let mut names: BTreeSet<Home> = volume.homes()?.names.into_iter().chain([Home::Quick]).collect();
    if let Some(dist) = volume.dir(&Area::Dist.folder())? {
        names.extend(dist.list()?.iter().filter_map(|entry| entry.name.to_str()?.parse::<Home>().ok()));
    }
    Ok(names)
}

fn look(
    volume: &Volume,
    folder: &RelPath,
    scope: Option<&Scope>,
    depth: usize,
    found: &mut Vec<Temporary>,
) -> Result<(), Failure> {
    let dir = match volume.dir(folder) {
        Ok(Some(dir)) => dir,
        // A link or a file where a folder should be is nothing of ours, and nothing is looked for behind it.
        Ok(None) | Err(DiskError::Link { .. } | DiskError::NotAFolder { .. } | DiskError::OtherDevice { .. }) => {
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    for (name, attributes) in erase::temporaries(&dir)? {
        let (bytes, old) = (attributes.size, is_old(&attributes));
        let temporary = Temporary { folder: folder.clone(), name, bytes, old, scope: scope.cloned() };
        if scope.is_some() || temporary.is_abandoned() {
            found.push(temporary);
        }
    }
    if depth == 0 {
        return Ok(());
    }
    let folders = dir.list()?.into_iter().filter(|entry| entry.kind == FileKind::Folder);
    // farm gives no name that is not UTF-8, and writes into no such folder.
    for below in folders.filter_map(|entry| folder.join(entry.name.to_str()?).ok()) {
        look(volume, &below, scope, depth - 1, found)?;
    }
    Ok(())
}

fn is_old(attributes: &Attributes) -> bool {
    clock::now().since(attributes.ctime) > OLD
}

/// Erases them, one lock at a time.
pub(super) fn recover(means: &Means<'_>, found: &[Temporary]) -> Vec<Action> {
    let mut actions = Vec::new();
    for group in found.chunk_by(|a, b| a.scope == b.scope) {
        let held = group[0].scope.clone().map(|scope| means.lock(scope)).transpose();
        let each = |verdict: Verdict, note: &str| {
            group.iter().map(|file| Action::new(Kind::Temporary, file.to_string(), verdict, note)).collect::<Vec<_>>()
        };
        match held {
            Ok(Some(Err(holder))) => actions.extend(each(Verdict::LeftAlone, &holder)),
            Ok(Some(Ok(_)) | None) => actions.extend(group.iter().filter_map(|file| end(means.volume, file))),
            Err(failure) => actions.extend(each(Verdict::Failed, &failure.message())),
        }
    }
    actions
}

/// `None` if it is gone since the survey: its owner gave it its name.
fn end(volume: &Volume, file: &Temporary) -> Option<Action> {
    let erased = || -> Result<bool, DiskError> {
        let Some(dir) = volume.dir(&file.folder)? else { return Ok(false) };
        if dir.stat(&file.name)?.is_none() {
            return Ok(false);
        }
        match erase::is_probe(&file.name) {
            true => erase::probe(&dir, &file.name)?,
            false => erase::temporary(&dir, &file.name)?,
        }
        dir.sync()?;
        Ok(true)
    };
    match erased() {
        Ok(true) => Some(Action::new(Kind::Temporary, file.to_string(), Verdict::Removed, "")),
        Ok(false) => None,
        Err(error) => Some(Action::failed(Kind::Temporary, file.to_string(), &error.into())),
    }
}
