//! `farm replace job`

use crate::base::error::{Class, Failure};
use crate::base::name::Home;
use crate::cli::args::replace::{ReplaceCommand, ReplaceJobArgs};
use crate::cli::exit;
use crate::cli::job_options::{job_request, place};
use crate::cli::needs::Context;
use crate::cli::output::Form;
use crate::cli::revising::document::Document;
use crate::cli::revising::{Call, Mode, Planned, Words, nothing_done};
use crate::cli::settings::Settings;
use crate::ops::plan::request::{Anew, SceneChoice};
use crate::ops::replace::{self, Asked};
use crate::sys::disk::Kind;
use crate::sys::outside;
use std::path::{Path, PathBuf};

const WORDS: Words = Words { schema: "farm.replace/1", plan_schema: "farm.replace-plan/1" };

/// Gives jobs a new revision.
pub fn run(command: ReplaceCommand, context: &Context) -> Result<u8, Failure> {
    let ReplaceCommand::Job(args) = command;
    let home =
        args.release.as_deref().map(str::parse::<Home>).transpose().map_err(|error| nothing_done(error.into()))?;
    let (volume, mut settings) = context.volume().map_err(nothing_done)?;
    settings.lock_wait = args.change.lock_wait.unwrap_or(settings.lock_wait);
    let call = Call::new(context, &volume, &settings, WORDS);
    let planned = planned(&args, home.as_ref(), &call).map_err(nothing_done)?;
    let Some(done) = call.carry(planned, &Mode::of(&args.change), args.yes, args.wait)? else { return Ok(exit::DONE) };
    if args.wait {
        call.wait(&done, args.change.lock_wait)?;
    }
    if context.output.form() == Form::Json {
        context.output.document(&Document::done(&call.words, &done, None));
    }
    Ok(exit::DONE)
}

fn planned(args: &ReplaceJobArgs, home: Option<&Home>, call: &Call<'_>) -> Result<Vec<Planned>, Failure> {
    if let Some(file) = &args.change.apply {
        return call.saved(file);
    }
    let chosen = match (&args.using, &args.job) {
        (Some(file), _) => replace::using(call.volume, file, home)?,
        (None, Some(job)) => vec![replace::one(call.volume, job)?],
        (None, None) => return Err(Failure::new(Class::Usage, "the job's name is missing")),
    };
    let asked = asked(args, call.settings)?;
    let requests = chosen.iter().map(|chosen| replace::request(call.volume, chosen, &asked));
    call.plan(&requests.collect::<Result<Vec<_>, _>>()?)
}

fn asked(args: &ReplaceJobArgs, settings: &Settings) -> Result<Asked, Failure> {
    let job = job_request(&args.options, args.range.clone(), settings)?;
    if job.scene == SceneChoice::All {
        return Err(Failure::new(Class::Usage, "--scene all: a job is one scene").with_hint("Name the one that it is."));
    }
    Ok(Asked {
        with: args.with.as_ref().map(|file| scene_file(file)).transpose()?,
        job,
        anew: match (&args.frames, args.keep_frames) {
            (Some(frames), _) => Anew::Only(frames.clone()),
            (None, true) => Anew::Missing,
            (None, false) => Anew::All,
        },
    })
}

/// One file, by its absolute path.
pub(super) fn scene_file(file: &Path) -> Result<PathBuf, Failure> {
    let wrong =
        |cause: String| Failure::new(Class::Usage, cause).with_hint("Name the .blend file that is to be rendered.");
    let file = place(file).map_err(wrong)?;
    match outside::stat(&file)? {
        None => Err(wrong(format!("{}: there is no such file", file.display()))),
        Some(found) if found.kind == Kind::Folder => Err(wrong(format!("{}: it is a folder", file.display()))),
        Some(_) => Ok(file),
    }
}
