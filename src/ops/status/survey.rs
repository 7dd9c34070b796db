//! Gathering what the status report says.

use super::estimate::{self, eta};
use super::interrupted::Interruptions;
use super::resolve::find;
use super::{ELSEWHERE, GONE, JobState, PLANNED, ReleaseStatus, StatusReport, Work, WorkerState, release_state};
use crate::base::counted::{agree, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::JobId;
use crate::base::name::JobRef;
use crate::base::status::{JobStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::frames::last_words::last_line;
use crate::manager::{ManagerJob, ManagerWorker};
use crate::ops::addresses::Addresses;
use crate::ops::check::inputs::stale_inputs;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::check::open_work::{RunWork, TaskWork};
use crate::ops::check::{self, Effort, FrameCounts, JobFrames, OpenWork};
use crate::ops::ports::Ports;
use crate::sys::clock;
use crate::sys::http::without_credentials;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use std::time::Duration;

/// How many failed tasks of a job, and how many of its bad frames, are told of one by one.
const FAILURES: usize = 5;
/// A worker that was not seen for so long is no worker any more, unless it needs somebody to look.
const LONG_GONE: Duration = Duration::from_secs(24 * 3600);

/// The status of what a plain name means. What keeps it from being looked at is the failure.
pub fn survey(ports: &Ports<'_>, word: &str, effort: Effort) -> Result<StatusReport, Failure> {
    let named = find(ports.volume, word)?;
    let (jobs, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
    let is_meant = |job: &JobRecord| named.job.as_ref().is_none_or(|name| *name == job.name);
    let mut survey = Survey::begin(ports, &jobs, &workers, effort);
    survey.add(&named.file, is_meant)?;
    let mut report = survey.report;
    let interruptions = Interruptions::of(ports.volume)?.found;
    report.interrupted = interruptions.into_iter().filter(|one| one.release == named.file.name).collect();
    Ok(report)
}

/// How one job stands, where the Manager's jobs and workers are at hand.
pub fn of_job(
    ports: &Ports<'_>,
    jobs: &[ManagerJob],
    workers: &[ManagerWorker],
    file: &ReleaseFile,
    job: &JobRecord,
) -> Result<JobState, Failure> {
    let survey = Survey::begin(ports, jobs, workers, Effort::Trust);
    // One job, one state.
    Ok(survey.states(file, &[job])?.remove(0))
}

/// The status of those jobs of several releases that `is_meant` says. One that cannot be looked at is told of and keeps none
/// from being seen; the first such failure comes too.
pub fn survey_of(
    ports: &Ports<'_>,
    jobs: &[ManagerJob],
    files: &[&ReleaseFile],
    is_meant: impl Fn(&JobRef) -> bool,
    effort: Effort,
) -> Result<(StatusReport, Option<Failure>), Failure> {
    let workers = ports.manager.workers()?;
    let mut survey = Survey::begin(ports, jobs, &workers, effort);
    let mut first = None;
    for file in files {
        match survey.add(file, |job| is_meant(&JobRef::within(&file.name, &job.name))) {
            Ok(()) => {}
            Err(failure) if failure.class() == Class::Manager => return Err(failure),
            Err(failure) => {
                survey.report.unreadable.push(failure.message());
                first.get_or_insert(failure);
            }
        }
    }
    Ok((survey.report, first))
}

struct Survey<'a> {
    ports: &'a Ports<'a>,
    asked: Asked<'a>,
    effort: Effort,
    report: StatusReport,
}

impl<'a> Survey<'a> {
    fn begin(ports: &'a Ports<'a>, jobs: &'a [ManagerJob], workers: &'a [ManagerWorker], effort: Effort) -> Self {
        let asked = Asked { jobs, by_run: JobsByRun::of(jobs), workers };
        let workers = asked.worker_states(clock::now());
        Survey { ports, asked, effort, report: StatusReport { workers, ..StatusReport::default() } }
    }

    /// Adds the jobs of a release that are meant, and the release if any is, or if it has none and so all are.
    fn add(&mut self, file: &ReleaseFile, meant: impl Fn(&JobRecord) -> bool) -> Result<(), Failure> {
        let jobs: Vec<&JobRecord> = file.jobs.iter().filter(|job| meant(job)).collect();
        if jobs.is_empty() && !file.jobs.is_empty() {
            return Ok(());
        }
        let states = self.states(file, &jobs)?;
        let frames: FrameCounts = states.iter().map(|job| job.frames).sum();
        let harvested = states.iter().map(|job| job.harvested).sum();
        let state = release_state(&frames, harvested, Work::of(&states));
        self.report.releases.push(ReleaseStatus { name: file.name.clone(), state, jobs: states.len(), frames });
        self.report.jobs.extend(states);
        Ok(())
    }

    fn states(&self, file: &ReleaseFile, jobs: &[&JobRecord]) -> Result<Vec<JobState>, Failure> {
        let work = OpenWork::with_jobs(self.ports, file, &self.asked.by_run, self.asked.workers)?;
        let addresses = Addresses::of(self.ports.manager, file, |run| self.asked.by_run.get(*run).is_some());
        let checked = check::check_jobs(self.ports, &file.name, jobs, &work, self.effort)?;
        let state = |(job, frames): (&&JobRecord, &JobFrames)| self.job_state(file, job, &work, frames, &addresses);
        jobs.iter().zip(&checked).map(state).collect()
    }

    fn job_state(
        &self,
        file: &ReleaseFile,
        job: &JobRecord,
        work: &OpenWork,
        frames: &JobFrames,
        addresses: &Addresses,
    ) -> Result<JobState, Failure> {
        let ports = self.ports;
        let reference = JobRef::within(&file.name, &job.name);
        let counts = frames.counts();
        let newest = job.newest_run();
        let found = counting(job, &self.asked.by_run);
        let has_ended = found.is_none_or(|job| job.status.has_ended());
        let told = frames.seconds_per_frame.or(job.seconds_per_frame);
        let pace = match told {
            None if !has_ended => estimate::pace(ports.volume, &reference, job, work.runs(job), &frames.ok)?,
            told => told,
        };
        let left = if has_ended { 0 } else { counts.missing };
        Ok(JobState {
            id: found.map(|job| job.id.clone()).or_else(|| newest.and_then(|run| run.manager_job.clone())),
            reference,
            release: file.name.clone(),
            status: status_word(newest, found, addresses),
            elsewhere: newest
                .filter(|run| found.is_none() && !addresses.are_of(run))
                .map(|run| without_credentials(&run.manager)),
            frames: counts,
            harvested: frames.harvested.len() as u64,
            outdated: outdated(job, work),
            missing: frames.missing.minus(&frames.rendering),
            rendering: frames.rendering.clone(),
            priority: found.map(|job| job.priority).or(newest.map(|run| run.priority)).unwrap_or_default(),
            run: newest.map(|run| run.id),
            runs: job.runs.len(),
            eta_seconds: eta(left, self.asked.hands().min(open_tasks(work.runs(job))), pace),
            seconds_per_frame: pace.map(|pace| (pace * 1000.0).round() / 1000.0),
            updated: found.map(|job| job.updated),
            failures: failures(ports, found, work.runs(job), frames)?,
            stale_inputs: stale_inputs(ports.volume, job)?
                .into_iter()
                .map(|input| format!("{}: {}", input.path, input.cause))
                .collect(),
        })
    }
}

/// Frames that were harvested of a revision which is not theirs any more.
fn outdated(job: &JobRecord, work: &OpenWork) -> FrameSet {
    let stale = work.harvested(&job.name).iter().filter(|file| file.is_stale(Some(job)));
    stale.map(|file| file.frame).collect()
}

/// More workers than tasks do not help.
fn open_tasks(runs: &[RunWork]) -> usize {
    runs.iter().map(RunWork::open_tasks).sum()
}

/// The Manager's job that stands for a job: an older run that still has something to do says more than a newer one that is
/// done.
pub fn counting<'a>(job: &JobRecord, by_run: &JobsByRun<'a>) -> Option<&'a ManagerJob> {
    let known = |run: &RunRecord| by_run.first(run.id);
    let open = job.runs.iter().rev().filter_map(known).find(|found| !found.status.has_ended());
    open.or_else(|| job.newest_run().and_then(known))
}

