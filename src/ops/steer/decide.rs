//! What is done with one job, and why. Pure.

use super::{Afterwards, Told, Verb, Verdict};
use crate::base::ids::RunId;
use crate::base::status::JobStatus;
use crate::manager::ManagerJob;
use crate::ops::ending::can_be_cancelled;
use crate::ops::select::{JobRow, Origin};
use crate::ops::status::{ELSEWHERE, GONE};

/// What is done with a job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    pub(super) reason: String,
    pub(super) told: Vec<Told>,
    pub(super) withdrawn: Vec<RunId>,
}

/// What is known of a job beside its row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circumstances<'a> {
    /// The Manager's address.
    pub(super) manager: &'a str,
    /// Whether jobs that the volume knows nothing of are meant too.
    pub(super) strangers_too: bool,
    /// A task that is not as its job's status says: active where a job is killed that is called canceled, paused where one
    /// is unpaused that is called queued.
    pub(super) odd_task: Option<&'a str>,
}

/// Decides about a job.
pub(super) fn decide(verb: Verb, row: &JobRow<'_>, known: Circumstances<'_>) -> Decision {
    let decision = match verb {
        Verb::Kill(afterwards) => kill(afterwards, row, known),
        Verb::Pause => {
            turn(row, Verdict::Pause, &[JobStatus::Active, JobStatus::Queued, JobStatus::Requeueing], &PAUSED)
        }
        Verb::Unpause => unpause(row, known),
        Verb::Priority(priority) => prioritise(row, priority),
    };
    let whose = match row.origin {
        Origin::Recorded(..) => return decision,
        _ if !decision.verdict.acts() => return decision,
        Origin::Foreign => "farm did not make it",
        Origin::Unrecorded => "this volume does not know it",
    };
    match known.strangers_too {
        true => Decision { reason: format!("{}; {whose}", decision.reason), ..decision },
        false => left(Verdict::Foreign, format!("{whose}; --include-foreign with their number says that it is meant")),
    }
}

const PAUSED: [JobStatus; 2] = [JobStatus::Paused, JobStatus::PauseRequested];

/// Also where it is called queued, and its tasks are paused: nobody would ever begin those.
fn unpause(row: &JobRow<'_>, known: Circumstances<'_>) -> Decision {
    let Some((task, found)) = known.odd_task.zip(row.found) else {
        return turn(row, Verdict::Unpause, &PAUSED, &[JobStatus::Active, JobStatus::Queued]);
    };
    let told = row.managers_jobs().map(|job| told(job, job.id == found.id || PAUSED.contains(&job.status))).collect();
    let reason = format!("it is called {}, and its task {task} is paused", found.status);
    Decision { verdict: Verdict::Unpause, reason, told, withdrawn: Vec::new() }
}

fn kill(afterwards: Afterwards, row: &JobRow<'_>, known: Circumstances<'_>) -> Decision {
    let ends = |job: &ManagerJob| {
        let is_called_ended = known.odd_task.is_some() && row.found.is_some_and(|found| found.id == job.id);
        can_be_cancelled(&job.status) || is_called_ended
    };
    let told: Vec<Told> = row.managers_jobs().map(|job| told(job, ends(job))).collect();
    let pending = row.pending.iter().filter(|run| run.manager == known.manager);
    let withdrawn: Vec<RunId> = pending.map(|run| run.id).collect();
    let is_deleted = afterwards == Afterwards::Gone && !told.is_empty();
    let (verdict, reason) = match (known.odd_task, told.iter().any(|job| job.is_told)) {
        (Some(task), _) => (Verdict::Cancel, format!("it is called canceled, and its task {task} is still active")),
        (None, true) => (Verdict::Cancel, format!("it is {}", row.status)),
        (None, false) if !withdrawn.is_empty() => (Verdict::Withdraw, "it was not submitted yet".to_owned()),
        (None, false) if is_deleted => (Verdict::Delete, format!("it has ended: {}", row.status)),
        (None, false) => return left(why_not(row), over(row)),
    };
    Decision { verdict, reason, told, withdrawn }
}

/// A job gets from one of `from` to another status, unless it is one of `already`.
fn turn(row: &JobRow<'_>, verdict: Verdict, from: &[JobStatus], already: &[JobStatus]) -> Decision {
    let told: Vec<Told> = row.managers_jobs().map(|job| told(job, from.contains(&job.status))).collect();
    let found = row.found.map(|job| &job.status);
    if told.iter().any(|job| job.is_told) {
        return Decision { verdict, reason: format!("it is {}", row.status), told, withdrawn: Vec::new() };
    }
    match found {
        Some(status) if already.contains(status) => left(Verdict::AlreadySo, format!("it is {status}")),
        Some(status) if !status.has_ended() => left(Verdict::Unfit, format!("it is {status}")),
        _ => left(why_not(row), over(row)),
    }
}

fn prioritise(row: &JobRow<'_>, priority: u8) -> Decision {
    let open: Vec<&ManagerJob> = row.managers_jobs().filter(|job| !job.status.has_ended()).collect();
    let told: Vec<Told> = open.iter().map(|job| told(job, job.priority != priority)).collect();
    match row.found {
        Some(job) if told.iter().any(|job| job.is_told) => {
            let reason = format!("its priority is {}", job.priority);
            Decision { verdict: Verdict::Change, reason, told, withdrawn: Vec::new() }
        }
        Some(job) if !open.is_empty() => left(Verdict::AlreadySo, format!("its priority is {}", job.priority)),
        _ => left(why_not(row), over(row)),
    }
}

fn told(job: &ManagerJob, is_told: bool) -> Told {
    Told { id: job.id.clone(), run: job.run_id(), is_told, is_begun: !job.is_untouched() }
}

fn left(verdict: Verdict, reason: impl Into<String>) -> Decision {
    Decision { verdict, reason: reason.into(), told: Vec::new(), withdrawn: Vec::new() }
}

/// The verdict on a job that is on no way to be rendered here.
fn why_not(row: &JobRow<'_>) -> Verdict {
    match row.status.as_str() {
        ELSEWHERE => Verdict::Elsewhere,
        GONE => Verdict::AlreadyEnded,
        _ if row.found.is_some() => Verdict::AlreadyEnded,
        _ if row.pending.is_empty() && row.newest_run().is_some() => Verdict::AlreadyEnded,
        _ => Verdict::NotSubmitted,
    }
}

fn over(row: &JobRow<'_>) -> String {
    match row.status.as_str() {
        ELSEWHERE => {
            let manager = row.newest_run().map(|run| crate::sys::http::without_credentials(&run.manager));
            format!("the Manager {} has it", manager.unwrap_or_default())
        }
        GONE => "the Manager does not know it any more".to_owned(),
        _ if row.found.is_none() && !row.pending.is_empty() => "it was not submitted yet".to_owned(),
        _ if row.found.is_none() && row.newest_run().is_none() => "it was never submitted".to_owned(),
        _ if row.found.is_none() => "it was taken back before it was submitted".to_owned(),
        status => format!("it is {status}"),
    }
}
