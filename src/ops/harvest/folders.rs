//! Folders that are kept open while files are moved between them.

use super::plan::{FileVerdict, JobShare, PlannedFile};
use crate::base::rel_path::RelPath;
use crate::sys::disk::{Dir, DiskError};
use crate::volume::Volume;
use std::collections::HashMap;

/// So many folders are kept open between moves.
const OPEN_FOLDERS: usize = 200;

/// The folders that names were taken from or given in since the last sync.
///
/// They are synced many at once: the first sync makes a journaling file system write all that was done, and the others
/// find nothing left to do.
pub(super) struct Folders {
    /// `dist/<release>/` beneath the volume.
    pub(super) base: RelPath,
    dist: Dir,
    targets: HashMap<RelPath, Dir>,
    sources: HashMap<RelPath, Option<Dir>>,
}

impl Folders {
    /// None but `dist/<release>/` itself.
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
    pub(super) fn origin<'o>(&'o self, share: &'o JobShare, file: &PlannedFile) -> &'o RelPath {
        if file.verdict == FileVerdict::Rename { &self.base } else { &share.out }
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

    /// Whether some should be synced and let go of.
    pub(super) fn are_many(&self) -> bool {
        self.targets.len() + self.sources.len() >= OPEN_FOLDERS
    }

    /// Makes all that was done in them survive a power cut, and lets go of them.
    pub(super) fn sync(&mut self) -> Result<(), DiskError> {
        self.targets.drain().try_for_each(|(_, dir)| dir.sync())?;
        self.sources.drain().filter_map(|(_, dir)| dir).try_for_each(|dir| dir.sync())
    }
}
