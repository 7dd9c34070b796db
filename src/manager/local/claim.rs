//! Taking the next task: one transaction, so that no two workers ever get the same one.

use super::presence::Registered;
use super::store::Fault;
use super::transition::{Tally, TaskEvent};
use super::{Local, change, rows};
use crate::base::frame_set::FrameSet;
use crate::base::ids::JobId;
use crate::base::status::TaskStatus;
use crate::base::time::Timestamp;
use crate::manager::compile::{self, Command};
use crate::manager::{ManagerError, ManagerJob, ManagerTask};
use crate::sys::clock;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction};
use std::time::Duration;
use uuid::Uuid;

/// SQL: whether `worker` may take `task` of `job`: its type, its tag, and not after failing it or being blocked.
pub(super) const CAPABLE: &str = "
    task.type IN (SELECT value FROM json_each(worker.task_types))
    AND (job.tag IS NULL OR job.tag IN (SELECT value FROM json_each(worker.tags))) -- as TAGGED
    AND NOT EXISTS (SELECT 1 FROM failure WHERE failure.task = task.seq AND failure.worker = worker.id)
    AND NOT EXISTS (SELECT 1 FROM block WHERE block.job = job.seq AND block.worker = worker.id
                                          AND block.task_type = task.type)";

/// SQL: whether `worker`, another one, works on `job`: whoever waits for a release takes the tasks of that alone.
pub(super) const IN_SCOPE: &str = "(worker.scope IS NULL OR job.id IN (SELECT value FROM json_each(worker.scope)))";

/// SQL: whether `worker` may take tasks of `job` at all.
const TAGGED: &str = "(job.tag IS NULL OR job.tag IN (SELECT value FROM json_each(worker.tags)))";

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
        match self.claim_now(worker) {
            // Somebody submits a large job, say: no reason for a worker to end, nor to be deaf until it is done.
            Err(fault) if fault.is_busy() => Ok(Claim::Wait),
            other => other.map_err(|fault| self.explain(fault)),
        }
    }

    fn claim_now(&self, worker: &Registered) -> Result<Claim, Fault> {
        // What cannot be brought back now (a renderer that another user must kill) is tried again at the next call.
        self.sweep(Duration::ZERO)?;
        let outlook = self.read_within(Duration::ZERO, |connection| outlook(connection, worker))?;
        match outlook.unwrap_or(Outlook::Nothing) {
            Outlook::Runnable => {
                let taken = self.write_within(Duration::ZERO, |tx| take(tx, worker, clock::now()))?;
                // Another worker may have been faster; then look again.
                Ok(taken.map_or(Claim::Wait, |assignment| Claim::Taken(Box::new(assignment))))
            }
            Outlook::Hopeless => {
                self.write_within(Duration::ZERO, |tx| give_up(tx, worker, clock::now()))?;
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
    let known = "SELECT EXISTS (SELECT 1 FROM worker WHERE id = ?1)";
    if !connection.prepare_cached(known)?.query_row((&worker.id.0,), |row| row.get(0))? {
        // It was silent for so long that another one got its name.
        return Err(Fault::Missing(format!("worker {} any more", worker.name)));
    }
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

/// The first task that `worker` may take: job by job, so that of a million tasks one is looked at.
fn next(connection: &Connection, worker: &Registered) -> Result<Option<i64>, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT job.seq, job.tally, worker.task_types FROM worker CROSS JOIN job
         WHERE worker.id = ?1 AND {OPEN} AND {TAGGED} ORDER BY job.priority DESC, job.seq"
    ))?;
    let mut jobs = select.query((&worker.id.0, &worker.scope))?;
    while let Some(row) = jobs.next()? {
        let (job, tally): (i64, Tally) = (row.get(0)?, rows::json(row, 1)?);
        if tally.waiting() == 0 {
            continue;
        }
        if let Some(task) = next_of_job(connection, worker, job, &rows::json::<Vec<String>>(row, 2)?)? {
            return Ok(Some(task));
        }
    }
    Ok(None)
}

