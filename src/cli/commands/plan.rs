//! `farm plan release`

use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::ids::JobId;
use crate::base::counted::{agree, frames_named};
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
use crate::ops::follow::{self, Hopeless, Told};
use crate::ops::plan::apply;
use crate::ops::plan::request::{Asked, Chunk, JobRequest, Missing, Packing, PlanRequest, SceneChoice, Update};
use crate::ops::plan::survey::{self, Known, Survey};
use crate::ops::plan::{ReleasePlan, SCHEMA, from_yaml};
use crate::ops::ports::{Actor, Ports};
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::sys::disk::Kind;
use crate::sys::{outside, scan};
use crate::volume::Volume;
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

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
    if untouched { says_nothing_done(failure, args) } else { failure }
}

/// The message of a failure before anything was changed ends with what was not done.
fn says_nothing_done(failure: Failure, args: &PlanReleaseArgs) -> Failure {
    if failure.message().contains(NOTHING) || args.change.dry_run {
        return failure;
    }
    let said = Failure::new(failure.class(), format!("{}; {NOTHING}", failure.message()));
    match failure.hint() {
        Some(hint) => said.with_hint(hint),
        None => said,
    }
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
        call.warn_of_space(&plan);
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
    release_name(&args.words)?;
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
        survey.map_err(|failure| says_nothing_done(failure, self.args))
    }

    /// Frames are only estimated, so that a plan whose frames may not fit is not refused.
    fn warn_of_space(&self, plan: &ReleasePlan) {
        let free = free_space(self.volume).ok();
        if let Some(words) = free.and_then(|free| render::plan::too_little_space(plan, free)) {
            self.context.output.warn(&words);
        }
    }

    fn show_and_apply(&self, plan: &ReleasePlan, known: &Known) -> Result<Settled, Failure> {
        let output = &self.context.output;
        let text = || render::plan::human(plan, free_space(self.volume).ok());
        if self.args.change.dry_run {
            match output.form() {
                Form::Json => output.document(plan),
                Form::Human => output.data(&text()),
            }
            match apply::check_space(self.volume, plan) {
                Err(failure) => output.warn(&failure.message()),
                Ok(()) => self.warn_of_space(plan),
            }
            return Ok(Settled::Shown);
        }
        output.say(&text());
        apply::check_space(self.volume, plan)?;
        self.warn_of_space(plan);
        let question = render::plan::question(plan);
        let consent = consent::ask(output, self.args.yes, &question, NOTHING)?;
        let manager = self.context.manager(self.volume, self.settings)?;
        let progress = Progress::new(&self.context.output).heeding(catch_interrupts()?);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let report = apply::apply(&ports, plan, known, consent, &self.renderer);
        progress.clear();
        let report = report?;
        output.say(&render::plan::applied(plan, &report));
        // Whoever waits has missing frames submitted again while waiting.
        if report.submitted.is_empty() && !self.args.wait {
            match follow::submit_missing(&ports, &plan.release, Hopeless::Retry, &Told::default())? {
                Some(frames) => {
                    let verb = agree(frames.len(), "was", "were");
                    let frames = frames_named(&frames);
                    output.say(&format!("submitted {frames} again, which {verb} missing or broken"));
                }
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
            let jobs = scenes.into_iter().map(|file| JobRequest { file, ..fallback.clone() }).collect();
            PlanRequest { release, jobs, job_name_template: template.clone(), update }
        }
    };
    request.jobs = expand(&request.jobs, context)?;
    Ok(request)
}

