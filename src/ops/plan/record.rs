//! Writing a plan's jobs and runs into the record of its release.

use super::{JobVerdict, PlannedJob, ReleasePlan};
use crate::base::frame_set::FrameSet;
use crate::base::name::JobRef;
use crate::ops::ports::Ports;
use crate::ops::submit;
use crate::sys::clock;
use crate::volume::release_file::{JobRecord, ReleaseFile, Revision, StoredFile};

/// Writes the plan's jobs and runs into the release's record.
pub(super) fn record(ports: &Ports<'_>, file: &mut ReleaseFile, plan: &ReleasePlan, stored: Vec<(JobRef, StoredFile)>) {
    for job in &plan.jobs {
        let copy = stored.iter().find(|(reference, _)| reference == &job.reference);
        if let (Some((_, store)), JobVerdict::New) = (copy, &job.verdict) {
            let revision = revision(ports, job, store.clone());
            file.jobs.push(JobRecord {
                name: job.reference.job.clone(),
                revisions: vec![revision],
                runs: Vec::new(),
                seconds_per_frame: None,
            });
        }
        let Some(record) = file.job_mut(&job.reference.job) else { continue };
        if let (Some((_, store)), Some(revised)) = (copy, job.revised()) {
            let (number, kept) = (revised.number, revised.kept.clone());
            record.revisions.push(Revision { number, kept, ..revision(ports, job, store.clone()) });
            // It was measured on another scene.
            record.seconds_per_frame = None;
        }
        // A copy that is made anew need not have the bytes that it had: Blender packs, farm compresses as it can by now.
        if let (Some((_, store)), Some(revision)) = (copy, record.revisions.last_mut()) {
            revision.store = store.clone();
        }
        if let JobVerdict::MoreFrames(more) = &job.verdict
            && let Some(revision) = record.revisions.last_mut()
        {
            revision.frames = revision.frames.union(more);
        }
        let frames = job.to_submit();
        if !frames.is_empty() {
            submit::add_run(record, job.run, frames, &job.queueing(), &plan.manager);
        }
    }
}

fn revision(ports: &Ports<'_>, job: &PlannedJob, store: StoredFile) -> Revision {
    Revision {
        number: 1,
        planned: clock::now(),
        user: ports.actor.user.clone(),
        host: ports.actor.host.clone(),
        source: job.source.clone(),
        store,
        blender: job.blender.clone(),
        scene: job.scene.clone(),
        frames: job.frames.clone(),
        output: job.output.clone(),
        options: job.options.clone(),
        dependencies: job.dependencies.clone(),
        kept: FrameSet::default(),
    }
}
