//! `--resubmit`: runs for what the undone change had ended.

use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::{Home, JobName, JobRef};
use crate::ops::check::{self, Effort, OpenWork};
use crate::ops::ports::Ports;
use crate::ops::submit::{self, Queueing};
use crate::ops::{release, storage};
use crate::sys::clock;
use crate::volume::lock::Lock;

/// Submits a run for the frames of these jobs that are missing and that nobody renders, queued as their last run was.
pub(super) fn submit_again(
    ports: &Ports<'_>,
    lock: &Lock,
    home: &Home,
    jobs: &[JobName],
) -> Result<Vec<(JobRef, FrameSet)>, Failure> {
    let Some(mut file) = release::load(ports.volume, home)? else { return Ok(Vec::new()) };
    let (address, began) = (ports.manager.address(), clock::now());
    submit::refuse_pending_elsewhere(&file, &address)?;
    storage::require(ports.volume, ports.manager)?;
    let work = OpenWork::of(ports, &file)?;
    let mut submitted = Vec::new();
    for name in jobs {
        let Some(record) = file.job_mut(name) else { continue };
        let frames = check::check_job(ports, home, record, &work, Effort::Trust)?;
        let missing = frames.missing.minus(&frames.rendering);
        let Some(last) = record.newest_run().filter(|_| !missing.is_empty()) else { continue };
        let queueing = Queueing::again(last, &missing);
        submit::add_run(record, RunId::random(), missing.clone(), &queueing, &address);
        submitted.push((JobRef::within(home, name), missing));
    }
    if !submitted.is_empty() {
        lock.check()?;
        release::save(ports.volume, &file)?;
        submit::submit_pending(ports, lock, &mut file, began)?;
    }
    Ok(submitted)
}
