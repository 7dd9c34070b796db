//! Calls about jobs that are there.

use super::{Answer, Release, StandIn};
use farm::base::ids::JobId;
use farm::base::status::JobStatus;
use farm::manager::{Manager, ManagerError};
use serde_json::{Value, json};

impl StandIn {
    pub(super) fn list_jobs(&self) -> Answer {
        let jobs: Vec<Value> = self.engine.jobs().unwrap().iter().map(|job| self.job(job)).collect();
        self.json(&json!({ "jobs": jobs }))
    }

    pub(super) fn tell_job(&self, id: &str) -> Answer {
        self.with_job(id, |id| match self.engine.job(id).unwrap() {
            Some(job) => self.json(&self.job(&job)),
            None => self.coded(404, "no such job"),
        })
    }

    pub(super) fn delete_job(&self, id: &str) -> Answer {
        self.with_job(id, |id| self.done(self.engine.delete_job(id)))
    }

    pub(super) fn set_job_status(&self, id: &str, body: &Value) -> Answer {
        let wrong = |at: &str, what: &str| {
            self.plain(400, &format!("request body has an error: doesn't match schema: Error at \"/{at}\": {what}"))
        };
        let (status, reason) = (&body["status"], &body["reason"]);
        if !reason.is_string() {
            return wrong("reason", "property \"reason\" is missing");
        }
        let known = self.spec["components"]["schemas"]["JobStatus"]["enum"].as_array().unwrap();
        if !known.contains(status) {
            return wrong("status", &format!("value is not one of the allowed values {}", json!(known)));
        }
        let status = JobStatus::from(status.as_str().unwrap().to_owned());
        self.with_job(id, |id| self.done(self.engine.set_job_status(id, status, reason.as_str().unwrap())))
    }

    pub(super) fn set_job_priority(&self, id: &str, body: &Value) -> Answer {
        match body["priority"].as_i64() {
            // It says so, and keeps what it had.
            Some(0) if self.release == Release::V3_2 => self.with_job(id, |_| self.done(Ok(()))),
            Some(priority @ 0..=100) => {
                self.with_job(id, |id| self.done(self.engine.set_job_priority(id, priority as u8)))
            }
            _ => self.plain(
                400,
                "request body has an error: doesn't match schema: Error at \"/priority\": number must be at most 100",
            ),
        }
    }

    fn with_job(&self, id: &str, call: impl FnOnce(&JobId) -> Answer) -> Answer {
        match uuid::Uuid::parse_str(id).is_ok() && id.len() == 36 {
            true => call(&JobId(id.to_owned())),
            false => self.coded(400, "job ID not valid"),
        }
    }

    fn done(&self, outcome: Result<(), ManagerError>) -> Answer {
        match outcome {
            Ok(()) => Answer::nothing(),
            Err(ManagerError::NotFound { .. }) => self.coded(404, "no such job"),
            Err(error) => self.coded(500, &format!("unexpected error changing job status: {error}")),
        }
    }
}
