//! Doing what was agreed to: what is still as it was shown, and nothing else.

use super::records::{self, Withdrawn};
use super::{
    Afterwards, Outcome, PlannedJob, SteerPlan, SteerReport, SteerRequest, Verb, Verdict, afterwards, guard, survey,
};
use crate::base::consent::Consent;
use crate::base::counted::counted;
use crate::base::error::{Class, Failure};
use crate::base::ids::JobId;
use crate::base::status::{JobStatus, TaskStatus};
use crate::manager::{ManagerError, Order};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::ports::{Ports, Stage};
use crate::ops::select::Key;
use crate::sys::clock;
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Looks again, and does it with those jobs that were shown and still match.
pub fn apply(
    ports: &Ports<'_>,
    request: &SteerRequest,
    shown: SteerPlan,
    consent: Consent,
) -> Result<SteerReport, Failure> {
    let verb = request.verb;
    let nothing = |failure: Failure| failure.but(verb.nothing());
    let now = survey(ports, request).map_err(nothing)?;
    guard::count(&request.guard, verb, &now)?;
    let mut plan = common(shown, now);
    let mut notes = Vec::new();
    let began = clock::now();
    if matches!(verb, Verb::Kill(_)) {
        withdraw(ports, &mut plan)?;
    }
    // Of a job that could not be withdrawn nothing is ended: it would begin again.
    let orders = orders(ports, verb, &plan).map_err(nothing)?;
    let ended = give(ports, request, &mut plan, &orders);
    if matches!(verb, Verb::Kill(_)) {
        notes.extend(records::write_down(ports, &plan));
    }
    if let Verb::Priority(priority) = verb {
        notes.extend(afterwards::check_priority(ports, &mut plan, priority));
        notes.extend(records::keep_priority(ports, &plan, priority));
    }
    if let Some(failure) = ended {
        return Err(how_far(verb, &plan, failure));
    }
    let mut report = SteerReport { plan, consent, began, quiet: None, deleted: 0, notes };
    match verb {
        Verb::Kill(Afterwards::Nothing) => afterwards::look_once(ports, &mut report),
        Verb::Kill(Afterwards::Quiet) => afterwards::wait(ports, request, &mut report)?,
        Verb::Kill(Afterwards::Gone) => {
            afterwards::wait(ports, request, &mut report)?;
            afterwards::delete(ports, request, &mut report)?;
        }
        _ => {}
    }
    Ok(report)
}

/// What was shown, as it is now. What does not match any more, or has come to something else, is left alone; what matches
/// only now was not agreed to.
fn common(shown: SteerPlan, now: SteerPlan) -> SteerPlan {
    let mut found: HashMap<Key, PlannedJob> = now.jobs.into_iter().map(|job| (job.key.clone(), job)).collect();
    let again = |job: PlannedJob| match found.remove(&job.key) {
        _ if !job.verdict.acts() => job,
        Some(now) if now.verdict == job.verdict => now,
        Some(now) => PlannedJob { outcome: Outcome::Left, note: now.reason, ..job },
        None => PlannedJob { outcome: Outcome::Left, note: "it does not match any more".to_owned(), ..job },
    };
    SteerPlan { jobs: shown.jobs.into_iter().map(again).collect(), ..shown }
}

/// An order, and the job that it is for by its place in the plan.
struct Given {
    place: usize,
    id: JobId,
    order: Order,
}

/// What each of the Manager's jobs is told.
fn orders(ports: &Ports<'_>, verb: Verb, plan: &SteerPlan) -> Result<Vec<Given>, Failure> {
    let acting = plan.jobs.iter().enumerate().filter(|(_, job)| is_under_way(job));
    let told =
        acting.flat_map(|(place, job)| job.told.iter().filter(|told| told.is_told).map(move |told| (place, told)));
    let ids: Vec<(usize, JobId)> = told.map(|(place, told)| (place, told.id.clone())).collect();
    let order = |verb| match verb {
        Verb::Kill(_) => Order::Status(JobStatus::CancelRequested),
        Verb::Pause => Order::Status(JobStatus::PauseRequested),
        Verb::Unpause => Order::Status(JobStatus::Queued),
        Verb::Priority(priority) => Order::Priority(priority),
    };
    if verb != Verb::Unpause {
        return Ok(ids.into_iter().map(|(place, id)| Given { place, id, order: order(verb) }).collect());
    }
    let orders = try_by_hands(ports, ports.manager.requests_at_once(), &ids, |(_, id)| going_on(ports, id))?;
    let given = |((place, id), order)| Given { place, id, order };
    Ok(ids.into_iter().zip(orders).map(given).collect())
}

