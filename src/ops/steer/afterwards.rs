//! After jobs were ended: what their workers still do, and taking the jobs away.

use super::apply::reason;
use super::{Outcome, PlannedJob, SteerPlan, SteerReport, SteerRequest, Verdict};
use crate::base::counted::{agree, counted};
use crate::base::error::Failure;
use crate::base::ids::JobId;
use crate::base::status::JobStatus;
use crate::manager::{ManagerError, ManagerJob, Order};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::ending::{PATIENCE, can_be_cancelled, end_and_wait};
use crate::ops::ports::Ports;
use crate::ops::quiet;
use crate::ops::status::GONE;
use crate::sys::clock::Stopwatch;
use crate::sys::interrupt;
use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;
use std::time::Duration;

/// So many jobs are asked for one by one; of more the whole list is.
const FEW: usize = 64;
/// How long the Manager may take to forget jobs, and how many more it forgets in a second.
const FORGETTING: Duration = Duration::from_secs(90);
const FORGOTTEN_A_SECOND: u64 = 100;

/// One look, without waiting for anything. The jobs are over whatever comes of it.
pub(super) fn look_once(ports: &Ports<'_>, report: &mut SteerReport) {
    let begun = begun(report);
    if begun.is_empty() || begun.len() > FEW {
        return;
    }
    match still_there(ports, &begun) {
        Ok(jobs) => note_ends(report, jobs.into_iter()),
        Err(failure) => report.notes.push(format!("nobody could look how they ended: {}", failure.message())),
    }
}

/// Flamenco 3.2 takes a priority of 0 and keeps the one before: its database leaves noughts out of a change. Later ones do
/// not (tried on 3.5 to 3.9). A line where nobody could look.
pub(super) fn check_priority(ports: &Ports<'_>, plan: &mut SteerPlan, priority: u8) -> Option<String> {
    if priority != 0 || !ports.manager.is_remote() {
        return None;
    }
    let is_told = |job: &&PlannedJob| job.outcome == Outcome::Done;
    let told = plan.jobs.iter().filter(is_told).flat_map(|job| &job.told).filter(|told| told.is_told);
    let ids: Vec<JobId> = told.map(|told| told.id.clone()).collect();
    let there = match still_there(ports, &ids) {
        Ok(there) => there,
        Err(failure) => return Some(format!("nobody could look whether it has the priority: {}", failure.message())),
    };
    let kept: HashMap<JobId, u8> =
        there.into_iter().filter(|job| job.priority != priority).map(|job| (job.id, job.priority)).collect();
    for job in plan.jobs.iter_mut().filter(|job| job.outcome == Outcome::Done) {
        if let Some(kept) = job.told.iter().find_map(|told| kept.get(&told.id)) {
            job.outcome = Outcome::Failed;
            job.note =
                format!("the Manager keeps priority {kept}, for its Flamenco knows none of 0; 1 is the least there");
        }
    }
    None
}

/// What the Manager has of these jobs.
fn still_there(ports: &Ports<'_>, ids: &[JobId]) -> Result<Vec<ManagerJob>, Failure> {
    if ids.len() > FEW {
        let ids: HashSet<&JobId> = ids.iter().collect();
        return Ok(ports.manager.jobs_where(&mut |job| ids.contains(&job.id))?);
    }
    let told = try_by_hands(ports, ports.manager.requests_at_once(), ids, |id| ports.manager.job(id))?;
    Ok(told.into_iter().flatten().collect())
}

/// Says what was done before a failure, of which `what` names the rest.
fn after_the_kill(report: &SteerReport, what: &'static str) -> impl Fn(Failure) -> Failure + use<> {
    let killed = report.plan.killed();
    move |failure| match killed {
        0 => failure.context(format!("nothing had to be killed, but {what}")),
        _ => failure.context(format!("killed {}, but {what}", counted(killed, "job"))),
    }
}

/// Waits until no worker can write for what was ended, then looks how it ended. What a late report brought back to life is
/// ended once more, and waited for.
pub(super) fn wait(ports: &Ports<'_>, request: &SteerRequest, report: &mut SteerReport) -> Result<(), Failure> {
    let but = after_the_kill(report, "the waiting failed");
    let waited_for = [begun(report), ended_before(report)].concat();
    quiet::wait_for_ended(ports, &waited_for, report.began, PATIENCE).map_err(&but)?;
    if !begun(report).is_empty() {
        let jobs = still_there(ports, &told(report)).map_err(&but)?;
        let again: Vec<ManagerJob> = jobs.iter().filter(|job| can_be_cancelled(&job.status)).cloned().collect();
        if !again.is_empty() {
            end_and_wait(ports, &again, &reason(ports, request)).map_err(&but)?;
            report.notes.push(format!(
                "{} came back by a late report of {} worker, and {} ended again",
                counted(again.len(), "job"),
                agree(again.len(), "its", "their"),
                agree(again.len(), "was", "were")
            ));
        }
        note_ends(report, jobs.into_iter());
    }
    report.quiet = Some(true);
    Ok(())
}

/// Jobs that had ended before: their workers may not have. Of many nobody asks.
fn ended_before(report: &SteerReport) -> Vec<JobId> {
    let is_over = |job: &&PlannedJob| job.verdict == Verdict::AlreadyEnded && job.status != GONE;
    let ended: Vec<JobId> = report.plan.jobs.iter().filter(is_over).filter_map(|job| job.id.clone()).collect();
    if ended.len() > FEW { Vec::new() } else { ended }
}

