//! What a user asks `farm harvest release` for.

use crate::base::name::Home;
use crate::frames::sampling::Depth;
use crate::frames::template::Template;
use serde::{Deserialize, Serialize};

/// A release to be harvested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HarvestRequest {
    /// The release.
    pub release: Home,
    /// Names or globs of jobs; none: all.
    pub jobs: Vec<String>,
    /// Which of those are taken.
    pub taken: JobsTaken,
    /// What to do when frames are not fine.
    pub gaps: Gaps,
    /// What becomes of `out/`.
    pub keeping: Keeping,
    /// What to do about frames whose log speaks of wrong pixels.
    pub suspects: Suspects,
    /// How thoroughly frames are checked.
    pub depth: Depth,
    /// Names in `dist/`; the default for each job otherwise.
    pub template: Option<Template>,
    /// What becomes of the names of files that were harvested before.
    #[serde(default)]
    pub names: NamesOfOld,
    /// What to do about frames that were rendered again after they were harvested.
    #[serde(default)]
    pub rendered_again: RenderedAgain,
}

impl HarvestRequest {
    /// What is meant where nothing but the release is named.
    pub fn of(release: Home) -> Self {
        HarvestRequest {
            release,
            jobs: Vec::new(),
            taken: JobsTaken::All,
            gaps: Gaps::Refuse,
            keeping: Keeping::Move,
            suspects: Suspects::Refuse,
            depth: Depth::Standard,
            template: None,
            names: NamesOfOld::Stay,
            rendered_again: RenderedAgain::Refuse,
        }
    }
}

/// What becomes of the names of files that lie in `dist/` already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NamesOfOld {
    /// They stay: others may know them by these names.
    #[default]
    Stay,
    /// They change to what the template says.
    Change,
}

/// What to do about a frame in `out/` whose harvested file in `dist/` is not out of date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RenderedAgain {
    /// Refuse: nobody but a person knows which of the two is wanted.
    #[default]
    Refuse,
    /// Take the new one; the old one goes to the trash.
    Replace,
}

/// Which jobs are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobsTaken {
    /// All that were named.
    All,
    /// Of those, the ones whose frames are all there.
    Completed,
}

/// What to do when frames are missing or bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Gaps {
    /// Move nothing.
    Refuse,
    /// Move the others.
    Allow,
}

/// What becomes of the frames in `out/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keeping {
    /// They are moved.
    Move,
    /// They stay, and a copy goes to `dist/`.
    Keep,
}

/// What to do about suspect frames.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Suspects {
    /// As about bad ones.
    Refuse,
    /// Take them, marked in the manifest.
    Allow,
}
