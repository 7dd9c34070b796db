//! Carrying out in the queue what `transition` decided.

use super::jobs::too_high;
use super::rows::{self, stored, to_json};
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
    /// Kept with the job, for counting a million tasks at each change of one would take a second.
    tally: Tally,
}

/// The columns that [`job_row`] reads.
const JOB_ROW: &str = "seq, status, tally";

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
        .query_row(&format!("SELECT {JOB_ROW} FROM job WHERE id = ?1"), (&id.0,), job_row)
        .optional()?
        .ok_or_else(|| Fault::Missing(format!("job {id}")))?;
    let change = decide(&job.status, &job.tally, &Event::Ask(status))?;
    if change.job == job.status && change.moves.is_empty() {
        return Ok(());
    }
    let words = if reason.is_empty() { change.reason.clone().unwrap_or_default() } else { reason.to_owned() };
    carry_out(tx, &job, None, &change, &words, now)
}

/// Gives a job another priority.
pub(super) fn prioritise(tx: &Transaction<'_>, id: &JobId, priority: u8, now: Timestamp) -> Result<(), Fault> {
    if priority > 100 {
        return Err(too_high(priority));
    }
    let changed = "UPDATE job SET priority = ?2, updated = ?3 WHERE id = ?1";
    match tx.execute(changed, (&id.0, priority, stored(now)))? {
        0 => Err(Fault::Missing(format!("job {id}"))),
        _ => Ok(()),
    }
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
    let job = tx.query_row(&format!("SELECT {JOB_ROW} FROM job WHERE seq = ?1"), (task.job,), job_row)?;
    let change = decide(&job.status, &job.tally, &Event::Task(task.status.clone(), event))?;
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
    let mut tally = job.tally.clone();
    if let (Some(task), Some(status)) = (task, &change.task) {
        tally.shift(&task.status, status, 1);
        tx.execute(
            "UPDATE task SET status = ?2, activity = ?3, updated = ?4 WHERE seq = ?1",
            (task.seq, status.as_str(), words, stored(now)),
        )?;
    }
    for step in &change.moves {
        move_tasks(tx, job.seq, step, &mut tally, words, now)?;
    }
    if change.forgives {
        // From the failures to their tasks, of which there are fewer than tasks.
        tx.execute(
            "DELETE FROM failure WHERE EXISTS (SELECT 1 FROM task WHERE task.seq = failure.task AND task.job = ?1)",
            (job.seq,),
        )?;
        tx.execute("DELETE FROM block WHERE job = ?1", (job.seq,))?;
    }
    // The activity stays what it was unless the status has a new reason.
    tx.execute(
        "UPDATE job SET status = ?2, activity = iif(?3, ?4, activity), updated = ?5, tally = ?6 WHERE seq = ?1",
        (job.seq, change.job.as_str(), change.reason.is_some(), words, stored(now), to_json(&tally)),
    )?;
    Ok(())
}

fn move_tasks(
    tx: &Transaction<'_>,
    job: i64,
    step: &Move,
    tally: &mut Tally,
    words: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    let all = step.from.unwrap_or(TaskStatus::KNOWN);
    // Whoever had a task that is not active any more does nothing about it: only the name of one that is at it stays,
    // for as long as its renderer may still write.
    let mut update = tx.prepare_cached(
        "UPDATE task SET status = ?3, activity = ?4, updated = ?5, worker = iif(?2 = 'active', worker, NULL)
         WHERE job = ?1 AND status = ?2",
    )?;
    for from in all.iter().filter(|from| **from != step.to) {
        let moved = update.execute((job, from.as_str(), step.to.as_str(), words, stored(now)))?;
        tally.shift(from, &step.to, moved as u64);
    }
    Ok(())
}

fn job_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow { seq: row.get(0)?, status: JobStatus::from(row.get::<_, String>(1)?), tally: rows::json(row, 2)? })
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
