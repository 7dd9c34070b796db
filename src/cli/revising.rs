//! Plans that put new scenes into jobs (`farm replace`, `farm seed`): read, shown, agreed to and carried out, one home after
//! another.

use crate::base::consent::Consent;
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::JobName;
use crate::cli::args::change::ChangeArgs;
use crate::cli::needs::{self, Context, catch_interrupts};
use crate::cli::output::Form;
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::wait::{self, Submitted};
use crate::cli::{consent, plan_file};
use crate::ops::follow::Awaited;
use crate::ops::plan::apply::{self, PlanReport};
use crate::ops::plan::request::PlanRequest;
use crate::ops::plan::survey::{self, Known};
use crate::ops::plan::{PlannedJob, ReleasePlan, begun};
use crate::ops::ports::{Actor, Ports};
use crate::ops::renderer::Renderer;
use crate::ops::space::free_space;
use crate::volume::Volume;
use document::Document;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

pub mod document;

/// What a refusal ends with.
pub const NOTHING: &str = "nothing was submitted";

/// The command's own words.
pub struct Words {
    /// The schema of its document.
    pub schema: &'static str,
    /// The schema of a saved plan.
    pub plan_schema: &'static str,
}

/// What becomes of a plan.
pub enum Mode<'a> {
    /// It is shown.
    Show,
    /// It is shown and written into this file.
    Save(&'a Path),
    /// It is carried out.
    Apply,
}

impl<'a> Mode<'a> {
    /// What the flags say.
    pub fn of(args: &'a ChangeArgs) -> Mode<'a> {
        match (&args.plan_out, args.dry_run) {
            (Some(file), _) => Mode::Save(file),
            (None, true) => Mode::Show,
            (None, false) => Mode::Apply,
        }
    }
}

/// Plans as they are saved: one for each release.
#[derive(Serialize, Deserialize)]
struct SavedPlans {
    schema: String,
    plans: Vec<ReleasePlan>,
}

/// A plan, and what was read for it.
pub struct Planned {
    plan: ReleasePlan,
    known: Known,
}

impl Planned {
    /// The jobs of the plan.
    pub fn jobs(&self) -> impl Iterator<Item = &JobName> {
        self.plan.jobs.iter().map(|job| &job.reference.job)
    }
}

/// One call of such a command, with what it works on.
pub struct Call<'a> {
    /// The process's surroundings.
    pub context: &'a Context,
    /// The volume.
    pub volume: &'a Volume,
    /// The settings that hold on it.
    pub settings: &'a Settings,
    /// Who does it.
    pub actor: Actor,
    /// Blender.
    pub renderer: Renderer,
    /// The command's words.
    pub words: Words,
}

/// What was done.
pub struct Done {
    /// The plans, as they were carried out.
    pub plans: Vec<ReleasePlan>,
    /// Who agreed; `None` where there was nothing to agree to.
    pub consent: Option<Consent>,
    /// What each of them did.
    pub reports: Vec<PlanReport>,
}

