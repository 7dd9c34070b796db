//! Submitting runs: the one road by which anything gets into a Manager's queue, safe to walk again after any death.

mod arrival;
mod rendering;
mod unknown;

pub use rendering::Rendering;

use crate::base::counted::counted;
use crate::base::error::{Class, Failure, again_or_recover};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::{Home, JobName, JobRef};
use crate::base::time::Timestamp;
use crate::manager::job::{META_HOST, META_ID, META_JOB, META_RELEASE, META_RUN, META_USER};
use crate::manager::{ManagerJob, Submission};
use crate::ops::check::in_parallel::until_failure;
use crate::ops::ports::Ports;
use crate::ops::release;
use crate::sys::clock;
use crate::sys::http::without_credentials;
use crate::volume::lock::Lock;
use crate::volume::release_file::{JobRecord, ReleaseFile, RunRecord};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use unknown::Lost;

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

impl Queueing {
    /// As `last` was queued, for these frames of it, and not waiting for a person.
    pub fn again(last: &RunRecord, frames: &FrameSet) -> Queueing {
        Queueing {
            chunk: u32::try_from(frames.len()).unwrap_or(u32::MAX).min(last.chunk).max(1),
            priority: last.priority,
            tag: last.tag.clone(),
            paused: false,
        }
    }
}

/// Writes a run of `frames` into the job's record. It is submitted by [`submit_pending`], once the record is on disk.
pub fn add_run<'j>(
    job: &'j mut JobRecord,
    id: RunId,
    frames: FrameSet,
    queueing: &Queueing,
    manager: &str,
) -> &'j mut RunRecord {
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
        sending: false,
        in_doubt: None,
        withdrawn: false,
        undo: None,
    };
    job.runs.push_mut(run)
}

/// Submits every recorded run that the Manager does not have yet, and records the Manager's ids.
///
/// Returns the jobs that were submitted now. `lock` is the release's; runs written down before `began` are those of an
/// earlier command, whose submission may still be on its way. A death in between costs nothing, for the next call
/// finds each run by its `farm.id`. Also where nothing waits, what came twice is ended.
pub fn submit_pending(
    ports: &Ports<'_>,
    lock: &Lock,
    file: &mut ReleaseFile,
    began: Timestamp,
) -> Result<Vec<(JobRef, JobId)>, Failure> {
    submit_pending_of(ports, lock, file, began, &|_| true)
}

/// The same of the jobs alone that are meant: the runs of the others stay as they are, for whoever goes on with those.
pub fn submit_pending_of(
    ports: &Ports<'_>,
    lock: &Lock,
    file: &mut ReleaseFile,
    began: Timestamp,
    is_meant: &dyn Fn(&JobName) -> bool,
) -> Result<Vec<(JobRef, JobId)>, Failure> {
    let mut on_disk = file.clone();
    let submitted = submit_each(ports, lock, file, &mut on_disk, began, is_meant);
    // Also after an error: what was submitted before it is in the queue.
    if *file != on_disk {
        lock.check()?;
        release::save(ports.volume, file)?;
    }
    submitted
}

/// The frames of the job's run that the Manager calls `id`.
pub fn frames_of(file: &ReleaseFile, job: &JobRef, id: &JobId) -> FrameSet {
    let mut runs = file.job(&job.job).into_iter().flat_map(|record| &record.runs);
    runs.find(|run| run.manager_job.as_ref() == Some(id)).map(|run| run.frames.clone()).unwrap_or_default()
}

/// What the Manager has of the runs in `file`. Those of an earlier command, written down before `began`, that may still be
/// on their way are waited for: what is not there then never comes.
pub fn look(ports: &Ports<'_>, file: &ReleaseFile, began: Timestamp) -> Result<BTreeMap<RunId, ManagerJob>, Failure> {
    arrival::look(ports, file, began)
}

/// Whether a run of the release is in the Manager's queue twice, and both may be rendered.
pub fn is_doubled(ports: &Ports<'_>, file: &ReleaseFile) -> Result<bool, Failure> {
    arrival::is_doubled(ports, file)
}

