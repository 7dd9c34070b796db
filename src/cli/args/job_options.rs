//! Flags of every command that submits a scene's frames.

use clap::Args;

// How the frames of a job are rendered and queued.
#[derive(Debug, Clone, Args)]
pub struct JobOptionsArgs {
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
    /// Go on even if files that a scene needs are missing; they render pink or not at all
    #[arg(long, conflicts_with = "apply")]
    pub allow_missing: bool,
    /// Where a path in a scene cannot be rewritten, let Blender pack the file into the copy of the scene
    #[arg(long, conflicts_with = "apply")]
    pub pack: bool,
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
    /// Submit, but render nothing before `farm unpause` (Flamenco: 3.6 or newer)
    #[arg(long, conflicts_with = "apply")]
    pub paused: bool,
}
