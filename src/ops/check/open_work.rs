//! Which frames a worker may still write.
//!
//! The list of jobs says it of most runs: all tasks of one are completed, or none was ever begun. Only for the others the
//! tasks are asked for, a request each (`openness` says what they mean). Of a job that was deleted
//! nobody can say anything, so the files themselves are asked when they were written to.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId, TaskId, WorkerId};
use crate::base::name::{Home, JobName};
use crate::base::status::{JobStatus, TaskStatus};
use crate::base::time::Timestamp;
use crate::manager::{ManagerJob, ManagerTask, ManagerWorker};
use crate::ops::addresses::Addresses;
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::check::job_files::{self, Place};
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::check::openness::{Openness, SETTLES_WITHIN, Sight, needs_its_worker, openness};
use crate::ops::check::task_workers::{self, Had};
use crate::ops::harvest::manifest::{Manifest, ManifestFile};
use crate::ops::harvest::unfinished;
use crate::ops::ports::Ports;
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use std::collections::HashMap;

/// One run, as the Manager tells it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunWork {
    /// Farm's id of the run.
    pub run: RunId,
    /// The run's number within its job.
    pub number: u32,
    /// The Manager's word for the whole run.
    pub status: JobStatus,
    /// Its frames.
    pub frames: FrameSet,
    /// Its job, if that says that all of its tasks are completed: they were not asked for.
    pub completed: Option<CompletedJob>,
    /// So many tasks wait of which none was ever begun, as their job says: they were not asked for.
    pub waiting: usize,
    /// The tasks that were asked for, with their frames, in order.
    pub tasks: Vec<TaskWork>,
}

/// A job whose tasks are all completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompletedJob {
    /// The Manager's id.
    pub id: JobId,
    /// When anything about it changed last: after its tasks were put back in the queue it is another time.
    pub updated: Timestamp,
}

/// One task and its frames.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskWork {
    /// The Manager's id.
    pub id: TaskId,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: TaskStatus,
    /// Whether its job has ended.
    pub job_ended: bool,
    /// The frames that it renders.
    pub frames: FrameSet,
    /// Whether a worker may still write them.
    pub openness: Openness,
    /// The worker that has it or had it last, where anybody says so.
    pub worker: Option<WorkerId>,
    /// What messages call that one.
    pub worker_name: Option<String>,
    /// When anything about it changed last: after it was put back in the queue it is another time.
    pub updated: Timestamp,
    /// Who had it, where that had to be asked for and may be remembered.
    pub had: Option<Had>,
}

/// What is known of a release beside its frames: what workers may still write, and what was harvested.
#[derive(Debug, Clone, Default)]
pub struct OpenWork {
    runs: HashMap<JobName, Vec<RunWork>>,
    /// Of jobs that have, or had, several revisions: the runs whose frames count still.
    telling: HashMap<JobName, Vec<RunWork>>,
    open: HashMap<JobName, FrameSet>,
    workers: Vec<ManagerWorker>,
    harvested: HashMap<JobName, Vec<ManifestFile>>,
}

impl OpenWork {
    /// Asks the ports' Manager: one request for all jobs, one for the workers, and one for each run whose job leaves a doubt.
    pub fn of(ports: &Ports<'_>, file: &ReleaseFile) -> Result<OpenWork, Failure> {
        let planned_only = file.jobs.iter().all(|job| job.runs.is_empty());
        let jobs = if planned_only { Vec::new() } else { ports.manager.jobs()? };
        let workers = if jobs.is_empty() { Vec::new() } else { ports.manager.workers()? };
        OpenWork::with_jobs(ports, file, &JobsByRun::of(&jobs), &workers)
    }

    /// The same where the Manager's jobs and workers are at hand.
    pub fn with_jobs(
        ports: &Ports<'_>,
        file: &ReleaseFile,
        by_run: &JobsByRun<'_>,
        workers: &[ManagerWorker],
    ) -> Result<OpenWork, Failure> {
        OpenWork::of_some(ports, file, |_| true, by_run, workers)
    }

