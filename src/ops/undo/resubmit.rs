//! `--resubmit`: what the undone change had ended is rendered after all, by the rule of whoever waits for it: frames that
//! are missing or broken and that nobody renders.

use super::deed::Deed;
use super::{Entry, UndoPlan};
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{RunId, TransactionId};
use crate::base::name::{Home, JobName, JobRef};
use crate::ops::check::{self, Effort, OpenWork, Remember};
use crate::ops::ending;
use crate::ops::follow::{self, Anew, Awaited, Hopeless, Told};
use crate::ops::ports::Ports;
use crate::ops::retry::{Suspects, mending};
use crate::ops::submit;
use crate::ops::{locking, release, storage};
use crate::sys::clock;
use crate::volume::Volume;
use crate::volume::release_file::{JobRecord, ReleaseFile};

/// A change that was taken back before.
#[derive(Debug)]
pub struct Already {
    /// The change.
    pub id: TransactionId,
    /// What it was.
    pub kind: String,
    /// What took it back.
    pub undo: TransactionId,
    /// Of which jobs it had ended runs.
    pub had_ended: HadEnded,
}

/// The jobs of which a change had ended runs.
#[derive(Debug)]
pub struct HadEnded {
    /// Where they belong.
    pub home: Home,
    /// Each with the runs that were ended.
    jobs: Vec<(JobName, Vec<RunId>)>,
}

impl HadEnded {
    pub(super) fn of(entry: &Entry) -> HadEnded {
        let change = match &entry.deed {
            Deed::Jobs(change) | Deed::Kill(change) => Some(change),
            Deed::Undo(intent) => Some(&intent.change),
            _ => None,
        };
        let ended = change.into_iter().flat_map(|change| &change.jobs).filter(|job| !job.ends.is_empty());
        HadEnded {
            home: entry.home.clone().unwrap_or(Home::Quick),
            jobs: ended.map(|job| (job.name.clone(), job.ends.clone())).collect(),
        }
    }

    /// Whether it had ended any.
    pub(super) fn is_any(&self) -> bool {
        !self.jobs.is_empty()
    }

    /// Those of them that there still are: the release's record, and the jobs.
    fn load(&self, volume: &Volume) -> Result<Option<(ReleaseFile, Vec<JobName>)>, Failure> {
        let Some(file) = release::load(volume, &self.home)? else { return Ok(None) };
        let jobs = self.jobs.iter().map(|(name, _)| name);
        let jobs: Vec<JobName> = jobs.filter(|name| file.job(name).is_some()).cloned().collect();
        Ok((!jobs.is_empty()).then_some((file, jobs)))
    }

    /// Those of which the run that was ended had been submitted to wait for a person. Whether one had said so since, nobody
    /// wrote down.
    fn paused(&self, file: &ReleaseFile) -> Vec<JobRef> {
        let was_paused = |name: &JobName, ended: &[RunId]| {
            let mut runs = file.job(name).into_iter().flat_map(|record| record.runs.iter().rev());
            runs.find(|run| ended.contains(&run.id)).is_some_and(|run| run.paused)
        };
        let paused = self.jobs.iter().filter(|(name, ended)| was_paused(name, ended));
        paused.map(|(name, _)| JobRef::within(&self.home, name)).collect()
    }
}

/// What would be submitted now. Reads only.
pub fn to_resubmit(ports: &Ports<'_>, ended: &HadEnded) -> Result<Vec<(JobRef, FrameSet)>, Failure> {
    let Some((file, names)) = ended.load(ports.volume)? else { return Ok(Vec::new()) };
    let work = OpenWork::of(ports, &file)?;
    let jobs: Vec<&JobRecord> = file.jobs.iter().filter(|job| names.contains(&job.name)).collect();
    let found = check::check_jobs_and(Remember::Nothing, ports, &file.name, &jobs, &work, Effort::Trust)?;
    let mut wanted = Vec::new();
    for (job, found) in jobs.into_iter().zip(found) {
        let mended = mending::of(ports, &file.name, job, &found, Suspects::Leave)?.frames;
        let frames = mended.union(&work.unsent(job, &ports.manager.address()));
        if !frames.is_empty() {
            wanted.push((JobRef::within(&file.name, &job.name), frames));
        }
    }
    Ok(wanted)
}

/// Waits until the workers of what was ended have stopped: until then their frames are not free.
pub fn settle(ports: &Ports<'_>, ended: &HadEnded) -> Result<(), Failure> {
    let Some((_, jobs)) = ended.load(ports.volume)? else { return Ok(()) };
    follow::settle(ports, Awaited::only(&ended.home, &jobs), ending::PATIENCE)
}

/// Submits it in the name of `undo`, queued as the run before was; what an earlier try had written down and not sent is sent first.
pub fn submit_again(
    ports: &Ports<'_>,
    ended: &HadEnded,
    undo: TransactionId,
) -> Result<Vec<(JobRef, FrameSet)>, Failure> {
    let Some((file, jobs)) = ended.load(ports.volume)? else { return Ok(Vec::new()) };
    storage::require(ports.volume, ports.manager)?;
    let mut submitted = send_unsent(ports, ended)?;
    let awaited = Awaited::only(&ended.home, &jobs);
    let paused = ended.paused(&file);
    let anew = Anew { paused: &paused, undo: Some(undo) };
    submitted.extend(follow::submit_missing(ports, awaited, Hopeless::Retry, anew, &Told::default())?.submitted);
    for (job, _) in submitted.iter().filter(|(job, _)| paused.contains(job)) {
        ports.progress.note(&format!("{job}: waits for `farm unpause`, as its run before was submitted"));
    }
    Ok(submitted)
}

/// The same right after the undo: what stops it is told with what was done, and how to go on.
pub(super) fn after_undo(
    ports: &Ports<'_>,
    plan: &UndoPlan,
    ended: &HadEnded,
    undo: TransactionId,
) -> Result<Vec<(JobRef, FrameSet)>, Failure> {
    let again = || settle(ports, ended).and_then(|()| submit_again(ports, ended, undo));
    again().map_err(|failure| {
        let words = format!("the {} {} is taken back, and not all of it submitted again", plan.kind, plan.id);
        let hint = failure.hint().map(|hint| format!("{hint} ")).unwrap_or_default();
        let next = format!("{hint}`farm undo {} --resubmit` submits what is missing.", plan.id);
        failure.context(words).with_hint(next)
    })
}

/// What a try wrote down of these jobs that was killed between its record and its submission.
fn send_unsent(ports: &Ports<'_>, ended: &HadEnded) -> Result<Vec<(JobRef, FrameSet)>, Failure> {
    let lock = locking::lock_home(ports, &ended.home)?;
    let Some((mut file, jobs)) = ended.load(ports.volume)? else { return Ok(Vec::new()) };
    submit::refuse_pending_elsewhere(&file, &ports.manager.address())?;
    let sent = submit::submit_pending_of(ports, &lock, &mut file, clock::now(), &|job| jobs.contains(job))?;
    Ok(sent.into_iter().map(|(job, id)| (job.clone(), submit::frames_of(&file, &job, &id))).collect())
}
