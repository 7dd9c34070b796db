//! Why a harvest is refused before anything moves.

use crate::base::error::{Class, Explain};
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use std::fmt;

/// So many conflicts are named; whoever has more has one cause.
const NAMED: usize = 3;

/// A name in `dist/<release>/` that a file cannot have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The name, beneath `dist/<release>/`.
    pub path: RelPath,
    /// Why.
    pub cause: ConflictCause,
}

/// Why a name cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConflictCause {
    /// Several files would get it.
    Wanted {
        /// How many.
        times: usize,
        /// Frames of the first two.
        frames: Vec<i32>,
    },
    /// Farm keeps its own files there.
    Own,
    /// Another file that was not harvested from this frame lies there.
    OtherBytes {
        /// The file in `out/`, beneath the volume.
        from: RelPath,
    },
    /// What was harvested from the same frame before lies there.
    RenderedAgain {
        /// The file in `out/`, beneath the volume.
        from: RelPath,
    },
    /// What was harvested from the same frame before lies there, and is not what it was; the file in `out/` is.
    Altered {
        /// The file in `out/`, beneath the volume.
        from: RelPath,
    },
    /// A harvested file of another frame lies there.
    Belongs {
        /// The job that it belongs to.
        job: JobName,
        /// Its frame.
        frame: i32,
    },
    /// Something else than a file lies there.
    NotAFile,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.cause {
            ConflictCause::Wanted { times, frames } => {
                let frames: Vec<String> = frames.iter().map(i32::to_string).collect();
                write!(f, "{path} would be the name of {times} files (of frames {}…)", frames.join(", "))
            }
            ConflictCause::Own => write!(f, "{path} is a name that farm keeps for itself"),
            ConflictCause::OtherBytes { from } => write!(f, "{path} is there already and is not the same as {from}"),
            ConflictCause::RenderedAgain { from } => {
                write!(f, "{path} was harvested before, and {from} was rendered again since")
            }
            ConflictCause::Altered { from } => {
                write!(f, "{path} was altered or damaged since it was harvested, and {from} is as it was")
            }
            ConflictCause::Belongs { job, frame } => write!(f, "{path} is there already: it is frame {frame} of {job}"),
            ConflictCause::NotAFile => write!(f, "{path} is there already and is no file"),
        }
    }
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum HarvestError {
    /// Names clash with each other or with what is in `dist/`.
    #[error("dist/{release} cannot take the frames: {}", list(conflicts))]
    Conflicts {
        /// The release.
        release: Home,
        /// The names; at least one.
        conflicts: Vec<Conflict>,
    },
    /// The plan that was saved is not what would be done now.
    #[error("the plan is out of date: {}", differences.join("; "))]
    Moved {
        /// What differs, a phrase each.
        differences: Vec<String>,
    },
    /// Every job that was asked for is still being rendered.
    #[error("no job of {release} is complete yet: {}", few(jobs.clone()))]
    NothingComplete {
        /// The release.
        release: Home,
        /// What each job lacks, a phrase each: `A has 2 bad frames`.
        jobs: Vec<String>,
    },
}

fn list(conflicts: &[Conflict]) -> String {
    few(conflicts.iter().map(Conflict::to_string).collect())
}

fn few(mut words: Vec<String>) -> String {
    let more = words.len().saturating_sub(NAMED);
    words.truncate(NAMED);
    if more > 0 {
        words.push(format!("and {more} more"));
    }
    words.join("; ")
}

impl Explain for HarvestError {
    fn class(&self) -> Class {
        match self {
            HarvestError::Conflicts { .. } | HarvestError::Moved { .. } => Class::Refused,
            HarvestError::NothingComplete { .. } => Class::NoMatch,
        }
    }
    fn hint(&self) -> Option<String> {
        Some(match self {
            HarvestError::Conflicts { conflicts, .. } => match conflicts.first().map(|conflict| &conflict.cause) {
                Some(ConflictCause::Wanted { .. } | ConflictCause::Own) => {
                    "Choose other names with --template, e.g. '{job}.{frame:04}.{ext}'.".into()
                }
                Some(ConflictCause::RenderedAgain { .. }) => {
                    "--replace takes the new frames and puts the old ones into the trash; to keep the old ones, delete the new \
                     ones from out/."
                        .into()
                }
                Some(ConflictCause::Altered { .. }) => {
                    "Move the files in dist/ away, then give the same command again: it takes those in out/.".into()
                }
                _ => "Move those files away, or choose other names with --template.".into(),
            },
            HarvestError::Moved { .. } => "Make the plan again with --plan-out and look at it.".into(),
            HarvestError::NothingComplete { .. } => {
                "`farm status` shows how far the jobs are; without --completed each frame that is not fine is named.".into()
            },
        })
    }
}
