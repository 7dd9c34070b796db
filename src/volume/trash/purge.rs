//! Freeing what the trash holds, for good.

use super::error::TrashError;
use super::list::{TrashedTransaction, list, parts_of};
use super::restore::trash_folder_of;
use crate::base::ids::TransactionId;
use crate::base::time::Timestamp;
use crate::sys::disk::erase;
use crate::sys::process::identity::user_id;
use crate::volume::layout;
use crate::volume::lock::Lock;
use crate::volume::open::Volume;

/// What was freed.
#[derive(Debug, Default)]
pub struct PurgeReport {
    /// The transactions whose trash is gone.
    pub purged: Vec<TransactionId>,
    /// Files and links erased.
    pub files: u64,
    /// Bytes that no other name holds.
    pub bytes: u64,
    /// What was left, and why.
    pub left: Vec<TrashError>,
}

/// Purges the trash of one transaction, whatever its hold time: the caller has asked.
pub fn purge(volume: &Volume, lock: &Lock, id: TransactionId) -> Result<PurgeReport, TrashError> {
    let parts = parts_of(volume, id)?;
    if parts.is_empty() {
        return Err(TrashError::Nothing { id });
    }
    let mut report = PurgeReport::default();
    for part in &parts {
        purge_part(volume, lock, part, &mut report)?;
    }
    Ok(report)
}

/// Purges what has been held for its time at `now`. What cannot be read, or is another user's, is left and named.
pub fn purge_expired(volume: &Volume, lock: &Lock, now: Timestamp) -> Result<PurgeReport, TrashError> {
    let listing = list(volume)?;
    let mut report = PurgeReport { left: listing.unreadable, ..PurgeReport::default() };
    for part in listing.transactions.iter().filter(|part| part.until <= now) {
        match purge_part(volume, lock, part, &mut report) {
            Err(error @ TrashError::NotYours { .. }) => report.left.push(error),
            other => other?,
        }
    }
    Ok(report)
}

fn purge_part(
    volume: &Volume,
    lock: &Lock,
    part: &TrashedTransaction,
    report: &mut PurgeReport,
) -> Result<(), TrashError> {
    check_owner(volume, part)?;
    lock.check()?;
    let purged = erase::purge(&trash_folder_of(volume, part)?, part.id.to_string())?;
    report.files += purged.files;
    report.bytes += purged.bytes;
    if purged.left.is_empty() {
        report.purged.push(part.id);
    }
    report.left.extend(purged.left.into_iter().map(TrashError::from));
    Ok(())
}

/// Trash is purged by who put it there, by the volume's owner, and by root.
pub fn check_owners(volume: &Volume, parts: &[TrashedTransaction]) -> Result<(), TrashError> {
    parts.iter().try_for_each(|part| check_owner(volume, part))
}

fn check_owner(volume: &Volume, part: &TrashedTransaction) -> Result<(), TrashError> {
    let me = user_id();
    let owner = volume.stat(&layout::own_dir())?.map(|own| own.uid);
    if me == 0 || me == part.uid || Some(me) == owner {
        return Ok(());
    }
    Err(TrashError::NotYours { id: part.id, uid: part.uid })
}
