//! What the Manager has of a release's runs, before any of them is submitted.

use crate::base::error::Failure;
use crate::base::ids::{JobId, RunId};
use crate::base::status::JobStatus;
use crate::base::time::Timestamp;
use crate::manager::ManagerJob;
use crate::ops::ports::Ports;
use crate::sys::clock;
use crate::sys::interrupt;
use crate::volume::release_file::{ReleaseFile, RunRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The Manager's jobs of the release's runs. Runs of an earlier command that may still arrive are waited for.
///
/// Of jobs that were submitted twice all the same one counts, and the others are ended: two renderers must not write the
/// same frames.
pub(super) fn look(
    ports: &Ports<'_>,
    file: &ReleaseFile,
    began: Timestamp,
) -> Result<BTreeMap<RunId, ManagerJob>, Failure> {
    let (address, within) = (ports.manager.address(), ports.manager.may_arrive_within());
    let mut told = false;
    loop {
        // What comes while the list is told may not be in it.
        let now = clock::now();
        let known = known_runs(ports, file)?;
        let is_pending = |run: &&RunRecord| run.is_pending_at(&address) && !known.contains_key(&run.id);
        let pending = file.jobs.iter().flat_map(|job| &job.runs).filter(is_pending);
        let left = pending.map(|run| may_come_for(run, began, now, within)).max().unwrap_or_default();
        if left.is_zero() {
            return Ok(known);
        }
        if !told {
            let seconds = left.as_secs() + 1;
            ports.progress.note(&format!("waiting up to {seconds} s for a submission that may still be on its way"));
            told = true;
        }
        ports.go_on()?;
        interrupt::rest(left.min(ports.manager.look_again()));
    }
}

/// How long a run that the Manager does not have may still arrive, where that takes no longer than `within`.
fn may_come_for(run: &RunRecord, began: Timestamp, now: Timestamp, within: Duration) -> Duration {
    let since = |then: Timestamp, patience: Duration| patience.saturating_sub(now.since(then));
    match run.in_doubt {
        // Its sender was killed, nobody knows when: before this command began.
        _ if run.sending => since(began, within),
        Some(then) => since(then, within),
        None => Duration::ZERO,
    }
}

fn known_runs(ports: &Ports<'_>, file: &ReleaseFile) -> Result<BTreeMap<RunId, ManagerJob>, Failure> {
    let (known, doubled) = sort_out(ports.manager.jobs()?, file);
    for (run, job) in &doubled {
        end_duplicate(ports, job, &known[run])?;
    }
    Ok(known)
}

/// Ends the doubles of runs that all have a job: a request that was given up may arrive after another took its place.
pub(super) fn end_doubled(ports: &Ports<'_>, file: &ReleaseFile) -> Result<(), Failure> {
    known_runs(ports, file).map(drop)
}

/// Whether there are any to be ended.
pub(super) fn is_doubled(ports: &Ports<'_>, file: &ReleaseFile) -> Result<bool, Failure> {
    Ok(!sort_out(ports.manager.jobs()?, file).1.is_empty())
}

/// Of the release's runs the job that counts, and those that do the same again. The one that the release names stays: it is
/// looked at by its id.
fn sort_out(mut jobs: Vec<ManagerJob>, file: &ReleaseFile) -> (BTreeMap<RunId, ManagerJob>, Vec<(RunId, ManagerJob)>) {
    let runs: BTreeMap<RunId, Option<&JobId>> =
        file.jobs.iter().flat_map(|job| &job.runs).map(|run| (run.id, run.manager_job.as_ref())).collect();
    let named: BTreeSet<&JobId> = runs.values().copied().flatten().collect();
    jobs.sort_by_cached_key(|job| {
        let (is_over, created, id) = job.precedence();
        (is_over, !named.contains(id), created, id.clone())
    });
    let (mut known, mut doubled) = (BTreeMap::<RunId, ManagerJob>::new(), Vec::new());
    for job in jobs {
        let Some(run) = job.run_id().filter(|run| runs.contains_key(run)) else { continue };
        let ends = job.status.has_ended() || job.status == JobStatus::CancelRequested;
        match known.get(&run) {
            None => drop(known.insert(run, job)),
            Some(_) if !ends => doubled.push((run, job)),
            Some(_) => {}
        }
    }
    (known, doubled)
}

fn end_duplicate(ports: &Ports<'_>, job: &ManagerJob, first: &ManagerJob) -> Result<(), Failure> {
    let reason = format!("farm: submitted twice, job {} is the same", first.id);
    ports.progress.note(&format!("{}: job {} was submitted twice and is ended; {} stays", job.name, job.id, first.id));
    Ok(ports.manager.set_job_status(&job.id, JobStatus::CancelRequested, &reason)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;

    /// The second job of a run is the double, whichever came first, and only while it may still render.
    #[test]
    fn the_job_that_the_release_names_is_the_one_that_stays() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", crate::base::status::TaskStatus::Queued);
        let second = room.manager.jobs[0].clone();
        let first = ManagerJob { id: JobId("earlier".into()), created: Timestamp::from_unix(1), ..second.clone() };
        let ends = |file: &ReleaseFile, first: &ManagerJob, second: &ManagerJob| {
            let (known, doubled) = sort_out(vec![first.clone(), second.clone()], file);
            assert_eq!(known.len(), 1);
            doubled.into_iter().map(|(_, job)| job.id).collect::<Vec<_>>()
        };
        assert_eq!(ends(&room.file, &first, &second), vec![second.id.clone()], "none is named");
        room.file.jobs[0].runs[0].manager_job = Some(second.id.clone());
        assert_eq!(ends(&room.file, &first, &second), vec![first.id.clone()]);
        for status in [JobStatus::CancelRequested, JobStatus::Canceled, JobStatus::Completed] {
            assert!(ends(&room.file, &ManagerJob { status, ..first.clone() }, &second).is_empty());
        }
        let failed = ManagerJob { status: JobStatus::Failed, ..second.clone() };
        assert!(ends(&room.file, &first, &failed).is_empty(), "the other one renders instead");
    }

    const WITHIN: Duration = Duration::from_secs(30);

    #[test]
    fn a_run_of_an_earlier_command_may_still_arrive() {
        let mut room = Room::new(&[("A", "1-3")]);
        room.add_run("1-3", crate::base::status::TaskStatus::Queued);
        let mut run = room.file.jobs[0].runs[0].clone();
        let written = run.submitted;
        let at = |seconds| written.plus_seconds(seconds);
        assert_eq!(may_come_for(&run, at(1), at(2), WITHIN), Duration::ZERO, "it was never sent");
        run.sending = true;
        assert_eq!(
            may_come_for(&run, at(1000), at(1010), WITHIN),
            Duration::from_secs(20),
            "its sender may have been killed just before this command began"
        );
        run.sending = false;
        run.in_doubt = Some(at(100));
        assert_eq!(
            may_come_for(&run, at(101), at(110), WITHIN),
            Duration::from_secs(20),
            "it was sent, and no answer came"
        );
        assert_eq!(may_come_for(&run, at(101), at(131), WITHIN), Duration::ZERO);
    }
}
