//! `farm kill`, `farm pause`, `farm unpause`, `farm priority`

use crate::base::consent::Consent;
use crate::base::error::{Class, Failure};
use crate::cli::args::steer::{KillArgs, PriorityArgs, SteerArgs};
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::output::Form;
use crate::cli::queries::{self, Meant};
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::{asked, consent, exit};
use crate::manager::Manager;
use crate::ops::listing;
use crate::ops::ports::{Actor, Ports, Silent};
use crate::ops::steer::apply::apply;
use crate::ops::steer::{
    Afterwards, Guard, Outcome, PlannedJob, Standing, SteerPlan, SteerReport, SteerRequest, Verb, guard, survey,
};
use crate::query::Subject;
use crate::volume::Volume;
use serde::Serialize;

/// Ends jobs.
pub fn kill(args: &KillArgs, context: &Context) -> Result<u8, Failure> {
    let afterwards = match (args.delete, args.wait) {
        (true, _) => Afterwards::Gone,
        (false, true) => Afterwards::Quiet,
        (false, false) => Afterwards::Nothing,
    };
    run(Verb::Kill(afterwards), &args.steer, context)
}

/// Lets jobs wait.
pub fn pause(args: &SteerArgs, context: &Context) -> Result<u8, Failure> {
    run(Verb::Pause, args, context)
}

/// Lets paused jobs go on.
pub fn unpause(args: &SteerArgs, context: &Context) -> Result<u8, Failure> {
    run(Verb::Unpause, args, context)
}

/// Gives jobs another priority.
pub fn priority(args: &PriorityArgs, context: &Context) -> Result<u8, Failure> {
    run(Verb::Priority(args.priority), &args.steer, context)
}

/// The document of each of these: `farm.kill/1`, `farm.pause/1`…
#[derive(Serialize)]
struct Document<'a> {
    schema: String,
    jobs: &'a [PlannedJob],
    counts: Counts,
    consent: Option<Consent>,
    waited: bool,
    deleted: usize,
    notes: &'a [String],
    unreadable: &'a [String],
}

#[derive(Serialize)]
struct Counts {
    matched: usize,
    acting: usize,
    own: usize,
    of_others: usize,
    unrecorded: usize,
    foreign: usize,
    done: usize,
    left: usize,
    failed: usize,
}

impl Counts {
    fn of(plan: &SteerPlan) -> Counts {
        Counts {
            matched: plan.jobs.len(),
            acting: plan.acting().count(),
            own: plan.of_standing(Standing::Own),
            of_others: plan.of_standing(Standing::OfOther),
            unrecorded: plan.concerned(Standing::Unrecorded),
            foreign: plan.concerned(Standing::Foreign),
            done: plan.of_outcome(Outcome::Done) + plan.of_outcome(Outcome::NotDeleted),
            left: plan.of_outcome(Outcome::Left),
            failed: plan.of_outcome(Outcome::Failed),
        }
    }
}

fn run(verb: Verb, args: &SteerArgs, context: &Context) -> Result<u8, Failure> {
    let untouched = |failure: Failure| match failure.class() {
        Class::Usage | Class::NoMatch if !args.dry_run => failure.but(verb.nothing()),
        _ => failure,
    };
    let (volume, settings) = context.volume()?;
    let read = |text: &str| asked::query(Subject::Jobs, text, &settings, context);
    let meant = queries::meant(&args.what, &args.query, args.all, &read).map_err(untouched)?;
    let manager = match args.dry_run {
        true => context.manager_to_look(&volume, &settings)?,
        false => context.manager(&volume, &settings)?,
    };
    let actor = context.actor(&settings);
    let call = Call {
        args,
        context,
        volume: &volume,
        manager: manager.as_ref(),
        actor: &actor,
        request: request(verb, args, meant),
    };
    call.run().map_err(untouched)
}

fn request(verb: Verb, args: &SteerArgs, meant: Meant) -> SteerRequest {
    SteerRequest {
        verb,
        reach: meant.reach,
        query: meant.query,
        guard: Guard { expect: args.expect, most: args.max, foreign: args.include_foreign },
        reason: args.reason.clone(),
    }
}

/// One call of a verb, with what it works on.
struct Call<'a> {
    args: &'a SteerArgs,
    context: &'a Context,
    volume: &'a Volume,
    manager: &'a dyn Manager,
    actor: &'a Actor,
    request: SteerRequest,
}

impl Call<'_> {
    fn run(&self) -> Result<u8, Failure> {
        let (output, verb, guard) = (&self.context.output, self.request.verb, &self.request.guard);
        let looking = Ports { volume: self.volume, manager: self.manager, progress: &Silent, actor: self.actor };
        let plan = survey(&looking, &self.request)?;
        if plan.jobs.is_empty() {
            let SteerRequest { reach, query, .. } = &self.request;
            return Err(listing::nothing_matches(&looking, reach, query, &plan.unreadable)?);
        }
        plan.unreadable.iter().for_each(|line| output.warn(line));
        if self.args.dry_run {
            guard::count(guard, verb, &plan)?;
            output.long_result(|| render::steer::plan(verb, &plan), || document(verb, &plan, None));
            if let Err(failure) = guard::foreign(guard, verb, &plan) {
                output.warn(&failure.message());
            }
            return Ok(exit::DONE);
        }
        output.say(&render::steer::shown(verb, &plan));
        guard::check(guard, verb, &plan)?;
        let consent = match plan.acting().count() {
            0 => Consent::Implied,
            _ if self.needs_no_question(&plan) => Consent::Implied,
            _ => consent::ask(output, self.args.yes, &render::steer::question(verb, &plan), verb.nothing())?,
        };
        let progress = Progress::new(output).heeding(catch_interrupts()?);
        let ports = Ports { progress: &progress, ..looking };
        let report = apply(&ports, &self.request, plan, consent);
        progress.clear();
        self.tell(&report?)
    }

    /// A single job of one's own, on a terminal, is ended without a question.
    fn needs_no_question(&self, plan: &SteerPlan) -> bool {
        !self.args.yes && self.context.output.can_ask() && plan.is_one_of_ones_own()
    }

    fn tell(&self, report: &SteerReport) -> Result<u8, Failure> {
        let (output, verb) = (&self.context.output, self.request.verb);
        output.say(&render::steer::done(verb, report));
        report.notes.iter().for_each(|note| output.warn(note));
        if output.form() == Form::Json {
            output.document(&document(verb, &report.plan, Some(report)));
        }
        match report.plan.of_outcome(Outcome::Failed) + report.plan.of_outcome(Outcome::NotDeleted) {
            0 => Ok(exit::DONE),
            _ => Ok(exit::code(Class::Partial)),
        }
    }
}

fn document<'a>(verb: Verb, plan: &'a SteerPlan, report: Option<&'a SteerReport>) -> Document<'a> {
    Document {
        schema: format!("farm.{}/1", verb.word()),
        jobs: &plan.jobs,
        counts: Counts::of(plan),
        consent: report.map(|report| report.consent),
        waited: report.is_some_and(|report| report.quiet == Some(true)),
        deleted: report.map_or(0, |report| report.deleted),
        notes: report.map_or(&[], |report| &report.notes),
        unreadable: &plan.unreadable,
    }
}
