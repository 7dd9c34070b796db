//! The folders that files come from and go to while a harvest is carried out.

use super::plan::Item;
use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::ops::check::in_parallel::all_by_hands;
use crate::sys::disk::{Dir, DiskError};
use crate::volume::Volume;
use std::collections::HashMap;

/// So many folders are kept open between moves.
const OPEN_FOLDERS: usize = 200;

/// The folders that names were taken from or given in since the last sync.
///
/// They are synced many at once: the first sync makes a journaling file system write all that was done, and the others
/// have only to wait for the disk, all at the same time.
pub(super) struct Folders {
    /// `dist/<release>/` beneath the volume.
    pub(super) base: RelPath,
    dist: Dir,
    targets: HashMap<RelPath, Dir>,
    sources: HashMap<RelPath, Option<Dir>>,
}

impl Folders {
    /// None yet; `base` is `dist/<release>/` beneath the volume, `dist` that folder.
    pub(super) fn new(base: RelPath, dist: Dir) -> Self {
        Folders { base, dist, targets: HashMap::new(), sources: HashMap::new() }
    }

    /// A folder of `dist/<release>/`, made if it is not there.
    pub(super) fn target(&mut self, folder: RelPath) -> Result<Dir, DiskError> {
        if let Some(dir) = self.targets.get(&folder) {
            return Ok(dir.clone());
        }
        let dir = self.dist.make_dir(&folder)?;
        self.targets.insert(folder, dir.clone());
        Ok(dir)
    }

    /// The folder that a file's `from` is beneath.
    pub(super) fn origin<'o>(&'o self, item: &Item<'o>) -> &'o RelPath {
        item.file.origin(&item.share.out, &self.base)
    }

    /// Where a file comes from, beneath the volume.
    pub(super) fn whole(&self, item: &Item<'_>) -> Result<RelPath, Failure> {
        Ok(self.origin(item).join(item.file.from.as_str())?)
    }

    /// A folder that files come from; `None` if it is gone.
    pub(super) fn source(&mut self, volume: &Volume, folder: &RelPath) -> Result<Option<Dir>, DiskError> {
        if let Some(dir) = self.sources.get(folder) {
            return Ok(dir.clone());
        }
        let dir = volume.dir(folder)?;
        self.sources.insert(folder.clone(), dir.clone());
        Ok(dir)
    }

    pub(super) fn are_many(&self) -> bool {
        self.targets.len() + self.sources.len() >= OPEN_FOLDERS
    }

    /// New names before old ones are gone, wherever a file system has no order of its own.
    pub(super) fn sync(&mut self, hands: usize) -> Result<(), DiskError> {
        let targets: Vec<Dir> = self.targets.drain().map(|(_, dir)| dir).collect();
        let sources: Vec<Dir> = self.sources.drain().filter_map(|(_, dir)| dir).collect();
        all_by_hands(hands, &targets, Dir::sync)?;
        all_by_hands(hands, &sources, Dir::sync)
    }
}
