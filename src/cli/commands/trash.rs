//! `farm trash list`, `farm trash purge`

use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::name::Home;
use crate::base::size::Bytes;
use crate::cli::args::undo::{TrashCommand, TrashListArgs, TrashPurgeArgs};
use crate::cli::exit;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::ops::ports::Ports;
use crate::ops::trash::{self, Choice, Listing, Purged};
use crate::volume::Volume;
use serde::Serialize;

const NOTHING: &str = "nothing was erased";

#[derive(Serialize)]
struct ListDocument<'a> {
    schema: &'static str,
    #[serde(flatten)]
    listing: &'a Listing,
}

#[derive(Serialize)]
struct PurgeDocument<'a> {
    schema: &'static str,
    dry_run: bool,
    #[serde(flatten)]
    purged: &'a Purged,
}

/// Shows or frees what is in the trash.
pub(super) fn run(command: &TrashCommand, context: &Context) -> Result<u8, Failure> {
    match command {
        TrashCommand::List(args) => list(args, context),
        TrashCommand::Purge(args) => purge(args, context),
    }
}

fn list(args: &TrashListArgs, context: &Context) -> Result<u8, Failure> {
    let release = home(args.release.as_deref())?;
    let (volume, _) = context.volume()?;
    let listing = trash::list(&volume, release.as_ref())?;
    context.output.result(&render::undo::trash(&listing), &ListDocument { schema: "farm.trash/1", listing: &listing });
    warn_of_unreadable(&listing, context);
    Ok(exit::DONE)
}

fn home(word: Option<&str>) -> Result<Option<Home>, Failure> {
    Ok(word.map(str::parse::<Home>).transpose()?)
}

fn purge(args: &TrashPurgeArgs, context: &Context) -> Result<u8, Failure> {
    let choice = Choice { release: home(args.release.as_deref())?, older: args.older };
    let (volume, settings) = context.volume()?;
    let chosen = trash::chosen(&volume, &choice)?;
    warn_of_unreadable(&chosen, context);
    if args.dry_run {
        let would = Purged {
            purged: chosen.transactions.iter().map(|one| one.id).collect(),
            files: chosen.transactions.iter().map(|one| one.files).sum(),
            bytes: chosen.transactions.iter().map(|one| one.bytes).sum(),
            left: Vec::new(),
        };
        show(&render::undo::trash(&chosen), true, &would, context);
        return Ok(exit::DONE);
    }
    if !chosen.transactions.is_empty() {
        context.output.say(&render::undo::trash(&chosen));
        confirm(args.confirm.as_deref(), &volume, context)?;
    }
    let progress = Progress::new(&context.output).heeding(catch_interrupts()?);
    let actor = context.actor(&settings);
    let manager = context.manager_to_look(&volume, &settings)?;
    let ports = Ports { volume: &volume, manager: manager.as_ref(), progress: &progress, actor: &actor };
    let purged = trash::purge(&ports, &chosen.transactions);
    progress.clear();
    let purged = purged?;
    purged.left.iter().for_each(|line| context.output.warn(line));
    show(&words(&purged), false, &purged, context);
    Ok(if purged.left.is_empty() { exit::DONE } else { exit::code(Class::Partial) })
}

fn show(text: &str, dry_run: bool, purged: &Purged, context: &Context) {
    context.output.result(text, &PurgeDocument { schema: "farm.trash-purge/1", dry_run, purged });
}

fn words(purged: &Purged) -> String {
    match purged.purged.len() {
        0 => "nothing in the trash was held for its time yet; nothing was erased\n".to_owned(),
        count => format!(
            "erased {} of {}, {} are free\n",
            counted(purged.files, "file"),
            counted(count, "change"),
            Bytes(purged.bytes)
        ),
    }
}

/// What is erased cannot come back: the volume's name is asked for, whatever other flag was given.
fn confirm(given: Option<&str>, volume: &Volume, context: &Context) -> Result<(), Failure> {
    let name = &volume.marker().name;
    let refused = |words: String| {
        Failure::new(Class::Refused, format!("{words}; {NOTHING}"))
            .with_hint("Say --confirm NAME with the volume's name, or --dry-run to see what would go.")
    };
    let typed = match given {
        Some(given) => given.to_owned(),
        None if context.output.can_ask() => context
            .output
            .ask(&format!("What is erased cannot come back. Type the volume's name ({name}): "))
            .unwrap_or_default(),
        None => return Err(refused("what is erased cannot come back, and there is no terminal to ask on".to_owned())),
    };
    match typed.trim() == name {
        true => Ok(()),
        false => Err(refused(format!("{typed:?} is not the name of this volume"))),
    }
}

fn warn_of_unreadable(listing: &Listing, context: &Context) {
    listing.unreadable.iter().for_each(|line| context.output.warn(line));
}
