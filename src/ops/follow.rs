//! `--wait`: staying until a release is rendered, and rendering what is missing again before it is called failed.

use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::{JobRef, ReleaseName};
use crate::base::rel_path::RelPath;
use crate::base::status::{JobStatus, TaskStatus};
use crate::frames::expected::frame_file;
use crate::manager::Manager;
use crate::ops::check::{self, Effort, FrameCounts, FrameFlaw, JobFrames, OpenWork};
use crate::ops::ports::{JobProgress, Ports};
use crate::ops::submit::{self, Queueing};
use crate::ops::work::discard;
use crate::ops::{locking, release};
use crate::volume::layout;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

/// Between two looks at the Manager.
const LOOK_AGAIN: Duration = Duration::from_millis(300);
/// How many lines of a failing log are shown.
const TAIL_LINES: usize = 12;

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Its frames.
    pub frames: FrameCounts,
    /// How often missing frames were submitted anew.
    pub tries: u32,
    /// The last lines of the log of what failed; empty if nothing did.
    pub tail: String,
}

/// Looks on until every run of the release has ended, or until `stop` speaks or is dropped. Somebody else does the work.
pub fn watch(ports: &Ports<'_>, name: &ReleaseName, stop: &Receiver<()>) -> Result<(), Failure> {
    let file = load(ports, name)?;
    let mut stopping = false;
    loop {
        let mut ended = true;
        for job in &file.jobs {
            let statuses = statuses(ports.manager, job)?;
            let Some(newest) = statuses.last() else { continue };
            let expected = &job.current().frames;
            ports.progress.job(&JobProgress {
                job: JobRef::in_release(name, &job.name),
                done: present(ports, name, job, expected)?,
                total: expected.len() as u64,
                word: newest.to_string(),
            });
            ended &= statuses.iter().all(|status| status.has_ended() || *status == JobStatus::Paused);
        }
        if ended || stopping {
            return Ok(());
        }
        // After the end one more look, so that the last state is shown.
        stopping = stop.recv_timeout(LOOK_AGAIN) != Err(RecvTimeoutError::Timeout);
    }
}

/// How many of these frames have a file, whole or not: enough for a progress bar, at the price of one listing.
fn present(ports: &Ports<'_>, release: &ReleaseName, job: &JobRecord, frames: &FrameSet) -> Result<u64, Failure> {
    let reference = JobRef::in_release(release, &job.name);
    let Some(dir) = ports.volume.dir(&layout::out_dir(&reference))? else { return Ok(0) };
    let names: HashSet<OsString> = dir.list()?.into_iter().map(|entry| entry.name).collect();
    let output = &job.current().output;
    let view = output.views.last().map(String::as_str);
    let name = |frame| frame_file(frame, view, &output.extension);
    Ok(frames.iter().filter(|frame| names.contains(OsStr::new(&name(*frame)))).count() as u64)
}

/// The Manager's word for each run of a job that it knows, oldest first.
fn statuses(manager: &dyn Manager, job: &JobRecord) -> Result<Vec<JobStatus>, Failure> {
    let mut statuses = Vec::new();
    for id in job.runs.iter().filter_map(|run| run.manager_job.as_ref()) {
        statuses.extend(manager.job(id)?.map(|found| found.status));
    }
    Ok(statuses)
}

/// Checks every frame, and submits what is missing or broken once more. `None`: nothing had to be submitted.
///
/// All of it under the release's lock: of two that wait for one release only the first finds frames that nobody renders.
pub fn submit_missing(ports: &Ports<'_>, name: &ReleaseName) -> Result<Option<FrameSet>, Failure> {
    if check_all(ports, &load(ports, name)?)?.iter().all(|(_, frames)| frames.to_render().is_empty()) {
        return Ok(None);
    }
    let lock = locking::lock_release(ports, name)?;
    let mut file = load(ports, name)?;
    let address = ports.manager.address();
    let mut again = FrameSet::default();
    for (job, frames) in check_all(ports, &file)? {
        let Some(record) = file.job_mut(&job.job) else { continue };
        let broken = check::broken_files(ports, name, record, &frames.bad)?;
        let to_render = to_render(&frames, &broken);
        let Some(last) = record.newest_run().filter(|_| !to_render.is_empty()) else { continue };
        let queueing = Queueing {
            chunk: u32::try_from(to_render.len()).unwrap_or(u32::MAX).min(last.chunk),
            priority: last.priority,
            tag: last.tag.clone(),
            paused: false,
        };
        discard(ports, &lock, broken)?;
        again = again.union(&to_render);
        submit::add_run(record, RunId::random(), to_render, &queueing, &address);
    }
    if again.is_empty() {
        return Ok(None);
    }
    lock.check()?;
    release::save(ports.volume, &file)?;
    submit::submit_pending(ports, &lock, &mut file)?;
    Ok(Some(again))
}

