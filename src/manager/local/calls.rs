//! The local queue as a [`Manager`].

use super::recovery::is_dead;
use super::store::Fault;
use super::store::PATIENCE;
use super::{ADDRESS, Access, Local, change, jobs, rows, variables};
use crate::base::ids::{JobId, RunId, TaskId, WorkerId};
use crate::base::status::{JobStatus, WorkerStatus};
use crate::manager::compile::{self, Compiled, Outline};
use crate::manager::{
    Block, Heard, LogPart, Manager, ManagerError, ManagerJob, ManagerTask, ManagerVersion, ManagerWorker, Order, Seen,
    SleepSchedule, Submission, TaskStory,
};
use crate::sys::clock;
use crate::sys::process::HostId;
use rusqlite::{Connection, Transaction};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// So many orders are written in one transaction: each costs a write to the disk, and keeps others waiting.
const BATCH: usize = 500;
/// A look is a query of a file nearby.
const LOOK_AGAIN: Duration = Duration::from_millis(300);

impl Manager for Local {
    fn address(&self) -> String {
        ADDRESS.into()
    }

    fn is_remote(&self) -> bool {
        // Whoever finds a dead worker ends its renderer before the task goes to another.
        false
    }

    fn look_again(&self) -> Duration {
        LOOK_AGAIN
    }

    fn may_arrive_within(&self) -> Duration {
        Duration::ZERO
    }

    fn requests_at_once(&self) -> usize {
        1
    }

    fn storage(&self, volume: &Path) -> Result<String, ManagerError> {
        // The queue lies on the volume and goes where the volume goes.
        let is_own = volume == self.settings().volume;
        Ok(if is_own { variables::VOLUME.to_owned() } else { volume.display().to_string() })
    }

    fn sees_folder(&self, _path: &str) -> Result<Seen, ManagerError> {
        // It is this very machine.
        Ok(Seen::Usable)
    }

    fn version(&self) -> Result<ManagerVersion, ManagerError> {
        Ok(ManagerVersion { version: env!("CARGO_PKG_VERSION").into(), name: ADDRESS.into() })
    }

    fn check(&self, submission: &Submission) -> Result<(), ManagerError> {
        jobs::check(submission).map_err(|fault| self.explain(fault))?;
        compile::check(&submission.work)
            .map_err(|error| ManagerError::Rejected { address: ADDRESS.into(), message: error.to_string() })
    }

    fn submit(&self, submission: &Submission) -> Result<ManagerJob, ManagerError> {
        self.check(submission)?;
        let work = &submission.work;
        let tasks = compile::outlines(work).map(|task| (task, None));
        self.write(|tx| jobs::insert(tx, submission, compile::job_type(work), tasks, clock::now()))
    }

    fn jobs(&self) -> Result<Vec<ManagerJob>, ManagerError> {
        self.catch_up()?;
        Ok(self.read(jobs::all)?.unwrap_or_default())
    }

    fn job(&self, id: &JobId) -> Result<Option<ManagerJob>, ManagerError> {
        self.catch_up()?;
        Ok(self.read(|connection| jobs::job(connection, id))?.flatten())
    }

    fn tasks(&self, id: &JobId) -> Result<Vec<ManagerTask>, ManagerError> {
        self.catch_up()?;
        Ok(self.read(|connection| jobs::tasks(connection, id))?.unwrap_or_default())
    }

    fn task(&self, id: &TaskId) -> Result<Option<ManagerTask>, ManagerError> {
        self.catch_up()?;
        Ok(self.read(|connection| jobs::task(connection, id))?.flatten())
    }

    fn set_job_status(&self, id: &JobId, status: JobStatus, reason: &str) -> Result<(), ManagerError> {
        self.write(|tx| change::ask(tx, id, status, reason, clock::now()))
    }

    fn delete_job(&self, id: &JobId) -> Result<(), ManagerError> {
        self.write(|tx| jobs::delete(tx, id))
    }

    fn set_job_priority(&self, id: &JobId, priority: u8) -> Result<(), ManagerError> {
        self.write(|tx| change::prioritise(tx, id, priority, clock::now()))
    }

