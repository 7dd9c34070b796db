//! `--wait`: staying until a release is rendered, by this machine's own queue or by a Flamenco Manager's workers.

use crate::base::error::{Class, Failure};
use crate::cli::exit;
use crate::cli::needs::{Context, catch_interrupts, flamenco};
use crate::cli::render;
use crate::cli::render::progress::Progress;
use crate::cli::settings::{ManagerChoice, Settings};
use crate::manager::Manager;
use crate::manager::local::{Local, Scope, WorkerOptions};
use crate::ops::follow::{self, Anew, Awaited, Followed, Hopeless, Told, Watching};
use crate::ops::plan::ReleasePlan;
use crate::ops::ports::{Actor, Ports, Progress as _};
use crate::ops::{release, work};
use crate::sys::interrupt::Interrupt;
use crate::sys::process::Guard;
use crate::volume::Volume;
use crate::volume::lock::LockWait;
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

/// How long a worker waits for a lock: a long harvest.
const PATIENCE: Duration = Duration::from_secs(3600);
/// How long workers may take to stop after their job has failed.
const SETTLING: Duration = Duration::from_secs(60);

/// When the runs that are waited for were submitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Submitted {
    /// By this very call.
    Now,
    /// Before it.
    Earlier,
}

/// Stays until what is waited for is rendered, submits missing frames anew, then reports.
pub fn follow_release(
    awaited: Awaited<'_>,
    submitted: Submitted,
    lock_wait: Option<Duration>,
    context: &Context,
) -> Result<u8, Failure> {
    report(awaited, &stay(awaited, submitted, lock_wait, context)?, context)
}

/// The same, and leaves the report to the caller.
pub fn stay(
    awaited: Awaited<'_>,
    submitted: Submitted,
    lock_wait: Option<Duration>,
    context: &Context,
) -> Result<Followed, Failure> {
    let (volume, mut settings) = context.volume()?;
    settings.lock_wait = lock_wait.unwrap_or(settings.lock_wait);
    let interrupt = catch_interrupts()?;
    let progress = match &settings.manager {
        // A worker of this machine puts its task back first.
        ManagerChoice::Local => Progress::new(&context.output),
        ManagerChoice::Flamenco(_) => Progress::new(&context.output).heeding(Arc::clone(&interrupt)),
    };
    let actor = patient(context.actor(&settings));
    let waiting = Waiting {
        awaited,
        volume: &volume,
        settings: &settings,
        progress: &progress,
        actor: &actor,
        told: Told::default(),
        interrupt,
    };
    let outcome = match &settings.manager {
        ManagerChoice::Local => {
            let local = context.local(&volume, &settings)?;
            waiting.until_rendered(&local, submitted, |ports| waiting.work_and_watch(ports, &local))
        }
        ManagerChoice::Flamenco(url) => {
            let manager = flamenco(url, &settings)?;
            waiting.until_rendered(&manager, submitted, |ports| waiting.watch(ports)).map_err(|end| match end.class() {
                Class::Interrupted(signal) if end.hint().is_none() => interrupted(signal, &manager),
                _ => end,
            })
        }
    };
    progress.clear();
    outcome
}

/// What is submitted paused, by a file or a saved plan, begins when a person says so.
pub fn refuse_to_wait_for_a_person(plan: &ReleasePlan) -> Result<(), Failure> {
    let Some(job) = plan.jobs.iter().find(|job| job.paused && !job.to_submit().is_empty()) else { return Ok(()) };
    let words = format!("{} is to be submitted paused, and --wait would wait for it", job.reference);
    Err(Failure::new(Class::Refused, words).with_hint("Leave --wait out, or the pause."))
}

/// One wait, with what it works on.
struct Waiting<'a> {
    awaited: Awaited<'a>,
    volume: &'a Volume,
    settings: &'a Settings,
    progress: &'a Progress<'a>,
    actor: &'a Actor,
    told: Told,
    interrupt: Arc<Interrupt>,
}

