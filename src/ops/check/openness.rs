//! Whether a worker may still write for a task.
//!
//! A status word of the Manager says nothing about a renderer: after a cancel Blender writes on for up to ten seconds, and
//! a deleted job answers 404 at once (seen on Flamenco 3.2 to 3.9). So a canceled task counts as open until its worker
//! was heard again and twelve seconds have passed; a worker that is not heard from is not quiet.

use crate::base::ids::TaskId;
use crate::base::status::{TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::manager::{Manager, ManagerTask, ManagerWorker};
use std::time::Duration;

/// How long after its task's end a worker that is not heard from any more keeps its frames from being harvested.
const LOST_AFTER: Duration = Duration::from_secs(60 * 60);

/// How long after the end a worker that was heard again may still be writing.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(12);

/// Whether a worker may still write something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Openness {
    /// It may.
    Open,
    /// Nobody writes it any more.
    Quiet,
}

/// Whom a Manager's word for a task may deceive about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Its workers' ends are seen: what has failed has ended.
    Clear,
    /// A failed task may be one whose worker was only too slow to answer.
    Far,
}

impl Sight {
    /// How far the Manager's words reach.
    pub fn of(manager: &dyn Manager) -> Sight {
        if manager.is_remote() { Sight::Far } else { Sight::Clear }
    }

    /// The latest moment that the clock which stamped a worker's words is known to show: a Manager on another machine has
    /// another clock. Who has signed off says nothing more, and its renderer ended before.
    fn now(self, worker: &ManagerWorker, here: Timestamp) -> Timestamp {
        match (self, worker.last_seen) {
            (Sight::Far, Some(seen)) if worker.status != WorkerStatus::Offline => seen,
            _ => here,
        }
    }
}

/// Whether a worker may still write for the task; `ended`: its job has ended. A paused or queued task of such a job is as
/// one that was canceled: nobody will begin it.
pub fn openness(task: &ManagerTask, ended: bool, workers: &[ManagerWorker], now: Timestamp, sight: Sight) -> Openness {
    match (&task.status, sight) {
        (TaskStatus::Completed, _) | (TaskStatus::Failed, Sight::Clear) => Openness::Quiet,
        _ if is_over(&task.status, ended) => match writer(task, workers) {
            Writer::Nobody => Openness::Quiet,
            Writer::Worker(worker) if is_quiet(worker, &task.id, task.updated, sight.now(worker, now)) => {
                Openness::Quiet
            }
            // Lost for good: what it left is judged by what it is, and looked at once more after its move.
            Writer::Worker(_) | Writer::Unseen if now.since(task.updated) >= LOST_AFTER => Openness::Quiet,
            Writer::Worker(_) | Writer::Unseen => Openness::Open,
        },
        _ => Openness::Open,
    }
}

/// Whether `worker` writes nothing more for a task that was ended at `ended`, both by the clock that shows `now`.
///
/// A worker asks each ten seconds whether it may go on, and ends its renderer when it hears that it may not; `last_seen`
/// moves with each such question (seen on Flamenco 3.2 to 3.9).
fn is_quiet(worker: &ManagerWorker, task: &TaskId, ended: Timestamp, now: Timestamp) -> bool {
    let elsewhere = worker.task.as_ref().is_some_and(|other| other != task);
    let heard = worker.last_seen.is_some_and(|seen| seen > ended);
    let settled = now.since(ended) >= SETTLES_WITHIN && worker.status != WorkerStatus::Error;
    elsewhere || (heard && settled)
}

/// Whether it decides who was at a task, and its list does not say: the answer about the task itself does. Nobody but a
/// worker that was deleted needs this; the others tell what they touched last.
pub fn needs_its_worker(task: &ManagerTask, ended: bool, workers: &[ManagerWorker], now: Timestamp) -> bool {
    let unnamed = !task.names_worker && !workers.iter().any(|worker| task.is_with(worker));
    let is_over = task.status != TaskStatus::Completed && is_over(&task.status, ended);
    unnamed && is_over && now.since(task.updated) < LOST_AFTER
}

/// Whether the Manager says that nobody is at the task any more, nor will be; `ended`: its job has ended. An active task
/// of a job that has ended goes on: its worker was never told.
pub(super) fn is_over(status: &TaskStatus, ended: bool) -> bool {
    let waits = matches!(status, TaskStatus::Queued | TaskStatus::Paused | TaskStatus::SoftFailed);
    status.has_ended() || (ended && waits)
}

/// Who was at a task when it ended.
enum Writer<'a> {
    Nobody,
    Worker(&'a ManagerWorker),
    /// A worker that the Manager does not know any more.
    Unseen,
}

