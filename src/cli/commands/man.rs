//! `farm man`

use crate::base::error::{Class, Failure};
use crate::cli::args::Cli;
use crate::cli::args::setup::ManArgs;
use crate::cli::exit;
use crate::cli::needs::Context;
use crate::sys::files;
use clap::CommandFactory;

/// Prints the page of farm, or writes a page per command into a folder.
pub fn run(args: &ManArgs, context: &Context) -> Result<u8, Failure> {
    let command = Cli::command();
    let Some(folder) = &args.out else {
        context.output.raw(&page(&command)?);
        return Ok(exit::DONE);
    };
    let mut pages = Vec::new();
    collect("farm", &command, &mut pages)?;
    for (name, text) in &pages {
        files::write(&folder.join(name), text)?;
    }
    context.output.say(&format!("wrote {} pages into {}", pages.len(), folder.display()));
    Ok(exit::DONE)
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let mut text = Vec::new();
    let made = clap_mangen::Man::new(command.clone()).render(&mut text);
    made.map_err(|error| Failure::new(Class::Failed, format!("the manual page could not be made: {error}")))?;
    Ok(text)
}

/// Every command's page under the name that `man` looks for: `farm-plan-release.1`.
fn collect(name: &str, command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> Result<(), Failure> {
    pages.push((format!("{name}.1"), page(&command.clone().name(name.to_owned()))?));
    for below in command.get_subcommands().filter(|below| below.get_name() != "help") {
        collect(&format!("{name}-{}", below.get_name()), below, pages)?;
    }
    Ok(())
}
