//! Killing, pausing, unpausing jobs, and giving them another priority: what a query selects is shown, agreed to, looked at
//! again, and told what it shall be.

mod afterwards;
pub mod apply;
mod decide;
pub mod guard;
mod records;
mod survey;
#[cfg(test)]
mod tests;

pub use survey::survey;

use crate::base::consent::Consent;
use crate::base::frame_set::FrameSet;
use crate::base::ids::{JobId, RunId};
use crate::base::time::Timestamp;
use crate::ops::select::{Key, Reach};
use crate::query::Query;
use serde::Serialize;

/// What is done with the jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// They are ended.
    Kill(Afterwards),
    /// Their tasks wait until somebody says so; those that are active end first.
    Pause,
    /// They go on.
    Unpause,
    /// They get this priority.
    Priority(u8),
}

/// What comes after jobs were ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Afterwards {
    /// Nothing: their renderers end by themselves within ten seconds.
    Nothing,
    /// No worker writes for them any more when the command ends.
    Quiet,
    /// The same, and then the Manager forgets them.
    Gone,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct SteerRequest {
    /// What is done.
    pub verb: Verb,
    /// Whose jobs.
    pub reach: Reach,
    /// Which of them.
    pub query: Query,
    /// What keeps it from doing too much.
    pub guard: Guard,
    /// Why, for whoever looks at the jobs later.
    pub reason: Option<String>,
}

/// What was said of how many jobs there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Guard {
    /// So many match, whatever is done with them.
    pub expect: Option<usize>,
    /// Something is done with no more than so many.
    pub most: Option<usize>,
    /// So many of those that are acted upon are strangers; without a number none is.
    pub foreign: Option<usize>,
}

/// What would be done.
#[derive(Debug, Clone, PartialEq)]
pub struct SteerPlan {
    /// Every job that matches.
    pub jobs: Vec<PlannedJob>,
    /// Releases that cannot be read, one line each.
    pub unreadable: Vec<String>,
    /// The Manager.
    pub manager: String,
}

/// A job that matches, and what would be done with it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlannedJob {
    /// `release/job`; `null` for jobs that farm did not make.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The Manager's id.
    pub id: Option<JobId>,
    /// What would be done.
    pub verdict: Verdict,
    /// Why.
    pub reason: String,
    /// Its own name.
    pub name: String,
    /// Its status, as `farm status` shows it.
    pub status: String,
    /// Who submitted it.
    pub user: Option<String>,
    /// Whether farm did not make it.
    pub foreign: bool,
    /// Whose it is.
    pub standing: Standing,
    /// What became of it.
    pub outcome: Outcome,
    /// More about that: why it was not done, or what happened since.
    pub note: String,
    /// What it is called wherever it is looked at.
    #[serde(skip)]
    pub key: Key,
    /// The Manager's jobs that are told something, and those beside them that are taken away too.
    #[serde(skip)]
    pub told: Vec<Told>,
    /// Runs that were never submitted and are taken back.
    #[serde(skip)]
    pub withdrawn: Vec<RunId>,
    /// The frames of its record.
    #[serde(skip)]
    pub frames: FrameSet,
}

/// A job of the Manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: JobId,
    /// Farm's id of its run.
    pub run: Option<RunId>,
    /// Whether it is ended, paused…: others are there to be taken away.
    pub is_told: bool,
    /// Whether a worker may be at it, or was.
    pub is_begun: bool,
}

/// What would be done with a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is ended.
    Cancel,
    /// It has ended, and the Manager forgets it.
    Delete,
    /// It was never submitted, and never will be.
    Withdraw,
    /// It is paused.
    Pause,
    /// It goes on.
    Unpause,
    /// It gets the priority.
    Change,
    /// It has ended.
    AlreadyEnded,
    /// It is as it shall be.
    AlreadySo,
    /// No Manager has it yet.
    NotSubmitted,
    /// Another Manager has it.
    Elsewhere,
    /// It is a stranger, and nobody said that it is meant.
    Foreign,
    /// Its status allows nothing of the kind.
    Unfit,
}

impl Verdict {
    /// Whether anything is done.
    pub fn acts(self) -> bool {
        use Verdict::{Cancel, Change, Delete, Pause, Unpause, Withdraw};
        matches!(self, Cancel | Delete | Withdraw | Pause | Unpause | Change)
    }
}

/// What became of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing was to be done, or nothing was begun.
    Untouched,
    /// It was done.
    Done,
    /// It was another one when it was looked at again, and was left alone.
    Left,
    /// It was ended, and the Manager, which was to forget it then, still has it.
    NotDeleted,
    /// It could not be done.
    Failed,
    /// It was told, and nobody said what became of it: it may have been done.
    Unanswered,
}

