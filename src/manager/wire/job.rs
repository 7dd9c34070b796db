//! A job as `GET /jobs` and `GET /jobs/{id}` tell it.

use super::or_default;
use crate::base::ids::JobId;
use crate::base::status::JobStatus;
use crate::base::time::Timestamp;
use crate::manager::ManagerJob;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

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
///
/// Whoever reads it says which are wanted: of ten thousand jobs most are let go of at once.
pub(in crate::manager) struct Jobs<'w>(pub(in crate::manager) &'w mut dyn FnMut(&ManagerJob) -> bool);

impl<'de> DeserializeSeed<'de> for Jobs<'_> {
    type Value = Vec<ManagerJob>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Jobs<'_> {
    type Value = Vec<ManagerJob>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the list `jobs`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut jobs = None;
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match &*key {
                "jobs" => jobs = Some(map.next_value_seed(List(&mut *self.0))?),
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        jobs.ok_or_else(|| A::Error::missing_field("jobs"))
    }
}

struct List<'w>(&'w mut dyn FnMut(&ManagerJob) -> bool);

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Vec<ManagerJob>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Vec<ManagerJob>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of jobs")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut jobs = Vec::new();
        while let Some(job) = list.next_element::<Job>()? {
            let job = ManagerJob::from(job);
            if (self.0)(&job) {
                jobs.push(job);
            }
        }
        Ok(jobs)
    }
}
