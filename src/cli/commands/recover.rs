//! `farm recover`

use crate::base::error::Failure;
use crate::cli::args::setup::RecoverArgs;
use crate::cli::exit;
use crate::cli::needs::{Context, flamenco_refused};
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::ManagerChoice;
use crate::manager::Manager;
use crate::ops::recover::{Action, Means, class, recover, survey};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    actions: Vec<ActionView<'a>>,
}

#[derive(Serialize)]
struct ActionView<'a> {
    kind: &'static str,
    what: &'a str,
    verdict: &'static str,
    note: &'a str,
}

/// Puts in order what was left, or with `--dry-run` says what that would be.
pub(super) fn run(args: &RecoverArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, settings) = context.volume()?;
    let local = match (&settings.manager, args.dry_run) {
        (ManagerChoice::Local, true) => context.local_to_look(&volume, &settings),
        (ManagerChoice::Local, false) => context.local(&volume, &settings),
        (ManagerChoice::Flamenco(url), _) => Err(flamenco_refused(url)),
    };
    let progress = Progress::new(&context.output);
    let actor = context.actor(&settings);
    let means = Means {
        volume: &volume,
        manager: local.as_ref().map(|local| local as &dyn Manager),
        local: local.as_ref().ok(),
        progress: &progress,
        actor: &actor,
    };
    let actions = match args.dry_run {
        true => survey(&means)?.describe(),
        false => recover(&means)?,
    };
    progress.clear();
    context.output.result(&render::recover::human(&actions), &document(&actions));
    Ok(class(&actions).map_or(exit::DONE, exit::code))
}

fn document(actions: &[Action]) -> Document<'_> {
    Document { schema: "farm.recover/1", actions: actions.iter().map(ActionView::from).collect() }
}

impl<'a> From<&'a Action> for ActionView<'a> {
    fn from(action: &'a Action) -> Self {
        let Action { kind, what, verdict, note } = action;
        ActionView { kind: render::recover::kind(*kind), what, verdict: render::recover::verdict(*verdict), note }
    }
}
