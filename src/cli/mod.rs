//! The command line: parse, open what the command needs, run it, print, return the exit code.

pub mod access;
pub mod args;
pub mod commands;
pub mod config;
pub mod consent;
pub mod escape;
pub mod exit;
pub mod needs;
pub mod output;
pub mod plan_file;
pub mod reference;
pub mod render;
pub mod settings;
pub mod wait;

use crate::base::error::{Class, Failure};
use clap::Parser;
use std::ffi::OsString;

/// Runs farm with these arguments (the program's name first) and returns its exit code.
pub fn run(arguments: Vec<OsString>) -> u8 {
    if arguments.get(1).is_some_and(|word| word == crate::sys::process::GUARD_ARGUMENT) {
        let (code, words) = crate::sys::process::exec_guarded(arguments.into_iter().skip(2));
        output::Output::new(output::Form::Human, output::Talk::Normal).say(&words);
        return code;
    }
    match args::Cli::try_parse_from(&arguments) {
        Ok(cli) => execute(cli),
        Err(error) => usage(&error, arguments.iter().any(|argument| argument == "--json")),
    }
}

fn execute(cli: args::Cli) -> u8 {
    let context = needs::Context::new(cli.global);
    let failed = |failure: crate::base::error::Failure| {
        context.output.failure(&failure);
        exit::code(failure.class())
    };
    match (commands::run(cli.command, &context), context.output.lost()) {
        (Ok(exit::DONE), Some(lost)) => failed(lost),
        (Ok(code), _) => code,
        (Err(failure), _) => failed(failure),
    }
}

/// Help and version go to stdout; wrong usage goes to stderr, with `--json` as `farm.error/1`.
fn usage(error: &clap::Error, json: bool) -> u8 {
    use output::{Form, Output, Talk};
    if !error.use_stderr() || !json {
        // A closed pipe is no error.
        let _closed = error.print();
        return if error.use_stderr() { exit::code(Class::Usage) } else { exit::DONE };
    }
    let text = error.render().to_string();
    let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let failure = Failure::new(Class::Usage, first).with_hint("Run the command with --help.");
    Output::new(Form::Json, Talk::Normal).failure(&failure);
    exit::code(Class::Usage)
}
