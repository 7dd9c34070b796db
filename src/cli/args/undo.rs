//! `farm undo`, `farm trash`.

use clap::{Args, Subcommand};
use std::time::Duration;

// `farm undo`
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Six letters or more of the change's id, as `farm undo --list` shows it; default: the last change that a person made
    #[arg(value_name = "ID")]
    pub id: Option<String>,
    /// Show what can be taken back, and change nothing
    #[arg(long, conflicts_with_all = ["id", "resubmit", "yes", "dry_run"])]
    pub list: bool,
    /// Also submit again what the change had ended: frames that are missing or broken. Given again, what still is
    #[arg(long)]
    pub resubmit: bool,
    /// Do not ask, go ahead
    #[arg(long, short)]
    pub yes: bool,
    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Wait this long while another farm works on the same release, e.g. 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = crate::cli::settings::parse_duration)]
    pub lock_wait: Option<Duration>,
}

/// What can be done with the trash.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub enum TrashCommand {
    /// Show what is in the trash: of which change, until when it is held, how much it is.
    ///
    /// Everything that farm throws away goes here first and is held for seven days. `farm undo ID` brings it back.
    List(TrashListArgs),
    /// Free the space of what is in the trash, for good.
    ///
    /// Without --older only what was held for its time goes. The volume's name has to be typed, or given with --confirm;
    /// --yes is not enough.
    Purge(TrashPurgeArgs),
}

// `farm trash list`
#[derive(Debug, Args)]
pub struct TrashListArgs {
    /// Only what came from this release
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<String>,
}

// `farm trash purge`
#[derive(Debug, Args)]
pub struct TrashPurgeArgs {
    /// Whatever has been in the trash for so long, e.g. 7d, even if it would be held longer
    #[arg(long, value_name = "TIME", value_parser = crate::cli::settings::parse_duration)]
    pub older: Option<Duration>,
    /// Only what came from this release
    #[arg(long, value_name = "RELEASE")]
    pub release: Option<String>,
    /// The volume's name, to say that it is meant; `farm status --json` shows it
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Show what would go, and change nothing
    #[arg(long)]
    pub dry_run: bool,
}
