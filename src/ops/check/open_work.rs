//! Which frames a worker may still write.
//!
//! A status word of the Manager says nothing about a renderer: after a cancel Blender writes on for up to ten seconds, and
//! a deleted job answers 404 at once (seen on Flamenco 3.2 to 3.9). So a canceled task counts as open until its worker
//! was heard again and twelve seconds have passed; a worker that is not heard from is not quiet. Of a job that was deleted
//! nobody can say anything, so the files themselves are asked when they were written to.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{RunId, TaskId};
use crate::base::name::{JobName, ReleaseName};
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::manager::{ManagerJob, ManagerTask, ManagerWorker};
use crate::ops::check::job_files::{self, Place};
use crate::ops::harvest::manifest::{Manifest, ManifestFile};
use crate::ops::ports::Ports;
use crate::sys::clock;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use std::collections::HashMap;
use std::time::Duration;

/// How long after a cancel a worker that was heard again may still be writing: it asks whether it may go on each ten
/// seconds.
const SETTLES_WITHIN: Duration = Duration::from_secs(12);

/// The tasks of one run, as the Manager tells them.
#[derive(Debug, Clone, PartialEq)]
pub struct RunWork {
    /// Farm's id of the run.
    pub run: RunId,
    /// The run's number within its job.
    pub number: u32,
    /// The Manager's word for the whole run.
    pub status: JobStatus,
    /// Its tasks with their frames, in order.
    pub tasks: Vec<TaskWork>,
}

/// One task and its frames.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskWork {
    /// The Manager's id.
    pub id: TaskId,
    /// Its status.
    pub status: TaskStatus,
    /// The frames that it renders.
    pub frames: FrameSet,
    /// Whether a worker may still write them.
    pub openness: Openness,
}

/// Whether a worker may still write something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// It may.
    Open,
    /// Nobody writes it any more.
    Quiet,
}

/// What is known of a release beside its frames: what workers may still write, and what was harvested.
#[derive(Debug, Clone, Default)]
pub struct OpenWork {
    runs: HashMap<JobName, Vec<RunWork>>,
    open: HashMap<JobName, FrameSet>,
    harvested: HashMap<JobName, Vec<ManifestFile>>,
}

impl OpenWork {
    /// Asks the ports' Manager: one request for all jobs, one for the workers, and one for each run of the release.
    pub fn of(ports: &Ports<'_>, file: &ReleaseFile) -> Result<OpenWork, Failure> {
        let planned_only = file.jobs.iter().all(|job| job.runs.is_empty());
        let jobs = if planned_only { Vec::new() } else { ports.manager.jobs()? };
        OpenWork::with_jobs(ports, file, &jobs)
    }

    /// The same where the Manager's jobs are at hand.
    pub fn with_jobs(ports: &Ports<'_>, file: &ReleaseFile, jobs: &[ManagerJob]) -> Result<OpenWork, Failure> {
        let by_run: HashMap<RunId, &ManagerJob> = jobs.iter().filter_map(|job| Some((job.run_id()?, job))).collect();
        let workers = if jobs.is_empty() { Vec::new() } else { ports.manager.workers()? };
        let address = ports.manager.address();
        let mut work = OpenWork::default().with_harvested(Manifest::load(ports.volume, &file.name)?.files);
        for job in &file.jobs {
            let (mut open, mut gone) = (Vec::new(), Vec::new());
            let mut runs = Vec::new();
            for run in &job.runs {
                match by_run.get(&run.id) {
                    Some(found) => runs.push(run_work(run, found, &ports.manager.tasks(&found.id)?, &workers)),
                    // Only that Manager knows what its workers do.
                    None if run.manager != address => open.push(run.frames.clone()),
                    None if run.manager_job.is_some() => gone.push(&run.frames),
                    None => {}
                }
            }
            open.extend(runs.iter().map(RunWork::open_frames));
            open.push(written_lately(ports, &file.name, job, &FrameSet::union_of(gone))?);
            work.open.insert(job.name.clone(), FrameSet::union_of(&open));
            work.runs.insert(job.name.clone(), runs);
        }
        Ok(work)
    }

