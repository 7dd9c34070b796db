//! One attempt at a task: its commands, one after the other, and what may end it early.

use super::claim::Assignment;
use super::command::{self, Halt};
use super::presence::Registered;
use super::store::{PATIENCE, PAUSE};
use super::task_log::TaskLog;
use super::{Local, Unready, WorkerHooks};
use crate::sys::clock::{self, Stopwatch};
use crate::sys::process::environment::find_program;
use crate::sys::process::renderer::{self, Ending, Launch, Watch};
use crate::sys::process::scratch::Scratch;
use crate::sys::process::stray::{self, Recorded};
use crate::sys::process::{Guard, ProcessId};
use std::ffi::{OsStr, OsString};
use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long a worker rests between looks at whether its task may go on, where no renderer runs.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How an attempt at a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Every command succeeded.
    Completed,
    /// A command failed; the words say why.
    Failed(String),
    /// The worker was told to stop, or could not begin now; the task is back in the queue.
    Stopped,
    /// The task was canceled or deleted meanwhile.
    Revoked,
}

/// What an attempt needs of its worker.
pub(super) struct Post<'a> {
    pub(super) local: &'a Local,
    pub(super) worker: &'a Registered,
    pub(super) hooks: &'a dyn WorkerHooks,
    pub(super) guard: &'a Guard,
    pub(super) stop: &'a AtomicBool,
}

/// An attempt at work.
pub(super) struct Attempt<'a> {
    pub(super) post: &'a Post<'a>,
    assignment: &'a Assignment,
    log: TaskLog,
    scratch: Scratch,
    /// The first process of the renderer that was started last.
    leader: Option<ProcessId>,
    /// Why it may not go on, once that is so.
    halt: Option<Halt>,
}

/// A renderer that could not be ended; the words say why.
#[derive(Debug)]
pub(super) struct RendererLives(pub(super) String);

/// Works on a task until it is done or may not go on. No process of it is left then, unless it could not be ended.
/// Reports nothing to the queue.
pub(super) fn run(post: &Post<'_>, assignment: &Assignment) -> Result<Ended, RendererLives> {
    let mut attempt = match Attempt::begin(post, assignment) {
        Ok(attempt) => attempt,
        Err(error) => return Ok(Ended::Failed(format!("cannot begin: {error}"))),
    };
    let outcome = attempt.prepare().and_then(|()| attempt.work());
    Ok(match outcome {
        Ok(()) => Ended::Completed,
        Err(Halt::Failed(words)) => {
            attempt.say(&words);
            Ended::Failed(words)
        }
        Err(Halt::Stopped) => {
            attempt.say("the task goes back into the queue");
            Ended::Stopped
        }
        Err(Halt::Revoked) => {
            attempt.say("the task was canceled");
            Ended::Revoked
        }
        Err(Halt::RendererLives(words)) => {
            attempt.say(&words);
            return Err(RendererLives(words));
        }
    })
}

impl<'a> Attempt<'a> {
    fn begin(post: &'a Post<'a>, assignment: &'a Assignment) -> io::Result<Self> {
        let log = TaskLog::begin(post.local, assignment, &post.worker.name)?;
        let scratch = Scratch::create(&post.local.settings.scratch(), &assignment.mark)?;
        Ok(Attempt { post, assignment, log, scratch, leader: None, halt: None })
    }

