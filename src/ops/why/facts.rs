//! What is known when causes are looked for.

use crate::base::ids::{JobId, WorkerId};
use crate::base::name::JobRef;
use crate::base::size::Bytes;
use crate::base::status::TaskStatus;
use crate::base::time::Timestamp;
use crate::frames::failure_kind::FailureKind;
use crate::manager::{Block, ManagerJob, ManagerTask, ManagerWorker, SleepSchedule, TaskStory};
use crate::ops::check::FrameCounts;
use std::collections::BTreeMap;

/// All that is known about a job.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) subject: Subject,
    /// How messages name the Manager that was asked.
    pub(super) address: String,
    /// Whether it is this machine's own queue.
    pub(super) is_local: bool,
    pub(super) now: Timestamp,
    /// As `farm status` tells them.
    pub(super) status: String,
    pub(super) frames: Option<FrameCounts>,
    pub(super) eta_seconds: Option<u64>,
    /// Frames that are not what they should be, in words.
    pub(super) flaws: Vec<String>,
    /// Bytes that can still be written on the volume.
    pub(super) free: Option<Bytes>,
    pub(super) standing: Standing,
}

/// Which job it is.
#[derive(Debug, Clone)]
pub(super) enum Subject {
    /// One that the volume has a record of.
    Own(JobRef),
    /// One of which the Manager alone tells.
    Stranger { id: JobId, name: String },
}

/// Where its run is.
#[derive(Debug, Clone)]
pub(super) enum Standing {
    /// The Manager does not answer: its words, and what to do.
    Away { message: String, next: String },
    /// It was not submitted; the words tell of a change that was begun, and not ended.
    NotSubmitted { interrupted: Option<String> },
    /// Its run was taken back before the Manager had it.
    Withdrawn,
    /// Another Manager has it.
    Elsewhere { manager: String },
    /// The Manager has forgotten it; what farm's own records say about its end.
    Gone { ended_by: Option<String> },
    /// On the Manager that was asked.
    Known(Box<OnManager>),
}

/// A run on the Manager.
#[derive(Debug, Clone)]
pub(super) struct OnManager {
    pub(super) job: ManagerJob,
    /// Only workers with this tag may take it.
    pub(super) tag: Option<String>,
    pub(super) tasks: Vec<TaskFacts>,
    pub(super) workers: Vec<ManagerWorker>,
    pub(super) blocks: Vec<Block>,
    /// Schedules of workers that sleep.
    pub(super) schedules: BTreeMap<WorkerId, SleepSchedule>,
    /// Every job that is not over, this one too.
    pub(super) open_jobs: Vec<ManagerJob>,
    /// What farm's own records say about its end.
    pub(super) ended_by: Option<String>,
}

/// A task.
#[derive(Debug, Clone)]
pub(super) struct TaskFacts {
    pub(super) task: ManagerTask,
    /// Asked for where it failed.
    pub(super) story: TaskStory,
    /// What its log says, where it failed and that was read.
    pub(super) failure: Option<LoggedFailure>,
}

/// What a failed task's log says.
#[derive(Debug, Clone)]
pub(super) struct LoggedFailure {
    pub(super) kind: FailureKind,
    /// The line that says it.
    pub(super) line: String,
}

impl OnManager {
    /// The tasks of one of these statuses.
    pub(super) fn tasks_in(&self, statuses: &[TaskStatus]) -> Vec<&TaskFacts> {
        self.tasks.iter().filter(|one| statuses.contains(&one.task.status)).collect()
    }

    /// The name of a worker, or its id where nobody knows it any more.
    pub(super) fn name_of(&self, id: &WorkerId) -> String {
        let known = self.workers.iter().find(|worker| worker.id == *id);
        known.map_or_else(|| id.0.clone(), |worker| worker.name.clone())
    }
}
