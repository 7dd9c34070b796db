//! `farm retry`

use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::base::name::{Home, JobName, JobRef};
use crate::cli::args::retry::RetryArgs;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::output::Form;
use crate::cli::queries::Meant;
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::Settings;
use crate::cli::wait::{self, Submitted};
use crate::cli::{asked, consent, exit, plan_file};
use crate::ops::check::Effort;
use crate::ops::follow::Awaited;
use crate::ops::listing;
use crate::ops::ports::{Actor, Ports, Silent};
use crate::ops::retry::apply::{self, RetryReport};
use crate::ops::retry::{RetryJob, RetryPlan, RetryRequest, SCHEMA, Suspects, Verdict, by_home, survey};
use crate::volume::Volume;
use serde::Serialize;

const NOTHING: &str = "nothing was submitted";

/// Renders again what is wrong.
pub fn run(args: &RetryArgs, context: &Context) -> Result<u8, Failure> {
    let untouched = |failure: &Failure| matches!(failure.class(), Class::Usage | Class::Refused | Class::NoMatch);
    retry(args, context).map_err(|failure| if untouched(&failure) { failure.but(NOTHING) } else { failure })
}

fn retry(args: &RetryArgs, context: &Context) -> Result<u8, Failure> {
    let saved: Option<RetryPlan> =
        args.change.apply.as_deref().map(|file| plan_file::read(file, SCHEMA)).transpose()?;
    let (volume, mut settings) = context.volume()?;
    settings.lock_wait = args.change.lock_wait.unwrap_or(settings.lock_wait);
    let call = Call { args, context, volume: &volume, settings: &settings, actor: context.actor(&settings) };
    let plan = match saved {
        Some(plan) => plan,
        None => call.survey(&call.request()?)?,
    };
    if let Some(file) = &args.change.plan_out {
        context.output.say(&render::retry::human(&plan));
        plan_file::write(file, &plan)?;
        context.output.say(&format!("wrote the plan to {}; {NOTHING}", file.display()));
        if context.output.form() == Form::Json {
            context.output.document(&plan);
        }
        return Ok(exit::DONE);
    }
    if args.change.dry_run {
        context.output.long_result(|| render::retry::human(&plan), || &plan);
        return Ok(exit::DONE);
    }
    call.carry_out(plan)
}

fn request_of(args: &RetryArgs, jobs: Vec<JobRef>) -> RetryRequest {
    RetryRequest {
        jobs,
        suspects: if args.allow_suspect { Suspects::Leave } else { Suspects::Render },
        effort: if args.verify { Effort::Verify } else { Effort::Trust },
    }
}

/// The document of a retry that was carried out: the plan, and what became of it.
#[derive(Serialize)]
struct Applied<'a> {
    #[serde(flatten)]
    plan: &'a RetryPlan,
    #[serde(flatten)]
    report: &'a RetryReport,
    /// The jobs as they are after `--wait`.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<&'a [RetryJob]>,
}

/// One call of the command, with what it works on.
struct Call<'a> {
    args: &'a RetryArgs,
    context: &'a Context,
    volume: &'a Volume,
    settings: &'a Settings,
    actor: Actor,
}

