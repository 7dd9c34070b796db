//! `farm tasks`, `farm workers`, `farm frames`.

use clap::Args;

// `farm tasks`
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// Which tasks, e.g. 'r1/shot010 status:*failed' (see docs/queries.md); default: all of farm's own jobs
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// Ask the Manager however often it takes: the tasks of each run are a request
    #[arg(long)]
    pub all: bool,
}

// `farm workers`
#[derive(Debug, Args)]
pub struct WorkersArgs {
    /// Which workers, e.g. 'tag:gpu idle:5m..' (see docs/queries.md); default: all
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
}

// `farm frames`
#[derive(Debug, Args)]
pub struct FramesArgs {
    /// Which frames, e.g. 'r1 status:bad,missing' (see docs/queries.md); default: all
    #[arg(value_name = "QUERY")]
    pub query: Vec<String>,
    /// Examine every frame again instead of trusting what was found earlier
    #[arg(long)]
    pub verify: bool,
}
