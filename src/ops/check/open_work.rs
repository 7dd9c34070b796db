//! Which frames a worker may still write.
//!
//! A status word of the Manager says nothing about a renderer: after a cancel Blender writes on for up to ten seconds, and
//! a deleted job answers 404 at once (seen on Flamenco 3.2 to 3.9). So a canceled task counts as open until its worker
//! was heard again and twelve seconds have passed; a worker that is not heard from is not quiet. Of a job that was deleted
//! nobody can say anything, so the files themselves are asked when they were written to.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId, TaskId};
use crate::base::name::{JobName, ReleaseName};
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::manager::{ManagerJob, ManagerTask, ManagerWorker};
use crate::ops::addresses::Addresses;
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::check::job_files::{self, Place};
use crate::ops::harvest::manifest::{Manifest, ManifestFile};
use crate::ops::ports::Ports;
use crate::ops::quiet::{self, SETTLES_WITHIN};
use crate::sys::clock;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use std::collections::HashMap;
use std::time::Duration;

/// How long after its task's end a worker that is not heard from any more keeps its frames from being harvested.
const LOST_AFTER: Duration = Duration::from_secs(60 * 60);

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
        let workers = if jobs.is_empty() { Vec::new() } else { ports.manager.workers()? };
        OpenWork::with_jobs(ports, file, &jobs, &workers)
    }

    /// The same where the Manager's jobs and workers are at hand.
    pub fn with_jobs(
        ports: &Ports<'_>,
        file: &ReleaseFile,
        jobs: &[ManagerJob],
        workers: &[ManagerWorker],
    ) -> Result<OpenWork, Failure> {
        let by_run = by_run(jobs);
        let tasks = tasks_of(ports, file, &by_run)?;
        let addresses = Addresses::of(ports.manager, file, |run| by_run.contains_key(run));
        let sight = if ports.manager.is_remote() { Sight::Far } else { Sight::Clear };
        let mut work = OpenWork::default().with_harvested(Manifest::load(ports.volume, &file.name)?.files);
        for job in &file.jobs {
            let (mut open, mut gone) = (Vec::new(), Vec::new());
            let mut runs = Vec::new();
            for run in &job.runs {
                match by_run.get(&run.id) {
                    Some(found) => runs.push(run_work(&tasks, run, found, workers, sight)),
                    // Only that Manager knows what its workers do.
                    None if !addresses.are_of(run) => open.push(run.frames.clone()),
                    None if run.manager_job.is_some() => gone.push(&run.frames),
                    // Its submission may be on its way.
                    None if sight == Sight::Far => open.push(run.frames.clone()),
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
    /// Whether a worker may still write some of its frames.
    pub fn is_open(&self) -> bool {
        self.tasks.iter().any(|task| task.openness == Openness::Open)
    }

    /// The frames that a worker may still write.
    pub fn open_frames(&self) -> FrameSet {
        let open = self.tasks.iter().filter(|task| task.openness == Openness::Open);
        FrameSet::union_of(open.map(|task| &task.frames))
    }
}

/// The Manager's jobs of each run, the one that counts first: a run that was submitted twice all the same has two.
fn by_run(jobs: &[ManagerJob]) -> HashMap<RunId, Vec<&ManagerJob>> {
    let mut by_run: HashMap<RunId, Vec<&ManagerJob>> = HashMap::new();
    for job in jobs {
        if let Some(run) = job.run_id() {
            by_run.entry(run).or_default().push(job);
        }
    }
    for of_run in by_run.values_mut() {
        of_run.sort_by_key(|job| job.precedence());
    }
    by_run
}

/// The tasks of the Manager's jobs for the release's runs: a request each, several at once.
fn tasks_of(
    ports: &Ports<'_>,
    file: &ReleaseFile,
    by_run: &HashMap<RunId, Vec<&ManagerJob>>,
) -> Result<HashMap<JobId, Vec<ManagerTask>>, Failure> {
    let runs = file.jobs.iter().flat_map(|job| &job.runs);
    let jobs: Vec<&JobId> = runs.filter_map(|run| by_run.get(&run.id)).flatten().map(|job| &job.id).collect();
    let told = try_by_hands(ports, ports.manager.requests_at_once(), &jobs, |id| ports.manager.tasks(id))?;
    Ok(jobs.into_iter().cloned().zip(told).collect())
}

/// The tasks of the job that counts, and what workers may still write for its twins.
fn run_work(
    tasks: &HashMap<JobId, Vec<ManagerTask>>,
    run: &RunRecord,
    jobs: &[&ManagerJob],
    workers: &[ManagerWorker],
    sight: Sight,
) -> RunWork {
    let now = clock::now();
    let mut work = RunWork { run: run.id, number: run.number, status: jobs[0].status.clone(), tasks: Vec::new() };
    for (at, job) in jobs.iter().enumerate() {
        let tasks = tasks.get(&job.id).into_iter().flatten().map(|task| TaskWork {
            id: task.id.clone(),
            status: task.status.clone(),
            frames: frames_of(task, &run.frames),
            openness: openness(task, job.status.has_ended(), workers, now, sight),
        });
        work.tasks.extend(tasks.filter(|task| at == 0 || task.openness == Openness::Open));
    }
    work
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

/// Whom a Manager's word for a task may deceive about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    /// Its workers' ends are seen: what has failed has ended.
    Clear,
    /// A failed task may be one whose worker was only too slow to answer.
    Far,
}

impl Sight {
    /// The latest moment that the clock which stamped a worker's words is known to show: a Manager on another machine has
    /// another clock. Who has signed off says nothing more, and its renderer ended before.
    fn now(self, worker: &ManagerWorker, here: Timestamp) -> Timestamp {
        match (self, worker.last_seen) {
            (Sight::Far, Some(seen)) if worker.status != WorkerStatus::Offline => seen,
            _ => here,
        }
    }
}

/// A paused or queued task of a job that has ended is as one that was canceled: nobody will begin it.
fn openness(task: &ManagerTask, ended: bool, workers: &[ManagerWorker], now: Timestamp, sight: Sight) -> Openness {
    let is_waiting = matches!(task.status, TaskStatus::Queued | TaskStatus::Paused | TaskStatus::SoftFailed);
    match (&task.status, sight) {
        (TaskStatus::Completed, _) | (TaskStatus::Failed, Sight::Clear) => Openness::Quiet,
        _ if task.status.has_ended() || (ended && is_waiting) => match writer(task, workers) {
            Writer::Nobody => Openness::Quiet,
            Writer::Worker(worker) if quiet::is_quiet(worker, &task.id, task.updated, sight.now(worker, now)) => {
                Openness::Quiet
            }
            // Lost for good: what it left is judged by what it is, and looked at once more after its move.
            Writer::Worker(_) | Writer::Unseen if now.since(task.updated) >= LOST_AFTER => Openness::Quiet,
            Writer::Worker(_) | Writer::Unseen => Openness::Open,
        },
        _ => Openness::Open,
    }
}

/// Who was at a task when it ended.
enum Writer<'a> {
    Nobody,
    Worker(&'a ManagerWorker),
    /// A worker that the Manager does not know any more.
    Unseen,
}

fn writer<'a>(task: &ManagerTask, workers: &'a [ManagerWorker]) -> Writer<'a> {
    match workers.iter().find(|worker| task.is_with(worker)) {
        Some(worker) => Writer::Worker(worker),
        None if task.worker.is_some() => Writer::Unseen,
        None => Writer::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::WorkerId;
    use crate::base::status::WorkerStatus;
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
        let judged = |task: &ManagerTask, worker| openness(task, false, &[worker], now, Sight::Clear);
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
        let far = |task: &ManagerTask, workers: &[ManagerWorker]| openness(task, false, workers, now, Sight::Far);
        assert_eq!(far(&canceled(80), &[]), Openness::Open, "a worker that nobody knows");
        assert_eq!(far(&canceled(100 - 3600), &[]), Openness::Quiet, "nor did for an hour");
        let nameless = ManagerTask { worker: None, ..canceled(95) };
        assert_eq!(far(&nameless, &[]), Openness::Quiet, "never begun");
        let last = ManagerWorker { last_task: Some(nameless.id.clone()), ..awake() };
        assert_eq!(far(&nameless, &[last]), Openness::Open, "a worker says that it was at it");
        assert_eq!(far(&task(TaskStatus::Failed, 95), &[awake()]), Openness::Open, "perhaps only late");
        assert_eq!(far(&task(TaskStatus::Failed, 80), &[awake()]), Openness::Quiet);
        assert_eq!(far(&canceled(90), &[awake()]), Openness::Open, "heard nine seconds after, whatever is now");
        let waiting = ManagerTask { worker: None, ..task(TaskStatus::Paused, 50) };
        let of_ended = |task: &ManagerTask| openness(task, true, &[awake()], now, Sight::Far);
        assert_eq!(of_ended(&waiting), Openness::Quiet, "nobody begins a task of a job that has ended");
        assert_eq!(of_ended(&task(TaskStatus::Active, 50)), Openness::Open);
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
