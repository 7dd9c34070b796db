//! Rows of the queue as the trait's types.

use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::manager::{ManagerJob, ManagerTask, ManagerWorker};
use crate::sys::platform;
use rusqlite::Row;
use rusqlite::types::Type;
use serde::de::DeserializeOwned;

/// The columns that [`job`] reads.
pub(super) const JOB: &str = "id, name, status, priority, type, metadata, activity, created, updated";
/// The columns that [`task`] reads.
pub(super) const TASK: &str = "task.id, task.name, task.type, task.status, task.worker, task.updated";
/// The columns that [`worker`] reads.
pub(super) const WORKER: &str = "id, name, status, version, last_seen, task_types, tags, task, job";

/// A time as the queue keeps it.
pub(super) fn stored(time: Timestamp) -> i64 {
    time.0.as_microsecond()
}

/// A column that holds a time.
pub(super) fn time(row: &Row<'_>, column: usize) -> rusqlite::Result<Timestamp> {
    let stored = row.get(column)?;
    Ok(Timestamp(jiff::Timestamp::from_microsecond(stored).unwrap_or(jiff::Timestamp::UNIX_EPOCH)))
}

/// A column that holds JSON.
pub(super) fn json<T: DeserializeOwned>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    serde_json::from_str(&text)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error)))
}

/// The JSON of a value of farm's own types, which always have one.
pub(super) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("maps with text keys, lists and texts have a JSON form")
}

/// Reads [`JOB`].
pub(super) fn job(row: &Row<'_>) -> rusqlite::Result<ManagerJob> {
    Ok(ManagerJob {
        id: JobId(row.get(0)?),
        name: row.get(1)?,
        status: JobStatus::from(row.get::<_, String>(2)?),
        priority: row.get(3)?,
        job_type: row.get(4)?,
        metadata: json(row, 5)?,
        activity: row.get(6)?,
        created: time(row, 7)?,
        updated: time(row, 8)?,
    })
}

/// Reads [`TASK`].
pub(super) fn task(row: &Row<'_>) -> rusqlite::Result<ManagerTask> {
    Ok(ManagerTask {
        id: TaskId(row.get(0)?),
        name: row.get(1)?,
        task_type: row.get(2)?,
        status: TaskStatus::from(row.get::<_, String>(3)?),
        worker: row.get::<_, Option<String>>(4)?.map(WorkerId),
        worker_name: None,
        names_worker: true,
        updated: time(row, 5)?,
    })
}

/// Reads [`WORKER`].
pub(super) fn worker(row: &Row<'_>) -> rusqlite::Result<ManagerWorker> {
    let task = row.get::<_, Option<String>>(7)?.map(TaskId);
    Ok(ManagerWorker {
        id: WorkerId(row.get(0)?),
        name: row.get(1)?,
        status: WorkerStatus::from(row.get::<_, String>(2)?),
        requested: None,
        version: row.get(3)?,
        last_seen: Some(time(row, 4)?),
        task_types: json(row, 5)?,
        tags: json(row, 6)?,
        platform: platform::SYSTEM.to_owned(),
        last_task: task.clone(),
        job: row.get::<_, Option<String>>(8)?.map(JobId),
        task,
    })
}
