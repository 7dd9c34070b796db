//! What is asked for: out of arguments, the configuration and a plan file.

use crate::base::error::{Class, Failure};
use crate::base::name::{Home, ReleaseName};
use crate::base::render_options::{self, RenderOptions};
use crate::cli::args::plan::PlanReleaseArgs;
use crate::cli::config::{ConfigError, Origin};
use crate::cli::needs::Context;
use crate::cli::plan_file;
use crate::cli::settings::{self, ChunkChoice, Settings};
use crate::ops::plan::from_yaml;
use crate::ops::plan::request::{Asked, Chunk, JobRequest, Missing, Packing, PlanRequest, SceneChoice, Update};
use crate::sys::disk::Kind;
use crate::sys::{outside, scan};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Extensions of scene files.
const SCENES: &[&str] = &["blend", "rib"];

/// What the arguments ask for.
pub(super) fn request_of(
    args: &PlanReleaseArgs,
    context: &Context,
    settings: &Settings,
) -> Result<PlanRequest, Failure> {
    let asked = job_request(args, settings)?;
    let update = if args.update { Update::Add } else { Update::Refuse };
    let template = args.job_name_template.as_ref().unwrap_or(&settings.job_name_template);
    let mut request = match &args.from {
        Some(file) => {
            let text = plan_file::read_text(file)?;
            let mut request = from_yaml::parse(&text, file, &asked, template, update)?;
            if let Some(template) = &args.job_name_template {
                request.job_name_template.clone_from(template);
            }
            request.jobs.iter_mut().for_each(|job| lay_over(job, args, &asked));
            request
        }
        None => {
            let (release, scenes) = words(args, context)?;
            let jobs = scenes.into_iter().map(|file| JobRequest { file, ..asked.clone() }).collect();
            PlanRequest { release, jobs, job_name_template: template.clone(), update }
        }
    };
    request.jobs = expand(&request.jobs, context)?;
    Ok(request)
}

/// An option counts for every job of a plan file, whatever the file says: who gives it looks at this one call.
fn lay_over(job: &mut JobRequest, args: &PlanReleaseArgs, asked: &JobRequest) {
    if args.frames.is_some() {
        job.frames.clone_from(&asked.frames);
    }
    if args.chunk.is_some() {
        job.chunk = asked.chunk;
    }
    if args.priority.is_some() {
        job.priority = asked.priority;
    }
    if args.tag.is_some() {
        job.tag.clone_from(&asked.tag);
    }
    if args.format.is_some() {
        job.format.clone_from(&asked.format);
    }
    if args.scene.is_some() {
        job.scene.clone_from(&asked.scene);
    }
    if args.allow_missing {
        job.missing = asked.missing;
    }
    if args.pack {
        job.packing = asked.packing;
    }
    job.paused |= args.paused;
    let (options, over) = (&mut job.options, &asked.options);
    if over.blender.is_some() {
        options.blender.clone_from(&over.blender);
    }
    if over.device.is_some() {
        options.device.clone_from(&over.device);
    }
    options.samples = over.samples.or(options.samples);
    options.environment.extend(over.environment.clone());
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
    let origin = Origin::Flag(flag);
    ConfigError::BadValue { key: "plan.chunk", text: text.to_owned(), origin, cause }.into()
}

/// Name and scenes from the arguments, or asked for on a terminal.
fn words(args: &PlanReleaseArgs, context: &Context) -> Result<(Home, Vec<PathBuf>), Failure> {
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
pub(super) fn release_name(words: &[String]) -> Result<Home, Failure> {
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
    Ok(name.parse::<ReleaseName>()?.into())
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
