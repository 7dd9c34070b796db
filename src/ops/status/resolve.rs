//! The one thing that a word names: a release, a job, or the job of a run by the beginning of its id.

use super::interrupted::Interruptions;
use super::select::{Ambiguous, NoMatch, Selector};
use crate::base::error::{Class, Failure};
use crate::base::name::{Home, JobName};
use crate::ops::release;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};

/// What a word names.
#[derive(Debug)]
pub struct Named {
    /// The release, or the one that the job belongs to.
    pub file: ReleaseFile,
    /// The job, where one was named.
    pub job: Option<JobName>,
}

/// A release, a `release/job`, the name of a job that only one release has, or six letters or more of an id.
///
/// A release whose file cannot be read is that failure, not an unknown name.
pub fn find(volume: &Volume, word: &str) -> Result<Named, Failure> {
    if let Some((release, job)) = word.split_once('/') {
        let Some(file) = load(volume, release)? else { return Err(unknown(volume, word)?) };
        let job: Option<JobName> = job.parse().ok();
        return match job.filter(|job| file.job(job).is_some()) {
            Some(job) => Ok(Named { file, job: Some(job) }),
            None => Err(unknown(volume, word)?),
        };
    }
    match load(volume, word)? {
        Some(file) => Ok(Named { file, job: None }),
        None => job_of_any(volume, word),
    }
}

/// `None` where the release is not there, also because its name cannot be one.
fn load(volume: &Volume, name: &str) -> Result<Option<ReleaseFile>, Failure> {
    match name.parse::<Home>() {
        Ok(name) => release::load(volume, &name),
        Err(_) => Ok(None),
    }
}

fn job_of_any(volume: &Volume, word: &str) -> Result<Named, Failure> {
    let selector = Selector::name(word);
    let mut having = Vec::new();
    for name in volume.homes()?.names {
        // One that cannot be read may have it too; `unknown` says so.
        let Ok(Some(file)) = release::load(volume, &name) else { continue };
        let meant = |job: &&JobRecord| selector.matches(&file.name, &job.name, &ids(job));
        let jobs: Vec<JobName> = file.jobs.iter().filter(meant).map(|job| job.name.clone()).collect();
        having.extend(jobs.into_iter().map(|job| Named { file: file.clone(), job: Some(job) }));
    }
    match having.len() {
        0 => Err(unknown(volume, word)?),
        1 => Ok(having.remove(0)),
        _ => Err(Ambiguous::new(word, having.iter().map(Named::to_string)).into()),
    }
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.job {
            Some(job) => write!(f, "{}/{job}", self.file.name),
            None => write!(f, "{}", self.file.name),
        }
    }
}

/// Everything by which the runs of a job may be named.
pub fn ids(job: &JobRecord) -> Vec<String> {
    let of_run = |run: &RunRecord| [Some(run.id.to_string()), run.manager_job.as_ref().map(ToString::to_string)];
    job.runs.iter().flat_map(of_run).flatten().collect()
}

/// Why nothing is called so: a plan that was killed before it wrote the release's file, or a slip of the pen.
pub fn unknown(volume: &Volume, word: &str) -> Result<Failure, Failure> {
    let release = word.split_once('/').map_or(word, |(release, _)| release);
    if let Some(begun) = Interruptions::of(volume)?.of_release(release).filter(|one| one.kind == "plan") {
        return Ok(Failure::new(Class::NoMatch, format!("the release {release:?} is not planned: {begun}"))
            .with_hint("Run `farm recover`: it finishes the plan or takes it back."));
    }
    let mut unreadable = 0;
    let mut names = Vec::new();
    for name in volume.homes()?.names {
        match release::load(volume, &name) {
            Ok(Some(file)) => {
                names.push(name.to_string());
                // A bare word is compared with the jobs' own names too.
                let of_job = |job: &JobRecord| [format!("{name}/{}", job.name), job.name.to_string()];
                names.extend(file.jobs.iter().flat_map(of_job));
            }
            Ok(None) => {}
            Err(_) => unreadable += 1,
        }
    }
    Ok(NoMatch::new(word, names.iter().map(String::as_str), unreadable).into())
}
