//! What a task's failure means: for the task, for its worker, for its job.
//!
//! Source: Flamenco's Manager (3.9). It counts every worker it ever knew as one that could still try, which leaves jobs
//! waiting for workers that are switched off; here only workers at work count, for on one machine they come and go.

use super::change;
use super::claim::{CAPABLE, IN_SCOPE};
use super::store::Fault;
use super::transition::TaskEvent;
use crate::base::ids::WorkerId;
use crate::base::time::Timestamp;
use rusqlite::Transaction;

/// A task fails for good once it failed on so many workers.
const TASK_FAILS_AFTER: u32 = 3;
/// A worker is blocked from a job's tasks of one type once it failed so many of them.
const BLOCKED_AFTER: u32 = 3;

/// What is known when a task failed. Every count includes this failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Facts {
    /// How many tasks of this type in this job its worker failed.
    failures_of_worker: u32,
    /// How many workers failed this task.
    workers_that_failed: u32,
    /// How many workers at work could still take it.
    workers_left: u32,
}

fn is_blocked(facts: Facts) -> bool {
    facts.failures_of_worker >= BLOCKED_AFTER
}

/// What happens to the task. Where one worker is left beside those that failed it, Flamenco fails the job too (seen on
/// a real Manager with two Workers: the first failure of any task ends the job).
fn judge(facts: Facts) -> TaskEvent {
    if is_blocked(facts) && facts.workers_left == 0 {
        TaskEvent::NobodyLeft
    } else if facts.workers_that_failed >= TASK_FAILS_AFTER {
        TaskEvent::Failed
    } else if facts.workers_left <= 1 {
        TaskEvent::NobodyLeft
    } else {
        TaskEvent::FailedSoft
    }
}

/// Records that `worker` failed the task, and what follows.
pub(super) fn record(
    tx: &Transaction<'_>,
    task: i64,
    worker: &WorkerId,
    words: &str,
    now: Timestamp,
) -> Result<(), Fault> {
    tx.execute("INSERT OR IGNORE INTO failure (task, worker) VALUES (?1, ?2)", (task, &worker.0))?;
    let facts = gather(tx, task, worker)?;
    let event = judge(facts);
    if is_blocked(facts) {
        block(tx, task, worker)?;
        if event != TaskEvent::NobodyLeft {
            reprieve(tx, task, worker, now)?;
        }
    }
    change::happen(tx, task, event, words, now)
}

fn gather(tx: &Transaction<'_>, task: i64, worker: &WorkerId) -> Result<Facts, Fault> {
    let failures_of_worker = tx.query_row(
        "SELECT count(*) FROM task AS this CROSS JOIN failure CROSS JOIN task ON task.seq = failure.task
         WHERE this.seq = ?1 AND failure.worker = ?2 AND task.job = this.job AND task.type = this.type",
        (task, &worker.0),
        |row| row.get(0),
    )?;
    let workers_that_failed =
        tx.query_row("SELECT count(*) FROM failure WHERE task = ?1", (task,), |row| row.get(0))?;
    let query = format!(
        "SELECT count(*) FROM worker JOIN task ON task.seq = ?1 JOIN job ON job.seq = task.job
         WHERE worker.status = 'awake' AND {CAPABLE} AND {IN_SCOPE}"
    );
    let workers_left = tx.query_row(&query, (task,), |row| row.get(0))?;
    Ok(Facts { failures_of_worker, workers_that_failed, workers_left })
}

fn block(tx: &Transaction<'_>, task: i64, worker: &WorkerId) -> Result<(), Fault> {
    tx.execute(
        "INSERT OR IGNORE INTO block (job, worker, task_type) SELECT job, ?2, type FROM task WHERE seq = ?1",
        (task, &worker.0),
    )?;
    Ok(())
}

/// The tasks that a worker failed for good before it was blocked get another chance with others.
fn reprieve(tx: &Transaction<'_>, task: i64, worker: &WorkerId, now: Timestamp) -> Result<(), Fault> {
    let mut select = tx.prepare(
        "SELECT task.seq FROM task JOIN task AS this ON this.seq = ?1
         WHERE task.job = this.job AND task.type = this.type AND task.status = 'failed' AND task.worker = ?2",
    )?;
    let failed = select.query_map((task, &worker.0), |row| row.get(0))?.collect::<Result<Vec<i64>, _>>()?;
    for task in failed {
        change::happen(tx, task, TaskEvent::Reprieved, "its worker was blocked", now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_judged_as_flamenco_judges_them() {
        for (failures_of_worker, workers_that_failed, workers_left, expected) in [
            (1, 1, 0, TaskEvent::NobodyLeft), // the only worker
            (1, 1, 1, TaskEvent::NobodyLeft), // the first of two
            (1, 1, 2, TaskEvent::FailedSoft), // the first of three
            (1, 2, 1, TaskEvent::NobodyLeft),
            (1, 2, 3, TaskEvent::FailedSoft),
            (1, 3, 3, TaskEvent::Failed),
            (1, 3, 0, TaskEvent::Failed),
            (3, 1, 0, TaskEvent::NobodyLeft),
            (3, 3, 0, TaskEvent::NobodyLeft),
            (3, 1, 2, TaskEvent::FailedSoft),
        ] {
            let facts = Facts { failures_of_worker, workers_that_failed, workers_left };
            assert_eq!(judge(facts), expected, "{facts:?}");
            assert_eq!(is_blocked(facts), failures_of_worker == 3);
        }
    }
}
