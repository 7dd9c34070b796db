//! `farm status`, `farm path`, `farm work`.

use clap::{Args, ValueEnum};

// `farm status`
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// A release (r1), a job (r1/shot010), a glob such as 'shot0*', six letters or more of a run's id, or a query such as
    /// 'status:active user:ann' (see docs/queries.md); default: everything
    pub query: Option<String>,
    /// Stay and redraw until everything has ended; where stdout is no terminal, and with --json, print once
    #[arg(long)]
    pub watch: bool,
    /// Examine every frame again instead of trusting what was found earlier
    #[arg(long)]
    pub verify: bool,
}

// `farm path`
#[derive(Debug, Args)]
pub struct PathArgs {
    /// A job (r1/shot010), a release (r1), or six letters or more of a run's id
    pub name: String,
    /// Which of its places to print
    #[arg(value_enum)]
    pub place: Place,
}

/// A place that `farm path` knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Place {
    /// The folder that its frames are rendered into
    Out,
    /// The folder that its harvested frames are in
    Dist,
    /// The copy of its scene that is rendered; of a release, the folder of them
    Store,
    /// The folder of its renderer's logs, of the newest run; on Flamenco the Manager keeps them, and farm ends with 3
    Log,
}

// `farm work`
#[derive(Debug, Args)]
pub struct WorkArgs {
    /// Stay when the queue is empty, and wait for more
    #[arg(long)]
    pub follow: bool,
    /// What to call this worker in `farm status`; default: this machine's name
    #[arg(long)]
    pub name: Option<String>,
}
