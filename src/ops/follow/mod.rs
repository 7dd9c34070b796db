//! `--wait`: staying until a release is rendered, and rendering what is missing again before it is called failed.

mod failures;
mod outage;
mod told;
mod watch;

pub use outage::through_outages;
pub use told::Told;
pub use watch::{Watching, watch};

use crate::base::counted::{agree, counted, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::{JobRef, ReleaseName};
use crate::base::rel_path::RelPath;
use crate::ops::check::held::{self, Held};
use crate::ops::check::open_work::RunWork;
use crate::ops::check::{self, Effort, FrameCounts, FrameFlaw, JobFrames, OpenWork};
use crate::ops::ports::Ports;
use crate::ops::submit::{self, Queueing};
use crate::ops::work::discard;
use crate::ops::{harvest, locking, release};
use crate::sys::clock::{self, Stopwatch};
use crate::sys::interrupt;
use crate::volume::area::Area;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use std::collections::BTreeSet;
use std::time::Duration;

/// What becomes of jobs whose newest run failed in a way that another run cannot mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hopeless {
    /// They are left as they are, and that is said.
    Leave,
    /// They are tried once more: somebody may have mended the cause.
    Retry,
}

/// How many lines of a failing log are shown.
const TAIL_LINES: usize = 12;

/// How a release ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Followed {
    /// Its frames.
    pub frames: FrameCounts,
    /// Those that are missing and that somebody may still render: they were added, or put back, meanwhile.
    pub under_way: u64,
    /// How often missing frames were submitted anew.
    pub tries: u32,
    /// Harvested files that are not what was harvested, beneath the volume: a person has to look at those.
    pub altered: Vec<RelPath>,
    /// The last lines of the log of what failed; empty if nothing did.
    pub tail: String,
}

