//! `farm retry`: what is bad, missing or suspect of jobs is rendered again, and nothing else.
//!
//! [`survey`] finds it by decoding and makes a plan; [`apply`] looks again under the lock of each home, moves the bad frames
//! to the trash with their views and passes, and submits one run per job for exactly these frames. Frames that a worker may
//! still write are left to it. [`rerender`] renders frames anew that nothing is wrong with.

pub mod apply;
pub mod failures;
pub mod mending;
pub mod rerender;
pub mod survey;

use crate::base::frame_set::FrameSet;
use crate::base::ids::{RunId, VolumeId};
use crate::base::name::{Home, JobRef};
use crate::base::rel_path::RelPath;
use crate::ops::check::{Effort, FrameFlaw};
use crate::ops::submit::Queueing;
use crate::volume::trash::Discard;
use failures::{FailingWorker, FailureGroup};
use serde::{Deserialize, Serialize};

/// The schema of plan and report.
pub const SCHEMA: &str = "farm.retry/1";

/// What becomes of frames that are whole and whose log speaks of wrong pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspects {
    /// They are rendered again, as bad ones are. Those that were delivered to `dist/` are not.
    Render,
    /// They stay.
    Leave,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequest {
    /// The jobs.
    pub jobs: Vec<JobRef>,
    /// What becomes of suspect frames.
    pub suspects: Suspects,
    /// Whether what was found whole before is read again.
    pub effort: Effort,
}

/// Jobs by the homes of their names, homes and jobs in their order.
pub fn by_home<T>(jobs: impl IntoIterator<Item = T>, name: impl Fn(&T) -> &JobRef) -> Vec<(Home, Vec<T>)> {
    let mut homes: Vec<(Home, Vec<T>)> = Vec::new();
    for job in jobs {
        let home = &name(&job).home;
        match homes.iter_mut().find(|(other, _)| other == home) {
            Some((_, of_home)) => of_home.push(job),
            None => homes.push((home.clone(), vec![job])),
        }
    }
    homes
}

/// What a retry would do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryPlan {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The volume that it is for.
    pub volume: VolumeId,
    /// The Manager that renders.
    pub manager: String,
    /// Every job that is meant, also those of which nothing is to be rendered.
    pub jobs: Vec<RetryJob>,
    /// Where a change was killed on its way: it is ended first.
    pub interrupted: Vec<Home>,
    /// Workers that fail what others do.
    pub failing_workers: Vec<FailingWorker>,
    /// What was asked.
    pub request: RetryRequest,
}

/// What becomes of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Frames of it are rendered again.
    Retry,
    /// What is missing is in the queue or being rendered.
    Waits,
    /// What is missing is not free: a worker may still be writing although nobody says that it is.
    Held,
    /// What is wrong with it is a person's to see.
    Left,
    /// Every frame is there and sound.
    Sound,
}

/// One job of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetryJob {
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// What becomes of it.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
    /// Frames with a broken file.
    pub bad: FrameSet,
    /// Frames of which a file is not there.
    pub missing: FrameSet,
    /// Frames whose log speaks of wrong pixels, but for those that were delivered to `dist/`.
    pub suspect: FrameSet,
    /// Those of `missing` that are in the queue, or that somebody may still be writing.
    pub rendering: FrameSet,
    /// Those of `rendering` whose run is paused: it waits for a person.
    #[serde(default)]
    pub paused: FrameSet,
    /// Those of `missing` and `bad` that are not rendered because somebody canceled the newest run.
    #[serde(default)]
    pub canceled: FrameSet,
    /// Frames of a run that an earlier command wrote down and did not come to submit: it is submitted too.
    pub pending: FrameSet,
    /// The frames that are rendered again.
    pub frames: FrameSet,
    /// What goes to the trash before.
    pub trash: Vec<Trashed>,
    /// Files that rendering again would not mend.
    pub left: Vec<Left>,
    /// Frames that are missing and not free, and for whom.
    pub held: Vec<HeldFrames>,
    /// Why the newest try would fail again, where its log leaves no doubt. It is rendered all the same: somebody may have
    /// mended the cause.
    #[serde(default)]
    pub hopeless: Option<String>,
    /// What failed of these frames, by what the logs say.
    pub failures: Vec<FailureGroup>,
    /// The run that is submitted for `frames`.
    #[serde(default)]
    pub run: Option<PlannedRun>,
}

