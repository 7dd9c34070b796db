//! `farm status`

use crate::base::error::{Class, Failure};
use crate::cli::args::status::StatusArgs;
use crate::cli::needs::Context;
use crate::cli::output::Form;
use crate::cli::render;
use crate::cli::{asked, exit, queries};
use crate::ops::check::Effort;
use crate::ops::listing;
use crate::ops::ports::{Ports, Silent};
use crate::ops::status::{self, StatusReport};
use crate::query::{Query, Subject};
use crate::sys::clock;
use crate::volume::Volume;
use serde::Serialize;
use std::time::Duration;

/// Between two redraws of `--watch`.
const REDRAW: Duration = Duration::from_secs(1);
/// Moves the cursor home and clears what is below, so that a redraw does not flicker.
const HOME: &[u8] = b"\x1b[H\x1b[J";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    volume: VolumeView,
    #[serde(flatten)]
    report: &'a StatusReport,
}

#[derive(Serialize)]
struct VolumeView {
    id: String,
    name: String,
    path: String,
}

/// What the status is asked of.
enum Asked<'a> {
    /// Of the one thing that is called so.
    Name(&'a str),
    /// Of what matches.
    Query(Query),
}

/// Prints the status, again and again with `--watch` on a terminal.
pub fn run(args: &StatusArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, settings) = context.volume()?;
    let manager = context.manager_to_look(&volume, &settings)?;
    let actor = context.actor(&settings);
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &Silent, actor: &actor };
    let effort = if args.verify { Effort::Verify } else { Effort::Trust };
    let asked = match args.query.as_deref() {
        Some(text) if text.trim().is_empty() => return Err(empty()),
        Some(name) if queries::is_name(name) => Asked::Name(name),
        text => Asked::Query(asked::query(Subject::Jobs, text.unwrap_or_default(), &settings, context)?),
    };
    let look = |effort| match &asked {
        Asked::Name(name) => status::survey(&ports, name, effort),
        Asked::Query(query) => listing::status_of(&ports, query, effort),
    };
    let mut report = look(effort)?;
    if args.watch && context.output.is_screen() && context.output.form() == Form::Human {
        while !report.has_ended() {
            context.output.raw(HOME);
            context.output.data(&render::status::text(&report));
            clock::sleep(REDRAW);
            report = look(Effort::Trust)?;
        }
        context.output.raw(HOME);
    }
    print(&report, &volume, context);
    Ok(exit::DONE)
}

/// Of a variable in a script that is empty nobody knows what it should have been.
fn empty() -> Failure {
    Failure::new(Class::Usage, "an empty word names no release and no job")
        .with_hint("`farm status` without one shows everything.")
}

/// Prints a report as text or as `farm.status/1`.
pub fn print(report: &StatusReport, volume: &Volume, context: &Context) {
    let view = VolumeView {
        id: volume.id().to_string(),
        name: volume.marker().name.clone(),
        path: volume.path().display().to_string(),
    };
    let document = Document { schema: "farm.status/1", volume: view, report };
    context.output.result(&render::status::text(report), &document);
}
