//! A plan that was begun before: what it did already makes no other plan of it.

use super::{JobVerdict, PlannedJob, ReleasePlan};
use crate::base::error::Failure;
use crate::base::ids::RunId;
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::ops::change;
use crate::ops::release;
use crate::volume::Volume;
use crate::volume::journal;
use crate::volume::lock::Scope;
use crate::volume::release_file::ReleaseFile;
use std::collections::HashSet;

/// The plan that was `shown` without what of it is done `now`: its jobs whose runs the release has, and the copies that are
/// in their place.
pub(super) fn as_it_stands(volume: &Volume, shown: &ReleasePlan, now: &ReleasePlan) -> Result<ReleasePlan, Failure> {
    let recorded = recorded(volume, shown)?;
    let mut plan = shown.clone();
    for (job, now) in plan.jobs.iter_mut().zip(&now.jobs) {
        // Nobody but this very plan knows the id of its run.
        if recorded.contains(&job.run) && now.verdict == JobVerdict::Unchanged {
            job.verdict = JobVerdict::Unchanged;
        }
    }
    let copied: HashSet<&RelPath> = now.copies.iter().map(|copy| &copy.to).collect();
    let damaged: HashSet<&RelPath> = now.repairs.iter().map(|repair| &repair.path).collect();
    plan.copies.retain(|copy| copied.contains(&copy.to));
    plan.repairs.retain(|repair| damaged.contains(&repair.path));
    Ok(plan)
}

/// What is to be shown and carried out of the plan that was `shown`: itself, or what is left of it where it was begun.
/// `now` is what [`check_current`](super::apply::check_current) found to be the same.
pub fn what_is_left(shown: ReleasePlan, now: &ReleasePlan) -> ReleasePlan {
    let is_done = |(shown, now): (&PlannedJob, &PlannedJob)| shown.verdict != now.verdict;
    let is_begun = shown.jobs.iter().zip(&now.jobs).any(is_done)
        || shown.copies.len() != now.copies.len()
        || shown.repairs.len() != now.repairs.len();
    if !is_begun {
        return shown;
    }
    let mut left = now.clone();
    for (job, shown) in left.jobs.iter_mut().zip(&shown.jobs) {
        job.run = shown.run;
        if job.verdict == shown.verdict {
            job.settle(shown);
        }
    }
    left
}

fn recorded(volume: &Volume, plan: &ReleasePlan) -> Result<HashSet<RunId>, Failure> {
    let file = release::load(volume, &plan.release)?;
    let jobs = file.iter().flat_map(|file| &file.jobs);
    Ok(jobs.flat_map(|job| &job.runs).map(|run| run.id).collect())
}

/// The jobs of which a seed that was killed has its run in the record already: the same command goes on with that.
pub(super) fn seeded(volume: &Volume, file: &ReleaseFile) -> Result<HashSet<JobName>, Failure> {
    if file.name != Home::Quick {
        return Ok(HashSet::new());
    }
    let mut seeded = HashSet::new();
    for account in journal::survey(volume)?.unfinished_in(&Scope::from(&file.name))? {
        if account.intent.kind == change::SEED {
            let jobs = change::of(&account)?.jobs;
            seeded.extend(jobs.into_iter().filter(|job| job.is_recorded(file) == Some(true)).map(|job| job.name));
        }
    }
    Ok(seeded)
}
