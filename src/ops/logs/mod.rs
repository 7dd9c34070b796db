//! `farm logs`: what the renderers of a job wrote, task by task.
//!
//! Logs are read in pieces and handed on as they come, so that one of many gigabytes, or a line of it, takes no more memory
//! than a short one; `follow` goes on where the last piece ended.

mod follow;
mod read;
mod survey;

pub use follow::follow;
pub use read::{Extent, Kept, keep, print};
pub use survey::{survey, was_not_begun};

use crate::base::ids::TaskId;
use crate::base::name::JobRef;
use crate::base::status::TaskStatus;
use crate::base::time::Timestamp;
use std::ops::ControlFlow;

/// Whose logs are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogsRequest {
    /// A job, a release, or six letters or more of a run's id; of a job that the volume does not know, its id or name.
    pub name: String,
    /// Of one task: its name, or six letters or more of its id.
    pub task: Option<String>,
    /// Of which tasks.
    pub of: Of,
}

/// Of which tasks logs are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// All of them.
    All,
    /// Those that a worker failed.
    Failed,
}

/// A task that may have a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskLog {
    /// The job; `None` for one of which the Manager alone tells.
    pub reference: Option<JobRef>,
    /// What it is called: that, or its name on the Manager.
    pub job: String,
    /// The number of its run within the job.
    pub run: u32,
    /// The Manager's id of the task.
    pub id: TaskId,
    /// Its name.
    pub task: String,
    /// Its status.
    pub status: TaskStatus,
    /// The name of the worker that has it or had it last, or its id, where nobody knows the name any more.
    pub worker: Option<String>,
    /// When anything about it changed last.
    pub updated: Timestamp,
}

/// What a look for logs found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Found {
    /// The tasks, run by run in the order submitted.
    pub tasks: Vec<TaskLog>,
    /// Whether a worker may still write to one of them.
    pub is_open: bool,
    /// Whether more than one job was named.
    pub is_release: bool,
}

/// Who gets what logs hold. Break: nobody reads on.
pub trait Reader {
    /// The log of this task follows, or more of it.
    fn begins(&mut self, log: &TaskLog) -> ControlFlow<()>;
    /// Some of its bytes.
    fn bytes(&mut self, bytes: &[u8]) -> ControlFlow<()>;
}

#[cfg(test)]
mod tests;
