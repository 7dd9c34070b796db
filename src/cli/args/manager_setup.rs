//! `farm setup …`

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// What can be set up.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum SetupCommand {
    /// Install farm's own job type on a Flamenco Manager, and farm itself on the volume for its workers.
    ///
    /// The job type is one small file, farm.js, in the folder scripts/ beside the Manager's program. Plain renders do not
    /// need it; --device, --blender, --env, --samples and frames below 0 do. Run this on the Manager's machine, or print
    /// the file with --print and put it there yourself.
    Manager(SetupManagerArgs),
    /// Look for Flamenco Managers on the local network, and remember the one that you choose.
    ///
    /// Asks as Flamenco's own workers do (SSDP). Nothing is remembered without your choice.
    Find(SetupFindArgs),
}

// `farm setup manager`
#[derive(Debug, Args)]
pub struct SetupManagerArgs {
    /// The folder scripts/ beside the Manager's program; made if it is not there
    #[arg(long, value_name = "DIR")]
    pub scripts: Option<PathBuf>,
    /// Print farm.js instead of writing it
    #[arg(long, conflicts_with = "scripts")]
    pub print: bool,
    /// Put this build of farm on the volume, for workers of another platform: linux-aarch64=FILE; may be given again.
    /// Platforms are linux-x86_64, linux-aarch64, macos-x86_64, macos-aarch64 and windows-x86_64
    #[arg(long, value_name = "PLATFORM=FILE", conflicts_with = "print")]
    pub binary: Vec<String>,
}

// `farm setup find`
#[derive(Debug, Args)]
pub struct SetupFindArgs {
    /// Ask this machine alone, where the question to all does not get through (a VPN)
    #[arg(long, value_name = "HOST[:PORT]")]
    pub ask: Option<String>,
    /// How long to wait for answers
    #[arg(long, value_name = "TIME", default_value = "3s")]
    pub wait: String,
    /// Remember this Manager in the volume's configuration
    #[arg(long, value_name = "URL")]
    pub choose: Option<String>,
}