impl Call<'_> {
    /// What is asked for: the jobs that match now.
    fn request(&self) -> Result<RetryRequest, Failure> {
        let Meant { reach, query } = asked::jobs(&self.args.query, self.settings, self.context)?;
        if query.is_empty() {
            return Err(Failure::new(Class::Usage, "which jobs to retry is not said")
                .with_hint("Name a job, a release, or a query: farm retry 'release:r1 status:failed'."));
        }
        let manager = self.context.manager_to_look(self.volume, self.settings)?;
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &Silent, actor: &self.actor };
        let (jobs, unreadable) = listing::recorded(&ports, &reach, &query)?;
        unreadable.iter().for_each(|line| self.context.output.warn(line));
        Ok(request_of(self.args, jobs))
    }

    /// Looks at every frame; asks the Manager only to look.
    fn survey(&self, request: &RetryRequest) -> Result<RetryPlan, Failure> {
        let manager = self.context.manager_to_look(self.volume, self.settings)?;
        let progress = Progress::new(&self.context.output);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let plan = survey::survey(&ports, request);
        progress.clear();
        plan
    }

    fn carry_out(&self, plan: RetryPlan) -> Result<u8, Failure> {
        let output = &self.context.output;
        output.say(&render::retry::human(&plan));
        let awaited = if self.args.wait { awaited(&plan) } else { Vec::new() };
        let report = match plan.is_idle() && awaited.is_empty() {
            true => nothing_done(Consent::Implied),
            false => self.apply(&plan)?,
        };
        let after = if awaited.is_empty() { None } else { Some(self.wait(&plan, &report, &awaited)?) };
        if output.form() == Form::Json {
            let after = after.as_ref().map(|after| after.jobs.as_slice());
            output.document(&Applied { plan: &plan, report: &report, after });
        }
        Ok(self.ending(after.as_ref().unwrap_or(&plan), after.is_some()))
    }

    fn apply(&self, plan: &RetryPlan) -> Result<RetryReport, Failure> {
        let output = &self.context.output;
        let consent = consent::ask(output, self.args.yes, &render::retry::question(plan), NOTHING)?;
        // Who waits agrees to have submitted what is still missing then.
        if plan.is_idle() {
            return Ok(nothing_done(consent));
        }
        let manager = self.context.manager(self.volume, self.settings)?;
        let progress = Progress::new(output).heeding(catch_interrupts()?);
        let ports = Ports { volume: self.volume, manager: manager.as_ref(), progress: &progress, actor: &self.actor };
        let report = apply::apply(&ports, plan, consent);
        progress.clear();
        let report = report?;
        output.say(&render::retry::applied(&report));
        Ok(report)
    }

    /// Stays until what is missing is rendered or given up, and looks at every frame again.
    fn wait(
        &self,
        plan: &RetryPlan,
        report: &RetryReport,
        awaited: &[(Home, Vec<JobName>)],
    ) -> Result<RetryPlan, Failure> {
        for (home, jobs) in awaited {
            let is_of_home = |run: &apply::SubmittedRun| run.reference.home == *home;
            let submitted = if report.submitted.iter().any(is_of_home) { Submitted::Now } else { Submitted::Earlier };
            let awaited = Awaited::only(home, jobs);
            let followed = wait::stay(awaited, submitted, self.args.change.lock_wait, self.context)?;
            if !followed.tail.is_empty() {
                self.context.output.say(&followed.tail);
            }
        }
        self.survey(&plan.request)
    }

    /// The exit code, with words for what is not as it should be.
    fn ending(&self, plan: &RetryPlan, was_awaited: bool) -> u8 {
        let output = &self.context.output;
        let wrong: Vec<&RetryJob> = apply::still_wrong(plan).collect();
        match () {
            () if was_awaited && !wrong.is_empty() && wrong.iter().all(|job| job.is_only_unfinished()) => {
                let words = format!("not rendered: {}", render::retry::unfinished(wrong.into_iter()));
                let next = "`farm why` says who did what; once they may be rendered, give the same command again.";
                output.error(&Failure::new(Class::Partial, words).with_hint(next));
                exit::code(Class::Partial)
            }
            () if was_awaited && !wrong.is_empty() => {
                let words = format!("still wrong: {}", render::retry::still_wrong(wrong.into_iter()));
                let next = "Look at `farm status`; mend the cause, then give the same command again.";
                output.error(&Failure::new(Class::Found, words).with_hint(next));
                exit::code(Class::Found)
            }
            () if was_awaited => {
                output.say("every frame is there and sound");
                exit::DONE
            }
            () if plan.leaves() => {
                let words = "files are broken that rendering again would not mend; they were left as they are";
                let next = "Restore them, or move them away to have their frames rendered by the same command.";
                output.error(&Failure::new(Class::Found, words).with_hint(next));
                exit::code(Class::Found)
            }
            () if plan.holds() => exit::code(Class::Partial),
            () => exit::DONE,
        }
    }
}

/// The jobs that may come out better than they are, by their homes.
fn awaited(plan: &RetryPlan) -> Vec<(Home, Vec<JobName>)> {
    let is_awaited = |job: &&RetryJob| !matches!(job.verdict, Verdict::Sound | Verdict::Left);
    let awaited = plan.jobs.iter().filter(is_awaited).map(|job| &job.reference);
    let names = |jobs: Vec<&JobRef>| jobs.into_iter().map(|job| job.job.clone()).collect();
    by_home(awaited, |job| job).into_iter().map(|(home, jobs)| (home, names(jobs))).collect()
}

fn nothing_done(consent: Consent) -> RetryReport {
    RetryReport { consent, submitted: Vec::new(), trashed: 0, changes: Vec::new() }
}
