//! What a Manager tells only where it is asked for one thing: parts of logs, why a task is as it is, whom a job does not want,
//! when a worker sleeps.

use crate::base::ids::WorkerId;

/// Part of a task's log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPart {
    /// The bytes, from where they were asked for.
    pub bytes: Vec<u8>,
    /// How long the whole log is now.
    pub size: u64,
}

/// What a list of tasks does not say of one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaskStory {
    /// The last word about it: a reason, a failure.
    pub activity: String,
    /// Who failed it, and does not get it again.
    pub failed_by: Vec<WorkerId>,
}

/// A worker that gets no task of one type of a job any more, for it failed too many of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The worker.
    pub worker: WorkerId,
    /// `blender`, `ffmpeg`, …
    pub task_type: String,
}

/// When a worker sleeps, by the Manager's clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SleepSchedule {
    /// Days as Flamenco writes them, `mo tu`; every day where it is empty.
    pub days: String,
    /// `HH:MM`; the day's begin where it is empty.
    pub from: String,
    /// `HH:MM`; the day's end where it is empty.
    pub to: String,
}
