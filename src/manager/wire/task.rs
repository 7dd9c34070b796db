//! Tasks as `GET /jobs/{id}/tasks`, `GET /tasks/{id}` and `GET /tasks/{id}/log` tell of them.

use super::or_default;
use crate::base::ids::{TaskId, WorkerId};
use crate::base::status::TaskStatus;
use crate::base::time::Timestamp;
use crate::manager::{ManagerTask, TaskStory};
use serde::Deserialize;

/// `JobTasksSummary`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Tasks {
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) tasks: Vec<Task>,
}

/// `TaskSummary`. `worker` is there since 3.8, and is of empty words while nobody has the task.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Task {
    pub(in crate::manager) id: String,
    name: String,
    task_type: String,
    pub(in crate::manager) status: String,
    worker: Option<TaskWorker>,
    updated: Timestamp,
    /// In a worker's details, and where one task was asked for.
    pub(in crate::manager) job_id: Option<String>,
    /// Only where one task was asked for, as is the next.
    #[serde(default, deserialize_with = "or_default")]
    activity: String,
    #[serde(default, deserialize_with = "or_default")]
    failed_by_workers: Vec<TaskWorker>,
}

#[derive(Debug, Deserialize)]
struct TaskWorker {
    #[serde(default, deserialize_with = "or_default")]
    id: String,
    #[serde(default, deserialize_with = "or_default")]
    name: String,
}

/// `TaskLogInfo`: where the log lies, beneath the Manager's own address.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct LogInfo {
    pub(in crate::manager) url: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(in crate::manager) size: u64,
}

impl From<Task> for TaskStory {
    fn from(task: Task) -> Self {
        let failed_by = task.failed_by_workers.into_iter().map(|worker| WorkerId(worker.id)).collect();
        TaskStory { activity: task.activity, failed_by }
    }
}

impl From<Task> for ManagerTask {
    fn from(task: Task) -> Self {
        let names_worker = task.worker.is_some();
        let (worker, name) = task.worker.map_or((None, None), |worker| (Some(worker.id), Some(worker.name)));
        ManagerTask {
            id: TaskId(task.id),
            name: task.name,
            task_type: task.task_type,
            status: TaskStatus::from(task.status),
            worker: worker.filter(|id| !id.is_empty()).map(WorkerId),
            worker_name: name.filter(|name| !name.is_empty()),
            names_worker,
            updated: task.updated,
        }
    }
}
