//! The worker: takes tasks from the queue and works them off, one at a time.

use super::Local;
use super::attempt::{self, Ended, Post, RendererLives};
use super::claim::{Assignment, Claim};
use super::presence::Registered;
use crate::base::error::Failure;
use crate::base::frame_set::FrameSet;
use crate::base::ids::JobId;
use crate::manager::{ManagerError, ManagerJob, ManagerTask};
use crate::sys::clock;
use crate::sys::process::Guard;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

/// How long a worker rests while another one's task may come back.
const WAIT: Duration = Duration::from_millis(200);
/// How long a worker that stays rests while the queue has nothing for it.
const IDLE: Duration = Duration::from_secs(1);

/// How often a worker gives a sign of life.
const BEAT_EVERY: Duration = Duration::from_secs(10);

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

/// Why a task cannot be begun.
#[derive(Debug)]
pub enum Unready {
    /// It fails, with this failure's message.
    Failed(Failure),
    /// Not now, for this reason: it goes back into the queue.
    NotNow(String),
}

impl From<Failure> for Unready {
    fn from(failure: Failure) -> Self {
        Unready::Failed(failure)
    }
}

/// What others do around a worker's tasks. All of it is called on the worker's own thread.
pub trait WorkerHooks {
    /// Before the first command of a task. Whoever takes long asks `go_on` about twice a second, and ends when it says so:
    /// then the worker was told to stop, or the task was canceled.
    fn before_task(
        &self,
        _job: &ManagerJob,
        _task: &ManagerTask,
        _frames: &FrameSet,
        _go_on: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<(), Unready> {
        Ok(())
    }
    /// After the last command of a task has ended well. The words say why the task failed nevertheless.
    fn check_task(&self, _job: &ManagerJob, _task: &ManagerTask, _frames: &FrameSet) -> Result<(), String> {
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
    /// Tasks put back because the worker was stopped, or could not begin them.
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
    let done = std::thread::scope(|scope| {
        // It goes away with this closure, also in a panic, and the signs of life end.
        let (_alive, ends) = mpsc::channel();
        scope.spawn(|| give_signs(local, &worker, ends));
        take_tasks(&post, options.staying)
    });
    match done {
        Ok(report) => {
            on_duty.end()?;
            Ok(report)
        }
        Err(Leaving::Failed(error)) => Err(error),
        Err(Leaving::RendererLives(message)) => {
            on_duty.desert()?;
            Err(ManagerError::Queue { message, next: "End that renderer as its user, then run `farm recover`.".into() })
        }
    }
}

/// Says every ten seconds that the worker lives, whatever it is busy with, until `ends` hangs up.
fn give_signs(local: &Local, worker: &Registered, ends: mpsc::Receiver<()>) {
    while ends.recv_timeout(BEAT_EVERY) == Err(mpsc::RecvTimeoutError::Timeout) {
        let _ = local.beat(worker); // A sign that cannot be given now is given the next time.
    }
}

/// Why a worker leaves before its work is done.
enum Leaving {
    Failed(ManagerError),
    /// It cannot end its renderer, so nobody may take its task.
    RendererLives(String),
}

impl From<ManagerError> for Leaving {
    fn from(error: ManagerError) -> Self {
        Leaving::Failed(error)
    }
}

fn take_tasks(post: &Post<'_>, staying: Staying) -> Result<WorkReport, Leaving> {
    let mut report = WorkReport::default();
    while !post.stop.load(Ordering::Relaxed) {
        match post.local.claim(post.worker)? {
            Claim::Taken(assignment) => report.count(&work_on(post, &assignment)?),
            Claim::Wait => clock::sleep(WAIT),
            Claim::Nothing if staying == Staying::Follow => rest(IDLE, post.stop),
            Claim::Nothing => break,
        }
    }
    Ok(report)
}

fn work_on(post: &Post<'_>, assignment: &Assignment) -> Result<Ended, Leaving> {
    let ended = attempt::run(post, assignment).map_err(|RendererLives(words)| Leaving::RendererLives(words))?;
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
    fn desert(self) -> Result<(), ManagerError> {
        let done = self.local.desert(self.worker);
        std::mem::forget(self);
        done
    }

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
