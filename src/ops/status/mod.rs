//! `farm status`: how far everything is, told from the release files, the Manager and the frames on disk.

pub mod estimate;
pub mod interrupted;
pub mod resolve;
pub mod survey;

pub use interrupted::Interruption;
pub use resolve::{Named, find};
pub use survey::survey;

use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::{Home, JobRef};
use crate::base::status::JobStatus;
use crate::base::time::Timestamp;
use crate::ops::check::FrameCounts;
use serde::Serialize;

/// What `farm status` found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct StatusReport {
    /// Releases, by name.
    pub releases: Vec<ReleaseStatus>,
    /// Jobs, in the order in which they were planned.
    pub jobs: Vec<JobState>,
    /// Workers that the Manager knows.
    pub workers: Vec<WorkerState>,
    /// Releases and journals that cannot be read, one line each: they are named, not left out.
    pub unreadable: Vec<String>,
    /// Changes of releases that were begun and that nobody is at any more.
    pub interrupted: Vec<Interruption>,
}

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseState {
    /// Nothing of it has been rendered.
    Planned,
    /// Frames are being rendered, or wait for a worker.
    Rendering,
    /// Frames are missing, and wait for a person to let them be rendered.
    Paused,
    /// Frames are missing, bad or suspect, and nobody is about to render them.
    Incomplete,
    /// Every frame is there and good.
    Rendered,
    /// Every frame is in `dist/`.
    Harvested,
}

/// A release.
#[derive(Debug, Clone, Serialize)]
pub struct ReleaseStatus {
    /// Its name.
    pub name: Home,
    /// Where it stands.
    pub state: ReleaseState,
    /// How many jobs it has.
    pub jobs: usize,
    /// Its frames, all jobs together.
    pub frames: FrameCounts,
}

/// A job and its newest run. The names of a job of which the Manager alone tells are any text or none, and its frames unknown.
#[derive(Debug, Clone, Serialize)]
pub struct JobState<Ref = JobRef, Release = Home, Frames = FrameCounts> {
    /// The Manager's id of the newest run; `null` until it is submitted.
    pub id: Option<JobId>,
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: Ref,
    /// The release.
    pub release: Release,
    /// The newest run's status on the Manager; `planned` before it is submitted, `gone` if the Manager forgot it,
    /// `elsewhere` if another Manager has it.
    pub status: String,
    /// The address of the Manager that has it, where that is another one than was asked.
    pub elsewhere: Option<String>,
    /// Frames by what is true of them.
    pub frames: Frames,
    /// Frames that lie in `dist/`.
    pub harvested: u64,
    /// Frames whose files in `dist/` are out of date: they show an earlier revision.
    pub outdated: FrameSet,
    /// Frames that are missing, and that no worker is about to render.
    pub missing: FrameSet,
    /// Frames that a worker has or may get.
    pub rendering: FrameSet,
    /// 0 to 100.
    pub priority: u8,
    /// Farm's own id of the newest run.
    pub run: Option<RunId>,
    /// How many runs it has had.
    pub runs: usize,
    /// Seconds until it is rendered, as far as that can be told.
    pub eta_seconds: Option<u64>,
    /// Seconds per frame, measured.
    pub seconds_per_frame: Option<f64>,
    /// When anything about the newest run changed last.
    pub updated: Option<Timestamp>,
    /// What failed, one line each.
    pub failures: Vec<String>,
    /// Inputs that changed since the job was planned, one line each.
    pub stale_inputs: Vec<String>,
}

/// A worker.
#[derive(Debug, Clone, Serialize)]
pub struct WorkerState {
    /// Its name.
    pub name: String,
    /// Its status.
    pub status: String,
    /// When it spoke last.
    pub last_seen: Option<Timestamp>,
    /// The job that it works on.
    pub job: Option<String>,
    /// Whether it was not seen for a day, and is not in error either: people need not see it.
    #[serde(skip)]
    pub is_long_gone: bool,
}

/// What the Manager still has to do for a release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// It was never begun: every job is planned or queued.
    NotBegun,
    /// Something is queued or being rendered.
    Open,
    /// What is left is paused.
    Paused,
    /// Nothing.
    Over,
}

impl Work {
    /// From the jobs of a release.
    pub fn of(jobs: &[JobState]) -> Work {
        let is = |job: &JobState, status: JobStatus| job.status == status.as_str();
        let open: Vec<&JobState> = jobs.iter().filter(|job| !job.has_ended()).collect();
        let untouched = |job: &&JobState| is(job, JobStatus::Queued) || job.status == PLANNED;
        if open.is_empty() {
            Work::Over
        } else if open.iter().all(|job| is(job, JobStatus::Paused)) {
            Work::Paused
        } else if open.len() == jobs.len() && open.iter().all(untouched) {
            Work::NotBegun
        } else {
            Work::Open
        }
    }
}

/// Where a release stands, by its frames and what is still to be done for it.
pub fn release_state(frames: &FrameCounts, harvested: u64, work: Work) -> ReleaseState {
    if frames.ok == frames.expected && frames.expected > 0 {
        return if harvested == frames.expected { ReleaseState::Harvested } else { ReleaseState::Rendered };
    }
    let nothing_there = frames.ok + frames.bad + frames.suspect == 0;
    match work {
        Work::NotBegun if nothing_there => ReleaseState::Planned,
        Work::NotBegun | Work::Open => ReleaseState::Rendering,
        Work::Paused => ReleaseState::Paused,
        Work::Over => ReleaseState::Incomplete,
    }
}

/// The status of a job that was not submitted yet.
pub const PLANNED: &str = "planned";
/// The status of a job that the Manager forgot.
pub const GONE: &str = "gone";
/// The status of a job that another Manager has.
pub const ELSEWHERE: &str = "elsewhere";

impl JobState {
    /// Whether its newest run does nothing more.
    pub fn has_ended(&self) -> bool {
        self.status == GONE || JobStatus::from(self.status.clone()).has_ended()
    }
}

impl StatusReport {
    /// Whether nothing is left for the Manager to do.
    pub fn has_ended(&self) -> bool {
        let ended = |job: &JobState| job.rendering.is_empty();
        self.jobs.iter().all(ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_stands_where_its_frames_stand() {
        let counts = |ok, missing| FrameCounts { expected: ok + missing, ok, missing, bad: 0, suspect: 0 };
        for (ok, missing, harvested, work, state) in [
            (0, 3, 0, Work::NotBegun, ReleaseState::Planned),
            (0, 3, 0, Work::Open, ReleaseState::Rendering),
            (2, 1, 0, Work::NotBegun, ReleaseState::Rendering),
            (0, 3, 0, Work::Paused, ReleaseState::Paused),
            (2, 1, 0, Work::Over, ReleaseState::Incomplete),
            (3, 0, 2, Work::Over, ReleaseState::Rendered),
            (3, 0, 3, Work::Over, ReleaseState::Harvested),
        ] {
            assert_eq!(release_state(&counts(ok, missing), harvested, work), state, "{ok} {missing} {work:?}");
        }
    }
}
