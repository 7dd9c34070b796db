//! Ending runs before their files are touched: cancelled, and waited for until no worker can still write.

use crate::base::counted::{agree, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::ids::{JobId, RunId};
use crate::base::name::JobRef;
use crate::base::status::JobStatus;
use crate::manager::{ManagerError, ManagerJob};
use crate::ops::addresses::Addresses;
use crate::ops::check::OpenWork;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::ports::Ports;
use crate::ops::quiet;
use crate::sys::http::without_credentials;
use crate::volume::release_file::{ReleaseFile, RunRecord};
use std::time::Duration;

/// How long workers may take to stop: a worker of Flamenco asks each ten seconds whether it may go on.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the job may still do something, so that it can be cancelled.
pub fn can_be_cancelled(status: &JobStatus) -> bool {
    !status.has_ended()
}

/// What has to be ended so that a run does nothing more.
#[derive(Debug, Default)]
pub struct Ends {
    /// The Manager's jobs: those that go on, and those that have ended while a worker may still be writing.
    pub jobs: Vec<ManagerJob>,
    /// Runs that were written down and certainly never sent: they are withdrawn.
    pub withdrawn: Vec<RunId>,
}

/// What has to be ended for these runs of `file`. A run of another Manager, or one whose submission may still be on its
/// way, is refused: nobody here can tell what it does.
pub fn of_runs(ports: &Ports<'_>, file: &ReleaseFile, runs: &[&RunRecord]) -> Result<Ends, Failure> {
    let mut ends = Ends::default();
    if runs.is_empty() {
        return Ok(ends);
    }
    let jobs = ports.manager.jobs()?;
    let by_run = JobsByRun::of(&jobs);
    let addresses = Addresses::of(ports.manager, file, |run| by_run.get(*run).is_some());
    for run in runs.iter().filter(|run| !run.withdrawn) {
        match by_run.get(run.id) {
            Some(found) => ends.jobs.extend(found.iter().map(|job| (*job).clone())),
            None if !addresses.are_of(run) => return Err(elsewhere(run)),
            // The Manager forgot it, and with it who rendered it.
            None if run.manager_job.is_some() => {}
            None if run.sending || run.in_doubt.is_some() => return Err(in_doubt(run)),
            None => ends.withdrawn.push(run.id),
        }
    }
    Ok(ends)
}

fn elsewhere(run: &RunRecord) -> Failure {
    let manager = without_credentials(&run.manager);
    Failure::new(Class::Refused, format!("run {} of it was submitted to another Manager, {manager}", run.number))
        .with_hint(format!("Give the command again with --manager {manager}."))
}

fn in_doubt(run: &RunRecord) -> Failure {
    let words = format!("the submission of run {} of it had no answer and may still arrive", run.number);
    Failure::new(Class::Refused, words).with_hint("Give the command again in a minute, or run `farm recover` first.")
}

/// Cancels those of `jobs` that can still be, and waits until nobody can write for any of them.
///
/// Always `cancel-requested`: with `canceled` Flamenco's workers go on (seen on 3.2 to 3.9).
pub fn end_and_wait(ports: &Ports<'_>, jobs: &[ManagerJob], reason: &str) -> Result<(), Failure> {
    for job in jobs.iter().filter(|job| can_be_cancelled(&job.status)) {
        ports.go_on()?;
        match ports.manager.set_job_status(&job.id, JobStatus::CancelRequested, reason) {
            // Deleted since: nobody takes a task of it any more. Whether its renderer has ended is asked next.
            Ok(()) | Err(ManagerError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if jobs.is_empty() {
        return Ok(());
    }
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id.clone()).collect();
    quiet::wait(ports, &ids, PATIENCE)
}

/// Fails where a frame may still be written, by whomever: a job that was deleted in the Manager's own pages has nobody to
/// be waited for.
pub fn require_quiet(ports: &Ports<'_>, file: &ReleaseFile) -> Result<(), Failure> {
    let work = OpenWork::of(ports, file)?;
    let open = file.jobs.iter().map(|record| (record, work.frames(&record.name)));
    let Some((record, frames)) = open.into_iter().find(|(_, frames)| !frames.is_empty()) else { return Ok(()) };
    let job = JobRef::within(&file.name, &record.name);
    let words = format!(
        "{job}: {} {} written to lately, and nobody can tell that the renderer has ended",
        frames_named(&frames),
        agree(frames.len(), "was", "were")
    );
    Err(Failure::new(Class::Refused, words).with_hint("Give the command again in a minute."))
}
