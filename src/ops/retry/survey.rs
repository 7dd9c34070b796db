//! Finding out what a retry would do. Reads only.

use super::failures::{self, Hands};
use super::mending::{self, Mending};
use super::{HeldFrames, PlannedRun, RetryJob, RetryPlan, RetryRequest, SCHEMA, Verdict};
use crate::base::counted::{agree, counted, frames_named};
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::name::{Home, JobName, JobRef};
use crate::manager::{ManagerJob, ManagerWorker};
use crate::ops::check::held::{self, Held};
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::check::{self, JobFrames, OpenWork, Remember};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::submit::Queueing;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};

/// What a retry of the `chosen` jobs would do now.
pub fn survey(
    ports: &Ports<'_>,
    request: &RetryRequest,
    chosen: &[(Home, Vec<JobName>)],
) -> Result<RetryPlan, Failure> {
    let (queue, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let (mut jobs, mut hands) = (Vec::new(), Hands::default());
    for (home, names) in chosen {
        let look = Look { ports, request, remember: Remember::Nothing, queue: &queue, workers: &workers };
        let Some(file) = release::load(ports.volume, home)? else { continue };
        jobs.extend(look.home(&file, names, &mut hands)?);
    }
    Ok(RetryPlan {
        schema: SCHEMA.to_owned(),
        volume: ports.volume.id(),
        manager: ports.manager.address(),
        jobs,
        failing_workers: hands.failing(&workers),
        request: request.clone(),
    })
}

/// The same of one home, whose lock the caller holds: what is found is remembered.
pub(super) fn survey_locked(
    ports: &Ports<'_>,
    request: &RetryRequest,
    file: &ReleaseFile,
    names: &[JobName],
) -> Result<Vec<RetryJob>, Failure> {
    let (queue, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let look = Look { ports, request, remember: Remember::Keep, queue: &queue, workers: &workers };
    look.home(file, names, &mut Hands::default())
}

/// What each home is looked at with.
struct Look<'a> {
    ports: &'a Ports<'a>,
    request: &'a RetryRequest,
    remember: Remember,
    queue: &'a [ManagerJob],
    workers: &'a [ManagerWorker],
}

impl Look<'_> {
    fn home(&self, file: &ReleaseFile, names: &[JobName], hands: &mut Hands) -> Result<Vec<RetryJob>, Failure> {
        let ports = self.ports;
        let work = OpenWork::with_jobs(ports, file, &JobsByRun::of(self.queue), self.workers)?;
        let held = held::of(ports, file, &work);
        let records: Vec<&JobRecord> = file.jobs.iter().filter(|job| names.contains(&job.name)).collect();
        let found = check::check_jobs_and(self.remember, ports, &file.name, &records, &work, self.request.effort)?;
        let mut jobs = Vec::with_capacity(records.len());
        for (record, found) in records.into_iter().zip(&found) {
            let job = JobRef::within(&file.name, &record.name);
            let of_job = held.iter().filter(|held| held.job == record.name);
            let mending = mending::of(ports, &file.name, record, found, self.request.suspects)?;
            let mut planned = self.job(&job, record, found, mending, of_job);
            let wanted = planned.frames.union(&planned.missing);
            if !wanted.is_empty() {
                planned.failures = failures::of(ports, work.runs(record), &wanted, self.workers)?;
                hands.add(ports, &job, work.runs(record))?;
            }
            jobs.push(planned);
        }
        Ok(jobs)
    }

    fn job<'h>(
        &self,
        job: &JobRef,
        record: &JobRecord,
        found: &JobFrames,
        mending: Mending,
        held: impl Iterator<Item = &'h Held>,
    ) -> RetryJob {
        // What an earlier command wrote down and did not come to submit is submitted with this one.
        let pending = pending_frames(record, &self.ports.manager.address());
        let frames = mending.frames.minus(&pending);
        let rendering = found.rendering.clone();
        let held = held.filter(|held| held.why.is_odd());
        let held = held
            .map(|held| (held.frames.common(&found.rendering).minus(&pending), held))
            .filter(|(frames, _)| !frames.is_empty());
        let held: Vec<HeldFrames> = held
            .map(|(frames, held)| HeldFrames { frames, why: held.why.to_string(), next: held.why.next_step() })
            .collect();
        let run = (!frames.is_empty()).then(|| PlannedRun::new(queueing(record, &frames)));
        let verdict = match () {
            () if !frames.is_empty() || !pending.is_empty() => Verdict::Retry,
            () if !held.is_empty() => Verdict::Held,
            () if !mending.left.is_empty() => Verdict::Left,
            () if !rendering.is_empty() => Verdict::Waits,
            () => Verdict::Sound,
        };
        let mut planned = RetryJob {
            reference: job.clone(),
            verdict,
            reason: String::new(),
            bad: found.bad.clone(),
            missing: found.missing.clone(),
            suspect: found.suspect.minus(&found.harvested),
            rendering,
            pending,
            frames,
            trash: mending.trash,
            left: mending.left,
            held,
            hopeless: found.hopeless.clone(),
            failures: Vec::new(),
            run,
        };
        planned.reason = reason(&planned);
        planned
    }
}

/// Frames of runs for this Manager that are written down and are not known to be submitted.
fn pending_frames(record: &JobRecord, address: &str) -> FrameSet {
    let pending = |run: &&RunRecord| run.is_pending_at(address) && run.revision == record.current().number;
    FrameSet::union_of(record.runs.iter().filter(pending).map(|run| &run.frames))
}

/// As the run before was queued, but for a pause: what is retried is wanted now.
pub(super) fn queueing(record: &JobRecord, frames: &FrameSet) -> Queueing {
    match record.newest_run() {
        Some(last) => Queueing::again(last, frames),
        // It was planned by hand, or its runs were taken away: one task will do.
        None => Queueing { chunk: whole(frames), priority: DEFAULT_PRIORITY, tag: None, paused: false },
    }
}

/// The priority of Flamenco's own pages.
const DEFAULT_PRIORITY: u8 = 50;

fn whole(frames: &FrameSet) -> u32 {
    u32::try_from(frames.len()).unwrap_or(u32::MAX).max(1)
}

/// `frame 7 is bad; frames 9-10 are missing`
fn reason(job: &RetryJob) -> String {
    if job.verdict == Verdict::Sound {
        return match job.suspect.is_empty() {
            true => "every frame is there and sound".to_owned(),
            false => format!("every frame is there; {} stay as they are", are(&job.suspect, "suspect")),
        };
    }
    let suspect = job.suspect.common(&job.frames);
    let lost = job.missing.minus(&job.rendering).minus(&job.pending);
    let told = [(&job.bad, "bad"), (&lost, "missing"), (&suspect, "suspect")];
    let mut words: Vec<String> =
        told.iter().filter(|(frames, _)| !frames.is_empty()).map(|(frames, word)| are(frames, word)).collect();
    let held = FrameSet::union_of(job.held.iter().map(|held| &held.frames));
    let waiting = job.under_way();
    if !waiting.is_empty() {
        words.push(are(&waiting, "in the queue or being rendered"));
    }
    if !job.pending.is_empty() {
        words.push(are(&job.pending, "in a run that was not submitted yet"));
    }
    if !held.is_empty() {
        words.push(are(&held, "not free"));
    }
    if !job.left.is_empty() {
        words.push(format!("{} {} left as it is", counted(job.left.len(), "file"), agree(job.left.len(), "is", "are")));
    }
    words.join("; ")
}

fn are(frames: &FrameSet, what: &str) -> String {
    format!("{} {} {what}", frames_named(frames), agree(frames.len(), "is", "are"))
}
