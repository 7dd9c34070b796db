//! Waiting until no worker can still write for jobs that were ended: before any of their files is touched.
//!
//! A status word says nothing about a renderer. What each task's worker is known to do decides
//! ([`openness`](crate::ops::check::openness)), as it does for a harvest; here it is waited for.

use crate::base::error::{Class, Failure};
use crate::base::ids::JobId;
use crate::base::status::TaskStatus;
use crate::base::time::Timestamp;
use crate::manager::{ManagerTask, ManagerWorker};
use crate::ops::check::in_parallel::try_by_hands;
use crate::ops::check::openness::{Openness, Sight, needs_its_worker, openness};
use crate::ops::ports::Ports;
use crate::sys::clock::{self, Stopwatch};
use crate::sys::interrupt;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many seconds a Manager's clock may be behind this machine's.
const CLOCKS_APART: i64 = 120;

/// Waits until nobody can write for `jobs`, which were ended and not deleted, at most for `patience`. Who still can by then
/// is named in the failure: the jobs' files must not be touched.
///
/// The tasks are asked for at each look: one that a worker took just before the end is waited for too.
pub fn wait(ports: &Ports<'_>, jobs: &[JobId], patience: Duration) -> Result<(), Failure> {
    wait_for(ports, jobs, Also::Nobody, patience)
}

/// The same after many jobs were ended, of which `begun` are those that a worker had taken a task of before. One that took
/// its first task just before the end, at `since`, is found by the worker: nobody asks for the tasks of thousands of jobs that waited.
pub fn wait_for_ended(ports: &Ports<'_>, begun: &[JobId], since: Timestamp, patience: Duration) -> Result<(), Failure> {
    wait_for(ports, begun, Also::LastTasks(since.plus_seconds(-CLOCKS_APART)), patience)
}

/// Who is waited for beside those who had tasks of the jobs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Also {
    Nobody,
    /// Every worker whose last task was canceled after this.
    LastTasks(Timestamp),
}

fn wait_for(ports: &Ports<'_>, jobs: &[JobId], also: Also, patience: Duration) -> Result<(), Failure> {
    let watch = Stopwatch::start();
    let mut left: Vec<&JobId> = jobs.iter().collect();
    loop {
        ports.go_on()?;
        let workers = ports.manager.workers()?;
        let mut writers = BTreeSet::new();
        let mut still = Vec::new();
        let hands = ports.manager.requests_at_once();
        let told = try_by_hands(ports, hands, &left, |job| writers_of(ports, job, &workers))?;
        if let Also::LastTasks(since) = also {
            writers.extend(late_writers(ports, &workers, since)?);
        }
        for (job, at_it) in left.into_iter().zip(told) {
            if !at_it.is_empty() {
                still.push(job);
            }
            writers.extend(at_it);
        }
        left = still;
        if writers.is_empty() {
            return Ok(());
        }
        if watch.has_passed(patience) {
            return Err(not_quiet(&writers));
        }
        interrupt::rest(ports.manager.look_again());
    }
}

/// The names of those who may still write for a job.
fn writers_of(ports: &Ports<'_>, job: &JobId, workers: &[ManagerWorker]) -> Result<BTreeSet<String>, Failure> {
    let (now, sight) = (clock::now(), Sight::of(ports.manager));
    let mut writers = BTreeSet::new();
    for task in ports.manager.tasks(job)? {
        let asked = needs_its_worker(&task, true, workers, now).then(|| ports.manager.task_with_worker(&task));
        let task = asked.transpose()?.flatten().unwrap_or(task);
        if openness(&task, true, workers, now, sight) == Openness::Open {
            writers.insert(name_of(&task, workers));
        }
    }
    Ok(writers)
}

/// The names of those whose last task was canceled after `since`, whosever it was, and who may still write for it.
fn late_writers(ports: &Ports<'_>, workers: &[ManagerWorker], since: Timestamp) -> Result<BTreeSet<String>, Failure> {
    let (now, sight) = (clock::now(), Sight::of(ports.manager));
    let mut writers = BTreeSet::new();
    for worker in workers.iter().filter(|worker| worker.task.is_none()) {
        let Some(last) = &worker.last_task else { continue };
        let task =
            ports.manager.task(last)?.filter(|task| task.status == TaskStatus::Canceled && task.updated >= since);
        if task.is_some_and(|task| openness(&task, true, workers, now, sight) == Openness::Open) {
            writers.insert(worker.name.clone());
        }
    }
    Ok(writers)
}

fn name_of(task: &ManagerTask, workers: &[ManagerWorker]) -> String {
    task.worker_named(workers).unwrap_or_else(|| format!("of task {}", task.name))
}

fn not_quiet(writers: &BTreeSet<String>) -> Failure {
    let names: Vec<&str> = writers.iter().map(String::as_str).collect();
    let words = format!("worker {} was not heard since the end of its task and may still be writing", names.join(", "));
    Failure::new(Class::Refused, words).with_hint(
        "See that its renderer has ended, or that the machine is off; then start its worker and give the command again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::ids::TaskId;
    use crate::ops::check::room::Room;

    #[test]
    fn who_was_at_it_is_waited_for_and_named() {
        let mut room = Room::new(&[("A", "1-3")]);
        let task = room.add_run("1-3", TaskStatus::Canceled);
        let jobs = [room.manager.jobs[0].id.clone()];
        let set = |room: &mut Room, updated| {
            let tasks = room.manager.tasks.values_mut().flatten();
            tasks.for_each(|task| task.updated = updated);
        };
        let seen = room.manager.workers[0].last_seen.expect("seen");
        set(&mut room, seen.plus_seconds(-5));
        let failure = wait(&room.ports(), &jobs, Duration::ZERO).expect_err("it had no time yet");
        assert_eq!(failure.class(), Class::Refused);
        assert!(failure.message().contains("worker here"), "{failure}");
        // By the Manager's clock alone: this machine's may be ahead.
        set(&mut room, seen.plus_seconds(-11));
        wait(&room.ports(), &jobs, Duration::ZERO).expect_err("its clock shows eleven seconds");
        set(&mut room, seen.plus_seconds(-13));
        wait(&room.ports(), &jobs, Duration::ZERO).expect("it was heard after the end, and had time");
        set(&mut room, seen.plus_seconds(1));
        wait(&room.ports(), &jobs, Duration::ZERO).expect_err("it was not heard since");
        room.manager.workers[0].task = Some(TaskId("another".into()));
        wait(&room.ports(), &jobs, Duration::ZERO).expect("it is elsewhere");
        // A task that does not name its worker is found by the worker.
        let tasks = room.manager.tasks.values_mut().flatten();
        tasks.for_each(|task| task.worker = None);
        (room.manager.workers[0].task, room.manager.workers[0].last_task) = (None, Some(task));
        wait(&room.ports(), &jobs, Duration::ZERO).expect_err("it had it last");
    }
}
