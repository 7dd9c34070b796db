//! `farm tasks`, `farm workers`, `farm frames`

use crate::base::error::Failure;
use crate::base::name::JobRef;
use crate::base::rel_path::RelPath;
use crate::cli::args::ask::{FramesArgs, TasksArgs, WorkersArgs};
use crate::cli::needs::Context;
use crate::cli::output::Form;
use crate::cli::{asked, exit, render};
use crate::ops::ask::frames::{self, FrameListing, FrameStatus, SeenFrame};
use crate::ops::ask::tasks::{self, ListedTask, Patience};
use crate::ops::ask::workers::{self, ListedWorker};
use crate::ops::check::Effort;
use crate::ops::ports::{Ports, Silent};
use crate::query::{Query, Subject};
use serde::{Serialize, Serializer};

#[derive(Serialize)]
struct TasksDocument<'a> {
    schema: &'static str,
    tasks: &'a [ListedTask],
    unreadable: &'a [String],
}

#[derive(Serialize)]
struct WorkersDocument<'a> {
    schema: &'static str,
    workers: &'a [ListedWorker],
}

#[derive(Serialize)]
struct FramesDocument<'a> {
    schema: &'static str,
    #[serde(serialize_with = "each_frame")]
    frames: &'a FrameListing,
    unreadable: &'a [String],
}

#[derive(Serialize)]
struct FrameView<'a> {
    #[serde(rename = "ref")]
    reference: &'a JobRef,
    frame: i32,
    status: FrameStatus,
    harvested: bool,
    path: Option<RelPath>,
    cause: Option<String>,
}

/// Lists tasks.
pub(super) fn tasks(args: &TasksArgs, context: &Context) -> Result<u8, Failure> {
    let patience = if args.all { Patience::Endless } else { Patience::Usual };
    with(Subject::Tasks, &args.query, context, |ports, query| {
        let listing = tasks::list(ports, query, patience)?;
        context.output.long_result(
            || render::ask::tasks(&listing),
            || TasksDocument { schema: "farm.tasks/1", tasks: &listing.tasks, unreadable: &listing.unreadable },
        );
        Ok(())
    })
}

/// Lists workers.
pub(super) fn workers(args: &WorkersArgs, context: &Context) -> Result<u8, Failure> {
    with(Subject::Workers, &args.query, context, |ports, query| {
        let workers = workers::list(ports, query)?;
        context.output.long_result(
            || render::ask::workers(&workers),
            || WorkersDocument { schema: "farm.workers/1", workers: &workers },
        );
        Ok(())
    })
}

/// Lists frames.
pub(super) fn frames(args: &FramesArgs, context: &Context) -> Result<u8, Failure> {
    let effort = if args.verify { Effort::Verify } else { Effort::Trust };
    with(Subject::Frames, &args.query, context, |ports, query| {
        let listing = frames::list(ports, query, effort)?;
        match context.output.form() {
            Form::Human => context.output.data(&render::ask::frames(&listing)),
            Form::Json => context.output.document(&FramesDocument {
                schema: "farm.frames/1",
                frames: &listing,
                unreadable: &listing.unreadable,
            }),
        }
        Ok(())
    })
}

/// Reads the query, opens what it is put to, and lets `list` do the rest.
fn with(
    subject: Subject,
    words: &[String],
    context: &Context,
    list: impl FnOnce(&Ports<'_>, &Query) -> Result<(), Failure>,
) -> Result<u8, Failure> {
    let (volume, settings) = context.volume()?;
    let query = asked::query(subject, &words.join(" "), &settings, context)?;
    let manager = context.manager_to_look(&volume, &settings)?;
    let actor = context.actor(&settings);
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &Silent, actor: &actor };
    list(&ports, &query)?;
    Ok(exit::DONE)
}

/// One at a time: there may be a million.
fn each_frame<S: Serializer>(listing: &FrameListing, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(listing.frames().map(view))
}

fn view(frame: SeenFrame<'_>) -> FrameView<'_> {
    FrameView {
        reference: frame.reference(),
        frame: frame.frame,
        status: frame.status(),
        harvested: frame.is_harvested(),
        path: frame.path(),
        cause: frame.cause(),
    }
}
