//! `farm inspect`

mod view;

use crate::base::error::{Class, Failure};
use crate::cli::args::setup::InspectArgs;
use crate::cli::exit;
use crate::cli::needs::Context;
use crate::cli::output::Form;
use crate::cli::render;
use crate::ops::inspect::{Inspected, inspect};
use crate::sys::scan;
use std::path::{Path, PathBuf};

/// Extensions of scene files.
const SCENES: &[&str] = &["blend", "rib"];

/// Shows each file. One that cannot be read is a line on stderr, and an entry with `error` in the document.
pub(super) fn run(args: &InspectArgs, context: &Context) -> Result<u8, Failure> {
    let mut inspected = Vec::new();
    for word in &args.files {
        inspected.extend(match files(word) {
            Ok(files) => inspect(&files),
            Err(failure) => vec![Inspected { path: word.clone(), outcome: Err(failure) }],
        });
    }
    for failure in inspected.iter().filter_map(|file| file.outcome.as_ref().err()) {
        context.output.error(failure);
    }
    match context.output.form() {
        Form::Json => context.output.document(&view::document(&inspected)),
        Form::Human => context.output.data(&render::inspect::human(&inspected)),
    }
    Ok(code(&inspected))
}

/// The scene files that a word stands for: itself, those beneath a folder, or those that match a glob.
fn files(word: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |cause: &str| {
        Failure::new(Class::Usage, format!("{}: {cause}", word.display()))
            .with_hint("Name .blend or .rib files, folders that hold some, or a glob in quotes.")
    };
    match scan::expand(word, SCENES) {
        Ok(files) if files.is_empty() => Err(failed("no .blend or .rib file is there")),
        Ok(files) => Ok(files),
        Err(error) => Err(failed(&error.to_string())),
    }
}

fn code(inspected: &[Inspected]) -> u8 {
    let failed = inspected.iter().filter(|file| file.outcome.is_err()).count();
    match failed {
        0 => exit::DONE,
        _ if failed == inspected.len() => exit::code(Class::Failed),
        _ => exit::code(Class::Partial),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_says_how_many_failed() {
        let bad = || Inspected { path: "x".into(), outcome: Err(Failure::new(Class::Failed, "x: damaged")) };
        assert_eq!(code(&[]), 0);
        assert_eq!(code(&[bad(), bad()]), 1);
    }
}
