//! What is known of jobs before a query is put to them.

use super::row::{JobRow, Origin};
use crate::base::error::{Class, Failure};
use crate::base::ids::RunId;
use crate::base::name::Home;
use crate::manager::{Manager, ManagerJob};
use crate::ops::addresses::Addresses;
use crate::ops::check::jobs_by_run::JobsByRun;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::ops::status::resolve;
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
    /// Everything that the Manager has.
    pub jobs: Vec<ManagerJob>,
    /// Releases that cannot be read, one line each: the Manager's jobs of them are as those of another volume.
    pub unreadable: Vec<String>,
}

impl Facts {
    /// Reads the records, then asks for the list: what is submitted in between has been written down before.
    pub fn gather(ports: &Ports<'_>, reach: &Reach) -> Result<Facts, Failure> {
        let (files, unreadable) = match reach {
            Reach::Home(home) => (vec![the_one(ports, home)?], Vec::new()),
            Reach::Releases | Reach::Everything => all(ports, reach)?,
        };
        let jobs = ports.manager.jobs()?;
        Ok(Facts { reach: reach.clone(), files, jobs, unreadable })
    }

    /// A row for each job: those of the volume first, in the order in which they were planned, then the others by age.
    pub fn rows(&self, manager: &dyn Manager) -> Vec<JobRow<'_>> {
        let by_run = JobsByRun::of(&self.jobs);
        let mut rows = Vec::new();
        let mut known: HashSet<RunId> = HashSet::new();
        for file in &self.files {
            let addresses = Addresses::of(manager, file, |run| by_run.get(*run).is_some());
            rows.extend(file.jobs.iter().map(|job| JobRow::of_record(file, job, &by_run, &addresses)));
            known.extend(file.jobs.iter().flat_map(|job| &job.runs).map(|run| run.id));
        }
        if self.reach == Reach::Everything {
            rows.extend(self.others(&known));
        }
        rows
    }

    /// What the Manager has and the volume does not tell of.
    fn others(&self, known: &HashSet<RunId>) -> Vec<JobRow<'_>> {
        let row = |job| {
            let run = ManagerJob::run_id(job);
            match run {
                Some(run) if known.contains(&run) => None,
                Some(_) => Some(JobRow::of_other(job, Origin::Unrecorded)),
                None => Some(JobRow::of_other(job, Origin::Foreign)),
            }
        };
        let mut others: Vec<JobRow<'_>> = self.jobs.iter().filter_map(row).collect();
        others.sort_by_key(|row| row.found.map(|job| (job.created, &job.id)));
        others
    }
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
            Err(failure) if failure.class() == Class::Failed => unreadable.push(failure.message()),
            Err(failure) => return Err(failure),
        }
    }
    Ok((files, unreadable))
}
