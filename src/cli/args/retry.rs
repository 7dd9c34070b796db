//! `farm retry`

use super::change::ChangeArgs;
use clap::Args;

// `farm retry`
#[derive(Debug, Args)]
pub struct RetryArgs {
    /// Which jobs: r1/shot010, r1, 'shot0*', six letters or more of a run's id, or 'release:r1 status:failed' (see
    /// docs/queries.md). A job's own name means it in every release. Words side by side are all of one job; r1/A,r1/B is
    /// any of these. Not needed with --apply
    #[arg(value_name = "QUERY", required_unless_present = "apply", conflicts_with = "apply")]
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
