//! Words of the command line as a query.

use crate::base::error::Failure;
use crate::cli::needs::Context;
use crate::cli::settings::Settings;
use crate::query::{Query, Subject};

/// Reads a query. Where it is wrong is shown on stderr, with a mark below.
pub fn query(subject: Subject, text: &str, settings: &Settings, context: &Context) -> Result<Query, Failure> {
    Query::parse(subject, text, &settings.queries).map_err(|error| {
        context.output.show(&error.pointer());
        error.into()
    })
}