impl Waiting<'_> {
    /// Lets `go_on` bring the runs to their ends, and submits what is missing then, as often as the settings allow: with
    /// two workers Flamenco fails a whole job at the first failure of one task, and a new run has no list of failures.
    fn until_rendered(
        &self,
        manager: &dyn Manager,
        submitted: Submitted,
        go_on: impl Fn(&Ports<'_>) -> Result<(), Failure>,
    ) -> Result<Followed, Failure> {
        let ports = Ports { volume: self.volume, manager, progress: self.progress, actor: self.actor };
        let most = self.settings.wait_tries;
        let patience = self.patience(manager);
        let before = match submitted {
            Submitted::Now => HashSet::new(),
            Submitted::Earlier => follow::through_outages(&ports, patience, || follow::canceled(&ports, self.awaited))?,
        };
        let mut tries = 0;
        loop {
            go_on(&ports)?;
            if let Some(signal) = self.interrupt.signal() {
                return Err(interrupted(signal, manager));
            }
            // What this call did not submit itself may have failed for a cause that is mended by now.
            let hopeless = match submitted {
                Submitted::Earlier if tries == 0 => Hopeless::RetryCanceledBefore(&before),
                _ => Hopeless::Leave,
            };
            if tries < most && self.submit_missing(&ports, hopeless, tries + 1)? {
                tries += 1;
                continue;
            }
            let outcome = || follow::outcome(&ports, self.awaited, tries);
            let outcome = follow::through_outages(&ports, patience, outcome)?;
            // Somebody else who waits for the release has submitted it anew: that is what is waited for then.
            if !manager.is_remote() || !outcome.goes_on {
                return Ok(outcome);
            }
        }
    }

    /// Whether anything had to be submitted again, as the try of this number.
    fn submit_missing(&self, ports: &Ports<'_>, hopeless: Hopeless<'_>, number: u32) -> Result<bool, Failure> {
        let submit = || follow::submit_missing(ports, self.awaited, hopeless, Anew::default(), &self.told);
        let again = follow::through_outages(ports, self.patience(ports.manager), submit)?;
        if !again.submitted.is_empty() {
            let (what, most) = (again.words(), self.settings.wait_tries);
            self.progress.note(&format!("submitted {what} again (run {number} of at most {most} for what is missing)"));
        }
        Ok(!again.submitted.is_empty())
    }

    /// This machine's own queue is never away.
    fn patience(&self, manager: &dyn Manager) -> Duration {
        if manager.is_remote() { self.settings.wait_patience } else { Duration::ZERO }
    }

    /// This thread works the release's jobs off; another one tells how far they are.
    fn work_and_watch(&self, ports: &Ports<'_>, local: &Local) -> Result<(), Failure> {
        let file = release::load(ports.volume, self.awaited.home)?;
        let jobs = file.iter().flat_map(|file| &file.jobs).filter(|job| self.awaited.has(&job.name));
        let runs = jobs.flat_map(|job| &job.runs);
        let jobs = runs.filter_map(|run| run.manager_job.clone());
        let options =
            WorkerOptions { scope: Scope::Jobs(jobs.collect()), ..WorkerOptions::new(Guard::this_executable()) };
        let (done, stop) = channel();
        std::thread::scope(|scope| {
            let watching = Watching { stop, patience: Duration::ZERO, told: &self.told };
            let watcher = scope.spawn(move || follow::watch(ports, self.awaited, &watching));
            let worked = work::work(ports, local, &options, self.interrupt.flag());
            drop(done);
            let watched = watcher.join().unwrap_or_else(|_| Err(watcher_died()));
            worked.map(drop).and(watched)
        })
    }

    /// Others render: this one looks on until nobody is at it any more.
    fn watch(&self, ports: &Ports<'_>) -> Result<(), Failure> {
        let (_running, stop) = channel();
        follow::watch(
            ports,
            self.awaited,
            &Watching { stop, patience: self.settings.wait_patience, told: &self.told },
        )?;
        follow::through_outages(ports, self.settings.wait_patience, || {
            follow::end_doubled(ports, self.awaited)?;
            follow::settle(ports, self.awaited, SETTLING)
        })
    }
}

fn report(awaited: Awaited<'_>, outcome: &Followed, context: &Context) -> Result<u8, Failure> {
    let failure = outcome.failure(&awaited);
    if !outcome.tail.is_empty() {
        context.output.say(&outcome.tail);
    }
    match failure {
        Some(failure) => Err(failure),
        None => {
            context.output.say(&render::plan::rendered(&awaited, outcome));
            Ok(exit::DONE)
        }
    }
}

fn watcher_died() -> Failure {
    Failure::new(Class::Failed, "the part of farm that watches the release broke off")
        .with_hint("Give the same command again to go on; what was rendered is kept.")
}

/// A worker that finds a release locked (a harvest, a plan) waits: its task must not fail because of that.
pub fn patient(actor: Actor) -> Actor {
    Actor { lock_wait: LockWait::For(PATIENCE), ..actor }
}

fn interrupted(signal: i32, manager: &dyn Manager) -> Failure {
    let class = Class::Interrupted(signal);
    match manager.is_remote() {
        true => Failure::new(
            class,
            format!("interrupted; the jobs stay with {}, whose workers may go on rendering", manager.address()),
        )
        .with_hint("`farm status` shows how far they are; the same command stays with them again."),
        false => in_this_queue(signal),
    }
}

/// What somebody who interrupted a worker of this machine has to know.
pub fn in_this_queue(signal: i32) -> Failure {
    Failure::new(Class::Interrupted(signal), "interrupted; what was rendered is kept and the rest is in the queue")
        .with_hint("Run `farm work` to go on, or the same command again.")
}
