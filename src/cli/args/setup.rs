//! `farm init`, `inspect`, `recover`, `doctor`, `config`, `completions`, `man`.

use clap::{Args, Subcommand};
use std::path::PathBuf;

// `farm init`
#[derive(Debug, Args)]
pub struct InitArgs {
    /// The folder; made if it is not there. It has to lie on a disk that every rendering machine can reach
    pub dir: PathBuf,
    /// A name for the volume, shown and asked for where it matters; default: the folder's name
    #[arg(long)]
    pub name: Option<String>,
    /// Mark the volume as one for tests, not for work
    #[arg(long)]
    pub testing: bool,
    /// Give a volume that lost its .farm/volume.yaml a new id, where no backup of that file is left
    #[arg(long)]
    pub new_identity: bool,
    /// Show what would be made, and make nothing
    #[arg(long)]
    pub dry_run: bool,
}

// `farm inspect`
#[derive(Debug, Args)]
pub struct InspectArgs {
    /// Scene files: .blend of any Blender since 2.80, or RenderMan's .rib
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

// `farm recover`
#[derive(Debug, Args)]
pub struct RecoverArgs {
    /// Show what would be finished or rolled back, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}

// `farm doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {}

/// `farm config`
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum ConfigCommand {
    /// Show each setting, its value and where it comes from.
    ///
    /// Options win over the environment, the environment over the volume's .farm/config.yaml, that over your own
    /// config.yaml, and that over what is built in.
    Show,
}

// `farm completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell to print them for
    pub shell: clap_complete::Shell,
}

// `farm man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page per command into this folder instead; it has to be there
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}
