//! Ending runs before their files are touched: cancelled, and waited for until no worker can still write.

use crate::base::error::Failure;
use crate::base::ids::JobId;
use crate::base::status::JobStatus;
use crate::manager::{ManagerError, ManagerJob};
use crate::ops::ports::Ports;
use crate::ops::quiet;
use std::time::Duration;

/// How long workers may take to stop: a worker of Flamenco asks each ten seconds whether it may go on.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Whether the job may still do something, so that it can be cancelled.
pub fn can_be_cancelled(status: &JobStatus) -> bool {
    !status.has_ended()
}

/// Cancels those of `jobs` that can still be, and waits until nobody can write for any of them.
///
/// Always `cancel-requested`: with `canceled` Flamenco's workers go on (seen on 3.2 to 3.9).
pub fn end_and_wait(ports: &Ports<'_>, jobs: &[ManagerJob], reason: &str) -> Result<(), Failure> {
    for job in jobs.iter().filter(|job| can_be_cancelled(&job.status)) {
        ports.go_on()?;
        match ports.manager.set_job_status(&job.id, JobStatus::CancelRequested, reason) {
            // Deleted since: nobody takes a task of it any more. Whether its renderer has ended is asked next.
            Ok(()) | Err(ManagerError::NotFound { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let ids: Vec<JobId> = jobs.iter().map(|job| job.id.clone()).collect();
    quiet::wait(ports, &ids, PATIENCE)
}
