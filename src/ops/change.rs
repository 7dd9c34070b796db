//! What a command sets out to do to jobs, as its journal tells it: for whoever finds the journal after a death, and for
//! `farm undo`.

use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::ids::RunId;
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::ops::ports::Actor;
use crate::volume::journal::Account;
use crate::volume::release_file::{JobRecord, ReleaseFile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// The journals' words for changes of jobs.
pub const PLAN: &str = "plan";
/// A job through `quick/`.
pub const SEED: &str = "seed";
/// A new revision of a job.
pub const REPLACE: &str = "replace";
/// Frames that are rendered anew.
pub const RETRY: &str = "retry";
/// Runs that are ended.
pub const KILL: &str = "kill";
/// A change that is taken back.
pub const UNDO: &str = "undo";

/// The changes of which the state in between is not what the record says: killed there, they are finished or taken back
/// before anybody looks at the jobs' frames.
const WITH_STATES_BETWEEN: [&str; 4] = [SEED, REPLACE, RETRY, UNDO];

/// How the journal of a change ends that was taken back before it counted: it changed nothing.
pub const TAKEN_BACK: &str = "taken back before it counted";

/// The body of the journal of each of these.
///
/// A kill changes nothing on the volume and is written down when it is done. Order of every other change: the journal; the
/// runs that it ends, and quiet; what goes to the trash (in the journal's own transaction); what is copied; the record of
/// the jobs; submission; journal done. Until the record has the change's runs nothing counts and all of it can be taken
/// back; afterwards the record is the truth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The release, or `quick`.
    pub release: Home,
    /// Who did it; unknown of changes of an earlier farm.
    #[serde(default)]
    pub by: Option<Author>,
    /// The scenes that are put into the store.
    pub store: Vec<RelPath>,
    /// The files that are copied with them.
    pub copies: Vec<RelPath>,
    /// The jobs that it changes; empty in a journal of an earlier farm.
    #[serde(default)]
    pub jobs: Vec<ChangedJob>,
}

/// Who changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The user's name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The command, as typed.
    pub command: String,
}

impl Author {
    /// Whoever runs this command.
    pub fn of(actor: &Actor) -> Author {
        Author { user: actor.user.clone(), host: actor.host.clone(), command: actor.command.clone() }
    }
}

/// One job of a change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChangedJob {
    /// The job.
    pub name: JobName,
    /// The frames that it has afterwards.
    pub frames: FrameSet,
    /// What its record was before.
    #[serde(default)]
    pub before: Before,
    /// The run that is submitted for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunId>,
    /// Runs that could still do something and are ended first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ends: Vec<RunId>,
}

impl Change {
    /// Whether the record has what the change puts into it: then it counts, and is to be finished; else it is taken back.
    pub fn is_recorded(&self, file: &ReleaseFile) -> bool {
        let mut told = self.jobs.iter().filter_map(|job| job.is_recorded(file)).peekable();
        told.peek().is_some() && told.all(|is_there| is_there)
    }
}

impl ChangedJob {
    /// Whether the record has the run of the change, or where none was needed a newer revision; `None` where neither says
    /// anything.
    pub fn is_recorded(&self, file: &ReleaseFile) -> Option<bool> {
        let record = file.job(&self.name);
        match (self.run, &self.before) {
            (Some(run), _) => Some(record.is_some_and(|record| record.runs.iter().any(|written| written.id == run))),
            (None, Before::Was(before)) => {
                let is_newer = record.is_some_and(|record| record.current().number > before.current().number);
                is_newer.then_some(true)
            }
            (None, Before::Unknown | Before::Absent) => None,
        }
    }
}

/// A job's record before a change.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Before {
    /// Nobody wrote it down: a change of an earlier farm.
    #[default]
    Unknown,
    /// There was none: the change makes the job.
    Absent,
    /// This.
    Was(Box<JobRecord>),
}

impl Before {
    /// The record as it is now, before the change.
    pub fn of(record: Option<&JobRecord>) -> Before {
        record.map_or(Before::Absent, |record| Before::Was(Box::new(record.clone())))
    }
}

/// The change that the journal of a plan, a seed, a replace, a retry, a kill or an undo tells of.
pub fn of(account: &Account) -> Result<Change, Failure> {
    body(account)
}

/// `a replace`, `an undo`
pub fn named(kind: &str) -> String {
    let article = if kind == UNDO { "an" } else { "a" };
    format!("{article} {kind}")
}

/// Whether this is the journal of a change that leaves the jobs' frames in between while it is under way.
pub fn is_between(account: &Account) -> bool {
    WITH_STATES_BETWEEN.contains(&account.intent.kind.as_str())
}

/// What the journal of a change says, as its kind has it.
pub fn body<B: DeserializeOwned>(account: &Account) -> Result<B, Failure> {
    B::deserialize(&account.intent.body).map_err(|error| {
        let (kind, id) = (&account.intent.kind, account.intent.id);
        Failure::new(Class::Refused, format!("the journal of {kind} {id} cannot be understood: {error}"))
            .with_hint("Run `farm recover` with the farm that began it, or a newer one.")
    })
}