impl<'a> Call<'a> {
    /// A call on this volume.
    pub fn new(context: &'a Context, volume: &'a Volume, settings: &'a Settings, words: Words) -> Call<'a> {
        let renderer = Renderer::known_to(volume, &settings.blender).with_autoexec(needs::autoexec(settings));
        Call { context, volume, settings, actor: context.actor(settings), renderer, words }
    }

    /// Reads everything; asks the Manager only to look.
    pub fn plan(&self, requests: &[PlanRequest]) -> Result<Vec<Planned>, Failure> {
        let manager = self.context.manager_to_look(self.volume, self.settings)?;
        let progress = Progress::new(&self.context.output);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let mut planned: Vec<Planned> = Vec::with_capacity(requests.len());
        for request in requests {
            // What one release needs the next one may need as well.
            let known = planned.last().map(|before: &Planned| before.known.clone()).unwrap_or_default();
            let survey = survey::survey(&ports, request, &self.renderer, &known);
            progress.clear();
            let survey = survey.map_err(nothing_done)?;
            planned.push(Planned { plan: survey.plan, known: survey.known });
        }
        Ok(planned)
    }

    /// The plans in `file`, where they are still what would be done.
    pub fn saved(&self, file: &Path) -> Result<Vec<Planned>, Failure> {
        let saved: SavedPlans = plan_file::read(file, self.words.plan_schema)?;
        let requests: Vec<PlanRequest> = saved.plans.iter().map(|plan| plan.request.clone()).collect();
        let now = self.plan(&requests)?;
        let mut planned = Vec::with_capacity(now.len());
        for (plan, now) in saved.plans.into_iter().zip(now) {
            apply::check_current(self.volume, &plan, &now.plan)?;
            planned.push(Planned { plan: begun::what_is_left(plan, &now.plan), known: now.known });
        }
        Ok(planned)
    }

    /// Shows the plans, and carries them out where `mode` says so; `None` where they were only shown.
    pub fn carry(
        &self,
        planned: Vec<Planned>,
        mode: &Mode<'_>,
        yes: bool,
        wait: bool,
    ) -> Result<Option<Done>, Failure> {
        let output = &self.context.output;
        let plans: Vec<&ReleasePlan> = planned.iter().map(|one| &one.plan).collect();
        let text = render::revise::human(&plans, free_space(self.volume).ok());
        match mode {
            Mode::Show => {
                output.long_result(|| text, || Document::planned(&self.words, &plans));
                self.warn_of_space(&plans);
                return Ok(None);
            }
            Mode::Save(file) => {
                output.say(&text);
                self.warn_of_space(&plans);
                let saved = SavedPlans {
                    schema: self.words.plan_schema.to_owned(),
                    plans: plans.iter().map(|plan| (*plan).clone()).collect(),
                };
                plan_file::write(file, &saved)?;
                output.say(&format!("wrote the plan to {}; {NOTHING}", file.display()));
                if output.form() == Form::Json {
                    output.document(&Document::planned(&self.words, &plans));
                }
                return Ok(None);
            }
            Mode::Apply => output.say(&text),
        }
        if plans.iter().all(|plan| plan.is_idle()) {
            let plans = planned.into_iter().map(|one| one.plan).collect();
            return Ok(Some(Done { plans, consent: None, reports: Vec::new() }));
        }
        if wait {
            plans.iter().try_for_each(|plan| wait::refuse_to_wait_for_a_person(plan)).map_err(nothing_done)?;
        }
        plans.iter().try_for_each(|plan| apply::check_space(self.volume, plan)).map_err(nothing_done)?;
        self.warn_of_space(&plans);
        let consent = consent::ask(output, yes, &render::revise::question(&plans), NOTHING)?;
        self.apply(&planned, consent).map(Some)
    }

    fn apply(&self, planned: &[Planned], consent: Consent) -> Result<Done, Failure> {
        let manager = self.context.manager(self.volume, self.settings).map_err(nothing_done)?;
        let progress = Progress::new(&self.context.output).heeding(catch_interrupts()?);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let mut done = Done { plans: Vec::new(), consent: Some(consent), reports: Vec::new() };
        for Planned { plan, known } in planned {
            if plan.is_idle() {
                done.plans.push(plan.clone());
                continue;
            }
            let report = apply::apply(&ports, plan, known, consent, &self.renderer);
            progress.clear();
            let report = report.map_err(|failure| after_others(failure, &done))?;
            self.context.output.say(&render::revise::applied(&report));
            done.plans.push(report.plan.clone());
            done.reports.push(report);
        }
        Ok(done)
    }

    /// Frames are only estimated, so that a plan whose frames may not fit is not refused.
    fn warn_of_space(&self, plans: &[&ReleasePlan]) {
        let free = free_space(self.volume).ok();
        for words in plans.iter().filter_map(|plan| render::plan::too_little_space(plan, free?)) {
            self.context.output.warn(&words);
        }
    }

    /// Stays until the jobs of the plans are rendered.
    pub fn wait(&self, done: &Done, lock_wait: Option<Duration>) -> Result<(), Failure> {
        for plan in &done.plans {
            let jobs: Vec<JobName> = plan.jobs.iter().map(|job| job.reference.job.clone()).collect();
            let is_now = |report: &PlanReport| report.release == plan.release && !report.submitted.is_empty();
            let submitted = if done.reports.iter().any(is_now) { Submitted::Now } else { Submitted::Earlier };
            let left = |job: &PlannedJob| (job.reference.job.clone(), job.left_missing());
            let left: Vec<(JobName, FrameSet)> = plan.jobs.iter().map(left).collect();
            let awaited = Awaited::only(&plan.release, &jobs).leaving(&left);
            wait::follow_release(awaited, submitted, lock_wait, self.context)?;
        }
        Ok(())
    }
}

/// The message of a failure before anything was changed ends with what was not done.
pub fn nothing_done(failure: Failure) -> Failure {
    match failure.class() {
        Class::Usage | Class::Refused | Class::NoMatch | Class::Failed | Class::Manager => failure.but(NOTHING),
        _ => failure,
    }
}

/// What was done in other releases before this failure.
fn after_others(failure: Failure, done: &Done) -> Failure {
    let homes: Vec<String> = done.reports.iter().map(|report| report.release.to_string()).collect();
    if homes.is_empty() {
        return failure;
    }
    let words = format!("{}; before that {} was replaced in {}", failure.message(), jobs(done), homes.join(", "));
    let said = Failure::new(failure.class(), words);
    match failure.hint() {
        Some(hint) => said.with_hint(hint),
        None => said,
    }
}

fn jobs(done: &Done) -> String {
    let count = done.plans.iter().flat_map(|plan| &plan.jobs).filter(|job| job.revised().is_some()).count();
    counted(count, "job")
}