    fn prepare(&mut self) -> Result<(), Halt> {
        let Assignment { job, task, frames, .. } = self.assignment;
        let hooks = self.post.hooks;
        let mut go_on = || if self.look().is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) };
        let prepared = hooks.before_task(job, task, frames, &mut go_on);
        // What made it end early counts more than how that failed.
        self.look()?;
        match prepared {
            Ok(()) => Ok(()),
            Err(Unready::Failed(failure)) => Err(Halt::Failed(failure.message())),
            Err(Unready::NotNow(words)) => {
                self.say(&words);
                Err(Halt::Stopped)
            }
        }
    }

    fn work(&mut self) -> Result<(), Halt> {
        for command in &self.assignment.commands {
            self.look()?;
            command::run(command, self)?;
        }
        let Assignment { job, task, frames, .. } = self.assignment;
        self.post.hooks.check_task(job, task, frames).map_err(Halt::Failed)
    }

    /// Writes a line of farm's own to the log.
    pub(super) fn say(&mut self, words: &str) {
        self.output(format!("farm: {words}\n").as_bytes());
    }

    /// An error if the attempt may not go on.
    pub(super) fn look(&mut self) -> Result<(), Halt> {
        if self.halt.is_none() {
            self.halt = self.find_halt();
        }
        self.halt.clone().map_or(Ok(()), Err)
    }

    fn find_halt(&mut self) -> Option<Halt> {
        if self.post.stop.load(Ordering::Relaxed) {
            return Some(Halt::Stopped);
        }
        let Post { local, worker, .. } = self.post;
        // A queue that cannot be read now says nothing against the task.
        let revoked = local.may_run(worker, self.assignment).is_ok_and(|may| !may);
        revoked.then_some(Halt::Revoked)
    }

    /// Rests for `duration`, or until the attempt may not go on.
    pub(super) fn rest(&mut self, duration: Duration) -> Result<(), Halt> {
        let watch = Stopwatch::start();
        while !watch.has_passed(duration) {
            clock::sleep(LOOK_EVERY.min(duration.saturating_sub(watch.elapsed())));
            self.look()?;
        }
        Ok(())
    }

    /// Runs a program to its end; anything but exit code 0 is a failure.
    pub(super) fn run_program(&mut self, program: &str, arguments: &[String]) -> Result<(), Halt> {
        if find_program(program).is_none() {
            return Err(Halt::Failed(format!("there is no program {program:?} here")));
        }
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        let scratch = self.scratch.path().to_owned();
        let launch = Launch {
            guard: self.post.guard,
            program: OsStr::new(program),
            arguments: &arguments,
            mark: &self.assignment.mark,
            scratch: &scratch,
        };
        let ending = renderer::run(&launch, self);
        match ending {
            Ok(Ending::Succeeded) => Ok(()),
            Ok(Ending::Failed(code)) => Err(Halt::Failed(format!("{program} ended with exit code {code}"))),
            Ok(Ending::Killed(signal)) => Err(Halt::Failed(format!("{program} was killed by signal {signal}"))),
            Ok(Ending::Stopped) => self.look(),
            Err(error) => {
                self.see_it_gone(&error)?;
                self.look()?;
                Err(Halt::Failed(format!("cannot run {program}: {error}")))
            }
        }
    }

    /// An error if anything is left of the renderer: its task must not be given to another worker then.
    fn see_it_gone(&self, error: &io::Error) -> Result<(), Halt> {
        let record = Recorded { mark: self.assignment.mark.clone(), leader: self.leader.clone() };
        match stray::left(&record) {
            Ok(left) if left.is_empty() => Ok(()),
            _ => Err(Halt::RendererLives(format!(
                "the renderer of task {} cannot be ended: {error}. End it as its user, then run `farm recover`",
                self.assignment.task.name
            ))),
        }
    }
}

impl Watch for Attempt<'_> {
    fn started(&mut self, leader: &ProcessId) -> io::Result<()> {
        self.leader = Some(leader.clone());
        let watch = Stopwatch::start();
        loop {
            match self.post.local.record_renderer(self.post.worker, leader) {
                Err(fault) if fault.is_busy() && !watch.has_passed(PATIENCE) && self.look().is_ok() => {
                    clock::sleep(PAUSE);
                }
                Err(fault) => {
                    // Not the task's fault: it goes back.
                    self.halt.get_or_insert(Halt::Stopped);
                    self.say(&format!("the queue cannot be written: {fault}"));
                    return Err(io::Error::other(fault));
                }
                Ok(()) => return Ok(()),
            }
        }
    }

    fn output(&mut self, bytes: &[u8]) {
        self.log.write(bytes);
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let Assignment { job, task, .. } = self.assignment;
            self.post.hooks.line(job, task, &String::from_utf8_lossy(line));
        }
    }

    fn may_go_on(&mut self) -> bool {
        self.look().is_ok()
    }
}
