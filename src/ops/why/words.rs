//! Words that several causes share.

use super::facts::Facts;
use crate::base::counted::{counted, few};
use crate::base::status::JobStatus;
use crate::base::time::human;
use crate::manager::ManagerWorker;
use crate::ops::why::facts::{OnManager, Standing};
use std::time::Duration;

/// So many things are named one by one.
pub(super) const NAMED: usize = 4;

/// What to say to get the frames that are missing.
pub(super) fn retry(facts: &Facts) -> String {
    format!("`farm retry {}` renders what is missing.", facts.reference)
}

/// Where Flamenco's own pages help.
pub(super) fn page(facts: &Facts, of: &str, what: &str) -> String {
    format!("{what} in Flamenco: {}/app/{of}.", facts.address)
}

/// Workers with their statuses and when they were heard: `w1 (asleep, seen 2m 03s ago), w2 (…)`.
pub(super) fn workers_named(facts: &Facts, workers: &[&ManagerWorker]) -> String {
    let word = |worker: &&ManagerWorker| {
        let seen = worker.last_seen.map(|seen| format!(", seen {} ago", human(facts.now.since(seen))));
        format!("{} ({}{})", worker.name, worker.status, seen.unwrap_or_default())
    };
    few(&workers.iter().map(word).collect::<Vec<_>>(), NAMED, "worker")
}

/// How the job stands, in a sentence; `is_well`: no cause was found.
pub(super) fn summary(facts: &Facts, is_well: bool) -> String {
    let done = facts.frames.map(|frames| format!("{} of {}", frames.ok, counted(frames.expected, "frame")));
    let done = done.unwrap_or_default();
    match &facts.standing {
        Standing::Away { .. } => "its Manager does not answer".to_owned(),
        _ if facts.frames.is_some_and(|frames| frames.ok == frames.expected) => format!("it is finished: {done}"),
        Standing::Known(known) if is_well => going(facts, known, &done),
        _ => format!("it is {}: {done} are ready", facts.status),
    }
}

fn going(facts: &Facts, known: &OnManager, done: &str) -> String {
    match known.job.status {
        JobStatus::Completed => format!("it is completed: {done} are ready"),
        _ if known.tasks.iter().any(|one| one.task.status == crate::base::status::TaskStatus::Active) => {
            let left = facts.eta_seconds.map(|left| format!(", about {} left", human(Duration::from_secs(left))));
            format!("it is rendering: {done}{}", left.unwrap_or_default())
        }
        _ => format!("it is about to be rendered: {done} are ready, and a worker takes it within half a minute"),
    }
}
