//! The worker: takes tasks from the queue and works them off, one at a time.

use super::Local;
use super::attempt::{self, Ended, Post};
use super::claim::{Assignment, Claim};
use super::presence::Registered;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::JobId;
use crate::manager::{ManagerError, ManagerJob, ManagerTask};
use crate::sys::clock;
use crate::sys::process::Guard;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a worker rests while another one's task may come back.
const WAIT: Duration = Duration::from_millis(200);
/// How long a worker that stays rests while the queue has nothing for it.
const IDLE: Duration = Duration::from_secs(1);

/// Whether a worker ends when the queue has nothing for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staying {
    /// It ends.
    UntilIdle,
    /// It waits for more until it is told to stop.
    Follow,
}

/// Whose tasks a worker takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Everything,
    /// Those of these jobs.
    Jobs(Vec<JobId>),
}

impl Scope {
    pub(super) fn jobs(&self) -> Option<&[JobId]> {
        match self {
            Scope::Everything => None,
            Scope::Jobs(jobs) => Some(jobs),
        }
    }
}

/// How a worker works.
#[derive(Debug, Clone)]
pub struct WorkerOptions {
    /// Its name; the host's by default. With `-2` and so on behind it if that is taken.
    pub name: Option<String>,
    /// The task types that it takes.
    pub task_types: Vec<String>,
    /// Its tags: it takes tasks of jobs with one of them, beside those without any.
    pub tags: Vec<String>,
    /// Whose tasks it takes.
    pub scope: Scope,
    /// Whether it waits for more.
    pub staying: Staying,
    /// Through which renderers are started.
    pub guard: Guard,
}

impl WorkerOptions {
    /// A worker for everything (Flamenco's task types, no tags), which ends when nothing is left.
    pub fn new(guard: Guard) -> Self {
        WorkerOptions {
            name: None,
            task_types: ["blender", "ffmpeg", "file-management", "misc"].map(Into::into).to_vec(),
            tags: Vec::new(),
            scope: Scope::Everything,
            staying: Staying::UntilIdle,
            guard,
        }
    }
}

/// What others do around a worker's tasks. All of it is called on the worker's own thread.
pub trait WorkerHooks {
    /// Before the first command of a task. A failure fails the task with its message.
    fn before_task(&self, _job: &ManagerJob, _task: &ManagerTask, _frames: &FrameSet) -> Result<(), Failure> {
        Ok(())
    }
    /// After a task, when the queue knows how it ended. `job` and `task` are as they were when it was taken.
    fn after_task(&self, _job: &ManagerJob, _task: &ManagerTask, _frames: &FrameSet, _ended: &Ended) {}
    /// A line of a task's log, without its end. It comes from the renderer: escape it before a terminal sees it.
    fn line(&self, _job: &ManagerJob, _task: &ManagerTask, _line: &str) {}
}

/// Nothing is done around the tasks.
impl WorkerHooks for () {}

/// How many attempts ended how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WorkReport {
    /// Tasks completed.
    pub completed: u64,
    /// Attempts that failed.
    pub failed: u64,
    /// Tasks put back because the worker was stopped.
    pub requeued: u64,
    /// Tasks canceled or deleted while they were worked on.
    pub revoked: u64,
}

impl WorkReport {
    fn count(&mut self, ended: &Ended) {
        let counter = match ended {
            Ended::Completed => &mut self.completed,
            Ended::Failed(_) => &mut self.failed,
            Ended::Stopped => &mut self.requeued,
            Ended::Revoked => &mut self.revoked,
        };
        *counter += 1;
    }
}

/// Works the queue off until it has nothing for this worker (or, with [`Staying::Follow`], for ever), or until `stop`.
///
/// Renderers end with the thread that calls this. Many workers may work at once, in one process or in many.
pub fn work(
    local: &Local,
    options: &WorkerOptions,
    hooks: &dyn WorkerHooks,
    stop: &AtomicBool,
) -> Result<WorkReport, ManagerError> {
    local.recover()?;
    let worker = local.sign_on(options)?;
    let on_duty = OnDuty { local, worker: &worker };
    let post = Post { local, worker: &worker, hooks, guard: &options.guard, stop };
    let mut report = WorkReport::default();
    while !stop.load(Ordering::Relaxed) {
        match local.claim(&worker)? {
            Claim::Taken(assignment) => report.count(&work_on(&post, &assignment)?),
            Claim::Wait => clock::sleep(WAIT),
            Claim::Nothing if options.staying == Staying::Follow => rest(IDLE, stop),
            Claim::Nothing => break,
        }
    }
    on_duty.end()?;
    Ok(report)
}

fn work_on(post: &Post<'_>, assignment: &Assignment) -> Result<Ended, ManagerError> {
    let ended = attempt::run(post, assignment);
    let ended = post.local.finish(post.worker, assignment, ended)?;
    let Assignment { job, task, frames, .. } = assignment;
    post.hooks.after_task(job, task, frames, &ended);
    Ok(ended)
}

fn rest(duration: Duration, stop: &AtomicBool) {
    let watch = clock::Stopwatch::start();
    while !watch.has_passed(duration) && !stop.load(Ordering::Relaxed) {
        clock::sleep(WAIT);
    }
}

/// Signs the worker off however its work ends, so that its task is not held up by a living process.
struct OnDuty<'a> {
    local: &'a Local,
    worker: &'a Registered,
}

impl OnDuty<'_> {
    fn end(self) -> Result<(), ManagerError> {
        let done = self.local.sign_off(self.worker);
        std::mem::forget(self);
        done
    }
}

impl Drop for OnDuty<'_> {
    fn drop(&mut self) {
        // The error that ended the work is the one to tell.
        let _ = self.local.sign_off(self.worker);
    }
}
