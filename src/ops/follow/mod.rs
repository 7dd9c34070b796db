//! `--wait`: staying until a release is rendered, and rendering what is missing again before it is called failed.

mod awaited;
mod failures;
mod hands;
#[cfg(test)]
mod notes;
mod outage;
mod told;
mod watch;

pub use awaited::Awaited;
pub use outage::through_outages;
pub use told::Told;
pub use watch::{Watching, watch};

use crate::base::counted::{agree, counted, few, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::{RunId, TransactionId};
use crate::base::name::{JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::base::status::JobStatus;
use crate::ops::check::held::{self, Held};
use crate::ops::check::open_work::RunWork;
use crate::ops::check::{self, Effort, FrameCounts, JobFrames, OpenWork};
use crate::ops::ports::Ports;
use crate::ops::retry::Suspects;
use crate::ops::retry::mending::{self, Mending};
use crate::ops::submit::{self, Queueing};
use crate::ops::work::discard;
use crate::ops::{harvest, locking, release, undo};
use crate::sys::clock::{self, Stopwatch};
use crate::sys::interrupt;
use crate::volume::area::Area;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::{BTreeSet, HashSet};
use std::fmt::Display;
use std::time::Duration;

/// What becomes of jobs whose newest run failed in a way that another run cannot mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hopeless<'a> {
    /// They are left as they are, and that is said; so are jobs that somebody canceled.
    Leave,
    /// They are tried once more: somebody may have mended the cause.
    Retry,
    /// The same, but for jobs that somebody canceled lately: these alone had been canceled before.
    RetryCanceledBefore(&'a HashSet<JobName>),
}

/// How many lines of a failing log are shown.
const TAIL_LINES: usize = 12;

/// How many paused jobs are named.
const NAMED: usize = 3;

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Its frames.
    pub frames: FrameCounts,
    /// Those that are missing and that somebody may still render: they were added, or put back, meanwhile.
    pub under_way: u64,
    /// Whether a run is in the queue that goes on by itself.
    pub goes_on: bool,
    /// Jobs that go on when a person says so.
    pub paused: Vec<JobRef>,
    /// Frames that are missing, and that whoever asked for the others wants left as they are.
    pub left_missing: Vec<(JobRef, FrameSet)>,
    /// How often missing frames were submitted anew.
    pub tries: u32,
    /// Harvested files that are not what was harvested, beneath the volume: a person has to look at those.
    pub altered: Vec<RelPath>,
    /// The last lines of the log of what failed; empty if nothing did.
    pub tail: String,
}

/// What was submitted once more, and what was not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Again {
    /// The frames of each job that were submitted.
    pub submitted: Vec<(JobRef, FrameSet)>,
    /// Whether missing frames were held back although nobody is known to be at them.
    pub held: bool,
}

impl Again {
    /// `r1/A frames 1-3; r1/B frame 7`, of many jobs the first ones.
    pub fn words(&self) -> String {
        const NAMED: usize = 5;
        let named = self.submitted.iter().take(NAMED).map(|(job, frames)| format!("{job} {}", frames_named(frames)));
        let words = named.collect::<Vec<_>>().join("; ");
        match self.submitted.len().saturating_sub(NAMED) {
            0 => words,
            more => format!("{words}; and {}", counted(more, "more job")),
        }
    }
}

/// How missing frames are queued, beyond what their runs before say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anew<'a> {
    /// Jobs that wait for a person.
    pub paused: &'a [JobRef],
    /// The undo that asks for it.
    pub undo: Option<TransactionId>,
}

