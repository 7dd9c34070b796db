//! What is submitted to a Manager and what comes back, in farm's words.

use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId, TaskId, WorkerId};
use crate::base::name::JobRef;
use crate::base::render_options::RenderOptions;
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Metadata key of farm's own id of the run.
pub const META_ID: &str = "farm.id";
/// Metadata key of the release's name.
pub const META_RELEASE: &str = "farm.release";
/// Metadata key of the job's full name, `release/job`.
pub const META_JOB: &str = "farm.job";
/// Metadata key of the run's number within its job, from 1.
pub const META_RUN: &str = "farm.run";
/// Metadata key of the user who submitted.
pub const META_USER: &str = "farm.user";
/// Metadata key of the host it was submitted from.
pub const META_HOST: &str = "farm.host";

/// Why a Manager calls a job completed: the end of its `activity`.
pub const ALL_COMPLETED: &str = "all tasks completed";

/// A run as it is submitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Submission {
    /// What the Manager shows as the job's name.
    pub name: String,
    /// 0 to 100, higher first; Flamenco's default is 50.
    pub priority: u8,
    /// The `farm.*` keys and what the user adds.
    pub metadata: BTreeMap<String, String>,
    /// Only workers with this tag may take it.
    pub tag: Option<String>,
    /// Wait for a person before the first task.
    pub paused: bool,
    /// What is to be done.
    pub work: Work,
}

/// What a run does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Work {
    /// Flamenco's built-in `simple-blender-render`.
    SimpleBlenderRender(RenderWork),
}

/// The settings of `simple-blender-render` that farm sets. `fps` is never sent: Flamenco would put a video among the frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RenderWork {
    /// Absolute path of the scene as workers see it.
    pub blendfile: String,
    /// The scene within the file; `None` is the active one.
    pub scene: Option<String>,
    /// The frames of the run.
    pub frames: FrameSet,
    /// Frames per task, at least 1.
    pub chunk_size: u32,
    /// Absolute path of the frames, with a run of `#` for the number: `/vol/releases/r1/out/A/######`.
    pub render_output_path: String,
    /// Blender's `--render-format` word: `PNG`, `OPEN_EXR`, …
    pub format: String,
    /// The frames' file extension with its dot: `.png`.
    pub image_file_extension: String,
    /// What the built-in job type cannot say; any of it takes farm's own.
    #[serde(default, skip_serializing_if = "RenderOptions::is_plain")]
    pub options: RenderOptions,
}

/// A job as the Manager tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagerJob {
    /// The Manager's id.
    pub id: JobId,
    /// Its name there.
    pub name: String,
    /// Its status there.
    pub status: JobStatus,
    /// 0 to 100.
    pub priority: u8,
    /// The job type's name, `simple-blender-render` or `farm`.
    pub job_type: String,
    /// What was put into it at submission.
    pub metadata: BTreeMap<String, String>,
    /// The last word about it (a reason, a failure).
    pub activity: String,
    /// When it was submitted.
    pub created: Timestamp,
    /// When anything about it changed last.
    pub updated: Timestamp,
}

impl ManagerJob {
    /// Whether every task of it is completed, so that nobody needs to ask for them. The word `completed` alone does not say
    /// so: whoever sets it by hand leaves the tasks as they were. A Manager that sees it itself writes down why, in the same
    /// words from 3.2 to 3.9.
    pub fn has_all_tasks_completed(&self) -> bool {
        self.status == JobStatus::Completed && self.activity.ends_with(ALL_COMPLETED)
    }

    /// Whether none of its tasks was ever begun: a job changes with its first one.
    pub fn is_untouched(&self) -> bool {
        matches!(self.status, JobStatus::Queued | JobStatus::Paused) && self.created == self.updated
    }

    /// Which of several jobs of one run counts: the least. A job that can still deliver comes before one that ended without,
    /// the oldest first.
    pub fn precedence(&self) -> (bool, Timestamp, &JobId) {
        (self.status.has_ended() && self.status != JobStatus::Completed, self.created, &self.id)
    }

    /// Farm's id of the run; `None` for jobs that farm did not submit.
    pub fn run_id(&self) -> Option<RunId> {
        self.metadata.get(META_ID)?.parse().ok()
    }

    /// The farm job it belongs to; `None` for jobs that farm did not submit.
    pub fn job_ref(&self) -> Option<JobRef> {
        self.metadata.get(META_JOB)?.parse().ok()
    }
}

/// A task as the Manager tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagerTask {
    /// The Manager's id.
    pub id: TaskId,
    /// Its name: `render-1-10`.
    pub name: String,
    /// `blender`, `misc`, `ffmpeg`, `file-management`, or any word.
    pub task_type: String,
    /// Its status.
    pub status: TaskStatus,
    /// The worker that has or had it.
    pub worker: Option<WorkerId>,
    /// Its name, where the answer says it: a worker that is gone is in no list.
    pub worker_name: Option<String>,
    /// Whether `worker` is known: until 3.7 a list of tasks does not name it, only the answer about one task does.
    pub names_worker: bool,
    /// When anything about it changed last.
    pub updated: Timestamp,
}

impl ManagerTask {
    /// Whether this worker has or had it. Until 3.7 a task does not say who has it, but each worker what it touched last.
    pub fn is_with(&self, worker: &ManagerWorker) -> bool {
        match &self.worker {
            Some(id) => worker.id == *id,
            None => worker.last_task.as_ref() == Some(&self.id),
        }
    }

    /// What messages call the worker that has or had it: its name, or its id where nobody knows the name.
    pub fn worker_named(&self, workers: &[ManagerWorker]) -> Option<String> {
        let known = workers.iter().find(|worker| self.is_with(worker)).map(|worker| worker.name.clone());
        known.or_else(|| self.worker_name.clone()).or_else(|| self.worker.as_ref().map(ToString::to_string))
    }
}

/// A worker as the Manager tells it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagerWorker {
    /// The Manager's id.
    pub id: WorkerId,
    /// Its name, most often its host's.
    pub name: String,
    /// Its status.
    pub status: WorkerStatus,
    /// The status that somebody asked it to take, and that it has not taken yet.
    pub requested: Option<WorkerStatus>,
    /// Its version of Flamenco or farm.
    pub version: String,
    /// When it spoke last.
    pub last_seen: Option<Timestamp>,
    /// The task types that it takes.
    pub task_types: Vec<String>,
    /// The names of its tags.
    pub tags: Vec<String>,
    /// Its operating system as Go names it: `linux`, `windows`, `darwin`.
    pub platform: String,
    /// The task it works on now.
    pub task: Option<TaskId>,
    /// The job of that task.
    pub job: Option<JobId>,
    /// The task it touched last: the one it works on, or worked on before.
    pub last_task: Option<TaskId>,
}

impl ManagerWorker {
    /// Whether it takes tasks of this type now or once it is done with its own.
    pub fn takes(&self, task_type: &str) -> bool {
        self.status == WorkerStatus::Awake && self.task_types.iter().any(|known| known == task_type)
    }

    /// Whether it may render for a job with this tag. One that has tags renders for jobs without one, too.
    pub fn renders_for(&self, tag: Option<&str>) -> bool {
        self.takes("blender") && tag.is_none_or(|tag| self.tags.iter().any(|has| has == tag))
    }
}

/// What a Manager says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ManagerVersion {
    /// `3.8.5`, `3.9-beta1`, or farm's own version.
    pub version: String,
    /// The name its owner gave it.
    pub name: String,
}
