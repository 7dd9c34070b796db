//! `farm replace …`

use super::change::ChangeArgs;
use super::job_options::JobOptionsArgs;
use crate::base::frame_set::FrameSet;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const USAGE: &str = "farm replace job [OPTIONS] JOB
       farm replace job [OPTIONS] --using FILE
       farm replace job [OPTIONS] --apply FILE";

/// What can be replaced.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum ReplaceCommand {
    /// Put a changed scene in the place of the one that a job was planned from.
    ///
    /// An object was updated after the release was planned: the scene is read again, with all that it needs, and farm
    /// shows what is different. When you agree, the job's runs are canceled and waited for, its old frames and its old
    /// scene go to the trash, and the new frames are put in the queue. The record of the release has both revisions.
    /// Harvested frames of the old one stay in dist/, out of date, until the next harvest replaces them.
    Job(Box<ReplaceJobArgs>),
}

// `farm replace job`
#[derive(Debug, Args)]
#[command(override_usage = USAGE)]
pub struct ReplaceJobArgs {
    /// The job: r1/shot010, quick/still, or its own name where only one job has that
    #[arg(required_unless_present_any = ["using", "apply"], conflicts_with_all = ["using", "apply"])]
    pub job: Option<String>,
    /// The new scene; default: the file that it was planned from
    #[arg(long, value_name = "FILE", conflicts_with_all = ["using", "apply"])]
    pub with: Option<PathBuf>,
    /// Replace every job that needs this library, texture or other file, which was saved anew: its path, the end of it, or
    /// a glob in quotes
    #[arg(long, value_name = "FILE|GLOB", conflicts_with = "apply")]
    pub using: Option<String>,
    /// With --using: only jobs of this release, or of `quick`
    #[arg(long, value_name = "NAME", requires = "using", conflicts_with = "apply")]
    pub release: Option<String>,
    /// Render only these frames anew, and leave the others as they are, those too that are missing; broken ones go to the
    /// trash, and what a run that is canceled was to render is rendered from the new scene
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true, conflicts_with_all = ["keep_frames", "apply"])]
    pub frames: Option<FrameSet>,
    /// Keep every frame that is there and that the job still has, and render only what is missing
    #[arg(long, conflicts_with = "apply")]
    pub keep_frames: bool,
    /// The frames that the job has from now on; default: what the new scene says, where the job has what the old one said
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true, conflicts_with_all = ["using", "apply"])]
    pub range: Option<FrameSet>,
    /// How the frames are rendered and queued.
    #[command(flatten)]
    pub options: JobOptionsArgs,
    /// Do not ask, go ahead
    #[arg(long, short)]
    pub yes: bool,
    /// Stay until everything is rendered; with the local queue, render it right here
    #[arg(long, conflicts_with = "paused")]
    pub wait: bool,
    /// Show, save or apply the plan.
    #[command(flatten)]
    pub change: ChangeArgs,
}