/// The Manager's jobs that were told to end.
fn told(report: &SteerReport) -> Vec<JobId> {
    let done = report.plan.jobs.iter().filter(|job| job.verdict == Verdict::Cancel && job.outcome == Outcome::Done);
    done.flat_map(|job| job.told.iter().filter(|told| told.is_told)).map(|told| told.id.clone()).collect()
}

/// The Manager's jobs that are over and at whose tasks somebody may be. One that could not be ended goes on: nobody waits
/// for that.
pub(super) fn begun(report: &SteerReport) -> Vec<JobId> {
    let is_over = |job: &&PlannedJob| {
        matches!((job.verdict, job.outcome), (Verdict::Cancel, Outcome::Done) | (Verdict::Delete, Outcome::Untouched))
    };
    let jobs = report.plan.jobs.iter().filter(is_over);
    let told = jobs.flat_map(|job| job.told.iter().filter(|told| told.is_begun));
    told.map(|told| told.id.clone()).collect()
}

/// A worker's report may be on its way when its job ends, and the Manager believes it: the job is over all the same.
fn note_ends(report: &mut SteerReport, jobs: impl Iterator<Item = ManagerJob>) {
    let late = |status: &JobStatus| matches!(status, JobStatus::Failed | JobStatus::Completed);
    let ends: HashMap<JobId, JobStatus> =
        jobs.filter(|job| late(&job.status)).map(|job| (job.id, job.status)).collect();
    for job in report.plan.jobs.iter_mut().filter(|job| job.verdict == Verdict::Cancel && job.outcome == Outcome::Done)
    {
        let end = job.told.iter().filter(|told| told.is_told).find_map(|told| ends.get(&told.id));
        if let Some(status) = end {
            job.note = format!("it is called {status}, by a late report of its worker; it has ended all the same");
        }
    }
}

/// Has the Manager forget the jobs, and waits until it has.
pub(super) fn delete(ports: &Ports<'_>, request: &SteerRequest, report: &mut SteerReport) -> Result<(), Failure> {
    let is_meant = |place: &usize| {
        let job = &report.plan.jobs[*place];
        job.verdict == Verdict::Delete && job.outcome == Outcome::Untouched
            || job.verdict == Verdict::Cancel && job.outcome == Outcome::Done
    };
    let places: Vec<usize> = (0..report.plan.jobs.len()).filter(is_meant).collect();
    let ids = |place: &usize| report.plan.jobs[*place].told.iter().map(|told| told.id.clone()).collect::<Vec<_>>();
    let owners: Vec<(usize, JobId)> =
        places.iter().flat_map(|place| ids(place).into_iter().map(|id| (*place, id))).collect();
    let orders: Vec<(JobId, Order)> = owners.iter().map(|(_, id)| (id.clone(), Order::Delete)).collect();
    let but = after_the_kill(report, "not all of them are deleted");
    let mut failure: Option<Failure> = None;
    ports.manager.order_all(&orders, &reason(ports, request), &mut |number, outcome| {
        let job = &mut report.plan.jobs[owners[number].0];
        match outcome {
            Ok(()) | Err(ManagerError::NotFound { .. }) if job.outcome == Outcome::Untouched => {
                job.outcome = Outcome::Done;
            }
            Ok(()) | Err(ManagerError::NotFound { .. }) => {}
            Err(error @ ManagerError::Rejected { .. }) => job.is_not_deleted(error.to_string()),
            // Whoever interrupted wants to hear of that, and not of what was cut short by it.
            Err(error) => {
                failure.get_or_insert_with(|| ports.go_on().err().unwrap_or_else(|| error.into()));
            }
        }
        if failure.is_some() || ports.go_on().is_err() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    // What the Manager refuses to delete is not waited for.
    let asked: Vec<(usize, JobId)> =
        owners.into_iter().filter(|(place, _)| report.plan.jobs[*place].outcome == Outcome::Done).collect();
    match failure {
        Some(failure) => Err(but(failure)),
        None => ports.go_on().and_then(|()| forget(ports, report, &asked)).map_err(but),
    }
}

/// Waits, within bounds, until none of them is in the list.
fn forget(ports: &Ports<'_>, report: &mut SteerReport, owners: &[(usize, JobId)]) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let patience = FORGETTING + Duration::from_secs(owners.len() as u64 / FORGOTTEN_A_SECOND);
    let places: HashMap<&JobId, usize> = owners.iter().map(|(place, id)| (id, *place)).collect();
    let ids: Vec<JobId> = owners.iter().map(|(_, id)| id.clone()).collect();
    loop {
        let left: HashSet<usize> =
            still_there(ports, &ids)?.iter().filter_map(|job| places.get(&job.id).copied()).collect();
        if left.is_empty() || watch.has_passed(patience) {
            report.deleted = owners.iter().map(|(place, _)| place).collect::<HashSet<_>>().len() - left.len();
            for place in &left {
                let note = "the Manager was asked to delete it, and still has it".to_owned();
                report.plan.jobs[*place].is_not_deleted(note);
            }
            if !left.is_empty() {
                let count = left.len();
                report.notes.push(format!(
                    "{} {} not gone yet: Flamenco deletes a few at a time",
                    counted(count, "job"),
                    agree(count, "is", "are")
                ));
            }
            return Ok(());
        }
        ports.go_on()?;
        interrupt::rest(ports.manager.look_again());
    }
}
