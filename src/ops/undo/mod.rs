//! `farm undo`: taking a change back.
//!
//! [`history`] tells which changes there were, [`survey()`] makes an [`UndoPlan`] of one of them, [`apply()`] carries it out
//! under the lock of its release. What the change threw away comes back from the trash with bytes, modes and times; what
//! it made goes to the trash, once its runs are ended and quiet; the record of its jobs is what it was. If anything newer
//! is in the way nothing is done. An undo is a change itself: it can be taken back, by its name.

pub mod apply;
mod begun;
mod deed;
pub mod history;
mod killed;
mod made;
mod newer;
pub mod recover;
mod resubmit;
pub mod survey;
mod whole_folders;

pub use apply::{UndoReport, apply};
pub use begun::{Begun, resume, undoes};
pub use history::{Entry, History, Standing};
pub use killed::{end_killed, is_killed, take_back_killed};
pub use recover::{Ended, finish, roll_back};
pub use resubmit::{Already, HadEnded, settle, submit_again, to_resubmit};
pub use survey::{Found, only_ended, survey};

use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, TransactionId};
use crate::base::name::{Home, JobName, JobRef};
use crate::base::rel_path::RelPath;
use crate::base::time::Timestamp;
use crate::ops::change::Change;
use crate::ops::harvest::undo::TakenBack;
use crate::volume::release_file::JobRecord;
use serde::{Deserialize, Serialize};

/// The schema of the plan's document.
pub const SCHEMA: &str = "farm.undo/1";

/// Whether runs are submitted for what the undone change had ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resubmit {
    /// Nothing is submitted.
    No,
    /// What had not ended is.
    Yes,
}

/// Everything that taking a change back would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoPlan {
    /// The change that is taken back.
    pub id: TransactionId,
    /// What it was: `replace`, `retry`…
    pub kind: String,
    /// When it was made.
    pub at: Timestamp,
    /// The command that made it, as typed; empty where nobody wrote it down.
    pub command: String,
    /// Of an undo that is taken back in place of a change that was had again with it: that change, by kind and id.
    #[serde(skip)]
    pub had_again: Option<(String, TransactionId)>,
    /// The release, or `quick`.
    pub release: Home,
    /// Its jobs.
    pub jobs: Vec<UndoneJob>,
    /// What comes back from the trash, beneath the volume.
    pub restored: Vec<RelPath>,
    /// What goes to the trash, for the change made it, beneath the volume.
    pub discarded: Vec<RelPath>,
    /// How many harvested files go back to where they came from.
    pub moved_back: usize,
    /// Whether frames that are missing then are submitted again.
    pub resubmits: bool,
}

impl UndoPlan {
    /// Whether no file, no record and no run would be another one: what is taken back had only ended runs.
    pub fn touches_nothing(&self) -> bool {
        let is_kept = |job: &UndoneJob| job.verdict == JobFate::Kept && job.ended.is_empty();
        let moves = !self.restored.is_empty() || !self.discarded.is_empty() || self.moved_back > 0;
        !moves && self.jobs.iter().all(is_kept)
    }

    /// The plan without what changes while somebody renders, and without how it was asked for.
    pub(super) fn essence(&self) -> UndoPlan {
        let mut plan = UndoPlan { discarded: Vec::new(), had_again: None, ..self.clone() };
        plan.jobs.iter_mut().for_each(|job| job.ended.clear());
        plan
    }
}

/// One job of a change that is taken back.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UndoneJob {
    /// `release/job`.
    #[serde(rename = "ref")]
    pub reference: JobRef,
    /// What becomes of its record.
    pub verdict: JobFate,
    /// The Manager's jobs that are ended first.
    pub ended: Vec<JobId>,
    /// Frames that the change's own runs were for.
    pub frames: FrameSet,
}

/// What becomes of a job's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobFate {
    /// The change made the job: it is taken out of the release.
    Removed,
    /// It is what it was before.
    Reverted,
    /// It stays as it is.
    Kept,
}

/// The body of an undo's journal: all that it takes to finish it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct UndoIntent {
    /// As every change of jobs has it: the records before are those before the undo.
    #[serde(flatten)]
    pub(super) change: Change,
    /// The change that is taken back.
    pub(super) undone: TransactionId,
    /// What goes to the trash.
    pub(super) discards: Vec<RelPath>,
    /// Of a harvest that is taken back: what goes to where it came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) harvest: Option<TakenBack>,
    /// What comes back: of an undo that is taken back, what it had made.
    pub(super) restores: Vec<RelPath>,
    /// The records as they shall be; `None`: the job is taken out.
    pub(super) after: Vec<(JobName, Option<JobRecord>)>,
}
