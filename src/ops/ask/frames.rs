//! The frames that a query finds.
//!
//! What is true of frames is read from the volume, job by job; looked at are the jobs alone that may have one that matches.
//! A film has a million frames: what is kept of them are sets, and rows are made of these one at a time.

pub use super::frame_row::{FrameStatus, SeenFrame, SeenJob};

use super::frame_row::Unseen;
use super::{names_of, nothing_matches, of_unreadable};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::{JobName, JobRef};
use crate::manager::ManagerWorker;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::check::{self, Effort, OpenWork};
use crate::ops::ports::Ports;
use crate::ops::select::{Facts, JobRow, Origin, Reach};
use crate::query::{Asked, Query, Subject};
use crate::sys::clock;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::HashSet;

/// The frames that match.
#[derive(Debug, Default)]
pub struct FrameListing {
    /// Job by job, in the order in which they were planned.
    pub jobs: Vec<MatchingJob>,
    /// Releases that cannot be read or looked at, one line each.
    pub unreadable: Vec<String>,
}

/// A job that has frames that match.
#[derive(Debug)]
pub struct MatchingJob {
    /// The job.
    pub job: SeenJob,
    /// Those of its frames that match.
    pub matching: FrameSet,
}

impl FrameListing {
    /// Every frame that matches.
    pub fn frames(&self) -> impl Iterator<Item = SeenFrame<'_>> {
        self.jobs.iter().flat_map(|one| one.matching.iter().map(|frame| one.job.frame(frame)))
    }
}

impl MatchingJob {
    /// Those that match and are of this status.
    pub fn of_status(&self, status: FrameStatus) -> FrameSet {
        self.job.of_status(status).common(&self.matching)
    }

    /// Those that match and of which there is something to say.
    pub fn with_causes(&self) -> impl Iterator<Item = SeenFrame<'_>> {
        let wrong = self.job.frames.bad.union(&self.job.frames.suspect).common(&self.matching);
        let frames: Vec<i32> = wrong.iter().collect();
        frames.into_iter().map(|frame| self.job.frame(frame))
    }
}

/// The frames that match; that there are none is an error, but for an empty query.
pub fn list(ports: &Ports<'_>, query: &Query, effort: Effort) -> Result<FrameListing, Failure> {
    let facts = Facts::gather(ports, &Reach::Everything, &Query::everything(Subject::Jobs))?;
    let mut jobs = facts.rows(ports.manager);
    jobs.retain(|job| matches!(job.origin, Origin::Recorded(..)));
    let look = Look { ports, query, asked: Asked { now: clock::now(), user: &ports.actor.user }, effort };
    let possible: Vec<&JobRow<'_>> = jobs.iter().filter(|job| look.may_match(job)).collect();
    let workers = if possible.is_empty() { Vec::new() } else { ports.manager.workers()? };
    let by_run = JobsByRun::of(&facts.jobs);
    let mut listing = FrameListing { jobs: Vec::new(), unreadable: facts.unreadable.clone() };
    for file in &facts.files {
        let of_file = possible.iter().filter_map(|job| Some((*job, record_in(job, file)?)));
        match look.matching(file, &of_file.collect::<Vec<_>>(), &by_run, &workers) {
            Ok(found) => listing.jobs.extend(found),
            // One release that cannot be looked at keeps none from being seen.
            Err(failure) if matches!(failure.class(), Class::Failed | Class::Refused) => {
                listing.unreadable.push(failure.message());
            }
            Err(failure) => return Err(failure),
        }
    }
    if listing.jobs.is_empty() && !query.is_empty() {
        let next = format!("`farm frames` lists all.{}", of_unreadable(&listing.unreadable));
        return Err(nothing_matches(query, &names_of(&facts, &jobs), &next));
    }
    Ok(listing)
}

/// The record of the job, if it is one of this file.
fn record_in<'a>(job: &JobRow<'a>, file: &ReleaseFile) -> Option<&'a JobRecord> {
    match job.origin {
        Origin::Recorded(of, record) if of.name == file.name => Some(record),
        _ => None,
    }
}

/// What every job is looked at with.
struct Look<'a> {
    ports: &'a Ports<'a>,
    query: &'a Query,
    asked: Asked<'a>,
    effort: Effort,
}

impl Look<'_> {
    /// Whether the job may have a frame that matches, before anything of them is known but their numbers.
    fn may_match(&self, job: &JobRow<'_>) -> bool {
        let may = |frame| self.query.verdict(&Unseen { job, frame }, &self.asked) != Some(false);
        let Origin::Recorded(_, record) = job.origin else { return false };
        may(None) && record.current().frames.iter().any(|frame| may(Some(frame)))
    }

    /// Those of these jobs of a release that have frames that match.
    fn matching(
        &self,
        file: &ReleaseFile,
        jobs: &[(&JobRow<'_>, &JobRecord)],
        by_run: &JobsByRun<'_>,
        workers: &[ManagerWorker],
    ) -> Result<Vec<MatchingJob>, Failure> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let names: HashSet<&JobName> = jobs.iter().map(|(_, record)| &record.name).collect();
        let is_meant = |job: &JobRecord| names.contains(&job.name);
        let work = OpenWork::of_some(self.ports, file, is_meant, by_run, workers)?;
        let records: Vec<&JobRecord> = jobs.iter().map(|(_, record)| *record).collect();
        let looked = check::check_jobs(self.ports, &file.name, &records, &work, self.effort)?;
        let mut found = Vec::new();
        for ((row, record), frames) in jobs.iter().zip(looked) {
            let reference = JobRef::within(&file.name, &record.name);
            let job = SeenJob::new(row, record, reference, frames).with_places(work.harvested(&record.name));
            let is_matching = |frame: &i32| self.query.matches(&job.frame(*frame), &self.asked);
            let matching: FrameSet = job.frames.expected.iter().filter(is_matching).collect();
            if !matching.is_empty() {
                found.push(MatchingJob { job, matching });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
#[path = "tests/frames.rs"]
mod tests;
