//! Workers and their tags as `GET /worker-mgt/…` tells of them.

use super::or_default;
use super::task::Task;
use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::status::{TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::manager::{Block, ManagerWorker, SleepSchedule};
use serde::Deserialize;

/// `WorkerList`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Workers {
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) workers: Vec<WorkerSummary>,
}

/// `WorkerSummary`, as far as the details do not say it better.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct WorkerSummary {
    pub(in crate::manager) id: String,
}

/// `Worker`. `task` is the one that it works on, or else the one that it touched last.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Worker {
    id: String,
    name: String,
    status: String,
    status_change: Option<StatusChange>,
    #[serde(default, deserialize_with = "or_default")]
    version: String,
    last_seen: Option<Timestamp>,
    #[serde(default, deserialize_with = "or_default")]
    supported_task_types: Vec<String>,
    #[serde(default, deserialize_with = "or_default")]
    tags: Vec<Tag>,
    #[serde(default, deserialize_with = "or_default")]
    platform: String,
    task: Option<Task>,
}

/// `WorkerStatusChangeRequest`: it takes effect when the worker speaks next.
#[derive(Debug, Deserialize)]
struct StatusChange {
    status: String,
}

/// `WorkerTagList`, since 3.3.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Tags {
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) tags: Vec<Tag>,
}

/// `WorkerTag`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Tag {
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) id: String,
    pub(in crate::manager) name: String,
}

/// An entry of `JobBlocklist`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Blocked {
    worker_id: String,
    task_type: String,
}

impl From<Blocked> for Block {
    fn from(blocked: Blocked) -> Self {
        Block { worker: WorkerId(blocked.worker_id), task_type: blocked.task_type }
    }
}

/// `WorkerSleepSchedule`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Schedule {
    #[serde(default, deserialize_with = "or_default")]
    is_active: bool,
    #[serde(default, deserialize_with = "or_default")]
    days_of_week: String,
    #[serde(default, deserialize_with = "or_default")]
    start_time: String,
    #[serde(default, deserialize_with = "or_default")]
    end_time: String,
}

impl From<Schedule> for Option<SleepSchedule> {
    fn from(schedule: Schedule) -> Self {
        let Schedule { is_active, days_of_week: days, start_time: from, end_time: to } = schedule;
        is_active.then_some(SleepSchedule { days, from, to })
    }
}

impl From<Worker> for ManagerWorker {
    fn from(worker: Worker) -> Self {
        let (last_task, job, status) = worker.task.map_or((None, None, None), |task| {
            (Some(TaskId(task.id)), task.job_id.map(JobId), Some(TaskStatus::from(task.status)))
        });
        let is_active = status == Some(TaskStatus::Active);
        ManagerWorker {
            id: WorkerId(worker.id),
            name: worker.name,
            status: WorkerStatus::from(worker.status),
            requested: worker.status_change.map(|change| WorkerStatus::from(change.status)),
            version: worker.version,
            last_seen: worker.last_seen,
            task_types: worker.supported_task_types,
            tags: worker.tags.into_iter().map(|tag| tag.name).collect(),
            platform: worker.platform,
            task: last_task.clone().filter(|_| is_active),
            job: job.filter(|_| is_active),
            last_task,
        }
    }
}
