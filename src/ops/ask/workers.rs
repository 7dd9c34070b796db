//! The workers that a query finds.

use super::nothing_matches;
use super::worker_row::{At, WorkerRow};
use crate::base::error::Failure;
use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::status::WorkerStatus;
use crate::base::time::Timestamp;
use crate::manager::ManagerWorker;
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::ports::Ports;
use crate::query::{Asked, Query};
use crate::sys::clock;
use serde::Serialize;

/// A worker that matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedWorker {
    /// The Manager's id.
    pub id: WorkerId,
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: WorkerStatus,
    /// The status that somebody asked it to take, and that it has not taken yet.
    pub requested: Option<WorkerStatus>,
    /// Its version of Flamenco or farm.
    pub version: String,
    /// Its operating system.
    pub platform: String,
    /// The names of its tags.
    pub tags: Vec<String>,
    /// The types of tasks that it takes.
    pub task_types: Vec<String>,
    /// When it spoke last.
    pub last_seen: Option<Timestamp>,
    /// The name of the task that it is at.
    pub task: Option<String>,
    /// The Manager's id of that task.
    pub task_id: Option<TaskId>,
    /// The full name of that task's job; `None` also where farm did not make it.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The name of that job without the release; of a job that farm did not make, the Manager's.
    pub job: Option<String>,
    /// The Manager's id of that job.
    pub job_id: Option<JobId>,
}

/// The workers that match, by name; that there are none is an error, but for an empty query.
pub fn list(ports: &Ports<'_>, query: &Query) -> Result<Vec<ListedWorker>, Failure> {
    let asked = Asked { now: clock::now(), user: &ports.actor.user };
    let workers = ports.manager.workers()?;
    let names: Vec<String> = workers.iter().map(|worker| worker.name.clone()).collect();
    let mut rows: Vec<WorkerRow> = workers.into_iter().map(|worker| WorkerRow { worker, at: None }).collect();
    rows.retain(|row| query.verdict(row, &asked) != Some(false));
    look_up(ports, &mut rows)?;
    rows.retain(|row| query.matches(row, &asked));
    if rows.is_empty() && !query.is_empty() {
        return Err(nothing_matches(query, &names, "`farm workers` lists all."));
    }
    Ok(rows.into_iter().map(listed).collect())
}

/// What those are at that are at something: asked for one by one, so that it does not matter how many jobs there are.
fn look_up(ports: &Ports<'_>, rows: &mut [WorkerRow]) -> Result<(), Failure> {
    let mut busy: Vec<&mut WorkerRow> = rows.iter_mut().filter(|row| row.worker.task.is_some()).collect();
    let workers: Vec<ManagerWorker> = busy.iter().map(|row| row.worker.clone()).collect();
    let told = try_by_hands(ports, ports.manager.requests_at_once(), &workers, |worker| at(ports, worker))?;
    busy.iter_mut().zip(told).for_each(|(row, at)| row.at = Some(at));
    Ok(())
}

fn at(ports: &Ports<'_>, worker: &ManagerWorker) -> Result<At, Failure> {
    let task = worker.task.as_ref().map(|id| ports.manager.task(id)).transpose()?.flatten();
    let job = worker.job.as_ref().map(|id| ports.manager.job(id)).transpose()?.flatten();
    Ok(At { task: task.map(|task| task.name), job })
}

fn listed(row: WorkerRow) -> ListedWorker {
    let WorkerRow { worker, at } = row;
    let at = at.unwrap_or_default();
    ListedWorker {
        id: worker.id,
        name: worker.name,
        status: worker.status,
        requested: worker.requested,
        version: worker.version,
        platform: worker.platform,
        tags: worker.tags,
        task_types: worker.task_types,
        last_seen: worker.last_seen,
        reference: at.reference().map(|reference| reference.to_string()),
        job: at.job_name(),
        task: at.task,
        task_id: worker.task,
        job_id: worker.job,
    }
}

#[cfg(test)]
#[path = "tests/workers.rs"]
mod tests;
