//! `farm plan release`

use crate::base::error::{Class, Failure};
use crate::base::name::ReleaseName;
use crate::cli::args::plan::{PlanCommand, PlanReleaseArgs};
use crate::cli::config::ConfigError;
use crate::cli::needs::Context;
use crate::cli::output::Form;
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::{self, ChunkChoice, Settings};
use crate::cli::{consent, exit};
use crate::ops::plan::apply;
use crate::ops::plan::digests::Digests;
use crate::ops::plan::request::{Chunk, JobRequest, Missing, Packing, PlanRequest, SceneChoice, Update};
use crate::ops::plan::survey::{self, Survey};
use crate::ops::plan::{ReleasePlan, from_yaml};
use crate::ops::ports::{Actor, Ports};
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::sys::{outside, scan};
use crate::volume::Volume;
use std::path::{Path, PathBuf};

/// Extensions of scene files.
const SCENES: &[&str] = &["blend", "rib"];
/// The largest plan file that is read, in bytes.
const MAX_PLAN: u64 = 256 << 20;
const NOTHING: &str = "nothing was submitted";

/// Plans a release.
pub fn run(command: PlanCommand, context: &Context) -> Result<u8, Failure> {
    let PlanCommand::Release(args) = command;
    let settled = release(&args, context).map_err(|failure| failure_says_nothing_done(failure, &args))?;
    match settled {
        Settled::Shown => Ok(exit::DONE),
        Settled::Submitted { release, wait: true } => super::work::follow_release(&release, context),
        Settled::Submitted { .. } => Ok(exit::DONE),
    }
}

enum Settled {
    Shown,
    Submitted { release: ReleaseName, wait: bool },
}

/// After a refusal or wrong usage the message ends with what was not done.
fn failure_says_nothing_done(failure: Failure, args: &PlanReleaseArgs) -> Failure {
    let untouched = matches!(failure.class(), Class::Usage | Class::Refused | Class::NoMatch);
    if untouched && !failure.message().contains(NOTHING) && !args.change.dry_run {
        let mut said = Failure::new(failure.class(), format!("{}; {NOTHING}", failure.message()));
        if let Some(hint) = failure.hint() {
            said = said.with_hint(hint);
        }
        return said;
    }
    failure
}

fn release(args: &PlanReleaseArgs, context: &Context) -> Result<Settled, Failure> {
    let early = early_request(args, context)?;
    let (volume, mut settings) = context.volume()?;
    settings.lock_wait = args.change.lock_wait.unwrap_or(settings.lock_wait);
    let renderer = Renderer::new(&settings.blender);
    let call = Call { args, context, volume: &volume, settings: &settings, actor: context.actor(&settings), renderer };
    if let Some(file) = &args.change.apply {
        let plan = read_plan(file)?;
        let now = call.survey(&plan.request)?;
        apply::check_current(&volume, &plan, &now.plan)?;
        return call.show_and_apply(&plan, &now.digests);
    }
    let request = match early {
        Some(request) => request,
        None => request_of(args, context, &settings)?,
    };
    let Survey { plan, digests, .. } = call.survey(&request)?;
    if let Some(file) = &args.change.plan_out {
        write_plan(file, &plan)?;
        context.output.say(&format!("wrote the plan to {}; {NOTHING}", file.display()));
        return Ok(Settled::Shown);
    }
    call.show_and_apply(&plan, &digests)
}

/// With arguments alone, wrong names are refused before anything is opened.
fn early_request(args: &PlanReleaseArgs, context: &Context) -> Result<Option<PlanRequest>, Failure> {
    if args.change.apply.is_some() || args.from.is_some() || args.words.len() < 2 {
        return Ok(None);
    }
    args.words[0].parse::<ReleaseName>()?;
    request_of(args, context, &context.settings()?).map(Some)
}

/// One call of the command, with what it works on.
struct Call<'a> {
    args: &'a PlanReleaseArgs,
    context: &'a Context,
    volume: &'a Volume,
    settings: &'a Settings,
    actor: Actor,
    renderer: Renderer,
}

impl Call<'_> {
    /// Reads everything; asks the Manager only to look.
    fn survey(&self, request: &PlanRequest) -> Result<Survey, Failure> {
        let manager = self.context.manager_to_look(self.volume, self.settings)?;
        let progress = Progress::new(&self.context.output);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let survey = survey::survey(&ports, request, &self.renderer, &Digests::new());
        progress.clear();
        survey
    }

    fn show_and_apply(&self, plan: &ReleasePlan, known: &Digests) -> Result<Settled, Failure> {
        let output = &self.context.output;
        let text = || render::plan::human(plan, free_space(self.volume).ok());
        if self.args.change.dry_run {
            match output.form() {
                Form::Json => output.document(plan),
                Form::Human => output.data(&text()),
            }
            return Ok(Settled::Shown);
        }
        output.say(&text());
        let question = format!("Submit {} job(s) to {}?", plan.jobs.len(), plan.manager);
        let consent = consent::ask(output, self.args.yes, &question, NOTHING)?;
        let manager = self.context.manager(self.volume, self.settings)?;
        let progress = Progress::new(&self.context.output);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let report = apply::apply(&ports, plan, known, consent, &self.renderer);
        progress.clear();
        output.say(&render::plan::applied(&report?));
        // One document on stdout: the plan, or, of whoever waits, what became of it.
        if output.form() == Form::Json && !self.args.wait {
            output.document(plan);
        }
        Ok(Settled::Submitted { release: plan.release.clone(), wait: self.args.wait })
    }
}

