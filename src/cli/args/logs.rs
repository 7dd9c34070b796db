//! `farm logs`, `farm why`.

use clap::Args;

// `farm logs`
#[derive(Debug, Args)]
pub struct LogsArgs {
    /// A job (r1/shot010, quick/still), a release (r1: the last 10 lines of each log), or six letters or more of a run's
    /// id; of a job that farm did not make, its id or its name
    pub name: String,
    /// Only this task's: its name (render-1-10), or six letters or more of its id
    #[arg(long, value_name = "TASK")]
    pub task: Option<String>,
    /// Only those of tasks that a worker failed
    #[arg(long)]
    pub failed: bool,
    /// Go on printing what comes until the job has ended; Ctrl-C leaves, and ends nothing else
    #[arg(long, short)]
    pub follow: bool,
    /// Only the last N lines of each log
    #[arg(long, value_name = "N")]
    pub lines: Option<usize>,
    /// The bytes as the renderer wrote them, without headings; not to a terminal, which such bytes may take over
    #[arg(long)]
    pub raw: bool,
}

// `farm why`
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// A job (r1/shot010, quick/still), or six letters or more of a run's id; of a job that farm did not make, its id or
    /// its name
    pub job: String,
}
