//! Taking the next task: one transaction, so that no two workers ever get the same one.

use super::presence::Registered;
use super::store::Fault;
use super::transition::TaskEvent;
use super::{Local, change, rows};
use crate::base::frame_set::FrameSet;
use crate::base::ids::JobId;
use crate::base::time::Timestamp;
use crate::manager::compile::Command;
use crate::manager::{ManagerError, ManagerJob, ManagerTask};
use crate::sys::clock;
use rusqlite::{Connection, OptionalExtension, Transaction};
use uuid::Uuid;

/// SQL: whether `worker` may take `task` of `job`: its type, its tag, and not after failing it or being blocked.
pub(super) const CAPABLE: &str = "
    task.type IN (SELECT value FROM json_each(worker.task_types))
    AND (job.tag IS NULL OR job.tag IN (SELECT value FROM json_each(worker.tags)))
    AND NOT EXISTS (SELECT 1 FROM failure WHERE failure.task = task.seq AND failure.worker = worker.id)
    AND NOT EXISTS (SELECT 1 FROM block WHERE block.job = job.seq AND block.worker = worker.id
                                          AND block.task_type = task.type)";

/// SQL: jobs that are worked on, within the scope `?2` (a JSON list of ids, or NULL for all).
const OPEN: &str = "
    job.status IN ('active', 'queued')
    AND (?2 IS NULL OR job.id IN (SELECT value FROM json_each(?2)))";

/// A task in a worker's hands.
#[derive(Debug)]
pub(super) struct Assignment {
    pub(super) job: ManagerJob,
    pub(super) task: ManagerTask,
    pub(super) frames: FrameSet,
    pub(super) commands: Vec<Command>,
    /// Which try this is, from 1.
    pub(super) attempt: u32,
    /// Marks the processes and the folder of this try.
    pub(super) mark: String,
}

/// What the queue has for a worker.
#[derive(Debug)]
pub(super) enum Claim {
    /// This task.
    Taken(Box<Assignment>),
    /// Nothing now, but another worker has a task that may come back.
    Wait,
    /// Nothing.
    Nothing,
}

impl Local {
    /// Takes the next task for `worker`: by priority, then submission, then the order within the job.
    pub(super) fn claim(&self, worker: &Registered) -> Result<Claim, ManagerError> {
        // What cannot be brought back now (a renderer that another user must kill) is tried again at the next call.
        self.sweep()?;
        let outlook = self.read(|connection| outlook(connection, worker))?.unwrap_or(Outlook::Nothing);
        match outlook {
            Outlook::Runnable => {
                let taken = self.write(|tx| take(tx, worker, clock::now()))?;
                // Another worker may have been faster; then look again.
                Ok(taken.map_or(Claim::Wait, |assignment| Claim::Taken(Box::new(assignment))))
            }
            Outlook::Hopeless => {
                self.write(|tx| give_up(tx, worker, clock::now()))?;
                Ok(Claim::Wait)
            }
            Outlook::Pending => Ok(Claim::Wait),
            Outlook::Nothing => Ok(Claim::Nothing),
        }
    }
}

/// What a look at the queue, without its write lock, says.
enum Outlook {
    /// There is a task to take.
    Runnable,
    /// There is a task that no worker at work may take.
    Hopeless,
    /// Others have tasks that may come back.
    Pending,
    Nothing,
}

fn outlook(connection: &Connection, worker: &Registered) -> Result<Outlook, Fault> {
    Ok(if next(connection, worker)?.is_some() {
        Outlook::Runnable
    } else if hopeless(connection, worker)?.is_some() {
        Outlook::Hopeless
    } else if is_pending(connection, worker)? {
        Outlook::Pending
    } else {
        Outlook::Nothing
    })
}

/// The first task that `worker` may take.
fn next(connection: &Connection, worker: &Registered) -> Result<Option<i64>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT task.seq FROM job JOIN task ON task.job = job.seq JOIN worker ON worker.id = ?1
         WHERE task.status IN ('queued', 'soft-failed') AND {OPEN} AND {CAPABLE}
         ORDER BY job.priority DESC, job.seq, task.position LIMIT 1"
    ))?;
    Ok(select.query_row((&worker.id.0, &worker.scope), |row| row.get(0)).optional()?)
}

