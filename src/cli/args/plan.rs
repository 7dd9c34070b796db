//! `farm plan …`

use super::change::ChangeArgs;
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
    /// How many frames a machine renders in one go (a task): a number, or `auto` to let farm choose
    #[arg(long, value_name = "N|auto", conflicts_with = "apply")]
    pub chunk: Option<String>,
    /// From 0 to 100; jobs of higher priority are rendered first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100), conflicts_with = "apply")]
    pub priority: Option<u8>,
    /// Let only workers with this tag render it (tags are given to workers in Flamenco; the local queue has none)
    #[arg(long, conflicts_with = "apply")]
    pub tag: Option<String>,
    /// Render to this image format instead of the scene's: PNG, OPEN_EXR, JPEG, TIFF, WEBP, …
    #[arg(long, conflicts_with = "apply")]
    pub format: Option<String>,
    /// Which scene of each file: its name, or `all` for one job per scene; default: the one it was saved in
    #[arg(long, value_name = "NAME|all", conflicts_with = "apply")]
    pub scene: Option<String>,
    /// How jobs are named, with {file}, {folder}, {scene} and {number}; default: {file}
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "apply")]
    pub job_name_template: Option<String>,
    /// Go on even if files that a scene needs are missing; they render pink or not at all
    #[arg(long, conflicts_with = "apply")]
    pub allow_missing: bool,
    /// Where a path in a scene cannot be rewritten, let Blender pack the file into the copy of the scene
    #[arg(long, conflicts_with = "apply")]
    pub pack: bool,
    /// Add jobs or frames to a release that exists already
    #[arg(long, conflicts_with = "apply")]
    pub update: bool,
    /// The Blender that renders, as the Manager's variable blender-VERSION names it: 4.2
    #[arg(long, value_name = "VERSION", conflicts_with = "apply")]
    pub blender: Option<String>,
    /// Cycles' device: CPU, CUDA, OPTIX, HIP, ONEAPI or METAL, with +CPU for both
    #[arg(long, value_name = "DEVICE", conflicts_with = "apply")]
    pub device: Option<String>,
    /// Samples per pixel instead of what the scene says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "apply")]
    pub samples: Option<u32>,
    /// An environment variable for the renderer, such as OCIO=/mnt/farm/config.ocio; may be given again
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "apply")]
    pub env: Vec<String>,
    /// Submit, but render nothing until somebody starts the jobs on Flamenco's own pages (not with the local queue)
    #[arg(long, conflicts_with = "apply")]
    pub paused: bool,
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
