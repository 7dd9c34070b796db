//! `farm completions`

use crate::base::error::Failure;
use crate::cli::args::Cli;
use crate::cli::args::setup::CompletionsArgs;
use crate::cli::exit;
use crate::cli::needs::Context;
use clap::CommandFactory;

/// Prints the shell's completion script.
pub fn run(args: &CompletionsArgs, context: &Context) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "farm", &mut script);
    context.output.raw(&script);
    Ok(exit::DONE)
}
