//! The queue: one trait, spoken by every Manager that farm can drive.
//!
//! The trait has the calls that farm makes and no more. Each is one call of Flamenco's API (named in its comment), so
//! that the local manager and the REST client can stand for each other; where they differ, the real Manager is right.

pub mod compile;
mod details;
mod error;
pub mod flamenco;
pub mod job;
pub mod local;
mod order;
mod wire;

pub use details::{Block, LogPart, SleepSchedule, TaskStory};
pub use error::ManagerError;
pub use flamenco::{Arrangement, FarmType, Flamenco};

pub use order::Order;

pub use job::{ManagerJob, ManagerTask, ManagerVersion, ManagerWorker, RenderWork, Submission, Work};

use crate::base::ids::{JobId, RunId, TaskId, WorkerId};
use crate::base::status::JobStatus;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::Duration;

/// What a Manager says of a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// It is there, and can be written to.
    Usable,
    /// It is not, and why, in the Manager's words.
    Not(String),
}

/// Hears what came of each of many orders, by its place, and may break off.
pub type Heard<'a> = dyn FnMut(usize, Result<(), ManagerError>) -> ControlFlow<()> + 'a;

/// What farm asks of a Manager.
pub trait Manager: Send + Sync {
    /// How to name this Manager in messages: its URL, or `local`.
    fn address(&self) -> String;

    /// Whether workers and storage are beyond this machine's sight. Then a renderer may still write although its task has
    /// ended (a killed Worker of Flamenco leaves Blender behind, and another one does its task meanwhile), and that the
    /// Manager's storage is the volume has to be proven.
    fn is_remote(&self) -> bool;

    /// How long to wait between two looks at a job that is being worked on.
    fn look_again(&self) -> Duration;

    /// How long a submission may be on its way after its sender gave it up: a proxy passes it on, or the Manager is at it.
    fn may_arrive_within(&self) -> Duration;

    /// How many requests at once it answers faster than one after the other.
    fn requests_at_once(&self) -> usize;

    /// How the root of a volume begins in the paths of a submission: as workers, or the Manager's own variables, know it.
    /// `volume` is where this machine sees it.
    fn storage(&self, volume: &Path) -> Result<String, ManagerError>;

    /// Whether the Manager sees the folder `path`, which begins as [`Manager::storage`] says, and may write there.
    fn sees_folder(&self, path: &str) -> Result<Seen, ManagerError>;

    /// `GET /version`: proves that it is there.
    fn version(&self) -> Result<ManagerVersion, ManagerError>;

    /// `POST /jobs/check`: compiles without storing. Says nothing about files or tags.
    fn check(&self, submission: &Submission) -> Result<(), ManagerError>;

    /// `POST /jobs`. Not idempotent: after an unknown outcome look with [`Manager::find_run`] first.
    fn submit(&self, submission: &Submission) -> Result<ManagerJob, ManagerError>;

    /// `GET /jobs` (`POST /jobs/query` before 3.6): all jobs, unordered.
    fn jobs(&self) -> Result<Vec<ManagerJob>, ManagerError>;

    /// The same, but only those that `wants` says: of very many the others are let go of as soon as they are read.
    fn jobs_where(&self, wants: &mut dyn FnMut(&ManagerJob) -> bool) -> Result<Vec<ManagerJob>, ManagerError> {
        let mut jobs = self.jobs()?;
        jobs.retain(wants);
        Ok(jobs)
    }

    /// `GET /jobs/{id}`; `None` if there is no such job.
    fn job(&self, id: &JobId) -> Result<Option<ManagerJob>, ManagerError>;

    /// `GET /jobs/{id}/tasks`; empty if there is no such job.
    fn tasks(&self, id: &JobId) -> Result<Vec<ManagerTask>, ManagerError>;

    /// `GET /tasks/{id}`, which names the worker on every release; `None` if there is no such task.
    fn task(&self, id: &TaskId) -> Result<Option<ManagerTask>, ManagerError>;

    /// The same of a task of which a list does not name the worker. It may be an answer of before, if the list shows that the
    /// task did not change since.
    fn task_with_worker(&self, listed: &ManagerTask) -> Result<Option<ManagerTask>, ManagerError> {
        self.task(&listed.id)
    }

    /// `POST /jobs/{id}/setstatus`. To end a job ask for [`JobStatus::CancelRequested`], never `Canceled`.
    fn set_job_status(&self, id: &JobId, status: JobStatus, reason: &str) -> Result<(), ManagerError>;

    /// `POST /jobs/{id}/setpriority`: 0 to 100, higher first.
    fn set_job_priority(&self, id: &JobId, priority: u8) -> Result<(), ManagerError>;

    /// `DELETE /jobs/{id}`: marks it; it is gone once [`Manager::job`] says `None`. Says nothing about its renderer.
    fn delete_job(&self, id: &JobId) -> Result<(), ManagerError>;

    /// Gives one job its order.
    fn order(&self, id: &JobId, order: &Order, reason: &str) -> Result<(), ManagerError> {
        match order {
            Order::Status(status) => self.set_job_status(id, status.clone(), reason),
            Order::Priority(priority) => self.set_job_priority(id, *priority),
            Order::Delete => self.delete_job(id),
        }
    }

    /// Gives each of these jobs its order, as many at once as makes it faster. `heard` is told the place of each in the list
    /// and what came of it; once it breaks off, no more are given.
    fn order_all(&self, orders: &[(JobId, Order)], reason: &str, heard: &mut Heard<'_>) {
        for (place, (id, order)) in orders.iter().enumerate() {
            if heard(place, self.order(id, order, reason)).is_break() {
                return;
            }
        }
    }

    /// `GET /tasks/{id}/logtail`: the last 2,048 bytes at most; `None` without a log.
    fn log_tail(&self, id: &TaskId) -> Result<Option<String>, ManagerError>;

    /// The whole log of a task (`GET /tasks/{id}/log`, then the file it names); `None` without a log.
    fn log(&self, id: &TaskId) -> Result<Option<Vec<u8>>, ManagerError>;

    /// About `most` bytes of the log from `from` on, for whoever reads a long one piece by piece or waits for more of it:
    /// fewer at its end, more where a proxy gives no parts. `None` without a log.
    fn log_part(&self, id: &TaskId, from: u64, most: u64) -> Result<Option<LogPart>, ManagerError>;

    /// `GET /tasks/{id}`, for what a list does not say; `None` if there is no such task.
    fn task_story(&self, id: &TaskId) -> Result<Option<TaskStory>, ManagerError>;

    /// `GET /jobs/{id}/blocklist`; empty if there is no such job.
    fn blocklist(&self, id: &JobId) -> Result<Vec<Block>, ManagerError>;

    /// `GET /worker-mgt/workers` with the details of each.
    fn workers(&self) -> Result<Vec<ManagerWorker>, ManagerError>;

    /// `GET /worker-mgt/workers/{id}/sleep-schedule`; `None` if it has none that is in use.
    fn sleep_schedule(&self, id: &WorkerId) -> Result<Option<SleepSchedule>, ManagerError>;

    /// The job that carries this `farm.id` in its metadata.
    fn find_run(&self, run: RunId) -> Result<Option<ManagerJob>, ManagerError> {
        let id = run.to_string();
        let of_run = self.jobs()?.into_iter().filter(|job| job.metadata.get(job::META_ID) == Some(&id));
        Ok(of_run.min_by(|a, b| a.precedence().cmp(&b.precedence())))
    }
}
