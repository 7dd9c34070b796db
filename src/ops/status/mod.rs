//! `farm status`: how far everything is, told from the release files, the Manager and the frames on disk.

pub mod estimate;
pub mod select;
pub mod survey;

pub use select::{NoMatch, nearest};
pub use survey::survey;

use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::name::{JobRef, ReleaseName};
use crate::base::time::Timestamp;
use crate::ops::check::FrameCounts;
use serde::Serialize;

/// What `farm status` found.
#[derive(Debug, Clone, Serialize)]
pub struct StatusReport {
    /// Releases, by name.
    pub releases: Vec<ReleaseStatus>,
    /// Jobs, in the order in which they were planned.
    pub jobs: Vec<JobState>,
    /// Workers that the Manager knows.
    pub workers: Vec<WorkerState>,
    /// Releases whose file cannot be read, one line each: they are named, not left out.
    pub unreadable: Vec<String>,
}

/// Where a release stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseState {
    /// Nothing of it has been rendered.
    Planned,
    /// Some frames are missing, bad or suspect.
    Rendering,
    /// Every frame is there and good.
    Rendered,
    /// Every frame is in `dist/`.
    Harvested,
}

/// A release.
#[derive(Debug, Clone, Serialize)]
pub struct ReleaseStatus {
    /// Its name.
    pub name: ReleaseName,
    /// Where it stands.
    pub state: ReleaseState,
    /// How many jobs it has.
    pub jobs: usize,
    /// Its frames, all jobs together.
    pub frames: FrameCounts,
}

/// A job and its newest run.
#[derive(Debug, Clone, Serialize)]
pub struct JobState {
    /// The Manager's id of the newest run; `null` until it is submitted.
    pub id: Option<JobId>,
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// The release.
    pub release: ReleaseName,
    /// The newest run's status on the Manager; `planned` before it is submitted, `gone` if the Manager forgot it.
    pub status: String,
    /// Frames by what is true of them.
    pub frames: FrameCounts,
    /// Frames that lie in `dist/`.
    pub harvested: u64,
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
}

/// Where a release stands, by its frames.
pub fn release_state(frames: &FrameCounts, harvested: u64, any_run_began: bool) -> ReleaseState {
    if frames.ok < frames.expected || frames.expected == 0 {
        let nothing = frames.ok + frames.bad + frames.suspect == 0 && !any_run_began;
        return if nothing { ReleaseState::Planned } else { ReleaseState::Rendering };
    }
    if harvested == frames.expected { ReleaseState::Harvested } else { ReleaseState::Rendered }
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
        assert_eq!(release_state(&counts(0, 3), 0, false), ReleaseState::Planned);
        assert_eq!(release_state(&counts(0, 3), 0, true), ReleaseState::Rendering);
        assert_eq!(release_state(&counts(2, 1), 0, true), ReleaseState::Rendering);
        assert_eq!(release_state(&counts(3, 0), 2, true), ReleaseState::Rendered);
        assert_eq!(release_state(&counts(3, 0), 3, true), ReleaseState::Harvested);
    }
}