/// The newest run's word; a run that was never confirmed is only planned, or canceled where it was taken back; one that the
/// Manager forgot is gone, and one that was submitted to another Manager that one alone can tell of.
pub fn status_word(newest: Option<&RunRecord>, found: Option<&ManagerJob>, addresses: &Addresses) -> String {
    match (found, newest) {
        (Some(job), _) => job.status.to_string(),
        (None, Some(run)) if run.withdrawn => JobStatus::Canceled.to_string(),
        (None, Some(run)) if !addresses.are_of(run) => ELSEWHERE.to_owned(),
        (None, Some(run)) if run.manager_job.is_some() => GONE.to_owned(),
        (None, _) => PLANNED.to_owned(),
    }
}

/// A line for each failed task with its log's last words, then for each frame that is not what it should be.
fn failures(
    ports: &Ports<'_>,
    job: Option<&ManagerJob>,
    runs: &[RunWork],
    frames: &JobFrames,
) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    let told = job.filter(|job| job.status == JobStatus::Failed || job.status == JobStatus::Active);
    if let Some(run) = told.and_then(|job| runs.iter().find(|run| job.run_id() == Some(run.run))) {
        let failed: Vec<&TaskWork> = run.tasks.iter().filter(|task| task.status.has_failed()).collect();
        for task in failed.iter().take(FAILURES) {
            let tail = ports.manager.log_tail(&task.id)?.unwrap_or_default();
            lines.push(format!("task {} {}: {}", task.name, task.status, last_line(&tail)));
        }
        if failed.len() > FAILURES {
            lines.push(format!("and {} more tasks", failed.len() - FAILURES));
        }
    }
    let flaws = frames.flaws.iter().map(|flaw| format!("frame {}: {}: {}", flaw.frame, flaw.path, flaw.cause));
    let suspicions = frames.suspicions.iter().map(|s| {
        let verb = agree(s.frames.len(), "is", "are");
        format!("{} {verb} suspect: {}", frames_named(&s.frames), s.cause)
    });
    let mut told: Vec<String> = flaws.chain(suspicions).collect();
    let more = told.len().saturating_sub(FAILURES);
    told.truncate(FAILURES);
    lines.extend(told);
    lines.extend((more > 0).then(|| format!("and {more} more frames or log lines")));
    Ok(lines)
}

