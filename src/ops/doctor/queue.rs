//! Whether this machine's own queue can be used.

use super::Check;
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::manager::Manager;

const NAME: &str = "manager";
const QUEUE: &str = "Mend what the message names. A damaged queue.sqlite: end every `farm work`, then restore it from a backup, \
                     or move it and its -journal or -wal file away. Releases and frames are not in it; `farm plan release NAME … \
                     --wait` renders what is still missing.";

pub(super) fn check(queue: Option<Result<&dyn Manager, &Failure>>) -> Check {
    match queue {
        None => Check::skip(NAME, "this machine's own queue; not looked at: no volume is open"),
        Some(Err(failure)) => refused(failure),
        Some(Ok(manager)) => local(manager),
    }
}

fn local(manager: &dyn Manager) -> Check {
    let queue = || {
        let version = manager.version()?;
        let jobs = manager.jobs()?;
        let waiting = jobs.iter().filter(|job| !job.status.has_ended()).count();
        let workers = manager.workers()?.len();
        Ok::<_, crate::manager::ManagerError>(format!(
            "this machine's own queue (farm {}): {waiting} of {} not ended, {} known",
            version.version,
            counted(jobs.len(), "run"),
            counted(workers, "worker")
        ))
    };
    match queue() {
        Ok(message) => Check::ok(NAME, message),
        Err(error) => refused(&error.into()),
    }
}

/// Where the queue itself cannot be used, errors send people here: they must not be sent in a circle.
fn refused(failure: &Failure) -> Check {
    match failure.class() {
        Class::Manager if failure.hint().is_none_or(|hint| hint.contains("farm doctor")) => {
            Check::fail(NAME, failure.message(), QUEUE)
        }
        _ => Check::failure(NAME, failure),
    }
}