/// Checks every frame, and submits what is missing or broken once more. `None`: nothing had to be submitted.
///
/// All of it under the release's lock: of two that wait for one release only the first finds frames that nobody renders.
///
/// What is not submitted although it is missing is said, but for what was `told` before.
pub fn submit_missing(
    ports: &Ports<'_>,
    name: &ReleaseName,
    hopeless: Hopeless,
    told: &Told,
) -> Result<Option<FrameSet>, Failure> {
    let is_left = |frames: &JobFrames| hopeless == Hopeless::Leave && frames.hopeless.is_some();
    let wanted = |frames: &JobFrames| !frames.to_render().is_empty() && !is_left(frames);
    let file = load(ports, name)?;
    let work = OpenWork::of(ports, &file)?;
    let checked = check_all(ports, &file, &work)?;
    for (job, frames) in checked.iter().filter(|(_, frames)| is_left(frames)) {
        let cause = frames.hopeless.as_deref().unwrap_or_default();
        told.note(ports, &format!("{job}: not tried again, for it would fail again: {cause}"));
    }
    tell_held(ports, &file, &work, &checked, told);
    if !checked.iter().any(|(_, frames)| wanted(frames)) {
        return Ok(None);
    }
    let lock = locking::lock_release(ports, name)?;
    // Frames that a killed harvest took are not missing.
    harvest::recover::finish_killed(ports, &lock, name)?;
    let mut file = load(ports, name)?;
    let (address, began) = (ports.manager.address(), clock::now());
    // What an earlier command wrote down is being rendered as soon as it is submitted.
    submit::refuse_pending_elsewhere(&file, &address)?;
    submit::submit_pending(ports, &lock, &mut file, began)?;
    let mut again = FrameSet::default();
    for (job, frames) in
        check_all(ports, &file, &OpenWork::of(ports, &file)?)?.into_iter().filter(|(_, frames)| wanted(frames))
    {
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
    submit::submit_pending(ports, &lock, &mut file, began)?;
    Ok(Some(again))
}

/// The frames that rendering again can mend. A file that cannot be read may be whole, and one in `dist/` was delivered:
/// what is wrong with those is a person's to see.
fn to_render(frames: &JobFrames, broken: &[(RelPath, String)]) -> FrameSet {
    let is_broken = |flaw: &&FrameFlaw| broken.iter().any(|(path, _)| *path == flaw.path);
    let others: FrameSet = frames.flaws.iter().filter(|flaw| !is_broken(flaw)).map(|flaw| flaw.frame).collect();
    frames.to_render().minus(&others)
}

/// Ends jobs of the release that came to a remote Manager twice, under the release's lock: two renderers must not write the
/// same frames. Where there are none, nothing is locked.
pub fn end_doubled(ports: &Ports<'_>, name: &ReleaseName) -> Result<(), Failure> {
    let is_needless = !ports.manager.is_remote() || ports.progress.interrupted().is_some();
    if is_needless || !submit::is_doubled(ports, &load(ports, name)?)? {
        return Ok(());
    }
    let lock = locking::lock_release(ports, name)?;
    let mut file = load(ports, name)?;
    submit::submit_pending(ports, &lock, &mut file, clock::now()).map(drop)
}

/// Waits until no worker can still write frames of runs that have ended, at most for `patience`: a job that failed on one
/// worker is being rendered by others for some seconds more.
pub fn settle(ports: &Ports<'_>, name: &ReleaseName, patience: Duration) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let file = load(ports, name)?;
    while ports.manager.is_remote() && ports.progress.interrupted().is_none() && !watch.has_passed(patience) {
        let look = Stopwatch::start();
        let work = OpenWork::of(ports, &file)?;
        let ended = |job: &JobRecord| work.runs(job).iter().filter(|run| run.status.has_ended()).any(RunWork::is_open);
        if !file.jobs.iter().any(ended) {
            break;
        }
        // A look asks for all jobs: of ten thousand that takes long, here and on the line.
        let rest = watch::rest_after_list(look.elapsed(), ports.manager.look_again());
        interrupt::rest(rest.min(patience.saturating_sub(watch.elapsed())));
    }
    Ok(())
}

/// What became of the release, with the last words of what failed. Keeps the measured pace for later plans.
pub fn outcome(ports: &Ports<'_>, name: &ReleaseName, tries: u32) -> Result<Followed, Failure> {
    let file = load(ports, name)?;
    let work = OpenWork::of(ports, &file)?;
    let checked = check_all(ports, &file, &work)?;
    let frames: FrameCounts = checked.iter().map(|(_, frames)| frames.counts()).sum();
    let under_way = checked.iter().map(|(_, frames)| frames.rendering.len() as u64).sum();
    keep_pace(ports, name, &checked)?;
    let tail = if frames.missing + frames.bad == 0 { String::new() } else { failing_tail(ports, &file, &work)? };
    let flaws = checked.iter().flat_map(|(_, frames)| &frames.flaws);
    let altered = flaws.map(|flaw| flaw.path.clone()).filter(|path| path.is_within(&Area::Dist.folder())).collect();
    Ok(Followed { frames, under_way, tries, altered, tail })
}

/// Says which frames are left alone because somebody may still write them, though nobody is known to be at them.
fn tell_held(ports: &Ports<'_>, file: &ReleaseFile, work: &OpenWork, checked: &[(JobRef, JobFrames)], told: &Told) {
    if checked.iter().all(|(_, frames)| frames.rendering.is_empty()) {
        return;
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
}

fn check_all(ports: &Ports<'_>, file: &ReleaseFile, work: &OpenWork) -> Result<Vec<(JobRef, JobFrames)>, Failure> {
    let jobs: Vec<&JobRecord> = file.jobs.iter().collect();
    let frames = check::check_jobs(ports, &file.name, &jobs, work, Effort::Trust)?;
    let references = jobs.into_iter().map(|job| JobRef::in_release(&file.name, &job.name));
    Ok(references.zip(frames).collect())
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

fn load(ports: &Ports<'_>, name: &ReleaseName) -> Result<ReleaseFile, Failure> {
    release::load(ports.volume, name)?.ok_or_else(|| {
        Failure::new(Class::NoMatch, format!("there is no release {name}"))
            .with_hint("`farm status` lists all releases.")
    })
}

impl Followed {
    fn next_step(&self, name: &ReleaseName) -> String {
        match self.altered.first() {
            Some(path) => format!(
                "{path} is not what was harvested: restore it, or move it away to have it rendered again by the same command."
            ),
            None if self.under_way == self.frames.missing + self.frames.bad => format!(
                "They are in the queue, added meanwhile: the same command goes on with them, and `farm status {name}` shows \
                 who renders them."
            ),
            None => format!(
                "Look at `farm status {name}`; mend the cause, then give the same command again. A scene that was changed \
                 needs another job or release name."
            ),
        }
    }

    /// The failure that this ending is, if it is one.
    pub fn failure(&self, name: &ReleaseName) -> Option<Failure> {
        let FrameCounts { expected, missing, bad, .. } = self.frames;
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