/// The frames that rendering again can mend. A file that cannot be read may be whole, and one in `dist/` was delivered:
/// what is wrong with those is a person's to see.
fn to_render(frames: &JobFrames, broken: &[(RelPath, String)]) -> FrameSet {
    let is_broken = |flaw: &&FrameFlaw| broken.iter().any(|(path, _)| *path == flaw.path);
    let others: FrameSet = frames.flaws.iter().filter(|flaw| !is_broken(flaw)).map(|flaw| flaw.frame).collect();
    frames.to_render().minus(&others)
}

/// What became of the release, with the last words of what failed. Keeps the measured pace for later plans.
pub fn outcome(ports: &Ports<'_>, name: &ReleaseName, tries: u32) -> Result<Followed, Failure> {
    let file = load(ports, name)?;
    let checked = check_all(ports, &file)?;
    let frames: FrameCounts = checked.iter().map(|(_, frames)| frames.counts()).sum();
    keep_pace(ports, name, &checked)?;
    let tail = if frames.missing + frames.bad == 0 { String::new() } else { failing_tail(ports, &file)? };
    Ok(Followed { frames, tries, tail })
}

fn check_all(ports: &Ports<'_>, file: &ReleaseFile) -> Result<Vec<(JobRef, JobFrames)>, Failure> {
    let work = OpenWork::of(ports, file)?;
    let check = |job: &JobRecord| {
        let frames = check::check_job(ports, &file.name, job, &work, Effort::Trust)?;
        Ok((JobRef::in_release(&file.name, &job.name), frames))
    };
    file.jobs.iter().map(check).collect()
}

/// Writes the seconds per frame into the release's file where they became known or changed by a tenth. Where somebody
/// else is at the release it is left: the next look finds them in the same logs.
fn keep_pace(ports: &Ports<'_>, name: &ReleaseName, checked: &[(JobRef, JobFrames)]) -> Result<(), Failure> {
    let differs = |old: Option<f64>, new: f64| old.is_none_or(|old| (old - new).abs() > 0.1 * old.abs().max(0.01));
    let Some(lock) = locking::try_lock_release(ports, name)? else { return Ok(()) };
    let mut file = load(ports, name)?;
    let mut changed = false;
    for (job, frames) in checked {
        let Some(record) = file.job_mut(&job.job) else { continue };
        if let Some(pace) = frames.seconds_per_frame.filter(|pace| differs(record.seconds_per_frame, *pace)) {
            record.seconds_per_frame = Some((pace * 1000.0).round() / 1000.0);
            changed = true;
        }
    }
    if changed {
        lock.check()?;
        release::save(ports.volume, &file)?;
    }
    Ok(())
}

/// The last lines of the newest failing task's log.
fn failing_tail(ports: &Ports<'_>, file: &ReleaseFile) -> Result<String, Failure> {
    for job in &file.jobs {
        let Some(id) = job.newest_run().and_then(|run| run.manager_job.as_ref()) else { continue };
        let tasks = ports.manager.tasks(id)?;
        let failed = tasks.iter().find(|task| matches!(task.status, TaskStatus::Failed | TaskStatus::SoftFailed));
        if let Some(task) = failed {
            let log = ports.manager.log_tail(&task.id)?.unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
            return Ok(format!("{}/{}, task {}:\n{tail}", file.name, job.name, task.name));
        }
    }
    Ok(String::new())
}

fn load(ports: &Ports<'_>, name: &ReleaseName) -> Result<ReleaseFile, Failure> {
    release::load(ports.volume, name)?.ok_or_else(|| {
        Failure::new(Class::NoMatch, format!("there is no release {name}"))
            .with_hint("`farm status` lists all releases.")
    })
}

impl Followed {
    /// The failure that this ending is, if it is one.
    pub fn failure(&self, name: &ReleaseName) -> Option<Failure> {
        let FrameCounts { expected, missing, bad, .. } = self.frames;
        if missing + bad == 0 {
            return None;
        }
        let tries = if self.tries > 0 { format!(" after {} more run(s) for them", self.tries) } else { String::new() };
        Some(
            Failure::new(
                Class::Failed,
                format!("{name}: {} of {expected} frame(s) are not rendered{tries}", missing + bad),
            )
            .with_hint(format!("Look at `farm status {name}`; mend the cause, then plan it again to go on.")),
        )
    }
}