/// A run that is to be submitted, with the queueing of the one before it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedRun {
    /// `farm.id` in the Manager's metadata.
    pub id: RunId,
    /// Frames per task.
    pub chunk: u32,
    /// 0 to 100.
    pub priority: u8,
    /// Only workers with this tag.
    #[serde(default)]
    pub tag: Option<String>,
    /// Whether it waits for a person before its first task.
    #[serde(default)]
    pub paused: bool,
}

/// A file or folder that goes to the trash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trashed {
    /// Beneath the volume.
    pub path: RelPath,
    /// Why.
    pub reason: String,
}

/// A file that is left as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// The frame.
    pub frame: i32,
    /// Beneath the volume.
    pub path: RelPath,
    /// What is wrong with it, as a clause that begins with "it".
    pub cause: String,
}

/// Frames that are not free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldFrames {
    /// The frames.
    pub frames: FrameSet,
    /// For whom.
    pub why: String,
    /// What to do.
    pub next: String,
}

impl RetryPlan {
    /// The jobs of which frames are rendered again.
    pub fn retried(&self) -> impl Iterator<Item = &RetryJob> {
        self.jobs.iter().filter(|job| !job.frames.is_empty())
    }

    /// How many frames are rendered again.
    pub fn frames(&self) -> usize {
        self.retried().map(|job| job.frames.len()).sum()
    }

    /// Whether carrying it out would change nothing.
    pub fn is_idle(&self) -> bool {
        self.interrupted.is_empty() && self.jobs.iter().all(RetryJob::is_idle)
    }

    /// Whether frames are missing that are not free.
    pub fn holds(&self) -> bool {
        self.jobs.iter().any(|job| !job.held.is_empty())
    }

    /// Whether something is wrong that only a person can mend.
    pub fn leaves(&self) -> bool {
        self.jobs.iter().any(|job| !job.left.is_empty())
    }
}

impl RetryJob {
    /// Whether nothing is submitted for it.
    pub fn is_idle(&self) -> bool {
        self.frames.is_empty() && self.pending.is_empty()
    }

    /// What is missing and in the queue, or being rendered by somebody who is known to be at it.
    pub fn under_way(&self) -> FrameSet {
        let held = FrameSet::union_of(self.held.iter().map(|held| &held.frames));
        self.rendering.minus(&held).minus(&self.pending).minus(&self.paused)
    }

    /// Whether all that is wrong with it is that frames are not rendered yet: somebody paused or canceled their run, or they
    /// are not free.
    pub fn is_only_unfinished(&self) -> bool {
        let lost = self.missing.union(&self.bad).minus(&self.rendering).minus(&self.canceled);
        lost.is_empty() && self.suspect.is_empty() && self.left.is_empty()
    }
}

impl PlannedRun {
    pub(super) fn new(queueing: Queueing) -> PlannedRun {
        let Queueing { chunk, priority, tag, paused } = queueing;
        PlannedRun { id: RunId::random(), chunk, priority, tag, paused }
    }

    pub(super) fn queueing(&self) -> Queueing {
        Queueing { chunk: self.chunk, priority: self.priority, tag: self.tag.clone(), paused: self.paused }
    }
}

impl From<&FrameFlaw> for Left {
    fn from(flaw: &FrameFlaw) -> Left {
        Left { frame: flaw.frame, path: flaw.path.clone(), cause: flaw.cause.clone() }
    }
}

impl From<&Trashed> for Discard {
    fn from(trashed: &Trashed) -> Discard {
        Discard { path: trashed.path.clone(), reason: trashed.reason.clone() }
    }
}
