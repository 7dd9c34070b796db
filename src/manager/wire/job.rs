//! A job as `GET /jobs` and `GET /jobs/{id}` tell it.

use super::or_default;
use crate::base::ids::JobId;
use crate::base::status::JobStatus;
use crate::base::time::Timestamp;
use crate::manager::ManagerJob;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
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

/// `{"jobs": [Job, …]}`, each job handed out as it is read.
pub(in crate::manager) struct Jobs<F>(pub(in crate::manager) F);

impl<'de, F: FnMut(ManagerJob)> DeserializeSeed<'de> for Jobs<F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_map(Document(self.0))
    }
}

struct Document<F>(F);

impl<'de, F: FnMut(ManagerJob)> Visitor<'de> for Document<F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list of jobs")
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "jobs" => {
                    map.next_value_seed(List(&mut self.0))?;
                    found = true;
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        if found { Ok(()) } else { Err(serde::de::Error::missing_field("jobs")) }
    }
}

struct List<'f, F>(&'f mut F);

impl<'de, F: FnMut(ManagerJob)> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, F: FnMut(ManagerJob)> Visitor<'de> for List<'_, F> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of jobs")
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(job) = list.next_element::<Job>()? {
            (self.0)(job.into());
        }
        Ok(())
    }
}
