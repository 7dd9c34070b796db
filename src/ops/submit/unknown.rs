//! A submission without an answer: whether the job is there is found out by looking for its `farm.id`.

use crate::base::error::{Class, Failure};
use crate::base::ids::{JobId, RunId};
use crate::manager::{Manager, ManagerError, Submission};
use crate::sys::clock::Stopwatch;
use crate::sys::interrupt;
use std::time::Duration;

/// Between looks for a job whose request is over: a large job takes a Manager some seconds.
const LOOKS: [Duration; 4] =
    [Duration::from_millis(300), Duration::from_secs(1), Duration::from_secs(2), Duration::from_secs(4)];
/// After so long nobody looks once more: each look may last as long as a request may.
const LOOKS_FOR: Duration = Duration::from_secs(30);
/// How often a job that did not arrive is submitted again.
const RESENDS: usize = 2;

/// A submission that has no job.
pub(super) struct Lost {
    failure: Failure,
    /// Whether it may still get one.
    pub(super) may_arrive: bool,
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Failure {
        lost.failure
    }
}

/// Submits a run, and returns the Manager's id of its one job.
///
/// A request that may still arrive is never sent again: the error says so, and whoever comes later looks first.
pub(super) fn submit(manager: &dyn Manager, run: RunId, submission: &Submission) -> Result<JobId, Lost> {
    let lost = |error: ManagerError, may_arrive| Err(Lost { failure: ended(error), may_arrive });
    let mut resends = RESENDS;
    loop {
        let error = match manager.submit(submission) {
            Ok(job) => return Ok(job.id),
            Err(error) => error,
        };
        let ManagerError::Unknown { later, message, .. } = &error else { return lost(error, false) };
        match look(manager, run) {
            Some(Some(id)) => return Ok(id),
            Some(None) if !later && !interrupt::asked() => match resends {
                0 => return lost(did_not_arrive(manager, message), false),
                _ => resends -= 1,
            },
            Some(None) | None => return lost(error, true),
        }
    }
}

/// The run's job, looked for until it is there or would have come; `None` where the Manager could not be asked.
fn look(manager: &dyn Manager, run: RunId) -> Option<Option<JobId>> {
    let (mut told, watch) = (None, Stopwatch::start());
    for pause in LOOKS {
        interrupt::rest(pause);
        told = match manager.find_run(run) {
            Ok(Some(job)) => return Some(Some(job.id)),
            Ok(None) => Some(None),
            Err(_) => None,
        };
        if interrupt::asked() || watch.has_passed(LOOKS_FOR) {
            break;
        }
    }
    told
}

/// What keeps a submission from its end while somebody asks farm to end is that.
fn ended(error: ManagerError) -> Failure {
    match (interrupt::signal_that_came(), &error) {
        (Some(signal), ManagerError::Unknown { .. }) => {
            Failure::new(Class::Interrupted(signal), format!("interrupted; {error}"))
        }
        _ => error.into(),
    }
}

fn did_not_arrive(manager: &dyn Manager, message: &str) -> ManagerError {
    // It answered when it was looked for: its address is right.
    let message = format!("{message}; the job is not in its queue");
    ManagerError::InTrouble { address: manager.address(), message }
}