/// What lets a paused job go on. With `queued` its paused tasks would stay so for ever; `requeueing` would begin canceled
/// and failed ones of a job anew that was only held back from its start, whose tasks wait as they are.
fn going_on(ports: &Ports<'_>, id: &JobId) -> Result<Order, Failure> {
    let tasks = ports.manager.tasks(id)?;
    let is_paused = tasks.iter().any(|task| task.status == TaskStatus::Paused);
    Ok(Order::Status(if is_paused { JobStatus::Requeueing } else { JobStatus::Queued }))
}

fn is_under_way(job: &PlannedJob) -> bool {
    job.verdict.acts() && job.outcome == Outcome::Untouched && job.verdict != Verdict::Delete
}

/// Takes back what was never submitted. A job of which that fails is not ended either: it would begin again.
fn withdraw(ports: &Ports<'_>, plan: &mut SteerPlan) -> Result<(), Failure> {
    for (place, outcome) in records::withdraw(ports, &plan.jobs)? {
        let job = &mut plan.jobs[place];
        match outcome {
            Withdrawn::Done if job.verdict == Verdict::Withdraw => job.outcome = Outcome::Done,
            Withdrawn::Done => {}
            Withdrawn::Not(why) => (job.outcome, job.note) = (Outcome::Failed, why),
        }
    }
    Ok(())
}

/// Gives the orders; the failure that kept the rest from being given.
fn give(ports: &Ports<'_>, request: &SteerRequest, plan: &mut SteerPlan, given: &[Given]) -> Option<Failure> {
    let orders: Vec<(JobId, Order)> = given.iter().map(|one| (one.id.clone(), one.order.clone())).collect();
    let reason = reason(ports, request);
    let mut failure: Option<Failure> = None;
    ports.progress.begin(Stage::Orders, orders.len() as u64);
    ports.manager.order_all(&orders, &reason, &mut |number, outcome| {
        ports.progress.advance(1);
        let job = &mut plan.jobs[given[number].place];
        match outcome {
            // Nobody takes a task of one that is gone.
            Ok(()) | Err(ManagerError::NotFound { .. }) if job.outcome != Outcome::Failed => {
                job.outcome = Outcome::Done
            }
            Ok(()) | Err(ManagerError::NotFound { .. }) => {}
            Err(error @ ManagerError::Rejected { .. }) => {
                (job.outcome, job.note) = (Outcome::Failed, error.to_string());
            }
            Err(error) => {
                let is_unanswered = matches!(error, ManagerError::Unknown { .. });
                job.outcome = if is_unanswered { Outcome::Unanswered } else { Outcome::Failed };
                job.note = error.to_string();
                // Whoever interrupted wants to hear of that, and not of what was cut short by it.
                failure.get_or_insert_with(|| ports.go_on().err().unwrap_or_else(|| error.into()));
            }
        }
        if let Err(interrupted) = ports.go_on() {
            failure.get_or_insert(interrupted);
        }
        if failure.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    failure
}

/// What the Manager shows as the last word about the job.
pub(super) fn reason(ports: &Ports<'_>, request: &SteerRequest) -> String {
    let who = format!("farm {} by {}@{}", request.verb.word(), ports.actor.user, ports.actor.host);
    match &request.reason {
        Some(reason) => format!("{who}: {reason}"),
        None => who,
    }
}

/// Says how far it came before it was cut short.
fn how_far(verb: Verb, plan: &SteerPlan, failure: Failure) -> Failure {
    let (done, unanswered) = (plan.of_outcome(Outcome::Done), plan.of_outcome(Outcome::Unanswered));
    let mut words = format!("{} {done} of {}", verb.done(), counted(plan.acting().count(), "job"));
    match (done, unanswered) {
        (0, 0) => return failure.but(verb.nothing()),
        (_, 0) => {}
        (_, some) => words = format!("{words}, and {some} had no answer and may {} all the same", verb.perhaps()),
    }
    let hint = failure.hint().map(str::to_owned);
    let said = failure.context(words);
    let again = "Give the same command again for the others.";
    match (said.class(), hint) {
        (Class::Interrupted(_), _) | (_, None) => said.with_hint(again),
        (_, Some(hint)) if hint.contains("ame command again") => said.with_hint(hint),
        (_, Some(hint)) => said.with_hint(format!("{hint} {again}")),
    }
}
