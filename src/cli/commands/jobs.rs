//! `farm jobs`

use crate::base::error::Failure;
use crate::cli::args::steer::JobsArgs;
use crate::cli::needs::Context;
use crate::cli::{asked, exit, render};
use crate::ops::check::Effort;
use crate::ops::listing::{self, ListedJob};
use crate::ops::ports::{Ports, Silent};
use crate::query::Subject;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    jobs: &'a [ListedJob],
    unreadable: &'a [String],
}

/// Lists the jobs that match.
pub fn run(args: &JobsArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, settings) = context.volume()?;
    let query = asked::query(Subject::Jobs, &args.query.join(" "), &settings, context)?;
    let manager = context.manager_to_look(&volume, &settings)?;
    let actor = context.actor(&settings);
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &Silent, actor: &actor };
    let effort = if args.verify { Effort::Verify } else { Effort::Trust };
    let listing = listing::list(&ports, &query, effort)?;
    context.output.long_result(
        || render::jobs::text(&listing),
        || Document { schema: "farm.jobs/1", jobs: &listing.jobs, unreadable: &listing.unreadable },
    );
    Ok(exit::DONE)
}
