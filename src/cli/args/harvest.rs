//! `farm harvest …`

use super::change::ChangeArgs;
use clap::{Args, Subcommand};

/// What can be harvested.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum HarvestCommand {
    /// Check every frame of a release, then move the frames, renamed, into dist/.
    ///
    /// Every frame that was planned is looked for and examined. If one is missing, cut off or damaged it is named and
    /// nothing is moved (exit code 7), unless you say --partial. With the frames come a list of digests
    /// (manifest.json), a contact sheet and a preview video. Running it again moves nothing and checks what is there.
    Release(HarvestReleaseArgs),
}

// `farm harvest release`
#[derive(Debug, Args)]
pub struct HarvestReleaseArgs {
    /// The name of the release; not needed with --apply
    #[arg(required_unless_present = "apply")]
    pub release: Option<String>,
    /// Only these jobs of it: a name, or a glob such as 'shot0*'; may be given again
    #[arg(long, value_name = "NAME|GLOB", conflicts_with = "apply")]
    pub jobs: Vec<String>,
    /// Only jobs whose frames are all there; leave the others for later
    #[arg(long, conflicts_with = "apply")]
    pub completed: bool,
    /// Move the good frames even if others are missing or bad
    #[arg(long, conflicts_with = "apply")]
    pub partial: bool,
    /// Leave the rendered frames where they are too: copy instead of moving
    #[arg(long, conflicts_with = "apply")]
    pub keep: bool,
    /// Where a frame was rendered again after it was harvested, take the new one; the old one goes to the trash
    #[arg(long, conflicts_with = "apply")]
    pub replace: bool,
    /// File names in dist/, also of what lies there already; made of {release} {job} {frame} {frame:04} {ext} {scene} {layer} {view} {pass};
    /// default: {job}.{frame:04}.{ext}, for stills {job}.{ext}
    #[arg(long, value_name = "TEMPLATE", conflicts_with = "apply")]
    pub template: Option<String>,
    /// Decode every frame completely, not only a sample; slower
    #[arg(long, conflicts_with_all = ["quick_check", "apply"])]
    pub deep: bool,
    /// Decode no frame, check structure and size alone; faster
    #[arg(long = "quick", conflicts_with = "apply")]
    pub quick_check: bool,
    /// Accept frames whose log speaks of wrong pixels (a missing add-on, a failed driver)
    #[arg(long, conflicts_with = "apply")]
    pub allow_suspect: bool,
    /// Make no contact sheet and no preview video
    #[arg(long)]
    pub no_preview: bool,
    /// Show, save or apply the plan.
    #[command(flatten)]
    pub change: ChangeArgs,
}
