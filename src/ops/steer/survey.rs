//! What a query selects now, and what would be done with it.

use super::decide::{Circumstances, Decision, decide};
use super::{Outcome, PlannedJob, Standing, SteerPlan, SteerRequest, Verb};
use crate::base::error::Failure;
use crate::base::status::{JobStatus, TaskStatus};
use crate::ops::ports::Ports;
use crate::ops::select::{Facts, JobRow, Origin, select};

/// So many jobs that are called canceled are looked at whether their tasks are active all the same, where they are asked for
/// by their names.
const LOOKED_AT: usize = 16;

/// Looks, and decides about each job that matches. Reads only.
pub fn survey(ports: &Ports<'_>, request: &SteerRequest) -> Result<SteerPlan, Failure> {
    let facts = Facts::gather(ports, &request.reach, &request.query)?;
    let rows = select(ports, &facts, &request.query)?;
    let manager = ports.manager.address();
    let is_named = !request.query.names().is_empty() && rows.len() <= LOOKED_AT;
    let jobs = rows.iter().map(|row| {
        let looks = is_named && matches!(request.verb, Verb::Kill(_));
        let still_active = if looks { still_active(ports, row)? } else { None };
        let known = Circumstances {
            manager: &manager,
            strangers_too: request.guard.foreign.is_some(),
            still_active: still_active.as_deref(),
        };
        Ok(planned(row, decide(request.verb, row, known), &ports.actor.user))
    });
    Ok(SteerPlan { jobs: jobs.collect::<Result<_, Failure>>()?, unreadable: facts.unreadable.clone(), manager })
}

/// A task that goes on although its job is called canceled: somebody set the word by hand, and the workers were never told.
fn still_active(ports: &Ports<'_>, row: &JobRow<'_>) -> Result<Option<String>, Failure> {
    let Some(job) = row.found.filter(|job| job.status == JobStatus::Canceled) else { return Ok(None) };
    let tasks = ports.manager.tasks(&job.id)?;
    Ok(tasks.into_iter().find(|task| task.status == TaskStatus::Active).map(|task| task.name))
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