/// Checks every frame, and submits what is missing or broken once more.
///
/// All of it under the release's lock: of two that wait for one release only the first finds frames that nobody renders.
///
/// What is not submitted although it is missing is said, but for what was `told` before.
pub fn submit_missing(
    ports: &Ports<'_>,
    awaited: Awaited<'_>,
    hopeless: Hopeless<'_>,
    anew: Anew<'_>,
    told: &Told,
) -> Result<Again, Failure> {
    let is_left = |frames: &JobFrames| hopeless == Hopeless::Leave && frames.hopeless.is_some();
    let name = awaited.home;
    let file = awaited.file(ports)?;
    let work = OpenWork::of(ports, &file)?;
    let ended = match hopeless {
        Hopeless::Leave => ended_by_somebody(&file, &work),
        Hopeless::Retry => HashSet::new(),
        Hopeless::RetryCanceledBefore(before) => &ended_by_somebody(&file, &work) - before,
    };
    let wanted = |job: &JobRef, frames: &JobFrames| {
        !frames.to_render().is_empty() && !is_left(frames) && !ended.contains(&job.job)
    };
    let checked = check_all(ports, &file, &work, awaited)?;
    for (job, frames) in checked.iter().filter(|(_, frames)| is_left(frames)) {
        let cause = frames.hopeless.as_deref().unwrap_or_default();
        told.note(ports, &format!("{job}: not tried again, for it would fail again: {cause}"));
    }
    for (job, _) in checked.iter().filter(|(job, frames)| ended.contains(&job.job) && !frames.to_render().is_empty()) {
        told.note(ports, &format!("{job}: not submitted again, for somebody canceled it; `farm why {job}` says more"));
    }
    let mut again = Again { held: tell_held(ports, &file, &work, &checked, told), ..Again::default() };
    if !checked.iter().any(|(job, frames)| wanted(job, frames)) {
        return Ok(again);
    }
    let lock = locking::lock_home(ports, name)?;
    // Frames that a killed harvest took are not missing.
    harvest::recover::finish_killed(ports, &lock, name)?;
    undo::end_killed(ports, &lock)?;
    let mut file = awaited.whole_file(ports)?;
    let (address, began) = (ports.manager.address(), clock::now());
    // What an earlier command wrote down is being rendered as soon as it is submitted.
    submit::refuse_pending_elsewhere(&file, &address)?;
    submit::submit_pending_of(ports, &lock, &mut file, began, &|job| awaited.has(job))?;
    for (job, frames) in check_all(ports, &file, &OpenWork::of(ports, &file)?, awaited)?
        .into_iter()
        .filter(|(job, frames)| wanted(job, frames))
    {
        let Some(record) = file.job_mut(&job.job) else { continue };
        let Mending { frames, trash, .. } = mending::of(ports, name, record, &frames, Suspects::Leave)?;
        let Some(last) = record.newest_run().filter(|_| !frames.is_empty()) else { continue };
        let queueing = Queueing { paused: anew.paused.contains(&job), ..Queueing::again(last, &frames) };
        discard(ports, &lock, trash.into_iter().map(|trashed| (trashed.path, trashed.reason)).collect())?;
        submit::add_run(record, RunId::random(), frames.clone(), &queueing, &address).undo = anew.undo;
        again.submitted.push((job, frames));
    }
    if again.submitted.is_empty() {
        return Ok(again);
    }
    lock.check()?;
    release::save(ports.volume, &file)?;
    submit::submit_pending_of(ports, &lock, &mut file, began, &|job| awaited.has(job))?;
    Ok(again)
}

/// The jobs whose newest run somebody has canceled by now.
pub fn canceled(ports: &Ports<'_>, awaited: Awaited<'_>) -> Result<HashSet<JobName>, Failure> {
    let file = awaited.file(ports)?;
    Ok(ended_by_somebody(&file, &OpenWork::of(ports, &file)?))
}

/// Jobs whose newest run somebody canceled while it was waited for: a person's word counts more than a wish to see them
/// rendered.
fn ended_by_somebody(file: &ReleaseFile, work: &OpenWork) -> HashSet<JobName> {
    file.jobs.iter().filter(|job| work.canceled(job).is_some()).map(|job| job.name.clone()).collect()
}

/// Ends jobs of the release that came to a remote Manager twice, under the release's lock: two renderers must not write the
/// same frames. Where there are none, nothing is locked.
pub fn end_doubled(ports: &Ports<'_>, awaited: Awaited<'_>) -> Result<(), Failure> {
    let is_needless = !ports.manager.is_remote() || ports.progress.interrupted().is_some();
    if is_needless || !submit::is_doubled(ports, &awaited.whole_file(ports)?)? {
        return Ok(());
    }
    let lock = locking::lock_home(ports, awaited.home)?;
    let mut file = awaited.whole_file(ports)?;
    submit::submit_pending(ports, &lock, &mut file, clock::now()).map(drop)
}

