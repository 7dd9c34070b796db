//! Gathering what the status report says.

use super::estimate::eta;
use super::select::Selector;
use super::{GONE, JobState, PLANNED, ReleaseStatus, StatusReport, Work, WorkerState, release_state};
use crate::base::error::Failure;
use crate::base::name::{JobRef, ReleaseName};
use crate::base::status::{JobStatus, TaskStatus};
use crate::manager::{ManagerJob, ManagerTask, ManagerWorker};
use crate::ops::check::inputs::stale_inputs;
use crate::ops::check::{self, Effort, FrameCounts, OpenWork};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use std::collections::BTreeMap;

/// How many failed tasks of a job are told of one by one.
const FAILURES: usize = 5;
/// The longest tail of a log's line in a failure.
const LINE: usize = 200;

/// The status of what `query` names (everything without one); nothing matched is an error.
pub fn survey(ports: &Ports<'_>, query: Option<&str>, effort: Effort) -> Result<StatusReport, Failure> {
    let asked = Asked::of(ports)?;
    let selector = query.map(Selector::new);
    let mut report =
        StatusReport { releases: Vec::new(), jobs: Vec::new(), workers: asked.worker_states(), unreadable: Vec::new() };
    let mut names: Vec<String> = Vec::new();
    for name in ports.volume.releases()?.names {
        match release::load(ports.volume, &name) {
            Ok(Some(file)) => {
                names.extend(file.jobs.iter().flat_map(|job| [job.name.to_string(), format!("{name}/{}", job.name)]));
                add_release(ports, &asked, &file, selector.as_ref(), effort, &mut report)?;
            }
            Ok(None) => {}
            Err(failure) => report.unreadable.push(failure.message()),
        }
        names.push(name.to_string());
    }
    if let Some(selector) = &selector {
        let jobs: Vec<String> = report.jobs.iter().map(|job| job.reference.to_string()).collect();
        selector.check_unambiguous(&jobs)?;
    }
    match &selector {
        Some(selector) if report.releases.is_empty() => Err(selector.no_match(names.iter().map(String::as_str)).into()),
        _ => Ok(report),
    }
}

fn add_release(
    ports: &Ports<'_>,
    asked: &Asked,
    file: &ReleaseFile,
    selector: Option<&Selector>,
    effort: Effort,
    report: &mut StatusReport,
) -> Result<(), Failure> {
    let meant = |job: &&JobRecord| selector.is_none_or(|selector| selector.matches(&file.name, &job.name, &ids(job)));
    let jobs: Vec<&JobRecord> = file.jobs.iter().filter(meant).collect();
    if jobs.is_empty() && !selector.is_none_or(|selector| file.jobs.is_empty() && selector.names_release(&file.name)) {
        return Ok(());
    }
    let work = OpenWork::with_jobs(ports, file, &asked.jobs)?;
    let mut states = Vec::with_capacity(jobs.len());
    for job in jobs {
        states.push(job_state(ports, asked, &file.name, job, &work, effort)?);
    }
    let frames: FrameCounts = states.iter().map(|job| job.frames).sum();
    let harvested = states.iter().map(|job| job.harvested).sum();
    let state = release_state(&frames, harvested, Work::of(&states));
    report.releases.push(ReleaseStatus { name: file.name.clone(), state, jobs: states.len(), frames });
    report.jobs.extend(states);
    Ok(())
}

/// Everything by which a run may be named.
fn ids(job: &JobRecord) -> Vec<String> {
    let of_run = |run: &RunRecord| [Some(run.id.to_string()), run.manager_job.as_ref().map(ToString::to_string)];
    job.runs.iter().flat_map(of_run).flatten().collect()
}

