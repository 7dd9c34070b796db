//! Submitting runs: the one road by which anything gets into a Manager's queue, safe to walk again after any death.

use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::{JobRef, ReleaseName};
use crate::manager::job::{META_HOST, META_ID, META_JOB, META_RELEASE, META_RUN, META_USER};
use crate::manager::{Manager, ManagerJob, RenderWork, Submission, Work};
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::sys::clock;
use crate::sys::http::without_credentials;
use crate::volume::lock::Lock;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use crate::volume::{Volume, layout};
use std::collections::{BTreeMap, HashMap};

/// How a run is to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queueing {
    /// Frames per task, at least 1.
    pub chunk: u32,
    /// 0 to 100.
    pub priority: u8,
    /// Only workers with this tag.
    pub tag: Option<String>,
    /// Wait for a person before the first task.
    pub paused: bool,
}

/// Writes a run of `frames` into the job's record. It is submitted by [`submit_pending`], once the record is on disk.
pub fn add_run(job: &mut JobRecord, id: RunId, frames: FrameSet, queueing: &Queueing, manager: &str) {
    let run = RunRecord {
        id,
        number: job.runs.last().map_or(1, |run| run.number + 1),
        revision: job.current().number,
        manager: manager.to_owned(),
        manager_job: None,
        frames,
        chunk: queueing.chunk,
        priority: queueing.priority,
        tag: queueing.tag.clone(),
        paused: queueing.paused,
        submitted: clock::now(),
    };
    job.runs.push(run);
}

/// Submits every recorded run that the Manager does not have yet, and records the Manager's ids.
///
/// Returns the jobs that were submitted now. `lock` is the release's; a death in between costs nothing, for the
/// next call finds each run by its `farm.id`.
pub fn submit_pending(ports: &Ports<'_>, lock: &Lock, file: &mut ReleaseFile) -> Result<Vec<(JobRef, JobId)>, Failure> {
    let before = file.clone();
    let submitted = submit_each(ports, file);
    // Also after an error: what was submitted before it is in the queue.
    if *file != before {
        lock.check()?;
        release::save(ports.volume, file)?;
    }
    submitted
}

fn submit_each(ports: &Ports<'_>, file: &mut ReleaseFile) -> Result<Vec<(JobRef, JobId)>, Failure> {
    let manager = ports.manager;
    if !file.jobs.iter().any(|job| job.runs.iter().any(is_pending)) {
        return Ok(Vec::new());
    }
    let known = known_runs(manager)?;
    let address = manager.address();
    let release = file.name.clone();
    let pending = file.jobs.iter().flat_map(|job| &job.runs).filter(|run| is_pending(run)).count();
    let mut submitted = Vec::new();
    for job in &mut file.jobs {
        for at in 0..job.runs.len() {
            let run = &job.runs[at];
            if !is_pending(run) || run.manager != address {
                continue;
            }
            let id = match known.get(&run.id) {
                Some(found) => found.id.clone(),
                None => {
                    ports.go_on().map_err(|end| how_far(end, submitted.len(), pending))?;
                    let made = manager.submit(&submission(ports.volume, &release, job, run))?;
                    submitted.push((JobRef::in_release(&release, &job.name), made.id.clone()));
                    made.id
                }
            };
            job.runs[at].manager_job = Some(id);
        }
    }
    Ok(submitted)
}

/// What somebody who interrupted the submission has to know.
fn how_far(end: Failure, submitted: usize, pending: usize) -> Failure {
    Failure::new(end.class(), format!("interrupted: {submitted} of {pending} run(s) were submitted"))
        .with_hint("Give the same command again, or `farm recover`, to submit the others.")
}

fn is_pending(run: &RunRecord) -> bool {
    run.manager_job.is_none()
}

/// The Manager's jobs that farm submitted, by their `farm.id`: one request for all.
pub fn known_runs(manager: &dyn Manager) -> Result<HashMap<RunId, ManagerJob>, Failure> {
    let jobs = manager.jobs()?;
    Ok(jobs.into_iter().filter_map(|job| Some((job.run_id()?, job))).collect())
}

/// Fails if runs of the release wait to be submitted to another Manager than this one: only whoever asks that one knows
/// whether they were, and they must not be forgotten.
pub fn refuse_pending_elsewhere(file: &ReleaseFile, address: &str) -> Result<(), Failure> {
    let runs = file.jobs.iter().flat_map(|job| job.runs.iter().map(move |run| (job, run)));
    let Some((job, run)) = runs.into_iter().find(|(_, run)| is_pending(run) && run.manager != address) else {
        return Ok(());
    };
    let other = without_credentials(&run.manager);
    let words =
        format!("a run of {}/{} was planned for the Manager {other} and not submitted yet", file.name, job.name);
    Err(Failure::new(Class::Refused, words).with_hint(format!("Finish it first: `farm --manager {other} recover`.")))
}

/// The request for one run of a job.
pub fn submission(volume: &Volume, release: &ReleaseName, job: &JobRecord, run: &RunRecord) -> Submission {
    let revision = job.revisions.iter().find(|r| r.number == run.revision).unwrap_or_else(|| job.current());
    let reference = JobRef::in_release(release, &job.name);
    let out = layout::out_dir(&reference);
    Submission {
        name: reference.to_string(),
        priority: run.priority,
        metadata: metadata(release, &reference, run, &revision.user, &revision.host),
        tag: run.tag.clone(),
        paused: run.paused,
        work: Work::SimpleBlenderRender(RenderWork {
            blendfile: volume.path().join(revision.store.path.as_str()).display().to_string(),
            scene: revision.scene.clone(),
            frames: run.frames.clone(),
            chunk_size: run.chunk,
            render_output_path: volume.path().join(out.as_str()).join("######").display().to_string(),
            format: revision.output.format.clone(),
            image_file_extension: format!(".{}", revision.output.extension),
        }),
    }
}

fn metadata(release: &ReleaseName, job: &JobRef, run: &RunRecord, user: &str, host: &str) -> BTreeMap<String, String> {
    BTreeMap::from(
        [
            (META_ID, run.id.to_string()),
            (META_RELEASE, release.to_string()),
            (META_JOB, job.to_string()),
            (META_RUN, run.number.to_string()),
            (META_USER, user.to_owned()),
            (META_HOST, host.to_owned()),
        ]
        .map(|(key, value)| (key.to_owned(), value)),
    )
}
