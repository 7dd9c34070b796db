//! Ending the runs of jobs that get a new revision, before any of their files is touched.

use crate::base::error::Failure;
use crate::base::ids::RunId;
use crate::base::name::JobName;
use crate::base::time::Timestamp;
use crate::manager::ManagerJob;
use crate::ops::ports::Ports;
use crate::ops::{ending, submit};
use crate::volume::release_file::{ReleaseFile, RunRecord};
use std::collections::HashSet;

/// Ends whatever these jobs have in the Manager's queue and waits until nobody can write for them. Runs that the Manager
/// never had are withdrawn in `file`; where that is in doubt, they are looked for first. Runs written down before `began`
/// are those of an earlier command.
pub(super) fn end(
    ports: &Ports<'_>,
    file: &mut ReleaseFile,
    jobs: &HashSet<JobName>,
    began: Timestamp,
    reason: &str,
) -> Result<(), Failure> {
    let mut meant = file.clone();
    meant.jobs.retain(|record| jobs.contains(&record.name));
    let runs: HashSet<RunId> = meant.jobs.iter().flat_map(|record| &record.runs).map(|run| run.id).collect();
    if runs.is_empty() {
        return Ok(());
    }
    let known = submit::look(ports, &meant, began)?;
    let is_pending = |run: &&mut RunRecord| runs.contains(&run.id) && run.is_pending();
    for run in file.jobs.iter_mut().flat_map(|record| &mut record.runs).filter(is_pending) {
        (run.sending, run.in_doubt) = (false, None);
        match known.get(&run.id) {
            Some(job) => run.manager_job = Some(job.id.clone()),
            None => run.withdrawn = true,
        }
    }
    // Also those that have ended: a status word says nothing about a renderer.
    let of_these = |job: &ManagerJob| job.run_id().is_some_and(|run| runs.contains(&run));
    let mut open = ports.manager.jobs()?;
    open.retain(|job| of_these(job) && !job.has_all_tasks_completed());
    ending::end_and_wait(ports, &open, reason)?;
    meant.jobs.clone_from(&file.jobs);
    meant.jobs.retain(|record| jobs.contains(&record.name));
    ending::require_quiet(ports, &meant)
}