    /// The same of those of its jobs alone that are `meant`.
    pub fn of_some(
        ports: &Ports<'_>,
        file: &ReleaseFile,
        meant: impl Fn(&JobRecord) -> bool,
        by_run: &JobsByRun<'_>,
        workers: &[ManagerWorker],
    ) -> Result<OpenWork, Failure> {
        let jobs: Vec<&JobRecord> = file.jobs.iter().filter(|job| meant(job)).collect();
        let tasks = tasks_of(ports, &file.name, &jobs, by_run, workers)?;
        let addresses = Addresses::of(ports.manager, file, |run| by_run.get(*run).is_some());
        let sight = Sight::of(ports.manager);
        let mut work = OpenWork::default().with_harvested(harvested(ports.volume, &file.name)?);
        work.workers = workers.to_vec();
        for job in jobs {
            let (mut open, mut gone) = (Vec::new(), Vec::new());
            let mut runs = Vec::new();
            for run in &job.runs {
                match by_run.get(run.id) {
                    Some(found) => runs.push(run_work(&tasks, run, found, workers, sight)),
                    None if run.withdrawn => {}
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
            // Runs of a revision that was taken back tell of another scene, too.
            let is_of_now = |run: &RunRecord| run.revision == job.current().number;
            if job.revisions.len() > 1 || !job.runs.iter().all(is_of_now) {
                work.telling.insert(job.name.clone(), telling(job, &runs));
            }
            work.runs.insert(job.name.clone(), runs);
        }
        Ok(work)
    }

    /// Frames of the job's runs for the Manager at `address` that are written down and that it does not have: an earlier
    /// command did not come to submit them.
    pub fn unsent(&self, job: &JobRecord, address: &str) -> FrameSet {
        let is_known = |run: &RunRecord| self.runs(job).iter().any(|known| known.run == run.id);
        let of_now = |run: &RunRecord| run.revision == job.current().number;
        let unsent = |run: &&RunRecord| run.is_pending_at(address) && of_now(run) && !is_known(run);
        FrameSet::union_of(job.runs.iter().filter(unsent).map(|run| &run.frames))
    }

    /// The job's newest run, where somebody canceled it or took it back before it was submitted: a failure never does.
    pub fn canceled<'a>(&self, job: &'a JobRecord) -> Option<&'a RunRecord> {
        let is_over = |status: &JobStatus| matches!(status, JobStatus::Canceled | JobStatus::CancelRequested);
        let is_canceled = |run: &RunRecord| {
            run.withdrawn || self.runs(job).iter().any(|known| known.run == run.id && is_over(&known.status))
        };
        job.newest_run().filter(|run| is_canceled(run))
    }

    /// This work with another idea of what was harvested.
    #[must_use]
    pub fn with_harvested(mut self, files: Vec<ManifestFile>) -> Self {
        self.harvested = HashMap::new();
        for file in files {
            self.harvested.entry(file.job.clone()).or_default().push(file);
        }
        self
    }

    /// The Manager's workers, as they were when it was asked.
    pub fn workers(&self) -> &[ManagerWorker] {
        &self.workers
    }

    /// The frames of a job that a worker may still write.
    pub fn frames(&self, job: &JobName) -> FrameSet {
        self.open.get(job).cloned().unwrap_or_default()
    }

    /// The job's part of the manifest.
    pub fn harvested(&self, job: &JobName) -> &[ManifestFile] {
        self.harvested.get(job).map_or(&[], Vec::as_slice)
    }

    /// Those of the job's runs that say something of its frames as they are meant now.
    pub fn telling(&self, job: &JobRecord) -> &[RunWork] {
        self.telling.get(&job.name).map_or_else(|| self.runs(job), Vec::as_slice)
    }

    /// The job's runs that the Manager knows, in the order submitted.
    pub fn runs(&self, job: &JobRecord) -> &[RunWork] {
        self.runs.get(&job.name).map_or(&[], Vec::as_slice)
    }
}

/// The runs that rendered frames which count still, with those alone: what a run of an earlier revision says of the others
/// is of another scene.
fn telling(job: &JobRecord, runs: &[RunWork]) -> Vec<RunWork> {
    let restricted = |run: &RunWork| {
        let revision = job.runs.iter().find(|written| written.id == run.run)?.revision;
        let frames = run.frames.common(&job.frames_of(revision));
        (!frames.is_empty()).then(|| RunWork { frames, ..run.clone() })
    };
    runs.iter().filter_map(restricted).collect()
}

impl RunWork {
    /// Whether a worker may still write some of its frames.
    pub fn is_open(&self) -> bool {
        self.waiting > 0 || self.tasks.iter().any(|task| task.openness == Openness::Open)
    }

    /// How many tasks a worker has or may get.
    pub fn open_tasks(&self) -> usize {
        self.waiting + self.tasks.iter().filter(|task| task.openness == Openness::Open).count()
    }

    /// The frames that a worker may still write.
    pub fn open_frames(&self) -> FrameSet {
        if self.waiting > 0 {
            return self.frames.clone();
        }
        let open = self.tasks.iter().filter(|task| task.openness == Openness::Open);
        FrameSet::union_of(open.map(|task| &task.frames))
    }

