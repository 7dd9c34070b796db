//! Carrying a retry out, home by home under its lock, so that a death at any point costs nothing but a second call.
//!
//! Order: journal; bad frames to the trash, in the journal's own transaction; the record with the runs that are about to be
//! submitted; submission; journal done. No frame of these is any worker's: what one may still write is left to it.

use super::{RetryJob, RetryPlan, Suspects, by_home, survey};
use crate::base::consent::Consent;
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, TransactionId};
use crate::base::name::{Home, JobName, JobRef};
use crate::ops::change::{self, Author, Before, Change, ChangedJob};
use crate::ops::discard;
use crate::ops::ports::Ports;
use crate::ops::{harvest, locking, release, storage, submit, undo};
use crate::sys::clock;
use crate::volume::journal::Journal;
use crate::volume::lock::Lock;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use crate::volume::trash::Discard;
use serde::Serialize;

const NOTHING: &str = "nothing was submitted";

/// What a retry did.
#[derive(Debug, Clone, Serialize)]
pub struct RetryReport {
    /// Who agreed to it, and how.
    pub consent: Consent,
    /// The runs that were submitted now.
    pub submitted: Vec<SubmittedRun>,
    /// How many files and folders went to the trash.
    pub trashed: usize,
    /// The changes, by which they can be taken back: one for each release of which frames are rendered again.
    pub changes: Vec<TransactionId>,
}

/// A run that was submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubmittedRun {
    /// Its job.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// The Manager's id.
    pub id: JobId,
    /// Its frames.
    pub frames: FrameSet,
}

/// Does what was shown, or refuses because the world moved since.
pub fn apply(ports: &Ports<'_>, shown: &RetryPlan, consent: Consent) -> Result<RetryReport, Failure> {
    check_place(ports, shown)?;
    storage::require(ports.volume, ports.manager)?;
    let mut report = RetryReport { consent, submitted: Vec::new(), trashed: 0, changes: Vec::new() };
    for (home, jobs) in by_home(&shown.jobs, |job| &job.reference) {
        if let Err(failure) = apply_home(ports, shown, &home, &jobs, &mut report) {
            return Err(how_far(failure, &home, &report));
        }
    }
    Ok(report)
}

/// Refuses a plan that is for another volume or Manager.
fn check_place(ports: &Ports<'_>, shown: &RetryPlan) -> Result<(), Failure> {
    let (id, manager) = (ports.volume.id(), ports.manager.address());
    let refuse = |what, hint| Err(Failure::new(Class::Refused, format!("the plan is for {what}")).with_hint(hint));
    if shown.volume != id {
        return refuse(format!("volume {}, this is {id}", shown.volume), "Name the plan's own volume with --volume.");
    }
    if shown.manager != manager {
        let what = format!("the Manager {}, this is {manager}", shown.manager);
        return refuse(what, "Name the plan's own Manager with --manager.");
    }
    Ok(())
}

/// What a failure has to say of the homes before it.
fn how_far(failure: Failure, home: &Home, report: &RetryReport) -> Failure {
    if report.submitted.is_empty() {
        return failure;
    }
    let done = counted(report.submitted.len(), "run");
    let class = if failure.class() == Class::Refused { Class::Partial } else { failure.class() };
    let said = Failure::new(class, format!("{home}: {}; {done} of others submitted before", failure.message()));
    match failure.hint() {
        Some(hint) => said.with_hint(hint),
        None => said,
    }
}