/// A task that `worker` tried in vain, or is blocked from, and that no worker at work may take: its last chances left.
fn hopeless(connection: &Connection, worker: &Registered) -> Result<Option<i64>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT task.seq FROM job JOIN task ON task.job = job.seq
         WHERE task.status IN ('queued', 'soft-failed') AND {OPEN}
           AND NOT EXISTS (SELECT 1 FROM worker WHERE worker.status = 'awake' AND {CAPABLE})
           AND (EXISTS (SELECT 1 FROM failure WHERE failure.task = task.seq AND failure.worker = ?1)
             OR EXISTS (SELECT 1 FROM block WHERE block.job = job.seq AND block.worker = ?1
                                              AND block.task_type = task.type))
         ORDER BY job.seq, task.position LIMIT 1"
    ))?;
    Ok(select.query_row((&worker.id.0, &worker.scope), |row| row.get(0)).optional()?)
}

/// Whether another worker has a task that `worker` could take if it came back.
fn is_pending(connection: &Connection, worker: &Registered) -> Result<bool, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT EXISTS (SELECT 1 FROM job JOIN task ON task.job = job.seq JOIN worker ON worker.id = ?1
         WHERE task.status = 'active' AND task.worker IS NOT worker.id AND {OPEN} AND {CAPABLE})"
    ))?;
    Ok(select.query_row((&worker.id.0, &worker.scope), |row| row.get(0))?)
}

fn take(tx: &Transaction<'_>, worker: &Registered, now: Timestamp) -> Result<Option<Assignment>, Fault> {
    let Some(task) = next(tx, worker)? else { return Ok(None) };
    change::happen(tx, task, TaskEvent::Claimed, "", now)?;
    tx.execute("UPDATE task SET worker = ?2, attempts = attempts + 1 WHERE seq = ?1", (task, &worker.id.0))?;
    let assignment = assignment(tx, task)?;
    tx.execute(
        "UPDATE worker SET task = ?2, job = ?3, mark = ?4, leader = NULL, last_seen = ?5 WHERE id = ?1",
        (&worker.id.0, &assignment.task.id.0, &assignment.job.id.0, &assignment.mark, rows::stored(now)),
    )?;
    Ok(Some(assignment))
}

fn assignment(tx: &Transaction<'_>, task: i64) -> Result<Assignment, Fault> {
    let query = format!(
        "SELECT {}, task.frames, task.commands, task.attempts, job.id FROM task JOIN job ON job.seq = task.job
         WHERE task.seq = ?1",
        rows::TASK
    );
    let (task, frames, commands, attempt, job) = tx.query_row(&query, (task,), |row| {
        Ok((rows::task(row)?, rows::json(row, 6)?, rows::json(row, 7)?, row.get(8)?, JobId(row.get(9)?)))
    })?;
    let job = super::jobs::job(tx, &job)?.ok_or_else(|| Fault::Missing(format!("job {job}")))?;
    Ok(Assignment { job, task, frames, commands, attempt, mark: Uuid::new_v4().to_string() })
}