fn job_state(
    ports: &Ports<'_>,
    asked: &Asked,
    release: &ReleaseName,
    job: &JobRecord,
    work: &OpenWork,
    effort: Effort,
) -> Result<JobState, Failure> {
    let frames = check::check_job(ports, release, job, work, effort)?;
    let counts = frames.counts();
    let newest = job.newest_run();
    let known = |run: &RunRecord| asked.jobs.iter().find(|job| job.run_id() == Some(run.id));
    // An older run that still has something to do says more than a newer one that is done.
    let open = job.runs.iter().rev().filter_map(known).find(|found| !found.status.has_ended());
    let found = open.or_else(|| newest.and_then(known));
    let pace = frames.seconds_per_frame.or(job.seconds_per_frame);
    let has_ended = found.is_none_or(|job| job.status.has_ended());
    let left = if has_ended { 0 } else { counts.missing };
    Ok(JobState {
        id: found.map(|job| job.id.clone()).or_else(|| newest.and_then(|run| run.manager_job.clone())),
        reference: JobRef::in_release(release, &job.name),
        release: release.clone(),
        status: status_word(newest.is_some_and(|run| run.manager_job.is_some()), found),
        frames: counts,
        harvested: frames.harvested.len() as u64,
        rendering: frames.rendering.clone(),
        priority: newest.map_or(0, |run| run.priority),
        run: newest.map(|run| run.id),
        runs: job.runs.len(),
        eta_seconds: eta(left, asked.hands(), pace),
        seconds_per_frame: pace,
        updated: found.map(|job| job.updated),
        failures: failures(ports, found, &frames)?,
        stale_inputs: stale_inputs(ports.volume, job)?
            .into_iter()
            .map(|input| format!("{}: {}", input.path, input.cause))
            .collect(),
    })
}

/// The newest run's word; a run that was never confirmed is only planned, one that the Manager forgot is gone.
fn status_word(confirmed: bool, found: Option<&ManagerJob>) -> String {
    match (found, confirmed) {
        (Some(job), _) => job.status.to_string(),
        (None, true) => GONE.to_owned(),
        (None, false) => PLANNED.to_owned(),
    }
}

/// A line for each failed task with its log's last words, then for each frame that is not what it should be.
fn failures(ports: &Ports<'_>, job: Option<&ManagerJob>, frames: &check::JobFrames) -> Result<Vec<String>, Failure> {
    let mut lines = Vec::new();
    if let Some(job) = job.filter(|job| job.status == JobStatus::Failed || job.status == JobStatus::Active) {
        let tasks = ports.manager.tasks(&job.id)?;
        let failed: Vec<&ManagerTask> = tasks.iter().filter(|task| is_failed(task)).collect();
        for task in failed.iter().take(FAILURES) {
            let tail = ports.manager.log_tail(&task.id)?.unwrap_or_default();
            lines.push(format!("task {} {}: {}", task.name, task.status, last_line(&tail)));
        }
        if failed.len() > FAILURES {
            lines.push(format!("and {} more tasks", failed.len() - FAILURES));
        }
    }
    let flaws = frames.flaws.iter().map(|flaw| format!("frame {}: {}: {}", flaw.frame, flaw.path, flaw.cause));
    let suspicions = frames.suspicions.iter().map(|s| format!("frames {} are suspect: {}", s.frames, s.cause));
    lines.extend(flaws.chain(suspicions).take(FAILURES));
    Ok(lines)
}

fn is_failed(task: &ManagerTask) -> bool {
    matches!(task.status, TaskStatus::Failed | TaskStatus::SoftFailed)
}

/// The last line of a log that says something.
pub fn last_line(tail: &str) -> String {
    let line = tail.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("its log is empty");
    line.trim().chars().take(LINE).collect()
}

/// What was asked of the Manager, once for the whole report.
struct Asked {
    jobs: Vec<ManagerJob>,
    workers: Vec<ManagerWorker>,
    /// The farm job of each task that a worker is at.
    at_work: BTreeMap<String, String>,
}

impl Asked {
    fn of(ports: &Ports<'_>) -> Result<Asked, Failure> {
        let (jobs, workers) = (ports.manager.jobs()?, ports.manager.workers()?);
        let mut at_work = BTreeMap::new();
        if workers.iter().any(|worker| worker.task.is_some()) {
            for job in jobs.iter().filter(|job| job.status == JobStatus::Active) {
                let name = job.job_ref().map_or_else(|| job.name.clone(), |reference| reference.to_string());
                for task in ports.manager.tasks(&job.id)?.iter().filter(|task| task.status == TaskStatus::Active) {
                    at_work.insert(task.id.0.clone(), name.clone());
                }
            }
        }
        Ok(Asked { jobs, workers, at_work })
    }

    /// Workers that render.
    fn hands(&self) -> usize {
        self.workers.iter().filter(|worker| worker.takes("blender")).count()
    }

    fn worker_states(&self) -> Vec<WorkerState> {
        let state = |worker: &ManagerWorker| WorkerState {
            name: worker.name.clone(),
            status: worker.status.to_string(),
            last_seen: worker.last_seen,
            job: worker.task.as_ref().and_then(|task| self.at_work.get(&task.0).cloned()),
        };
        self.workers.iter().map(state).collect()
    }
}
