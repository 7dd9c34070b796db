//! What is asked for: out of arguments, the configuration and a plan file.

use crate::base::error::{Class, Failure};
use crate::base::name::{Home, ReleaseName};
use crate::cli::args::plan::PlanReleaseArgs;
use crate::cli::job_options::{job_request, place};
use crate::cli::needs::Context;
use crate::cli::plan_file;
use crate::cli::settings::Settings;
use crate::ops::plan::from_yaml;
use crate::ops::plan::request::{JobRequest, PlanRequest, Update};
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
    let asked = job_request(&args.options, args.frames.clone(), settings)?;
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
    if args.options.chunk.is_some() {
        job.chunk = asked.chunk;
    }
    if args.options.priority.is_some() {
        job.priority = asked.priority;
    }
    if args.options.tag.is_some() {
        job.tag.clone_from(&asked.tag);
    }
    if args.options.format.is_some() {
        job.format.clone_from(&asked.format);
    }
    if args.options.scene.is_some() {
        job.scene.clone_from(&asked.scene);
    }
    if args.options.allow_missing {
        job.missing = asked.missing;
    }
    if args.options.pack {
        job.packing = asked.packing;
    }
    job.paused |= args.options.paused;
    job.options = job.options.with(&asked.options);
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
            let request = JobRequest { file: place(&file).map_err(no_scene)?, found, ..job.clone() };
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