fn give_up(tx: &Transaction<'_>, worker: &Registered, now: Timestamp) -> Result<(), Fault> {
    if let Some(task) = hopeless(tx, worker)? {
        change::happen(tx, task, TaskEvent::NobodyLeft, "every worker at work failed it", now)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::frame_set::FrameSet;
    use crate::base::status::{JobStatus, TaskStatus};
    use crate::manager::compile::{Compiled, CompiledTask};
    use crate::manager::local::{Ended, LocalSettings, WorkerOptions};
    use crate::manager::{Manager, RenderWork, Submission, Work};
    use crate::sys::process::Guard;

    struct Queue {
        local: Local,
        _folder: tempfile::TempDir,
    }

    impl Queue {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let local = Local::open(LocalSettings::new(folder.path().join("local"))).unwrap();
            Queue { local, _folder: folder }
        }

        /// A job of `count` tasks without commands.
        fn job(&self, count: usize) -> JobId {
            let work = RenderWork {
                blendfile: "/a.blend".into(),
                scene: None,
                frames: FrameSet::from_iter([1]),
                chunk_size: 1,
                render_output_path: "/o/#".into(),
                format: "PNG".into(),
                image_file_extension: ".png".into(),
            };
            let submission = Submission {
                name: "j".into(),
                priority: 50,
                metadata: std::collections::BTreeMap::new(),
                tag: None,
                paused: false,
                work: Work::SimpleBlenderRender(work),
            };
            let task = |n| CompiledTask {
                name: format!("t{n}"),
                task_type: "misc".into(),
                frames: FrameSet::default(),
                commands: Vec::new(),
            };
            let compiled = Compiled { job_type: "farm".into(), tasks: (1..=count).map(task).collect() };
            self.local.submit_compiled(&submission, &compiled).unwrap().id
        }

        fn workers(&self, count: usize) -> Vec<Registered> {
            let options = WorkerOptions::new(Guard::this_executable());
            (0..count).map(|_| self.local.sign_on(&options).unwrap()).collect()
        }

        fn take(&self, worker: &Registered) -> Option<Assignment> {
            match self.local.claim(worker).unwrap() {
                Claim::Taken(assignment) => Some(*assignment),
                Claim::Wait | Claim::Nothing => None,
            }
        }

        /// Lets the worker take a task and fail it.
        fn fail(&self, worker: &Registered) -> String {
            let taken = self.take(worker).expect("a task");
            self.local.finish(worker, &taken, Ended::Failed("no".into())).unwrap();
            taken.task.name
        }

        fn statuses(&self, job: &JobId) -> (JobStatus, String) {
            let tasks = self.local.tasks(job).unwrap();
            let words: Vec<&str> = tasks.iter().map(|task| task.status.as_str()).collect();
            (self.local.job(job).unwrap().unwrap().status, words.join(" "))
        }
    }

    #[test]
    fn a_task_is_taken_once_and_not_again_by_who_failed_it() {
        let queue = Queue::new();
        let job = queue.job(2);
        let workers = queue.workers(4);
        let names: Vec<&str> = workers.iter().map(|worker| worker.name.as_str()).collect();
        assert!(names[1].ends_with("-2") && names[3].ends_with("-4"), "{names:?}");
        assert_eq!(queue.fail(&workers[0]), "t1");
        assert_eq!(queue.statuses(&job), (JobStatus::Active, "soft-failed queued".into()));
        assert_eq!(queue.take(&workers[0]).unwrap().task.name, "t2");
        let again = queue.take(&workers[1]).unwrap();
        assert_eq!((again.task.name.as_str(), again.attempt), ("t1", 2));
        assert_eq!(again.task.status, TaskStatus::Active);
        assert!(matches!(queue.local.claim(&workers[2]).unwrap(), Claim::Wait));
    }

    #[test]
    fn a_third_worker_that_fails_a_task_fails_it_for_good() {
        let queue = Queue::new();
        let job = queue.job(20);
        let workers = queue.workers(6);
        for worker in &workers[..3] {
            assert_eq!(queue.fail(worker), "t1");
        }
        let (status, tasks) = queue.statuses(&job);
        assert_eq!((status, tasks.split(' ').next()), (JobStatus::Active, Some("failed")));
    }

    #[test]
    fn a_worker_that_fails_three_tasks_is_blocked_and_its_failures_are_reprieved() {
        let queue = Queue::new();
        let job = queue.job(40);
        let workers = queue.workers(6);
        // The third worker to fail the first task fails it for good; then it fails two more and is blocked.
        for worker in &workers[..3] {
            assert_eq!(queue.fail(worker), "t1");
        }
        assert_eq!((queue.fail(&workers[2]), queue.fail(&workers[2])), ("t2".into(), "t3".into()));
        assert!(queue.statuses(&job).1.starts_with("queued soft-failed soft-failed queued"));
        assert!(queue.take(&workers[2]).is_none());
        assert_eq!(queue.take(&workers[3]).unwrap().task.name, "t1");
    }

    #[test]
    fn a_job_whose_last_capable_worker_left_fails() {
        let queue = Queue::new();
        let job = queue.job(30);
        let workers = queue.workers(3);
        assert_eq!(queue.fail(&workers[0]), "t1");
        for worker in &workers[1..] {
            queue.local.sign_off(worker).unwrap();
        }
        for _ in 0..29 {
            let taken = queue.take(&workers[0]).unwrap();
            assert_eq!(queue.local.finish(&workers[0], &taken, Ended::Completed).unwrap(), Ended::Completed);
        }
        assert!(matches!(queue.local.claim(&workers[0]).unwrap(), Claim::Wait));
        let (status, tasks) = queue.statuses(&job);
        assert_eq!((status, tasks.split(' ').next()), (JobStatus::Failed, Some("failed")));
        assert!(matches!(queue.local.claim(&workers[0]).unwrap(), Claim::Nothing));
    }

    #[test]
    fn a_dead_workers_task_goes_back_at_the_next_look() {
        let queue = Queue::new();
        let job = queue.job(1);
        let workers = queue.workers(2);
        queue.take(&workers[0]).unwrap();
        assert!(matches!(queue.local.claim(&workers[1]).unwrap(), Claim::Wait));
        assert_eq!(queue.statuses(&job), (JobStatus::Active, "active".into()));
        assert!(queue.local.recover().unwrap().is_empty());
        let bury = |tx: &Transaction<'_>| {
            Ok(tx.execute(
                "UPDATE worker SET process = json_set(process, '$.start_time', 1) WHERE id = ?1",
                (&workers[0].id.0,),
            )?)
        };
        queue.local.write(bury).unwrap();
        assert_eq!(queue.statuses(&job), (JobStatus::Active, "queued".into()));
        assert_eq!(queue.take(&workers[1]).unwrap().attempt, 2);
    }

    /// The status of each task and whether a worker is named for it.
    fn holders(queue: &Queue, job: &JobId) -> Vec<(String, bool)> {
        let tasks = queue.local.tasks(job).unwrap();
        tasks.into_iter().map(|task| (task.status.to_string(), task.worker.is_some())).collect()
    }

    #[test]
    fn a_canceled_task_names_its_worker_only_while_that_may_still_write() {
        let queue = Queue::new();
        let job = queue.job(3);
        let workers = queue.workers(3);
        let [left, working, failing] = &workers[..] else { unreachable!("three were asked for") };
        // One gives its task back and goes home, one is at work when the job ends.
        let returned = queue.take(left).unwrap();
        queue.local.finish(left, &returned, Ended::Stopped).unwrap();
        queue.local.sign_off(left).unwrap();
        assert_eq!(queue.take(failing).unwrap().task.name, "t1");
        let at_work = queue.take(working).unwrap();
        queue.local.sign_off(failing).unwrap();
        queue.local.set_job_status(&job, JobStatus::CancelRequested, "").unwrap();
        let canceled = |held: bool| ("canceled".to_owned(), held);
        assert_eq!(holders(&queue, &job), [canceled(false), canceled(true), canceled(false)]);
        assert_eq!(queue.local.finish(working, &at_work, Ended::Stopped).unwrap(), Ended::Revoked);
        assert_eq!(holders(&queue, &job)[1], canceled(false));
    }

    #[test]
    fn a_report_on_a_task_that_was_taken_away_changes_nothing() {
        let queue = Queue::new();
        let job = queue.job(2);
        let worker = queue.workers(1).remove(0);
        let taken = queue.take(&worker).unwrap();
        assert!(queue.local.may_run(&worker, &taken).unwrap());
        queue.local.set_job_status(&job, JobStatus::CancelRequested, "").unwrap();
        assert!(!queue.local.may_run(&worker, &taken).unwrap());
        assert!(!queue.local.is_quiet(&job).unwrap());
        assert_eq!(queue.local.finish(&worker, &taken, Ended::Completed).unwrap(), Ended::Revoked);
        assert_eq!(queue.statuses(&job), (JobStatus::Canceled, "canceled canceled".into()));
        assert!(queue.local.is_quiet(&job).unwrap());
    }
}
