//! What is true of a job's frames: sets that do not overlap, and why a frame is not fine.

use crate::base::frame_set::FrameSet;
use crate::base::rel_path::RelPath;
use serde::{Deserialize, Serialize};
use std::ops::Add;

/// Frames by what is true of them; `expected` is the sum of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FrameCounts {
    /// Frames that the job must have.
    pub expected: u64,
    /// All files are there and whole.
    pub ok: u64,
    /// A file is not there yet, or a worker may still write it.
    pub missing: u64,
    /// A file is there and broken.
    pub bad: u64,
    /// Whole, but its log speaks of wrong pixels.
    pub suspect: u64,
}

impl Add for FrameCounts {
    type Output = FrameCounts;
    fn add(self, other: FrameCounts) -> FrameCounts {
        FrameCounts {
            expected: self.expected + other.expected,
            ok: self.ok + other.ok,
            missing: self.missing + other.missing,
            bad: self.bad + other.bad,
            suspect: self.suspect + other.suspect,
        }
    }
}

impl std::iter::Sum for FrameCounts {
    fn sum<I: Iterator<Item = FrameCounts>>(counts: I) -> FrameCounts {
        counts.fold(FrameCounts::default(), Add::add)
    }
}

/// Why a frame is bad.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameFlaw {
    /// The frame.
    pub frame: i32,
    /// The broken file, beneath the volume.
    pub path: RelPath,
    /// What is wrong with it, as a clause that begins with "it".
    pub cause: String,
}

/// Why frames are suspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FrameSuspicion {
    /// The frames that the log line may concern.
    pub frames: FrameSet,
    /// What the log says and what that means.
    pub cause: String,
}

/// What is true of a job's frames now.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JobFrames {
    /// Frames that the job must have.
    pub expected: FrameSet,
    /// All files are there and whole.
    pub ok: FrameSet,
    /// A file is not there, or a worker may still write it.
    pub missing: FrameSet,
    /// A file is there and broken.
    pub bad: FrameSet,
    /// Whole, but the log of their task speaks of wrong pixels.
    pub suspect: FrameSet,
    /// Those of `missing` that a worker may still write.
    pub rendering: FrameSet,
    /// Those of `ok` and `suspect` whose files lie in `dist/`.
    pub harvested: FrameSet,
    /// Those of `ok` and `suspect` that have a file of a format that farm cannot check.
    pub unchecked: FrameSet,
    /// Why each bad frame is bad; several for a frame with several broken files.
    pub flaws: Vec<FrameFlaw>,
    /// Why suspect frames are suspect.
    pub suspicions: Vec<FrameSuspicion>,
    /// Files of a format that farm cannot check; their frames count as ok.
    pub unknown: u64,
    /// What else lies in the job's folder.
    pub extras: Vec<String>,
    /// Why rendering what is missing again would fail again, if the newest run's logs leave no doubt.
    pub hopeless: Option<String>,
    /// Seconds per frame, as the logs of ended tasks tell.
    pub seconds_per_frame: Option<f64>,
}

impl JobFrames {
    /// The sizes of the sets.
    pub fn counts(&self) -> FrameCounts {
        let count = |set: &FrameSet| set.len() as u64;
        FrameCounts {
            expected: count(&self.expected),
            ok: count(&self.ok),
            missing: count(&self.missing),
            bad: count(&self.bad),
            suspect: count(&self.suspect),
        }
    }

    /// The same without these frames: they are nobody's concern.
    #[must_use]
    pub fn without(mut self, left: &FrameSet) -> JobFrames {
        if left.is_empty() {
            return self;
        }
        let JobFrames { expected, ok, missing, bad, suspect, rendering, harvested, unchecked, .. } = &mut self;
        for set in [expected, ok, missing, bad, suspect, rendering, harvested, unchecked] {
            *set = set.minus(left);
        }
        self.flaws.retain(|flaw| !left.contains(flaw.frame));
        self
    }

    /// Frames that a new run would have to render: those that are not fine and that no worker is about to write.
    pub fn to_render(&self) -> FrameSet {
        self.missing.union(&self.bad).minus(&self.rendering)
    }
}
