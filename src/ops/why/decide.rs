//! From facts to causes, the most likely first. Asks nobody.

use super::facts::{Facts, OnManager, Standing, Subject, TaskFacts};
use super::waiting;
use super::words::{NAMED, mend, page, retry, workers_named};
use super::{Cause, names};
use crate::base::counted::{agree, counted, few};
use crate::base::size::Bytes;
use crate::base::status::{JobStatus, TaskStatus, WorkerStatus};
use crate::frames::failure_kind::FailureKind;
use crate::manager::ManagerWorker;
use std::collections::BTreeMap;
use std::time::Duration;

/// With less room than this nothing can be rendered: a frame of 8K takes more.
const FULL: Bytes = Bytes(64 << 20);
/// A worker that has a task speaks every ten seconds; one that did not for so long is lost.
const LOST: Duration = Duration::from_secs(120);

pub(super) fn cause(name: &'static str, evidence: impl Into<String>, remedy: impl Into<String>) -> Cause {
    Cause { name, evidence: evidence.into(), remedy: remedy.into() }
}

/// Why the job is not rendering; nothing if it is, or has been.
pub(super) fn decide(facts: &Facts) -> Vec<Cause> {
    let name = facts.name();
    if facts.frames.is_some_and(|frames| frames.ok == frames.expected) {
        return Vec::new();
    }
    match &facts.standing {
        Standing::Away { message, next } => vec![cause(names::MANAGER_UNREACHABLE, message, next)],
        Standing::NotSubmitted { interrupted: Some(words) } => vec![cause(
            names::NOT_SUBMITTED,
            format!("it was never submitted: {words}"),
            "`farm recover` finishes that or takes it back.",
        )],
        Standing::NotSubmitted { interrupted: None } => vec![cause(
            names::NOT_SUBMITTED,
            "it was planned, and no run of it is known to the Manager",
            format!("`farm recover` submits what was begun; `farm retry {name}` submits what is missing."),
        )],
        Standing::Withdrawn => {
            vec![cause(names::CANCELED, "its newest run was taken back before the Manager had it", retry(facts))]
        }
        Standing::Elsewhere { manager } => vec![cause(
            names::OTHER_MANAGER,
            format!("it was submitted to the Manager {manager}, and {} was asked", facts.address),
            format!("Name that one: `farm why {name} --manager {manager}`."),
        )],
        Standing::Gone { ended_by } => {
            let by = ended_by.as_ref().map_or_else(String::new, |words| format!("; {words}"));
            let words = format!("the Manager at {} does not know its run any more: somebody deleted it", facts.address);
            vec![cause(names::GONE, words + &by, retry(facts))]
        }
        Standing::Known(known) => of_run(facts, known),
    }
}

fn of_run(facts: &Facts, known: &OnManager) -> Vec<Cause> {
    match known.job.status {
        JobStatus::Paused | JobStatus::PauseRequested => vec![paused(facts, known)],
        JobStatus::Canceled | JobStatus::CancelRequested => canceled(facts, known),
        JobStatus::Failed => {
            [full(facts, &failures(facts, known)), failures(facts, known), vec![failed(facts, known)]].concat()
        }
        JobStatus::Completed => [failures(facts, known), missing(facts).into_iter().collect()].concat(),
        JobStatus::Queued | JobStatus::Active => {
            let open = open(facts, known);
            [full(facts, &open), open].concat()
        }
        _ => vec![cause(
            names::NOT_READY,
            format!("its status is {} since {}{}", known.job.status, known.job.updated, says(&known.job.activity)),
            page(facts, &format!("jobs/{}", known.job.id), "If it stays so, look at it"),
        )],
    }
}

/// `; the Manager says: …`, if it says something.
fn says(activity: &str) -> String {
    if activity.is_empty() { String::new() } else { format!("; the Manager says: {activity}") }
}

fn paused(facts: &Facts, known: &OnManager) -> Cause {
    let evidence = match known.job.activity.is_empty() {
        true => "it was submitted paused, and waits for a person".to_owned(),
        false => format!("it is paused since {}{}", known.job.updated, says(&known.job.activity)),
    };
    cause(names::JOB_PAUSED, evidence, format!("`farm unpause {}` lets it go on.", facts.meant()))
}