    fn order_all(&self, orders: &[(JobId, Order)], reason: &str, heard: &mut Heard<'_>) {
        let places: Vec<usize> = (0..orders.len()).collect();
        for batch in places.chunks(BATCH) {
            let written = self.write(|tx| {
                let one = |place: &usize| order(tx, &orders[*place], reason);
                batch.iter().map(one).collect::<Result<Vec<_>, _>>()
            });
            match written {
                Ok(outcomes) => {
                    let told = |outcome: Result<(), Fault>| outcome.map_err(|fault| self.explain(fault));
                    // Once one is enough, the others of its batch are done all the same, and heard of.
                    let breaks = batch.iter().zip(outcomes).map(|(place, outcome)| heard(*place, told(outcome)));
                    if breaks.filter(ControlFlow::is_break).count() > 0 {
                        return;
                    }
                }
                Err(error) => {
                    let _none_of_the_batch = heard(batch[0], Err(error));
                    return;
                }
            }
        }
    }

    fn log_tail(&self, id: &TaskId) -> Result<Option<String>, ManagerError> {
        self.read_log_tail(id)
    }

    fn log(&self, id: &TaskId) -> Result<Option<Vec<u8>>, ManagerError> {
        self.read_log(id)
    }

    fn log_part(&self, id: &TaskId, from: u64, most: u64) -> Result<Option<LogPart>, ManagerError> {
        self.read_log_part(id, from, most)
    }

    fn task_story(&self, id: &TaskId) -> Result<Option<TaskStory>, ManagerError> {
        Ok(self.read(|connection| jobs::story(connection, id))?.flatten())
    }

    fn blocklist(&self, id: &JobId) -> Result<Vec<Block>, ManagerError> {
        Ok(self.read(|connection| jobs::blocks(connection, id))?.unwrap_or_default())
    }

    fn workers(&self) -> Result<Vec<ManagerWorker>, ManagerError> {
        self.catch_up()?;
        Ok(self.read(|connection| workers(connection, &self.settings.host))?.unwrap_or_default())
    }

    fn sleep_schedule(&self, _id: &WorkerId) -> Result<Option<SleepSchedule>, ManagerError> {
        // Its workers are processes: they run or they do not.
        Ok(None)
    }

    fn find_run(&self, run: RunId) -> Result<Option<ManagerJob>, ManagerError> {
        self.catch_up()?;
        Ok(self.read(|connection| jobs::of_run(connection, &run.to_string()))?.flatten())
    }
}

/// Carries out one of many orders. What is wrong with it alone is its own outcome, what is wrong with the queue is that of
/// all.
fn order(tx: &Transaction<'_>, (id, order): &(JobId, Order), reason: &str) -> Result<Result<(), Fault>, Fault> {
    let outcome = match order {
        Order::Status(status) => change::ask(tx, id, status.clone(), reason, clock::now()),
        Order::Priority(priority) => change::prioritise(tx, id, *priority, clock::now()),
        Order::Delete => jobs::delete(tx, id),
    };
    match outcome {
        Err(fault @ (Fault::Missing(_) | Fault::Refused(_) | Fault::Rejected(_))) => Ok(Err(fault)),
        outcome => outcome.map(Ok),
    }
}

impl Local {
    /// Stores a job with tasks that the caller compiled, in place of those of its `work`.
    pub fn submit_compiled(&self, submission: &Submission, compiled: &Compiled) -> Result<ManagerJob, ManagerError> {
        let tasks = compiled.tasks.iter().map(|task| {
            let (name, task_type, frames) = (task.name.clone(), task.task_type.clone(), task.frames.clone());
            (Outline { name, task_type, frames }, Some(task.commands.as_slice()))
        });
        self.write(|tx| jobs::insert(tx, submission, &compiled.job_type, tasks, clock::now()))
    }

    /// Before a look: what dead workers left is made good, unless this handle is for looking only.
    fn catch_up(&self) -> Result<(), ManagerError> {
        if self.access == Access::Full {
            self.sweep(PATIENCE).map_err(|fault| self.explain(fault))?;
        }
        Ok(())
    }
}

/// The workers; one that is dead is offline, whatever it said last.
fn workers(connection: &Connection, host: &HostId) -> Result<Vec<ManagerWorker>, super::store::Fault> {
    let now = clock::now();
    let query = format!("SELECT {}, process FROM worker ORDER BY name", rows::WORKER);
    let mut select = connection.prepare(&query)?;
    let workers = select.query_map((), |row| {
        let mut worker = rows::worker(row)?;
        if is_dead(&rows::json(row, 9)?, worker.last_seen.unwrap_or(now), host, now) {
            worker.status = WorkerStatus::Offline;
        }
        Ok(worker)
    })?;
    Ok(workers.collect::<Result<_, _>>()?)
}
