//! A plan that was not carried out to its end.
//!
//! `release.yaml` decides: what it names counts, and whatever of it the Manager does not have is submitted. Files that
//! were put onto the volume for jobs that it does not name go to the trash.

use super::{Means, Verdict};
use crate::base::error::{Class, Failure};
use crate::base::rel_path::RelPath;
use crate::ops::plan::apply::PlanIntent;
use crate::ops::ports::Ports;
use crate::ops::{release, submit};
use crate::sys::clock;
use crate::volume::journal::{Account, Journal};
use crate::volume::lock::Lock;
use crate::volume::release_file::ReleaseFile;
use crate::volume::trash::{Discard, HOLD_DAYS, Trash};
use crate::volume::{Volume, layout};
use std::collections::BTreeSet;

/// The folder of what scenes need, within a store.
const DEPS: &str = "deps";

/// Ends the plan; the lock is the release's.
pub(super) fn recover(means: &Means<'_>, lock: &Lock, account: &Account) -> Result<(Verdict, String), Failure> {
    let intent: PlanIntent = serde_json::from_value(account.intent.body.clone()).map_err(|error| {
        Failure::new(Class::Refused, format!("the journal of plan {} cannot be understood: {error}", account.intent.id))
            .with_hint("Run `farm recover` with the farm that began it, or a newer one.")
    })?;
    let file = release::load(means.volume, &intent.release)?;
    let orphans = orphans(means.volume, &intent)?;
    let unsubmitted =
        file.filter(|file| file.jobs.iter().any(|job| job.runs.iter().any(|run| run.manager_job.is_none())));
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
        0 => (Verdict::Finished, format!("{submitted} run(s) submitted, nothing was missing otherwise")),
        count => (
            Verdict::RolledBack,
            format!("{count} file(s) of jobs that were not planned to their end are in the trash; plan them again"),
        ),
    })
}

fn submit_rest(ports: &Ports<'_>, lock: &Lock, mut file: ReleaseFile) -> Result<usize, Failure> {
    Ok(submit::submit_pending(ports, lock, &mut file, clock::now())?.len())
}

/// What the plan put there and no release names. A release that cannot be read might, so that it stops this.
fn orphans(volume: &Volume, intent: &PlanIntent) -> Result<Vec<RelPath>, Failure> {
    let mut named = Named::default();
    for name in volume.releases()?.names {
        if let Some(file) = release::load(volume, &name)? {
            named.add(&file);
        }
    }
    let mut orphans = Vec::new();
    for path in intent.store.iter().chain(&intent.copies) {
        // Nothing but a release's store is ever rolled back, whatever a journal says.
        let is_of_store = path.is_within(&layout::store_dir(&crate::base::name::Home::Release(intent.release.clone())));
        if is_of_store && !named.has(path) && volume.stat(path)?.is_some() {
            orphans.push(path.clone());
        }
    }
    Ok(orphans)
}

/// What release files mention.
#[derive(Default)]
struct Named {
    paths: BTreeSet<RelPath>,
    /// Folders of dependencies: a release file names one file of a sequence, and uses all of them.
    folders: BTreeSet<RelPath>,
}

impl Named {
    fn add(&mut self, file: &ReleaseFile) {
        let revisions = file.jobs.iter().flat_map(|job| &job.revisions);
        for revision in revisions {
            self.paths.insert(revision.store.path.clone());
            for stored in revision.dependencies.iter().filter_map(|need| need.stored.as_ref()) {
                self.paths.insert(stored.clone());
                self.folders.extend(dependency_folder(stored));
            }
        }
    }

    fn has(&self, path: &RelPath) -> bool {
        let in_folder = dependency_folder(path).is_some_and(|folder| self.folders.contains(&folder));
        in_folder || self.paths.contains(path) || self.paths.iter().any(|named| path.is_within(named))
    }
}

/// `releases/<release>/store/deps/<digest>` of whatever lies in it.
fn dependency_folder(path: &RelPath) -> Option<RelPath> {
    let parts: Vec<&str> = path.parts().collect();
    let at = parts.iter().position(|part| *part == DEPS)?;
    RelPath::new(&parts.get(..at + 2)?.join("/")).ok()
}

fn discard(volume: &Volume, lock: &Lock, account: &Account, orphans: &[RelPath]) -> Result<(), Failure> {
    if orphans.is_empty() {
        return Ok(());
    }
    let reason = "its job was not planned to the end".to_owned();
    let discards: Vec<Discard> =
        orphans.iter().map(|path| Discard { path: path.clone(), reason: reason.clone() }).collect();
    let mut trash = Trash::begin(volume, lock, account.intent.id, clock::now(), HOLD_DAYS);
    trash.put(&discards)?;
    trash.finish()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rel(path: &str) -> RelPath {
        RelPath::new(path).unwrap()
    }

    #[test]
    fn a_dependency_is_named_by_its_folder() {
        let mut named = Named::default();
        let stored = rel("releases/r1/store/deps/0123/img_####.png");
        named.folders.extend(dependency_folder(&stored));
        named.paths.insert(stored);
        named.paths.insert(rel("releases/r1/store/A.blend"));
        for path in ["releases/r1/store/deps/0123/img_0001.png", "releases/r1/store/A.blend"] {
            assert!(named.has(&rel(path)), "{path}");
        }
        for path in ["releases/r1/store/deps/4567/img_0001.png", "releases/r1/store/B.blend", "releases/r1/store/deps"]
        {
            assert!(!named.has(&rel(path)), "{path}");
        }
    }
}
