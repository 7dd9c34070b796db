//! What a kill writes on the volume: runs that are never submitted, and the journal that `farm undo` reads.

use super::{Outcome, PlannedJob, SteerPlan};
use crate::base::error::Failure;
use crate::base::ids::RunId;
use crate::base::name::{Home, JobRef};
use crate::manager::ManagerJob;
use crate::ops::change::{Author, Before, Change, ChangedJob, KILL};
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::locking::try_lock_home;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::select::Key;
use crate::sys::clock;
use crate::volume::journal::Journal;
use crate::volume::release_file::{ReleaseFile, RunRecord};
use std::collections::BTreeMap;

/// What came of taking back the runs of a job.
pub(super) enum Withdrawn {
    /// They are never submitted.
    Done,
    /// They may be, and why.
    Not(String),
}

/// Jobs of a plan by their home, each with its place.
type ByHome<'a> = BTreeMap<&'a Home, Vec<(usize, &'a JobRef, &'a PlannedJob)>>;

fn by_home(jobs: &[PlannedJob], wanted: impl Fn(&PlannedJob) -> bool) -> ByHome<'_> {
    let mut by_home = ByHome::new();
    for (place, job) in jobs.iter().enumerate().filter(|(_, job)| wanted(job)) {
        if let Key::Job(reference) = &job.key {
            by_home.entry(&reference.home).or_default().push((place, reference, job));
        }
    }
    by_home
}

/// Marks runs that were written down and never submitted, so that nobody submits them later. What came of it, by the jobs'
/// places.
pub(super) fn withdraw(ports: &Ports<'_>, jobs: &[PlannedJob]) -> Result<Vec<(usize, Withdrawn)>, Failure> {
    let wanted = |job: &PlannedJob| job.outcome == Outcome::Untouched && !job.withdrawn.is_empty();
    let mut outcomes = Vec::new();
    for (home, jobs) in by_home(jobs, wanted) {
        let Some(lock) = try_lock_home(ports, home)? else {
            let why = || Withdrawn::Not(format!("somebody is at work on {home} and may be submitting it just now"));
            outcomes.extend(jobs.iter().map(|(place, ..)| (*place, why())));
            continue;
        };
        let Some(mut file) = release::load(ports.volume, home)? else { continue };
        let there = ports.manager.jobs()?;
        let mut is_changed = false;
        for (place, reference, job) in jobs {
            let outcome = withdraw_runs(ports, &mut file, reference, &job.withdrawn, &there);
            is_changed |= matches!(outcome, Withdrawn::Done);
            outcomes.push((place, outcome));
        }
        if is_changed {
            lock.check()?;
            release::save(ports.volume, &file)?;
        }
    }
    Ok(outcomes)
}

fn withdraw_runs(
    ports: &Ports<'_>,
    file: &mut ReleaseFile,
    reference: &JobRef,
    ids: &[RunId],
    there: &[ManagerJob],
) -> Withdrawn {
    let by_run = JobsByRun::of(there);
    let runs = || file.job(&reference.job).into_iter().flat_map(|job| &job.runs).filter(|run| ids.contains(&run.id));
    if runs().any(|run| run.manager_job.is_some() || by_run.get(run.id).is_some()) {
        return Withdrawn::Not("it was submitted meanwhile; give the same command again".to_owned());
    }
    if runs().any(|run| is_on_its_way(ports, run)) {
        return Withdrawn::Not(
            "its submission may still be on its way; give the same command again in a minute".to_owned(),
        );
    }
    let job = file.job_mut(&reference.job);
    job.into_iter()
        .flat_map(|job| &mut job.runs)
        .filter(|run| ids.contains(&run.id))
        .for_each(|run| run.withdrawn = true);
    Withdrawn::Done
}

/// Whether a submission without an answer may still come to the Manager.
fn is_on_its_way(ports: &Ports<'_>, run: &RunRecord) -> bool {
    let sent = run.in_doubt.unwrap_or(run.submitted);
    let is_sent = run.sending || run.in_doubt.is_some();
    is_sent && clock::now().since(sent) < ports.manager.may_arrive_within()
}

/// Writes down what was ended, for whoever wants it back. Nobody waits for that: the line says of which release it is not
/// known.
pub(super) fn write_down(ports: &Ports<'_>, plan: &SteerPlan) -> Vec<String> {
    let mut notes = Vec::new();
    // Also what had no answer: it may be over.
    let is_ended = |job: &PlannedJob| matches!(job.outcome, Outcome::Done | Outcome::Unanswered);
    for (home, jobs) in by_home(&plan.jobs, is_ended) {
        let jobs: Vec<ChangedJob> =
            jobs.into_iter().filter_map(|(_, reference, job)| changed(reference, job)).collect();
        let change = Change {
            release: home.clone(),
            by: Some(Author::of(ports.actor)),
            store: Vec::new(),
            copies: Vec::new(),
            jobs,
        };
        let cause = match journal(ports, home, &change) {
            Ok(true) => continue,
            Ok(false) => "somebody is at work on it".to_owned(),
            Err(failure) => failure.message(),
        };
        notes.push(format!("{home}: `farm undo` will not know of this kill: {cause}"));
    }
    notes
}

fn changed(reference: &JobRef, job: &PlannedJob) -> Option<ChangedJob> {
    let told = job.told.iter().filter(|told| told.is_told).filter_map(|told| told.run);
    let ends: Vec<RunId> = told.chain(job.withdrawn.iter().copied()).collect();
    let (name, frames) = (reference.job.clone(), job.frames.clone());
    (!ends.is_empty()).then_some(ChangedJob { name, frames, before: Before::Unknown, run: None, ends })
}

fn journal(ports: &Ports<'_>, home: &Home, change: &Change) -> Result<bool, Failure> {
    if change.jobs.is_empty() {
        return Ok(true);
    }
    let Some(lock) = try_lock_home(ports, home)? else { return Ok(false) };
    Journal::begin(ports.volume, &lock, KILL, change)?.done(&"killed")?;
    Ok(true)
}

/// Writes the priority into the records, so that what is submitted again of the jobs has it too.
pub(super) fn keep_priority(ports: &Ports<'_>, plan: &SteerPlan, priority: u8) -> Vec<String> {
    let mut notes = Vec::new();
    for (home, jobs) in by_home(&plan.jobs, |job| job.outcome == Outcome::Done) {
        let names = jobs.iter().map(|(_, reference, _)| &reference.job).collect::<Vec<_>>();
        let keep = || -> Result<bool, Failure> {
            let Some(lock) = try_lock_home(ports, home)? else { return Ok(false) };
            let Some(mut file) = release::load(ports.volume, home)? else { return Ok(true) };
            for job in file.jobs.iter_mut().filter(|job| names.contains(&&job.name)) {
                job.runs.last_mut().into_iter().for_each(|run| run.priority = priority);
            }
            lock.check()?;
            release::save(ports.volume, &file)?;
            Ok(true)
        };
        let cause = match keep() {
            Ok(true) => continue,
            Ok(false) => "somebody is at work on it".to_owned(),
            Err(failure) => failure.message(),
        };
        notes.push(format!("{home}: what is submitted again will have the old priority: {cause}"));
    }
    notes
}