/// What was asked of the Manager, once for the whole report.
struct Asked<'a> {
    jobs: &'a [ManagerJob],
    by_run: JobsByRun<'a>,
    workers: &'a [ManagerWorker],
}

impl Asked<'_> {
    /// Workers that render.
    fn hands(&self) -> usize {
        self.workers.iter().filter(|worker| worker.takes("blender")).count()
    }

    fn worker_states(&self, now: Timestamp) -> Vec<WorkerState> {
        let is_gone = |worker: &ManagerWorker| worker.last_seen.is_some_and(|seen| now.since(seen) >= LONG_GONE);
        let name = |id: &JobId| {
            let job = self.jobs.iter().find(|job| job.id == *id)?;
            Some(job.job_ref().map_or_else(|| job.name.clone(), |reference| reference.to_string()))
        };
        let state = |worker: &ManagerWorker| WorkerState {
            is_long_gone: is_gone(worker) && worker.status != WorkerStatus::Error,
            name: worker.name.clone(),
            status: worker.status.to_string(),
            last_seen: worker.last_seen,
            job: worker.job.as_ref().and_then(name),
        };
        self.workers.iter().map(state).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::status::TaskStatus;
    use crate::ops::check::room::Room;

    /// A run that was submitted twice all the same: the one that was ended says nothing of it.
    #[test]
    fn of_two_jobs_of_one_run_the_one_that_counts_is_shown() {
        let mut room = Room::new(&[("A", "1-3")]);
        let task = room.add_run("1-3", TaskStatus::Active);
        let job = room.manager.jobs[0].clone();
        let twin = ManagerJob { id: JobId("twin".into()), status: JobStatus::Canceled, ..job.clone() };
        room.manager.jobs.insert(0, twin);
        let worker = &mut room.manager.workers[0];
        (worker.task, worker.job) = (Some(task), Some(job.id.clone()));
        let report = survey(&room.ports(), "r1", Effort::Trust).expect("status");
        assert_eq!((report.jobs[0].status.as_str(), report.jobs[0].id.as_ref()), ("active", Some(&job.id)));
        assert_eq!(report.workers[0].job.as_deref(), Some("r1/A"), "its own details say what it is at");
    }
}
