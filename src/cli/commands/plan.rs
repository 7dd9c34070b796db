//! `farm plan release`

mod request;

use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::ids::JobId;
use crate::base::name::JobRef;
use crate::cli::args::plan::{PlanCommand, PlanReleaseArgs};
use crate::cli::needs::{self, Context, catch_interrupts};
use crate::cli::output::Form;
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::wait::{self, Submitted};
use crate::cli::{consent, exit, plan_file};
use crate::ops::follow::{self, Again, Anew, Awaited, Hopeless, Told};
use crate::ops::plan::request::PlanRequest;
use crate::ops::plan::survey::{self, Known, Survey};
use crate::ops::plan::{ReleasePlan, SCHEMA, apply, begun};
use crate::ops::ports::{Actor, Ports};
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::volume::Volume;
use request::{release_name, request_of};
use serde::Serialize;

const NOTHING: &str = "nothing was submitted";

/// Plans a release.
pub fn run(command: PlanCommand, context: &Context) -> Result<u8, Failure> {
    let PlanCommand::Release(args) = command;
    let settled = release(&args, context).map_err(|failure| failure_says_nothing_done(failure, &args))?;
    let Settled::Submitted(applied, again) = settled else { return Ok(exit::DONE) };
    if args.wait {
        let submitted = if applied.submitted.is_empty() { Submitted::Earlier } else { Submitted::Now };
        wait::follow_release(Awaited::all(&applied.plan.release), submitted, args.change.lock_wait, context)?;
    }
    if context.output.form() == Form::Json {
        context.output.document(&applied);
    }
    Ok(if again.held { exit::code(Class::Partial) } else { exit::DONE })
}

enum Settled {
    Shown,
    /// With what was submitted again.
    Submitted(Box<Applied>, Again),
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
        let plan = begun::what_is_left(plan, &now.plan);
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
        if self.args.wait {
            wait::refuse_to_wait_for_a_person(plan)?;
        }
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
        let again = if report.submitted.is_empty() && !self.args.wait {
            self.submit_missing(&ports, plan)?
        } else {
            Again::default()
        };
        let submitted = report.submitted.into_iter().map(|(reference, id)| SubmittedJob { reference, id }).collect();
        let applied = Applied { plan: plan.clone(), consent: report.consent, submitted };
        Ok(Settled::Submitted(Box::new(applied), again))
    }

    /// Submits what is missing of jobs that are there already; says what came of it.
    fn submit_missing(&self, ports: &Ports<'_>, plan: &ReleasePlan) -> Result<Again, Failure> {
        let paused: Vec<JobRef> = plan.jobs.iter().filter(|job| job.paused).map(|job| job.reference.clone()).collect();
        let anew = Anew { paused: &paused, ..Anew::default() };
        let again =
            follow::submit_missing(ports, Awaited::all(&plan.release), Hopeless::Retry, anew, &Told::default())?;
        let words = match (again.submitted.is_empty(), again.held) {
            (false, _) => format!("submitted {} again: missing or broken", again.words()),
            (true, false) => format!("{}: nothing is left to submit", plan.release),
            (true, true) => {
                format!("{}: nothing was submitted; frames are missing that are not free yet", plan.release)
            }
        };
        self.context.output.say(&words);
        Ok(again)
    }
}
