//! `farm plan release`

use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::ids::JobId;
use crate::base::name::{JobRef, ReleaseName};
use crate::base::render_options::{self, RenderOptions};
use crate::cli::args::plan::{PlanCommand, PlanReleaseArgs};
use crate::cli::config::ConfigError;
use crate::cli::needs::{self, Context, catch_interrupts};
use crate::cli::output::Form;
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::{self, ChunkChoice, Settings};
use crate::cli::wait::{self, Submitted};
use crate::cli::{consent, exit, plan_file};
use crate::ops::follow::{self, Hopeless};
use crate::ops::plan::apply;
use crate::ops::plan::request::{Asked, Chunk, JobRequest, Missing, Packing, PlanRequest, SceneChoice, Update};
use crate::ops::plan::survey::{self, Known, Survey};
use crate::ops::plan::{ReleasePlan, SCHEMA, from_yaml};
use crate::ops::ports::{Actor, Ports};
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::sys::{outside, scan};
use crate::volume::Volume;
use serde::Serialize;
use std::path::PathBuf;

/// Extensions of scene files.
const SCENES: &[&str] = &["blend", "rib"];
const NOTHING: &str = "nothing was submitted";

/// Plans a release.
pub fn run(command: PlanCommand, context: &Context) -> Result<u8, Failure> {
    let PlanCommand::Release(args) = command;
    let settled = release(&args, context).map_err(|failure| failure_says_nothing_done(failure, &args))?;
    let Settled::Submitted(applied) = settled else { return Ok(exit::DONE) };
    if args.wait {
        let submitted = if applied.submitted.is_empty() { Submitted::Earlier } else { Submitted::Now };
        wait::follow_release(&applied.plan.release, submitted, args.change.lock_wait, context)?;
    }
    if context.output.form() == Form::Json {
        context.output.document(&applied);
    }
    Ok(exit::DONE)
}

enum Settled {
    Shown,
    Submitted(Box<Applied>),
}

/// The document of a plan that was carried out: the plan, and what became of it.
#[derive(Serialize)]
struct Applied {
    #[serde(flatten)]
    plan: ReleasePlan,
    consent: Consent,
    submitted: Vec<SubmittedJob>,
}

#[derive(Serialize)]
struct SubmittedJob {
    #[serde(rename = "ref")]
    reference: JobRef,
    id: JobId,
}

