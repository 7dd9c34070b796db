//! The command line: parse, open what the command needs, run it, print, return the exit code.

pub mod access;
pub mod args;
pub mod asked;
pub mod commands;
pub mod config;
pub mod consent;
pub mod escape;
pub mod exit;
pub mod job_options;
pub mod json;
pub mod needs;
pub mod output;
pub mod plan_file;
pub mod queries;
pub mod reference;
pub mod render;
pub mod revising;
pub mod settings;
pub mod shell;
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
    Output::new(Form::Json, Talk::Normal).failure(&usage_failure(&text));
    exit::code(Class::Usage)
}

/// The cause and the tips out of the text that people see. The cause may go on on further lines, up to an empty one.
fn usage_failure(text: &str) -> Failure {
    let cause: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).map(str::trim).collect();
    let tips = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
    let mut hint: Vec<String> = tips.map(|tip| format!("Tip: {tip}.")).collect();
    hint.push("Run the command with --help.".to_owned());
    Failure::new(Class::Usage, cause.join(" ").trim_start_matches("error: ")).with_hint(hint.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(words: &str) -> Failure {
        let Err(error) = args::Cli::try_parse_from(words.split(' ')) else { panic!("{words} is no wrong usage") };
        usage_failure(&error.render().to_string())
    }

    #[test]
    fn wrong_usage_is_whole_in_json() {
        let lacking = failure("farm harvest release --json");
        assert!(lacking.message().contains("not provided: <RELEASE>"), "{}", lacking.message());
        let misspelt = failure("farm status --jsno");
        assert!(misspelt.message().contains("--jsno"), "{}", misspelt.message());
        assert!(misspelt.hint().is_some_and(|hint| hint.contains("'--json'")), "{:?}", misspelt.hint());
    }
}
