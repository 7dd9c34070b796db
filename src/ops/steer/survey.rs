//! What a query selects now, and what would be done with it.

use super::decide::{Circumstances, Decision, decide};
use super::{Outcome, PlannedJob, Standing, SteerPlan, SteerRequest, Verb};
use crate::base::error::Failure;
use crate::base::ids::JobId;
use crate::base::status::{JobStatus, TaskStatus};
use crate::manager::{ManagerJob, ManagerTask};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::ports::Ports;
use crate::ops::select::{Facts, JobRow, Origin, select};
use std::collections::HashMap;

/// Of so many jobs at most it is looked whether their tasks are as their status says: each is a request.
const LOOKED_AT: usize = 16;

/// Looks, and decides about each job that matches. Reads only.
pub fn survey(ports: &Ports<'_>, request: &SteerRequest) -> Result<SteerPlan, Failure> {
    let facts = Facts::gather(ports, &request.reach, &request.query)?;
    let rows = select(ports, &facts, &request.query)?;
    let manager = ports.manager.address();
    let odd_tasks = odd_tasks(ports, request.verb, &rows)?;
    let jobs = rows.iter().map(|row| {
        let odd_task = row.found.and_then(|job| odd_tasks.get(&job.id)).map(String::as_str);
        let known = Circumstances { manager: &manager, strangers_too: request.guard.foreign.is_some(), odd_task };
        planned(row, decide(request.verb, row, known), &ports.actor.user)
    });
    Ok(SteerPlan { jobs: jobs.collect(), unreadable: facts.unreadable.clone(), manager })
}

/// Tasks that are not as their job's status says, because somebody set that by hand: active ones of a canceled job, whose
/// workers were never told, and paused ones of a job that is to go on.
fn odd_tasks(ports: &Ports<'_>, verb: Verb, rows: &[JobRow<'_>]) -> Result<HashMap<JobId, String>, Failure> {
    let (jobs, tasks): (&[JobStatus], TaskStatus) = match verb {
        Verb::Kill(_) => (&[JobStatus::Canceled], TaskStatus::Active),
        Verb::Unpause => (&[JobStatus::Queued, JobStatus::Active], TaskStatus::Paused),
        Verb::Pause | Verb::Priority(_) => return Ok(HashMap::new()),
    };
    let found: Vec<&ManagerJob> =
        rows.iter().filter_map(|row| row.found).filter(|job| jobs.contains(&job.status)).collect();
    if found.len() > LOOKED_AT {
        return Ok(HashMap::new());
    }
    let told = try_by_hands(ports, ports.manager.requests_at_once(), &found, |job| ports.manager.tasks(&job.id))?;
    let odd = |told: Vec<ManagerTask>| told.into_iter().find(|task| task.status == tasks).map(|task| task.name);
    Ok(found.iter().zip(told).filter_map(|(job, told)| Some((job.id.clone(), odd(told)?))).collect())
}

fn planned(row: &JobRow<'_>, decision: Decision, user: &str) -> PlannedJob {
    let Decision { verdict, reason, told, withdrawn } = decision;
    PlannedJob {
        reference: row.reference(),
        id: row.id().cloned(),
        verdict,
        reason,
        name: row.name().to_owned(),
        status: row.status.clone(),
        user: row.user().map(str::to_owned),
        foreign: row.is_foreign(),
        outcome: Outcome::Untouched,
        note: String::new(),
        key: row.key(),
        standing: standing(row, user),
        told,
        withdrawn,
        frames: match row.origin {
            Origin::Recorded(_, job) => job.current().frames.clone(),
            _ => Default::default(),
        },
    }
}

fn standing(row: &JobRow<'_>, user: &str) -> Standing {
    match row.origin {
        Origin::Foreign => Standing::Foreign,
        Origin::Unrecorded => Standing::Unrecorded,
        Origin::Recorded(..) if row.user() == Some(user) => Standing::Own,
        Origin::Recorded(..) => Standing::OfOther,
    }
}