fn apply_home(
    ports: &Ports<'_>,
    shown: &RetryPlan,
    home: &Home,
    jobs: &[&RetryJob],
    report: &mut RetryReport,
) -> Result<(), Failure> {
    if !shown.interrupted.contains(home) && jobs.iter().all(|job| job.is_idle()) {
        return Ok(());
    }
    let lock = locking::lock_home(ports, home)?;
    let began = clock::now();
    // Frames that a killed harvest took are not missing.
    harvest::recover::finish_killed(ports, &lock, home)?;
    undo::end_killed(ports, &lock)?;
    let Some(mut file) = release::load(ports.volume, home)? else { return Err(moved(&jobs[0].reference)) };
    submit::refuse_pending_elsewhere(&file, &ports.manager.address())?;
    let names: Vec<JobName> = jobs.iter().map(|job| job.reference.job.clone()).collect();
    let now = survey::survey_locked(ports, &shown.request, &file, &names)?;
    let retried = current(jobs, now, &file)?;
    let transaction = match retried.is_empty() {
        true => None,
        false => Some(begin(ports, &lock, &mut file, &retried, report)?),
    };
    let submitted = submit::submit_pending(ports, &lock, &mut file, began)?;
    for (reference, id) in submitted {
        let frames = submit::frames_of(&file, &reference, &id);
        report.submitted.push(SubmittedRun { reference, id, frames });
    }
    if let Some(journal) = transaction {
        report.changes.push(journal.done(&retried.len())?);
    }
    Ok(())
}

/// Those of the jobs that are rendered again, as they are now, with the runs that were shown. Refuses where that is not what
/// was shown; a job whose run is recorded was begun by the same plan, and needs no more than its submission.
fn current(shown: &[&RetryJob], now: Vec<RetryJob>, file: &ReleaseFile) -> Result<Vec<RetryJob>, Failure> {
    let mut retried = Vec::new();
    for job in shown {
        let Some(found) = now.iter().find(|found| found.reference == job.reference) else {
            return Err(moved(&job.reference));
        };
        let is_begun =
            |record: &JobRecord| record.runs.iter().any(|run| Some(run.id) == job.run.as_ref().map(|run| run.id));
        if file.job(&job.reference.job).is_some_and(is_begun) {
            continue;
        }
        if found.frames != job.frames {
            return Err(moved(&job.reference));
        }
        if !job.frames.is_empty() {
            retried.push(RetryJob { run: job.run.clone(), ..found.clone() });
        }
    }
    Ok(retried)
}

fn moved(job: &JobRef) -> Failure {
    let words = format!("the plan is out of date: since it was made there were changes to {job}; {NOTHING}");
    Failure::new(Class::Refused, words).with_hint("Give the command again and look at the new plan.")
}

/// Journal, trash and record.
fn begin<'a>(
    ports: &Ports<'a>,
    lock: &'a Lock,
    file: &mut ReleaseFile,
    retried: &[RetryJob],
    report: &mut RetryReport,
) -> Result<Journal<'a>, Failure> {
    let change = Change {
        release: file.name.clone(),
        by: Some(Author::of(ports.actor)),
        store: Vec::new(),
        copies: Vec::new(),
        jobs: retried.iter().filter_map(|job| changed(job, file)).collect(),
    };
    let journal = Journal::begin(ports.volume, lock, change::RETRY, &change)?;
    let discards: Vec<Discard> = retried.iter().flat_map(|job| &job.trash).map(Discard::from).collect();
    report.trashed += discard::within(ports.volume, lock, journal.id(), &discards)?.items.len();
    for job in retried {
        let (Some(record), Some(run)) = (file.job_mut(&job.reference.job), &job.run) else { continue };
        submit::add_run(record, run.id, job.frames.clone(), &run.queueing(), &ports.manager.address());
    }
    lock.check()?;
    release::save(ports.volume, file)?;
    Ok(journal)
}

fn changed(job: &RetryJob, file: &ReleaseFile) -> Option<ChangedJob> {
    let record = file.job(&job.reference.job)?;
    Some(ChangedJob {
        name: record.name.clone(),
        frames: record.current().frames.clone(),
        before: Before::of(Some(record)),
        run: job.run.as_ref().map(|run| run.id),
        ends: Vec::new(),
    })
}

/// Which of the jobs still have something wrong with them, of what the request is about.
pub fn still_wrong(plan: &RetryPlan) -> impl Iterator<Item = &RetryJob> {
    let counts_suspects = plan.request.suspects == Suspects::Render;
    plan.jobs.iter().filter(move |job| {
        let lost = !job.bad.is_empty() || !job.missing.is_empty() || !job.left.is_empty();
        lost || (counts_suspects && !job.suspect.is_empty())
    })
}
