//! A job as a query sees it.

use crate::base::ids::{JobId, RunId};
use crate::base::name::{Home, JobRef};
use crate::manager::ManagerJob;
use crate::manager::job::{META_JOB, META_USER};
use crate::ops::addresses::Addresses;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::status::survey::{counting, status_word};
use crate::query::{Field, Row, Value};
use crate::volume::layout;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};

/// Where a job comes from.
#[derive(Debug, Clone, Copy)]
pub enum Origin<'a> {
    /// The volume has its record.
    Recorded(&'a ReleaseFile, &'a JobRecord),
    /// Farm made it, and this volume has no record of it: it belongs to another one, or the record is gone.
    Unrecorded,
    /// Farm did not make it.
    Foreign,
}

/// What one job is called wherever it is looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// One that the volume knows, whichever of its runs counts.
    Job(JobRef),
    /// Another one, by the Manager's id.
    Id(JobId),
}

/// A job, its newest run, and what was looked up of it.
#[derive(Debug, Clone)]
pub struct JobRow<'a> {
    /// Where it comes from.
    pub origin: Origin<'a>,
    /// The Manager's job that stands for it.
    pub found: Option<&'a ManagerJob>,
    /// Other jobs of the Manager for its runs: earlier ones, and those of a run that was submitted twice all the same.
    pub others: Vec<&'a ManagerJob>,
    /// Its runs that were written down, and of which no Manager is known to have a job.
    pub pending: Vec<&'a RunRecord>,
    /// Its status, as `farm status` shows it.
    pub status: String,
    /// Names and ids of the workers that are at it or were, once that was looked up.
    pub(super) workers: Option<Vec<String>>,
    /// Whole per cent of its frames that are ok, once that was looked up.
    pub(super) progress: Option<i64>,
}

impl<'a> JobRow<'a> {
    pub(super) fn of_record(
        file: &'a ReleaseFile,
        job: &'a JobRecord,
        by_run: &JobsByRun<'a>,
        addresses: &Addresses,
    ) -> Self {
        let found = counting(job, by_run);
        let all = job.runs.iter().filter_map(|run| by_run.get(run.id)).flatten().copied();
        let is_pending = |run: &&RunRecord| run.is_pending() && by_run.get(run.id).is_none();
        JobRow {
            origin: Origin::Recorded(file, job),
            found,
            pending: job.runs.iter().filter(is_pending).collect(),
            others: all.filter(|one| found.is_none_or(|found| found.id != one.id)).collect(),
            status: status_word(job.newest_run(), found, addresses),
            workers: None,
            progress: None,
        }
    }

    /// One of which the Manager alone tells.
    pub(super) fn of_other(job: &'a ManagerJob, origin: Origin<'a>) -> Self {
        let status = job.status.to_string();
        JobRow {
            origin,
            found: Some(job),
            others: Vec::new(),
            pending: Vec::new(),
            status,
            workers: None,
            progress: None,
        }
    }

    /// What it is called wherever it is looked at.
    pub fn key(&self) -> Key {
        match (&self.origin, self.found) {
            (Origin::Recorded(file, job), _) => Key::Job(JobRef::within(&file.name, &job.name)),
            (_, found) => Key::Id(found.map_or(JobId(String::new()), |job| job.id.clone())),
        }
    }

    /// Its full name, where it has one: farm's jobs do.
    pub fn reference(&self) -> Option<String> {
        match &self.origin {
            Origin::Recorded(file, job) => Some(format!("{}/{}", file.name, job.name)),
            Origin::Unrecorded => self.metadata(META_JOB).map(str::to_owned),
            Origin::Foreign => None,
        }
    }

    /// What messages call it.
    pub fn words(&self) -> String {
        self.reference().unwrap_or_else(|| self.name().to_owned())
    }

    /// Its own name, without its release.
    pub fn name(&self) -> &str {
        match &self.origin {
            Origin::Recorded(_, job) => job.name.as_str(),
            Origin::Unrecorded => self.named_in_metadata().map_or_else(|| self.managers_name(), |(_, name)| name),
            Origin::Foreign => self.managers_name(),
        }
    }

    /// Who submitted it, where anybody says so.
    pub fn user(&self) -> Option<&str> {
        match &self.origin {
            Origin::Recorded(_, job) => self.metadata(META_USER).or(Some(job.current().user.as_str())),
            Origin::Unrecorded => self.metadata(META_USER),
            // Whatever it says there, farm did not write it.
            Origin::Foreign => None,
        }
    }

