//! `farm plan …`

use super::change::ChangeArgs;
use super::job_options::JobOptionsArgs;
use crate::base::frame_set::FrameSet;
use clap::{Args, Subcommand};
use std::path::PathBuf;

const USAGE: &str = "farm plan release [OPTIONS] NAME SCENE...
       farm plan release [OPTIONS] --from FILE
       farm plan release [OPTIONS] --apply FILE";

/// What can be planned.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum PlanCommand {
    /// Take scenes, with all the files they need, and put their frames in the queue.
    ///
    /// Reads each file (without Blender) for its frames, cameras, format, textures and linked libraries, and shows
    /// what it found and what will surprise you. When you agree it copies the scenes and what they need onto the
    /// volume, so that your own files may change while the release renders, and submits one job per scene. In a script
    /// say --yes. Running the same command again is safe: what is there already is not done twice.
    Release(Box<PlanReleaseArgs>),
}

// `farm plan release`
#[derive(Debug, Args)]
#[command(override_usage = USAGE)]
pub struct PlanReleaseArgs {
    /// A name for the release, then its scenes: .blend files, folders of them, or globs in quotes; links are followed.
    /// On a terminal farm asks for what is missing
    #[arg(value_names = ["NAME", "SCENE"], num_args = 0.., conflicts_with = "apply")]
    pub words: Vec<String>,
    /// Read the release and its jobs from a YAML file instead (see examples/plan.yaml). Options beside it count for all jobs
    /// of the file, whatever it says of them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["words", "apply"])]
    pub from: Option<PathBuf>,
    /// The frames to render: 1-100, or 1,4,7, or 1-100x2 for every second; default: what each scene says
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true, conflicts_with = "apply")]
    pub frames: Option<FrameSet>,
    /// How the frames are rendered and queued.
    #[command(flatten)]
    pub options: JobOptionsArgs,
    /// How jobs are named, with {file}, {folder}, {scene} and {number}; default: {file}
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "apply")]
    pub job_name_template: Option<String>,
    /// Add jobs or frames to a release that exists already
    #[arg(long, conflicts_with = "apply")]
    pub update: bool,
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
