//! Words of the command line as a query.

use crate::base::error::Failure;
use crate::base::name::JobRef;
use crate::cli::needs::Context;
use crate::cli::queries::Meant;
use crate::cli::settings::Settings;
use crate::ops::select::Reach;
use crate::query::{Query, Subject};

/// Reads a query. Where it is wrong is shown on stderr, with a mark below.
pub fn query(subject: Subject, text: &str, settings: &Settings, context: &Context) -> Result<Query, Failure> {
    Query::parse(subject, text, &settings.queries).map_err(|error| {
        context.output.show(&error.pointer());
        error.into()
    })
}

/// The same about jobs of the volume. One by its full name is looked for where it would be, and nowhere else.
pub fn jobs(words: &[String], settings: &Settings, context: &Context) -> Result<Meant, Failure> {
    let query = query(Subject::Jobs, &words.join(" "), settings, context)?;
    let job = match words {
        [word] => word.parse::<JobRef>().ok(),
        _ => None,
    };
    Ok(Meant { reach: job.map_or(Reach::Everything, |job| Reach::Home(job.home)), query })
}