    /// Whether farm did not make it.
    pub fn is_foreign(&self) -> bool {
        matches!(self.origin, Origin::Foreign)
    }

    /// The Manager's id of the newest run.
    pub fn id(&self) -> Option<&'a JobId> {
        self.found.map(|job| &job.id).or_else(|| self.newest_run().and_then(|run| run.manager_job.as_ref()))
    }

    /// Its record's newest run.
    pub fn newest_run(&self) -> Option<&'a RunRecord> {
        match self.origin {
            Origin::Recorded(_, job) => job.newest_run(),
            _ => None,
        }
    }

    /// Every job of the Manager that renders for it.
    pub fn managers_jobs(&self) -> impl Iterator<Item = &'a ManagerJob> {
        self.found.into_iter().chain(self.others.iter().copied())
    }

    fn home(&self) -> Option<&str> {
        match &self.origin {
            Origin::Recorded(file, _) => Some(file.name.as_str()),
            Origin::Unrecorded => self.named_in_metadata().map(|(home, _)| home),
            Origin::Foreign => None,
        }
    }

    fn managers_name(&self) -> &str {
        self.found.map_or("", |job| job.name.as_str())
    }

    fn metadata(&self, key: &str) -> Option<&str> {
        self.found?.metadata.get(key).map(String::as_str)
    }

    /// The two parts of the full name that farm gave it.
    fn named_in_metadata(&self) -> Option<(&str, &str)> {
        self.metadata(META_JOB)?.split_once('/')
    }

    fn ids(&self) -> Vec<String> {
        let runs = match self.origin {
            Origin::Recorded(_, job) => job.runs.iter().map(|run| run.id).collect(),
            _ => self.found.and_then(ManagerJob::run_id).into_iter().collect::<Vec<RunId>>(),
        };
        runs.iter().map(ToString::to_string).chain(self.id().map(ToString::to_string)).collect()
    }

    fn created(&self) -> Option<crate::base::time::Timestamp> {
        self.found.map(|job| job.created).or_else(|| self.newest_run().map(|run| run.submitted))
    }

    /// What a record alone tells.
    fn of_record_alone(&self, field: &Field) -> Value<'_> {
        let Origin::Recorded(file, job) = self.origin else {
            // The Manager's list does not say it as people write it.
            return if *field == Field::Tag { Value::Unknown } else { Value::None };
        };
        match field {
            Field::Tag => self.newest_run().and_then(|run| run.tag.as_deref()).into(),
            Field::Path => layout::out_dir(&JobRef::within(&file.name, &job.name)).to_string().into(),
            Field::Frames => (&job.current().frames).into(),
            _ => Value::None,
        }
    }
}

impl Row for JobRow<'_> {
    fn value(&self, field: &Field) -> Value<'_> {
        match field {
            Field::Id => Value::texts(self.ids()),
            Field::Name => self.name().into(),
            Field::Ref => self.reference().into(),
            Field::Release => self.home().into(),
            Field::Status => self.status.as_str().into(),
            Field::Priority => {
                let told = self.found.map(|job| job.priority).or(self.newest_run().map(|run| run.priority));
                told.map(i64::from).into()
            }
            Field::Type => self.found.map(|job| job.job_type.as_str()).into(),
            Field::Created => self.created().into(),
            Field::Updated => self.found.map(|job| job.updated).into(),
            Field::User => self.user().into(),
            Field::Foreign => self.is_foreign().into(),
            Field::Meta(key) => self.metadata(key).into(),
            Field::Worker if self.found.is_none() => Value::None,
            Field::Worker => self.workers.as_ref().map_or(Value::Unknown, |names| Value::texts(names.iter().cloned())),
            Field::Progress if !matches!(self.origin, Origin::Recorded(..)) => Value::None,
            Field::Progress => self.progress.map_or(Value::Unknown, Value::Number),
            other => self.of_record_alone(other),
        }
    }
}

impl Key {
    /// The release, or `quick/`, of a job that the volume knows.
    pub fn home(&self) -> Option<&Home> {
        match self {
            Key::Job(reference) => Some(&reference.home),
            Key::Id(_) => None,
        }
    }
}