/// After a refusal or wrong usage the message ends with what was not done.
fn failure_says_nothing_done(failure: Failure, args: &PlanReleaseArgs) -> Failure {
    let untouched = match failure.class() {
        Class::Usage | Class::Refused | Class::NoMatch => true,
        // Who was interrupted later than that was told how far it came.
        Class::Interrupted(_) => failure.hint().is_none(),
        _ => false,
    };
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
    let renderer = Renderer::known_to(&volume, &settings.blender).with_autoexec(needs::autoexec(&settings));
    let call = Call { args, context, volume: &volume, settings: &settings, actor: context.actor(&settings), renderer };
    if let Some(file) = &args.change.apply {
        let plan: ReleasePlan = plan_file::read(file, SCHEMA)?;
        let now = call.survey(&plan.request)?;
        apply::check_current(&volume, &plan, &now.plan)?;
        return call.show_and_apply(&plan, &now.known);
    }
    let request = match early {
        Some(request) => request,
        None => request_of(args, context, &settings)?,
    };
    let Survey { plan, known, .. } = call.survey(&request)?;
    if let Some(file) = &args.change.plan_out {
        context.output.say(&render::plan::human(&plan, free_space(&volume).ok()));
        plan_file::write(file, &plan)?;
        context.output.say(&format!("wrote the plan to {}; {NOTHING}", file.display()));
        if context.output.form() == Form::Json {
            context.output.document(&plan);
        }
        return Ok(Settled::Shown);
    }
    call.show_and_apply(&plan, &known)
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
        let survey = survey::survey(&ports, request, &self.renderer, &Known::default());
        progress.clear();
        survey
    }

    fn show_and_apply(&self, plan: &ReleasePlan, known: &Known) -> Result<Settled, Failure> {
        let output = &self.context.output;
        let text = || render::plan::human(plan, free_space(self.volume).ok());
        if self.args.change.dry_run {
            match output.form() {
                Form::Json => output.document(plan),
                Form::Human => output.data(&text()),
            }
            if let Err(failure) = apply::check_space(self.volume, plan) {
                output.warn(&failure.message());
            }
            return Ok(Settled::Shown);
        }
        output.say(&text());
        apply::check_space(self.volume, plan)?;
        let question = format!("Submit {} job(s) to {}?", plan.jobs.len(), plan.manager);
        let consent = consent::ask(output, self.args.yes, &question, NOTHING)?;
        let manager = self.context.manager(self.volume, self.settings)?;
        let progress = Progress::new(&self.context.output).heeding(catch_interrupts()?);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let report = apply::apply(&ports, plan, known, consent, &self.renderer);
        progress.clear();
        let report = report?;
        output.say(&render::plan::applied(&report));
        // Whoever waits has missing frames submitted again while waiting.
        if report.submitted.is_empty() && !self.args.wait {
            match follow::submit_missing(&ports, &plan.release, Hopeless::Retry)? {
                Some(frames) => output.say(&format!("submitted frames {frames} again, which were missing or broken")),
                None => output.say(&format!("{}: nothing is left to submit", plan.release)),
            }
        }
        let submitted = report.submitted.into_iter().map(|(reference, id)| SubmittedJob { reference, id }).collect();
        Ok(Settled::Submitted(Box::new(Applied { plan: plan.clone(), consent: report.consent, submitted })))
    }
}

fn request_of(args: &PlanReleaseArgs, context: &Context, settings: &Settings) -> Result<PlanRequest, Failure> {
    let fallback = job_request(args, settings)?;
    let update = if args.update { Update::Add } else { Update::Refuse };
    let template = args.job_name_template.as_ref().unwrap_or(&settings.job_name_template);
    let mut request = match &args.from {
        Some(file) => {
            let text = plan_file::read_text(file)?;
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
        let files =
            scan::expand(&job.file, SCENES).map_err(|error| no_scene(format!("{}: {error}", job.file.display())))?;
        if files.is_empty() {
            return Err(no_scene(format!("{}: no .blend or .rib file is there", job.file.display())));
        }
        for file in files {
            let absolute = outside::resolve(&file).map_err(|error| no_scene(error.to_string()))?;
            expanded.push(JobRequest { file: absolute, ..job.clone() });
        }
    }
    Ok(expanded)
}

fn no_scene(cause: String) -> Failure {
    Failure::new(Class::Usage, cause)
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
        options: render_options(args)?,
        paused: args.paused,
        asked: Asked { chunk: args.chunk.is_some(), priority: args.priority.is_some() },
    })
}

/// What is asked of the renderer beyond what the scene says.
fn render_options(args: &PlanReleaseArgs) -> Result<RenderOptions, Failure> {
    let wrong = |flag: &str, cause: String| Failure::new(Class::Usage, format!("{flag}: {cause}"));
    let blender = args.blender.as_deref().map(render_options::blender_variable).transpose();
    let device = args.device.as_deref().map(render_options::device).transpose();
    let variables = args.env.iter().map(|text| {
        let (name, value) = text.split_once('=').unwrap_or((text, "\n"));
        render_options::variable(name, value)
    });
    Ok(RenderOptions {
        blender: blender.map_err(|cause| wrong("--blender", cause))?,
        device: device.map_err(|cause| wrong("--device", cause))?,
        samples: args.samples,
        environment: variables.collect::<Result<_, _>>().map_err(|cause| wrong("--env", cause))?,
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
