//! Why nobody takes the tasks that wait: worker after worker is left out for a reason, and the last reason is the cause.

use super::decide::cause;
use super::facts::{Facts, OnManager, Subject, TaskFacts};
use super::words::{NAMED, page, retry, workers_named};
use super::{Cause, names};
use crate::base::counted::{agree, counted, few};
use crate::base::status::{TaskStatus, WorkerStatus};
use crate::manager::{ManagerJob, ManagerWorker};
use std::time::Duration;

/// A Worker of Flamenco that has nothing to do asks for work every twenty seconds.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);

/// Why nobody takes `waiting`, which is not empty; nothing if somebody is about to.
pub(super) fn causes(facts: &Facts, known: &OnManager, waiting: &[&TaskFacts]) -> Vec<Cause> {
    let task_type = waiting[0].task.task_type.as_str();
    let all: Vec<&ManagerWorker> = known.workers.iter().collect();
    if let Some(nobody) = nobody(facts, &all) {
        return vec![nobody];
    }
    let able = keep(&all, |worker| worker.task_types.iter().any(|known| known == task_type));
    if able.is_empty() {
        return vec![no_type(facts, task_type, &all)];
    }
    let tag = known.tag.as_deref();
    let tagged = keep(&able, |worker| tag.is_none_or(|tag| worker.tags.iter().any(|has| has == tag)));
    if tagged.is_empty() {
        return vec![no_tag(facts, tag.unwrap_or_default(), &able)];
    }
    let is_blocked = |worker: &ManagerWorker| {
        known.blocks.iter().any(|block| block.worker == worker.id && block.task_type == task_type)
    };
    let free = keep(&tagged, |worker| !is_blocked(worker));
    let awake = keep(&tagged, is_up);
    if free.is_empty() || (!awake.is_empty() && awake.iter().all(|worker| is_blocked(worker))) {
        let blocked = keep(&tagged, |worker| is_blocked(worker));
        return [vec![all_blocked(facts, known, &blocked)], resting(facts, known, &free)].concat();
    }
    let willing = keep(&free, |worker| waiting.iter().any(|one| !one.story.failed_by.contains(&worker.id)));
    let (up, down): (Vec<_>, Vec<_>) = willing.into_iter().partition(|worker| is_up(worker));
    if up.is_empty() && waiting.iter().all(|one| one.task.status == TaskStatus::SoftFailed) {
        return [vec![another(facts, known, waiting)], resting(facts, known, &down)].concat();
    }
    if up.is_empty() {
        return resting(facts, known, &down);
    }
    occupied(facts, known, &up)
}

/// Whether it takes what comes next: one that is asked for another status takes that first, or after the task it has.
fn is_up(worker: &ManagerWorker) -> bool {
    worker.status == WorkerStatus::Awake && worker.requested.is_none()
}

fn keep<'a>(workers: &[&'a ManagerWorker], is_kept: impl Fn(&ManagerWorker) -> bool) -> Vec<&'a ManagerWorker> {
    workers.iter().copied().filter(|worker| is_kept(worker)).collect()
}

fn nobody(facts: &Facts, all: &[&ManagerWorker]) -> Option<Cause> {
    if facts.is_local {
        let at_work = all.iter().any(|worker| worker.status == WorkerStatus::Awake);
        return (!at_work).then(|| {
            cause(
                names::QUEUE_NOT_WORKED,
                "it waits in this machine's own queue, and nobody works that off",
                "`farm work` renders what is in the queue.",
            )
        });
    }
    all.is_empty().then(|| {
        cause(
            names::NO_WORKER,
            format!("the Manager at {} knows no worker", facts.address),
            "Start a Flamenco Worker on each machine that shall render.",
        )
    })
}

fn no_type(facts: &Facts, task_type: &str, all: &[&ManagerWorker]) -> Cause {
    let evidence =
        format!("its tasks are of the type {task_type:?}, which none of {} takes", counted(all.len(), "worker"));
    let remedy = match facts.is_local {
        true => format!("Start a worker that takes {task_type:?} tasks."),
        false => format!("Add {task_type:?} to task_types in the flamenco-worker.yaml of a worker, and restart that."),
    };
    cause(names::NO_WORKER_FOR_TASK_TYPE, evidence, remedy)
}

fn no_tag(facts: &Facts, tag: &str, able: &[&ManagerWorker]) -> Cause {
    let tags = |worker: &&ManagerWorker| match worker.tags.is_empty() {
        true => format!("{} (no tag)", worker.name),
        false => format!("{} ({})", worker.name, worker.tags.join(", ")),
    };
    let workers = few(&able.iter().map(tags).collect::<Vec<_>>(), NAMED, "worker");
    let remedy = match facts.is_local {
        true => format!("Plan it without a tag: no worker of this machine's queue has {tag:?}."),
        false => page(facts, "workers", &format!("Give a worker the tag {tag:?}")),
    };
    cause(
        names::NO_WORKER_WITH_TAG,
        format!("only workers with the tag {tag:?} may take it; there are {workers}"),
        remedy,
    )
}