fn request_of(args: &PlanReleaseArgs, context: &Context, settings: &Settings) -> Result<PlanRequest, Failure> {
    let fallback = job_request(args, settings)?;
    let update = if args.update { Update::Add } else { Update::Refuse };
    let template = args.job_name_template.as_ref().unwrap_or(&settings.job_name_template);
    let mut request = match &args.from {
        Some(file) => {
            let text = read_required(file, MAX_PLAN)?;
            from_yaml::parse(&text, file, &fallback, template, update)?
        }
        None => {
            let (release, scenes) = words(args, context)?;
            let release = release.parse()?;
            let jobs = scenes.into_iter().map(|file| JobRequest { file, ..fallback.clone() }).collect();
            PlanRequest { release, jobs, job_name_template: template.clone(), update }
        }
    };
    request.jobs = expand(&request.jobs)?;
    Ok(request)
}

/// Each job's word becomes the files that it stands for, as absolute paths.
fn expand(jobs: &[JobRequest]) -> Result<Vec<JobRequest>, Failure> {
    let mut expanded = Vec::new();
    for job in jobs {
        let files = scan::expand(&job.file, SCENES).map_err(|error| no_scene(&job.file, &error.to_string()))?;
        if files.is_empty() {
            return Err(no_scene(&job.file, "no .blend or .rib file is there"));
        }
        for file in files {
            let absolute = scan::absolute(&file).map_err(|error| no_scene(&file, &error.to_string()))?;
            expanded.push(JobRequest { file: absolute, ..job.clone() });
        }
    }
    Ok(expanded)
}

fn no_scene(path: &Path, cause: &str) -> Failure {
    Failure::new(Class::Usage, format!("{}: {cause}", path.display()))
        .with_hint("Name .blend or .rib files, folders that hold some, or a glob in quotes.")
}

fn job_request(args: &PlanReleaseArgs, settings: &Settings) -> Result<JobRequest, Failure> {
    let choice = match &args.chunk {
        Some(text) => settings::parse_chunk(text).map_err(|cause| wrong_flag("--chunk", text, cause))?,
        None => settings.chunk,
    };
    Ok(JobRequest {
        file: PathBuf::new(),
        name: None,
        frames: args.frames.clone(),
        chunk: match choice {
            ChunkChoice::Auto => Chunk::Auto,
            ChunkChoice::Frames(n) => Chunk::Frames(n),
        },
        priority: args.priority.unwrap_or(settings.priority),
        tag: args.tag.clone(),
        format: args.format.clone(),
        scene: args.scene.as_deref().map_or(SceneChoice::Active, from_yaml::scene),
        missing: if args.allow_missing { Missing::Allow } else { Missing::Refuse },
        packing: if args.pack { Packing::WhereNeeded } else { Packing::Never },
        paused: args.paused,
    })
}

fn wrong_flag(flag: &'static str, text: &str, cause: String) -> Failure {
    let origin = crate::cli::config::Origin::Flag(flag);
    ConfigError::BadValue { key: "plan.chunk", text: text.to_owned(), origin, cause }.into()
}

/// Name and scenes from the arguments, or asked for on a terminal.
fn words(args: &PlanReleaseArgs, context: &Context) -> Result<(String, Vec<PathBuf>), Failure> {
    let mut words = args.words.iter().cloned();
    let missing = |what: &str| {
        Failure::new(Class::Usage, format!("{what} is missing"))
            .with_hint("Write `farm plan release NAME SCENE…`, or --from plan.yaml.")
    };
    let ask = |prompt: &str, what: &str| match context.output.can_ask() {
        true => dialoguer::Input::<String>::new().with_prompt(prompt).interact_text().map_err(|_| missing(what)),
        false => Err(missing(what)),
    };
    let name = words.next().map_or_else(|| ask("Name of the release", "the release's name"), Ok)?;
    name.parse::<ReleaseName>()?;
    let mut scenes: Vec<PathBuf> = words.map(PathBuf::from).collect();
    if scenes.is_empty() {
        scenes.push(ask("Scenes: a .blend file, a folder or a glob", "a scene")?.into());
    }
    Ok((name, scenes))
}

fn read_required(path: &Path, limit: u64) -> Result<String, Failure> {
    let read = outside::read_text(path, limit);
    let text = read.map_err(|error| Failure::new(Class::Usage, format!("{}: {error}", path.display())))?;
    text.ok_or_else(|| {
        Failure::new(Class::Usage, format!("{}: there is no such file", path.display())).with_hint("Check the path.")
    })
}

fn read_plan(path: &Path) -> Result<ReleasePlan, Failure> {
    let text = read_required(path, MAX_PLAN)?;
    let plan: ReleasePlan = serde_json::from_str(&text).map_err(|error| {
        Failure::new(Class::Usage, format!("{}: not a plan of farm: {error}", path.display()))
            .with_hint("Make one with `farm plan release … --plan-out FILE`.")
    })?;
    if plan.schema != crate::ops::plan::SCHEMA {
        return Err(Failure::new(
            Class::Usage,
            format!("{}: schema {:?} is not {}", path.display(), plan.schema, crate::ops::plan::SCHEMA),
        )
        .with_hint("Make the plan anew with this farm."));
    }
    Ok(plan)
}

fn write_plan(path: &Path, plan: &ReleasePlan) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(plan).map_err(|error| Failure::new(Class::Failed, error.to_string()))?;
    outside::write(path, text.as_bytes())
        .map_err(|error| Failure::new(Class::Failed, format!("{}: {error}", path.display())))
}