fn submit_each(
    ports: &Ports<'_>,
    lock: &Lock,
    file: &mut ReleaseFile,
    on_disk: &mut ReleaseFile,
    began: Timestamp,
    is_meant: &dyn Fn(&JobName) -> bool,
) -> Result<Vec<(JobRef, JobId)>, Failure> {
    let address = ports.manager.address();
    let is_ours = |run: &RunRecord| run.is_pending_at(&address);
    let mut meant = file.clone();
    meant.jobs.retain(|job| is_meant(&job.name));
    let waiting = meant.jobs.iter().flat_map(|job| &job.runs).filter(|run| is_ours(run)).count();
    if waiting == 0 {
        if ports.manager.is_remote() && file.jobs.iter().flat_map(|job| &job.runs).any(|run| run.manager == address) {
            arrival::end_doubled(ports, file)?;
        }
        return Ok(Vec::new());
    }
    let before = |end| how_far(end, 0, 0, waiting);
    let known = arrival::look(ports, &meant, began).map_err(before)?;
    let jobs = file.jobs.iter_mut().filter(|job| is_meant(&job.name));
    for run in jobs.flat_map(|job| &mut job.runs).filter(|run| is_ours(run)) {
        if let Some(found) = known.get(&run.id) {
            (run.manager_job, run.sending, run.in_doubt) = (Some(found.id.clone()), false, None);
        }
    }
    let storage = ports.manager.storage(&ports.volume.path()).map_err(|end| before(end.into()))?;
    let mut pending = Vec::new();
    for (at, job) in file.jobs.iter().enumerate().filter(|(_, job)| is_meant(&job.name)) {
        for (of_job, run) in job.runs.iter().enumerate().filter(|(_, run)| is_ours(run)) {
            pending.push(((at, of_job), run.id, submission(&storage, &file.name, job, run)));
        }
    }
    if ports.manager.is_remote() {
        let sent = pending.iter().map(|(place, ..)| *place).collect();
        write_down_what_is_sent(ports, lock, file, &sent)?;
        on_disk.clone_from(file);
    }
    let hands = ports.manager.requests_at_once();
    let doubtful = Mutex::new(BTreeSet::new());
    let (made, failure) = until_failure(ports, hands, &pending, |(_, run, submission)| {
        unknown::submit(ports.manager, *run, submission).inspect_err(|lost: &Lost| {
            if lost.may_arrive {
                doubtful.lock().unwrap_or_else(PoisonError::into_inner).insert(*run);
            }
        })
    });
    let doubtful = doubtful.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut submitted = Vec::new();
    for (((at, of_job), ..), id) in pending.iter().zip(made) {
        let job = &mut file.jobs[*at];
        let run = &mut job.runs[*of_job];
        run.in_doubt = doubtful.contains(&run.id).then(clock::now);
        run.sending = false;
        let Some(id) = id else { continue };
        run.manager_job = Some(id.clone());
        submitted.push((JobRef::within(&file.name, &job.name), id));
    }
    match failure {
        None => Ok(submitted),
        Some(end) => Err(how_far(end, submitted.len(), doubtful.len(), pending.len())),
    }
}

/// What a sender leaves on its way that is killed, nobody else can know: so it is written down first.
fn write_down_what_is_sent(
    ports: &Ports<'_>,
    lock: &Lock,
    file: &mut ReleaseFile,
    sent: &BTreeSet<(usize, usize)>,
) -> Result<(), Failure> {
    for (at, of_job) in sent {
        file.jobs[*at].runs[*of_job].sending = true;
    }
    lock.check()?;
    release::save(ports.volume, file)
}

/// Where a submission stands that ended before its end.
fn how_far(end: Failure, submitted: usize, doubtful: usize, pending: usize) -> Failure {
    let unknown = if doubtful > 0 { format!(", {doubtful} not known") } else { String::new() };
    let words = format!("{}; {submitted} of {} submitted{unknown}", end.message(), counted(pending, "run"));
    Failure::new(end.class(), words).with_hint(again_or_recover(end.hint(), "to submit the others"))
}

/// Fails if runs of the release wait to be submitted to another Manager than this one: only whoever asks that one knows
/// whether they were, and they must not be forgotten.
pub fn refuse_pending_elsewhere(file: &ReleaseFile, address: &str) -> Result<(), Failure> {
    let runs = file.jobs.iter().flat_map(|job| job.runs.iter().map(move |run| (job, run)));
    let Some((job, run)) = runs.into_iter().find(|(_, run)| run.is_pending() && run.manager != address) else {
        return Ok(());
    };
    let other = without_credentials(&run.manager);
    let words =
        format!("a run of {}/{} was planned for the Manager {other} and not submitted yet", file.name, job.name);
    Err(Failure::new(Class::Refused, words).with_hint(format!("Finish it first: `farm --manager {other} recover`.")))
}

/// The request for one run of a job; `storage` is how workers call the volume's root.
fn submission(storage: &str, release: &Home, job: &JobRecord, run: &RunRecord) -> Submission {
    let revision = job.revisions.iter().find(|r| r.number == run.revision).unwrap_or_else(|| job.current());
    let reference = JobRef::within(release, &job.name);
    let rendering = Rendering {
        reference: &reference,
        store: &revision.store.path,
        scene: revision.scene.as_deref(),
        frames: run.frames.clone(),
        chunk: run.chunk,
        output: &revision.output,
        options: &revision.options,
    };
    Submission {
        name: reference.to_string(),
        priority: run.priority,
        metadata: metadata(release, &reference, run, &revision.user, &revision.host),
        tag: run.tag.clone(),
        paused: run.paused,
        work: rendering.work(storage),
    }
}

fn metadata(release: &Home, job: &JobRef, run: &RunRecord, user: &str, host: &str) -> BTreeMap<String, String> {
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
