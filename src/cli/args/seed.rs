//! `farm seed …`

use super::change::ChangeArgs;
use super::job_options::JobOptionsArgs;
use crate::base::frame_set::FrameSet;
use clap::{Args, Subcommand};

const USAGE: &str = "farm seed job [OPTIONS] FILE NAME
       farm seed job [OPTIONS] NAME
       farm seed job [OPTIONS] --apply FILE";

/// What can be seeded.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum SeedCommand {
    /// Render one scene by itself, outside any release.
    ///
    /// The scene goes through quick/ with all that it needs, and its frames into quick/out/NAME. Without a file the scene
    /// that is there under that name is rendered anew. Under a name that was used before, the scene and the frames that
    /// were there go to the trash. With --wait --harvest the finished pictures lie in dist/quick/, and their paths are
    /// printed.
    Job(Box<SeedJobArgs>),
}

// `farm seed job`
#[derive(Debug, Args)]
#[command(override_usage = USAGE)]
pub struct SeedJobArgs {
    /// A .blend file, and a name for the job; the name alone renders anew what was seeded under it
    #[arg(value_names = ["FILE", "NAME"], num_args = 1..=2, required_unless_present = "apply", conflicts_with = "apply")]
    pub words: Vec<String>,
    /// The frames to render: 1-100, or 1,4,7, or 1-100x2 for every second; default: what the scene says
    #[arg(long, value_name = "FRAMES", allow_hyphen_values = true, conflicts_with = "apply")]
    pub frames: Option<FrameSet>,
    /// How the frames are rendered and queued.
    #[command(flatten)]
    pub options: JobOptionsArgs,
    /// Do not ask, go ahead
    #[arg(long, short)]
    pub yes: bool,
    /// Stay until it is rendered; with the local queue, render it right here
    #[arg(long, conflicts_with = "paused")]
    pub wait: bool,
    /// Then check the frames, move them into dist/quick/ and print their paths
    #[arg(long, requires = "wait")]
    pub harvest: bool,
    /// Show, save or apply the plan.
    #[command(flatten)]
    pub change: ChangeArgs,
}
