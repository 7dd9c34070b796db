//! `farm seed job`

mod again;

use crate::base::error::{Class, Failure};
use crate::base::name::{Home, JobName};
use crate::base::rel_path::RelPath;
use crate::cli::args::seed::{SeedCommand, SeedJobArgs};
use crate::cli::commands::replace::scene_file;
use crate::cli::exit;
use crate::cli::job_options::job_request;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::output::Form;
use crate::cli::render::progress::Progress;
use crate::cli::revising::document::Document;
use crate::cli::revising::{Call, Mode, Planned, Words, nothing_done};
use crate::ops::harvest::request::RenderedAgain;
use crate::ops::harvest::{HarvestRequest, Outcome, apply};
use crate::ops::plan::request::{JobRequest, PlanRequest, SceneChoice, Update};
use crate::ops::ports::Ports;
use crate::volume::layout;
use std::path::Path;

const WORDS: Words = Words { schema: "farm.seed/1", plan_schema: "farm.seed-plan/1" };

/// Renders a scene outside any release.
pub fn run(command: SeedCommand, context: &Context) -> Result<u8, Failure> {
    let SeedCommand::Job(args) = command;
    // Wrong names are refused before anything is opened.
    let named = Named::of(&args.words).map_err(nothing_done)?;
    let (volume, mut settings) = context.volume().map_err(nothing_done)?;
    settings.lock_wait = args.change.lock_wait.unwrap_or(settings.lock_wait);
    let call = Call::new(context, &volume, &settings, WORDS);
    if let Named::Again(name) = &named {
        return again::run(&call, &args, name);
    }
    let planned = planned(&args, &named, &call).map_err(nothing_done)?;
    let jobs: Vec<JobName> = planned.iter().flat_map(Planned::jobs).cloned().collect();
    let Some(done) = call.carry(planned, &Mode::of(&args.change), args.yes, args.wait)? else { return Ok(exit::DONE) };
    if args.wait {
        call.wait(&done, args.change.lock_wait)?;
    }
    let harvested = args.harvest.then(|| harvest(&call, &jobs)).transpose()?;
    if context.output.form() == Form::Json {
        context.output.document(&Document::done(&call.words, &done, harvested.as_deref()));
    }
    Ok(exit::DONE)
}

/// What the words of the command name.
enum Named<'a> {
    /// A scene, and what it is to be called.
    Scene(&'a Path, JobName),
    /// What was seeded before under this name.
    Again(JobName),
    /// Nothing: a saved plan says it.
    Saved,
}

impl<'a> Named<'a> {
    fn of(words: &'a [String]) -> Result<Named<'a>, Failure> {
        let name = |word: &str| word.strip_prefix("quick/").unwrap_or(word).parse::<JobName>();
        match words {
            [file, word] => Ok(Named::Scene(Path::new(file), name(word)?)),
            [word] if word.contains(['/', '\\']) && !word.starts_with("quick/") => Err(lacks_name(word)),
            [word] => Ok(Named::Again(name(word)?)),
            _ => Ok(Named::Saved),
        }
    }
}

fn lacks_name(file: &str) -> Failure {
    Failure::new(Class::Usage, format!("a name for {file:?} is missing"))
        .with_hint("Write `farm seed job FILE NAME` with a name of your choice.")
}

fn planned(args: &SeedJobArgs, named: &Named<'_>, call: &Call<'_>) -> Result<Vec<Planned>, Failure> {
    match (&args.change.apply, named) {
        (Some(file), _) => call.saved(file),
        (None, Named::Scene(file, name)) => call.plan(&[request(args, file, name, call)?]),
        (None, _) => Err(Failure::new(Class::Usage, "the scene's file and a name for it are missing")),
    }
}

fn request(args: &SeedJobArgs, file: &Path, name: &JobName, call: &Call<'_>) -> Result<PlanRequest, Failure> {
    let asked = job_request(&args.options, args.frames.clone(), call.settings)?;
    if asked.scene == SceneChoice::All {
        return Err(Failure::new(Class::Usage, "--scene all: a job is one scene").with_hint("Name the one that it is."));
    }
    let job = JobRequest { file: scene_file(file)?, name: Some(name.to_string()), ..asked };
    let job_name_template = call.settings.job_name_template.clone();
    Ok(PlanRequest { release: Home::Quick, jobs: vec![job], job_name_template, update: Update::Seed })
}

/// Moves what was rendered into `dist/quick/`; its files, beneath the volume. For people their paths are printed.
fn harvest(call: &Call<'_>, jobs: &[JobName]) -> Result<Vec<RelPath>, Failure> {
    let request = HarvestRequest {
        jobs: jobs.iter().map(ToString::to_string).collect(),
        template: call.settings.harvest_template.as_deref().map(str::parse).transpose()?,
        // It was seeded to be rendered anew.
        rendered_again: RenderedAgain::Replace,
        ..HarvestRequest::of(Home::Quick)
    };
    let manager = call.context.manager(call.volume, call.settings)?;
    let progress = Progress::new(&call.context.output).heeding(catch_interrupts()?);
    let ports = Ports { volume: call.volume, manager: manager.as_ref(), progress: &progress, actor: &call.actor };
    let harvested = apply::harvest(&ports, &request, None);
    progress.clear();
    let (report, _lock) = harvested?;
    if let (Outcome::Blocked | Outcome::Partial, Some(problem)) = (report.outcome, report.plan.problems.first()) {
        let words = format!("{}: {}; it was not harvested", problem.path, problem.cause);
        return Err(Failure::new(Class::Found, words)
            .with_hint(format!("`farm retry {}` renders it again.", problem.reference)));
    }
    let dist = layout::dist_dir(&Home::Quick);
    let files = report.plan.jobs.iter().flat_map(|job| &job.files);
    let files = files.map(|file| dist.join(file.to.as_str())).collect::<Result<Vec<RelPath>, _>>()?;
    if call.context.output.form() == Form::Human {
        let paths: Vec<String> = files.iter().map(|file| call.volume.path_of(file).display().to_string()).collect();
        call.context.output.data(&paths.join("\n"));
    }
    Ok(files)
}
