//! Jobs and tasks: putting them into the queue and reading them.

use super::rows::{self, stored, to_json};
use super::store::Fault;
use super::transition::Tally;
use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::status::TaskStatus;
use crate::base::time::Timestamp;
use crate::manager::compile::{Command, Outline};
use crate::manager::job::META_ID;
use crate::manager::{Block, ManagerJob, ManagerTask, Submission, TaskStory};
use rusqlite::{Connection, OptionalExtension, Transaction, named_params};
use std::collections::HashMap;
use uuid::Uuid;

/// Refuses what could be stored but would mean nothing.
pub(super) fn check(submission: &Submission) -> Result<(), Fault> {
    if submission.name.trim().is_empty() {
        return Err(Fault::Rejected("the job has no name".into()));
    }
    if submission.priority > 100 {
        return Err(too_high(submission.priority));
    }
    Ok(())
}

/// A priority that no job can have.
pub(super) fn too_high(priority: u8) -> Fault {
    Fault::Rejected(format!("the priority {priority} is above 100"))
}

/// A task as it is stored: with commands of its own, or without, if they are those of the job's work.
pub(super) type NewTask<'a> = (Outline, Option<&'a [Command]>);

/// Stores a job with its tasks, queued, or paused as the submission says.
pub(super) fn insert<'a>(
    tx: &Transaction<'_>,
    submission: &Submission,
    job_type: &str,
    tasks: impl Iterator<Item = NewTask<'a>>,
    now: Timestamp,
) -> Result<ManagerJob, Fault> {
    let uuid = Uuid::new_v4();
    let id = JobId(uuid.to_string());
    // Tasks of a paused job are queued too, as on Flamenco: the job's status keeps workers away.
    let status = if submission.paused { "paused" } else { "queued" };
    tx.execute(
        "INSERT INTO job
         (id, run, name, type, status, priority, tag, activity, metadata, settings, tally, created, updated)
         VALUES (:id, :run, :name, :type, :status, :priority, :tag, '', :metadata, :settings, '{}', :now, :now)",
        named_params! {
            ":id": id.0,
            ":run": submission.metadata.get(META_ID),
            ":name": submission.name,
            ":type": job_type,
            ":status": status,
            ":priority": submission.priority,
            ":tag": submission.tag,
            ":metadata": to_json(&submission.metadata),
            ":settings": to_json(&submission.work),
            ":now": stored(now),
        },
    )?;
    let seq = tx.last_insert_rowid();
    let mut tally = Tally::default();
    for (position, task) in (1..).zip(tasks) {
        insert_task(tx, seq, &task_id(uuid, position), position, task, now)?;
        tally.add(&TaskStatus::Queued);
    }
    tx.execute("UPDATE job SET tally = ?2 WHERE seq = ?1", (seq, to_json(&tally)))?;
    job(tx, &id)?.ok_or_else(|| Fault::Missing(format!("job {id}")))
}

/// The job's id with the task's position in it. Ids in order go to the end of the index; random ones would rewrite all
/// of it, over and over, for a large job.
fn task_id(job: Uuid, position: u32) -> String {
    let mut bytes = job.into_bytes();
    bytes[12..].copy_from_slice(&position.to_be_bytes());
    Uuid::from_bytes(bytes).to_string()
}

fn insert_task(
    tx: &Transaction<'_>,
    job: i64,
    id: &str,
    position: u32,
    (task, commands): NewTask<'_>,
    now: Timestamp,
) -> Result<(), Fault> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO task (id, job, position, name, type, status, frames, commands, activity, updated)
         VALUES (:id, :job, :position, :name, :type, 'queued', :frames, :commands, '', :now)",
    )?;
    insert.execute(named_params! {
        ":id": id,
        ":job": job,
        ":position": position,
        ":name": task.name,
        ":type": task.task_type,
        ":frames": to_json(&task.frames),
        ":commands": commands.map(|commands| to_json(&commands)).unwrap_or_default(),
        ":now": stored(now),
    })?;
    Ok(())
}

/// Takes a job out of the queue, with its tasks.
pub(super) fn delete(tx: &Transaction<'_>, id: &JobId) -> Result<(), Fault> {
    match tx.execute("DELETE FROM job WHERE id = ?1", (&id.0,))? {
        0 => Err(Fault::Missing(format!("job {id}"))),
        _ => Ok(()),
    }
}

