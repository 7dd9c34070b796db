//! `farm undo`

use crate::base::counted::counted;
use crate::base::error::Failure;
use crate::base::ids::TransactionId;
use crate::cli::args::undo::UndoArgs;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::output::Form;
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::{consent, exit};
use crate::ops::ports::Ports;
use crate::ops::undo::{self, Found, History, Resubmit, SCHEMA, UndoPlan, UndoReport};
use crate::volume::Volume;
use crate::volume::journal::Account;
use serde::Serialize;

const NOTHING: &str = "nothing was taken back";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    plan: &'a UndoPlan,
    #[serde(flatten)]
    report: Option<&'a UndoReport>,
}

#[derive(Serialize)]
struct AlreadyDocument<'a> {
    schema: &'static str,
    id: TransactionId,
    kind: &'a str,
    undo: TransactionId,
    already: bool,
}

#[derive(Serialize)]
struct ResumedDocument<'a> {
    schema: &'static str,
    resumed: bool,
    #[serde(flatten)]
    report: &'a UndoReport,
}

#[derive(Serialize)]
struct ListDocument<'a> {
    schema: &'static str,
    changes: Vec<ChangeView<'a>>,
    unreadable: &'a [String],
}

#[derive(Serialize)]
struct ChangeView<'a> {
    id: TransactionId,
    kind: &'a str,
    at: String,
    until: String,
    release: Option<&'a str>,
    jobs: Vec<&'a str>,
    state: undo::Standing,
    trashed: usize,
    user: Option<&'a str>,
    host: Option<&'a str>,
    command: Option<&'a str>,
}

/// Takes a change back, or lists what can be.
pub(super) fn run(args: &UndoArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, mut settings) = context.volume()?;
    settings.lock_wait = args.lock_wait.unwrap_or(settings.lock_wait);
    if args.list {
        return list(&volume, context);
    }
    let output = &context.output;
    let resubmit = if args.resubmit { Resubmit::Yes } else { Resubmit::No };
    let manager = if args.dry_run {
        context.manager_to_look(&volume, &settings)?
    } else {
        context.manager(&volume, &settings)?
    };
    let progress = Progress::new(output).heeding(catch_interrupts()?);
    let actor = context.actor(&settings);
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &progress, actor: &actor };
    let word = args.id.as_deref();
    if let Some(account) = undo::begun(&volume, word)?.filter(|_| !args.dry_run) {
        return go_on(args, &ports, &account, context);
    }
    let plan = match undo::survey(&ports, word, resubmit).map_err(|failure| failure.but(NOTHING))? {
        Found::Open(survey) => survey.plan,
        Found::Already { id, kind, undo } => {
            already(id, &kind, undo, context);
            return Ok(exit::DONE);
        }
    };
    if args.dry_run {
        output.result(&render::undo::plan(&plan), &Document { schema: SCHEMA, plan: &plan, report: None });
        return Ok(exit::DONE);
    }
    output.say(&render::undo::plan(&plan));
    let consent = consent::ask(output, args.yes, "Take it back?", NOTHING)?;
    let report = undo::apply(&ports, &plan, consent, resubmit);
    progress.clear();
    let report = report?;
    output.say(&render::undo::report(&report));
    if output.form() == Form::Json {
        output.document(&Document { schema: SCHEMA, plan: &plan, report: Some(&report) });
    }
    Ok(exit::DONE)
}

/// Nothing is left to do.
fn already(id: TransactionId, kind: &str, undo: TransactionId, context: &Context) {
    context.output.say(&format!(
        "the {kind} {id} was taken back already; {NOTHING}\n  next: To have it again, take that back: `farm undo {undo}`."
    ));
    if context.output.form() == Form::Json {
        context.output.document(&AlreadyDocument { schema: SCHEMA, id, kind, undo, already: true });
    }
}

/// The same command goes on with an undo that was killed.
fn go_on(args: &UndoArgs, ports: &Ports<'_>, account: &Account, context: &Context) -> Result<u8, Failure> {
    let output = &context.output;
    output.say(&format!("an undo was begun {} and did not come to its end", account.intent.at.whole_seconds()));
    let consent = consent::ask(output, args.yes, "Go on with it?", NOTHING)?;
    let report = undo::resume(ports, account, consent)?;
    output.say(&render::undo::report(&report));
    if output.form() == Form::Json {
        output.document(&ResumedDocument { schema: SCHEMA, resumed: true, report: &report });
    }
    Ok(exit::DONE)
}

fn list(volume: &Volume, context: &Context) -> Result<u8, Failure> {
    let history = History::of(volume)?;
    let changes = history.entries.iter().map(ChangeView::of).collect();
    let document = ListDocument { schema: "farm.undo-list/1", changes, unreadable: &history.unreadable };
    context.output.result(&render::undo::list(&history), &document);
    if !history.unreadable.is_empty() {
        let count = counted(history.unreadable.len(), "journal");
        context.output.warn(&format!("{count} cannot be read: {}", history.unreadable.join("; ")));
    }
    Ok(exit::DONE)
}

impl<'a> ChangeView<'a> {
    fn of(entry: &'a undo::Entry) -> Self {
        let by = entry.by.as_ref();
        ChangeView {
            id: entry.id,
            kind: &entry.kind,
            at: entry.at.to_string(),
            until: entry.until.to_string(),
            release: entry.home.as_ref().map(|home| home.as_str()),
            jobs: entry.jobs.iter().map(|job| job.as_str()).collect(),
            state: entry.standing,
            trashed: entry.trashed,
            user: by.map(|by| by.user.as_str()),
            host: by.map(|by| by.host.as_str()),
            command: by.map(|by| by.command.as_str()),
        }
    }
}
