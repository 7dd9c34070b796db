//! Runs that are written down and were never submitted, where no journal speaks of them (frames submitted again).

use super::{Action, Kind, Means, Verdict};
use crate::base::counted::{agree, counted};
use crate::base::error::Failure;
use crate::base::name::Home;
use crate::ops::{release, submit};
use crate::sys::clock;
use crate::volume::lock::Scope;
use crate::volume::release_file::ReleaseFile;
use std::fmt;

/// A release with such runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsubmitted {
    release: Home,
    runs: usize,
}

impl fmt::Display for Unsubmitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verb = agree(self.runs, "is", "are");
        write!(f, "{} of release {} that {verb} not known to be submitted", counted(self.runs, "run"), self.release)
    }
}

/// Those of this Manager; releases whose file cannot be read are told of by `farm doctor`.
pub(super) fn survey(means: &Means<'_>) -> Result<Vec<Unsubmitted>, Failure> {
    let Ok(manager) = means.manager else { return Ok(Vec::new()) };
    let address = manager.address();
    let mut found = Vec::new();
    for release in means.volume.homes()?.names {
        let Ok(Some(file)) = release::load(means.volume, &release) else { continue };
        let runs = pending(&file, &address);
        if runs > 0 {
            found.push(Unsubmitted { release, runs });
        }
    }
    Ok(found)
}

/// How many runs for the Manager at `address` have no job there as far as the release knows.
fn pending(file: &ReleaseFile, address: &str) -> usize {
    let runs = file.jobs.iter().flat_map(|job| &job.runs);
    runs.filter(|run| run.is_pending_at(address)).count()
}

pub(super) fn recover(means: &Means<'_>, found: &[Unsubmitted]) -> Vec<Action> {
    let end = |left: &Unsubmitted| match submit(means, left) {
        Ok(Some((verdict, note))) => Some(Action::new(Kind::Run, left.to_string(), verdict, note)),
        Ok(None) => None,
        Err(failure) => Some(Action::failed(Kind::Run, left.to_string(), &failure)),
    };
    found.iter().filter_map(end).collect()
}

/// `None` if a journal's recovery has submitted them since the survey.
fn submit(means: &Means<'_>, left: &Unsubmitted) -> Result<Option<(Verdict, String)>, Failure> {
    let ports = means.ports()?;
    let lock = match means.lock(Scope::from(&left.release))? {
        Ok(lock) => lock,
        Err(holder) => return Ok(Some((Verdict::LeftAlone, holder))),
    };
    let Some(mut file) = release::load(ports.volume, &left.release)? else { return Ok(None) };
    if pending(&file, &ports.manager.address()) == 0 {
        return Ok(None);
    }
    let before = file.clone();
    let submitted = submit::submit_pending(&ports, &lock, &mut file, clock::now())?;
    if file == before {
        return Ok(None);
    }
    Ok(Some((Verdict::Finished, format!("{} submitted, the others were in the queue already", submitted.len()))))
}
