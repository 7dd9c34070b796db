//! Words of the command line as a query.

use crate::base::error::Failure;
use crate::cli::needs::Context;
use crate::cli::settings::Settings;
use crate::query::{Query, Subject};

/// Reads a query, which may come in several words. Where it is wrong is shown on stderr, with a mark below.
pub fn query(subject: Subject, words: &[String], settings: &Settings, context: &Context) -> Result<Query, Failure> {
    Query::parse(subject, &words.join(" "), &settings.queries).map_err(|error| {
        context.output.show(&error.pointer());
        error.into()
    })
}