fn all_blocked(facts: &Facts, known: &OnManager, blocked: &[&ManagerWorker]) -> Cause {
    let evidence = format!(
        "its blocklist has {}: each failed too many of its tasks",
        few(&blocked.iter().map(|worker| worker.name.clone()).collect::<Vec<_>>(), NAMED, "worker")
    );
    let list = match facts.is_local {
        true => String::new(),
        false => format!(" {}", page(facts, &format!("jobs/{}", known.job.id), "Or clear its blocklist")),
    };
    let remedy = match &facts.subject {
        Subject::Own(name) => format!(
            "Mend what made them fail (`farm logs {name} --failed`), then `farm retry {name}`: a new run blocks nobody.{list}"
        ),
        Subject::Stranger { id, .. } => format!("Mend what made them fail (`farm logs {id} --failed`).{list}"),
    };
    cause(names::ALL_BLOCKED, evidence, remedy)
}

/// Each that is awake has failed what is left.
fn another(facts: &Facts, known: &OnManager, waiting: &[&TaskFacts]) -> Cause {
    let mut failed: Vec<String> =
        waiting.iter().flat_map(|one| &one.story.failed_by).map(|id| known.name_of(id)).collect();
    failed.sort();
    failed.dedup();
    let who = if failed.is_empty() { "every worker that is awake".to_owned() } else { few(&failed, NAMED, "worker") };
    cause(
        names::WAITS_FOR_ANOTHER_WORKER,
        format!(
            "{} left failed on {who} and {} for another worker",
            counted(waiting.len(), "task"),
            agree(waiting.len(), "waits", "wait")
        ),
        format!(
            "Start another worker, or mend what made it fail (`farm logs {} --failed`): {}",
            facts.word(),
            retry(facts)
        ),
    )
}

/// Why a worker takes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    Asked,
    Asleep,
    InError,
    Offline,
    NotReady,
}

impl Rest {
    const ALL: [Rest; 5] = [Rest::Asked, Rest::Asleep, Rest::InError, Rest::Offline, Rest::NotReady];

    fn of(worker: &ManagerWorker) -> Rest {
        match (&worker.status, &worker.requested) {
            // One that is gone does not hear what it is asked.
            (WorkerStatus::Error, _) => Rest::InError,
            (WorkerStatus::Offline, _) => Rest::Offline,
            (_, Some(_)) => Rest::Asked,
            (WorkerStatus::Asleep, None) => Rest::Asleep,
            (_, None) => Rest::NotReady,
        }
    }
}

/// Nobody is awake: why, kind by kind, the most frequent first.
fn resting(facts: &Facts, known: &OnManager, workers: &[&ManagerWorker]) -> Vec<Cause> {
    let is_resting = |worker: &ManagerWorker| !is_up(worker);
    let resting = keep(workers, is_resting);
    let of = |kind| (kind, keep(&resting, |worker| Rest::of(worker) == kind));
    let mut groups: Vec<(Rest, Vec<&ManagerWorker>)> = Rest::ALL.into_iter().map(of).collect();
    groups.retain(|(_, group)| !group.is_empty());
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.len()));
    groups.into_iter().map(|(kind, group)| rest(facts, known, kind, &group)).collect()
}

fn rest(facts: &Facts, known: &OnManager, kind: Rest, group: &[&ManagerWorker]) -> Cause {
    let named = workers_named(facts, group);
    match kind {
        Rest::Asked => asked(facts, group, &named),
        Rest::Asleep => asleep(facts, known, group, &named),
        Rest::InError => cause(
            names::WORKERS_IN_ERROR,
            format!("in error, so that no task is given to them: {named}"),
            page(facts, "workers", "See that the machines run and that their Workers do, then wake them"),
        ),
        Rest::Offline => {
            cause(names::ALL_OFFLINE, format!("signed off: {named}"), "Start the Flamenco Worker on these machines.")
        }
        Rest::NotReady => cause(
            names::WORKERS_NOT_READY,
            format!("not ready for work: {named}"),
            "Wait until they are awake, or start another Worker.",
        ),
    }
}

/// Workers that do not do yet what they are asked. One that sleeps asks within a minute whether it shall go on.
fn asked(facts: &Facts, group: &[&ManagerWorker], named: &str) -> Cause {
    let evidence = format!("asked for another status, which they have not taken yet: {named}");
    let remedy = match group.iter().all(|worker| worker.requested == Some(WorkerStatus::Awake)) {
        true => "Wait: they wake within a minute. If they do not, see that their Workers run.".to_owned(),
        false => page(facts, "workers", "Start another Worker, or wake these"),
    };
    cause(names::STATUS_REQUESTED, evidence, remedy)
}

