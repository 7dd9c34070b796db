//! Rendering on this machine: the local worker, and what farm does around each of its tasks.

use crate::base::counted::{agree, frames_named};
use crate::base::error::{Class, Failure};
use crate::base::frame_set::FrameSet;
use crate::base::name::Home;
use crate::base::rel_path::RelPath;
use crate::frames::expected::Role;
use crate::manager::local::{self, Ended, Local, Unready, WorkReport, WorkerHooks, WorkerOptions};
use crate::manager::{ManagerJob, ManagerTask};
use crate::ops::check::inputs::lost_inputs;
use crate::ops::check::job_files::{self, JobFile, Place};
use crate::ops::discard;
use crate::ops::ports::Ports;
use crate::ops::{check, release};
use crate::sys::http::without_credentials;
use crate::sys::process::environment;
use crate::volume::journal::Journal;
use crate::volume::lock::{Lock, LockError, LockWait, Requester, Scope, Waiting};
use crate::volume::release_file::{JobRecord, RunRecord};
use crate::volume::trash::Discard;
use std::ops::ControlFlow;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// How long a worker waits for a release's lock before it puts its task back.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// The journal's word for moving broken frames away before their task.
pub const JOURNAL_KIND: &str = "clear-frames";

/// Works the queue off as `options` say, until `stop`.
pub fn work(
    ports: &Ports<'_>,
    local: &Local,
    options: &WorkerOptions,
    stop: &AtomicBool,
) -> Result<WorkReport, Failure> {
    let blender = &local.settings().blender;
    if environment::find_program(blender).is_none() {
        let words = format!("Blender is not here: there is no program {blender:?}; no task was begun");
        return Err(Failure::new(Class::Failed, words).with_hint(
            "Install Blender, or name its executable in farm's configuration; `farm doctor` shows what farm looks for.",
        ));
    }
    Ok(local::work(local, options, &Around { ports }, stop)?)
}

/// Before a task: broken frames go to the trash, for Blender keeps whatever lies there. After it: are the frames there?
struct Around<'a> {
    ports: &'a Ports<'a>,
}

impl WorkerHooks for Around<'_> {
    fn before_task(
        &self,
        job: &ManagerJob,
        _task: &ManagerTask,
        frames: &FrameSet,
        go_on: &mut dyn FnMut() -> ControlFlow<()>,
    ) -> Result<(), Unready> {
        // Jobs that farm did not plan are left as they are.
        let Some((name, record)) = self.planned(job)? else { return Ok(()) };
        require_inputs(self.ports, &record)?;
        clear_broken(self.ports, &name, &record, frames, go_on)
    }

    fn check_task(&self, job: &ManagerJob, _task: &ManagerTask, frames: &FrameSet) -> Result<(), String> {
        // What cannot be looked up now says nothing against the task.
        let Ok(Some((name, record))) = self.planned(job) else { return Ok(()) };
        let is_of_revision = |run: &RunRecord| Some(run.id) == job.run_id() && run.revision == record.current().number;
        if !record.runs.iter().any(is_of_revision) {
            return Ok(());
        }
        require_frames(self.ports, &name, &record, frames)
    }

    fn after_task(&self, job: &ManagerJob, task: &ManagerTask, _frames: &FrameSet, ended: &Ended) {
        let name = job.job_ref().map_or_else(|| job.name.clone(), |reference| reference.to_string());
        match ended {
            Ended::Completed => {}
            Ended::Failed(why) => self.ports.progress.note(&format!("{name}: task {} failed: {why}", task.name)),
            Ended::Stopped => self.ports.progress.note(&format!("{name}: task {} is back in the queue", task.name)),
            Ended::Revoked => self.ports.progress.note(&format!("{name}: task {} was canceled", task.name)),
        }
    }
}

impl Around<'_> {
    /// The record of a job that farm planned, and its release.
    fn planned(&self, job: &ManagerJob) -> Result<Option<(Home, JobRecord)>, Failure> {
        let Some(reference) = job.job_ref() else { return Ok(None) };
        let Some(file) = release::load(self.ports.volume, &reference.home)? else { return Ok(None) };
        Ok(file.job(&reference.job).map(|record| (reference.home.clone(), record.clone())))
    }
}

