//! `farm recover`

use crate::base::error::Failure;
use crate::cli::args::setup::RecoverArgs;
use crate::cli::exit;
use crate::cli::needs::{Context, flamenco};
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::{ManagerChoice, Settings};
use crate::manager::local::Local;
use crate::manager::{Flamenco, Manager};
use crate::ops::recover::{Action, Means, class, recover, survey};
use crate::volume::Volume;
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
    let chosen = Chosen::of(context, &volume, &settings, args.dry_run);
    let progress = Progress::new(&context.output);
    let actor = context.actor(&settings);
    let means =
        Means { volume: &volume, manager: chosen.manager(), local: chosen.local(), progress: &progress, actor: &actor };
    let actions = match args.dry_run {
        true => survey(&means)?.describe(),
        false => recover(&means)?,
    };
    progress.clear();
    context.output.result(&render::recover::human(&actions), &document(&actions));
    Ok(class(&actions).map_or(exit::DONE, exit::code))
}

/// The Manager of the settings, as far as it can be used: recovery does without it what needs none.
enum Chosen {
    Local(Result<Box<Local>, Failure>),
    Flamenco(Result<Box<Flamenco>, Failure>),
}

impl Chosen {
    fn of(context: &Context, volume: &Volume, settings: &Settings, dry_run: bool) -> Chosen {
        match &settings.manager {
            ManagerChoice::Flamenco(url) => Chosen::Flamenco(flamenco(url, settings).map(Box::new)),
            ManagerChoice::Local if dry_run => Chosen::Local(context.local_to_look(volume, settings).map(Box::new)),
            ManagerChoice::Local => Chosen::Local(context.local(volume, settings).map(Box::new)),
        }
    }

    fn manager(&self) -> Result<&dyn Manager, &Failure> {
        match self {
            Chosen::Local(local) => local.as_ref().map(|local| &**local as &dyn Manager),
            Chosen::Flamenco(flamenco) => flamenco.as_ref().map(|flamenco| &**flamenco as &dyn Manager),
        }
    }

    fn local(&self) -> Option<&Local> {
        match self {
            Chosen::Local(local) => local.as_deref().ok(),
            Chosen::Flamenco(_) => None,
        }
    }
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