/// Waits until no worker can still write frames of jobs whose runs have ended or are not in the Manager any more, at most
/// for `patience`: a job that failed on one worker is being rendered by others for some seconds more.
pub fn settle(ports: &Ports<'_>, awaited: Awaited<'_>, patience: Duration) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let file = awaited.file(ports)?;
    let told = Told::default();
    while ports.manager.is_remote() && ports.progress.interrupted().is_none() && !watch.has_passed(patience) {
        let look = Stopwatch::start();
        let work = OpenWork::of(ports, &file)?;
        let ended = |job: &JobRecord| work.runs(job).iter().filter(|run| run.status.has_ended()).any(RunWork::is_open);
        let all_ended = |job: &JobRecord| work.runs(job).iter().all(|run| run.status.has_ended());
        let is_open = |job: &JobRecord| all_ended(job) && !work.frames(&job.name).is_empty();
        if !file.jobs.iter().any(|job| ended(job) || is_open(job)) {
            break;
        }
        told.note(ports, &format!("{awaited}: waiting until the workers of what has ended have stopped"));
        // A look asks for all jobs: of ten thousand that takes long, here and on the line.
        let rest = watch::rest_after_list(look.elapsed(), ports.manager.look_again());
        interrupt::rest(rest.min(patience.saturating_sub(watch.elapsed())));
    }
    Ok(())
}

/// What became of the release, with the last words of what failed. Keeps the measured pace for later plans.
pub fn outcome(ports: &Ports<'_>, awaited: Awaited<'_>, tries: u32) -> Result<Followed, Failure> {
    let name = awaited.home;
    let file = awaited.file(ports)?;
    let work = OpenWork::of(ports, &file)?;
    let checked = check_whole(ports, &file, &work, awaited)?;
    let left_missing =
        checked.iter().map(|(job, frames)| (job.clone(), frames.missing.common(&awaited.left(&job.job))));
    let left_missing = left_missing.filter(|(_, frames)| !frames.is_empty()).collect();
    let checked = without_left(checked, awaited);
    let frames: FrameCounts = checked.iter().map(|(_, frames)| frames.counts()).sum();
    let under_way = checked.iter().map(|(_, frames)| frames.rendering.len() as u64).sum();
    keep_pace(ports, awaited, &checked)?;
    let is_paused = |job: &&JobRecord| work.runs(job).iter().any(|run| run.status == JobStatus::Paused);
    let paused = file.jobs.iter().filter(is_paused).map(|job| JobRef::within(name, &job.name)).collect();
    let goes_on = |job: &JobRecord| work.runs(job).iter().any(|run| is_going_on(job, run));
    let tail = if frames.missing + frames.bad == 0 { String::new() } else { failing_tail(ports, &file, &work)? };
    let flaws = checked.iter().flat_map(|(_, frames)| &frames.flaws);
    let altered = flaws.map(|flaw| flaw.path.clone()).filter(|path| path.is_within(&Area::Dist.folder())).collect();
    let goes_on = file.jobs.iter().any(goes_on);
    Ok(Followed { frames, under_way, goes_on, paused, left_missing, tries, altered, tail })
}

/// Whether a run that somebody can look at has not come to its end.
fn is_going_on(job: &JobRecord, run: &RunWork) -> bool {
    let is_confirmed = job.runs.iter().any(|written| written.id == run.run && written.manager_job.is_some());
    is_confirmed && !watch::is_settled(Some(&run.status))
}

/// Says which frames are left alone because somebody may still write them, though nobody is known to be at them; whether
/// there are any.
fn tell_held(
    ports: &Ports<'_>,
    file: &ReleaseFile,
    work: &OpenWork,
    checked: &[(JobRef, JobFrames)],
    told: &Told,
) -> bool {
    if checked.iter().all(|(_, frames)| frames.rendering.is_empty()) {
        return false;
    }
    let mut next = BTreeSet::new();
    for Held { job, frames, why } in held::of(ports, file, work).into_iter().filter(|held| held.why.is_odd()) {
        let Some((reference, found)) = checked.iter().find(|(reference, _)| reference.job == job) else { continue };
        let frames = frames.common(&found.rendering);
        if !frames.is_empty() {
            let (frames, verb) = (frames_named(&frames), agree(frames.len(), "is", "are"));
            told.note(ports, &format!("{reference}: {frames} {verb} not submitted again: {why}"));
            next.insert(why.next_step());
        }
    }
    next.iter().for_each(|step| told.note(ports, &format!("next: {step}")));
    !next.is_empty()
}