    /// The frames of its completed tasks.
    pub fn completed_frames(&self) -> FrameSet {
        if self.completed.is_some() {
            return self.frames.clone();
        }
        let completed = self.tasks.iter().filter(|task| task.status == TaskStatus::Completed);
        FrameSet::union_of(completed.map(|task| &task.frames))
    }
}

/// What was harvested, also by a harvest that is under way or was killed on its way.
fn harvested(volume: &Volume, release: &Home) -> Result<Vec<ManifestFile>, Failure> {
    let mut manifest = Manifest::load(volume, release)?;
    // A journal that cannot be read is told of where journals are looked at.
    manifest.replace_all(unfinished::files(volume, release).unwrap_or_default());
    Ok(manifest.files)
}

/// Tasks that were asked for.
struct Tasks {
    of_jobs: HashMap<JobId, Vec<ManagerTask>>,
    /// Who had those of which their list did not say it, where that may be remembered.
    had: HashMap<TaskId, Had>,
}

/// The tasks of the Manager's jobs for the release's runs, where the jobs themselves leave a doubt: a request each,
/// several at once; then who had those of all jobs of which their list does not say it.
fn tasks_of(
    ports: &Ports<'_>,
    release: &Home,
    jobs: &[&JobRecord],
    by_run: &JobsByRun<'_>,
    workers: &[ManagerWorker],
) -> Result<Tasks, Failure> {
    let runs = jobs.iter().flat_map(|job| job.runs.iter().map(move |run| (&job.name, run)));
    let known = runs.flat_map(|(name, run)| by_run.get(run.id).into_iter().flatten().map(move |job| (name, *job)));
    let is_in_doubt = |(_, job): &(_, &ManagerJob)| !job.has_all_tasks_completed() && !job.is_untouched();
    let jobs: Vec<(&JobName, &ManagerJob)> = known.filter(is_in_doubt).collect();
    let hands = ports.manager.requests_at_once();
    let mut told = try_by_hands(ports, hands, &jobs, |(_, job)| ports.manager.tasks(&job.id))?;
    let now = clock::now();
    let mut nameless = Vec::new();
    for ((name, job), tasks) in jobs.iter().zip(&mut told) {
        let ended = job.status.has_ended();
        let unnamed = tasks.iter_mut().filter(|task| needs_its_worker(task, ended, workers, now));
        nameless.extend(unnamed.map(|task| (*name, task)));
    }
    let had = task_workers::name(ports, release, nameless)?;
    Ok(Tasks { of_jobs: jobs.into_iter().map(|(_, job)| job.id.clone()).zip(told).collect(), had })
}

/// What the job that counts says, and what workers may still write for its twins.
fn run_work(asked: &Tasks, run: &RunRecord, jobs: &[&ManagerJob], workers: &[ManagerWorker], sight: Sight) -> RunWork {
    let now = clock::now();
    let first = jobs[0];
    let mark = || CompletedJob { id: first.id.clone(), updated: first.updated };
    let mut work = RunWork {
        run: run.id,
        number: run.number,
        status: first.status.clone(),
        frames: run.frames.clone(),
        completed: first.has_all_tasks_completed().then(mark),
        waiting: 0,
        tasks: Vec::new(),
    };
    for (at, job) in jobs.iter().enumerate() {
        if job.is_untouched() {
            work.waiting += run.frames.len().div_ceil(run.chunk.max(1) as usize).max(1);
        }
        let tasks = asked.of_jobs.get(&job.id).into_iter().flatten().map(|task| TaskWork {
            id: task.id.clone(),
            name: task.name.clone(),
            status: task.status.clone(),
            job_ended: job.status.has_ended(),
            frames: frames_of(task, &run.frames),
            openness: openness(task, job.status.has_ended(), workers, now, sight),
            worker: workers
                .iter()
                .find(|worker| task.is_with(worker))
                .map(|worker| worker.id.clone())
                .or(task.worker.clone()),
            worker_name: task.worker_named(workers),
            updated: task.updated,
            had: asked.had.get(&task.id).cloned(),
        });
        work.tasks.extend(tasks.filter(|task| at == 0 || task.openness == Openness::Open));
    }
    work
}