fn canceled(facts: &Facts, known: &OnManager) -> Vec<Cause> {
    let active = known.tasks_in(&[TaskStatus::Active]);
    let mut causes = Vec::new();
    if known.job.status == JobStatus::Canceled && !active.is_empty() {
        let tasks = few(&active.iter().map(|one| one.task.name.clone()).collect::<Vec<_>>(), NAMED, "task");
        causes.push(cause(
            names::CANCELED_BUT_ACTIVE,
            format!(
                "its status was set to canceled, and its workers were not told: {tasks} {} on",
                agree(active.len(), "goes", "go")
            ),
            format!("`farm kill {}` ends it as it should be. {}", facts.meant(), retry(facts)),
        ));
    }
    let by = known.ended_by.as_ref().map(|words| format!("; {words}")).unwrap_or_default();
    let since = format!("it was cancelled {}{}{by}", known.job.updated, says(&known.job.activity));
    causes.push(cause(names::CANCELED, since, retry(facts)));
    causes
}

fn failed(facts: &Facts, known: &OnManager) -> Cause {
    let evidence = format!("it failed {}{}", known.job.updated, says(&known.job.activity));
    cause(names::JOB_FAILED, evidence, mend(facts))
}

/// Nobody but the volume knows which frames a job should have.
fn missing(facts: &Facts) -> Option<Cause> {
    let counts = facts.frames?;
    let parts = [(counts.missing, "missing"), (counts.bad, "bad"), (counts.suspect, "suspect")];
    let words: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    let flaw = facts.flaws.first().map(|line| format!("; {line}")).unwrap_or_default();
    let evidence = format!("every task of it has ended, and of its frames there are {}{flaw}", words.join(", "));
    let delivered = if counts.bad > 0 { "; one that lies in dist/ has to be restored or moved away first" } else { "" };
    Some(cause(names::FRAMES_MISSING, evidence, format!("`farm retry {}` renders them anew{delivered}.", facts.name())))
}

/// The disk, where the volume itself says it and no log did.
fn full(facts: &Facts, others: &[Cause]) -> Vec<Cause> {
    let is_told = others.iter().any(|cause| cause.name == FailureKind::DiskFull.word());
    match facts.free.filter(|free| *free < FULL && !is_told) {
        None => Vec::new(),
        Some(free) => vec![cause(
            FailureKind::DiskFull.word(),
            format!("the volume has {free} left"),
            "Free space on the volume: harvest what is finished, and take away what nobody needs.",
        )],
    }
}

/// What the logs of failed tasks say, kind by kind, the most frequent first.
fn failures(facts: &Facts, known: &OnManager) -> Vec<Cause> {
    let mut kinds: BTreeMap<FailureKind, Vec<&TaskFacts>> = BTreeMap::new();
    for one in known.tasks.iter().filter(|one| one.task.status.has_failed()) {
        if let Some(failure) = &one.failure {
            kinds.entry(failure.kind).or_default().push(one);
        }
    }
    let mut kinds: Vec<(FailureKind, Vec<&TaskFacts>)> = kinds.into_iter().collect();
    // What is known says more than what is not, however often that is.
    kinds.sort_by_key(|(kind, tasks)| (*kind == FailureKind::Other, std::cmp::Reverse(tasks.len())));
    kinds.into_iter().map(|(kind, tasks)| failure(facts, known, kind, &tasks)).collect()
}