    /// The same with another idea of what was harvested.
    #[must_use]
    pub fn with_harvested(mut self, files: Vec<ManifestFile>) -> Self {
        self.harvested = HashMap::new();
        for file in files {
            self.harvested.entry(file.job.clone()).or_default().push(file);
        }
        self
    }

    /// The frames of a job that a worker may still write.
    pub fn frames(&self, job: &JobName) -> FrameSet {
        self.open.get(job).cloned().unwrap_or_default()
    }

    /// The job's part of the manifest.
    pub fn harvested(&self, job: &JobName) -> &[ManifestFile] {
        self.harvested.get(job).map_or(&[], Vec::as_slice)
    }

    /// The job's runs that the Manager knows, in the order submitted.
    pub fn runs(&self, job: &JobRecord) -> &[RunWork] {
        self.runs.get(&job.name).map_or(&[], Vec::as_slice)
    }
}

impl RunWork {
    /// The frames that a worker may still write.
    pub fn open_frames(&self) -> FrameSet {
        let open = self.tasks.iter().filter(|task| task.openness == Openness::Open);
        FrameSet::union_of(open.map(|task| &task.frames))
    }
}

fn run_work(run: &RunRecord, job: &ManagerJob, tasks: &[ManagerTask], workers: &[ManagerWorker]) -> RunWork {
    let now = clock::now();
    let task = |task: &ManagerTask| TaskWork {
        id: task.id.clone(),
        status: task.status.clone(),
        frames: frames_of(task, &run.frames),
        openness: openness(task, workers, now),
    };
    RunWork { run: run.id, number: run.number, status: job.status.clone(), tasks: tasks.iter().map(task).collect() }
}

/// The frames among those of deleted runs whose files were written to lately: nobody can say any more whether a renderer
/// is still at them.
fn written_lately(
    ports: &Ports<'_>,
    release: &ReleaseName,
    job: &JobRecord,
    gone: &FrameSet,
) -> Result<FrameSet, Failure> {
    if gone.is_empty() {
        return Ok(FrameSet::default());
    }
    let now = clock::now();
    let located = job_files::locate(ports.volume, release, job, gone, &[])?;
    let mut lately = Vec::new();
    for file in &located.files {
        if let Place::Out(at) = &file.place
            && at.dir.stat(&at.name)?.is_some_and(|found| now.since(found.mtime) < SETTLES_WITHIN)
        {
            lately.push(file.expected.frame);
        }
    }
    Ok(lately.into_iter().collect())
}

/// The frames in a task's name, `render-1-10` or `render-1,4,7`; all of the run's where the name says something else.
fn frames_of(task: &ManagerTask, run: &FrameSet) -> FrameSet {
    let named = task.name.strip_prefix("render-").and_then(|text| text.parse::<FrameSet>().ok());
    let common = named.map(|named| named.common(run));
    common.filter(|frames| !frames.is_empty()).unwrap_or_else(|| run.clone())
}

fn openness(task: &ManagerTask, workers: &[ManagerWorker], now: Timestamp) -> Openness {
    match task.status {
        TaskStatus::Completed | TaskStatus::Failed => Openness::Quiet,
        TaskStatus::Canceled => match &task.worker {
            None => Openness::Quiet,
            Some(id) => {
                workers.iter().find(|worker| &worker.id == id).map_or(Openness::Open, |w| after_cancel(task, w, now))
            }
        },
        _ => Openness::Open,
    }
}