/// The frames among those of deleted runs whose files were written to lately: nobody can say any more whether a renderer
/// is still at them.
fn written_lately(ports: &Ports<'_>, release: &Home, job: &JobRecord, gone: &FrameSet) -> Result<FrameSet, Failure> {
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
pub(super) fn frames_of(task: &ManagerTask, run: &FrameSet) -> FrameSet {
    let named = task.name.strip_prefix("render-").and_then(|text| text.parse::<FrameSet>().ok());
    let common = named.map(|named| named.common(run));
    common.filter(|frames| !frames.is_empty()).unwrap_or_else(|| run.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;

    #[test]
    fn a_tasks_name_says_its_frames() {
        let run: FrameSet = "1-9x2".parse().expect("frames");
        let mut room = Room::new(&[("A", "1-9")]);
        room.add_run("1-9", TaskStatus::Active);
        let task = room.manager.tasks.values().flatten().next().expect("one");
        let named = |name: &str| frames_of(&ManagerTask { name: name.into(), ..task.clone() }, &run).to_string();
        assert_eq!(named("render-3,5"), "3,5");
        assert_eq!(named("render-1-5"), "1-5x2");
        assert_eq!(named("render-77"), "1-9x2");
        assert_eq!(named("preview"), "1-9x2");
    }

    #[test]
    fn what_the_list_of_jobs_says_is_not_asked_for_again() {
        let mut room = Room::rendered(&[("A", "1-4")]);
        room.add_run("1-4", TaskStatus::Completed);
        let mut said = |status: JobStatus, activity: &str, later: i64| {
            let job = &mut room.manager.jobs[0];
            (job.status, job.activity, job.created) = (status, activity.to_owned(), Timestamp::from_unix(1000));
            job.updated = Timestamp::from_unix(1000 + later);
            room.file.jobs[0].runs[0].chunk = 3;
            let before = room.manager.lists.load(std::sync::atomic::Ordering::Relaxed);
            let work = OpenWork::of(&room.ports(), &room.file).expect("work");
            let job = &room.file.jobs[0];
            let run = work.runs(job)[0].clone();
            let lists = room.manager.lists.load(std::sync::atomic::Ordering::Relaxed) - before;
            (lists, run.completed.is_some(), run.open_tasks(), work.frames(&job.name).to_string())
        };
        let by_itself = "Changed to status \"completed\": all tasks completed";
        assert_eq!(said(JobStatus::Completed, by_itself, 9), (0, true, 0, String::new()));
        assert_eq!(said(JobStatus::Queued, "", 0), (0, false, 2, "1-4".to_owned()));
        assert_eq!(said(JobStatus::Paused, "", 0), (0, false, 2, "1-4".to_owned()));
        let asked = (1, false, 0, String::new());
        assert_eq!(said(JobStatus::Completed, "Changed to status \"completed\": enough", 9), asked, "by hand");
        for status in [JobStatus::Queued, JobStatus::Paused, JobStatus::Canceled, JobStatus::Failed] {
            assert_eq!(said(status.clone(), "", 9), asked, "{status}, once begun");
        }
        assert_eq!(said(JobStatus::Active, "", 0), asked);
        assert_eq!(said(JobStatus::Unknown("resting".into()), "", 0), asked);
    }

    /// Until 3.7 a list of tasks names no worker. One that was deleted is named by its task alone, and may still be at it.
    #[test]
    fn a_deleted_worker_that_no_list_names_may_still_be_at_it() {
        let mut room = Room::rendered(&[("A", "1-4")]);
        let task = room.add_run("1-4", TaskStatus::Canceled);
        let job = room.manager.jobs[0].id.clone();
        room.manager.jobs[0].status = JobStatus::Canceled;
        let never_begun =
            ManagerTask { id: TaskId("never".into()), name: "render-5".into(), ..room.manager.tasks[&job][0].clone() };
        let tasks = room.manager.tasks.get_mut(&job).expect("there");
        tasks.push(never_begun);
        tasks.iter_mut().for_each(|task| (task.worker, task.names_worker) = (None, false));
        room.manager.workers.clear();
        let open = |room: &Room| {
            let work = OpenWork::of(&room.ports(), &room.file).expect("work");
            let run = &work.runs(&room.file.jobs[0])[0];
            run.tasks.iter().map(|task| task.openness).collect::<Vec<_>>()
        };
        room.manager.unnamed.insert(task, WorkerId("deleted".into()));
        for status in [TaskStatus::Canceled, TaskStatus::Failed, TaskStatus::SoftFailed] {
            room.manager.tasks.get_mut(&job).expect("there")[0].status = status.clone();
            assert_eq!(open(&room), [Openness::Open, Openness::Quiet], "{status}");
        }
        // Nobody was heard of for an hour: not asked for any more.
        let long_ago = clock::now().plus_seconds(-3600);
        room.manager.tasks.get_mut(&job).expect("there").iter_mut().for_each(|task| task.updated = long_ago);
        room.manager.unnamed.clear();
        assert_eq!(open(&room), [Openness::Quiet; 2]);
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
