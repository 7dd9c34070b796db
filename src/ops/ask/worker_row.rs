//! A worker as a query sees it.

use crate::base::name::JobRef;
use crate::manager::{ManagerJob, ManagerWorker};
use crate::query::{Field, Row, Value};

/// A worker, and what was looked up of the task that it is at.
#[derive(Debug)]
pub(super) struct WorkerRow {
    pub(super) worker: ManagerWorker,
    pub(super) at: Option<At>,
}

/// What a worker is at.
#[derive(Debug, Default)]
pub(super) struct At {
    /// The task's name; `None` if it is gone.
    pub(super) task: Option<String>,
    /// Its job; `None` if that is gone.
    pub(super) job: Option<ManagerJob>,
}

impl At {
    /// The full name of the job, if farm made it.
    pub(super) fn reference(&self) -> Option<JobRef> {
        let job = self.job.as_ref()?;
        job.run_id().and(job.job_ref())
    }

    /// The name of the job without its release; the Manager's where farm did not make it.
    pub(super) fn job_name(&self) -> Option<String> {
        let own = self.reference().map(|reference| reference.job.to_string());
        own.or_else(|| self.job.as_ref().map(|job| job.name.clone()))
    }
}

impl WorkerRow {
    fn of_task(&self, of: impl Fn(&At) -> Option<String>) -> Value<'_> {
        match (&self.at, &self.worker.task) {
            (_, None) => Value::None,
            (None, Some(_)) => Value::Unknown,
            (Some(at), Some(_)) => of(at).into(),
        }
    }
}

impl Row for WorkerRow {
    fn value(&self, field: &Field) -> Value<'_> {
        let worker = &self.worker;
        match field {
            Field::Id => worker.id.0.as_str().into(),
            Field::Name => worker.name.as_str().into(),
            Field::Status => worker.status.as_str().into(),
            Field::Tag => Value::texts(worker.tags.iter().map(String::as_str)),
            Field::Type => Value::texts(worker.task_types.iter().map(String::as_str)),
            Field::Version => worker.version.as_str().into(),
            Field::Platform => worker.platform.as_str().into(),
            Field::Seen => worker.last_seen.into(),
            Field::Ref => self.of_task(|at| at.reference().map(|reference| reference.to_string())),
            Field::Release => self.of_task(|at| at.reference().map(|reference| reference.home.to_string())),
            Field::Job => self.of_task(At::job_name),
            Field::Task => match (&worker.task, &self.at) {
                (None, _) => Value::None,
                (Some(_), None) => Value::Unknown,
                (Some(id), Some(at)) => Value::texts(at.task.iter().map(String::as_str).chain([id.0.as_str()])),
            },
            _ => Value::None,
        }
    }
}
