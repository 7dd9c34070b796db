//! Finishing harvests that were killed. Twice is once.

use super::apply;
use super::carry::{Carrier, Knowledge, Left};
use super::unfinished;
use crate::base::error::Failure;
use crate::base::ids::TransactionId;
use crate::base::name::ReleaseName;
use crate::ops::ports::Ports;
use crate::volume::journal::{Account, Journal};
use crate::volume::lock::Lock;

/// What finishing a killed harvest did.
#[derive(Debug)]
pub struct Finished {
    /// The harvest.
    pub id: TransactionId,
    /// Its release.
    pub release: ReleaseName,
    /// How many files of it lie in `dist/` now.
    pub placed: usize,
    /// What was left where it is, and why.
    pub left: Vec<Left>,
}

/// The release that a killed harvest is about: its lock is needed to finish it.
pub fn release_of(account: &Account) -> Result<ReleaseName, Failure> {
    Ok(unfinished::transaction(account)?.release)
}

/// Finishes the killed harvest that `account` tells of: moves what is not moved yet and is still what it was, and writes
/// the manifest. `lock` covers its release.
pub fn recover(ports: &Ports<'_>, lock: &Lock, account: &Account) -> Result<Finished, Failure> {
    let transaction = unfinished::transaction(account)?;
    let journal = Journal::resume(ports.volume, lock, account)?;
    let carrier = Carrier { ports, lock, id: journal.id(), knowledge: Knowledge::LeftBehind };
    let carried = carrier.carry(&transaction)?;
    apply::record(ports, &transaction, &carried)?;
    let id = journal.done(&carried.placed.len())?;
    Ok(Finished { id, release: transaction.release, placed: carried.placed.len(), left: carried.left })
}

/// Finishes every killed harvest of the release.
pub(super) fn finish_killed(
    ports: &Ports<'_>,
    lock: &Lock,
    release: &ReleaseName,
) -> Result<Vec<TransactionId>, Failure> {
    let mut finished = Vec::new();
    for (account, _) in unfinished::of_release(ports.volume, release)? {
        let done = recover(ports, lock, &account)?;
        ports.progress.note(&format!("finished a harvest of {release} that was interrupted: {} files", done.placed));
        for left in done.left {
            ports.progress.note(&format!("{}: not harvested then: {}", left.path, left.cause));
        }
        finished.push(done.id);
    }
    Ok(finished)
}