/// Whose a job is, as far as whoever kills it is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Their own.
    Own,
    /// Another user's.
    OfOther,
    /// Made by farm, and the volume does not know it: it is most likely another volume's.
    Unrecorded,
    /// Not made by farm.
    Foreign,
}

impl Standing {
    /// Whether the volume knows nothing of such a job: who works on it may know nothing of whoever would end it.
    pub fn is_stranger(self) -> bool {
        matches!(self, Standing::Unrecorded | Standing::Foreign)
    }
}

/// What was done.
#[derive(Debug)]
pub struct SteerReport {
    /// The jobs with what became of them.
    pub plan: SteerPlan,
    /// How leave was given.
    pub consent: Consent,
    /// When the first of them was told.
    pub began: Timestamp,
    /// Whether no worker writes for them any more; `None` where nobody waited for that.
    pub quiet: Option<bool>,
    /// How many the Manager has forgotten.
    pub deleted: usize,
    /// What else people should know, one line each.
    pub notes: Vec<String>,
}

impl SteerPlan {
    /// Those that something is done with.
    pub fn acting(&self) -> impl Iterator<Item = &PlannedJob> {
        self.jobs.iter().filter(|job| job.verdict.acts())
    }

    /// How many of those that something is done with have this standing.
    pub fn of_standing(&self, standing: Standing) -> usize {
        self.acting().filter(|job| job.standing == standing).count()
    }

    /// How many of this standing something is done with, or would be once it is said that they are meant.
    pub fn concerned(&self, standing: Standing) -> usize {
        let is_concerned = |job: &&PlannedJob| job.verdict.acts() || job.verdict == Verdict::Foreign;
        self.jobs.iter().filter(is_concerned).filter(|job| job.standing == standing).count()
    }

    /// How many have this verdict.
    pub fn of_verdict(&self, verdict: Verdict) -> usize {
        self.jobs.iter().filter(|job| job.verdict == verdict).count()
    }

    /// How many have this outcome.
    pub fn of_outcome(&self, outcome: Outcome) -> usize {
        self.jobs.iter().filter(|job| job.outcome == outcome).count()
    }

    /// How many were ended, or will never begin.
    pub fn killed(&self) -> usize {
        let is_killed = |job: &&PlannedJob| {
            matches!(job.verdict, Verdict::Cancel | Verdict::Withdraw)
                && matches!(job.outcome, Outcome::Done | Outcome::NotDeleted)
        };
        self.jobs.iter().filter(is_killed).count()
    }

    /// Whether it is about one job of the asker's own, and nothing else matched.
    pub fn is_one_of_ones_own(&self) -> bool {
        matches!(&self.jobs[..], [job] if job.standing == Standing::Own)
    }
}

impl PlannedJob {
    /// That the Manager still has it, though it was to be deleted. One that was ended before stays so.
    fn is_not_deleted(&mut self, note: String) {
        self.outcome = if self.verdict == Verdict::Delete { Outcome::Failed } else { Outcome::NotDeleted };
        self.note = note;
    }

    /// What messages call it.
    pub fn words(&self) -> &str {
        self.reference.as_deref().unwrap_or(&self.name)
    }
}

impl Verb {
    /// What it does, before a noun: `kill`.
    pub fn word(self) -> &'static str {
        match self {
            Verb::Kill(_) => "kill",
            Verb::Pause => "pause",
            Verb::Unpause => "unpause",
            Verb::Priority(_) => "priority",
        }
    }

    /// What was done: `killed`.
    pub fn done(self) -> &'static str {
        match self {
            Verb::Kill(_) => "killed",
            Verb::Pause => "paused",
            Verb::Unpause => "unpaused",
            Verb::Priority(_) => "changed",
        }
    }

    /// What may have become of a job that gave no answer, after "may".
    pub(crate) fn perhaps(self) -> &'static str {
        match self {
            Verb::Kill(_) => "be killed",
            Verb::Pause => "be paused",
            Verb::Unpause => "go on",
            Verb::Priority(_) => "be changed",
        }
    }

    /// What a refusal ends with.
    pub fn nothing(self) -> &'static str {
        match self {
            Verb::Kill(_) => "nothing was killed",
            Verb::Pause => "nothing was paused",
            Verb::Unpause => "nothing was unpaused",
            Verb::Priority(_) => "no priority was changed",
        }
    }
}
