//! Taking a harvest back: what it moved goes to where it came from, what it copied goes to the trash.

use super::manifest::{Manifest, ManifestFile};
use super::plan::{FileVerdict, Item, Transaction};
use crate::base::digest::Digest;
use crate::base::error::{Class, Failure};
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::ops::preview;
use crate::sys::disk::{Dir, DiskError, move_known};
use crate::volume::lock::Lock;
use crate::volume::{Volume, layout};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};

/// What taking a harvest back does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TakenBack {
    /// Files that go back to where they were.
    pub moves: Vec<MoveBack>,
    /// Files that were copied, and previews: they go to the trash, beneath the volume.
    pub copies: Vec<RelPath>,
    /// What the manifest says no more, beneath `dist/<release>/`.
    unlisted: Vec<RelPath>,
    /// What it says again: the files that had made room, and those that had another name.
    listed: Vec<ManifestFile>,
}

/// One file, by its places beneath the volume.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoveBack {
    /// Where it is.
    pub from: RelPath,
    /// Where it goes.
    pub to: RelPath,
    size: u64,
    modified: Timestamp,
    sha256: Digest,
}

/// What taking this harvest back would do. Reads only. A file in `dist/` that is not what was harvested, and something newer
/// where a file would go, are refused.
pub fn survey(volume: &Volume, transaction: &Transaction) -> Result<TakenBack, Failure> {
    let manifest = Manifest::load(volume, &transaction.release)?;
    let by_path: HashMap<&RelPath, &ManifestFile> = manifest.files.iter().map(|file| (&file.path, file)).collect();
    let dist = layout::dist_dir(&transaction.release);
    let mut back = TakenBack::default();
    for item in transaction.items() {
        // What could not be placed then was never listed.
        let is_listed = by_path.get(&item.file.to).is_some_and(|entry| entry.sha256 == item.file.sha256);
        if is_listed {
            back.add(volume, &dist, &item)?;
        }
    }
    // They show what is not there any more; the next harvest makes them anew.
    let jobs: Vec<JobName> = transaction.touched().into_iter().cloned().collect();
    back.copies.extend(preview::of_jobs(volume, &transaction.release, &jobs)?);
    back.listed.extend(transaction.replaced.iter().filter_map(|old| old.was.as_deref().cloned()));
    Ok(back)
}

impl TakenBack {
    fn add(&mut self, volume: &Volume, dist: &RelPath, item: &Item<'_>) -> Result<(), Failure> {
        let file = item.file;
        let from = dist.join(file.to.as_str())?;
        let to = file.origin(&item.share.out, dist).join(file.from.as_str())?;
        match file.verdict {
            FileVerdict::There | FileVerdict::Finish => return Ok(()),
            FileVerdict::Keep => self.copies.push(from.clone()),
            FileVerdict::Move | FileVerdict::Rename => {
                let back =
                    MoveBack { from: from.clone(), to, size: file.size, modified: file.modified, sha256: file.sha256 };
                if volume.stat(&back.to)?.is_some() {
                    return Err(newer(&back.to));
                }
                self.moves.push(back);
            }
        }
        if !is_as_harvested(volume, &from, file.size, file.modified)? {
            return Err(altered(&from));
        }
        if file.verdict == FileVerdict::Rename {
            self.listed.push(ManifestFile { path: file.from.clone(), ..item.share.manifest_file(file) });
        }
        self.unlisted.push(file.to.clone());
        Ok(())
    }
}

fn is_as_harvested(volume: &Volume, path: &RelPath, size: u64, modified: Timestamp) -> Result<bool, DiskError> {
    Ok(volume.stat(path)?.is_some_and(|now| (now.size, now.mtime) == (size, modified)))
}

fn newer(path: &RelPath) -> Failure {
    Failure::new(Class::Refused, format!("{path} cannot go back to its place: something newer is there"))
        .with_hint("Move that away first; nothing was brought back.")
}

fn altered(path: &RelPath) -> Failure {
    Failure::new(Class::Refused, format!("{path} is not what was harvested any more"))
        .with_hint("Restore it, or move it away, then harvest again; nothing was brought back.")
}

/// Moves the files back. What is back already is left; the value is what lies in `dist/` as well, for an earlier try was
/// killed between the copy and its end. On disk when this returns.
pub fn move_back(volume: &Volume, lock: &Lock, back: &TakenBack) -> Result<Vec<RelPath>, Failure> {
    let mut folders: BTreeMap<RelPath, Dir> = BTreeMap::new();
    let mut twice = Vec::new();
    for file in &back.moves {
        lock.check()?;
        if is_as_harvested(volume, &file.to, file.size, file.modified)? {
            // Another file may have come back there since: what had made room for this one.
            if is_as_harvested(volume, &file.from, file.size, file.modified)? {
                twice.push(file.from.clone());
            }
            continue;
        }
        let (from, name) = placed(volume, &mut folders, &file.from)?;
        let (to, new_name) = placed(volume, &mut folders, &file.to)?;
        move_known(&from, name, &to, new_name, file.sha256)?;
    }
    folders.values().try_for_each(Dir::sync)?;
    Ok(twice)
}

fn placed<'p>(
    volume: &Volume,
    folders: &mut BTreeMap<RelPath, Dir>,
    path: &'p RelPath,
) -> Result<(Dir, &'p str), Failure> {
    let folder = path.split().map(|(folder, _)| folder).unwrap_or_default();
    let name = path.name().unwrap_or_default();
    if let Some(dir) = folders.get(&folder) {
        return Ok((dir.clone(), name));
    }
    let dir = volume.make_dir(&folder)?;
    folders.insert(folder, dir.clone());
    Ok((dir, name))
}

/// Writes the manifest as it was, but for what others changed since.
pub fn unlist(volume: &Volume, lock: &Lock, release: &Home, back: &TakenBack) -> Result<(), Failure> {
    let mut manifest = Manifest::load(volume, release)?;
    let gone: HashSet<&RelPath> = back.unlisted.iter().collect();
    let before = manifest.files.len();
    manifest.files.retain(|file| !gone.contains(&file.path));
    let is_same = manifest.files.len() == before && back.listed.is_empty();
    manifest.replace_all(back.listed.clone());
    if is_same {
        return Ok(());
    }
    lock.check()?;
    Manifest::write(&volume.make_dir(&layout::dist_dir(release))?, &manifest.into_text())
}
