//! Changes of jobs that were killed on their way: finished where their runs are in the record, taken back where not.

use super::UndoIntent;
use super::apply::put_back;
use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::ops::change::{self, Change};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::submit;
use crate::ops::work;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::journal::{Account, Journal};
use crate::volume::lock::Lock;
use crate::volume::release_file::ReleaseFile;
use crate::volume::trash::{self, TrashError};

/// What became of a change that was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Its record was written: what was left of it is done.
    Finished,
    /// It had not come so far: everything is as it was, but for the runs that it had ended.
    RolledBack,
}

/// Ends a seed, a replace or a retry that was killed, by its journal. `lock` is that of its release.
pub fn roll_back(ports: &Ports<'_>, lock: &Lock, account: &Account) -> Result<Ended, Failure> {
    let change = change::of(account)?;
    let file = release::load(ports.volume, &change.release)?;
    match file {
        Some(mut file) if change.is_recorded(&file) => {
            submit::refuse_pending_elsewhere(&file, &ports.manager.address())?;
            let journal = Journal::resume(ports.volume, lock, account)?;
            submit::submit_pending(ports, lock, &mut file, clock::now())?;
            journal.done(&"finished by a later command")?;
            Ok(Ended::Finished)
        }
        file => {
            let journal = Journal::resume(ports.volume, lock, account)?;
            take_back(ports, lock, account, &change, file.as_ref())?;
            journal.done(&change::TAKEN_BACK)?;
            Ok(Ended::RolledBack)
        }
    }
}

/// Finishes an undo that was killed, by its journal; how many things came back.
pub fn finish(volume: &Volume, lock: &Lock, account: &Account) -> Result<usize, Failure> {
    let intent: UndoIntent = change::body(account)?;
    let journal = Journal::resume(volume, lock, account)?;
    let restored = put_back(volume, lock, account.intent.id, &intent)?;
    journal.done(&restored)?;
    Ok(restored)
}

/// What the change put into the store goes to the trash; what it had thrown away comes back.
fn take_back(
    ports: &Ports<'_>,
    lock: &Lock,
    account: &Account,
    change: &Change,
    file: Option<&ReleaseFile>,
) -> Result<(), Failure> {
    let id = account.intent.id;
    let parts = trash::parts_of(ports.volume, id)?;
    let mut strays: Vec<(RelPath, String)> = Vec::new();
    for path in change.store.iter().chain(&change.copies) {
        // What was there before and was not moved yet is no stray.
        let was_moved = parts.iter().any(|part| part.items.iter().any(|item| item.path == *path));
        if (was_moved || !is_named(file, path)) && is_stray(ports, &parts, path)? {
            strays.push((path.clone(), format!("of the {} {id}, which did not come to its end", account.intent.kind)));
        }
    }
    work::discard(ports, lock, strays)?;
    match trash::restore(ports.volume, lock, id) {
        Ok(_) | Err(TrashError::Nothing { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Whether something is at `path` that did not come back from the trash.
fn is_stray(ports: &Ports<'_>, parts: &[trash::TrashedTransaction], path: &RelPath) -> Result<bool, Failure> {
    if ports.volume.stat(path)?.is_none() {
        return Ok(false);
    }
    for part in parts {
        for item in part.items.iter().filter(|item| item.path == *path) {
            // It never left, or is back already.
            if !part.holds(item)? {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn is_named(file: Option<&ReleaseFile>, path: &RelPath) -> bool {
    let revisions = file.iter().flat_map(|file| &file.jobs).flat_map(|job| &job.revisions);
    let names = |revision: &crate::volume::release_file::Revision| {
        revision.store.path == *path || revision.dependencies.iter().any(|need| need.stored.as_ref() == Some(path))
    };
    revisions.into_iter().any(names)
}