/// All jobs, in the order of submission.
pub(super) fn all(connection: &Connection) -> Result<Vec<ManagerJob>, Fault> {
    let mut select = connection.prepare(&format!("SELECT {} FROM job ORDER BY seq", rows::JOB))?;
    let jobs = select.query_map((), rows::job)?.collect::<Result<_, _>>()?;
    Ok(jobs)
}

/// One job.
pub(super) fn job(connection: &Connection, id: &JobId) -> Result<Option<ManagerJob>, Fault> {
    let query = format!("SELECT {} FROM job WHERE id = ?1", rows::JOB);
    Ok(connection.query_row(&query, (&id.0,), rows::job).optional()?)
}

/// The job that was submitted under this `farm.id`; the first if there are several.
pub(super) fn of_run(connection: &Connection, run: &str) -> Result<Option<ManagerJob>, Fault> {
    let query = format!("SELECT {} FROM job WHERE run = ?1 ORDER BY seq LIMIT 1", rows::JOB);
    Ok(connection.query_row(&query, (run,), rows::job).optional()?)
}

/// One task.
pub(super) fn task(connection: &Connection, id: &TaskId) -> Result<Option<ManagerTask>, Fault> {
    let query = format!("SELECT {} FROM task WHERE id = ?1", rows::TASK);
    let mut task = connection.query_row(&query, (&id.0,), rows::task).optional()?;
    name_former_workers(connection, task.as_mut_slice())?;
    Ok(task)
}

/// Names workers whose name another one has now, and that are in no list any more.
fn name_former_workers(connection: &Connection, tasks: &mut [ManagerTask]) -> Result<(), Fault> {
    // A queue that is only looked at may be of an earlier version.
    if tasks.is_empty() || !connection.table_exists(None, "former_worker")? {
        return Ok(());
    }
    let mut select = connection.prepare("SELECT id, name FROM former_worker")?;
    let names = select.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let names: HashMap<String, String> = names.collect::<Result<_, _>>()?;
    for task in tasks {
        task.worker_name = task.worker.as_ref().and_then(|id| names.get(&id.0).cloned());
    }
    Ok(())
}

/// The tasks of a job, in their order; none if there is no such job.
pub(super) fn tasks(connection: &Connection, id: &JobId) -> Result<Vec<ManagerTask>, Fault> {
    let query = format!(
        "SELECT {} FROM task JOIN job ON job.seq = task.job WHERE job.id = ?1 ORDER BY task.position",
        rows::TASK
    );
    let mut select = connection.prepare(&query)?;
    let mut tasks = select.query_map((&id.0,), rows::task)?.collect::<Result<Vec<_>, _>>()?;
    name_former_workers(connection, &mut tasks)?;
    Ok(tasks)
}

/// What the list does not say of a task.
pub(super) fn story(connection: &Connection, id: &TaskId) -> Result<Option<TaskStory>, Fault> {
    let task = "SELECT seq, activity FROM task WHERE id = ?1";
    let found = connection.query_row(task, (&id.0,), |row| Ok((row.get::<_, i64>(0)?, row.get(1)?))).optional()?;
    let Some((seq, activity)) = found else { return Ok(None) };
    let mut select = connection.prepare("SELECT worker FROM failure WHERE task = ?1 ORDER BY worker")?;
    let failed_by = select.query_map((seq,), |row| row.get(0).map(WorkerId))?.collect::<Result<_, _>>()?;
    Ok(Some(TaskStory { activity, failed_by }))
}

/// Whom a job does not want any more.
pub(super) fn blocks(connection: &Connection, id: &JobId) -> Result<Vec<Block>, Fault> {
    let query = "SELECT block.worker, block.task_type FROM block JOIN job ON job.seq = block.job WHERE job.id = ?1";
    let mut select = connection.prepare(query)?;
    let block = |row: &rusqlite::Row<'_>| Ok(Block { worker: WorkerId(row.get(0)?), task_type: row.get(1)? });
    let blocks = select.query_map((&id.0,), block)?.collect::<Result<_, _>>()?;
    Ok(blocks)
}
