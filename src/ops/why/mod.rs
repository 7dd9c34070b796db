//! `farm why`: why a job is not rendering.
//!
//! `survey` gathers facts and asks nobody for more than it needs; `decide` makes causes of them and asks nobody at all,
//! so that each cause is a row of a table in its tests.

mod decide;
mod facts;
pub mod names;
mod survey;
mod waiting;
mod words;

pub use survey::why;

use crate::base::ids::JobId;
use crate::base::name::JobRef;
use crate::ops::check::FrameCounts;
use serde::Serialize;

/// One reason why a job is not rendering.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// Its stable word ([`names`]).
    pub name: &'static str,
    /// What shows it.
    pub evidence: String,
    /// What helps.
    pub remedy: String,
}

/// What is known about a job that people wait for.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Answer {
    /// The job; `None` for one of which the Manager alone tells.
    #[serde(rename = "ref")]
    pub reference: Option<JobRef>,
    /// What it is called: that, or its name on the Manager.
    pub name: String,
    /// The Manager's id of the run that is spoken of.
    pub id: Option<JobId>,
    /// Its status, as `farm status` has it; `unknown` where its Manager does not answer.
    pub status: String,
    /// How it stands, in a sentence.
    pub summary: String,
    /// Its frames; none where its Manager does not answer, or alone tells of it.
    pub frames: Option<FrameCounts>,
    /// Why it is not rendering, the most likely first; empty if all is well.
    pub causes: Vec<Cause>,
    /// Whether its Manager did not answer.
    #[serde(skip)]
    pub is_manager_away: bool,
}

#[cfg(test)]
mod tests;
