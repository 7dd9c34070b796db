//! A job as `GET /jobs` and `GET /jobs/{id}` tell it.

use super::or_default;
use super::text::Texts;
use crate::base::ids::JobId;
use crate::base::status::JobStatus;
use crate::base::time::Timestamp;
use crate::manager::ManagerJob;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// `Job`, as far as farm reads it. What it says is borrowed from the answer where that is possible.
#[derive(Debug, Deserialize)]
pub(in crate::manager) struct Job<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    status: Cow<'a, str>,
    #[serde(default, deserialize_with = "or_default")]
    priority: i64,
    #[serde(rename = "type", borrow)]
    job_type: Cow<'a, str>,
    #[serde(default, borrow, deserialize_with = "or_default")]
    metadata: Texts<'a>,
    #[serde(default, deserialize_with = "or_default")]
    activity: String,
    created: Timestamp,
    updated: Timestamp,
}

/// The same where nothing is left to borrow from.
#[derive(Debug)]
pub(in crate::manager) struct OneJob(pub(in crate::manager) ManagerJob);

impl<'de> Deserialize<'de> for OneJob {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Job::deserialize(from).map(|job| OneJob(ManagerJob::from(job)))
    }
}

impl From<Job<'_>> for ManagerJob {
    fn from(job: Job<'_>) -> Self {
        let mut read = ManagerJob {
            id: JobId(String::new()),
            name: String::new(),
            status: JobStatus::Queued,
            priority: 0,
            job_type: String::new(),
            metadata: BTreeMap::new(),
            activity: String::new(),
            created: job.created,
            updated: job.updated,
        };
        job.write_over(&mut read);
        read
    }
}

impl Job<'_> {
    /// Makes this job of another one, in whose memory its texts have room: a list has ten thousand, one after the other.
    pub(in crate::manager) fn write_over(self, job: &mut ManagerJob) {
        write(&mut job.id.0, &self.id);
        write(&mut job.name, &self.name);
        if job.status.as_str() != self.status {
            job.status = JobStatus::from(self.status.into_owned());
        }
        // Flamenco checks no range when a job is submitted.
        job.priority = self.priority.clamp(0, u8::MAX.into()) as u8;
        write(&mut job.job_type, &self.job_type);
        write_all(&mut job.metadata, self.metadata);
        job.activity = self.activity;
        (job.created, job.updated) = (self.created, self.updated);
    }
}

fn write(text: &mut String, new: &str) {
    text.clear();
    text.push_str(new);
}

fn write_all(texts: &mut BTreeMap<String, String>, new: Texts<'_>) {
    let has_the_same_keys = texts.keys().map(String::as_str).eq(new.0.iter().map(|(key, _)| &**key));
    match has_the_same_keys {
        true => texts.values_mut().zip(new.0).for_each(|(text, (_, new))| write(text, &new)),
        false => *texts = new.0.into_iter().map(|(key, text)| (key.into_owned(), text.into_owned())).collect(),
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
        while let Some(job) = list.next_element::<Job<'de>>()? {
            let job = ManagerJob::from(job);
            if (self.0)(&job) {
                jobs.push(job);
            }
        }
        Ok(jobs)
    }
}
