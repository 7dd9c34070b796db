//! `farm undo`

use crate::base::counted::counted;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::TransactionId;
use crate::base::name::JobRef;
use crate::cli::args::undo::UndoArgs;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::output::{Form, Output};
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::{consent, exit};
use crate::ops::ports::Ports;
use crate::ops::undo::{self, Already, Begun, Found, History, Resubmit, SCHEMA, UndoPlan, UndoReport};
use crate::volume::Volume;
use serde::Serialize;

const NOTHING: &str = "nothing was taken back";

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    #[serde(flatten)]
    plan: &'a UndoPlan,
    #[serde(flatten)]
    report: Option<&'a UndoReport>,
    #[serde(skip_serializing_if = "is_false")]
    resumed: bool,
}

#[derive(Serialize)]
struct AlreadyDocument<'a> {
    schema: &'static str,
    id: TransactionId,
    kind: &'a str,
    undo: TransactionId,
    already: bool,
    submitted: &'a [(JobRef, FrameSet)],
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_false(value: &bool) -> bool {
    !value
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
    let progress = Progress::new(output);
    let actor = context.actor(&settings);
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &progress, actor: &actor };
    let undoing = Undoing { args, ports: &ports, output };
    match undoing.look(resubmit).map_err(|failure| failure.but(NOTHING))? {
        Found::Open(survey) => undoing.take_back(&survey.plan),
        Found::Begun(begun) => undoing.go_on(&begun),
        Found::Already(already) if args.resubmit => undoing.submit_again(&already),
        Found::Already(already) => Ok(undoing.say_already(&already)),
        Found::OnlyEnded(survey) => Err(undo::only_ended(&survey.plan).but(NOTHING)),
    }
}

struct Undoing<'a> {
    args: &'a UndoArgs,
    /// To look and to ask: whoever interrupts that ends farm at once.
    ports: &'a Ports<'a>,
    output: &'a Output,
}

impl Undoing<'_> {
    /// What there is to do. Whoever can be asked is asked whether a kill is to be taken back by submitting again.
    fn look(&self, resubmit: Resubmit) -> Result<Found, Failure> {
        let asks = self.output.can_ask() && !self.args.yes && !self.args.dry_run;
        Ok(match undo::survey(self.ports, self.args.id.as_deref(), resubmit)? {
            Found::OnlyEnded(survey) if asks => Found::Open(survey.resubmitting()),
            found => found,
        })
    }

    /// Whoever interrupts what changes something is heard, and told how far it came.
    fn heeding<T>(&self, act: impl FnOnce(&Ports<'_>) -> Result<T, Failure>) -> Result<T, Failure> {
        let progress = Progress::new(self.output).heeding(catch_interrupts()?);
        act(&Ports { progress: &progress, ..*self.ports })
    }

    fn take_back(&self, plan: &UndoPlan) -> Result<u8, Failure> {
        if self.args.dry_run {
            return Ok(self.show(plan, false));
        }
        self.output.say(&render::undo::plan(plan));
        let question = if plan.touches_nothing() { "Submit again what it ended?" } else { "Take it back?" };
        let consent = consent::ask(self.output, self.args.yes, question, NOTHING)?;
        Ok(self.tell(plan, &self.heeding(|ports| undo::apply(ports, plan, consent))?, false))
    }

    /// The same command goes on with an undo that was killed.
    fn go_on(&self, begun: &Begun) -> Result<u8, Failure> {
        let at = begun.at.whole_seconds();
        self.output.say(&format!("taking this back was begun {at} and did not come to its end:"));
        if self.args.dry_run {
            return Ok(self.show(&begun.plan, true));
        }
        self.output.say(&render::undo::plan(&begun.plan));
        let consent = consent::ask(self.output, self.args.yes, "Go on with it?", "nothing more was taken back")?;
        Ok(self.tell(&begun.plan, &self.heeding(|ports| undo::resume(ports, begun, consent))?, true))
    }

    fn show(&self, plan: &UndoPlan, resumed: bool) -> u8 {
        self.output.result(&render::undo::plan(plan), &Document { schema: SCHEMA, plan, report: None, resumed });
        exit::DONE
    }

    fn tell(&self, plan: &UndoPlan, report: &UndoReport, resumed: bool) -> u8 {
        self.output.say(&render::undo::report(plan, report));
        if self.output.form() == Form::Json {
            self.output.document(&Document { schema: SCHEMA, plan, report: Some(report), resumed });
        }
        exit::DONE
    }

    fn say_already(&self, already: &Already) -> u8 {
        self.output.say(&render::undo::already(already));
        self.tell_already(already, &[])
    }

    /// It was taken back, and what it had ended may still be missing.
    fn submit_again(&self, already: &Already) -> Result<u8, Failure> {
        const NOT: &str = "nothing was submitted";
        let ended = &already.had_ended;
        if !self.args.dry_run {
            undo::settle(self.ports, ended).map_err(|failure| failure.but(NOT))?;
        }
        let missing = undo::to_resubmit(self.ports, ended).map_err(|failure| failure.but(NOT))?;
        self.output.say(&render::undo::to_resubmit(already, &missing));
        if missing.is_empty() || self.args.dry_run {
            return Ok(self.tell_already(already, if self.args.dry_run { &missing } else { &[] }));
        }
        consent::ask(self.output, self.args.yes, "Submit it again?", NOT)?;
        let submitted = self.heeding(|ports| undo::submit_again(ports, ended, already.undo))?;
        self.output.say(&render::undo::submitted(&submitted));
        Ok(self.tell_already(already, &submitted))
    }

    fn tell_already(&self, already: &Already, submitted: &[(JobRef, FrameSet)]) -> u8 {
        let Already { id, kind, undo, .. } = already;
        if self.output.form() == Form::Json {
            let (id, undo) = (*id, *undo);
            self.output.document(&AlreadyDocument { schema: SCHEMA, id, kind, undo, already: true, submitted });
        }
        exit::DONE
    }
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
