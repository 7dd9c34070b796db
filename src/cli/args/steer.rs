//! `farm jobs`, `farm kill`, `farm pause`, `farm unpause`, `farm priority`.

use clap::Args;

pub const KILL_USAGE: &str = "farm kill [OPTIONS] jobs QUERY
       farm kill [OPTIONS] release.jobs QUERY
       farm kill [OPTIONS] NAME.jobs QUERY";
pub const PAUSE_USAGE: &str = "farm pause [OPTIONS] jobs|release.jobs|NAME.jobs QUERY
       farm pause [OPTIONS] NAME/JOB";
pub const UNPAUSE_USAGE: &str = "farm unpause [OPTIONS] jobs|release.jobs|NAME.jobs QUERY
       farm unpause [OPTIONS] NAME/JOB";
pub const PRIORITY_USAGE: &str = "farm priority [OPTIONS] N jobs|release.jobs|NAME.jobs QUERY
       farm priority [OPTIONS] N NAME/JOB";

// `farm jobs`
#[derive(Debug, Args)]
pub struct JobsArgs {
    /// Which jobs, such as 'release:r1 status:active,queued'; several words are put together; default: all
    pub query: Vec<String>,
    /// Examine every frame again instead of trusting what was found earlier
    #[arg(long)]
    pub verify: bool,
}

// Which jobs a verb is about, and what keeps it from doing too much.
#[derive(Debug, Args)]
pub struct SteerArgs {
    /// Whose: `jobs` for all that the Manager has, `release.jobs` for those of any release, `NAME.jobs` for those of one
    /// release; for one job also its full name
    #[arg(value_name = "JOBS")]
    pub what: String,
    /// Which of them, such as 'status:active,queued'; several words are put together. docs/queries.md tells how queries are
    /// written, and `farm jobs` shows what one matches
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// All of them, in place of a query
    #[arg(long)]
    pub all: bool,
    /// Refuse unless exactly N jobs match, those counted too with which nothing is done, as they have ended
    #[arg(long, value_name = "N")]
    pub expect: Option<usize>,
    /// Refuse if something would be done with more than N jobs; those that have ended already do not count
    #[arg(long, value_name = "N")]
    pub max: Option<usize>,
    /// Take in jobs that farm did not make or that another volume has, of which there are exactly N
    #[arg(long, value_name = "N")]
    pub include_foreign: Option<usize>,
    /// Why, for whoever looks at the jobs later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask, go ahead
    #[arg(long, short)]
    pub yes: bool,
}

// `farm kill`
#[derive(Debug, Args)]
pub struct KillArgs {
    /// Which jobs.
    #[command(flatten)]
    pub steer: SteerArgs,
    /// Stay until no worker can write for them any more
    #[arg(long)]
    pub wait: bool,
    /// Have the Manager forget the jobs too, those that had ended as well, once no worker can write for them any more
    #[arg(long)]
    pub delete: bool,
}

// `farm priority`
#[derive(Debug, Args)]
pub struct PriorityArgs {
    /// From 0 to 100; jobs of higher priority are rendered first
    #[arg(value_name = "N", value_parser = clap::value_parser!(u8).range(0..=100))]
    pub priority: u8,
    /// Which jobs.
    #[command(flatten)]
    pub steer: SteerArgs,
}
