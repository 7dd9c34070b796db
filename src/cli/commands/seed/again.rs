//! `farm seed job NAME`: what was seeded under a name, rendered anew.

use super::{WORDS, harvest, lacks_name};
use crate::base::consent::Consent;
use crate::base::counted::{agree, counted, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::name::{Home, JobName, JobRef};
use crate::cli::args::seed::SeedJobArgs;
use crate::cli::job_options::job_request;
use crate::cli::needs::catch_interrupts;
use crate::cli::output::Form;
use crate::cli::render::progress::Progress;
use crate::cli::revising::document::Document;
use crate::cli::revising::{Call, NOTHING, nothing_done};
use crate::cli::wait::{self, Submitted};
use crate::cli::{consent, exit};
use crate::ops::follow::Awaited;
use crate::ops::plan::request::Chunk;
use crate::ops::ports::Ports;
use crate::ops::retry::rerender::{self, Asked, RerenderPlan, RerenderRequest, Rerendered};
use crate::ops::{change, release};

/// Renders the job anew, as it is.
pub(super) fn run(call: &Call<'_>, args: &SeedJobArgs, name: &JobName) -> Result<u8, Failure> {
    refuse_a_scene_without_a_name(call, name).map_err(nothing_done)?;
    let request = request(call, args, name).map_err(nothing_done)?;
    let plan = look(call, &request).map_err(nothing_done)?;
    let output = &call.context.output;
    if args.change.dry_run {
        output.long_result(|| human(&plan), || Document::again(&WORDS, &plan, None, None));
        return Ok(exit::DONE);
    }
    output.say(&human(&plan));
    let question = format!("Render {} of {} anew?", frames_named(&plan.frames), plan.reference);
    let consent = consent::ask(output, args.yes, &question, NOTHING)?;
    let report = apply(call, &plan).map_err(nothing_done)?;
    output.say(&applied(&plan, &report));
    let jobs = [name.clone()];
    if args.wait {
        wait::follow_release(Awaited::only(&Home::Quick, &jobs), Submitted::Now, args.change.lock_wait, call.context)?;
        require_rendered(call, &plan)?;
    }
    let harvested = args.harvest.then(|| harvest(call, &jobs)).transpose()?;
    if output.form() == Form::Json {
        let done: Option<(Consent, &Rerendered)> = Some((consent, &report));
        output.document(&Document::again(&WORDS, &plan, done, harvested.as_deref()));
    }
    Ok(exit::DONE)
}

/// Who gives the scene's file alone has most often forgotten the name; unless there is a job that is called so.
fn refuse_a_scene_without_a_name(call: &Call<'_>, name: &JobName) -> Result<(), Failure> {
    if !name.as_str().to_lowercase().ends_with(".blend") {
        return Ok(());
    }
    let file = release::load(call.volume, &Home::Quick)?;
    match file.is_some_and(|file| file.job(name).is_some()) {
        true => Ok(()),
        false => Err(lacks_name(name.as_str())),
    }
}

fn request(call: &Call<'_>, args: &SeedJobArgs, name: &JobName) -> Result<RerenderRequest, Failure> {
    refuse_what_needs_the_file(args, name)?;
    let asked = job_request(&args.options, args.frames.clone(), call.settings)?;
    let chunk = match asked.chunk {
        Chunk::Frames(frames) if asked.asked.chunk => Some(frames),
        _ => None,
    };
    let priority = asked.asked.priority.then_some(asked.priority);
    Ok(RerenderRequest {
        job: JobRef::within(&Home::Quick, name),
        frames: args.frames.clone(),
        queueing: Asked { chunk, priority, tag: asked.tag, paused: asked.paused },
    })
}

/// What is rendered anew is rendered as it was; whoever wants something else of it names its file.
fn refuse_what_needs_the_file(args: &SeedJobArgs, name: &JobName) -> Result<(), Failure> {
    let options = &args.options;
    let given = [
        ("--format", options.format.is_some()),
        ("--scene", options.scene.is_some()),
        ("--allow-missing", options.allow_missing),
        ("--pack", options.pack),
        ("--blender", options.blender.is_some()),
        ("--device", options.device.is_some()),
        ("--samples", options.samples.is_some()),
        ("--env", !options.env.is_empty()),
        ("--plan-out", args.change.plan_out.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((flag, _)) => {
            let words = format!("{flag} needs the scene's file: without it quick/{name} is rendered as it was");
            Err(Failure::new(Class::Usage, words).with_hint(format!("Write `farm seed job FILE {name}`.")))
        }
    }
}

fn look(call: &Call<'_>, request: &RerenderRequest) -> Result<RerenderPlan, Failure> {
    let manager = call.context.manager_to_look(call.volume, call.settings)?;
    let progress = Progress::new(&call.context.output);
    let ports = Ports { volume: call.volume, manager: manager.as_ref(), progress: &progress, actor: &call.actor };
    let plan = rerender::plan(&ports, request);
    progress.clear();
    plan
}

fn apply(call: &Call<'_>, plan: &RerenderPlan) -> Result<Rerendered, Failure> {
    let manager = call.context.manager(call.volume, call.settings)?;
    let progress = Progress::new(&call.context.output).heeding(catch_interrupts()?);
    let ports = Ports { volume: call.volume, manager: manager.as_ref(), progress: &progress, actor: &call.actor };
    let report = rerender::apply(&ports, plan, change::SEED);
    progress.clear();
    report
}

/// Frames of before that lie in `dist/` say nothing of those that were to be rendered now.
fn require_rendered(call: &Call<'_>, plan: &RerenderPlan) -> Result<(), Failure> {
    let manager = call.context.manager_to_look(call.volume, call.settings)?;
    let progress = Progress::new(&call.context.output);
    let ports = Ports { volume: call.volume, manager: manager.as_ref(), progress: &progress, actor: &call.actor };
    let wrong = rerender::still_wrong(&ports, plan)?;
    if wrong.is_empty() {
        return Ok(());
    }
    let (name, verb) = (&plan.reference, agree(wrong.len(), "is", "are"));
    Err(Failure::new(Class::Failed, format!("{name}: {} {verb} not rendered", frames_named(&wrong)))
        .with_hint(format!("Look at `farm status {name}`; mend the cause, then run `farm retry {name}`.")))
}

fn human(plan: &RerenderPlan) -> String {
    let (name, frames) = (&plan.reference, frames_named(&plan.frames));
    let ends = match plan.ends.len() {
        0 => String::new(),
        count => format!("; {} {} canceled first", counted(count, "run"), agree(count, "is", "are")),
    };
    let trash = match plan.trash.len() {
        0 => String::new(),
        count => format!("; {} to the trash", counted(count, "old file")),
    };
    format!("{name}: revision {}, {frames} anew{ends}{trash}\n", plan.revision)
}

fn applied(plan: &RerenderPlan, report: &Rerendered) -> String {
    match &report.submitted {
        Some(id) => format!("submitted {} as {id}", plan.reference),
        None => format!("{}: nothing was submitted", plan.reference),
    }
}
