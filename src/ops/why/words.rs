//! Words that several causes share.

use super::facts::{Facts, Subject};
use crate::base::counted::{agree, counted, few};
use crate::base::status::{JobStatus, TaskStatus};
use crate::base::time::human;
use crate::manager::ManagerWorker;
use crate::ops::why::facts::{OnManager, Standing};
use std::time::Duration;

/// So many things are named one by one.
pub(super) const NAMED: usize = 4;

/// What to say to get the frames that are missing.
pub(super) fn retry(facts: &Facts) -> String {
    match &facts.subject {
        Subject::Own(reference) => format!("`farm retry {reference}` renders what is missing."),
        Subject::Stranger { .. } if facts.is_local => format!("{PLAN_IT}."),
        Subject::Stranger { id, .. } => page(facts, &format!("jobs/{id}"), "Requeue it"),
    }
}

/// The same with the cause to mend before.
pub(super) fn mend(facts: &Facts) -> String {
    match &facts.subject {
        Subject::Own(_) => format!("Mend what made it fail, then {}", retry(facts)),
        Subject::Stranger { .. } if facts.is_local => format!("Mend what made it fail. {PLAN_IT}."),
        Subject::Stranger { id, .. } => page(facts, &format!("jobs/{id}"), "Mend what made it fail, then requeue it"),
    }
}

/// How a job of this machine's own queue is rendered that no record tells of.
const PLAN_IT: &str = "Plan it again: no record of this volume tells of it, so that nothing renders what it lacks";

/// Where Flamenco's own pages help. This machine's own queue has none.
pub(super) fn page(facts: &Facts, of: &str, what: &str) -> String {
    match facts.is_local {
        true => format!("{what}: `farm doctor` looks closer."),
        false => format!("{what} in Flamenco: {}/app/{of}.", facts.address),
    }
}

impl Facts {
    /// What the job is called.
    pub(super) fn name(&self) -> String {
        match &self.subject {
            Subject::Own(reference) => reference.to_string(),
            Subject::Stranger { name, .. } => name.clone(),
        }
    }

    /// What means it to `farm logs`.
    pub(super) fn word(&self) -> String {
        match &self.subject {
            Subject::Own(reference) => reference.to_string(),
            Subject::Stranger { id, .. } => id.to_string(),
        }
    }

    /// What means it to `farm kill` and its like.
    pub(super) fn meant(&self) -> String {
        match &self.subject {
            Subject::Own(reference) => reference.to_string(),
            Subject::Stranger { id, .. } => format!("jobs id:{id} --include-foreign 1"),
        }
    }
}

/// Workers with their statuses and when they were heard: `w1 (asleep, seen 2m 03s ago), w2 (…)`.
pub(super) fn workers_named(facts: &Facts, workers: &[&ManagerWorker]) -> String {
    let word = |worker: &&ManagerWorker| {
        let seen = worker.last_seen.map(|seen| format!(", seen {} ago", human(facts.now.since(seen))));
        let asked = worker.requested.as_ref().map(|status| format!(", asked to be {status}"));
        format!("{} ({}{}{})", worker.name, worker.status, asked.unwrap_or_default(), seen.unwrap_or_default())
    };
    few(&workers.iter().map(word).collect::<Vec<_>>(), NAMED, "worker")
}

/// How the job stands, in a sentence; `is_well`: no cause was found.
pub(super) fn summary(facts: &Facts, is_well: bool) -> String {
    let (ok, all, what) = match (facts.frames, &facts.standing) {
        (Some(frames), _) => (frames.ok, frames.expected, "frame"),
        (None, Standing::Known(known)) => {
            (known.tasks_in(&[TaskStatus::Completed]).len() as u64, known.tasks.len() as u64, "task")
        }
        (None, _) => (0, 0, "frame"),
    };
    let (done, are) = (format!("{ok} of {}", counted(all, what)), agree(all, "is", "are"));
    match &facts.standing {
        Standing::Away { .. } => "its Manager does not answer".to_owned(),
        _ if facts.frames.is_some_and(|frames| frames.ok == frames.expected) => format!("it is finished: {done}"),
        Standing::Known(known) if is_well => going(facts, known, &done, are),
        _ if facts.frames.is_none() => format!("it is {}: {done} {are} done", facts.status),
        _ => format!("it is {}: {done} {are} ready", facts.status),
    }
}

fn going(facts: &Facts, known: &OnManager, done: &str, are: &str) -> String {
    match known.job.status {
        JobStatus::Completed if facts.frames.is_none() => format!("it is completed: {done}"),
        JobStatus::Completed => format!("it is completed: {done} {are} ready"),
        _ if known.tasks.iter().any(|one| one.task.status == TaskStatus::Active) => {
            let left = facts.eta_seconds.map(|left| format!(", about {} left", human(Duration::from_secs(left))));
            format!("it is rendering: {done}{}", left.unwrap_or_default())
        }
        _ => format!("it is about to be rendered: {done}, and a worker takes it within half a minute"),
    }
}