/// The first waiting task of `job` that `worker` may take, by its position, whatever its type and however it waits.
fn next_of_job(connection: &Connection, worker: &Registered, job: i64, types: &[String]) -> Result<Option<i64>, Fault> {
    let mut is_blocked = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM block WHERE job = ?1 AND worker = ?2 AND task_type = ?3)")?;
    let mut first = connection.prepare_cached(
        "SELECT position, seq FROM task WHERE job = ?1 AND status = ?2 AND type = ?3
           AND NOT EXISTS (SELECT 1 FROM failure WHERE failure.task = task.seq AND failure.worker = ?4)
         ORDER BY position LIMIT 1",
    )?;
    let mut found: Option<(i64, i64)> = None;
    for task_type in types {
        if is_blocked.query_row((job, &worker.id.0, task_type), |row| row.get(0))? {
            continue;
        }
        for status in [TaskStatus::Queued, TaskStatus::SoftFailed] {
            let parameters = (job, status.as_str(), task_type, &worker.id.0);
            let next = first.query_row(parameters, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            found = found.into_iter().chain(next).min();
        }
    }
    Ok(found.map(|(_, seq)| seq))
}

/// A task that `worker` tried in vain, or is blocked from, and that no worker at work may take: its last chances left.
///
/// Either somebody failed that very task, or all workers that could take any of its type are blocked from the job:
/// both are looked for from the few failures and blocks, not from the tasks.
fn hopeless(connection: &Connection, worker: &Registered) -> Result<Option<i64>, Fault> {
    let queries = [
        format!(
            "SELECT task.seq FROM failure CROSS JOIN task ON task.seq = failure.task CROSS JOIN job ON job.seq = task.job
             WHERE task.status IN ('queued', 'soft-failed') AND {OPEN}
               AND NOT EXISTS (SELECT 1 FROM worker WHERE worker.status = 'awake' AND {CAPABLE} AND {IN_SCOPE})
               AND (failure.worker = ?1 OR EXISTS (
                     SELECT 1 FROM block WHERE block.job = job.seq AND block.worker = ?1 AND block.task_type = task.type))
             ORDER BY job.seq, task.position LIMIT 1"
        ),
        format!(
            "SELECT task.seq FROM block AS mine CROSS JOIN job ON job.seq = mine.job
             CROSS JOIN task ON task.job = job.seq AND task.status IN ('queued', 'soft-failed')
                                AND task.type = mine.task_type
             WHERE mine.worker = ?1 AND {OPEN}
               AND NOT EXISTS (
                     SELECT 1 FROM worker WHERE worker.status = 'awake' AND {TAGGED} AND {IN_SCOPE}
                       AND mine.task_type IN (SELECT value FROM json_each(worker.task_types))
                       AND NOT EXISTS (SELECT 1 FROM block WHERE block.job = mine.job AND block.worker = worker.id
                                                             AND block.task_type = mine.task_type))
             LIMIT 1"
        ),
    ];
    for query in queries {
        let mut select = connection.prepare_cached(&query)?;
        let found = select.query_row((&worker.id.0, &worker.scope), |row| row.get(0)).optional()?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(None)
}

/// Whether another worker has a task that `worker` could take if it came back.
fn is_pending(connection: &Connection, worker: &Registered) -> Result<bool, Fault> {
    let mut select = connection.prepare_cached(&format!(
        "SELECT EXISTS (SELECT 1 FROM worker CROSS JOIN job CROSS JOIN task ON task.job = job.seq
         WHERE worker.id = ?1 AND task.status = 'active' AND task.worker IS NOT worker.id AND {OPEN} AND {CAPABLE})"
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
        "SELECT {}, task.frames, task.attempts, job.id FROM task JOIN job ON job.seq = task.job WHERE task.seq = ?1",
        rows::TASK
    );
    let commands = tx.query_row(
        "SELECT commands, settings, frames FROM task JOIN job ON job.seq = task.job WHERE task.seq = ?1",
        (task,),
        commands,
    )?;
    let (task, frames, attempt, job) = tx.query_row(&query, (task,), |row| {
        Ok((rows::task(row)?, rows::json(row, 6)?, row.get(7)?, JobId(row.get(8)?)))
    })?;
    let job = super::jobs::job(tx, &job)?.ok_or_else(|| Fault::Missing(format!("job {job}")))?;
    Ok(Assignment { job, task, frames, commands, attempt, mark: Uuid::new_v4().to_string() })
}

/// The commands that were stored with the task, or those of the job's work for the task's frames.
fn commands(row: &Row<'_>) -> rusqlite::Result<Vec<Command>> {
    if !row.get_ref(0)?.as_str()?.is_empty() {
        return rows::json(row, 0);
    }
    let mut settings: serde_json::Value = rows::json(row, 1)?;
    settings["frames"] = rows::json(row, 2)?;
    let work = serde_json::from_value(settings)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(1, Type::Text, Box::new(error)))?;
    Ok(compile::commands(&work))
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
    use crate::base::status::JobStatus;
    use crate::manager::compile::{Compiled, CompiledTask};
    use crate::manager::local::{Ended, LocalSettings, Scope, WorkerOptions};
    use crate::manager::{Manager, RenderWork, Submission, Work};
    use crate::sys::process::Guard;

    struct Queue {
        local: Local,
        _folder: tempfile::TempDir,
    }

    fn submission(work: RenderWork) -> Submission {
        Submission {
            name: "j".into(),
            priority: 50,
            metadata: std::collections::BTreeMap::new(),
            tag: None,
            paused: false,
            work: Work::SimpleBlenderRender(work),
        }
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
                options: Default::default(),
            };
            let submission = submission(work);
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

    /// Whoever waits for a release takes nothing of another: a task that failed here must not wait for them.
    #[test]
    fn workers_on_other_jobs_are_no_hope_for_a_task() {
        let queue = Queue::new();
        let (job, other) = (queue.job(30), queue.job(1));
        let worker = queue.workers(1).remove(0);
        let scoped = |jobs: &[&JobId]| {
            let scope = Scope::Jobs(jobs.iter().map(|job| (*job).clone()).collect());
            let options = WorkerOptions { scope, ..WorkerOptions::new(Guard::this_executable()) };
            queue.local.sign_on(&options).unwrap()
        };
        let elsewhere = [(); 2].map(|()| scoped(&[&other]));
        let here = [(); 2].map(|()| scoped(&[&job, &other]));
        assert_eq!(queue.fail(&worker), "t1");
        assert_eq!(queue.statuses(&job).0, JobStatus::Active, "two others may take it");
        for gone in &here {
            queue.local.sign_off(gone).unwrap();
        }
        while let Some(taken) = queue.take(&worker) {
            queue.local.finish(&worker, &taken, Ended::Completed).unwrap();
        }
        let (status, tasks) = queue.statuses(&job);
        assert_eq!((status, tasks.split(' ').next()), (JobStatus::Failed, Some("failed")));
        assert_eq!(elsewhere.map(|worker| queue.take(&worker).is_some()), [false, false]);
    }

    #[test]
    fn a_queue_that_is_busy_for_long_is_waited_for() {
        let queue = Queue::new();
        queue.job(1);
        let worker = queue.workers(1).remove(0);
        let other = Connection::open(queue.local.settings().queue()).unwrap();
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        assert!(matches!(queue.local.claim(&worker).unwrap(), Claim::Wait), "it can look whether it shall stop");
        std::thread::scope(|scope| {
            let beat = scope.spawn(|| queue.local.write(|_| Ok(())));
            let look = scope.spawn(|| queue.local.jobs().map(|jobs| jobs.len()));
            clock::sleep(Duration::from_millis(1500));
            other.execute_batch("COMMIT").unwrap();
            beat.join().unwrap().unwrap();
            assert_eq!(look.join().unwrap().unwrap(), 1);
        });
        assert!(queue.take(&worker).is_some());
    }

    #[test]
    fn a_job_whose_only_worker_left_is_blocked_from_it_fails() {
        let queue = Queue::new();
        let job = queue.job(40);
        let workers = queue.workers(3);
        assert_eq!([(); 3].map(|()| queue.fail(&workers[0])), ["t1", "t2", "t3"]);
        assert!(matches!(queue.local.claim(&workers[0]).unwrap(), Claim::Nothing), "others can do the rest");
        for worker in &workers[1..] {
            queue.local.sign_off(worker).unwrap();
        }
        assert!(matches!(queue.local.claim(&workers[0]).unwrap(), Claim::Wait));
        assert_eq!(queue.statuses(&job).0, JobStatus::Failed);
        queue.local.check_integrity().unwrap();
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

    #[test]
    fn the_name_of_a_worker_that_is_gone_stays_while_tasks_tell_of_it() {
        let queue = Queue::new();
        let job = queue.job(1);
        let sign_on = || queue.workers(1).remove(0);
        let gone = sign_on();
        let taken = queue.take(&gone).unwrap();
        queue.local.finish(&gone, &taken, Ended::Completed).unwrap();
        queue.local.sign_off(&gone).unwrap();
        let next = sign_on();
        assert_eq!(next.name, gone.name);
        assert_eq!(queue.local.tasks(&job).unwrap()[0].worker_name.as_ref(), Some(&gone.name));
        let kept = || {
            let count = "SELECT count(*) FROM former_worker";
            queue.local.write(|tx| Ok(tx.query_row(count, (), |row| row.get::<_, i64>(0))?)).unwrap()
        };
        assert_eq!(kept(), 1);
        queue.local.sign_off(&next).unwrap();
        let next = sign_on();
        assert_eq!(kept(), 1, "its task is still there, and the other never had one");
        queue.local.delete_job(&job).unwrap();
        queue.local.sign_off(&next).unwrap();
        sign_on();
        assert_eq!(kept(), 0);
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

    /// Prints how long a million tasks take to submit, and each of them to take and to report.
    #[test]
    #[ignore = "a measurement: cargo test --lib a_million_tasks -- --ignored --nocapture"]
    fn a_million_tasks() {
        let count: i32 = std::env::var("TASKS").ok().and_then(|text| text.parse().ok()).unwrap_or(1_000_000);
        let queue = Queue::new();
        let worker = queue.workers(1).remove(0);
        let submission = submission(RenderWork {
            blendfile: "/volume/store/scenes/0123456789abcdef/scene.blend".into(),
            scene: None,
            frames: (1..=count).collect(),
            chunk_size: 1,
            render_output_path: "/volume/releases/r1/out/A/######".into(),
            format: "PNG".into(),
            image_file_extension: ".png".into(),
            options: Default::default(),
        });
        let watch = clock::Stopwatch::start();
        queue.local.check(&submission).unwrap();
        eprintln!("check of {count} tasks: {:?}", watch.elapsed());
        let watch = clock::Stopwatch::start();
        queue.local.submit(&submission).unwrap();
        eprintln!("submission of {count} tasks: {:?}", watch.elapsed());
        let (mut claims, mut reports) = (Duration::ZERO, Duration::ZERO);
        const ROUNDS: u32 = 10;
        for _ in 0..ROUNDS {
            let watch = clock::Stopwatch::start();
            let taken = queue.take(&worker).unwrap();
            claims += watch.elapsed();
            let watch = clock::Stopwatch::start();
            queue.local.finish(&worker, &taken, Ended::Completed).unwrap();
            reports += watch.elapsed();
        }
        eprintln!("taking: {:?} each, reporting: {:?} each", claims / ROUNDS, reports / ROUNDS);
        let peak = std::fs::read_to_string("/proc/self/status").unwrap();
        eprintln!("memory at most: {}", peak.lines().find(|line| line.starts_with("VmHWM")).unwrap());
        let file = std::fs::metadata(queue.local.settings().queue()).unwrap().len();
        eprintln!("queue: {} MB", file >> 20);
    }
}
