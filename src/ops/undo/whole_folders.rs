//! Folders that come back from the trash as a whole: what took their place goes as a whole too, if nothing else is in it.

use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::sys::disk::{Kind, erase};
use crate::volume::Volume;
use crate::volume::trash::TrashedTransaction;
use std::collections::BTreeSet;

/// Whether something is in the trash that has its place at `path` or around it.
pub(super) fn makes_room(parts: &[TrashedTransaction], path: &RelPath) -> bool {
    parts.iter().flat_map(|part| &part.items).any(|item| path.is_within(&item.path))
}

/// Puts each folder that takes the place of one of `parts` among what `goes`, in place of all that is in it.
pub(super) fn take_whole(
    volume: &Volume,
    parts: &[TrashedTransaction],
    goes: &mut BTreeSet<RelPath>,
) -> Result<(), Failure> {
    for item in parts.iter().flat_map(|part| &part.items).filter(|item| item.kind == Kind::Folder) {
        // What cannot be looked at is in the way of what comes back, and told of then.
        let is_there = matches!(volume.stat(&item.path), Ok(Some(found)) if found.kind == Kind::Folder);
        if is_there && goes_whole(volume, &item.path, goes)? {
            goes.retain(|path| !path.is_within(&item.path));
            goes.insert(item.path.clone());
        }
    }
    Ok(())
}

/// Whether nothing is in the folder at `path` but what goes, and files that farm was still writing.
fn goes_whole(volume: &Volume, path: &RelPath, goes: &BTreeSet<RelPath>) -> Result<bool, Failure> {
    let Some(dir) = volume.dir(path)? else { return Ok(false) };
    for entry in dir.list()? {
        if entry.kind == Kind::File && erase::is_temporary(&entry.name) {
            continue;
        }
        let Some(name) = entry.name.to_str() else { return Ok(false) };
        let below = path.join(name)?;
        let is_going = goes.contains(&below) || (entry.kind == Kind::Folder && goes_whole(volume, &below, goes)?);
        if !is_going {
            return Ok(false);
        }
    }
    Ok(true)
}
