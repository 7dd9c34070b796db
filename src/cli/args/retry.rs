//! `farm retry`

use super::change::ChangeArgs;
use clap::Args;

// `farm retry`
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// A job (r1/shot010), a release (r1), a glob such as 'shot0*', or six letters or more of a run's id; several mean what
    /// any of them does. Or a query: 'release:r1 status:failed'. Not needed with --apply
    #[arg(required_unless_present = "apply", conflicts_with = "apply")]
    pub query: Vec<String>,
    /// Leave frames whose log speaks of wrong pixels (a missing add-on, a failed driver) as they are
    #[arg(long, conflicts_with = "apply")]
    pub allow_suspect: bool,
    /// Examine every frame again instead of trusting what was found earlier
    #[arg(long, conflicts_with = "apply")]
    pub verify: bool,
    /// Stay until they are rendered, try what fails again, and check every frame
    #[arg(long)]
    pub wait: bool,
    /// Do not ask, go ahead
    #[arg(long, short)]
    pub yes: bool,
    /// Show, save or apply the plan.
    #[command(flatten)]
    pub change: ChangeArgs,
}