/// The frames that are waited for.
fn check_all(
    ports: &Ports<'_>,
    file: &ReleaseFile,
    work: &OpenWork,
    awaited: Awaited<'_>,
) -> Result<Vec<(JobRef, JobFrames)>, Failure> {
    Ok(without_left(check_whole(ports, file, work, awaited)?, awaited))
}

/// The same, with those that nobody waits for.
fn check_whole(
    ports: &Ports<'_>,
    file: &ReleaseFile,
    work: &OpenWork,
    awaited: Awaited<'_>,
) -> Result<Vec<(JobRef, JobFrames)>, Failure> {
    let jobs: Vec<&JobRecord> = file.jobs.iter().filter(|job| awaited.has(&job.name)).collect();
    let frames = check::check_jobs(ports, &file.name, &jobs, work, Effort::Trust)?;
    Ok(jobs.into_iter().map(|job| JobRef::within(&file.name, &job.name)).zip(frames).collect())
}

fn without_left(checked: Vec<(JobRef, JobFrames)>, awaited: Awaited<'_>) -> Vec<(JobRef, JobFrames)> {
    let of_job = |(job, frames): (JobRef, JobFrames)| {
        let left = awaited.left(&job.job);
        (job, frames.without(&left))
    };
    checked.into_iter().map(of_job).collect()
}

/// Writes the seconds per frame into the release's file where they became known or changed by a tenth. Where somebody
/// else is at the release it is left: the next look finds them in the same logs.
fn keep_pace(ports: &Ports<'_>, awaited: Awaited<'_>, checked: &[(JobRef, JobFrames)]) -> Result<(), Failure> {
    let differs = |old: Option<f64>, new: f64| old.is_none_or(|old| (old - new).abs() > 0.1 * old.abs().max(0.01));
    let Some(lock) = locking::try_lock_home(ports, awaited.home)? else { return Ok(()) };
    let mut file = awaited.whole_file(ports)?;
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
fn failing_tail(ports: &Ports<'_>, file: &ReleaseFile, work: &OpenWork) -> Result<String, Failure> {
    for job in &file.jobs {
        let newest = work.runs(job).last().map_or(&[][..], |run| &run.tasks);
        if let Some(task) = newest.iter().find(|task| task.status.has_failed()) {
            let log = ports.manager.log_tail(&task.id)?.unwrap_or_default();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
            return Ok(format!("{}/{}, task {}:\n{tail}", file.name, job.name, task.name));
        }
    }
    Ok(String::new())
}

impl Followed {
    fn next_step(&self, name: &impl Display) -> String {
        match self.altered.first() {
            Some(path) => format!(
                "{path} is not what was harvested: restore it, or move it away to have it rendered again by the same command."
            ),
            None if !self.paused.is_empty() => format!(
                "{} {} paused: `farm unpause` lets {} go on; then give the same command again.",
                few(&self.paused.iter().map(ToString::to_string).collect::<Vec<_>>(), NAMED, "job"),
                agree(self.paused.len(), "is", "are"),
                agree(self.paused.len(), "it", "them"),
            ),
            None if self.under_way == self.frames.missing + self.frames.bad => format!(
                "They are in the queue, added meanwhile: the same command goes on with them, and `farm status {name}` shows \
                 who renders them."
            ),
            None => format!(
                "Look at `farm status {name}`; mend the cause, then give the same command again. A scene that was changed \
                 is put in with `farm replace job`."
            ),
        }
    }

    /// The failure that this ending is, if it is one.
    pub fn failure(&self, name: &impl Display) -> Option<Failure> {
        let FrameCounts { expected, missing, bad, .. } = self.frames;
        if expected == 0 {
            let words =
                format!("{name}: no frame of it is planned any more; what was waited for was taken back meanwhile");
            return Some(Failure::new(Class::Failed, words).with_hint("`farm undo --list` shows who took it back."));
        }
        if missing + bad == 0 {
            return None;
        }
        let verb = agree(missing + bad, "is", "are");
        let tries = match self.tries {
            0 => String::new(),
            tries => format!(" after {} for {}", counted(tries, "more run"), agree(missing + bad, "it", "them")),
        };
        Some(
            Failure::new(
                Class::Failed,
                format!("{name}: {} of {} {verb} not rendered{tries}", missing + bad, counted(expected, "frame")),
            )
            .with_hint(self.next_step(name)),
        )
    }
}
