//! Waiting until no worker can still write for jobs that were ended: before any of their files is touched.
//!
//! A status word says nothing about a renderer. A worker asks each ten seconds whether it may go on, and ends its renderer
//! when it hears that it may not; `last_seen` moves with each such question (seen on Flamenco 3.2 to 3.9). So a worker that
//! was at a task is quiet once it is at another, or was heard after the end and had time to stop. One that is not heard
//! from may be rendering.

use crate::base::error::{Class, Failure};
use crate::base::ids::{JobId, TaskId, WorkerId};
use crate::base::status::{TaskStatus, WorkerStatus};
use crate::base::time::Timestamp;
use crate::manager::ManagerWorker;
use crate::ops::ports::Ports;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::interrupt;
use std::time::Duration;

/// How long after the end a worker that was heard again may still be writing.
pub const SETTLES_WITHIN: Duration = Duration::from_secs(12);

/// Workers that were at tasks of jobs about to be ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writers(Vec<Writer>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Writer {
    worker: WorkerId,
    name: String,
    task: TaskId,
}

impl Writers {
    /// Those who are at tasks of `jobs` now. To be asked before the jobs are ended: afterwards nobody knows any more.
    pub fn of(ports: &Ports<'_>, jobs: &[JobId]) -> Result<Writers, Failure> {
        let workers = ports.manager.workers()?;
        let mut writers = Vec::new();
        for job in jobs {
            for task in ports.manager.tasks(job)?.into_iter().filter(|task| task.status == TaskStatus::Active) {
                match workers.iter().find(|worker| task.is_with(worker)) {
                    Some(worker) => {
                        writers.push(Writer { worker: worker.id.clone(), name: worker.name.clone(), task: task.id })
                    }
                    None => {
                        let worker = task.worker.unwrap_or_else(|| WorkerId("unknown".to_owned()));
                        writers.push(Writer { name: worker.to_string(), worker, task: task.id });
                    }
                }
            }
        }
        Ok(Writers(writers))
    }

    /// Whether nobody was at them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Waits until all of them are quiet about jobs that were ended at `ended`, at most for `patience`. Who is not by then
    /// is named in the failure: its files must not be touched.
    pub fn wait(mut self, ports: &Ports<'_>, ended: Timestamp, patience: Duration) -> Result<(), Failure> {
        let watch = Stopwatch::start();
        loop {
            if self.0.is_empty() {
                return Ok(());
            }
            ports.go_on()?;
            let workers = ports.manager.workers()?;
            let now = clock::now();
            let is_busy = |writer: &Writer| {
                let worker = workers.iter().find(|worker| worker.id == writer.worker);
                worker.is_none_or(|worker| !is_quiet(worker, &writer.task, ended, now))
            };
            self.0.retain(is_busy);
            if !self.0.is_empty() && watch.has_passed(patience) {
                return Err(self.not_quiet());
            }
            if !self.0.is_empty() {
                interrupt::rest(ports.manager.look_again());
            }
        }
    }

    fn not_quiet(&self) -> Failure {
        let names: Vec<&str> = self.0.iter().map(|writer| writer.name.as_str()).collect();
        let words = format!("worker {} was not heard since the cancel and may still be writing", names.join(", "));
        Failure::new(Class::Refused, words).with_hint(
            "See that its renderer has ended, or that the machine is off; then start its worker and give the command again.",
        )
    }
}

/// Whether `worker` writes nothing more for a task that was ended at `ended`.
pub fn is_quiet(worker: &ManagerWorker, task: &TaskId, ended: Timestamp, now: Timestamp) -> bool {
    let elsewhere = worker.task.as_ref().is_some_and(|other| other != task);
    let heard = worker.last_seen.is_some_and(|seen| seen > ended);
    let settled = now.since(ended) >= SETTLES_WITHIN && worker.status != WorkerStatus::Error;
    elsewhere || (heard && settled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::check::room::Room;

    fn seconds(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds)
    }

    #[test]
    fn a_worker_is_quiet_once_it_is_elsewhere_or_was_heard_and_had_time() {
        let mut room = Room::new(&[("A", "1-3")]);
        let task = room.add_run("1-3", TaskStatus::Active);
        let mut worker = room.manager.workers.remove(0);
        let mut quiet = |status, seen, at: Option<&str>, now| {
            worker.status = status;
            worker.last_seen = Some(seconds(seen));
            worker.task = at.map(|id| TaskId(id.into()));
            is_quiet(&worker, &task, seconds(100), seconds(now))
        };
        assert!(!quiet(WorkerStatus::Awake, 108, None, 109), "it had no time yet");
        assert!(quiet(WorkerStatus::Awake, 108, None, 112));
        assert!(!quiet(WorkerStatus::Awake, 99, None, 500), "it was not heard since");
        assert!(!quiet(WorkerStatus::Error, 108, None, 500), "nobody knows what it does");
        assert!(quiet(WorkerStatus::Awake, 99, Some("another"), 101), "it has other work");
        assert!(!quiet(WorkerStatus::Awake, 99, Some(&task.0), 101));
    }

    #[test]
    fn who_was_at_it_is_waited_for_and_named() {
        let mut room = Room::new(&[("A", "1-3")]);
        let task = room.add_run("1-3", TaskStatus::Active);
        let job = room.manager.jobs[0].id.clone();
        let writers = Writers::of(&room.ports(), std::slice::from_ref(&job)).expect("asked");
        assert!(!writers.is_empty());
        let ended = room.manager.workers[0].last_seen.expect("seen").plus_seconds(-1);
        let failure = writers.clone().wait(&room.ports(), clock::now(), Duration::ZERO).expect_err("not heard");
        assert_eq!(failure.class(), Class::Refused);
        assert!(failure.message().contains("here"), "{failure}");
        room.manager.workers[0].task = Some(TaskId("another".into()));
        writers.wait(&room.ports(), ended, Duration::ZERO).expect("it is elsewhere");
        // A task that does not name its worker is found by the worker.
        let tasks = room.manager.tasks.get_mut(&job).expect("tasks");
        tasks[0].worker = None;
        room.manager.workers[0].last_task = Some(task);
        assert!(!Writers::of(&room.ports(), &[job]).expect("asked").is_empty());
    }
}
