//! The one thing that a word names: a release, a job, or the job of a run by the beginning of its id.

use super::interrupted::Interruptions;
use crate::base::counted::counted;
use crate::base::error::{Class, Explain, Failure};
use crate::base::ids::is_named;
use crate::base::name::{Home, JobName};
use crate::base::nearest::nearest;
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
    let mut having = Vec::new();
    for name in volume.homes()?.names {
        // One that cannot be read may have it too; `unknown` says so.
        let Ok(Some(file)) = release::load(volume, &name) else { continue };
        let meant = |job: &&JobRecord| job.name.as_str() == word || has_id(job, word);
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

/// Whether one of its runs has an id, farm's or the Manager's, that begins so.
fn has_id(job: &JobRecord, word: &str) -> bool {
    let begins = |run: &RunRecord| {
        is_named(&run.id.to_string(), word) || run.manager_job.as_ref().is_some_and(|id| is_named(&id.0, word))
    };
    job.runs.iter().any(begins)
}

/// What keeps the release that a word names from being looked at: its file cannot be read, or a plan of it was killed.
pub fn hindrance(volume: &Volume, word: &str) -> Result<Option<Failure>, Failure> {
    let release = word.split_once('/').map_or(word, |(release, _)| release);
    match load(volume, release) {
        Err(failure) => Ok(Some(failure)),
        Ok(_) => begun(volume, word),
    }
}

/// The plan of the release that a word names, where that was killed before it wrote the release's file.
fn begun(volume: &Volume, word: &str) -> Result<Option<Failure>, Failure> {
    let release = word.split_once('/').map_or(word, |(release, _)| release);
    let found = Interruptions::of(volume)?;
    let Some(begun) = found.of_release(release).filter(|one| one.kind == "plan") else { return Ok(None) };
    let words = format!("the release {release:?} is not planned: {begun}");
    let next = "Run `farm recover`: it finishes the plan or takes it back.";
    Ok(Some(Failure::new(Class::NoMatch, words).with_hint(next)))
}

/// Why nothing is called so: a plan that was killed before it wrote the release's file, or a slip of the pen.
pub fn unknown(volume: &Volume, word: &str) -> Result<Failure, Failure> {
    if let Some(failure) = begun(volume, word)? {
        return Ok(failure);
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

/// The word matches nothing.
#[derive(Debug, thiserror::Error)]
#[error("no release or job is called {word:?}")]
struct NoMatch {
    word: String,
    near: Option<String>,
    unreadable: usize,
}

impl NoMatch {
    /// With the one of `names` that is most like the word, and the number of releases that could not be looked into.
    fn new<'a>(word: &str, names: impl Iterator<Item = &'a str>, unreadable: usize) -> NoMatch {
        // What bears the very name was looked at, and is not it.
        let near = nearest(word, names.filter(|name| *name != word));
        NoMatch { word: word.to_owned(), near, unreadable }
    }
}

impl Explain for NoMatch {
    fn class(&self) -> Class {
        Class::NoMatch
    }
    fn hint(&self) -> Option<String> {
        let near = self.near.as_ref().map(|near| format!("Did you mean {near:?}? ")).unwrap_or_default();
        let unreadable = match self.unreadable {
            0 => String::new(),
            count => format!(" {} cannot be read: `farm doctor` names them.", counted(count, "release")),
        };
        Some(format!("{near}`farm status` lists everything.{unreadable}"))
    }
}

/// A bare word that names several jobs.
#[derive(Debug, thiserror::Error)]
#[error("{word:?} names several jobs: {}", jobs.join(", "))]
struct Ambiguous {
    word: String,
    jobs: Vec<String>,
}

impl Ambiguous {
    /// With the full names of the jobs.
    fn new(word: &str, jobs: impl Iterator<Item = String>) -> Ambiguous {
        Ambiguous { word: word.to_owned(), jobs: jobs.collect() }
    }
}

impl Explain for Ambiguous {
    fn class(&self) -> Class {
        Class::Usage
    }
    fn hint(&self) -> Option<String> {
        Some("Write release/job; `farm status` also takes a glob such as '*/name' for all of them.".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bears_the_very_name_is_not_suggested() {
        let hint = NoMatch::new("c", ["c", "r1"].into_iter(), 1).hint().expect("always");
        assert!(!hint.contains("Did you mean") && hint.contains("farm doctor"), "{hint}");
    }
}
