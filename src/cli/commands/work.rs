//! `farm work`, and the waiting of `--wait`.

use crate::base::error::{Class, Failure};
use crate::base::name::ReleaseName;
use crate::cli::args::status::WorkArgs;
use crate::cli::exit;
use crate::cli::needs::{Context, catch_interrupts};
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::ManagerChoice;
use crate::manager::local::{Local, Scope, Staying, WorkReport, WorkerOptions};
use crate::ops::follow::{self, Hopeless};
use crate::ops::ports::{Actor, Ports, Progress as _};
use crate::ops::{release, work};
use crate::sys::interrupt::Interrupt;
use crate::sys::process::Guard;
use crate::volume::lock::LockWait;
use serde::Serialize;
use std::time::Duration;

/// How long a worker waits for a lock: a long harvest.
const PATIENCE: Duration = Duration::from_secs(3600);

/// When the runs that are waited for were submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// By this very call.
    Now,
    /// Before it.
    Earlier,
}

#[derive(Serialize)]
struct Document {
    schema: &'static str,
    completed: u64,
    failed: u64,
    requeued: u64,
    revoked: u64,
}

/// Works this machine's queue off.
pub fn run(args: &WorkArgs, context: &Context) -> Result<u8, Failure> {
    let (volume, settings) = context.volume()?;
    if let ManagerChoice::Flamenco(url) = &settings.manager {
        return Err(work::refuse_remote(url));
    }
    let local = context.local(&volume, &settings)?;
    let interrupt = catch_interrupts()?;
    let options = WorkerOptions {
        name: args.name.clone(),
        staying: if args.follow { Staying::Follow } else { Staying::UntilIdle },
        ..WorkerOptions::new(Guard::this_executable())
    };
    let progress = Progress::new(&context.output);
    let actor = patient(context.actor(&settings));
    let ports = Ports { volume: &volume, manager: &local, progress: &progress, actor: &actor };
    let report = work::work(&ports, &local, &options, interrupt.flag())?;
    progress.clear();
    let WorkReport { completed, failed, requeued, revoked } = report;
    let text =
        format!("{completed} task(s) done, {failed} failed, {requeued} put back, {revoked} cancelled meanwhile\n");
    context.output.result(&text, &Document { schema: "farm.work/1", completed, failed, requeued, revoked });
    match interrupt.signal() {
        Some(signal) => Err(interrupted(signal)),
        None if failed > 0 => Ok(exit::code(Class::Partial)),
        None => Ok(exit::DONE),
    }
}

/// Stays until the release is rendered: works its jobs in this process, submits missing frames anew, then reports.
pub fn follow_release(
    name: &ReleaseName,
    submitted: Submitted,
    lock_wait: Option<Duration>,
    context: &Context,
) -> Result<u8, Failure> {
    let (volume, mut settings) = context.volume()?;
    settings.lock_wait = lock_wait.unwrap_or(settings.lock_wait);
    let local = context.local(&volume, &settings)?;
    let interrupt = catch_interrupts()?;
    let progress = Progress::new(&context.output);
    let actor = patient(context.actor(&settings));
    let ports = Ports { volume: &volume, manager: &local, progress: &progress, actor: &actor };
    let mut tries = 0;
    loop {
        work_and_watch(&ports, &local, name, &interrupt)?;
        if let Some(signal) = interrupt.signal() {
            progress.clear();
            return Err(interrupted(signal));
        }
        if tries >= settings.wait_tries {
            break;
        }
        // What this call did not submit itself may have failed for a cause that is mended by now.
        let hopeless = if tries == 0 && submitted == Submitted::Earlier { Hopeless::Retry } else { Hopeless::Leave };
        let Some(frames) = follow::submit_missing(&ports, name, hopeless)? else { break };
        tries += 1;
        progress.note(&format!(
            "submitted frames {frames} again (run {tries} of at most {} for what is missing)",
            settings.wait_tries
        ));
    }
    let outcome = follow::outcome(&ports, name, tries)?;
    progress.clear();
    report(name, &outcome, context)
}

fn report(name: &ReleaseName, outcome: &follow::Followed, context: &Context) -> Result<u8, Failure> {
    let failure = outcome.failure(name);
    if !outcome.tail.is_empty() {
        context.output.say(&outcome.tail);
    }
    match failure {
        Some(failure) => Err(failure),
        None => {
            context.output.say(&render::plan::rendered(name, &outcome.frames));
            Ok(exit::DONE)
        }
    }
}

/// This thread works the release's jobs off; another one tells how far they are.
fn work_and_watch(ports: &Ports<'_>, local: &Local, name: &ReleaseName, interrupt: &Interrupt) -> Result<(), Failure> {
    let file = release::load(ports.volume, name)?;
    let runs = file.iter().flat_map(|file| &file.jobs).flat_map(|job| &job.runs);
    let jobs = runs.filter_map(|run| run.manager_job.clone());
    let options = WorkerOptions { scope: Scope::Jobs(jobs.collect()), ..WorkerOptions::new(Guard::this_executable()) };
    let (done, stop) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        let watcher = scope.spawn(move || follow::watch(ports, name, &stop));
        let worked = work::work(ports, local, &options, interrupt.flag());
        drop(done);
        let watched = watcher.join().unwrap_or_else(|_| Err(watcher_died()));
        worked.map(drop).and(watched)
    })
}

fn watcher_died() -> Failure {
    Failure::new(Class::Failed, "the part of farm that watches the release broke off")
        .with_hint("Give the same command again to go on; what was rendered is kept.")
}

/// A worker that finds a release locked (a harvest, a plan) waits: its task must not fail because of that.
fn patient(actor: Actor) -> Actor {
    Actor { lock_wait: LockWait::For(PATIENCE), ..actor }
}

fn interrupted(signal: i32) -> Failure {
    Failure::new(Class::Interrupted(signal), "interrupted; what was rendered is kept and the rest is in the queue")
        .with_hint("Run `farm work` to go on, or the same command again.")
}
