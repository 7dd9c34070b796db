//! Carrying out in the queue what `transition` decided.

use super::rows::stored;
use super::store::Fault;
use super::transition::{Change, Event, Move, Tally, TaskEvent, decide};
use crate::base::ids::JobId;
use crate::base::status::{JobStatus, TaskStatus};
use crate::base::time::Timestamp;
use rusqlite::{OptionalExtension, Transaction};

/// A job as far as changing it needs it.
#[derive(Debug)]
pub(super) struct JobRow {
    pub(super) seq: i64,
    status: JobStatus,
}

/// A task as far as changing it needs it.
#[derive(Debug)]
pub(super) struct TaskRow {
    pub(super) seq: i64,
    pub(super) job: i64,
    name: String,
    status: TaskStatus,
}

/// Gives a job the status that somebody asks for, with all that follows.
pub(super) fn ask(
    tx: &Transaction<'_>,
    id: &JobId,
    status: JobStatus,
    reason: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let job = tx
        .query_row("SELECT seq, status FROM job WHERE id = ?1", (&id.0,), job_row)
        .optional()?
        .ok_or_else(|| Fault::Missing(format!("job {id}")))?;
    let change = decide(&job.status, &tally(tx, job.seq)?, &Event::Ask(status))?;
    if change.job == job.status && change.moves.is_empty() {
        return Ok(());
    }
    let words = if reason.is_empty() { change.reason.clone().unwrap_or_default() } else { reason.to_owned() };
    carry_out(tx, &job, None, &change, &words, now)
}

/// Lets something happen to a task; `words` say what, in a sentence about the task.
pub(super) fn happen(
    tx: &Transaction<'_>,
    task: i64,
    event: TaskEvent,
    words: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let task = task_row(tx, task)?;
    let job = tx.query_row("SELECT seq, status FROM job WHERE seq = ?1", (task.job,), job_row)?;
    let change = decide(&job.status, &tally(tx, job.seq)?, &Event::Task(task.status.clone(), event))?;
    let words = match &change.reason {
        Some(reason) if words.is_empty() => reason.clone(),
        Some(reason) => format!("{}: {words} ({reason})", task.name),
        None => words.to_owned(),
    };
    carry_out(tx, &job, Some(&task), &change, &words, now)
}

fn carry_out(
    tx: &Transaction<'_>,
    job: &JobRow,
    task: Option<&TaskRow>,
    change: &Change,
    words: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    if let (Some(task), Some(status)) = (task, &change.task) {
        tx.execute(
            "UPDATE task SET status = ?2, activity = ?3, updated = ?4 WHERE seq = ?1",
            (task.seq, status.as_str(), words, stored(now)),
        )?;
    }
    for step in &change.moves {
        move_tasks(tx, job.seq, step, words, now)?;
    }
    if change.forgives {
        tx.execute("DELETE FROM failure WHERE task IN (SELECT seq FROM task WHERE job = ?1)", (job.seq,))?;
        tx.execute("DELETE FROM block WHERE job = ?1", (job.seq,))?;
    }
    // The activity stays what it was unless the status has a new reason.
    tx.execute(
        "UPDATE job SET status = ?2, activity = iif(?3, ?4, activity), updated = ?5 WHERE seq = ?1",
        (job.seq, change.job.as_str(), change.reason.is_some(), words, stored(now)),
    )?;
    Ok(())
}

fn move_tasks(tx: &Transaction<'_>, job: i64, step: &Move, words: &str, now: Timestamp) -> Result<(), Fault> {
    let all = step.from.unwrap_or(TaskStatus::KNOWN);
    // Whoever had a task that is not active any more does nothing about it: only the name of one that is at it stays,
    // for as long as its renderer may still write.
    let mut update = tx.prepare_cached(
        "UPDATE task SET status = ?3, activity = ?4, updated = ?5, worker = iif(?2 = 'active', worker, NULL)
         WHERE job = ?1 AND status = ?2",
    )?;
    for from in all.iter().filter(|from| **from != step.to) {
        update.execute((job, from.as_str(), step.to.as_str(), words, stored(now)))?;
    }
    Ok(())
}

fn job_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow { seq: row.get(0)?, status: JobStatus::from(row.get::<_, String>(1)?) })
}

fn task_row(tx: &Transaction<'_>, seq: i64) -> Result<TaskRow, Fault> {
    let row = tx.query_row("SELECT seq, job, name, status FROM task WHERE seq = ?1", (seq,), |row| {
        Ok(TaskRow {
            seq: row.get(0)?,
            job: row.get(1)?,
            name: row.get(2)?,
            status: TaskStatus::from(row.get::<_, String>(3)?),
        })
    })?;
    Ok(row)
}

fn tally(tx: &Transaction<'_>, job: i64) -> Result<Tally, Fault> {
    let mut select = tx.prepare_cached("SELECT status, count(*) FROM task WHERE job = ?1 GROUP BY status")?;
    let counts = select
        .query_map((job,), |row| Ok((TaskStatus::from(row.get::<_, String>(0)?), u64::from(row.get::<_, u32>(1)?))))?;
    Ok(Tally::new(counts.collect::<Result<Vec<_>, _>>()?))
}