fn asleep(facts: &Facts, known: &OnManager, group: &[&ManagerWorker], named: &str) -> Cause {
    let schedule = group.iter().find_map(|worker| known.schedules.get(&worker.id).map(|found| (worker, found)));
    let Some((worker, schedule)) = schedule else {
        return cause(names::ALL_ASLEEP, format!("asleep: {named}"), page(facts, "workers", "Wake them"));
    };
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let evidence = format!(
        "asleep: {named}; the schedule of {} says: {}, from {} to {} by the Manager's clock",
        worker.name,
        or(&schedule.days, "every day"),
        or(&schedule.from, "00:00"),
        or(&schedule.to, "24:00")
    );
    let remedy = page(facts, "workers", "Wait until it is over, or change the schedule and wake them");
    cause(names::SLEEP_SCHEDULE, evidence, remedy)
}

/// Somebody is awake that could take it.
fn occupied(facts: &Facts, known: &OnManager, up: &[&ManagerWorker]) -> Vec<Cause> {
    let (busy, idle): (Vec<_>, Vec<_>) = up.iter().copied().partition(|worker| worker.task.is_some());
    let before: Vec<&ManagerJob> = known.open_jobs.iter().filter(|job| goes_before(job, &known.job)).collect();
    if !idle.is_empty() {
        return idle_ones(facts, known, &idle, &before);
    }
    let on: Vec<String> =
        busy.iter().map(|worker| format!("{} works on {}", worker.name, job_of(known, worker))).collect();
    let on = few(&on, NAMED, "worker");
    if before.is_empty() {
        let evidence = format!("every worker that could take it is at something else: {on}");
        let remedy = "Wait: it is next. Or start another worker.";
        return vec![cause(names::WORKERS_BUSY, evidence, remedy)];
    }
    vec![behind(facts, &known.job, &before, &on)]
}

/// Jobs that go first: those of a higher priority, and where there is none, the older ones of the same.
fn behind(facts: &Facts, own: &ManagerJob, before: &[&ManagerJob], on: &str) -> Cause {
    let higher: Vec<&ManagerJob> = before.iter().copied().filter(|job| job.priority > own.priority).collect();
    let Some(highest) = higher.iter().map(|job| job.priority).max() else {
        let named = few(&before.iter().map(|job| title(job)).collect::<Vec<_>>(), NAMED, "job");
        let evidence = format!(
            "{} of the same priority, {}, {} submitted earlier and {} first: {named}; {on}",
            counted(before.len(), "job"),
            own.priority,
            agree(before.len(), "was", "were"),
            agree(before.len(), "goes", "go")
        );
        return cause(names::BEHIND_OTHERS, evidence, wait_or(facts, own.priority));
    };
    let named: Vec<String> = higher.iter().map(|job| format!("{} ({})", title(job), job.priority)).collect();
    let evidence = format!(
        "its priority is {}, and {} before it: {}; {on}",
        own.priority,
        agree(higher.len(), "a job goes", "jobs go"),
        few(&named, NAMED, "job")
    );
    cause(names::LOWER_PRIORITY, evidence, wait_or(facts, highest))
}

/// Waiting, or going before jobs of this priority.
fn wait_or(facts: &Facts, priority: u8) -> String {
    match priority {
        100.. => "Wait, start another worker, or give the others a lower priority with `farm priority`.".to_owned(),
        _ => format!(
            "Wait, start another worker, or let it go first: `farm priority {} {}`.",
            priority + 1,
            facts.meant()
        ),
    }
}

/// A worker that has nothing to do takes what is next, within seconds.
fn idle_ones(facts: &Facts, known: &OnManager, idle: &[&ManagerWorker], before: &[&ManagerJob]) -> Vec<Cause> {
    if !before.is_empty() || facts.now.since(known.job.updated) < TAKEN_WITHIN {
        return Vec::new();
    }
    vec![cause(
        names::UNEXPLAINED,
        format!(
            "it is {} since {}, and nobody takes it although {} could",
            known.job.status,
            known.job.updated,
            workers_named(facts, idle)
        ),
        "`farm doctor` looks at the Manager and its workers; the Manager's own log may say more.",
    )]
}

/// Whether a worker that could take either takes `other` first: by priority; of equal ones farm takes the older, and so does
/// Flamenco, most often.
fn goes_before(other: &ManagerJob, own: &ManagerJob) -> bool {
    let is_older = other.priority == own.priority && other.created < own.created;
    other.id != own.id && other.status.is_worked_on() && (other.priority > own.priority || is_older)
}

/// What a job is called: as farm calls it, where farm made it.
pub(super) fn title(job: &ManagerJob) -> String {
    job.job_ref().map_or_else(|| job.name.clone(), |reference| reference.to_string())
}

fn job_of(known: &OnManager, worker: &ManagerWorker) -> String {
    let job = worker.job.as_ref().and_then(|id| known.open_jobs.iter().find(|job| job.id == *id));
    job.map_or_else(|| "a job that is over".to_owned(), title)
}
