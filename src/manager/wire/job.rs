//! A job as `GET /jobs` and `GET /jobs/{id}` tell it.

use super::or_default;
use crate::base::ids::JobId;
use crate::base::status::JobStatus;
use crate::base::time::Timestamp;
use crate::manager::ManagerJob;
use serde::Deserialize;
use std::collections::BTreeMap;

/// `Job`, as far as farm reads it.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Job {
    id: String,
    name: String,
    status: String,
    #[serde(default, deserialize_with = "or_default")]
    priority: i64,
    #[serde(rename = "type")]
    job_type: String,
    #[serde(default, deserialize_with = "or_default")]
    metadata: BTreeMap<String, serde_json::Value>,
    #[serde(default, deserialize_with = "or_default")]
    activity: String,
    created: Timestamp,
    updated: Timestamp,
}

impl From<Job> for ManagerJob {
    fn from(job: Job) -> Self {
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        };
        ManagerJob {
            id: JobId(job.id),
            name: job.name,
            status: JobStatus::from(job.status),
            // Flamenco checks no range when a job is submitted.
            priority: job.priority.clamp(0, u8::MAX.into()) as u8,
            job_type: job.job_type,
            metadata: job.metadata.into_iter().map(|(key, value)| (key, text(value))).collect(),
            activity: job.activity,
            created: job.created,
            updated: job.updated,
        }
    }
}

/// `{"jobs": [Job, …]}`. The list must be there, for anything could be an object without it; an empty one may be `null`.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Jobs {
    #[serde(deserialize_with = "or_default")]
    jobs: Vec<Job>,
}

impl From<Jobs> for Vec<ManagerJob> {
    fn from(list: Jobs) -> Self {
        list.jobs.into_iter().map(Into::into).collect()
    }
}
