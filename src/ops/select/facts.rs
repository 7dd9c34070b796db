//! What is known of jobs before a query is put to them.

use super::row::{JobRow, Origin};
use crate::base::error::Failure;
use crate::base::ids::RunId;
use crate::base::name::Home;
use crate::manager::{Manager, ManagerJob};
use crate::ops::addresses::Addresses;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::status::resolve;
use crate::query::{Asked, Query};
use crate::sys::clock;
use crate::volume::release_file::ReleaseFile;
use std::collections::HashSet;

/// Whose jobs are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// Those of the volume and whatever else the Manager has.
    Everything,
    /// Those of the volume's releases.
    Releases,
    /// Those of one release, or of `quick/`.
    Home(Home),
}

/// The volume's records and the Manager's list.
#[derive(Debug)]
pub struct Facts {
    reach: Reach,
    /// Releases and `quick/`, by name.
    pub files: Vec<ReleaseFile>,
    /// What the Manager has of them, and what else there may match.
    pub jobs: Vec<ManagerJob>,
    /// Releases that cannot be read, one line each: the Manager's jobs of them are as those of another volume.
    pub unreadable: Vec<String>,
}

impl Facts {
    /// Reads the records, then asks for the list: what is submitted in between has been written down before. Of jobs that
    /// the volume does not know, those are left out at once that cannot match.
    pub fn gather(ports: &Ports<'_>, reach: &Reach, query: &Query) -> Result<Facts, Failure> {
        let (files, unreadable) = match reach {
            Reach::Home(home) => (vec![the_one(ports, home)?], Vec::new()),
            Reach::Releases | Reach::Everything => all(ports, reach)?,
        };
        let known = runs_of(&files);
        let asked = Asked { now: clock::now(), user: &ports.actor.user };
        let is_possible = |job: &ManagerJob, run: Option<RunId>| {
            *reach == Reach::Everything && query.verdict(&JobRow::of_other(job, origin(run)), &asked) != Some(false)
        };
        let mut wants = |job: &ManagerJob| {
            let run = job.run_id();
            run.is_some_and(|run| known.contains(&run)) || is_possible(job, run)
        };
        let jobs = ports.manager.jobs_where(&mut wants)?;
        Ok(Facts { reach: reach.clone(), files, jobs, unreadable })
    }

    /// A row for each job: those of the volume first, in the order in which they were planned, then the others by age.
    pub fn rows(&self, manager: &dyn Manager) -> Vec<JobRow<'_>> {
        let by_run = JobsByRun::of(&self.jobs);
        let mut rows = Vec::new();
        for file in &self.files {
            let addresses = Addresses::of(manager, file, |run| by_run.get(*run).is_some());
            rows.extend(file.jobs.iter().map(|job| JobRow::of_record(file, job, &by_run, &addresses)));
        }
        if self.reach == Reach::Everything {
            rows.extend(self.others(&runs_of(&self.files)));
        }
        rows
    }

    /// What the Manager has and the volume does not tell of.
    fn others(&self, known: &HashSet<RunId>) -> Vec<JobRow<'_>> {
        let row = |job| {
            let run = ManagerJob::run_id(job);
            let is_known = run.is_some_and(|run| known.contains(&run));
            (!is_known).then(|| JobRow::of_other(job, origin(run)))
        };
        let mut others: Vec<JobRow<'_>> = self.jobs.iter().filter_map(row).collect();
        others.sort_by_key(|row| row.found.map(|job| (job.created, &job.id)));
        others
    }
}

/// Where a job comes from that the volume does not know.
fn origin(run: Option<RunId>) -> Origin<'static> {
    if run.is_some() { Origin::Unrecorded } else { Origin::Foreign }
}

/// Every run that is written down.
fn runs_of(files: &[ReleaseFile]) -> HashSet<RunId> {
    files.iter().flat_map(|file| &file.jobs).flat_map(|job| &job.runs).map(|run| run.id).collect()
}

/// The record of the one home that is asked for.
fn the_one(ports: &Ports<'_>, home: &Home) -> Result<ReleaseFile, Failure> {
    match release::load(ports.volume, home)? {
        Some(file) => Ok(file),
        None => Err(resolve::unknown(ports.volume, home.as_str())?),
    }
}

/// Every record that can be read, and a line for each that cannot.
fn all(ports: &Ports<'_>, reach: &Reach) -> Result<(Vec<ReleaseFile>, Vec<String>), Failure> {
    let (mut files, mut unreadable) = (Vec::new(), Vec::new());
    for home in ports.volume.homes()?.names {
        if home == Home::Quick && *reach == Reach::Releases {
            continue;
        }
        match release::load(ports.volume, &home) {
            Ok(file) => files.extend(file),
            // Whatever is odd about one of them: it hides none of the others.
            Err(failure) => unreadable.push(failure.message()),
        }
    }
    Ok((files, unreadable))
}