/// Fails if a frame is not there. Blender ends well also where it wrote nothing: without a camera's scene, or with an output
/// that a script turned off. What File Output nodes write beside the frames is looked at when it is harvested.
fn require_frames(ports: &Ports<'_>, name: &Home, record: &JobRecord, frames: &FrameSet) -> Result<(), String> {
    let Ok(located) = job_files::locate(ports.volume, name, record, frames, &[]) else { return Ok(()) };
    let is_missing =
        |file: &&JobFile| matches!(file.place, Place::Nowhere) && !matches!(file.expected.role, Role::Pass { .. });
    let missing: Vec<&JobFile> = located.files.iter().filter(is_missing).collect();
    let Some(first) = missing.first() else { return Ok(()) };
    let frames = frames_named(&missing.iter().map(|file| file.expected.frame).collect());
    Err(format!(
        "Blender ended well, but {frames} {} not there: {}/{}; what it wrote into this log may say why",
        agree(missing.len(), "is", "are"),
        located.out,
        first.expected.path
    ))
}

/// Fails if something that the job renders from is gone or damaged: Blender would render pink in its place and end well.
fn require_inputs(ports: &Ports<'_>, record: &JobRecord) -> Result<(), Failure> {
    match &lost_inputs(ports.volume, record)?[..] {
        [] => Ok(()),
        [first, others @ ..] => {
            let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
            // A task's failure is told in one piece, without a next step of its own.
            let words = format!(
                "{} is not what was planned: {}{more}; give the command that planned it again, it copies it anew",
                first.path, first.cause
            );
            Err(Failure::new(Class::Failed, words))
        }
    }
}

/// Moves the broken files of these frames to the trash.
fn clear_broken(
    ports: &Ports<'_>,
    name: &Home,
    record: &JobRecord,
    frames: &FrameSet,
    go_on: &mut dyn FnMut() -> ControlFlow<()>,
) -> Result<(), Unready> {
    let broken = || check::broken_files(ports, name, record, frames);
    if broken()?.is_empty() {
        return Ok(());
    }
    let lock = lock_patiently(ports, name, go_on)?;
    // Looked at again: while this one waited, somebody may have mended them.
    Ok(discard(ports, &lock, broken()?)?)
}

/// The release's lock, waited for as long as `go_on` says. That somebody harvests another job of the release is no failure
/// of this task.
fn lock_patiently(ports: &Ports<'_>, name: &Home, go_on: &mut dyn FnMut() -> ControlFlow<()>) -> Result<Lock, Unready> {
    let requester = Requester { user: ports.actor.user.clone(), command: ports.actor.command.clone() };
    let mut is_told = false;
    let mut on_wait = |waiting: &Waiting| {
        if !std::mem::replace(&mut is_told, true) {
            let holder = waiting.holder.as_ref().map_or("somebody who cannot be told".into(), ToString::to_string);
            ports.progress.note(&format!("waiting for {}, locked by {holder}", waiting.scope));
        }
        go_on()
    };
    let scope = Scope::from(name);
    Lock::acquire(ports.volume, scope, &requester, LockWait::For(PATIENCE), &mut on_wait).map_err(|error| match error {
        LockError::Held { .. } | LockError::Unreadable { .. } => Unready::NotNow(error.to_string()),
        error => Unready::Failed(error.into()),
    })
}

/// Moves files of the lock's release to the trash, each for the reason beside it, in a transaction of their own.
pub fn discard(ports: &Ports<'_>, lock: &Lock, broken: Vec<(RelPath, String)>) -> Result<(), Failure> {
    if broken.is_empty() {
        return Ok(());
    }
    let discards: Vec<Discard> = broken.into_iter().map(|(path, reason)| Discard { path, reason }).collect();
    let paths: Vec<String> = discards.iter().map(|discard| discard.path.to_string()).collect();
    let journal = Journal::begin(ports.volume, lock, JOURNAL_KIND, &paths)?;
    discard::within(ports.volume, lock, journal.id(), &discards)?;
    journal.done(&paths.len())?;
    for discard in &discards {
        ports.progress.note(&format!("moved {} to the trash: {}", discard.path, discard.reason));
    }
    Ok(())
}

/// The local manager cannot be worked for while another Manager is configured.
pub fn refuse_remote(url: &str) -> Failure {
    let url = without_credentials(url);
    Failure::new(Class::Refused, format!("this machine's queue is not in use: the Manager is {url}"))
        .with_hint("Say --manager local to work on this machine's own queue.")
}