fn writer<'a>(task: &ManagerTask, workers: &'a [ManagerWorker]) -> Writer<'a> {
    match workers.iter().find(|worker| task.is_with(worker)) {
        Some(worker) => Writer::Worker(worker),
        None if task.worker.is_some() => Writer::Unseen,
        None => Writer::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::WorkerId;

    fn task(status: TaskStatus, updated: i64) -> ManagerTask {
        ManagerTask {
            id: TaskId("t".into()),
            name: "render-1-3".into(),
            task_type: "blender".into(),
            status,
            worker: Some(WorkerId("w".into())),
            worker_name: None,
            names_worker: true,
            updated: Timestamp::from_unix(updated),
        }
    }

    fn worker(status: WorkerStatus, seen: i64, at: Option<&str>) -> ManagerWorker {
        ManagerWorker {
            id: WorkerId("w".into()),
            name: "w".into(),
            status,
            requested: None,
            version: String::new(),
            last_seen: Some(Timestamp::from_unix(seen)),
            task_types: Vec::new(),
            tags: Vec::new(),
            platform: String::new(),
            task: at.map(|id| TaskId(id.into())),
            job: None,
            last_task: at.map(|id| TaskId(id.into())),
        }
    }

    #[test]
    fn a_task_is_open_until_its_worker_is_known_to_be_quiet() {
        let now = Timestamp::from_unix(100);
        let judged = |task: &ManagerTask, worker| openness(task, false, &[worker], now, Sight::Clear);
        let awake = || worker(WorkerStatus::Awake, 99, None);
        for (status, expected) in [
            (TaskStatus::Active, Openness::Open),
            (TaskStatus::Queued, Openness::Open),
            (TaskStatus::SoftFailed, Openness::Open),
            (TaskStatus::Paused, Openness::Open),
            (TaskStatus::Unknown("resting".into()), Openness::Open),
            (TaskStatus::Completed, Openness::Quiet),
            (TaskStatus::Failed, Openness::Quiet),
        ] {
            assert_eq!(judged(&task(status.clone(), 50), awake()), expected, "{status}");
        }
        let canceled = |updated| task(TaskStatus::Canceled, updated);
        assert_eq!(judged(&canceled(95), awake()), Openness::Open, "canceled five seconds ago");
        assert_eq!(judged(&canceled(80), awake()), Openness::Quiet, "heard after the cancel, and long enough ago");
        assert_eq!(judged(&canceled(80), worker(WorkerStatus::Awake, 79, None)), Openness::Open, "not heard since");
        assert_eq!(judged(&canceled(80), worker(WorkerStatus::Error, 99, None)), Openness::Open, "lost");
        assert_eq!(judged(&canceled(99), worker(WorkerStatus::Awake, 99, Some("other"))), Openness::Quiet, "elsewhere");
        let far = |task: &ManagerTask, workers: &[ManagerWorker]| openness(task, false, workers, now, Sight::Far);
        assert_eq!(far(&canceled(80), &[]), Openness::Open, "a worker that nobody knows");
        assert_eq!(far(&canceled(100 - 3600), &[]), Openness::Quiet, "nor did for an hour");
        let nameless = ManagerTask { worker: None, ..canceled(95) };
        assert_eq!(far(&nameless, &[]), Openness::Quiet, "never begun");
        let last = ManagerWorker { last_task: Some(nameless.id.clone()), ..awake() };
        assert_eq!(far(&nameless, &[last]), Openness::Open, "a worker says that it was at it");
        assert_eq!(far(&task(TaskStatus::Failed, 95), &[awake()]), Openness::Open, "perhaps only late");
        assert_eq!(far(&task(TaskStatus::Failed, 80), &[awake()]), Openness::Quiet);
        assert_eq!(far(&canceled(90), &[awake()]), Openness::Open, "heard nine seconds after, whatever is now");
        let waiting = ManagerTask { worker: None, ..task(TaskStatus::Paused, 50) };
        let of_ended = |task: &ManagerTask| openness(task, true, &[awake()], now, Sight::Far);
        assert_eq!(of_ended(&waiting), Openness::Quiet, "nobody begins a task of a job that has ended");
        assert_eq!(of_ended(&task(TaskStatus::Active, 50)), Openness::Open);
    }

    #[test]
    fn a_worker_is_quiet_once_it_is_elsewhere_or_was_heard_and_had_time() {
        let (id, at) = (TaskId("t".into()), Timestamp::from_unix);
        let quiet = |status, seen, task, now| is_quiet(&worker(status, seen, task), &id, at(100), at(now));
        assert!(!quiet(WorkerStatus::Awake, 108, None, 109), "it had no time yet");
        assert!(quiet(WorkerStatus::Awake, 108, None, 112));
        assert!(!quiet(WorkerStatus::Awake, 99, None, 500), "it was not heard since");
        assert!(!quiet(WorkerStatus::Error, 108, None, 500), "nobody knows what it does");
        assert!(quiet(WorkerStatus::Awake, 99, Some("another"), 101), "it has other work");
        assert!(!quiet(WorkerStatus::Awake, 99, Some("t"), 101));
    }
}
