//! What is in the trash.

use super::error::TrashError;
use super::record::{self, Item};
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::sys::disk::{Dir, DiskError, Kind, Measure};
use crate::volume::open::Volume;

/// The trash of one transaction below one root.
#[derive(Debug, Clone)]
pub struct TrashedTransaction {
    /// The transaction.
    pub id: TransactionId,
    /// The mounted area that it came from; the root for the volume itself.
    pub area: RelPath,
    /// When it was put there.
    pub at: Timestamp,
    /// Until when it is held.
    pub until: Timestamp,
    /// What was put there.
    pub items: Vec<Item>,
    /// The number of the user who did.
    pub uid: u32,
    pub(super) folder: Dir,
}

impl TrashedTransaction {
    /// Whether the thing is in the trash: it came there, and was not brought back.
    pub fn holds(&self, item: &Item) -> Result<bool, DiskError> {
        Ok(self.folder.stat_at(&item.kept)?.is_some_and(|kept| item.is(&kept)))
    }

    /// Counts what it holds, by a walk.
    pub fn measure(&self) -> Result<Measure, DiskError> {
        self.folder.measure()
    }
}

/// What is in all trash folders of the volume.
#[derive(Debug, Default)]
pub struct Listing {
    /// Oldest first.
    pub transactions: Vec<TrashedTransaction>,
    /// What could not be read, and is never purged.
    pub unreadable: Vec<TrashError>,
}

/// Lists the trash. Reads only.
pub fn list(volume: &Volume) -> Result<Listing, TrashError> {
    let mut listing = Listing::default();
    for (root, area, trash) in volume.trash_roots() {
        let Some(trash) = root.dir(&trash)? else { continue };
        for entry in trash.list()?.into_iter().filter(|entry| entry.kind == Kind::Folder) {
            let Some(id) = entry.name.to_str().and_then(|name| name.parse().ok()) else { continue };
            match transaction(&trash, id, &area) {
                Ok(found) => listing.transactions.extend(found),
                Err(error) => listing.unreadable.push(error),
            }
        }
    }
    listing.transactions.sort_by_key(|transaction| (transaction.at, transaction.id));
    Ok(listing)
}

/// The parts of one transaction's trash, one per root that it took something from; none where there is no such trash.
pub fn parts_of(volume: &Volume, id: TransactionId) -> Result<Vec<TrashedTransaction>, TrashError> {
    let mut parts = Vec::new();
    for (root, area, trash) in volume.trash_roots() {
        if let Some(trash) = root.dir(&trash)? {
            parts.extend(transaction(&trash, id, &area)?);
        }
    }
    Ok(parts)
}

/// `None`: no such folder, or a run was killed before it wrote the record, and so before it put anything there.
fn transaction(trash: &Dir, id: TransactionId, area: &RelPath) -> Result<Option<TrashedTransaction>, TrashError> {
    let name = RelPath::new(&id.to_string()).expect("an id is a plain name");
    let Some(folder) = trash.dir(&name)? else { return Ok(None) };
    let Some(record) = record::read(&folder)? else { return Ok(None) };
    if record.header.id != id {
        let cause = "it is that of another transaction".to_owned();
        return Err(TrashError::Damaged { path: folder.path_of(record::RECORD), cause });
    }
    let until = record.header.at.plus_seconds(i64::from(record.header.hold_days) * 86_400);
    let uid = folder.attributes()?.uid;
    let at = record.header.at;
    Ok(Some(TrashedTransaction { id, area: area.clone(), at, until, items: record.items, uid, folder }))
}
