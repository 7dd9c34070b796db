//! A plan that was not carried out to its end.
//!
//! `release.yaml` decides: what it names counts, and whatever of it the Manager does not have is submitted. Files that
//! were put onto the volume for jobs that it does not name go to the trash.

use super::{Means, Verdict};
use crate::base::counted::{agree, counted};
use crate::base::error::Failure;
use crate::base::rel_path::RelPath;
use crate::ops::change;
use crate::ops::discard;
use crate::ops::plan::unfinished;
use crate::ops::ports::Ports;
use crate::ops::{release, submit};
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::journal::{Account, Journal};
use crate::volume::lock::Lock;
use crate::volume::release_file::{ReleaseFile, RunRecord};
use crate::volume::trash::Discard;

/// Ends the plan; the lock is the release's.
pub(super) fn recover(means: &Means<'_>, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    let intent = change::of(account)?;
    let file = release::load(means.volume, &intent.release)?;
    let orphans = unfinished::orphans(means.volume, &intent)?;
    let unsubmitted = file.filter(|file| file.jobs.iter().any(|job| job.runs.iter().any(RunRecord::is_pending)));
    // Without a Manager nothing is begun.
    let ports = unsubmitted.is_some().then(|| means.ports()).transpose()?;
    if let (Some(file), Some(ports)) = (&unsubmitted, &ports) {
        submit::refuse_pending_elsewhere(file, &ports.manager.address())?;
    }
    let journal = Journal::resume(means.volume, lock, account)?;
    let submitted = match (unsubmitted, ports) {
        (Some(file), Some(ports)) => submit_rest(&ports, lock, file)?,
        _ => 0,
    };
    discard(means.volume, lock, account, &orphans)?;
    journal.done(&"ended by recover")?;
    Ok(match orphans.len() {
        0 => (Verdict::Finished, format!("{} submitted, nothing was missing otherwise", counted(submitted, "run"))),
        count => (
            Verdict::RolledBack,
            format!(
                "{} of jobs that were not planned to their end {} in the trash; plan them again",
                counted(count, "file"),
                agree(count, "is", "are")
            ),
        ),
    })
}

fn submit_rest(ports: &Ports<'_>, lock: &Lock, mut file: ReleaseFile) -> Result<usize, Failure> {
    Ok(submit::submit_pending(ports, lock, &mut file, clock::now())?.len())
}

fn discard(volume: &Volume, lock: &Lock, account: &Account, orphans: &[RelPath]) -> Result<(), Failure> {
    let reason = "its job was not planned to the end".to_owned();
    let discards: Vec<Discard> =
        orphans.iter().map(|path| Discard { path: path.clone(), reason: reason.clone() }).collect();
    discard::within(volume, lock, account.intent.id, &discards).map(drop)
}
