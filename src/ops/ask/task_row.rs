//! A task as a query sees it, whole or with no more than its job tells.

use crate::base::frame_set::FrameSet;
use crate::base::ids::WorkerId;
use crate::base::status::{JobStatus, TaskStatus};
use crate::manager::job::META_RUN;
use crate::manager::{ManagerJob, ManagerTask, ManagerWorker};
use crate::ops::select::{JobRow, Origin};
use crate::query::{Field, Row, Value};
use crate::volume::release_file::RunRecord;

/// What the name of a task begins with whose frames follow.
const NAMED_BY_FRAMES: &str = "render-";

/// A run: one of the Manager's jobs, and the job that it renders for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run<'a> {
    pub(super) job: &'a JobRow<'a>,
    pub(super) found: &'a ManagerJob,
    record: Option<&'a RunRecord>,
}

/// Who has or had a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Who {
    /// The list does not say it, and nobody was asked yet.
    Unasked,
    /// Nobody.
    Nobody,
    /// This one; its name only where the Manager still knows it.
    Worker { id: WorkerId, name: Option<String> },
}

/// A task of a run; without one, what is true of all tasks of the run.
pub(super) struct TaskRow<'a> {
    pub(super) run: &'a Run<'a>,
    pub(super) task: Option<&'a ManagerTask>,
    pub(super) who: Who,
    pub(super) frames: FrameSet,
}

impl<'a> Run<'a> {
    /// The runs of a job, in the order in which they were submitted.
    pub(super) fn of(job: &'a JobRow<'a>) -> Vec<Run<'a>> {
        let run = |found: &'a ManagerJob| Run { job, found, record: record(job, found) };
        let mut runs: Vec<Run<'a>> = job.managers_jobs().map(run).collect();
        runs.sort_by_key(|run| (run.number(), run.found.created));
        runs
    }

    /// Which of the job's runs it is, from 1.
    pub(super) fn number(&self) -> Option<u32> {
        let told = || self.found.run_id().and_then(|_| self.found.metadata.get(META_RUN)?.parse().ok());
        self.record.map(|record| record.number).or_else(told)
    }

    /// The frames in a task's name, `render-1-10`; none where it says something else.
    pub(super) fn frames_of(&self, task: &ManagerTask) -> FrameSet {
        let named: Option<FrameSet> = task.name.strip_prefix(NAMED_BY_FRAMES).and_then(|text| text.parse().ok());
        let named = named.unwrap_or_default();
        self.record.map_or(named.clone(), |record| named.common(&record.frames))
    }

    /// The status of all its tasks, where the job itself says it: then nobody needs to ask for them.
    fn status_of_all(&self) -> Option<TaskStatus> {
        match () {
            () if self.found.has_all_tasks_completed() => Some(TaskStatus::Completed),
            () if self.is_waiting() => Some(TaskStatus::Queued),
            () => None,
        }
    }

    /// Whether none of its tasks was ever given to a worker.
    fn is_waiting(&self) -> bool {
        self.found.status == JobStatus::Queued && self.found.is_untouched()
    }
}

fn record<'a>(job: &JobRow<'a>, found: &ManagerJob) -> Option<&'a RunRecord> {
    let Origin::Recorded(_, record) = job.origin else { return None };
    let id = found.run_id()?;
    record.runs.iter().find(|run| run.id == id)
}

impl Who {
    /// Who has or had a task, as far as its list and the workers say it.
    pub(super) fn listed(task: &ManagerTask, workers: &[ManagerWorker]) -> Who {
        match workers.iter().find(|worker| task.is_with(worker)) {
            Some(worker) => Who::Worker { id: worker.id.clone(), name: Some(worker.name.clone()) },
            None => match &task.worker {
                Some(id) => Who::Worker { id: id.clone(), name: task.worker_name.clone() },
                None if task.names_worker || task.status == TaskStatus::Queued => Who::Nobody,
                None => Who::Unasked,
            },
        }
    }

    fn value(&self) -> Value<'_> {
        match self {
            Who::Unasked => Value::Unknown,
            Who::Nobody => Value::None,
            Who::Worker { id, name } => Value::texts(name.iter().map(String::as_str).chain([id.0.as_str()])),
        }
    }
}

impl<'a> TaskRow<'a> {
    /// What is true of all tasks of a run.
    pub(super) fn of_all(run: &'a Run<'a>) -> Self {
        TaskRow { run, task: None, who: Who::Unasked, frames: FrameSet::default() }
    }

    /// A task of it.
    pub(super) fn of(run: &'a Run<'a>, task: &'a ManagerTask, who: Who) -> Self {
        TaskRow { run, task: Some(task), who, frames: run.frames_of(task) }
    }

    fn without_task(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Status => self.run.status_of_all().map_or(Value::Unknown, |status| status.to_string().into()),
            Field::Worker if self.run.is_waiting() => Value::None,
            _ => Value::Unknown,
        }
    }
}

impl Row for TaskRow<'_> {
    fn value(&self, field: &Field) -> Value<'_> {
        match (field, self.task) {
            (Field::Ref | Field::Release | Field::User | Field::Foreign, _) => self.run.job.value(field),
            (Field::Job, _) => self.run.job.name().into(),
            (Field::Created, _) => self.run.found.created.into(),
            (_, None) => self.without_task(field),
            (Field::Id, Some(task)) => task.id.0.as_str().into(),
            (Field::Name, Some(task)) => task.name.as_str().into(),
            (Field::Status, Some(task)) => task.status.as_str().into(),
            (Field::Type, Some(task)) => task.task_type.as_str().into(),
            (Field::Updated, Some(task)) => task.updated.into(),
            (Field::Frames, Some(_)) => (&self.frames).into(),
            (Field::Worker, Some(_)) => self.who.value(),
            _ => Value::None,
        }
    }

    /// Every task of a render is called `render-` and its frames, and every Manager's ids are UUIDs. So the name of a
    /// release leaves nothing open of the jobs of others.
    fn may_be(&self, field: &Field, word: &str) -> bool {
        match field {
            Field::Name => self.run.job.is_foreign() || word.starts_with(NAMED_BY_FRAMES),
            Field::Id => word.chars().all(|c| c.is_ascii_hexdigit() || c == '-'),
            _ => true,
        }
    }
}
