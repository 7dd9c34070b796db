//! Whether the queue would take the plan's jobs: asked before anything is copied, so that a wish that it cannot grant
//! is refused while nothing has happened yet.

use super::{PlannedJob, ReleasePlan};
use crate::base::error::Failure;
use crate::manager::{RenderWork, Submission, Work};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::ports::Ports;
use crate::ops::submit::Rendering;
use std::collections::BTreeMap;

/// Lets the Manager look at one job of each shape; it stores nothing.
///
/// Jobs that differ only in their paths and frames are of one shape. Not each is asked for, because a Manager reads all
/// of its job types anew for each question (Flamenco 3.9, `job_compilers/scripts.go`).
pub(super) fn check(ports: &Ports<'_>, plan: &ReleasePlan) -> Result<(), Failure> {
    let storage = ports.manager.storage(&ports.volume.path())?;
    let mut shapes: Vec<Submission> = Vec::new();
    for job in plan.jobs.iter().filter(|job| !job.to_submit().is_empty()) {
        let asked = submission(&storage, job);
        if !shapes.iter().any(|shape| is_alike(shape, &asked)) {
            shapes.push(asked);
        }
    }
    let hands = ports.manager.requests_at_once();
    let check = |asked: &Submission| {
        ports
            .manager
            .check(asked)
            .map_err(|error| Failure::from(error).context(format!("{} cannot be queued", asked.name)))
    };
    try_by_hands(ports, hands, &shapes, check).map(drop)
}

fn submission(storage: &str, job: &PlannedJob) -> Submission {
    let rendering = Rendering {
        reference: &job.reference,
        store: &job.store,
        scene: job.scene.as_deref(),
        frames: job.to_submit(),
        chunk: job.chunk,
        output: &job.output,
        options: &job.options,
    };
    Submission {
        name: job.reference.to_string(),
        priority: job.priority,
        metadata: BTreeMap::new(),
        tag: job.tag.clone(),
        paused: job.paused,
        work: rendering.work(storage),
    }
}

fn is_alike(one: &Submission, other: &Submission) -> bool {
    let (Work::SimpleBlenderRender(a), Work::SimpleBlenderRender(b)) = (&one.work, &other.work);
    let has_negative = |work: &RenderWork| work.frames.first().is_some_and(|frame| frame < 0);
    one.tag == other.tag
        && one.paused == other.paused
        && a.scene.is_some() == b.scene.is_some()
        && a.format == b.format
        && a.options == b.options
        && has_negative(a) == has_negative(b)
}
