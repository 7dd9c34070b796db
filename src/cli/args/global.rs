//! Flags of every command.

use clap::Args;
use std::path::PathBuf;

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global options")]
pub struct GlobalArgs {
    /// The volume, the folder in which farm keeps everything; default: the one around the working directory
    /// [env: FARM_VOLUME]
    #[arg(long, global = true, hide_short_help = true, value_name = "DIR")]
    pub volume: Option<PathBuf>,
    /// Who hands out the work: `local`, this machine's own queue, or the URL of a Flamenco Manager
    /// [env: FARM_MANAGER]
    #[arg(long, global = true, hide_short_help = true, value_name = "URL")]
    pub manager: Option<String>,
    /// Print one JSON document instead of text, for scripts; not where the output is itself a file: completions, man,
    /// queries, `setup manager --print`
    #[arg(long, global = true, hide_short_help = true)]
    pub json: bool,
    /// Print results, warnings and errors, and nothing else
    #[arg(long, short, global = true, hide_short_help = true)]
    pub quiet: bool,
}
