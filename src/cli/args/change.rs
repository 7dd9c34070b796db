//! Flags of every command that changes something.

use clap::Args;
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::path::PathBuf;

// The two modes of truth: show the plan, or apply it.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Plan and apply")]
pub struct ChangeArgs {
    /// Show what would be done, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write what would be done to FILE, for --apply, and change nothing else
    #[arg(long, value_name = "FILE", value_parser = file_name(), conflicts_with = "dry_run")]
    pub plan_out: Option<PathBuf>,
    /// Do exactly what FILE says, or refuse if anything has changed since it was written
    #[arg(long, value_name = "FILE", value_parser = file_name(), conflicts_with_all = ["dry_run", "plan_out"])]
    pub apply: Option<PathBuf>,
    /// Wait this long while another farm works on the same release, e.g. 30s or 5m
    #[arg(long, value_name = "TIME", value_parser = crate::cli::settings::parse_duration)]
    pub lock_wait: Option<std::time::Duration>,
}

/// A file's name. Elsewhere `-` means standard output or input; here it would be a file of that name.
fn file_name() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| match path.as_os_str() == "-" {
        true => Err("a plan is kept in a file: name one"),
        false => Ok(path),
    })
}