fn failure(facts: &Facts, known: &OnManager, kind: FailureKind, tasks: &[&TaskFacts]) -> Cause {
    let first = tasks[0];
    // Until 3.7 a list does not name who had a task; whoever failed it did.
    let on = match first.task.worker.as_ref().or(first.story.failed_by.last()) {
        Some(id) => format!(" on {}", known.name_of(id)),
        None => String::new(),
    };
    let line = first.failure.as_ref().map(|failure| failure.line.as_str()).unwrap_or_default();
    let more = match tasks.len() - 1 {
        0 => String::new(),
        more => format!(", and {} more", counted(more, "task")),
    };
    let evidence = format!("task {} {}{on}: {line}{more}", first.task.name, first.task.status);
    let name = if kind == FailureKind::Other { names::TASKS_FAILED } else { kind.word() };
    let advice = kind.advice().replace("JOB", &facts.word());
    let remedy = match (&facts.subject, advice.contains("`farm replace")) {
        (Subject::Own(_), true) => advice,
        (Subject::Own(_), false) => format!("{advice} Then {}", retry(facts)),
        (Subject::Stranger { .. }, true) => mend(facts),
        (Subject::Stranger { .. }, false) => format!("{advice} {}", mend(facts)),
    };
    cause(name, evidence, remedy)
}

/// Of a job that is worked on, or should be.
fn open(facts: &Facts, known: &OnManager) -> Vec<Cause> {
    let waiting = known.tasks_in(&[TaskStatus::Queued, TaskStatus::SoftFailed]);
    let (lost, at_work): (Vec<&TaskFacts>, Vec<&TaskFacts>) =
        known.tasks_in(&[TaskStatus::Active]).into_iter().partition(|one| is_lost(facts, known, one));
    let lost: Vec<Cause> = lost_workers(facts, known, &lost).into_iter().collect();
    if !at_work.is_empty() {
        return [lost, failures(facts, known)].concat();
    }
    if waiting.is_empty() && lost.is_empty() {
        return [vec![nothing_waits(facts, known)], failures(facts, known)].concat();
    }
    let waits = if waiting.is_empty() { Vec::new() } else { waiting::causes(facts, known, &waiting) };
    [lost, waits, failures(facts, known)].concat()
}

fn nothing_waits(facts: &Facts, known: &OnManager) -> Cause {
    let paused = known.tasks_in(&[TaskStatus::Paused]);
    match paused.len() {
        0 => cause(
            names::NOTHING_LEFT,
            format!("the Manager calls it {}, and none of its tasks waits or is worked on", known.job.status),
            retry(facts),
        ),
        count => cause(
            names::TASKS_PAUSED,
            format!(
                "the job is {}, and what is left of it is paused: {}; to queue a paused job does not wake its tasks",
                known.job.status,
                counted(count, "task")
            ),
            format!("`farm unpause {}` wakes them.", facts.meant()),
        ),
    }
}

fn is_lost(facts: &Facts, known: &OnManager, one: &TaskFacts) -> bool {
    let Some(worker) = worker_at(known, one) else { return false };
    let is_silent = worker.last_seen.is_some_and(|seen| facts.now.since(seen) >= LOST);
    matches!(worker.status, WorkerStatus::Error | WorkerStatus::Offline) || (!facts.is_local && is_silent)
}

fn worker_at<'a>(known: &'a OnManager, one: &TaskFacts) -> Option<&'a ManagerWorker> {
    known.workers.iter().find(|worker| one.task.is_with(worker))
}

fn lost_workers(facts: &Facts, known: &OnManager, lost: &[&TaskFacts]) -> Option<Cause> {
    let first = lost.first()?;
    let mut workers: Vec<&ManagerWorker> = lost.iter().filter_map(|one| worker_at(known, one)).collect();
    workers.dedup_by_key(|worker| &worker.id);
    let evidence = format!(
        "{} {} active on {}",
        few(&lost.iter().map(|one| one.task.name.clone()).collect::<Vec<_>>(), NAMED, "task"),
        agree(lost.len(), "is", "are"),
        workers_named(facts, &workers)
    );
    let remedy = match facts.is_local {
        true => "`farm recover` ends what is left of it and puts the task back; `farm work` renders it.".to_owned(),
        false => format!(
            "See whether the machine of {} runs; the Manager gives its task to another worker after a minute or ten.",
            workers.first().map_or_else(|| first.task.name.clone(), |worker| worker.name.clone())
        ),
    };
    Some(cause(names::WORKER_LOST, evidence, remedy))
}