/// Each job's word becomes the files that it stands for, as absolute paths. A file that is named twice, by whatever names,
/// is one job; in a plan file two jobs may be made of one scene, told apart by what they ask for.
fn expand(jobs: &[JobRequest], context: &Context) -> Result<Vec<JobRequest>, Failure> {
    let mut expanded: Vec<JobRequest> = Vec::new();
    let mut seen: HashMap<(u64, u64), Vec<usize>> = HashMap::new();
    for job in jobs {
        let files =
            scan::expand(&job.file, SCENES).map_err(|error| no_scene(format!("{}: {error}", job.file.display())))?;
        if files.is_empty() {
            return Err(no_scene(format!("{}: no .blend or .rib file is there", job.file.display())));
        }
        let found = files != [job.file.clone()];
        for file in files {
            let request = JobRequest { file: place(&file)?, found, ..job.clone() };
            let identity = outside::stat(&file).ok().flatten().map(|attributes| attributes.identity());
            let twins = identity.map(|identity| seen.entry(identity).or_default());
            let alike = |at: &&usize| is_alike(&expanded[**at], &request);
            match twins.as_ref().and_then(|twins| twins.iter().find(alike)).copied() {
                Some(at) => fold(&mut expanded[at], &request, context),
                None => {
                    twins.into_iter().for_each(|twins| twins.push(expanded.len()));
                    expanded.push(request);
                }
            }
        }
    }
    Ok(expanded)
}

/// The file's own name in its folder, whose links are resolved. A link to a scene stays one: the job is named after it.
fn place(file: &Path) -> Result<PathBuf, Failure> {
    let absolute = outside::absolute(file).map_err(|error| no_scene(format!("{}: {error}", file.display())))?;
    let folder = absolute.parent().and_then(|folder| outside::resolve(folder).ok());
    Ok(match (folder, absolute.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => absolute,
    })
}

/// Whether both ask for the same but for the file.
fn is_alike(one: &JobRequest, other: &JobRequest) -> bool {
    *one == JobRequest { file: one.file.clone(), found: one.found, ..other.clone() }
}

fn fold(first: &mut JobRequest, again: &JobRequest, context: &Context) {
    if first.file != again.file {
        let (first, again) = (first.file.display(), again.file.display());
        context.output.say(&format!("{again} is the same file as {first}: one job is made of both"));
    }
    first.found &= again.found;
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
        found: false,
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
fn words(args: &PlanReleaseArgs, context: &Context) -> Result<(ReleaseName, Vec<PathBuf>), Failure> {
    let missing = |what: &str| {
        Failure::new(Class::Usage, format!("{what} is missing"))
            .with_hint("Write `farm plan release NAME SCENE…`, or --from plan.yaml.")
    };
    let ask = |prompt: &str, what: &str| match context.output.can_ask() {
        true => match context.output.ask_or_leave(prompt)? {
            Some(answer) if !answer.is_empty() => Ok(answer),
            _ => Err(missing(what)),
        },
        false => Err(missing(what)),
    };
    let name = match args.words.is_empty() {
        true => release_name(&[ask("Name of the release: ", "the release's name")?])?,
        false => release_name(&args.words)?,
    };
    let mut scenes: Vec<PathBuf> = args.words.iter().skip(1).map(PathBuf::from).collect();
    if scenes.is_empty() {
        scenes.push(ask("Scenes (a .blend file, a folder or a glob): ", "a scene")?.into());
    }
    Ok((name, scenes))
}

/// The first word as the release's name. A scene there means that the name was forgotten: it would be dropped in silence.
fn release_name(words: &[String]) -> Result<ReleaseName, Failure> {
    let name = words.first().map(String::as_str).unwrap_or_default();
    let path = Path::new(name);
    let is_scene =
        path.extension().and_then(|e| e.to_str()).is_some_and(|e| SCENES.iter().any(|s| e.eq_ignore_ascii_case(s)));
    let is_file = outside::stat(path).ok().flatten().is_some_and(|found| found.kind == Kind::File);
    if is_scene || is_file {
        let scenes: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let words = format!("the first word is the name of the release, and {name} is a file");
        return Err(Failure::new(Class::Usage, words)
            .with_hint(format!("Write `farm plan release NAME {}` with a name of your choice.", shortened(&scenes))));
    }
    Ok(name.parse()?)
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| word.to_owned(), Into::into)
}

/// The words of a command; a few of many.
fn shortened(words: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = words.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(" ");
    if words.len() > SHOWN { format!("{shown} …") } else { shown }
}