/// A worker is quiet about a canceled task when it works on another, or was heard after the cancel and had time to stop.
fn after_cancel(task: &ManagerTask, worker: &ManagerWorker, now: Timestamp) -> Openness {
    let elsewhere = worker.task.as_ref().is_some_and(|other| other != &task.id);
    let heard = worker.last_seen.is_some_and(|seen| seen > task.updated);
    let settled = now.since(task.updated) >= SETTLES_WITHIN && worker.status != WorkerStatus::Error;
    if elsewhere || (heard && settled) { Openness::Quiet } else { Openness::Open }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::WorkerId;
    use crate::ops::check::room::Room;

    fn task(status: TaskStatus, updated: i64) -> ManagerTask {
        ManagerTask {
            id: TaskId("t".into()),
            name: "render-1-3".into(),
            task_type: "blender".into(),
            status,
            worker: Some(WorkerId("w".into())),
            updated: Timestamp::from_unix(updated),
        }
    }

    fn worker(status: WorkerStatus, seen: i64, at: Option<&str>) -> ManagerWorker {
        ManagerWorker {
            id: WorkerId("w".into()),
            name: "w".into(),
            status,
            version: String::new(),
            last_seen: Some(Timestamp::from_unix(seen)),
            task_types: Vec::new(),
            tags: Vec::new(),
            platform: String::new(),
            task: at.map(|id| TaskId(id.into())),
            last_task: at.map(|id| TaskId(id.into())),
        }
    }

    #[test]
    fn a_task_is_open_until_its_worker_is_known_to_be_quiet() {
        let now = Timestamp::from_unix(100);
        let judged = |task: &ManagerTask, worker| openness(task, &[worker], now);
        let awake = || worker(WorkerStatus::Awake, 99, None);
        for (status, expected) in [
            (TaskStatus::Active, Openness::Open),
            (TaskStatus::Queued, Openness::Open),
            (TaskStatus::SoftFailed, Openness::Open),
            (TaskStatus::Paused, Openness::Open),
            (TaskStatus::Unknown("resting".into()), Openness::Open),
            (TaskStatus::Completed, Openness::Quiet),
            (TaskStatus::Failed, Openness::Quiet),
        ] {
            assert_eq!(judged(&task(status.clone(), 50), awake()), expected, "{status}");
        }
        let canceled = |updated| task(TaskStatus::Canceled, updated);
        assert_eq!(judged(&canceled(95), awake()), Openness::Open, "canceled five seconds ago");
        assert_eq!(judged(&canceled(80), awake()), Openness::Quiet, "heard after the cancel, and long enough ago");
        assert_eq!(judged(&canceled(80), worker(WorkerStatus::Awake, 79, None)), Openness::Open, "not heard since");
        assert_eq!(judged(&canceled(80), worker(WorkerStatus::Error, 99, None)), Openness::Open, "lost");
        assert_eq!(judged(&canceled(99), worker(WorkerStatus::Awake, 99, Some("other"))), Openness::Quiet, "elsewhere");
        assert_eq!(openness(&canceled(80), &[], now), Openness::Open, "a worker that nobody knows");
        let never_begun = ManagerTask { worker: None, ..canceled(99) };
        assert_eq!(openness(&never_begun, &[], now), Openness::Quiet);
    }

    #[test]
    fn a_tasks_name_says_its_frames() {
        let run: FrameSet = "1-9x2".parse().expect("frames");
        let named =
            |name: &str| frames_of(&ManagerTask { name: name.into(), ..task(TaskStatus::Active, 0) }, &run).to_string();
        assert_eq!(named("render-3,5"), "3,5");
        assert_eq!(named("render-1-5"), "1-5x2");
        assert_eq!(named("render-77"), "1-9x2");
        assert_eq!(named("preview"), "1-9x2");
    }

    #[test]
    fn runs_of_another_manager_are_open() {
        let mut room = Room::rendered(&[("A", "1-3"), ("B", "1")]);
        room.add_run("1-2", TaskStatus::Completed);
        let work = OpenWork::of(&room.ports(), &room.file).expect("work");
        assert!(work.frames(&room.file.jobs[0].name).is_empty());
        assert_eq!(work.runs(&room.file.jobs[0]).len(), 1);
        room.manager.jobs.clear();
        room.file.jobs[0].runs[0].manager = "http://elsewhere".into();
        let work = OpenWork::of(&room.ports(), &room.file).expect("work");
        assert_eq!(work.frames(&room.file.jobs[0].name).to_string(), "1-2");
    }
}
