//! What a harvest did.

use super::carry::Left;
use super::plan::{FileVerdict, HarvestPlan};
use crate::base::ids::TransactionId;
use crate::base::rel_path::RelPath;
use crate::ops::preview::Preview;
use serde::Serialize;

/// How a harvest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing was tried: this is what would be done.
    Planned,
    /// Every frame that was asked for is in `dist/`, some since now.
    Harvested,
    /// Every frame was in `dist/` already and is what it was.
    Verified,
    /// What is fine is in `dist/`, other frames are not.
    Partial,
    /// Frames are not fine, so nothing was moved.
    Blocked,
}

/// What `farm harvest release` did.
#[derive(Debug)]
pub struct HarvestReport {
    /// What was found and decided.
    pub plan: HarvestPlan,
    /// How it ended.
    pub outcome: Outcome,
    /// The journal's id, if something was done.
    pub transaction: Option<TransactionId>,
    /// Killed harvests that were finished first.
    pub finished: Vec<TransactionId>,
    /// What went to the trash, beneath the volume.
    pub trashed: Vec<RelPath>,
    /// What could not be moved after all.
    pub left: Vec<Left>,
    /// Contact sheets and videos.
    pub previews: Vec<Preview>,
}

impl HarvestReport {
    /// A plan that is only shown.
    pub fn planned(plan: HarvestPlan) -> Self {
        let (finished, trashed, left, previews) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        HarvestReport { plan, outcome: Outcome::Planned, transaction: None, finished, trashed, left, previews }
    }
}

impl HarvestPlan {
    /// How carrying it out ends, if all goes well.
    pub fn outcome(&self) -> Outcome {
        let verdicts = || self.jobs.iter().flat_map(|job| &job.files).map(|file| file.verdict);
        match () {
            () if self.is_blocked() => Outcome::Blocked,
            () if !self.problems.is_empty() && verdicts().next().is_none() => Outcome::Blocked,
            () if !self.problems.is_empty() => Outcome::Partial,
            () if verdicts().all(|verdict| verdict == FileVerdict::There) => Outcome::Verified,
            () => Outcome::Harvested,
        }
    }
}
