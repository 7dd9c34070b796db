//! A Flamenco Manager, over its REST API.
//!
//! What a Manager can is found out by what it offers, not by its number: 3.2 has no `GET /jobs` and no tags, 3.6 took
//! `POST /jobs/query` away, custom job types come and go. Each question is asked when its answer is needed, once.

mod answers;
mod api;
mod bounds;
mod facts;
mod jobs;
mod logs;
mod met;
mod offer;
mod orders;
mod pace;
mod reply;
mod status;
mod submission;
#[cfg(test)]
mod tests;
mod workers;

pub use bounds::Bounds;

use super::{
    Block, Heard, LogPart, Manager, ManagerError, ManagerJob, ManagerTask, ManagerVersion, ManagerWorker, Order, Seen,
    SleepSchedule, Submission, TaskStory, wire,
};
use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::status::JobStatus;
use crate::sys::http::{Access, HttpError};
pub use facts::{Arrangement, FarmType};

use answers::Answers;
use api::Api;
use offer::Offer;
use std::path::Path;
use std::time::Duration;

/// Between two looks at a job: a request takes the Manager a millisecond, and whoever watches a render does not see less.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Measured on 3.9: 8 connections submit as fast as 4 or 32, which take turns at being faster; one takes half as long again.
const SUBMISSIONS_AT_ONCE: usize = 8;

/// The client of one Manager.
pub struct Flamenco {
    api: Api,
    offer: Offer,
    answers: Answers,
}

impl Flamenco {
    /// A client of the Manager at `address`. Asks nothing yet.
    pub fn new(address: &str, access: &Access) -> Result<Flamenco, HttpError> {
        Flamenco::with_bounds(address, access, Bounds::with_short(access.timeout))
    }

    /// The same within other bounds.
    pub fn with_bounds(address: &str, access: &Access, bounds: Bounds) -> Result<Flamenco, HttpError> {
        Ok(Flamenco { api: Api::new(address, access, bounds)?, offer: Offer::default(), answers: Answers::default() })
    }
}

impl Manager for Flamenco {
    fn address(&self) -> String {
        self.api.address().to_owned()
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn look_again(&self) -> Duration {
        LOOK_AGAIN
    }

    fn may_arrive_within(&self) -> Duration {
        self.api.bounds.arrival
    }

    fn requests_at_once(&self) -> usize {
        SUBMISSIONS_AT_ONCE
    }

    fn storage(&self, _volume: &Path) -> Result<String, ManagerError> {
        self.offer.storage(&self.api)
    }

    fn sees_folder(&self, path: &str) -> Result<Seen, ManagerError> {
        let body = serde_json::json!({ "path": path });
        let check: wire::meta::PathCheck = self.api.question("configuration/check/shared-storage", &body)?;
        Ok(if check.is_usable { Seen::Usable } else { Seen::Not(check.cause) })
    }

    fn version(&self) -> Result<ManagerVersion, ManagerError> {
        let wire::meta::Version { version, name } = self.api.read("version")?;
        Ok(ManagerVersion { version, name })
    }

    fn check(&self, submission: &Submission) -> Result<(), ManagerError> {
        self.check_submission(submission)
    }

    fn submit(&self, submission: &Submission) -> Result<ManagerJob, ManagerError> {
        self.submit_once(submission)
    }

    fn jobs(&self) -> Result<Vec<ManagerJob>, ManagerError> {
        self.listed_jobs(&mut |_| true)
    }

    fn jobs_where(&self, wants: &mut dyn FnMut(&ManagerJob) -> bool) -> Result<Vec<ManagerJob>, ManagerError> {
        self.listed_jobs(wants)
    }

    fn job(&self, id: &JobId) -> Result<Option<ManagerJob>, ManagerError> {
        let job: Option<wire::job::OneJob> = self.api.read_if_there(&format!("jobs/{id}"), &format!("job {id}"))?;
        Ok(job.map(|job| job.0))
    }

    fn tasks(&self, id: &JobId) -> Result<Vec<ManagerTask>, ManagerError> {
        let tasks: wire::task::Tasks = self.api.read_at_length(&format!("jobs/{id}/tasks"))?;
        Ok(tasks.tasks.into_iter().map(Into::into).collect())
    }

    fn task(&self, id: &TaskId) -> Result<Option<ManagerTask>, ManagerError> {
        let task: Option<wire::task::Task> = self.api.read_if_there(&format!("tasks/{id}"), &format!("task {id}"))?;
        Ok(task.map(Into::into))
    }

    fn task_with_worker(&self, listed: &ManagerTask) -> Result<Option<ManagerTask>, ManagerError> {
        if let Some(known) = self.answers.about(listed) {
            return Ok(Some(known));
        }
        Ok(self.task(&listed.id)?.inspect(|answer| self.answers.keep(answer)))
    }

    fn set_job_status(&self, id: &JobId, status: JobStatus, reason: &str) -> Result<(), ManagerError> {
        self.ask_for_status(id, &status, reason)
    }

    fn set_job_priority(&self, id: &JobId, priority: u8) -> Result<(), ManagerError> {
        self.ask_for_priority(id, priority)
    }

    fn order_all(&self, orders: &[(JobId, Order)], reason: &str, heard: &mut Heard<'_>) {
        self.give_orders(orders, reason, heard);
    }

    fn delete_job(&self, id: &JobId) -> Result<(), ManagerError> {
        self.api.delete(&format!("jobs/{id}"), &format!("job {id}"))
    }

    fn log_tail(&self, id: &TaskId) -> Result<Option<String>, ManagerError> {
        self.tail_of_log(id)
    }

    fn log(&self, id: &TaskId) -> Result<Option<Vec<u8>>, ManagerError> {
        self.whole_log(id)
    }

    fn log_part(&self, id: &TaskId, from: u64, most: u64) -> Result<Option<LogPart>, ManagerError> {
        self.part_of_log(id, from, most)
    }

    fn task_story(&self, id: &TaskId) -> Result<Option<TaskStory>, ManagerError> {
        let task: Option<wire::task::Task> = self.api.read_if_there(&format!("tasks/{id}"), &format!("task {id}"))?;
        Ok(task.map(Into::into))
    }

    fn blocklist(&self, id: &JobId) -> Result<Vec<Block>, ManagerError> {
        let path = format!("jobs/{id}/blocklist");
        let blocked: Option<Vec<wire::worker::Blocked>> = self.api.read_if_there(&path, &format!("job {id}"))?;
        Ok(blocked.unwrap_or_default().into_iter().map(Into::into).collect())
    }

    fn workers(&self) -> Result<Vec<ManagerWorker>, ManagerError> {
        self.all_workers()
    }

    fn sleep_schedule(&self, id: &WorkerId) -> Result<Option<SleepSchedule>, ManagerError> {
        let path = format!("worker-mgt/workers/{id}/sleep-schedule");
        let schedule: Option<wire::worker::Schedule> = self.api.read_if_there(&path, &format!("worker {id}"))?;
        Ok(schedule.and_then(Into::into))
    }
}
