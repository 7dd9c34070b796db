//! Bringing things back from the trash: all of a transaction, or nothing.

use super::error::TrashError;
use super::list::{TrashedTransaction, parts_of};
use super::record::{Item, ancestors};
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::sys::disk::erase::{self, TrashFolder};
use crate::sys::disk::{Dir, DiskError, rename_new};
use crate::volume::lock::Lock;
use crate::volume::open::Volume;
use std::collections::HashMap;

/// What was brought back.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Restored {
    /// What is at its old place again, by this run.
    pub items: Vec<Item>,
    /// What was there already: never moved, or brought back by an earlier run that was killed.
    pub already: Vec<RelPath>,
}

/// Where a thing is.
enum State {
    InTrash,
    AtItsPlace,
}

/// What would come back, or why nothing would. `leaves` says of a path that what is there now goes away before. Reads
/// only.
pub fn restorable(
    volume: &Volume,
    id: TransactionId,
    leaves: &dyn Fn(&RelPath) -> bool,
) -> Result<Vec<Item>, TrashError> {
    let mut items = Vec::new();
    for part in parts_of(volume, id)? {
        refuse_two_of_one_path(volume, &part)?;
        for item in &part.items {
            match state(volume, &part, item) {
                Ok(State::InTrash) => items.push(item.clone()),
                Ok(State::AtItsPlace) => {}
                Err(TrashError::Occupied { .. }) if leaves(&item.path) => {
                    let is_whole = part.folder.stat_at(&item.kept)?.is_some_and(|kept| item.is(&kept));
                    if !is_whole {
                        return Err(TrashError::Altered { path: volume.path_of(&item.path) });
                    }
                    items.push(item.clone());
                }
                Err(error) => return Err(error),
            }
        }
    }
    Ok(items)
}

/// Puts everything of transaction `id` back to where it was, with bytes, modes and times. If anything newer is at one of
/// the places, nothing is done. Killed in between, running it again completes it.
pub fn restore(volume: &Volume, lock: &Lock, id: TransactionId) -> Result<Restored, TrashError> {
    lock.check()?;
    let parts = parts_of(volume, id)?;
    if parts.is_empty() {
        return Err(TrashError::Nothing { id });
    }
    let mut restored = Restored::default();
    let mut work: Vec<(&TrashedTransaction, &Item)> = Vec::new();
    for part in &parts {
        refuse_two_of_one_path(volume, part)?;
        for item in &part.items {
            match state(volume, part, item)? {
                State::InTrash => work.push((part, item)),
                State::AtItsPlace => restored.already.push(item.path.clone()),
            }
        }
    }
    // A folder is back before what was in it and taken by itself.
    work.sort_by_key(|(_, item)| item.path.parts().count());
    lock.check()?;
    for (part, item) in work {
        bring_back(volume, part, item)?;
        restored.items.push(item.clone());
    }
    parts.iter().try_for_each(|part| take_down(volume, part))?;
    Ok(restored)
}

fn state(volume: &Volume, part: &TrashedTransaction, item: &Item) -> Result<State, TrashError> {
    let path = || volume.path_of(&item.path);
    let place = volume.stat(&item.path);
    // A file where a folder was: something newer.
    let place = place.map_err(|error| match error {
        DiskError::NotAFolder { .. } | DiskError::Link { .. } => TrashError::Occupied { path: path() },
        error => error.into(),
    })?;
    match (part.folder.stat_at(&item.kept)?, place) {
        (Some(kept), None) if item.is(&kept) => Ok(State::InTrash),
        (Some(_), None) => Err(TrashError::Altered { path: path() }),
        (None, Some(found)) if item.is(&found) => Ok(State::AtItsPlace),
        (_, Some(_)) => Err(TrashError::Occupied { path: path() }),
        (None, None) => Err(TrashError::Lost { path: path() }),
    }
}

/// A transaction may have taken a thing, and later a newer one of that path, by itself or with its folder: both cannot
/// come back.
fn refuse_two_of_one_path(volume: &Volume, part: &TrashedTransaction) -> Result<(), TrashError> {
    let occupied = |item: &Item| Err(TrashError::Occupied { path: volume.path_of(&item.path) });
    let mut by_path: HashMap<&RelPath, &Item> = HashMap::new();
    for item in &part.items {
        if by_path.insert(&item.path, item).is_some() {
            return occupied(item);
        }
    }
    for item in &part.items {
        for folder in ancestors(&item.path) {
            let Some(taken) = by_path.get(&folder) else { continue };
            let below = item.path.as_str()[folder.as_str().len()..].trim_start_matches('/');
            let newer = taken.kept.join(below).expect("both are checked");
            if newer != item.kept && part.folder.stat_at(&newer)?.is_some() {
                return occupied(item);
            }
        }
    }
    Ok(())
}

fn bring_back(volume: &Volume, part: &TrashedTransaction, item: &Item) -> Result<(), TrashError> {
    let parent = |path: &RelPath| path.split().map(|(folder, _)| folder).unwrap_or_default();
    let name = item.path.name().unwrap_or_default();
    let lost = || TrashError::Lost { path: volume.path_of(&item.path) };
    let from = part.folder.dir(&parent(&item.kept))?.ok_or_else(lost)?;
    let to = volume.make_dir(&parent(&item.path))?;
    rename_new(&from, name, &to, name).map_err(|error| match error {
        DiskError::Exists { path } => TrashError::Occupied { path },
        error => error.into(),
    })?;
    to.sync()?;
    Ok(from.sync()?)
}

/// Erases the emptied folder of the transaction: the record, and the folders that mirrored the volume.
fn take_down(volume: &Volume, part: &TrashedTransaction) -> Result<(), TrashError> {
    if part.measure()?.files > 1 {
        return Ok(());
    }
    let purged = erase::purge(&trash_folder_of(volume, part)?, part.id.to_string())?;
    purged.left.into_iter().next().map_or(Ok(()), |error| Err(error.into()))
}

/// The trash folder that holds `part`.
pub(super) fn trash_folder_of(volume: &Volume, part: &TrashedTransaction) -> Result<TrashFolder, TrashError> {
    let (root, _, trash) = volume.trash_root_of(&part.area);
    let gone = || TrashError::Nothing { id: part.id };
    let dir: Dir = root.dir(&trash)?.ok_or_else(gone)?;
    Ok(TrashFolder::new(dir)?)
}
